//! Meaning: from a statement that is new an edge `similar to` to the nearest statements there are.
//!
//! The neighbours come from the vector index, a few for each statement and only those that are near enough. A statement
//! with observations gets none: bars of one company differ in their numbers only, and their order in time says what they
//! have to do with each other. Of two statements learned together one edge is enough; later statements lead to earlier
//! ones, so no statement is ever looked at again, and a statement that is near to very many is not led to by all of them.

use super::statements::{column, run};
use crate::settings;
use crate::types::concept_id::ConceptId;
use pgrx::spi::SpiClient;
use std::collections::BTreeMap;

/// Edges that lead to one statement, for each that leaves one.
const MOST_ENTERING: i64 = 8;

/// Whether PostgreSQL has counted the rows of a table since there were any.
fn is_analyzed(client: &mut SpiClient<'_>, table: &str) -> bool {
    let sql = "SELECT c.reltuples OPERATOR(pg_catalog.>) 0 FROM pg_catalog.pg_class AS c
        WHERE c.oid OPERATOR(pg_catalog.=) $1::pg_catalog.regclass";
    run(client, sql, &[table.into()]).filter_map(|row| column::<bool>(&row, 1)).any(|analyzed| analyzed)
}

/// Adds the edges of new statements, whose vectors are stored.
pub fn link(client: &mut SpiClient<'_>, table: &str, space: &str, statements: &[u64]) {
    let count = i64::from(settings::SIMILAR_STATEMENTS.get());
    if statements.is_empty() || count == 0 {
        return;
    }
    // Of a table that was never analyzed PostgreSQL takes a space, and a chunk, for a few rows, and would read and sort all of
    // the space for each statement; in this form a condition is taken for half of the rows.
    let mine = if is_analyzed(client, table) {
        "v.space OPERATOR(pg_catalog.=) $1 AND v.chunk OPERATOR(pg_catalog.=) 0"
    } else {
        "CASE WHEN v.chunk OPERATOR(pg_catalog.=) 0 THEN v.space OPERATOR(pg_catalog.=) $1 END"
    };
    let sql = format!(
        "SELECT q.concept, s.concept, s.similarity
         FROM {table} AS q
         CROSS JOIN LATERAL (
            SELECT v.concept,
                1.0::pg_catalog.float8 OPERATOR(pg_catalog.-) (v.embedding OPERATOR({{schema}}.<=>) q.embedding) AS similarity
            FROM {table} AS v
            WHERE {mine} AND v.concept OPERATOR({{schema}}.<>) q.concept
            ORDER BY v.embedding OPERATOR({{schema}}.<=>) q.embedding LIMIT {count}) AS s
         WHERE q.space OPERATOR(pg_catalog.=) $1 AND q.concept OPERATOR({{schema}}.=) ANY ($2) AND q.chunk OPERATOR(pg_catalog.=) 0
            AND s.similarity OPERATOR(pg_catalog.>=) $3 AND s.similarity OPERATOR(pg_catalog.<>) 'NaN'"
    );
    let ids: Vec<ConceptId> = statements.iter().copied().map(ConceptId).collect();
    let rows = run(client, &sql, &[space.into(), ids.into(), settings::SIMILAR_THRESHOLD.get().into()]);
    let mut near: BTreeMap<(u64, u64), f64> = BTreeMap::new();
    for row in rows {
        let (Some(ConceptId(one)), Some(ConceptId(other)), Some(similarity)) =
            (column(&row, 1), column(&row, 2), column::<f64>(&row, 3))
        else {
            continue;
        };
        if !near.contains_key(&(other, one)) {
            near.insert((one, other), similarity.clamp(0.0, 1.0));
        }
    }
    if near.is_empty() {
        return;
    }
    let side = |side: fn(&(u64, u64)) -> u64| near.keys().map(|pair| ConceptId(side(pair))).collect::<Vec<_>>();
    // One that another session is forgetting is left out and not waited for: that session may wait for something of this.
    run(
        client,
        "WITH there AS MATERIALIZED (
            SELECT c.id FROM sutra.concept AS c
            WHERE c.space OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR({schema}.=) ANY ($3)
            ORDER BY c.id FOR KEY SHARE SKIP LOCKED
         )
         INSERT INTO sutra.association (space, source, target, kind, relation, confidence, evidence)
         SELECT $1, n.source, n.target, 'semantic', 'similar to', n.similarity, n.source
         FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4)) AS n (source, target, similarity)
         JOIN there AS t ON t.id OPERATOR({schema}.=) n.target
         WHERE (SELECT pg_catalog.count(*) FROM (
                SELECT FROM sutra.association AS a
                WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.target OPERATOR({schema}.=) n.target
                    AND a.kind OPERATOR(pg_catalog.=) 'semantic'::sutra.association_kind
                    AND a.relation OPERATOR(pg_catalog.=) 'similar to'
                LIMIT $5) AS e) OPERATOR(pg_catalog.<) $5
         ORDER BY n.source, n.target
         ON CONFLICT DO NOTHING",
        &[
            space.into(),
            side(|pair| pair.0).into(),
            side(|pair| pair.1).into(),
            near.values().map(|similarity| *similarity as f32).collect::<Vec<_>>().into(),
            (count * MOST_ENTERING).into(),
        ],
    );
}
