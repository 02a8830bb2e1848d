//! Numbers, words and marks of a text with their places.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ASCII digits.
    Number,
    /// Letters.
    Word,
    /// Any other character that is not white space.
    Mark,
}

/// One token.
#[derive(Clone, Debug)]
pub struct Token<'a> {
    /// As written.
    pub text: &'a str,
    /// What it is.
    pub kind: Kind,
    /// Its first byte in the text.
    pub start: usize,
    /// Whether it follows the token before it without white space.
    pub glued: bool,
}

/// Splits a text; digits and letters that touch are two tokens ("Q1", "2nd").
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let kind_of = |character: char| match character {
        '0'..='9' => Some(Kind::Number),
        character if character.is_alphabetic() => Some(Kind::Word),
        character if character.is_whitespace() => None,
        _ => Some(Kind::Mark),
    };
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut glued = false;
    for (start, character) in text.char_indices() {
        let Some(kind) = kind_of(character) else {
            glued = false;
            continue;
        };
        let end = start + character.len_utf8();
        match tokens.last_mut() {
            Some(last) if glued && last.kind == kind && kind != Kind::Mark => last.text = &text[last.start..end],
            _ => tokens.push(Token { text: &text[start..end], kind, start, glued }),
        }
        glued = true;
    }
    tokens
}
