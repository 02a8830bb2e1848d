//! What is quoted where the answer that was asked for cannot be given: a reason that no statement states in so many words,
//! a term that none defines, a number of something that was never observed. A passage may still answer, as it does an open
//! question; it has to be more likely right than wrong.

use super::{Kind, Row, about, cause, confidence, definition, passage};
use crate::question::plan::{Operation, Plan};
use crate::store::Store;

/// Whether a passage may stand for an answer that was not found.
pub fn wanted(plan: &Plan, rows: &[Row], store: &dyn Store) -> bool {
    let found = rows.first().is_some_and(|row| {
        row.kind != Kind::Abstention && (row.features.is_some() || row.confidence >= confidence::LEAST)
    });
    if found {
        return false;
    }
    match plan.operation {
        Operation::Open => false,
        Operation::Cause | Operation::Define { .. } => true,
        _ => unmeasured(plan, store),
    }
}

/// Whether a question that reads as one for a number names nothing that was learned, and what it measures was never
/// observed: its words are then looked for as they are.
fn unmeasured(plan: &Plan, store: &dyn Store) -> bool {
    plan.entities.is_empty()
        && plan.groups.is_empty()
        && plan.metrics.iter().all(|link| store.newest(&link.metric.name).is_none())
}

/// The passages that answer, when the best of them is surely enough one.
pub fn quoted(question: &str, plan: &Plan, store: &dyn Store, most: usize) -> Option<Vec<Row>> {
    let sure = |rows: &[Row]| {
        rows.first().is_some_and(|row| row.kind != Kind::Abstention && row.confidence >= confidence::LEAST)
    };
    let mut rows = about(question, plan, passage::open(question, plan, store, most));
    let number = !matches!(plan.operation, Operation::Open | Operation::Cause | Operation::Define { .. });
    if number && !sure(&rows) && unmeasured(plan, store) {
        let open = Plan { operation: Operation::Open, ..plan.clone() };
        rows = about(question, &open, passage::open(question, &open, store, most));
    }
    if !sure(&rows) {
        return None;
    }
    let best = rows.first()?;
    let fits = match &plan.operation {
        Operation::Cause => cause::may_answer(question, plan, &best.answer),
        Operation::Define { term } => definition::holds(&best.answer, term),
        _ => true,
    };
    fits.then_some(rows)
}
