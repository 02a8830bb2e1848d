//! Forgetting: a concept with everything that hangs on it.
//!
//! Edges, observations, aliases and vectors go with their concept by foreign keys. Entities that nothing refers to any
//! more go too, and what only they referred to.

use super::batch::writable_space;
use super::hold::{self, Mode};
use super::json::Json;
use super::lonely;
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
    let lonely = hold_lonely(client, space, &asked);
    let before = series::leading_to(client, space, &asked);
    let deleted = delete(client, space, &asked.iter().chain(&lonely).copied().map(ConceptId).collect::<Vec<_>>());
    // What stood around them in their series is joined.
    series::link(client, space, &BTreeSet::new(), &before.difference(&asked).copied().collect());
    let forgotten = deleted.iter().filter(|id| asked.contains(&id.0)).count();
    counters::add(&counters.forgotten, forgotten as u64);
    timer.end();
    forgotten as i64
}

/// Locks the entities that some concepts refer to, and returns those that nothing refers to when these are gone.
///
/// Which these are is known for sure only under the locks, and how an entity is locked depends on it. So where the locks
/// show one that nobody foresaw, they are let go and all are taken again, in their order: a stronger lock on an entity
/// that is held already would be waited for out of order.
fn hold_lonely(client: &mut SpiClient<'_>, space: &str, asked: &BTreeSet<u64>) -> BTreeSet<u64> {
    let mut foreseen = lonely::without(client, space, asked);
    loop {
        let gone: BTreeSet<u64> = asked.union(&foreseen).copied().collect();
        let mut wanted = hold::Wanted::new();
        // Sessions that forget statements of one entity wait for each other, so that the last one sees that it is the last.
        for entity in lonely::referred(client, space, &gone) {
            hold::want(&mut wanted, entity, Mode::Alone);
        }
        for source in hold::sources(client, space, &asked.iter().copied().collect::<Vec<_>>()) {
            hold::want(&mut wanted, source, Mode::Alone);
        }
        // One that is asked for may be an entity; a statement is held already.
        for id in &gone {
            hold::want(&mut wanted, *id, Mode::Deleted);
        }
        let (unforeseen, lonely) = hold::kept_if(
            || {
                hold::concepts(client, space, &wanted);
                hold_series(client, space, asked);
                let lonely = lonely::without(client, space, asked);
                (lonely.difference(&foreseen).copied().collect::<Vec<_>>(), lonely)
            },
            |(unforeseen, _)| unforeseen.is_empty(),
        );
        if unforeseen.is_empty() {
            return lonely;
        }
        foreseen.extend(unforeseen);
    }
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

/// Locks the edges in time that go with statements, in the order in which learning locks those that it replaces.
fn hold_series(client: &mut SpiClient<'_>, space: &str, ids: &BTreeSet<u64>) {
    run(
        client,
        "SELECT FROM sutra.association AS a
         WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.kind OPERATOR(pg_catalog.=) 'temporal'::sutra.association_kind
            AND (a.source OPERATOR({schema}.=) ANY ($2) OR a.target OPERATOR({schema}.=) ANY ($2))
         ORDER BY a.source, a.target FOR UPDATE",
        &[space.into(), ids.iter().copied().map(ConceptId).collect::<Vec<_>>().into()],
    );
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
