//! Forgetting: a concept with everything that hangs on it.
//!
//! Edges, observations, aliases and vectors go with their concept by foreign keys. Entities that nothing refers to any
//! more go too, and what only they referred to.

use super::batch::writable_space;
use super::hold::{self, Mode};
use super::json::Json;
use super::series;
use super::statements::{column, run};
use super::{Place, raise_null};
use crate::error::raise;
use crate::observe::counters::{self, Timer};
use crate::types::concept_id::ConceptId;
use pgrx::prelude::*;
use pgrx::spi::SpiClient;
use std::collections::BTreeSet;
use sutra_knowledge::metadata;

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
        let rows = run(
            client,
            "SELECT id FROM sutra.concept
             WHERE space OPERATOR(pg_catalog.=) $1 AND kind OPERATOR(pg_catalog.=) 'statement'
                AND metadata OPERATOR(pg_catalog.@>) $2
             ORDER BY id FOR UPDATE",
            &[space.as_str().into(), filter.into()],
        );
        let ids: Vec<ConceptId> = rows.into_iter().filter_map(|row| column(&row, 1)).collect();
        if ids.is_empty() {
            return 0;
        }
        let forgotten = forget(client, &space, ids);
        if forgotten == 0 {
            raise(
                PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("not allowed to forget in space \"{space}\""),
                "Row-level security shows the statements to this role but does not let it delete them.",
                "Ask for the right to learn in the space; see sutra.space_role.",
            );
        }
        forgotten
    })
}

/// Forgets concepts, and the entities that nothing refers to without them; the number of the former.
///
/// All locks are taken before anything is deleted, in the order of learning: see `hold`.
fn forget(client: &mut SpiClient<'_>, space: &str, ids: Vec<ConceptId>) -> i64 {
    let (counters, _) = counters::get();
    let timer = Timer::start(&counters.forget);
    hold_statements(client, space, &ids);
    let asked: BTreeSet<u64> = ids.iter().map(|id| id.0).collect();
    let alone = lonely(client, space, &asked, None);
    let mut wanted = hold::Wanted::new();
    // Sessions that forget statements of one entity wait for each other, so that the last one sees that it is the last.
    for entity in referred(client, space, &asked) {
        hold::want(&mut wanted, entity, Mode::Alone);
    }
    for source in hold::sources(client, space, &asked.iter().copied().collect::<Vec<_>>()) {
        hold::want(&mut wanted, source, Mode::Alone);
    }
    // One that is asked for may be an entity; a statement is held already.
    for id in asked.iter().chain(&alone) {
        hold::want(&mut wanted, *id, Mode::Deleted);
    }
    hold::concepts(client, space, &wanted);
    hold_series(client, space, &asked);
    // What another session committed before the locks were had may refer to some of them, or may have left others alone.
    let mut now = lonely(client, space, &asked, None);
    let further: BTreeSet<u64> = now.difference(&alone).copied().collect();
    if !further.is_empty() {
        let held = hold_free(client, space, &further);
        now.retain(|id| !further.contains(id) || held.contains(id));
    }
    let lonely = lonely(client, space, &asked, Some(now));
    let before = series::leading_to(client, space, &asked);
    let deleted = delete(client, space, &asked.iter().chain(&lonely).copied().map(ConceptId).collect::<Vec<_>>());
    // What stood around them in their series is joined.
    series::link(client, space, &BTreeSet::new(), &before.difference(&asked).copied().collect());
    let forgotten = deleted.iter().filter(|id| asked.contains(&id.0)).count();
    counters::add(&counters.forgotten, forgotten as u64);
    timer.end();
    forgotten as i64
}

/// Locks what is to be forgotten and is no entity.
fn hold_statements(client: &mut SpiClient<'_>, space: &str, ids: &[ConceptId]) {
    run(
        client,
        "SELECT FROM sutra.concept AS c
         WHERE c.space OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR({schema}.=) ANY ($2)
            AND c.kind OPERATOR(pg_catalog.<>) 'entity'
         ORDER BY c.id FOR UPDATE",
        &[space.into(), ids.to_vec().into()],
    );
}

/// Locks those of some entities that no other session uses.
fn hold_free(client: &mut SpiClient<'_>, space: &str, ids: &BTreeSet<u64>) -> BTreeSet<u64> {
    let rows = run(
        client,
        "SELECT c.id FROM sutra.concept AS c
         WHERE c.space OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR({schema}.=) ANY ($2)
         ORDER BY c.id FOR UPDATE SKIP LOCKED",
        &[space.into(), concept_ids(ids).into()],
    );
    rows.into_iter().filter_map(|row| column::<ConceptId>(&row, 1)).map(|id| id.0).collect()
}

/// Locks the edges in time that go with statements, in the order in which learning locks those that it replaces.
fn hold_series(client: &mut SpiClient<'_>, space: &str, ids: &BTreeSet<u64>) {
    run(
        client,
        "SELECT FROM sutra.association AS a
         WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.kind OPERATOR(pg_catalog.=) 'temporal'::sutra.association_kind
            AND (a.source OPERATOR({schema}.=) ANY ($2) OR a.target OPERATOR({schema}.=) ANY ($2))
         ORDER BY a.source, a.target FOR UPDATE",
        &[space.into(), concept_ids(ids).into()],
    );
}

/// The entities that nothing refers to when some concepts are gone; of those given, or of all that these refer to. What an
/// entity that goes refers to may go with it.
fn lonely(
    client: &mut SpiClient<'_>,
    space: &str,
    asked: &BTreeSet<u64>,
    among: Option<BTreeSet<u64>>,
) -> BTreeSet<u64> {
    match among {
        Some(mut among) => loop {
            // One that stays keeps others.
            let gone = asked.union(&among).copied().collect();
            let left = unreferred(client, space, &among, &gone);
            if left.len() == among.len() {
                return among;
            }
            among = left;
        },
        None => {
            let mut found = BTreeSet::new();
            let mut last = asked.clone();
            while !last.is_empty() {
                let mut candidates = referred(client, space, &last);
                candidates.retain(|id| !asked.contains(id) && !found.contains(id));
                let gone = asked.union(&found).copied().collect();
                last = unreferred(client, space, &candidates, &gone);
                found.extend(&last);
            }
            found
        }
    }
}

fn concept_ids(ids: &BTreeSet<u64>) -> Vec<ConceptId> {
    ids.iter().copied().map(ConceptId).collect()
}

/// Entities that edges or observations of these concepts lead to.
fn referred(client: &mut SpiClient<'_>, space: &str, ids: &BTreeSet<u64>) -> BTreeSet<u64> {
    let rows = run(
        client,
        "SELECT c.id FROM (
            SELECT a.target FROM sutra.association AS a
            WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.source OPERATOR({schema}.=) ANY ($2)
            UNION
            SELECT e.id FROM sutra.association AS a
            CROSS JOIN LATERAL (VALUES (a.source), (a.target)) AS e (id)
            WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.evidence OPERATOR({schema}.=) ANY ($2)
            UNION
            SELECT o.entity FROM sutra.observation AS o
            WHERE o.space OPERATOR(pg_catalog.=) $1 AND o.concept OPERATOR({schema}.=) ANY ($2)
         ) AS r (id)
         JOIN sutra.concept AS c ON c.space OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR({schema}.=) r.id
         WHERE c.kind OPERATOR(pg_catalog.=) 'entity'",
        &[space.into(), concept_ids(ids).into()],
    );
    rows.into_iter().filter_map(|row| column::<ConceptId>(&row, 1)).map(|id| id.0).collect()
}

/// Those of some concepts that are entities without an edge or an observation but those of what is gone, and without an
/// alias given by hand.
fn unreferred(
    client: &mut SpiClient<'_>,
    space: &str,
    candidates: &BTreeSet<u64>,
    gone: &BTreeSet<u64>,
) -> BTreeSet<u64> {
    if candidates.is_empty() {
        return BTreeSet::new();
    }
    // How often what is gone refers to an entity, and whether anything else does: one reference more is looked for.
    let rows = run(
        client,
        "WITH edge AS MATERIALIZED (
            SELECT a.source, a.target, a.kind, a.relation FROM sutra.association AS a
            WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.source OPERATOR({schema}.=) ANY ($3)
            UNION
            SELECT a.source, a.target, a.kind, a.relation FROM sutra.association AS a
            WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.target OPERATOR({schema}.=) ANY ($3)
            UNION
            SELECT a.source, a.target, a.kind, a.relation FROM sutra.association AS a
            WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.evidence OPERATOR({schema}.=) ANY ($3)
         ), edges AS MATERIALIZED (
            SELECT e.id, pg_catalog.count(*) AS number
            FROM edge CROSS JOIN LATERAL (VALUES (edge.source), (edge.target)) AS e (id)
            GROUP BY e.id
         ), observations AS MATERIALIZED (
            SELECT o.entity AS id, pg_catalog.count(*) AS number FROM sutra.observation AS o
            WHERE o.space OPERATOR(pg_catalog.=) $1 AND o.concept OPERATOR({schema}.=) ANY ($3)
            GROUP BY o.entity
         ), candidate AS MATERIALIZED (
            SELECT c.id, coalesce(e.number, 0) AS edges, coalesce(o.number, 0) AS observations
            FROM sutra.concept AS c
            LEFT JOIN edges AS e ON e.id OPERATOR({schema}.=) c.id
            LEFT JOIN observations AS o ON o.id OPERATOR({schema}.=) c.id
            WHERE c.space OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR({schema}.=) ANY ($2)
                AND c.kind OPERATOR(pg_catalog.=) 'entity'
         )
         SELECT c.id FROM candidate AS c
         WHERE (SELECT pg_catalog.count(*) FROM (SELECT FROM sutra.association AS a
                    WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.target OPERATOR({schema}.=) c.id
                    LIMIT c.edges OPERATOR(pg_catalog.+) 1) AS found)
                OPERATOR(pg_catalog.+)
               (SELECT pg_catalog.count(*) FROM (SELECT FROM sutra.association AS a
                    WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.source OPERATOR({schema}.=) c.id
                    LIMIT c.edges OPERATOR(pg_catalog.+) 1) AS found)
                OPERATOR(pg_catalog.=) c.edges
            AND (SELECT pg_catalog.count(*) FROM (SELECT FROM sutra.observation AS o
                    WHERE o.space OPERATOR(pg_catalog.=) $1 AND o.entity OPERATOR({schema}.=) c.id
                    LIMIT c.observations OPERATOR(pg_catalog.+) 1) AS found)
                OPERATOR(pg_catalog.=) c.observations
            AND NOT EXISTS (SELECT FROM sutra.alias AS a
                WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.entity OPERATOR({schema}.=) c.id
                    AND a.kind OPERATOR(pg_catalog.=) 'user')",
        &[space.into(), concept_ids(candidates).into(), concept_ids(gone).into()],
    );
    rows.into_iter().filter_map(|row| column::<ConceptId>(&row, 1)).map(|id| id.0).collect()
}

fn delete(client: &mut SpiClient<'_>, space: &str, ids: &[ConceptId]) -> Vec<ConceptId> {
    let rows = run(
        client,
        "DELETE FROM sutra.concept
         WHERE space OPERATOR(pg_catalog.=) $1 AND id OPERATOR({schema}.=) ANY ($2)
         RETURNING id",
        &[space.into(), ids.to_vec().into()],
    );
    rows.into_iter().filter_map(|row| column(&row, 1)).collect()
}
