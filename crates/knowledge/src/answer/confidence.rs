//! How likely an answer is right, from what can be seen of how it came about.
//!
//! Each answer has signals: how sure the links of its names are, how much of the period is covered, how far it stands from
//! the next best, and so on. A logistic regression over them gives the probability that the answer is right (Platt,
//! "Probabilistic outputs for support vector machines", 1999). Its coefficients, below, were fitted by
//! tests/ask/calibrate.py on labelled questions; docs/EVALUATION.md says on which, and how well the result holds on others.

use super::wording::{self, Wording};
use crate::question::plan::Plan;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Answers below this probability are more often wrong than right, and are not given.
pub const LEAST: f64 = 0.5;

/// No answer is surer than this.
const MOST: f64 = 0.995;

/// What can be seen of a computed answer; each is 1 where nothing speaks against it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Features {
    /// The names mean the entities they were linked to.
    pub linking: f64,
    /// The metric or relation is the one meant.
    pub metric: f64,
    /// The time is the one meant.
    pub time: f64,
    /// Share of the period that observations cover.
    pub coverage: f64,
    /// Share of the meaningful words that were understood.
    pub understood: f64,
    /// How far the answer stands from the next best: 0 for a tie, 1 for far.
    pub margin: f64,
    /// Share of the evidence that no other evidence contradicts.
    pub agreement: f64,
    /// How sure the operation itself is: 1 for what was asked in so many words.
    pub operation: f64,
}

impl Features {
    /// Nothing doubted yet.
    pub fn certain() -> Self {
        Features {
            linking: 1.0,
            metric: 1.0,
            time: 1.0,
            coverage: 1.0,
            understood: 1.0,
            margin: 1.0,
            agreement: 1.0,
            operation: 1.0,
        }
    }
}

/// What can be seen of a statement that is quoted; each 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quotation {
    /// Share of the question's words that it holds, by weight.
    pub words: f64,
    /// Share of the pairs of neighbouring words.
    pub pairs: f64,
    /// Share of the words that stand close together.
    pub close: f64,
    /// Score of the search.
    pub score: f64,
    /// How far the best stands from the next.
    pub margin: f64,
    /// Share of the words not understood that it holds.
    pub unknown: f64,
    /// Share of the names of the question that it holds.
    pub named: f64,
    /// It holds the sort of thing that is asked for.
    pub sort: f64,
    /// The question is an open one, and no number or fact that could not be found.
    pub open: f64,
}

/// What can be seen of a statement that says in so many words what is asked for, a cause or what a term means; each 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Saying {
    /// The names mean the entities they were linked to.
    pub linking: f64,
    /// Share of what the question asks about that the statement speaks of.
    pub about: f64,
    /// How plainly it says so: 1 for "because", less for "after", or for a verb that stands far from its term.
    pub plain: f64,
    /// How far it stands from the next.
    pub margin: f64,
}

/// A table of coefficients: the signals by name.
pub type Table<const N: usize> = [(&'static str, f64); N];

/// Coefficients of a computed answer: the change of its log odds for each unit of a signal.
pub const COMPUTED: Table<19> = [
    ("constant", 5.32),
    ("doubt of a name", -1.48),
    ("doubt of the metric", -1.56),
    ("doubt of the time", -1.60),
    ("doubt of the operation", -1.67),
    ("period not covered", -2.00),
    ("words not understood", -2.48),
    ("nearness of the next", -0.02),
    ("contradicted evidence", -2.00),
    ("metric not named", -0.02),
    ("time not named", -0.75),
    ("length", -0.71),
    ("turning words", -1.18),
    ("words passed over", -0.62),
    ("operations beside the one", -1.50),
    ("questions beside the one", -0.05),
    ("another sort than asked for", -1.65),
    ("things beside the one", -2.36),
    ("words guessed", -0.82),
];

/// Coefficients of a quoted statement.
pub const QUOTED: Table<10> = [
    ("constant", -5.14),
    ("words held", 0.91),
    ("pairs held", 1.51),
    ("words held close together", 0.35),
    ("search score", 1.78),
    ("margin", 2.27),
    ("unknown words held", 1.07),
    ("names held", 0.50),
    ("sort held", 0.09),
    ("open question", 0.12),
];

/// Coefficients of a statement that says in so many words what is asked for.
pub const STATED: Table<5> = [
    ("constant", 2.55),
    ("doubt of a name", -1.47),
    ("asked about and not spoken of", -1.63),
    ("not said plainly", -0.97),
    ("nearness of the next", -0.46),
];

/// Doubt of what is certain with a probability: its negative logarithm, at most 3.
fn doubt(certainty: f64) -> f64 {
    -certainty.clamp(0.05, 1.0).ln()
}

/// The signals of a computed answer, in the order of [`COMPUTED`].
pub fn computed(features: &Features, plan: &Plan, question: &str) -> [f64; 19] {
    let wording = Wording::read(question);
    let flag = |set: bool| f64::from(u8::from(set));
    let share = |value: f64| 1.0 - value.clamp(0.0, 1.0);
    [
        1.0,
        doubt(features.linking),
        doubt(features.metric),
        doubt(features.time),
        doubt(features.operation),
        share(features.coverage),
        share(features.understood),
        share(features.margin),
        share(features.agreement),
        flag(!plan.metric_named),
        flag(plan.periods.is_empty()),
        (wording.words.clamp(2, 40) as f64 / 8.0).ln(),
        wording.turning.min(3) as f64,
        wording.passed_over.min(6) as f64,
        wording.not_carried_out(plan).min(3) as f64,
        flag(!plan.further.is_empty()),
        flag(wording.asks_for_another_sort(plan)),
        wording::beside(plan).min(3) as f64,
        plan.guessed.min(3) as f64,
    ]
}

/// The signals of a quoted statement, in the order of [`QUOTED`].
pub fn quoted(quotation: &Quotation) -> [f64; 10] {
    let Quotation { words, pairs, close, score, margin, unknown, named, sort, open } = *quotation;
    [1.0, words, pairs, close, score, margin, unknown, named, sort, open]
}

/// The signals of a statement that says what is asked for, in the order of [`STATED`].
pub fn stated(saying: &Saying) -> [f64; 5] {
    let Saying { linking, about, plain, margin } = *saying;
    [1.0, doubt(linking), 1.0 - about, 1.0 - plain, 1.0 - margin]
}

/// The probability that an answer with these signals is right.
pub fn probability<const N: usize>(signals: &[f64; N], table: &Table<N>) -> f64 {
    let odds: f64 = signals.iter().zip(table).map(|(signal, (_, coefficient))| signal * coefficient).sum();
    (1.0 / (1.0 + (-odds).exp())).clamp(0.0, MOST)
}

/// The signals by name, as `sutra_explain` shows them.
pub fn listed<const N: usize>(signals: &[f64; N], table: &Table<N>) -> Map<String, Value> {
    table.iter().zip(signals).skip(1).map(|((name, _), signal)| ((*name).to_owned(), json!(signal))).collect()
}

/// How far the best of several stands from the next: their distance by the size of the larger, steep near 0.
pub fn margin(best: f64, next: f64) -> f64 {
    let scale = best.abs().max(next.abs());
    if scale == 0.0 { 0.0 } else { 1.0 - (-20.0 * (best - next).abs() / scale).exp() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubted<const N: usize>(table: &Table<N>) {
        let mut certain = [0.0; N];
        certain[0] = 1.0;
        for (at, (name, _)) in table.iter().enumerate().skip(1) {
            let mut doubted = certain;
            doubted[at] = 0.5;
            assert!(probability(&doubted, table) <= probability(&certain, table), "{name} raises confidence");
        }
        assert!(probability(&certain, table) > 0.9);
    }

    #[test]
    fn every_doubt_lowers_confidence() {
        doubted(&COMPUTED);
        doubted(&STATED);
    }

    #[test]
    fn more_of_the_question_held_never_lowers_confidence() {
        for (name, coefficient) in &QUOTED[1..] {
            assert!(*coefficient >= 0.0, "{name} lowers confidence");
        }
    }

    #[test]
    fn a_margin_grows_with_the_distance() {
        assert!(margin(2.0, 1.0) > margin(1.1, 1.0));
        assert_eq!(margin(1.0, 1.0), 0.0);
    }
}
