//! Questions for what a word means: "What is short selling?", "Define volatility", "What does dividend mean?"

use super::link::Role;
use super::token::{Token, TokenKind};
use super::words::{self, Cue};

/// The most words of a term.
const LONGEST: usize = 6;

/// The words whose meaning a question asks for, as stretch of tokens.
///
/// Names of entities and times are no terms: what Apple is, is asked of its facts. Without an article, or with "a", a
/// word is asked for as such; "the volatility" is one that someone has.
pub(super) fn term(tokens: &[Token], roles: &[Role]) -> Option<(usize, usize)> {
    let mut start = 0;
    let mut end = tokens.len();
    while end > 0 && tokens[end - 1].kind == TokenKind::Symbol {
        end -= 1;
    }
    if end < 2 {
        return None;
    }
    let whole = end;
    let mut meant = false;
    let word = |index: usize| tokens.get(index).filter(|_| index < whole).map_or("", |token| token.lower.as_str());
    // "in plain words, what is"
    if word(start) == "in" && matches!(word(start + 2), "words" | "terms" | "language" | "english") {
        start += 3;
    }
    let skipped = |index: usize| {
        matches!(
            word(index),
            "please"
                | "can"
                | "could"
                | "would"
                | "you"
                | "how"
                | "tell"
                | "me"
                | "explain"
                | "describe"
                | "to"
                | "briefly"
                | ","
        )
    };
    let asks_how = word(start) == "how";
    while skipped(start) && !(asks_how && matches!(word(start), "to" | "tell")) {
        start += 1;
    }
    if asks_how && word(start) != "define" {
        return None;
    }
    // "explain the term to me"
    if start > 0 && start + 2 < end && word(end - 1) == "me" && word(end - 2) == "to" {
        end -= 2;
    }
    // "a stock split: definition", "biosimilar - what is it?"
    if let Some(term) = trailing(tokens, end) {
        return stretch(tokens, roles, term.0, term.1, true);
    }
    let explained = (0..start).any(|index| matches!(word(index), "explain" | "describe"));
    match word(start) {
        "define" => (start, meant) = (start + 1, true),
        "definition" | "meaning" if word(start + 1) == "of" => (start, meant) = (start + 2, true),
        "what" | "what's" | "whats" => {
            // "what's" is "what is".
            let joined = tokens[start].possessive || word(start) != "what";
            start += 1;
            if joined || matches!(word(start), "is" | "are" | "s") {
                start += usize::from(!joined);
                if word(start) == "meant" && word(start + 1) == "by" {
                    (start, meant) = (start + 2, true);
                } else if word(start) == "the"
                    && matches!(word(start + 1), "definition" | "meaning")
                    && word(start + 2) == "of"
                {
                    (start, meant) = (start + 3, true);
                }
            } else if matches!(word(start), "does" | "do" | "did") {
                // "What do people mean by"
                let by = (start..end).find(|at| word(*at) == "mean" && word(at + 1) == "by");
                if let Some(by) = by {
                    (start, meant) = (by + 2, true);
                } else if matches!(word(start + 1), "a" | "an") && word(end - 1) == "do" {
                    // "What does a reinsurer do?"
                    (start, end, meant) = (start + 1, end - 1, true);
                } else if matches!(word(end - 1), "mean" | "signify" | "denote" | "describe") {
                    (start, end, meant) = (start + 1, end - 1, true);
                } else if word(end - 1) == "for" && matches!(word(end - 2), "stand" | "stands") {
                    (start, end, meant) = (start + 1, end - 2, true);
                } else {
                    return None;
                }
            } else if explained && matches!(word(end - 1), "is" | "are" | "means") {
                end -= 1;
                meant = true;
            } else {
                return None;
            }
        }
        // "When do we speak of a bear market?"
        "when"
            if matches!(
                (word(start + 1), word(start + 3), word(start + 4)),
                ("do" | "does", "speak" | "talk", "of")
            ) =>
        {
            (start, meant) = (start + 5, true)
        }
        _ if explained && word(start) == "the" && matches!(word(start + 1), "term" | "word" | "concept") => {
            meant = true
        }
        _ => return None,
    }
    stretch(tokens, roles, start, end, meant)
}

/// The term before what asks for its meaning: "stock split meaning", "dividend: definition", "biosimilar - what is it?", "I
/// keep hearing about short selling. What is that?"
fn trailing(tokens: &[Token], end: usize) -> Option<(usize, usize)> {
    let last = end.checked_sub(1)?;
    let word = |index: usize| tokens.get(index).filter(|_| index < end).map_or("", |token| token.lower.as_str());
    let asked = if matches!(word(last), "meaning" | "definition") {
        last
    } else if end >= 4
        && matches!(word(last), "it" | "that" | "this")
        && matches!(word(end - 2), "is" | "are")
        && word(end - 3) == "what"
    {
        end - 3
    } else {
        return None;
    };
    let mut last = asked;
    while last > 0 && tokens[last - 1].kind == TokenKind::Symbol {
        last -= 1;
    }
    let first = (0..last).rev().find(|at| matches!(word(*at), "about" | "of" | "term")).map_or(0, |at| at + 1);
    (first < last).then_some((first, last))
}

/// The words between, if they may be a term; `meant` when the question asks for a meaning in so many words.
fn stretch(tokens: &[Token], roles: &[Role], mut start: usize, end: usize, meant: bool) -> Option<(usize, usize)> {
    let word = |index: usize| tokens.get(index).filter(|_| index < end).map_or("", |token| token.lower.as_str());
    for filler in ["the", "term", "word", "concept", "of"] {
        if meant && word(start) == filler {
            start += 1;
        }
    }
    let article = matches!(word(start), "a" | "an");
    if article {
        start += 1;
    }
    if start >= end || end - start > LONGEST {
        return None;
    }
    let range = start..end;
    let named = range.clone().any(|index| matches!(roles[index], Role::Entity | Role::Time(_)));
    let plain = range
        .clone()
        .all(|index| tokens[index].kind == TokenKind::Word || matches!(tokens[index].text.as_str(), "-" | "/" | "&"));
    // "What is going on", "What is new": no term.
    let content = range.clone().any(|index| {
        let filler = matches!(
            words::cue(&tokens[index].lower),
            Some(Cue::What | Cue::Which | Cue::Whether | Cue::How | Cue::And | Cue::Or)
        );
        !filler
            && !matches!(
                word(index),
                "going"
                    | "on"
                    | "up"
                    | "it"
                    | "this"
                    | "that"
                    | "new"
                    | "there"
                    | "happening"
                    | "your"
                    | "my"
                    | "i"
                    | "you"
            )
    });
    let whose = range.clone().any(|index| {
        matches!(word(index), "the" | "of" | "in" | "for" | "on" | "highest" | "lowest" | "best" | "worst" | "between")
            && !meant
            || tokens[index].possessive
    });
    (!named && plain && content && !whose).then_some((start, end))
}
