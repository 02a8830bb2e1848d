//! What of a question was not understood, and whether that changes what is asked.

use super::compose::Composer;
use super::link::Role;
use super::plan::{Operation, Unknown};
use super::token::TokenKind;
use super::words::Cue;

impl Composer<'_> {
    /// "the day it was founded", "the day Apple went public": a day that is told by what happened on it, which no number
    /// is known to stand for.
    pub(super) fn day_of_event(&self, operation: &Operation) -> Option<Unknown> {
        let at = (0..self.tokens.len()).find(|at| {
            let token = &self.tokens[*at];
            let day = matches!(token.lower.as_str(), "day" | "date" | "week" | "month" | "quarter" | "year" | "moment");
            let the = *at > 0 && matches!(self.tokens[*at - 1].lower.as_str(), "the" | "very" | "same");
            let next = self.tokens.get(at + 1).map_or("", |next| next.lower.as_str());
            // "the day after its chief executive resigned", but not "the day after March 3"
            let near = matches!(next, "after" | "before" | "following")
                && !matches!(self.roles.get(at + 2), None | Some(Role::Time(_) | Role::Symbol));
            let subject = near
                || matches!(next, "it" | "they" | "he" | "she" | "its" | "their" | "when")
                || next == "that" && self.tokens.len() > at + 2
                || self.roles.get(at + 1) == Some(&Role::Entity);
            day && the && subject && matches!(self.roles[*at], Role::Free | Role::Cue(_))
        })?;
        if *operation != Operation::Measure || self.cues.any(&[Cue::Count, Cue::Which]) {
            return None;
        }
        let end = (at..self.tokens.len()).rev().find(|end| self.tokens[*end].kind != TokenKind::Symbol)?;
        let text = self.question[self.tokens[at].start..self.tokens[end].end].to_owned();
        Some(Unknown { text, name: false, decisive: true })
    }

    /// Words left over, neighbours joined.
    pub(super) fn unknown(&self, metric_exact: bool) -> Vec<Unknown> {
        let mut unknown: Vec<Unknown> = Vec::new();
        let mut index = 0;
        while index < self.tokens.len() {
            if self.roles[index] != Role::Free {
                index += 1;
                continue;
            }
            let start = index;
            while index < self.tokens.len() && self.roles[index] == Role::Free {
                index += 1;
            }
            let tokens = &self.tokens[start..index];
            let name = tokens.iter().any(|token| {
                token.kind == TokenKind::Word
                    && (token.capitalised()
                        || token.text.chars().any(|character| character.is_ascii_digit())
                        || token.possessive)
            });
            let beside = |role: Option<&Role>| {
                matches!(
                    role,
                    Some(Role::Metric(_) | Role::Entity)
                        | Some(Role::Cue(
                            Cue::Thing
                                | Cue::Every
                                | Cue::Average
                                | Cue::Total
                                | Cue::Median
                                | Cue::Volatile
                                | Cue::Trend
                                | Cue::Change
                        ))
                )
            };
            let joint = |at: usize| matches!(self.tokens[at].text.as_str(), "-" | "/" | "&");
            let before = (0..start).rev().find(|at| !joint(*at)).and_then(|before| self.roles.get(before));
            let after = (index..self.tokens.len()).find(|at| !joint(*at));
            // "the beta of Nvidia": what is asked for, by a word that is not known.
            let asked = after.is_some_and(|at| {
                matches!(self.tokens[at].lower.as_str(), "of" | "for")
                    && matches!(self.roles.get(at + 1), Some(Role::Entity | Role::Metric(_)))
            });
            // "in yen", "in Tokyo": in what, or where, changes what is asked.
            let within_unknown = start > 0 && self.tokens[start - 1].lower == "in";
            let only_numbers = tokens.iter().all(|token| token.kind == TokenKind::Number);
            // What follows "without", "if", "on the day" says under which circumstances; a remark before the question
            // or after it says nothing.
            let circumstance = self.tokens[..start].iter().any(|token| {
                matches!(
                    token.lower.as_str(),
                    "without" | "if" | "had" | "whose" | "that" | "born" | "excluding" | "adjusted"
                )
            });
            let within = self.roles[..start].iter().any(|role| matches!(role, Role::Metric(_) | Role::Entity))
                && self.roles[index..].iter().any(|role| matches!(role, Role::Cue(_) | Role::Metric(_) | Role::Entity));
            unknown.push(Unknown {
                text: tokens.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" "),
                name,
                decisive: only_numbers
                    || asked
                    || within_unknown
                    || beside(before)
                    || beside(after.and_then(|at| self.roles.get(at)))
                    || circumstance
                    || within
                    || !metric_exact,
            });
        }
        unknown
    }
}

/// Whether a text has the form of a day in digits.
pub(super) fn written_as_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() == 3 && parts.iter().all(digits) && parts.iter().any(|part| part.len() == 4)
}
