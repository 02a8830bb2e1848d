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
    let whole = end;
    let word = |index: usize| tokens.get(index).filter(|_| index < whole).map_or("", |token| token.lower.as_str());
    while matches!(
        word(start),
        "please" | "can" | "could" | "you" | "tell" | "me" | "explain" | "describe" | "to" | "briefly"
    ) {
        start += 1;
    }
    let explained = (0..start).any(|index| matches!(word(index), "explain" | "describe"));
    let mut meant = false;
    match word(start) {
        "define" => (start, meant) = (start + 1, true),
        "definition" | "meaning" if word(start + 1) == "of" => (start, meant) = (start + 2, true),
        "what" | "what's" | "whats" => {
            start += 1;
            if matches!(word(start), "is" | "are" | "s") {
                start += 1;
                if word(start) == "meant" && word(start + 1) == "by" {
                    (start, meant) = (start + 2, true);
                } else if word(start) == "the"
                    && matches!(word(start + 1), "definition" | "meaning")
                    && word(start + 2) == "of"
                {
                    (start, meant) = (start + 3, true);
                }
            } else if matches!(word(start), "does" | "do" | "did") {
                if matches!(word(end - 1), "mean" | "signify" | "denote" | "describe") {
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
        _ if explained && word(start) == "the" && matches!(word(start + 1), "term" | "word" | "concept") => {
            meant = true
        }
        _ => return None,
    }
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
