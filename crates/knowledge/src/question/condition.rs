//! The numbers of a question: thresholds, how many of the best, which place.

use super::compose::Composer;
use super::link::Role;
use super::plan::{Comparison, Condition};
use super::time;
use super::token::TokenKind;
use super::words::{self, Cue};

/// Cues that a number of places stands beside: "top 3", "three most volatile".
const RANKING: [Cue; 13] = [
    Cue::Peak,
    Cue::Bottom,
    Cue::Top,
    Cue::Highest,
    Cue::Lowest,
    Cue::Best,
    Cue::Worst,
    Cue::Gain,
    Cue::Loss,
    Cue::Busiest,
    Cue::Quietest,
    Cue::Expensive,
    Cue::Cheap,
];

/// "1.8m", "250k": a number with what multiplies it in one word.
fn with_multiplier(word: &str) -> Option<f64> {
    let digits = word.trim_end_matches(|character: char| character.is_alphabetic());
    let factor = words::multiplier(&word[digits.len()..])?;
    let number: f64 = digits.replace(',', "").parse().ok()?;
    Some(number * factor)
}

impl Composer<'_> {
    /// The number at a token, and the token after it.
    pub(super) fn number_at(&self, index: usize) -> Option<(f64, usize)> {
        let token = self.tokens.get(index)?;
        if !matches!(self.roles[index], Role::Free | Role::Cue(Cue::Thing)) {
            return None;
        }
        if token.kind == TokenKind::Word
            && let Some(number) = with_multiplier(&token.lower)
        {
            return Some((number, index + 1));
        }
        let number = token.number().or_else(|| words::count_word(&token.lower))?;
        match self.tokens.get(index + 1).and_then(|next| words::multiplier(&next.lower)) {
            Some(factor) => Some((number * factor, index + 2)),
            None => Some((number, index + 1)),
        }
    }

    fn currency(&self, index: usize) -> bool {
        matches!(self.tokens[index].text.as_str(), "$" | "\u{20ac}" | "\u{a3}")
    }

    /// "between $50 and $60", where no time was read.
    fn between(&mut self) -> Option<Condition> {
        let index = (0..self.tokens.len())
            .find(|at| self.tokens[*at].lower == "between" && !matches!(self.roles[*at], Role::Time(_)))?;
        let skip = |at: usize| if at < self.tokens.len() && self.currency(at) { at + 1 } else { at };
        let first = skip(index + 1);
        let (lower, joint) = self.number_at(first)?;
        (self.tokens.get(joint)?.lower == "and").then_some(())?;
        let second = skip(joint + 1);
        let (upper, end) = self.number_at(second)?;
        self.roles[first..joint].fill(Role::Number);
        self.roles[second..end].fill(Role::Number);
        let percent = self.tokens[second].marked && !self.currency(second - 1);
        Some(Condition {
            comparison: Comparison::Between,
            threshold: lower.min(upper),
            upper: Some(lower.max(upper)),
            percent,
        })
    }

    /// "above $20", "more than 2 million", "$200 or more", "> 20", "between $50 and $60".
    pub(super) fn condition(&mut self) -> Option<Condition> {
        if let Some(condition) = self.between() {
            return Some(condition);
        }
        for index in 0..self.tokens.len() {
            let after_or = |at: usize| matches!(self.tokens[at].lower.as_str(), "or" | "and");
            let (comparison, mut at) = match self.roles[index] {
                Role::Cue(Cue::Above) => (Comparison::Above, index + 1),
                Role::Cue(Cue::Below) => (Comparison::Below, index + 1),
                Role::Cue(Cue::AtLeast) => (Comparison::AtLeast, index + 1),
                Role::Cue(Cue::AtMost) => (Comparison::AtMost, index + 1),
                Role::Symbol if matches!(self.tokens[index].text.as_str(), ">" | "\u{2265}") => {
                    (Comparison::Above, index + 1)
                }
                Role::Symbol if matches!(self.tokens[index].text.as_str(), "<" | "\u{2264}") => {
                    (Comparison::Below, index + 1)
                }
                _ => continue,
            };
            // "200 or more", "200 and above": the number stands before.
            let phrase = after_or(index);
            if phrase {
                at = (0..index).rev().find(|at| self.tokens[*at].kind == TokenKind::Number)?;
            }
            while !phrase
                && at < self.tokens.len()
                && at < index + 7
                && (self.currency(at)
                    || self.tokens[at].text == "="
                    || self.roles[at] == self.roles[index]
                    || matches!(
                        self.roles[at],
                        Role::Cue(Cue::Filler | Cue::Thing | Cue::Every | Cue::Daily | Cue::Gain | Cue::Loss)
                            | Role::Metric(_)
                    ) && self.tokens[at].number().is_none())
            {
                at += 1;
            }
            let Some((threshold, end)) = self.number_at(at) else { continue };
            let equal = self.tokens.get(index + 1).is_some_and(|next| next.text == "=")
                || matches!(self.tokens[index].text.as_str(), "\u{2265}" | "\u{2264}");
            let comparison = match comparison {
                Comparison::Above if equal => Comparison::AtLeast,
                Comparison::Below if equal => Comparison::AtMost,
                other => other,
            };
            let money = at > 0 && self.tokens[at].marked && self.currency(at - 1);
            let percent =
                !money && self.tokens[at].marked || matches!(self.roles.get(end), Some(Role::Cue(Cue::Percent)));
            self.roles[at..end].fill(Role::Number);
            return Some(Condition { comparison, threshold, upper: None, percent });
        }
        self.after_verb()
    }

    /// "When did it first hit $60?", "reach 60": at least that much. "When did it fall to 60?": at most.
    fn after_verb(&mut self) -> Option<Condition> {
        for index in 0..self.tokens.len() {
            let dated = self.cues.any(&[Cue::When, Cue::First, Cue::DayNoun]);
            if let Role::Cue(moved @ (Cue::Gain | Cue::Loss)) = self.roles[index]
                && dated
                && self.tokens.get(index + 1).is_some_and(|next| next.lower == "to")
            {
                let at = if self.tokens.get(index + 2).is_some_and(|_| self.currency(index + 2)) {
                    index + 3
                } else {
                    index + 2
                };
                if let Some((threshold, end)) = self.number_at(at) {
                    self.roles[at..end].fill(Role::Number);
                    let comparison = if moved == Cue::Gain { Comparison::AtLeast } else { Comparison::AtMost };
                    return Some(Condition { comparison, threshold, upper: None, percent: false });
                }
            }
            if !matches!(
                self.tokens[index].lower.as_str(),
                "hit"
                    | "hits"
                    | "reach"
                    | "reached"
                    | "reaches"
                    | "touch"
                    | "touched"
                    | "pass"
                    | "passed"
                    | "break"
                    | "broke"
            ) {
                continue;
            }
            let mut at = index + 1;
            while at < self.tokens.len() && (self.currency(at) || matches!(self.tokens[at].lower.as_str(), "the" | "a"))
            {
                at += 1;
            }
            let Some((threshold, end)) = self.number_at(at) else { continue };
            self.roles[at..end].fill(Role::Number);
            self.roles[index] = Role::Cue(Cue::AtLeast);
            return Some(Condition { comparison: Comparison::AtLeast, threshold, upper: None, percent: false });
        }
        None
    }

    fn beside_ranking(&self, index: usize, before: usize, after: usize) -> bool {
        (index.saturating_sub(before)..(index + after).min(self.tokens.len()))
            .any(|near| matches!(self.roles[near], Role::Cue(cue) if RANKING.contains(&cue)))
    }

    /// "top 3", "three most volatile".
    pub(super) fn top(&mut self) -> Option<usize> {
        for index in 0..self.tokens.len() {
            if self.tokens[index].marked || !matches!(self.roles[index], Role::Free | Role::Cue(Cue::Thing)) {
                continue;
            }
            let Some((number, end)) = self.number_at(index) else { continue };
            // "recover to 157" is no place.
            let level = index > 0 && matches!(self.tokens[index - 1].lower.as_str(), "to" | "at" | "by" | "from");
            if !level
                && self.beside_ranking(index, 2, 4)
                && (1.0..=1000.0).contains(&number)
                && number.fract() == 0.0
                && self.tokens[index].lower != "one"
            {
                self.roles[index..end].fill(Role::Number);
                return Some(number as usize);
            }
        }
        // "Which two companies fell most": the number stands before what is counted, the order after it.
        let index = (1..self.tokens.len()).find(|at| {
            let thing = matches!(self.roles.get(at + 1), Some(Role::Cue(Cue::Thing | Cue::DayNoun)));
            thing
                && matches!(self.roles[at - 1], Role::Cue(Cue::Which | Cue::What | Cue::Filler))
                && self
                    .number_at(*at)
                    .is_some_and(|(number, _)| number.fract() == 0.0 && (2.0..=1000.0).contains(&number))
        })?;
        let (number, end) = self.number_at(index)?;
        self.cues.any(&RANKING).then(|| {
            self.roles[index..end].fill(Role::Number);
            number as usize
        })
    }

    /// "second highest", "2nd best", "came third", "runner-up": which place of a ranking.
    pub(super) fn place(&mut self) -> Option<usize> {
        for index in 0..self.tokens.len() {
            let token = &self.tokens[index];
            if !matches!(self.roles[index], Role::Free | Role::Cue(Cue::First | Cue::Filler)) {
                continue;
            }
            if token.lower == "runner" && self.tokens.get(index + 2).is_some_and(|next| next.lower == "up") {
                self.roles[index] = Role::Number;
                self.roles[index + 2] = Role::Number;
                return Some(2);
            }
            let Some(place) = time::ordinal(token).filter(|place| (2..=31).contains(place)) else { continue };
            let came = index > 0
                && matches!(
                    self.tokens[index - 1].lower.as_str(),
                    "came" | "come" | "ranked" | "rank" | "placed" | "finished"
                );
            if came || self.beside_ranking(index, 0, 4) {
                self.roles[index] = Role::Number;
                return Some(place as usize);
            }
        }
        None
    }
}
