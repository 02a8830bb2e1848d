//! What the wording of a question says about how likely it is misunderstood, whatever was made of it.

use crate::question::token::{self, Token, TokenKind};
use crate::question::words::{self, Cue};
use std::collections::BTreeSet;

/// Words that turn what is asked into something else: they deny, except, suppose or speak of what is to come.
const TURNING: [&str; 40] = [
    "ahead",
    "although",
    "apart",
    "aside",
    "besides",
    "cannot",
    "could",
    "despite",
    "except",
    "excepting",
    "excluding",
    "expect",
    "expected",
    "forecast",
    "forget",
    "going",
    "hardly",
    "if",
    "ignoring",
    "instead",
    "might",
    "neither",
    "never",
    "no",
    "nor",
    "not",
    "nothing",
    "other",
    "predict",
    "rather",
    "should",
    "suppose",
    "supposing",
    "tomorrow",
    "unless",
    "unlike",
    "versus",
    "will",
    "without",
    "would",
];

/// Words that build sentences and mean nothing of their own here.
const FUNCTION: [&str; 75] = [
    "a", "all", "am", "an", "and", "any", "are", "as", "at", "be", "been", "by", "can", "did", "do", "does", "during",
    "for", "from", "give", "had", "has", "have", "he", "her", "his", "how", "i", "in", "into", "is", "it", "its",
    "let", "made", "many", "me", "much", "my", "need", "of", "on", "one", "or", "our", "over", "please", "she", "show",
    "tell", "that", "the", "their", "them", "there", "these", "they", "this", "those", "through", "to", "until", "us",
    "was", "we", "were", "what", "when", "where", "which", "while", "who", "whose", "with", "you",
];

/// What was counted in a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wording {
    /// Words and numbers.
    pub words: usize,
    /// Words that deny, except, suppose or speak of what is to come.
    pub turning: usize,
    /// Words that are known and carry nothing for the plan, and yet are more than sentence building.
    pub passed_over: usize,
    /// Different operations that are named: an average, a trend, a count ...
    pub operations: usize,
    /// Which one is asked for.
    pub asks_which: bool,
}

/// The operation that a word names; words of one operation have one number.
fn operation(cue: Cue) -> Option<u8> {
    Some(match cue {
        Cue::Average => 0,
        Cue::Total => 1,
        Cue::Median => 2,
        Cue::Change | Cue::Gain | Cue::Loss => 3,
        Cue::Trend => 4,
        Cue::Volatile | Cue::Stable => 5,
        Cue::Correlate => 6,
        Cue::Range => 7,
        Cue::Count => 8,
        Cue::Difference => 9,
        Cue::Highest | Cue::Lowest | Cue::Best | Cue::Worst | Cue::Peak | Cue::Bottom => 10,
        Cue::When => 11,
        _ => return None,
    })
}

impl Wording {
    /// Counts.
    pub fn read(question: &str) -> Self {
        let tokens: Vec<Token> =
            token::tokens(question).into_iter().filter(|token| token.kind != TokenKind::Symbol).collect();
        let mut operations = BTreeSet::new();
        let mut wording = Wording { words: tokens.len(), ..Wording::default() };
        for token in &tokens {
            let word = token.lower.as_str();
            let cue = words::cue(word);
            operations.extend(cue.and_then(operation));
            wording.asks_which |= cue == Some(Cue::Which);
            if TURNING.binary_search(&word).is_ok() || word.ends_with("n't") || word.ends_with("n\u{2019}t") {
                wording.turning += 1;
            } else if cue == Some(Cue::Filler) && FUNCTION.binary_search(&word).is_err() {
                wording.passed_over += 1;
            }
        }
        wording.operations = operations.len();
        wording
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_in_order() {
        assert!(TURNING.is_sorted() && FUNCTION.is_sorted());
    }

    #[test]
    fn what_turns_a_question_is_counted() {
        assert_eq!(Wording::read("What did Apple close at?").turning, 0);
        assert_eq!(Wording::read("Which company, except Apple, didn't gain?").turning, 2);
        let two = Wording::read("What was the average close, and how volatile was it?");
        assert!(two.operations >= 2 && !two.asks_which);
    }
}
