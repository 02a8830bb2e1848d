//! `sutra_ask` and `sutra_explain`: a question in plain language, answered from what was learned.
//!
//! The question is understood and the answer computed by the knowledge crate; this module checks the arguments, reads
//! for it ([`read`]) and returns its rows. Nothing is ever written, so it works in read-only transactions and on a
//! standby.

mod read;

use crate::error::raise;
use crate::observe::counters::{self, Timer};
use crate::search::jsonb::Jsonb;
use crate::types::concept_id::ConceptId;
use pgrx::JsonB;
use pgrx::prelude::*;
use read::SqlStore;
use serde_json::json;
use sutra_knowledge::answer;
use sutra_knowledge::question;

/// The most rows of one answer; more are asked for in vain.
const MOST_RESULTS: i32 = 1_000;

/// The most characters of a question that are read.
const LONGEST_QUESTION: usize = 8_192;

/// The question, checked and cut to what is read of it.
fn checked(question: Option<&str>) -> String {
    let Some(question) = question else {
        raise(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "the question must not be null",
            "",
            "Ask something, such as 'AAPL trend'.",
        )
    };
    if question.chars().all(char::is_whitespace) {
        raise(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "the question is empty",
            "It has no character but white space.",
            "Ask something, such as 'AAPL trend'.",
        );
    }
    question.chars().take(LONGEST_QUESTION).collect()
}

fn checked_filter(filter: Option<Jsonb>) -> Option<Jsonb> {
    if filter.as_ref().is_some_and(|filter| !filter.is_object()) {
        raise(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "the filter must be a JSON object",
            "",
            "Give the keys and values that the metadata must contain, such as {\"company\": \"AAPL\"}.",
        );
    }
    filter
}

/// Answers a question; the first row is the answer, the others stand behind it.
#[pg_extern]
#[allow(clippy::type_complexity)]
fn sutra_ask(
    question: Option<&str>,
    max_results: Option<i32>,
    filter: Option<Jsonb>,
    min_confidence: Option<f32>,
) -> TableIterator<
    'static,
    (
        name!(rank, i32),
        name!(kind, String),
        name!(answer, String),
        name!(value, Option<JsonB>),
        name!(confidence, f32),
        name!(concept_id, Option<ConceptId>),
        name!(evidence, Vec<ConceptId>),
        name!(path, Option<JsonB>),
        name!(explanation, String),
    ),
> {
    let timer = Timer::start(&counters::get().0.ask);
    let question = checked(question);
    let filter = checked_filter(filter);
    let Some(max_results) = max_results else {
        raise(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "max_results must not be null",
            "",
            "Leave max_results out for 10 rows.",
        )
    };
    if max_results < 1 {
        raise(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("max_results is {max_results}, but must be at least 1"),
            "max_results is the number of rows: the answer and what stands behind it.",
            "Leave max_results out for 10 rows.",
        );
    }
    if let Some(given) = min_confidence.filter(|given| !(0.0..=1.0).contains(given)) {
        raise(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("min_confidence is {given}, but must be between 0 and 1"),
            "min_confidence is a probability.",
            "Leave min_confidence out for the setting sutra.min_confidence.",
        );
    }
    let least = min_confidence.map_or_else(|| crate::settings::MIN_CONFIDENCE.get(), f64::from);
    let store = SqlStore::new(filter);
    let plan = question::understand(&question, &store);
    let rows = answer::answer(&question, &plan, &store, max_results.min(MOST_RESULTS) as usize, least);
    timer.end();
    if let Some(first) = rows.first() {
        counters::answered(first.kind.name(), first.confidence);
    }
    TableIterator::new(rows.into_iter().zip(1..).map(|(row, rank)| {
        (
            rank,
            row.kind.name().to_owned(),
            row.answer,
            row.value.map(JsonB),
            row.confidence as f32,
            row.concept.map(ConceptId),
            row.evidence.into_iter().map(ConceptId).collect(),
            row.path.map(JsonB),
            row.explanation,
        )
    }))
}

/// What `sutra_ask` makes of a question: the plan, the answer in short, and what was read.
#[pg_extern]
fn sutra_explain(question: Option<&str>) -> JsonB {
    let question = checked(question);
    let store = SqlStore::new(None);
    let plan = question::understand(&question, &store);
    let rows = answer::answer(&question, &plan, &store, 1, 0.0);
    let first = rows.first().map(|row| {
        json!({
            "kind": row.kind, "answer": row.answer, "confidence": row.confidence, "signals": row.signals,
            "explanation": row.explanation,
        })
    });
    JsonB(json!({ "question": question, "plan": plan, "answer": first, "read": store.record() }))
}
