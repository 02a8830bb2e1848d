//! From a plan to an answer: numbers computed from observations, facts, or a clear "not known".

mod calendar;
mod cause;
pub mod confidence;
mod days;
mod definition;
mod difference;
mod facts;
mod gate;
mod instead;
mod measure;
mod overlap;
mod passage;
mod ranking;
mod selection;
pub mod sentence;
mod series;
pub mod statistics;
mod wording;

use crate::question::plan::{Operation, Plan};
use crate::store::Store;
use confidence::{Features, Saying};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The most concepts that a row cites.
pub const MOST_EVIDENCE: usize = 1_000;

/// What sort of row it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Computed from observations or facts.
    Computed,
    /// A statement as it was learned.
    Statement,
    /// A path through associations.
    Path,
    /// No answer, and why.
    Abstention,
}

impl Kind {
    /// As the column `kind` shows it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Computed => "computed",
            Kind::Statement => "statement",
            Kind::Path => "path",
            Kind::Abstention => "abstention",
        }
    }
}

/// One row of an answer.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What sort.
    pub kind: Kind,
    /// One or two sentences.
    pub answer: String,
    /// The numbers, by key.
    pub value: Option<Value>,
    /// Probability that it is right; 0 for an abstention, which claims nothing.
    pub confidence: f64,
    /// What it is about: the entity or the statement.
    pub concept: Option<u64>,
    /// The concepts that were used.
    pub evidence: Vec<u64>,
    /// The associations that were followed.
    pub path: Option<Value>,
    /// How it was found and computed.
    pub explanation: String,
    /// What can be seen of a computed answer.
    pub features: Option<Features>,
    /// What the confidence was computed from, by name.
    pub signals: Map<String, Value>,
}

impl Row {
    /// A computed row; evidence in the order of use, each concept once. Its confidence follows in [`weigh`].
    fn computed(
        answer: String,
        mut value: Map<String, Value>,
        evidence: Vec<u64>,
        features: Features,
        explanation: String,
    ) -> Row {
        let mut seen = std::collections::HashSet::new();
        let mut evidence: Vec<u64> = evidence.into_iter().filter(|concept| seen.insert(*concept)).collect();
        if evidence.len() > MOST_EVIDENCE {
            value.insert("evidence_count".into(), json!(evidence.len()));
            evidence.truncate(MOST_EVIDENCE);
        }
        Row {
            kind: Kind::Computed,
            answer,
            value: Some(Value::Object(value)),
            confidence: 1.0,
            concept: None,
            evidence,
            path: None,
            explanation,
            features: Some(features),
            signals: Map::new(),
        }
    }

    /// A statement that stands behind an answer.
    fn statement(concept: u64, content: String, confidence: f64, explanation: &str) -> Row {
        Row {
            kind: Kind::Statement,
            answer: content,
            value: None,
            confidence,
            concept: Some(concept),
            evidence: vec![concept],
            path: None,
            explanation: explanation.to_owned(),
            features: None,
            signals: Map::new(),
        }
    }

    /// A statement that says in so many words what is asked for.
    fn stated(concept: u64, sentence: String, saying: &Saying, explanation: &str) -> Row {
        let signals = confidence::stated(saying);
        let likely = confidence::probability(&signals, &confidence::STATED);
        Row {
            signals: confidence::listed(&signals, &confidence::STATED),
            ..Row::statement(concept, sentence, likely, explanation)
        }
    }

    /// No answer, and why.
    pub fn abstention(answer: impl Into<String>, missing: Value, explanation: impl Into<String>) -> Row {
        Row {
            kind: Kind::Abstention,
            answer: answer.into(),
            value: Some(json!({ "missing": missing })),
            confidence: 0.0,
            concept: None,
            evidence: vec![],
            path: None,
            explanation: explanation.into(),
            features: None,
            signals: Map::new(),
        }
    }
}

/// Answers a question that was understood: the answer first, then what supports it, at most `most` rows.
///
/// `least` is the confidence below which nothing is returned but an abstention that says so.
pub fn answer(question: &str, plan: &Plan, store: &dyn Store, most: usize, least: f64) -> Vec<Row> {
    let mut rows = match gate::missing(plan) {
        // Words that name nothing learned may still stand in a statement; what is ambiguous stays so.
        Some(abstention) if plan.ambiguous.is_empty() && plan.impossible_times.is_empty() && plan.future.is_none() => {
            instead::quoted(question, plan, store, most).unwrap_or_else(|| vec![abstention])
        }
        Some(abstention) => vec![abstention],
        None => {
            let rows = carry_out(question, plan, store, most);
            if instead::wanted(plan, &rows, store) {
                instead::quoted(question, plan, store, most).unwrap_or(rows)
            } else {
                rows
            }
        }
    };
    weigh(question, plan, &mut rows);
    if let Some(first) = rows.first()
        && first.kind != Kind::Abstention
        && first.confidence < least
    {
        let found = first.confidence;
        return vec![Row::abstention(
            format!("No answer reaches the confidence asked for: the best has {found:.2}, asked for was {least:.2}."),
            json!({ "confidence": least }),
            "lower min_confidence to see it",
        )];
    }
    if let Some(first) = rows.first_mut().filter(|_| !plan.further.is_empty()) {
        let texts: Vec<String> = plan.further.iter().map(|part| format!("\"{}\"", part.text)).collect();
        first.explanation.push_str(&format!(
            "; the text holds {} questions, this answers the first; answered after it: {}",
            texts.len() + 1,
            sentence::list(&texts)
        ));
        let others = further(plan, store, least);
        let at = 1.min(rows.len());
        rows.splice(at..at, others);
    }
    rows.retain(|row| row.kind == Kind::Abstention || row.confidence >= least);
    rows.truncate(most);
    rows
}

/// Gives every row the probability that it is right, and declines where that of the answer is too low.
///
/// What stands behind the answer is not surer than the answer.
fn weigh(question: &str, plan: &Plan, rows: &mut Vec<Row>) {
    let mut most = 1.0;
    for row in rows.iter_mut().filter(|row| row.kind != Kind::Abstention) {
        if let Some(features) = &row.features {
            let signals = confidence::computed(features, plan, question);
            row.confidence = confidence::probability(&signals, &confidence::COMPUTED);
            row.signals = confidence::listed(&signals, &confidence::COMPUTED);
        }
        row.confidence = row.confidence.min(most);
        most = row.confidence;
    }
    if rows.first().is_some_and(|row| row.kind != Kind::Abstention && row.confidence < confidence::LEAST) {
        let nearest = rows.remove(0);
        let unknown: Vec<&String> = plan.not_understood.iter().map(|unknown| &unknown.text).collect();
        let why = if unknown.is_empty() { String::new() } else { format!(": {} was not understood", quoted(&unknown)) };
        let mut abstention = Row::abstention(
            format!("Nothing that was learned answers this question surely enough{why}."),
            json!({ "not_understood": unknown, "confidence": nearest.confidence }),
            "the best answer found is more likely wrong than right; it is in the next row",
        );
        abstention.features = nearest.features;
        abstention.signals = nearest.signals.clone();
        rows.insert(0, nearest);
        rows.insert(0, abstention);
    }
}

fn quoted(words: &[&String]) -> String {
    sentence::list(&words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>())
}

/// Passages that speak of the entities named; an abstention when none does.
fn about(question: &str, plan: &Plan, mut rows: Vec<Row>) -> Vec<Row> {
    let asked = question.to_lowercase();
    // When something was founded does not say by whom.
    let founder = asked.contains("founder") || asked.contains("who ") && asked.contains("found");
    let names_founder = |text: &str| {
        let text = text.to_lowercase();
        ["founder", "founded by", "started by", "set up by", "established by"].iter().any(|words| text.contains(words))
    };
    rows.retain(|row| {
        row.kind == Kind::Abstention
            || (!founder || names_founder(&row.answer))
                && plan.entities.iter().all(|link| cause::names_entity(&row.answer, link))
    });
    if rows.is_empty() {
        let names: Vec<&str> = plan.entities.iter().map(|link| link.entity.name.as_str()).collect();
        return vec![Row::abstention(
            "Nothing that was learned answers this question.",
            json!({ "entities": names }),
            "no statement that holds enough of the question's words speaks of what it names",
        )];
    }
    rows
}

/// The answers to further questions of the same text, each after the first answer.
fn further(plan: &Plan, store: &dyn Store, least: f64) -> Vec<Row> {
    let rows = plan.further.iter().filter_map(|part| {
        let mut row = answer(&part.text, &part.plan, store, 1, least).into_iter().next()?;
        row.explanation = format!("the answer to a further question, \"{}\": {}", part.text, row.explanation);
        Some(row)
    });
    rows.collect()
}

fn carry_out(question: &str, plan: &Plan, store: &dyn Store, most: usize) -> Vec<Row> {
    match &plan.operation {
        Operation::Measure => measure::measure(plan, store),
        Operation::When { order, count, place } => days::when(plan, *order, *count, *place, store),
        Operation::Calendar { by, order } => calendar::by(plan, *by, *order, store),
        Operation::Difference { ratio } => difference::difference(plan, *ratio, store),
        Operation::Select { count } => selection::select(plan, *count, store),
        Operation::WhenCondition { first, all } => days::when_condition(plan, *first, *all, store),
        Operation::Rank { order, count, place } => ranking::rank(plan, *order, *count, *place, store),
        Operation::Compare { order, difference } => ranking::compare(plan, *order, *difference, store),
        Operation::Correlation => ranking::correlation(plan, store),
        Operation::Fact { relation } => facts::fact(plan, relation, store),
        Operation::Ticker => facts::ticker(plan, store),
        Operation::Profile => facts::profile(plan, store),
        Operation::Members { count } => facts::members(plan, *count, store),
        Operation::IsMember => facts::is_member(plan, store),
        Operation::Same { relation, count } => facts::same(plan, relation.as_deref(), *count, store),
        Operation::Path => facts::path(plan, store),
        Operation::Cause => cause::cause(question, plan, store, most),
        Operation::Define { term } => definition::define(term, store, most),
        Operation::Open => about(question, plan, passage::open(question, plan, store, most)),
    }
}
