//! Forgetting: a concept with everything that hangs on it.
//!
//! Edges, observations, aliases and vectors go with their concept by foreign keys. Entities that nothing refers to any
//! more go too, and what only they referred to.

use super::batch::writable_space;
use super::json::Json;
use super::series;
use super::statements::{column, run};
use super::{Place, raise_null};
use crate::error::raise;
use crate::types::concept_id::ConceptId;
use pgrx::prelude::*;
use pgrx::spi::SpiClient;
use std::collections::BTreeSet;
use sutra_knowledge::metadata;

/// Statements forgotten with one statement for each table.
const PART: i32 = 10_000;

/// Forgets one concept; false when there is none of this id.
#[pg_extern]
fn sutra_forget(id: Option<ConceptId>) -> bool {
    let id = id.unwrap_or_else(|| raise_null("concept_id", Place { position: 1, shown: false }));
    let space = writable_space();
    Spi::connect_mut(|client| forget(client, &space, vec![id]) > 0)
}

/// Forgets the statements whose metadata contain the filter, and says how many they were.
#[pg_extern]
fn sutra_forget_where(filter: Option<Json>) -> i64 {
    let filter = filter.unwrap_or_else(|| raise_null("filter", Place { position: 1, shown: false }));
    let empty = match metadata::entries(&filter.text()) {
        Ok(entries) => entries.is_empty(),
        Err(_) => true,
    };
    if empty {
        raise(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "the filter must be a JSON object with at least one key",
            "Every statement contains the empty object, so it would forget all of them.",
            "Name what to forget, as in '{\"company\": \"AAPL\"}'; to forget everything of a space delete it from sutra.concept.",
        );
    }
    let space = writable_space();
    Spi::connect_mut(|client| {
        let mut forgotten = 0;
        loop {
            let rows = run(
                client,
                "SELECT id FROM sutra.concept
                 WHERE space OPERATOR(pg_catalog.=) $1 AND kind OPERATOR(pg_catalog.=) 'statement'
                    AND metadata OPERATOR(pg_catalog.@>) $2
                 ORDER BY id LIMIT $3 FOR UPDATE",
                &[space.as_str().into(), filter.into(), PART.into()],
            );
            let ids: Vec<ConceptId> = rows.into_iter().filter_map(|row| column(&row, 1)).collect();
            if ids.is_empty() {
                return forgotten;
            }
            let deleted = forget(client, &space, ids);
            if deleted == 0 {
                raise(
                    PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
                    format!("not allowed to forget in space \"{space}\""),
                    "Row-level security shows the statements to this role but does not let it delete them.",
                    "Ask for the right to learn in the space; see sutra.space_role.",
                );
            }
            forgotten += deleted;
        }
    })
}

fn forget(client: &mut SpiClient<'_>, space: &str, ids: Vec<ConceptId>) -> i64 {
    let mut candidates = referred(client, space, &ids);
    let gone: BTreeSet<u64> = ids.iter().map(|id| id.0).collect();
    let before = series::leading_to(client, space, &gone);
    let forgotten = delete(client, space, &ids);
    // What stood around them in their series is joined.
    series::link(client, space, &BTreeSet::new(), &before.difference(&gone).copied().collect());
    while !candidates.is_empty() {
        // What an entity that goes refers to may go with it.
        let lonely = unreferred(client, space, &candidates);
        if lonely.is_empty() {
            break;
        }
        candidates = referred(client, space, &lonely);
        delete(client, space, &lonely);
    }
    forgotten
}

/// Entities that edges or observations of these concepts lead to.
fn referred(client: &mut SpiClient<'_>, space: &str, ids: &[ConceptId]) -> Vec<ConceptId> {
    let rows = run(
        client,
        "SELECT a.target FROM sutra.association AS a
         WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.source OPERATOR({schema}.=) ANY ($2)
         UNION
         SELECT e.id FROM sutra.association AS a
         CROSS JOIN LATERAL (VALUES (a.source), (a.target)) AS e (id)
         WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.evidence OPERATOR({schema}.=) ANY ($2)
         UNION
         SELECT o.entity FROM sutra.observation AS o
         WHERE o.space OPERATOR(pg_catalog.=) $1 AND o.concept OPERATOR({schema}.=) ANY ($2)
         ORDER BY 1",
        &[space.into(), ids.to_vec().into()],
    );
    rows.into_iter().filter_map(|row| column(&row, 1)).collect()
}

/// Those of some concepts that are entities without an edge, an observation or an alias given by hand.
fn unreferred(client: &mut SpiClient<'_>, space: &str, ids: &[ConceptId]) -> Vec<ConceptId> {
    let rows = run(
        client,
        "SELECT c.id FROM sutra.concept AS c
         WHERE c.space OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR({schema}.=) ANY ($2)
            AND c.kind OPERATOR(pg_catalog.=) 'entity'
            AND NOT EXISTS (SELECT FROM sutra.association AS a
                WHERE a.space OPERATOR(pg_catalog.=) c.space AND a.target OPERATOR({schema}.=) c.id)
            AND NOT EXISTS (SELECT FROM sutra.association AS a
                WHERE a.space OPERATOR(pg_catalog.=) c.space AND a.source OPERATOR({schema}.=) c.id)
            AND NOT EXISTS (SELECT FROM sutra.observation AS o
                WHERE o.space OPERATOR(pg_catalog.=) c.space AND o.entity OPERATOR({schema}.=) c.id)
            AND NOT EXISTS (SELECT FROM sutra.alias AS a
                WHERE a.space OPERATOR(pg_catalog.=) c.space AND a.entity OPERATOR({schema}.=) c.id
                    AND a.kind OPERATOR(pg_catalog.=) 'user')
         ORDER BY c.id",
        &[space.into(), ids.to_vec().into()],
    );
    rows.into_iter().filter_map(|row| column(&row, 1)).collect()
}

fn delete(client: &mut SpiClient<'_>, space: &str, ids: &[ConceptId]) -> i64 {
    let rows = run(
        client,
        "DELETE FROM sutra.concept
         WHERE space OPERATOR(pg_catalog.=) $1 AND id OPERATOR({schema}.=) ANY ($2)
         RETURNING id",
        &[space.into(), ids.to_vec().into()],
    );
    rows.len() as i64
}
