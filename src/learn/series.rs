//! The order of time: from each statement of a series an edge `next` to the one that follows it.
//!
//! A series is what was observed of one entity under one metric; a statement leads on in the series of its first metric by
//! name. The next statement is the first one with an observation of the series at a later time; where several stand at that
//! time, the one with the lowest id. The edges are a function of
//! the observations and of nothing else, so they are computed anew for the statements whose place may have changed: what
//! was learned or changed, and what stands right before it or stood so. Learning in any order gives the same edges, and
//! what stood around a forgotten statement is joined.

use super::batch::Rows;
use super::entity::Entities;
use super::statements::{column, run};
use crate::types::concept_id::ConceptId;
use pgrx::spi::{SpiClient, SpiTupleTable};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Spaces and entities in them whose series something was added to.
pub type Touched = BTreeSet<(String, u64)>;

thread_local! {
    // None while nobody wants to know.
    static TOUCHED: RefCell<Option<Touched>> = const { RefCell::new(None) };
}

/// Does something, and returns whose series it added to. What is rolled back inside may be among them.
pub fn touched_by<R>(work: impl FnOnce() -> R) -> (R, Touched) {
    // What an ERROR left is replaced.
    TOUCHED.set(Some(Touched::new()));
    let done = work();
    (done, TOUCHED.take().unwrap_or_default())
}

/// Keeps in mind whose series were added to, for [`touched_by`].
pub fn note(space: &str, rows: &Rows, entities: &Entities) {
    TOUCHED.with_borrow_mut(|touched| {
        let Some(touched) = touched else { return };
        let observed = rows.observations.keys().map(|key| key.0);
        // What was observed of one that was merged is another's now.
        touched.extend(observed.chain(entities.merges.iter().map(|merge| merge.1)).map(|id| (space.to_owned(), id)));
    });
}

fn read(rows: SpiTupleTable<'_>) -> BTreeSet<u64> {
    rows.into_iter().filter_map(|row| column::<ConceptId>(&row, 1)).map(|id| id.0).collect()
}

fn ids(ids: &BTreeSet<u64>) -> Vec<ConceptId> {
    ids.iter().copied().map(ConceptId).collect()
}

/// The statements that lead to these by their edges.
pub fn leading_to(client: &mut SpiClient<'_>, space: &str, statements: &BTreeSet<u64>) -> BTreeSet<u64> {
    if statements.is_empty() {
        return BTreeSet::new();
    }
    read(run(
        client,
        "SELECT DISTINCT a.source FROM sutra.association AS a
         WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.target OPERATOR({schema}.=) ANY ($2)
            AND a.kind OPERATOR(pg_catalog.=) 'temporal'::sutra.association_kind AND a.relation OPERATOR(pg_catalog.=) 'next'",
        &[space.into(), ids(statements).into()],
    ))
}

/// The statements with an observation of these entities.
pub fn observing(client: &mut SpiClient<'_>, space: &str, entities: impl Iterator<Item = u64>) -> BTreeSet<u64> {
    let entities: BTreeSet<u64> = entities.collect();
    if entities.is_empty() {
        return BTreeSet::new();
    }
    read(run(
        client,
        "SELECT DISTINCT o.concept FROM sutra.observation AS o
         WHERE o.space OPERATOR(pg_catalog.=) $1 AND o.entity OPERATOR({schema}.=) ANY ($2)",
        &[space.into(), ids(&entities).into()],
    ))
}

/// Links all series of some entities, by what is committed now and what this transaction did.
pub fn link_all(client: &mut SpiClient<'_>, space: &str, entities: &BTreeSet<u64>) {
    let statements = observing(client, space, entities.iter().copied());
    // Each stands in for what is before it.
    link(client, space, &BTreeSet::new(), &statements);
}

/// Brings the edges up to date after the observations of some statements were stored or deleted. `before` are statements
/// that led to them until then.
pub fn link(client: &mut SpiClient<'_>, space: &str, changed: &BTreeSet<u64>, before: &BTreeSet<u64>) {
    let mut sources: BTreeSet<u64> = changed.union(before).copied().collect();
    if sources.is_empty() {
        return;
    }
    if !changed.is_empty() {
        sources.extend(read(run(
            client,
            "SELECT p.concept FROM sutra.before_in_series($1, $2) AS p",
            &[space.into(), ids(changed).into()],
        )));
    }
    // An edge made here has its target as evidence; one given by hand has not, and stays. A statement that another session
    // is forgetting is left out and not waited for: that session may wait for something of this one. An edge to delete that
    // is locked goes with its statement or by the session that is linking around it: who waited here would hold the edges
    // just inserted, which that session may want as well.
    run(
        client,
        "WITH wanted AS MATERIALIZED (
            SELECT DISTINCT own.concept AS source, n.concept AS target
            FROM (SELECT o.concept, o.entity, pg_catalog.min(o.metric) AS metric, pg_catalog.min(o.at) AS at
                  FROM sutra.observations_of($1, $2) AS o
                  GROUP BY o.concept, o.entity) AS own
            CROSS JOIN LATERAL sutra.next_in_series($1, own.entity, own.metric, own.at) AS n
         ), doomed AS MATERIALIZED (
            SELECT a.source, a.target FROM sutra.association AS a
            WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.source OPERATOR({schema}.=) ANY ($2)
                AND a.kind OPERATOR(pg_catalog.=) 'temporal'::sutra.association_kind AND a.relation OPERATOR(pg_catalog.=) 'next'
                AND a.evidence OPERATOR({schema}.=) a.target
                AND NOT EXISTS (SELECT FROM wanted AS w
                    WHERE w.source OPERATOR({schema}.=) a.source AND w.target OPERATOR({schema}.=) a.target)
            ORDER BY a.source, a.target FOR UPDATE SKIP LOCKED
         ), deleted AS (
            DELETE FROM sutra.association AS a USING doomed AS d
            WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.source OPERATOR({schema}.=) d.source
                AND a.kind OPERATOR(pg_catalog.=) 'temporal'::sutra.association_kind AND a.relation OPERATOR(pg_catalog.=) 'next'
                AND a.target OPERATOR({schema}.=) d.target
         ), there AS MATERIALIZED (
            SELECT c.id FROM sutra.concept AS c
            WHERE c.space OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR({schema}.=) ANY (ARRAY(
                SELECT w.target FROM wanted AS w UNION ALL SELECT w.source FROM wanted AS w))
            ORDER BY c.id FOR KEY SHARE SKIP LOCKED
         )
         INSERT INTO sutra.association (space, source, target, kind, relation, confidence, evidence)
         SELECT $1, w.source, w.target, 'temporal', 'next', 1, w.target
         FROM wanted AS w
         JOIN there AS t ON t.id OPERATOR({schema}.=) w.target
         JOIN there AS s ON s.id OPERATOR({schema}.=) w.source
         ORDER BY w.source, w.target
         ON CONFLICT DO NOTHING",
        &[space.into(), ids(&sources).into()],
    );
}
