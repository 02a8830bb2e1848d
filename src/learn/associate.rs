//! Edges given by hand.

use super::batch::writable_space;
use super::statements::{column, run};
use super::{Place, raise_null};
use crate::error::raise;
use crate::types::concept_id::ConceptId;
use pgrx::prelude::*;

/// Adds an edge, or gives the one that is there another confidence and evidence; true when it is new.
///
/// The kind is given as text; a word that is none of sutra.association_kind is refused by its input function.
#[pg_extern]
fn sutra_associate(
    source: Option<ConceptId>,
    target: Option<ConceptId>,
    kind: Option<&str>,
    relation: Option<&str>,
    confidence: Option<f32>,
    evidence: Option<ConceptId>,
) -> bool {
    let place = Place { position: 1, shown: false };
    let source = source.unwrap_or_else(|| raise_null("source", place));
    let target = target.unwrap_or_else(|| raise_null("target", place));
    let kind = kind.unwrap_or_else(|| raise_null("kind", place));
    let relation = sutra_knowledge::identity::normalise(relation.unwrap_or_else(|| raise_null("relation", place)));
    let confidence = confidence.unwrap_or_else(|| raise_null("confidence", place));
    let invalid = |message: String, detail: &str, hint: &str| -> ! {
        raise(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message, detail, hint)
    };
    if source == target {
        invalid(
            "a concept cannot be associated with itself".into(),
            &format!("Source and target are both {source}."),
            "Pass two concepts.",
        );
    }
    let longest = sutra_knowledge::metadata::LONGEST_NAME;
    if relation.is_empty() || relation.len() > longest {
        let length = if relation.is_empty() { "blank" } else { "too long" };
        invalid(format!("relation is {length}"), &format!("It must have 1 to {longest} bytes."), "Name the relation.");
    }
    if !(0.0..=1.0).contains(&confidence) {
        invalid(format!("confidence {confidence} is out of range"), "", "Pass a number from 0 to 1.");
    }
    let space = writable_space();
    Spi::connect_mut(|client| {
        let mut wanted = vec![source, target];
        wanted.extend(evidence);
        let rows = run(
            client,
            "SELECT id FROM sutra.concept
             WHERE space OPERATOR(pg_catalog.=) $1 AND id OPERATOR({schema}.=) ANY ($2)
             ORDER BY kind OPERATOR(pg_catalog.=) 'entity', id FOR KEY SHARE",
            &[space.as_str().into(), wanted.clone().into()],
        );
        let known: Vec<ConceptId> = rows.into_iter().filter_map(|row| column(&row, 1)).collect();
        if let Some(unknown) = wanted.iter().find(|id| !known.contains(id)) {
            raise(
                PgSqlErrorCode::ERRCODE_FOREIGN_KEY_VIOLATION,
                format!("there is no concept {unknown}"),
                &format!("The space is \"{space}\"."),
                "Associate concepts of one space; sutra_learn returns their ids.",
            );
        }
        let inserted = run(
            client,
            "INSERT INTO sutra.association (space, source, target, kind, relation, confidence, evidence)
             VALUES ($1, $2, $3, $4::sutra.association_kind, $5, $6, $7)
             ON CONFLICT DO NOTHING
             RETURNING source",
            &[
                space.as_str().into(),
                source.into(),
                target.into(),
                kind.into(),
                relation.as_str().into(),
                confidence.into(),
                evidence.into(),
            ],
        );
        if !inserted.is_empty() {
            return true;
        }
        run(
            client,
            "UPDATE sutra.association SET confidence = $6, evidence = coalesce($7, evidence)
             WHERE space OPERATOR(pg_catalog.=) $1 AND source OPERATOR({schema}.=) $2 AND target OPERATOR({schema}.=) $3
                AND kind OPERATOR(pg_catalog.=) $4::sutra.association_kind AND relation OPERATOR(pg_catalog.=) $5",
            &[
                space.as_str().into(),
                source.into(),
                target.into(),
                kind.into(),
                relation.as_str().into(),
                confidence.into(),
                evidence.into(),
            ],
        );
        false
    })
}
