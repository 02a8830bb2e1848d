//! Several questions in one text, told apart.

use super::token::{self, Token, TokenKind};
use super::words::{self, Cue};

/// Whether a word asks: what, how, did.
fn interrogative(token: &Token) -> bool {
    matches!(token.lower.as_str(), "what" | "which" | "how" | "when" | "where" | "who" | "whose" | "why")
}

/// Whether words are a question or a request of their own, and not the end of one.
fn asks(tokens: &[Token]) -> bool {
    let words = tokens.iter().filter(|token| token.kind != TokenKind::Symbol);
    let first = words.clone().find(|token| !matches!(token.lower.as_str(), "and" | "also" | "then" | "but" | "so"));
    let begins = first.is_some_and(|token| {
        interrogative(token) || matches!(words::cue(&token.lower), Some(Cue::What | Cue::Whether | Cue::Compare))
    });
    words.count() >= 3 && begins
}

/// Whether a part of a text is a question or request itself.
pub(super) fn asks_itself(text: &str) -> bool {
    token::tokens(text).iter().any(interrogative_or_request)
}

/// Whether words only ask after what stands before them: "Why was that?", "and why?", "What is that?"
pub(super) fn only_asks_after(text: &str) -> bool {
    let tokens = token::tokens(text);
    let mut words = tokens.iter().filter(|token| token.kind != TokenKind::Symbol).map(|token| token.lower.as_str());
    let (mut why, mut what, mut refers) = (false, false, false);
    words.all(|word| {
        why |= word == "why";
        what |= word == "what";
        let back = matches!(word, "that" | "this" | "it");
        refers |= back;
        back || matches!(
            word,
            "and" | "but" | "why" | "what" | "was" | "is" | "did" | "does" | "so" | "happen" | "mean"
        )
    }) && (why || what && refers)
}

/// Whether a sentence says what is not asked for: "Ignore the volume.", "I already know the open", "Not the close."
fn dismisses(words: &[&str]) -> bool {
    const OPENINGS: &[&[&str]] = &[
        &["ignore"],
        &["forget"],
        &["disregard"],
        &["skip"],
        &["never", "mind"],
        &["i", "already", "know"],
        &["i", "already", "have"],
        &["i", "know"],
        &["i", "don't", "care"],
        &["i", "don't", "need"],
        &["i", "don't", "want"],
        &["i", "do", "not"],
        &["no", "not"],
        &["not", "the"],
    ];
    OPENINGS.iter().any(|opening| words.starts_with(opening))
}

/// The text without the sentences that say what is not asked for, where something is left.
pub(super) fn without_dismissals(text: &str) -> Option<String> {
    let tokens = token::tokens(text);
    let mut sentences = vec![0];
    sentences.extend((1..tokens.len()).filter(|at| {
        matches!(tokens[at - 1].text.as_str(), "?" | "!" | ";")
            || tokens[at - 1].text == "." && tokens[*at].initial && tokens[*at].capitalised()
    }));
    let ends: Vec<usize> = sentences.iter().skip(1).copied().chain([tokens.len()]).collect();
    let mut kept = Vec::new();
    for (start, end) in sentences.iter().copied().zip(ends.iter().copied()).filter(|(start, end)| start < end) {
        let words: Vec<&str> = tokens[start..end]
            .iter()
            .filter(|token| token.kind != TokenKind::Symbol)
            .map(|token| token.lower.as_str())
            .collect();
        if !dismisses(&words) {
            kept.push(&text[tokens[start].start..tokens[end - 1].end]);
        }
    }
    (!kept.is_empty() && kept.len() < sentences.len()).then(|| kept.join(" "))
}

/// The questions of a text, in their order; one for a text that does not clearly hold several.
pub(super) fn questions(text: &str) -> Vec<&str> {
    let tokens = token::tokens(text);
    let mut starts = vec![0];
    for index in 1..tokens.len() {
        let begun = *starts.last().unwrap_or(&0);
        let before = &tokens[begun..index];
        let long = before.iter().filter(|token| token.kind != TokenKind::Symbol).count() >= 3;
        if !long {
            continue;
        }
        let rest = &tokens[index..];
        let word = |offset: usize| rest.get(offset).map_or("", |token| token.lower.as_str());
        let ended = matches!(tokens[index - 1].text.as_str(), "?" | "!" | ";")
            || tokens[index - 1].text == "." && tokens[index].initial && tokens[index].capitalised();
        let fragment = tokens[index - 1].text == ";" && rest.len() >= 2;
        // "and how volatile was it", ", then its trend": what stands before is a question already.
        let and = matches!(word(0), "and" | "also" | "then") && tokens[index - 1].text != ";";
        let next = usize::from(matches!(word(1), "also" | "then"));
        let another = and
            && before.iter().any(interrogative_or_request)
            && (rest.get(1 + next).is_some_and(interrogative) && rest.len() > 2 + next
                || word(0) == "then" && matches!(word(1), "its" | "the" | "tell" | "show" | "give"));
        if ended && (asks(rest) || fragment) || another {
            starts.push(index);
        }
    }
    let ends = starts.iter().skip(1).copied().chain([tokens.len()]);
    let parts: Vec<&str> = starts
        .iter()
        .zip(ends)
        .filter(|(start, end)| *start < end)
        .map(|(start, end)| &text[tokens[*start].start..tokens[end - 1].end])
        .collect();
    if parts.len() < 2 { vec![text] } else { parts }
}

fn interrogative_or_request(token: &Token) -> bool {
    interrogative(token) || matches!(words::cue(&token.lower), Some(Cue::What | Cue::Whether | Cue::Compare))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_asked_for_is_left_out() {
        let left = |text: &str| without_dismissals(text);
        assert_eq!(left("Ignore the volume. What did AAPL close at?").as_deref(), Some("What did AAPL close at?"));
        assert_eq!(left("I know the open; give me the close of AAPL").as_deref(), Some("give me the close of AAPL"));
        assert_eq!(left("I don't care."), None);
        assert_eq!(left("What did AAPL close at? Not the open."), Some("What did AAPL close at?".to_owned()));
        assert!(
            only_asks_after("and why?") && only_asks_after("Why was that?") && !only_asks_after("Why did AAPL fall?")
        );
    }

    #[test]
    fn questions_are_told_apart() {
        for (text, expected) in [
            ("What did AAPL close at on March 8 and where is it headquartered?", 2),
            ("What was the open of AAPL? What was its volume?", 2),
            ("total volume of AAPL in May; also its sector", 2),
            ("First tell me the close of CVX on October 5, 2017, then its trend in August.", 2),
            ("Which did better in May? AAPL or MSFT", 1),
            ("Which did better, AAPL or MSFT?", 1),
            ("What were the high and the low of AAPL on March 8?", 1),
            ("Which stock gained most in May, and by how much?", 1),
            ("AAPL trend", 1),
            ("When and where was Apple founded?", 1),
            ("What did U.S. Bancorp close at on Jan. 5, 2018?", 1),
            ("", 1),
        ] {
            assert_eq!(questions(text).len(), expected, "{text}: {:?}", questions(text));
        }
    }
}
