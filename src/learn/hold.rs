//! Locks on the concepts that learning and forgetting touch, so that they never wait for each other in a circle.
//!
//! Every call takes its locks in one order: statements by id, then entities by id, then rows that hang on these. A
//! statement that is learned is locked by its INSERT or by ON CONFLICT. An entity is held in the mode that fits what will
//! be done: shared where something will refer to it; alone where edges will leave it or its metadata change, so that two
//! sessions never write the edges of one entity at once; to be deleted where it will vanish.

use super::batch::Rows;
use super::entity::Entities;
use super::statements::{column, run};
use crate::types::concept_id::ConceptId;
use pgrx::spi::SpiClient;
use std::collections::{BTreeMap, HashMap};

/// How a concept is held, from weak to strong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Against being forgotten.
    Shared,
    /// Also against other sessions that write edges that leave it.
    Alone,
    /// Against everybody, to be deleted.
    Deleted,
}

/// Concepts to hold.
pub type Wanted = BTreeMap<u64, Mode>;

/// More changes of mode than this along the order of ids cost more statements than the strongest mode for all is worth.
const RUNS: usize = 64;

macro_rules! held_as {
    () => {
        "SELECT c.id, c.metadata OPERATOR(pg_catalog.?) 'ticker', c.metadata OPERATOR(pg_catalog.?) 'name'
         FROM sutra.concept AS c
         WHERE c.space OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR({schema}.=) ANY ($2)
         ORDER BY c.id "
    };
}
/// Adds a concept, in the stronger of two modes.
pub fn want(wanted: &mut Wanted, id: u64, mode: Mode) {
    let known = wanted.entry(id).or_insert(mode);
    *known = mode.max(*known);
}

/// Holds concepts until the end of the transaction, in the order of their ids. Returns those that are still there, with
/// whether they have a ticker and a name.
pub fn concepts(client: &mut SpiClient<'_>, space: &str, wanted: &Wanted) -> HashMap<u64, (bool, bool)> {
    let mut runs: Vec<(Mode, Vec<ConceptId>)> = Vec::new();
    for (id, mode) in wanted {
        match runs.last_mut() {
            Some((last, ids)) if last == mode => ids.push(ConceptId(*id)),
            _ => runs.push((*mode, vec![ConceptId(*id)])),
        }
    }
    if runs.len() > RUNS
        && let Some(mode) = wanted.values().copied().max()
    {
        runs = vec![(mode, wanted.keys().copied().map(ConceptId).collect())];
    }
    let mut held = HashMap::with_capacity(wanted.len());
    for (mode, ids) in runs {
        let sql = match mode {
            Mode::Shared => concat!(held_as!(), "FOR KEY SHARE"),
            Mode::Alone => concat!(held_as!(), "FOR NO KEY UPDATE"),
            Mode::Deleted => concat!(held_as!(), "FOR UPDATE"),
        };
        for row in run(client, sql, &[space.into(), ids.into()]) {
            let flag = |number| column::<bool>(&row, number).unwrap_or_default();
            if let Some(ConceptId(id)) = column(&row, 1) {
                held.insert(id, (flag(2), flag(3)));
            }
        }
    }
    held
}

/// Holds the stored entities that some statements refer to; false when one of them was changed or forgotten since it was
/// read, so that the names must be resolved again.
pub fn entities(client: &mut SpiClient<'_>, space: &str, entities: &Entities, rows: &Rows, outdated: &[u64]) -> bool {
    let mut wanted = Wanted::new();
    for (source, _, _, target) in rows.associations.keys() {
        // A statement is held by being learned.
        if entities.is_stored(*source) {
            want(&mut wanted, *source, Mode::Alone);
        }
        want(&mut wanted, *target, Mode::Shared);
    }
    for (entity, _, _, _) in rows.observations.keys() {
        want(&mut wanted, *entity, Mode::Shared);
    }
    for (_, entity, _) in entities.aliases.keys() {
        want(&mut wanted, *entity, Mode::Shared);
    }
    for entity in entities.named.keys() {
        want(&mut wanted, *entity, Mode::Alone);
    }
    for (from, into) in &entities.merges {
        want(&mut wanted, *from, Mode::Deleted);
        want(&mut wanted, *into, Mode::Alone);
    }
    wanted.retain(|id, _| entities.is_stored(*id));
    for source in sources(client, space, outdated) {
        want(&mut wanted, source, Mode::Alone);
    }
    if wanted.is_empty() {
        return true;
    }
    let held = concepts(client, space, &wanted);
    wanted.keys().all(|id| entities.is_as_read(*id, held.get(id).copied()))
}

/// The entities that edges leave for which some statements are the evidence.
pub fn sources(client: &mut SpiClient<'_>, space: &str, evidence: &[u64]) -> Vec<u64> {
    if evidence.is_empty() {
        return Vec::new();
    }
    let evidence: Vec<ConceptId> = evidence.iter().copied().map(ConceptId).collect();
    let rows = run(
        client,
        "SELECT DISTINCT a.source FROM sutra.association AS a
         JOIN sutra.concept AS c ON c.space OPERATOR(pg_catalog.=) a.space AND c.id OPERATOR({schema}.=) a.source
         WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.evidence OPERATOR({schema}.=) ANY ($2)
            AND a.source OPERATOR({schema}.<>) a.evidence AND c.kind OPERATOR(pg_catalog.=) 'entity'",
        &[space.into(), evidence.into()],
    );
    rows.into_iter().filter_map(|row| column::<ConceptId>(&row, 1)).map(|id| id.0).collect()
}
