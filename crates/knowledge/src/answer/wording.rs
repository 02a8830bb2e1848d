//! What the wording of a question says about how likely it is misunderstood, whatever was made of it.

use crate::question::link::MetricLink;
use crate::question::plan::{Measure, Operation, Plan};
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wording {
    /// Words and numbers.
    pub words: usize,
    /// Words that deny, except, suppose or speak of what is to come.
    pub turning: usize,
    /// Words that are known and carry nothing for the plan, and yet are more than sentence building.
    pub passed_over: usize,
    /// The operations that are named: an average, a trend, a count ...
    named: BTreeSet<Named>,
    /// Every word: what is counted may be the unit of a metric.
    spoken: BTreeSet<String>,
    /// Which one is asked for.
    asks_which: bool,
    /// It begins with a verb, as what is answered by yes or no does.
    asks_whether: bool,
}

/// An operation as words name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    Average,
    Total,
    Median,
    Change,
    Trend,
    Volatility,
    Correlation,
    Range,
    Count,
    Difference,
    Extreme,
    Day,
}

/// The operation that a word names.
fn operation(cue: Cue) -> Option<Named> {
    Some(match cue {
        Cue::Average => Named::Average,
        Cue::Total => Named::Total,
        Cue::Median => Named::Median,
        Cue::Change | Cue::Gain | Cue::Loss => Named::Change,
        Cue::Trend => Named::Trend,
        Cue::Volatile | Cue::Stable => Named::Volatility,
        Cue::Correlate => Named::Correlation,
        Cue::Range => Named::Range,
        Cue::Count => Named::Count,
        Cue::Difference => Named::Difference,
        Cue::Highest | Cue::Lowest | Cue::Best | Cue::Worst | Cue::Peak | Cue::Bottom => Named::Extreme,
        Cue::When => Named::Day,
        _ => return None,
    })
}

/// Whether a plan does what words name. What orders companies also has a first and a last, and what counts days may
/// count those of a change.
fn carries_out(plan: &Plan, wording: &Wording, named: Named) -> bool {
    // "How many shares" asks for the volume.
    let unit = |link: &MetricLink| link.metric.unit.as_ref().is_some_and(|unit| wording.spoken.contains(unit));
    if named == Named::Count && plan.metrics.iter().any(unit) {
        return true;
    }
    let measured = match plan.measure {
        Measure::Value => false,
        Measure::Mean => named == Named::Average,
        Measure::Total => named == Named::Total,
        Measure::Median => named == Named::Median,
        Measure::Maximum | Measure::Minimum => named == Named::Extreme,
        Measure::Range => matches!(named, Named::Range | Named::Extreme | Named::Difference),
        Measure::Change | Measure::DailyChange => named == Named::Change,
        Measure::HighestDailyChange | Measure::LowestDailyChange => matches!(named, Named::Change | Named::Extreme),
        Measure::MeanDailyChange => matches!(named, Named::Change | Named::Average),
        Measure::Trend => matches!(named, Named::Trend | Named::Change),
        Measure::Volatility => matches!(named, Named::Volatility | Named::Change),
        Measure::Count => matches!(named, Named::Count | Named::Change),
    };
    match &plan.operation {
        Operation::Measure => measured,
        Operation::When { .. } | Operation::WhenCondition { .. } => {
            measured || matches!(named, Named::Day | Named::Extreme)
        }
        Operation::Rank { .. } => measured || matches!(named, Named::Extreme),
        Operation::Compare { .. } => measured || matches!(named, Named::Extreme | Named::Difference),
        Operation::Calendar { order, .. } => measured || order.is_some() && named == Named::Extreme,
        Operation::Difference { .. } => measured || matches!(named, Named::Difference | Named::Range),
        Operation::Select { count } => {
            named == Named::Change && plan.measure == Measure::Change || *count && named == Named::Count
        }
        Operation::Correlation => matches!(named, Named::Correlation | Named::Change),
        Operation::Fact { .. } => named == Named::Day,
        Operation::Members { count } | Operation::Same { count, .. } => *count && named == Named::Count,
        _ => false,
    }
}

fn asks(word: &str) -> bool {
    matches!(word, "what" | "how" | "which")
}

impl Wording {
    /// Counts.
    pub fn read(question: &str) -> Self {
        let tokens: Vec<Token> =
            token::tokens(question).into_iter().filter(|token| token.kind != TokenKind::Symbol).collect();
        let mut wording = Wording { words: tokens.len(), ..Wording::default() };
        wording.asks_whether = tokens.first().is_some_and(|token| {
            matches!(token.lower.as_str(), "did" | "does" | "is" | "are" | "was" | "were" | "has" | "had")
        });
        let spoken: Vec<&str> = tokens.iter().map(|token| token.lower.as_str()).collect();
        wording.spoken = spoken.iter().map(|word| (*word).to_owned()).collect();
        let mut at = 0;
        while at < spoken.len() {
            let (cue, length) = words::phrase(&spoken[at..spoken.len().min(at + 5)])
                .map_or((words::cue(spoken[at]), 1), |(cue, length)| (Some(cue), length));
            // "what it was worth when trading ended": that "when" asks for no day.
            let joins = cue == Some(Cue::When) && spoken[..at].iter().any(|word| asks(word));
            wording.named.extend(cue.filter(|_| !joins).and_then(operation));
            at += length;
        }
        for word in spoken {
            let cue = words::cue(word);
            wording.asks_which |= cue == Some(Cue::Which);
            if TURNING.binary_search(&word).is_ok() || word.ends_with("n't") || word.ends_with("n\u{2019}t") {
                wording.turning += 1;
            } else if cue == Some(Cue::Filler) && FUNCTION.binary_search(&word).is_err() {
                wording.passed_over += 1;
            }
        }
        wording
    }

    /// How many operations are named that the plan does not carry out.
    pub fn not_carried_out(&self, plan: &Plan) -> usize {
        self.named.iter().filter(|named| !carries_out(plan, self, **named)).count()
    }

    /// Whether the answer is of another sort than the question asks for: a number for which one, for a day, for how many
    /// days, or for yes or no.
    pub fn asks_for_another_sort(&self, plan: &Plan) -> bool {
        let numeric = plan.operation == Operation::Measure;
        numeric
            && (self.asks_which
                || self.named.contains(&Named::Day)
                || self.named.contains(&Named::Count) && !carries_out(plan, self, Named::Count)
                || self.asks_whether && plan.whether.is_none() && plan.measure != Measure::Trend)
    }
}

/// How many entities, metrics and times a plan gives one answer for beside the first, where it does not hold them
/// against each other.
pub fn beside(plan: &Plan) -> usize {
    let single = matches!(
        plan.operation,
        Operation::Measure
            | Operation::When { .. }
            | Operation::WhenCondition { .. }
            | Operation::Fact { .. }
            | Operation::Profile
    );
    let counts = [plan.entities.len(), plan.metrics.len(), plan.periods.len()];
    if single { counts.iter().map(|count| count.saturating_sub(1)).sum() } else { 0 }
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
        assert!(two.named.len() == 2 && !two.asks_which);
    }
}
