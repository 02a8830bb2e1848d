//! Shapes of questions that change what is computed as a whole: by month, a share of days, one number less another, which
//! companies meet a condition; and those that no answer is computed for.

use super::compose::Composer;
use super::link::Role;
use super::plan::{Calendar, Condition, Measure, Operation, Order, Unknown};
use super::words::Cue;

/// Cues that say which of several is asked for.
const ENDS: [Cue; 7] = [Cue::Highest, Cue::Lowest, Cue::Best, Cue::Worst, Cue::Peak, Cue::Bottom, Cue::Top];

/// The stretch of the calendar that a noun names.
fn noun(word: &str) -> Option<Calendar> {
    Some(match word {
        "week" | "weeks" => Calendar::Week,
        "month" | "months" => Calendar::Month,
        "quarter" | "quarters" => Calendar::Quarter,
        "year" | "years" => Calendar::Year,
        _ => return None,
    })
}

/// The stretch of the calendar that an adjective or adverb names.
fn adjective(word: &str) -> Option<Calendar> {
    Some(match word {
        "weekly" => Calendar::Week,
        "monthly" => Calendar::Month,
        "quarterly" => Calendar::Quarter,
        "yearly" | "annual" | "annually" => Calendar::Year,
        _ => return None,
    })
}

impl Composer<'_> {
    fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.lower.as_str())
    }

    fn is(&self, at: usize, cues: &[Cue]) -> bool {
        matches!(self.roles.get(at), Some(Role::Cue(cue)) if cues.contains(cue))
    }

    /// "monthly", "by month", "per week", "each quarter", "which month": what observations are taken together by. The words
    /// are understood with it.
    pub(super) fn calendar(&mut self) -> Option<(Calendar, usize)> {
        for at in 0..self.tokens.len() {
            if matches!(self.roles[at], Role::Time(_)) {
                continue;
            }
            let (word, before) = (self.word(at), at.checked_sub(1).map_or("", |before| self.word(before)));
            let by = adjective(word).or_else(|| {
                let each = matches!(before, "by" | "per" | "each" | "every");
                let asked = (at.saturating_sub(2)..at).any(|near| self.is(near, &[Cue::Which]) || self.is(near, &ENDS))
                    || matches!(before, "what");
                noun(word).filter(|_| each || asked)
            });
            if let Some(by) = by {
                self.roles[at] = Role::Cue(Cue::Filler);
                return Some((by, at));
            }
        }
        None
    }

    /// "what percentage of days", "on what share of sessions".
    pub(super) fn share_of_days(&self) -> bool {
        (0..self.tokens.len()).any(|at| {
            let share = self.is(at, &[Cue::Percent, Cue::Share])
                || matches!(self.word(at), "fraction" | "proportion" | "ratio");
            let days = |near: usize| matches!(self.word(near), "days" | "sessions" | "closes");
            share && self.word(at + 1) == "of" && (at + 2..at + 6).any(days)
        })
    }

    /// "high minus low", "the difference between the open and the close": one metric less another.
    pub(super) fn subtracts_metrics(&self) -> bool {
        let metric = |at: Option<usize>| at.is_some_and(|at| matches!(self.roles.get(at), Some(Role::Metric(_))));
        let minus = (0..self.tokens.len()).any(|at| {
            let sign = matches!(self.word(at), "minus" | "less" | "-" | "\u{2212}" | "\u{2013}");
            let next = if self.word(at + 1) == "the" { at + 2 } else { at + 1 };
            sign && metric(at.checked_sub(1)) && metric(Some(next))
        });
        minus || self.cues.has(Cue::Difference) || self.word_of_gap()
    }

    /// "spread", "gap", "margin" between two.
    fn word_of_gap(&self) -> bool {
        self.tokens.iter().any(|token| matches!(token.lower.as_str(), "spread" | "spreads" | "gap"))
    }

    /// "the spread between Apple and Microsoft" is the difference of two, not the range of each.
    pub(super) fn gap_between(&self, measure: Measure) -> bool {
        measure == Measure::Range && self.word_of_gap()
    }

    /// "the ratio of", "divided by".
    pub(super) fn divides(&self) -> bool {
        (0..self.tokens.len())
            .any(|at| self.word(at) == "ratio" || self.word(at) == "divided" && self.word(at + 1) == "by")
    }

    /// "average daily range": of each day the high less the low.
    pub(super) fn range_of_days(&self) -> bool {
        self.cues.has(Cue::Range) && self.cues.has(Cue::Daily) && self.cues.has(Cue::Average)
    }

    /// "Which companies closed below $50?", "How many stocks rose in May?": those that meet a condition.
    pub(super) fn selects(
        &self,
        condition: Option<&Condition>,
        order: Option<Order>,
        ranked: bool,
        measure: &mut Measure,
    ) -> Option<Operation> {
        let cues = &self.cues;
        let several = cues.found.iter().any(|(at, cue)| *cue == Cue::Thing && self.word(*at).ends_with('s'));
        let asked = cues.any(&[Cue::Which, Cue::What, Cue::Count, Cue::Every]);
        let directed = several && self.polarity() != 0 && !cues.has(Cue::Volatile);
        let ends = order.is_some() && (cues.any(&ENDS) || condition.is_none());
        if !asked || ends || ranked || cues.any(&[Cue::DayNoun, Cue::Average, Cue::Total, Cue::Median]) {
            return None;
        }
        match condition {
            Some(condition) if several || cues.has(Cue::Which) => {
                *measure = if condition.percent { Measure::Change } else { Measure::Value };
            }
            None if directed => *measure = Measure::Change,
            _ => return None,
        }
        Some(Operation::Select { count: cues.has(Cue::Count) })
    }

    /// Words that make another question of the one that was read: answered without them, it would be the wrong one.
    pub(super) fn turned(
        &self,
        operation: &Operation,
        measure: Measure,
        condition: Option<&Condition>,
    ) -> Option<Unknown> {
        let entity = |at: usize| self.roles.get(at) == Some(&Role::Entity);
        let count = self.tokens.len();
        let (start, end) = (0..count).find_map(|at| {
            // "Apple's price when Boeing was at its highest"
            let clause = self.is(at, &[Cue::When])
                && (0..at).any(entity)
                && (at + 1..count).find(|next| entity(*next)).is_some_and(|next| next <= at + 3);
            // "from its low to its high"
            let from = self.word(at) == "from"
                && (at + 1..(at + 4).min(count)).any(|near| matches!(self.roles[near], Role::Metric(_)))
                && (at + 2..count).any(|to| {
                    self.word(to) == "to"
                        && (to + 1..(to + 4).min(count)).any(|near| matches!(self.roles[near], Role::Metric(_)))
                });
            // "before Apple peaked", "after its low", "since its high": a time that is told by what happened.
            let before = matches!(self.word(at), "before" | "after" | "since" | "until" | "following")
                && !matches!(self.roles[at], Role::Time(_))
                && (at + 1..(at + 4).min(count)).any(|near| {
                    let extreme = matches!(self.word(near), "high" | "low" | "highs" | "lows")
                        || self.is(near, &[Cue::Peak, Cue::Bottom, Cue::Highest, Cue::Lowest]);
                    let verb = (near + 1..(near + 3).min(count))
                        .any(|next| self.is(next, &[Cue::Peak, Cue::Bottom, Cue::Gain, Cue::Loss]));
                    extreme || entity(near) && verb
                });
            // "how far below its high"
            let distance = condition.is_none()
                && measure != Measure::Range
                && self.is(at, &[Cue::Above, Cue::Below])
                && self.cues.has(Cue::HowMuch)
                && (at + 1..(at + 4).min(count)).any(|near| {
                    matches!(self.roles[near], Role::Metric(_))
                        || self.is(near, &[Cue::Peak, Cue::Bottom, Cue::Highest])
                });
            if clause || from || before || distance {
                return Some((at, count));
            }
            // "how many trading days were there"
            let counted = self.is(at, &[Cue::Count])
                && (at + 1..(at + 4).min(count)).any(|near| self.is(near, &[Cue::DayNoun]))
                && measure != Measure::Count
                && matches!(operation, Operation::Measure | Operation::Compare { .. } | Operation::Rank { .. });
            if counted {
                return Some((at, (at + 4).min(count)));
            }
            // "biggest gap between high and low": the extreme of differences.
            let extreme = matches!(operation, Operation::Difference { .. })
                && matches!(measure, Measure::Maximum | Measure::Minimum)
                && self.is(at, &ENDS);
            if extreme {
                return Some((at, count));
            }
            // "most correlated with"
            let partner =
                self.is(at, &[Cue::Correlate]) && !matches!(operation, Operation::Correlation | Operation::Open);
            partner.then_some((at, at + 1))
        })?;
        if matches!(operation, Operation::Cause | Operation::Define { .. } | Operation::Path) {
            return None;
        }
        let end = (start..end).rev().find(|at| self.tokens[*at].kind != super::token::TokenKind::Symbol)?;
        let text = self.question[self.tokens[start].start..self.tokens[end].end].to_owned();
        Some(Unknown { text, name: false, decisive: true })
    }
}
