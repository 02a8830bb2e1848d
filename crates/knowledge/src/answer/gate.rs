//! What stands in the way of an answer before anything is read: names not known, words not understood.

use super::{Row, sentence};
use crate::question::plan::{Operation, Plan};
use serde_json::json;

/// The abstention that a plan leads to, if it does.
pub fn missing(plan: &Plan) -> Option<Row> {
    if let Some(ambiguity) = plan.ambiguous.first() {
        let names: Vec<String> = ambiguity.candidates.iter().map(sentence::entity).collect();
        return Some(Row::abstention(
            format!("\"{}\" may mean {}.", ambiguity.text, sentence::list(&names)),
            json!({ "ambiguous": ambiguity.text, "candidates": names }),
            "name one of the candidates",
        ));
    }
    // "Which stock will gain the most?" names nothing and yet asks for a number of the future.
    let ranked = matches!(plan.operation, Operation::Rank { .. } | Operation::Compare { .. });
    let advice = plan.future.as_deref() == Some("should");
    let of_future = advice || ranked || !plan.entities.is_empty() || !plan.groups.is_empty();
    if let Some(future) = plan.future.as_ref().filter(|_| of_future) {
        return Some(Row::abstention(
            format!("What is still to come is not known: answers are computed from what was learned (\"{future}\")."),
            json!({ "future": future }),
            "nothing is forecast",
        ));
    }
    if matches!(plan.operation, Operation::Open | Operation::Cause | Operation::Define { .. }) {
        return None;
    }
    if let Some(name) = plan.not_understood.iter().find(|unknown| unknown.name) {
        return Some(Row::abstention(
            format!("{} is not known: nothing learned goes by that name.", name.text),
            json!({ "unknown": name.text }),
            format!("no alias matches \"{}\", not even with one typing error", name.text),
        ));
    }
    if let Some(time) = plan.impossible_times.first() {
        return Some(Row::abstention(
            format!("There is no such day as {time}."),
            json!({ "time": time }),
            "the calendar has no such day",
        ));
    }
    let blocked = plan.not_understood.iter().find(|unknown| unknown.decisive);
    if let Some(unknown) = blocked {
        let about =
            plan.entities.first().map(|link| format!(" of {}", sentence::entity(&link.entity))).unwrap_or_default();
        return Some(Row::abstention(
            format!("Nothing is known about \"{}\"{about}.", unknown.text),
            json!({ "not_understood": unknown.text }),
            "the words name no metric, fact or entity that was learned, and an answer without them would answer something else",
        ));
    }
    None
}
