//! Open questions: the best statement that was learned, if it is good enough to show.

use super::{Row, measure};
use crate::question::plan::Plan;
use crate::question::{token, words};
use crate::store::Store;
use serde_json::json;
use std::collections::BTreeSet;

/// Share of the question's meaningful words that a statement must hold to be shown.
const LEAST_OVERLAP: f64 = 0.5;
/// An open answer quotes a statement, it does not compute: confidence stays below this.
const MOST_CONFIDENCE: f64 = 0.75;

/// The stem under which two forms of a word are the same; as rough as an overlap needs.
fn stem(word: &str) -> String {
    let mut stem = word.to_lowercase();
    for ending in ["ing", "ies", "ed", "es", "s", "e", "y"] {
        if let Some(rest) = stem.strip_suffix(ending).filter(|rest| rest.chars().count() >= 3) {
            stem = rest.to_owned();
            break;
        }
    }
    stem
}

fn stems(text: &str) -> BTreeSet<String> {
    token::tokens(text)
        .iter()
        .filter(|token| token.kind != token::TokenKind::Symbol)
        .filter(|token| {
            !matches!(
                words::cue(&token.lower),
                Some(
                    words::Cue::Filler
                        | words::Cue::What
                        | words::Cue::Which
                        | words::Cue::Whether
                        | words::Cue::How
                        | words::Cue::And
                        | words::Cue::Or
                        | words::Cue::When
                        | words::Cue::Where
                        | words::Cue::Why
                )
            )
        })
        .map(|token| stem(&token.lower))
        .collect()
}

/// The best statements for the question, or an abstention.
pub fn open(question: &str, plan: &Plan, store: &dyn Store, most: usize) -> Vec<Row> {
    let asked = stems(question);
    let nothing = |why: &str| {
        vec![Row::abstention(
            "Nothing that was learned answers this question.",
            json!({ "not_understood": plan.not_understood.iter().map(|unknown| &unknown.text).collect::<Vec<_>>() }),
            why,
        )]
    };
    if asked.is_empty() {
        return nothing("the question holds no word that could be looked for");
    }
    let mut ranked: Vec<(f64, u64, String)> = store
        .passages(question, most.clamp(5, 50))
        .into_iter()
        .map(|passage| {
            let held = stems(&passage.content);
            let overlap = asked.intersection(&held).count() as f64 / asked.len() as f64;
            let score = overlap * (0.5 + 0.5 * passage.score.clamp(0.0, 1.0));
            (score, passage.concept, passage.content)
        })
        .collect();
    // The search's own order decides, the overlap only whether it is shown.
    ranked.retain(|(score, ..)| *score >= LEAST_OVERLAP);
    if ranked.is_empty() {
        return nothing("no statement holds enough of the question's words");
    }
    let rows = ranked.into_iter().take(most).map(|(score, concept, content)| {
        let confidence = (score * MOST_CONFIDENCE * (0.5 + 0.5 * plan.understood)).clamp(0.0, MOST_CONFIDENCE);
        Row::statement(concept, content, confidence, "found by search; the statement is quoted, not interpreted")
    });
    let mut rows: Vec<Row> = rows.collect();
    if let Some(first) = rows.first_mut() {
        first.explanation.push_str(&measure::notes(plan, &crate::question::time::Period::unspecified(), None));
    }
    rows
}
