//! Entities that nothing refers to: they go with the last statement, edge or observation that referred to them.

use super::statements::{column, run};
use crate::types::concept_id::ConceptId;
use pgrx::spi::SpiClient;
use std::collections::BTreeSet;

/// The entities that nothing refers to when some concepts are gone, of those that these refer to. What an entity that goes
/// refers to may go with it.
pub fn without(client: &mut SpiClient<'_>, space: &str, asked: &BTreeSet<u64>) -> BTreeSet<u64> {
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

/// Deletes those of some entities, which the caller has locked to delete them, that nothing refers to.
pub fn delete(client: &mut SpiClient<'_>, space: &str, candidates: &BTreeSet<u64>) {
    let lonely = unreferred(client, space, candidates, &BTreeSet::new());
    if !lonely.is_empty() {
        run(
            client,
            "DELETE FROM sutra.concept WHERE space OPERATOR(pg_catalog.=) $1 AND id OPERATOR({schema}.=) ANY ($2)",
            &[space.into(), concept_ids(&lonely).into()],
        );
    }
}

fn concept_ids(ids: &BTreeSet<u64>) -> Vec<ConceptId> {
    ids.iter().copied().map(ConceptId).collect()
}

/// Entities that edges or observations of these concepts lead to.
pub fn referred(client: &mut SpiClient<'_>, space: &str, ids: &BTreeSet<u64>) -> BTreeSet<u64> {
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
