//! Locks on the concepts that learning and forgetting touch, so that they never wait for each other in a circle.
//!
//! Every call takes its locks in one order: statements by id, then entities by id, then rows that hang on these. A
//! statement that is learned is locked by its INSERT or by ON CONFLICT. An entity is held in the mode that fits what will
//! be done: shared where something will refer to it; alone where edges will leave it or its metadata change, so that two
//! sessions never write the edges of one entity at once; to be deleted where it will vanish.

use super::batch::Rows;
use super::entity::Entities;
use super::lonely;
use super::statements::{column, run};
use super::store;
use crate::types::concept_id::ConceptId;
use pgrx::prelude::*;
use pgrx::spi::SpiClient;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;

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

/// Stores new entities, then holds all that some statements refer to, and those that statements with changed metadata
/// referred to before. Returns the latter that they do not refer to any more, which may be alone now and are held to be
/// deleted; none when an entity was changed or forgotten since it was read, so that the names must be resolved again.
///
/// New ones come first: who waits for another session to store or to forget the same then holds no entity that the other
/// may want. One that was there already is held in the order of all.
pub fn entities(
    client: &mut SpiClient<'_>,
    space: &str,
    entities: &Entities,
    rows: &Rows,
    outdated: &BTreeSet<u64>,
) -> Option<BTreeSet<u64>> {
    let mut wanted = Wanted::new();
    for (source, _, _, target) in rows.associations.keys() {
        // A statement is held by being learned.
        if entities.is_stored(*source) || entities.new.contains_key(source) {
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
    let there = store::insert_entities(client, space, entities);
    wanted.retain(|id, _| !entities.new.contains_key(id) || there.contains(id));
    for entity in &there {
        want(&mut wanted, *entity, Mode::Shared);
    }
    for source in sources(client, space, &outdated.iter().copied().collect::<Vec<_>>()) {
        want(&mut wanted, source, Mode::Alone);
    }
    let left = left_by(client, space, rows, outdated);
    for entity in &left {
        want(&mut wanted, *entity, Mode::Deleted);
    }
    if wanted.is_empty() {
        return Some(left);
    }
    let held = concepts(client, space, &wanted);
    let as_read = wanted.keys().all(|id| entities.is_as_read(*id, held.get(id).copied()))
        && there.iter().all(|id| held.contains_key(id));
    // A merge may have put another entity in the place of one of these.
    (as_read && left_by(client, space, rows, outdated) == left).then_some(left)
}

/// The entities that statements with changed metadata referred to and, by what they say now, do not.
fn left_by(client: &mut SpiClient<'_>, space: &str, rows: &Rows, outdated: &BTreeSet<u64>) -> BTreeSet<u64> {
    if outdated.is_empty() {
        return BTreeSet::new();
    }
    let mut left = lonely::referred(client, space, outdated);
    for (source, _, _, target) in rows.associations.keys() {
        left.remove(source);
        left.remove(target);
    }
    for (entity, _, _, _) in rows.observations.keys() {
        left.remove(entity);
    }
    left
}

/// Takes locks in a subtransaction that is kept, with the locks, or rolled back, which lets them go.
pub fn kept_if<R>(take: impl FnOnce() -> R, keep: impl FnOnce(&R) -> bool) -> R {
    // SAFETY: the calls follow PL/pgSQL's block with an exception: context and resource owner are those of before when the
    // subtransaction has ended, however it did. An ERROR goes on once it is rolled back, so that a block around it that
    // catches the ERROR finds its own subtransaction.
    unsafe {
        let context = pg_sys::CurrentMemoryContext;
        let owner = pg_sys::CurrentResourceOwner;
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(context);
        let taken =
            PgTryBuilder::new(AssertUnwindSafe(|| Ok(take()))).catch_others(|error| Err(Box::new(error))).execute();
        if taken.as_ref().is_ok_and(keep) {
            pg_sys::ReleaseCurrentSubTransaction();
        } else {
            pg_sys::MemoryContextSwitchTo(context);
            pg_sys::RollbackAndReleaseCurrentSubTransaction();
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
        taken.unwrap_or_else(|error| (*error).rethrow())
    }
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
