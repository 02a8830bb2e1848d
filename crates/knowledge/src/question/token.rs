//! A question as words, numbers and symbols, each with its place in the text.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Letters, or letters and digits.
    Word,
    /// A number, a date in digits included.
    Number,
    /// One other character.
    Symbol,
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// As written, without a possessive ending.
    pub text: String,
    /// Lower case.
    pub lower: String,
    /// Byte offset of the first character.
    pub start: usize,
    /// Byte offset after the last character, a possessive ending left out.
    pub end: usize,
    /// What it is.
    pub kind: TokenKind,
    /// Whether it begins a sentence.
    pub initial: bool,
    /// Whether a possessive ending was cut off.
    pub possessive: bool,
    /// Whether a currency sign stands before it or a per cent sign after it.
    pub marked: bool,
}

impl Token {
    /// The number that the token writes, if it is one: "1,640.55", "20".
    pub fn number(&self) -> Option<f64> {
        let digits: String = self.text.chars().filter(|character| *character != ',').collect();
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        (self.kind == TokenKind::Number && plain).then(|| digits.parse().ok()).flatten()
    }

    /// Whether every letter is a capital, of which there is at least one.
    pub fn all_capitals(&self) -> bool {
        self.text.chars().any(char::is_uppercase) && !self.text.chars().any(char::is_lowercase)
    }

    /// Whether it begins with a capital.
    pub fn capitalised(&self) -> bool {
        self.text.chars().next().is_some_and(char::is_uppercase)
    }
}

/// Characters that join what stands on both sides of them into one token.
fn joins(before: char, joiner: char, after: char) -> bool {
    let (digit_before, digit_after) = (before.is_ascii_digit(), after.is_ascii_digit());
    match joiner {
        '.' => before.is_alphanumeric() && after.is_alphanumeric(),
        ',' => digit_before && digit_after,
        '&' | '\'' | '\u{2019}' => before.is_alphanumeric() && after.is_alphanumeric(),
        '/' | '-' => digit_before && digit_after,
        _ => false,
    }
}

/// Splits a text into tokens.
///
/// Digits joined by hyphens, slashes or points stay together ("2019-03-08", "11/20/2018", "1,640.55"); words are split
/// at hyphens, the hyphen being a symbol of its own; "Apple's" loses its ending and is marked possessive.
pub fn tokens(text: &str) -> Vec<Token> {
    let characters: Vec<(usize, char)> = text.char_indices().collect();
    let offset = |index: usize| characters.get(index).map_or(text.len(), |(offset, _)| *offset);
    let mut tokens: Vec<Token> = Vec::new();
    let mut index = 0;
    let mut initial = true;
    while index < characters.len() {
        let first = characters[index].1;
        if !first.is_alphanumeric() {
            let amount = |last: &&mut Token| last.kind == TokenKind::Number && !last.text.contains(['/', '-']);
            if first == '%'
                && let Some(last) = tokens.last_mut().filter(amount)
            {
                last.marked = true;
            } else if !first.is_whitespace() {
                tokens.push(Token {
                    text: first.to_string(),
                    lower: first.to_string(),
                    start: offset(index),
                    end: offset(index + 1),
                    kind: TokenKind::Symbol,
                    initial: false,
                    possessive: false,
                    marked: false,
                });
                initial |= matches!(first, '?' | '!' | ';' | ':')
                    || (first == '.' && characters.get(index + 1).is_none_or(|next| next.1.is_whitespace()));
            }
            index += 1;
            continue;
        }
        let begin = index;
        while index < characters.len() {
            let here = characters[index].1;
            if here.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&here) {
                index += 1;
            } else if index + 1 < characters.len() && joins(characters[index - 1].1, here, characters[index + 1].1) {
                index += 2;
            } else {
                break;
            }
        }
        let start = offset(begin);
        // "4-8" is two numbers, "2019-03" a month.
        if let Some((first, second)) = text[start..offset(index)].split_once('-')
            && first.bytes().chain(second.bytes()).all(|byte| byte.is_ascii_digit())
            && !(first.len() == 4 && second.len() == 2)
        {
            index = begin + first.len();
        }
        let mut end = offset(index);
        let mut written = &text[start..end];
        let mut possessive = false;
        for ending in ["'s", "\u{2019}s", "'S", "\u{2019}S"] {
            if let Some(stem) = written.strip_suffix(ending) {
                (written, possessive, end) = (stem, true, end - ending.len());
            }
        }
        let numeric = written.chars().all(|character| character.is_ascii_digit() || "-/.,".contains(character));
        tokens.push(Token {
            text: written.to_owned(),
            lower: written.to_lowercase(),
            start,
            end,
            kind: if numeric { TokenKind::Number } else { TokenKind::Word },
            initial,
            possessive,
            marked: begin > 0 && matches!(characters[begin - 1].1, '$' | '\u{20ac}' | '\u{a3}' | '\u{a5}'),
        });
        initial = false;
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(question: &str) -> Vec<String> {
        tokens(question).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn dates_numbers_and_names_stay_together() {
        assert_eq!(
            texts("AT&T closed at $1,640.55 on 2019-03-08?"),
            ["AT&T", "closed", "at", "$", "1,640.55", "on", "2019-03-08", "?"]
        );
        assert_eq!(texts("Coca-Cola's 11/20/2018, BRK.B"), ["Coca", "-", "Cola", "11/20/2018", ",", "BRK.B"]);
    }

    #[test]
    fn possessives_money_and_sentence_starts_are_marked() {
        let tokens = tokens("Apple's close above $20? Rose 5%.");
        assert!(tokens[0].possessive && tokens[0].initial && tokens[0].text == "Apple");
        assert!(tokens.iter().find(|token| token.text == "20").unwrap().marked);
        assert!(tokens.iter().find(|token| token.text == "Rose").unwrap().initial);
        assert!(tokens.iter().find(|token| token.text == "5").unwrap().marked);
    }

    proptest! {
        #[test]
        fn every_token_is_where_it_says(text in ".{0,60}") {
            let mut end = 0;
            for token in tokens(&text) {
                prop_assert!(token.start >= end);
                prop_assert_eq!(&text[token.start..token.end], &token.text);
                end = token.end;
            }
        }
    }
}
