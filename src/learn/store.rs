//! What learning writes, one statement for each table.

use super::Given;
use super::batch::{Rows, fact_relations};
use super::entity::{Entities, NewEntity};
use super::json::Json;
use super::statements::{column, run};
use crate::types::concept_id::ConceptId;
use pgrx::datum::TimestampWithTimeZone;
use pgrx::prelude::*;
use pgrx::spi::SpiClient;
use std::collections::{HashMap, HashSet};
use sutra_knowledge::identity::ContentDigest;
use sutra_knowledge::metadata::Roles;

/// A statement that is stored already.
pub struct Existing {
    /// Its digest.
    pub digest: Vec<u8>,
    /// Its metadata, as JSON text.
    pub metadata: String,
}

/// From when until when.
type Times = (jiff::Timestamp, jiff::Timestamp);

/// A statement to store.
pub struct Statement<'a> {
    /// Its id.
    pub id: u64,
    /// Its digest.
    pub digest: ContentDigest,
    /// The text.
    pub content: &'a str,
    /// How many characters its words are taken from; none is all.
    pub words: Option<i32>,
    /// Its metadata after merging; none is an empty object.
    pub metadata: Option<Json>,
    /// Values that merging replaced, as JSON text.
    pub replaced: String,
    /// The time it speaks of, end excluded.
    pub observed: Option<Times>,
    /// Whether its metadata differ from those stored.
    pub changed: bool,
}

/// Seconds from 1970 to 2000, where PostgreSQL's timestamps begin, in microseconds.
const EPOCH: i64 = 946_684_800_000_000;

/// A moment, by its microseconds since 1970.
fn moment(microseconds: i64) -> TimestampWithTimeZone {
    match TimestampWithTimeZone::try_from(microseconds - EPOCH) {
        Ok(moment) => moment,
        Err(_) => error!("a time lies outside the range of timestamptz"),
    }
}

fn ids(values: impl Iterator<Item = u64>) -> Vec<ConceptId> {
    values.map(ConceptId).collect()
}

/// Which of the statements have a vector.
pub fn with_vector(
    client: &mut SpiClient<'_>,
    table: &str,
    space: &str,
    wanted: impl Iterator<Item = u64>,
) -> HashSet<u64> {
    let sql = format!(
        "SELECT v.concept FROM {table} AS v
         WHERE v.space OPERATOR(pg_catalog.=) $1 AND v.concept OPERATOR({{schema}}.=) ANY ($2)
            AND v.chunk OPERATOR(pg_catalog.=) 0"
    );
    let rows = run(client, &sql, &[space.into(), ids(wanted).into()]);
    rows.into_iter().filter_map(|row| column::<ConceptId>(&row, 1)).map(|id| id.0).collect()
}

/// Stores the statements that are new and locks the others, counting that these were learned again; all in the order
/// of their ids and in one pass, so that sessions which learn the same wait for each other and never in a circle.
/// Returns what is stored of those that were there already.
pub fn upsert_statements(
    client: &mut SpiClient<'_>,
    space: &str,
    statements: &[Statement<'_>],
) -> HashMap<u64, Existing> {
    let bound = |side: fn(&Times) -> jiff::Timestamp| -> Vec<Option<TimestampWithTimeZone>> {
        statements.iter().map(|row| row.observed.as_ref().map(|times| moment(side(times).as_microsecond()))).collect()
    };
    let rows = run(
        client,
        "INSERT INTO sutra.concept AS c (space, id, kind, content, digest, metadata, observed, terms)
         SELECT $1, n.id, 'statement', n.content, n.digest, coalesce(n.metadata, '{}'::pg_catalog.jsonb),
            CASE WHEN n.since IS NOT NULL THEN pg_catalog.tstzrange(n.since, n.until, '[)') END,
            pg_catalog.to_tsvector('pg_catalog.english'::pg_catalog.regconfig,
                CASE WHEN n.words IS NULL THEN n.content ELSE pg_catalog.left(n.content, n.words) END)
         FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5),
            pg_catalog.unnest($6), pg_catalog.unnest($7), pg_catalog.unnest($8))
            AS n (id, content, digest, metadata, since, until, words)
         ON CONFLICT (space, id) DO UPDATE SET
            times_learned = c.times_learned OPERATOR(pg_catalog.+) 1,
            strength = (1.0::pg_catalog.float8 OPERATOR(pg_catalog.+)
                pg_catalog.ln((c.times_learned OPERATOR(pg_catalog.+) 1)::pg_catalog.float8))::pg_catalog.float4,
            updated_at = pg_catalog.now()
         RETURNING c.id,
            CASE WHEN c.times_learned OPERATOR(pg_catalog.>) 1 THEN c.digest END,
            CASE WHEN c.times_learned OPERATOR(pg_catalog.>) 1 THEN c.metadata::pg_catalog.text END",
        &[
            space.into(),
            ids(statements.iter().map(|row| row.id)).into(),
            statements.iter().map(|row| row.content).collect::<Vec<_>>().into(),
            statements.iter().map(|row| row.digest.as_slice()).collect::<Vec<_>>().into(),
            statements.iter().map(|row| row.metadata).collect::<Vec<_>>().into(),
            bound(|times| times.0).into(),
            bound(|times| times.1).into(),
            statements.iter().map(|row| row.words).collect::<Vec<_>>().into(),
        ],
    );
    rows.into_iter()
        .filter_map(|row| {
            let ConceptId(id) = column(&row, 1)?;
            Some((id, Existing { digest: column(&row, 2)?, metadata: column(&row, 3)? }))
        })
        .collect()
}

/// Stores entities that are new, in the order of their ids. Returns those that are there already, because another session
/// stored them meanwhile: they must be held, like those that were known.
pub fn insert_entities(client: &mut SpiClient<'_>, space: &str, entities: &Entities) -> HashSet<u64> {
    if entities.new.is_empty() {
        return HashSet::new();
    }
    let new = || entities.new.values();
    let stored = run(
        client,
        "INSERT INTO sutra.concept (space, id, kind, content, digest, metadata)
         SELECT $1, n.id, 'entity', n.content, n.digest, n.metadata::pg_catalog.jsonb
         FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5))
            AS n (id, content, digest, metadata)
         ON CONFLICT (space, id) DO NOTHING
         RETURNING id",
        &[
            space.into(),
            ids(entities.new.keys().copied()).into(),
            new().map(|entity| entity.content.as_str()).collect::<Vec<_>>().into(),
            new().map(|entity| entity.digest.as_slice()).collect::<Vec<_>>().into(),
            new().map(|entity| entity.metadata.as_str()).collect::<Vec<_>>().into(),
        ],
    );
    let stored: HashSet<u64> =
        stored.into_iter().filter_map(|row| column::<ConceptId>(&row, 1)).map(|id| id.0).collect();
    let there: HashMap<&u64, &NewEntity> = entities.new.iter().filter(|(id, _)| !stored.contains(id)).collect();
    if !there.is_empty() {
        check_entities(client, space, &there);
    }
    there.into_keys().copied().collect()
}

/// Checks that entities that were there already are the ones meant, and not others of the same id.
fn check_entities(client: &mut SpiClient<'_>, space: &str, there: &HashMap<&u64, &NewEntity>) {
    let rows = run(
        client,
        "SELECT c.id, c.digest FROM sutra.concept AS c
         WHERE c.space OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR({schema}.=) ANY ($2)",
        &[space.into(), ids(there.keys().map(|id| **id)).into()],
    );
    for row in rows {
        let (Some(ConceptId(id)), Some(digest)) = (column(&row, 1), column::<Vec<u8>>(&row, 2)) else { continue };
        if let Some(entity) = there.get(&id).filter(|entity| entity.digest.as_slice() != digest.as_slice()) {
            super::batch::raise_collision(id, &format!("The name is \"{}\".", entity.content));
        }
    }
}

/// Gives names to entities that were stored without one.
pub fn name_entities(client: &mut SpiClient<'_>, space: &str, entities: &Entities) {
    for (id, name) in &entities.named {
        run(
            client,
            "UPDATE sutra.concept
             SET metadata = pg_catalog.jsonb_set(metadata, '{name}', pg_catalog.to_jsonb($3)), updated_at = pg_catalog.now()
             WHERE space OPERATOR(pg_catalog.=) $1 AND id OPERATOR({schema}.=) $2",
            &[space.into(), ConceptId(*id).into(), name.as_str().into()],
        );
    }
}

/// Gives statements their metadata after merging; what they said before is kept with the time until which it held.
pub fn update_metadata(client: &mut SpiClient<'_>, space: &str, changed: &[&Statement<'_>]) {
    if changed.is_empty() {
        return;
    }
    let bound = |side: fn(&Times) -> jiff::Timestamp| -> Vec<Option<TimestampWithTimeZone>> {
        changed.iter().map(|row| row.observed.as_ref().map(|times| moment(side(times).as_microsecond()))).collect()
    };
    run(
        client,
        "UPDATE sutra.concept AS c
         SET metadata = n.metadata,
            replaced = CASE WHEN n.replaced OPERATOR(pg_catalog.=) '[]'::pg_catalog.jsonb THEN c.replaced
                ELSE c.replaced OPERATOR(pg_catalog.||) (
                    SELECT pg_catalog.jsonb_agg(
                        r.value OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_object('until', pg_catalog.now())
                        ORDER BY r.ordinality)
                    FROM pg_catalog.jsonb_array_elements(n.replaced) WITH ORDINALITY AS r)
                END,
            observed = CASE WHEN n.since IS NOT NULL THEN pg_catalog.tstzrange(n.since, n.until, '[)') END
         FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5),
            pg_catalog.unnest($6)) AS n (id, metadata, replaced, since, until)
         WHERE c.space OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR({schema}.=) n.id",
        &[
            space.into(),
            ids(changed.iter().map(|statement| statement.id)).into(),
            changed.iter().map(|statement| statement.metadata).collect::<Vec<_>>().into(),
            changed.iter().map(|statement| Json::from_text(&statement.replaced)).collect::<Vec<_>>().into(),
            bound(|times| times.0).into(),
            bound(|times| times.1).into(),
        ],
    );
}

/// Stores vectors; one that is given for a statement that has another takes its place.
pub fn insert_vectors(client: &mut SpiClient<'_>, table: &str, space: &str, vectors: &[(u64, i32, pg_sys::Datum)]) {
    if vectors.is_empty() {
        return;
    }
    let sql = format!(
        "INSERT INTO {table} AS v (space, concept, chunk, embedding)
         SELECT $1, n.concept, n.chunk, n.embedding
         FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4)) AS n (concept, chunk, embedding)
         ON CONFLICT (space, concept, chunk) DO UPDATE SET embedding = EXCLUDED.embedding
         WHERE v.embedding OPERATOR({{schema}}.<>) EXCLUDED.embedding"
    );
    let chunks: Vec<i32> = vectors.iter().map(|(_, chunk, _)| *chunk).collect();
    let embeddings: Vec<Given> = vectors.iter().map(|(_, _, vector)| Given(*vector)).collect();
    let concepts = ids(vectors.iter().map(|(id, _, _)| *id));
    run(client, &sql, &[space.into(), concepts.into(), chunks.into(), embeddings.into()]);
}

/// Stores aliases that are new.
pub fn insert_aliases(client: &mut SpiClient<'_>, space: &str, entities: &Entities) {
    let aliases = &entities.aliases;
    if aliases.is_empty() {
        return;
    }
    run(
        client,
        "INSERT INTO sutra.alias (space, key, entity, kind, alias)
         SELECT $1, n.key, n.entity, n.kind, n.alias
         FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5))
            AS n (key, entity, kind, alias)
         ON CONFLICT DO NOTHING",
        &[
            space.into(),
            aliases.keys().map(|(key, _, _)| key.as_str()).collect::<Vec<_>>().into(),
            ids(aliases.keys().map(|(_, entity, _)| *entity)).into(),
            aliases.keys().map(|(_, _, kind)| kind.as_str()).collect::<Vec<_>>().into(),
            aliases.values().map(String::as_str).collect::<Vec<_>>().into(),
        ],
    );
}

/// Deletes observations and edges that statements with changed metadata gave before and do not give any more.
pub fn delete_outdated(client: &mut SpiClient<'_>, space: &str, changed: &[u64], rows: &Rows, roles: &Roles) {
    let changed = || ids(changed.iter().copied());
    run(
        client,
        "DELETE FROM sutra.observation
         WHERE space OPERATOR(pg_catalog.=) $1 AND concept OPERATOR({schema}.=) ANY ($2)",
        &[space.into(), changed().into()],
    );
    let keys = || rows.associations.keys();
    run(
        client,
        "DELETE FROM sutra.association AS a
         WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.evidence OPERATOR({schema}.=) ANY ($2)
            AND (a.relation OPERATOR(pg_catalog.=) ANY ($3)
                OR a.relation OPERATOR(pg_catalog.=) 'mentions' AND a.source OPERATOR({schema}.=) a.evidence)
            AND NOT EXISTS (
                SELECT FROM ROWS FROM (pg_catalog.unnest($4), pg_catalog.unnest($5), pg_catalog.unnest($6),
                    pg_catalog.unnest($7)) AS n (source, kind, relation, target)
                WHERE n.source OPERATOR({schema}.=) a.source AND n.target OPERATOR({schema}.=) a.target
                    AND n.relation OPERATOR(pg_catalog.=) a.relation
                    AND n.kind OPERATOR(pg_catalog.=) a.kind::pg_catalog.text)",
        &[
            space.into(),
            changed().into(),
            fact_relations(roles).into(),
            ids(keys().map(|key| key.0)).into(),
            keys().map(|key| key.1.as_str()).collect::<Vec<_>>().into(),
            keys().map(|key| key.2.as_str()).collect::<Vec<_>>().into(),
            ids(keys().map(|key| key.3)).into(),
        ],
    );
}

/// Stores edges that are new; one that is there keeps the greater confidence.
pub fn insert_associations(client: &mut SpiClient<'_>, space: &str, rows: &Rows) {
    let keys = || rows.associations.keys();
    if rows.associations.is_empty() {
        return;
    }
    run(
        client,
        "INSERT INTO sutra.association AS a (space, source, kind, relation, target, confidence, evidence)
         SELECT $1, n.source, n.kind::sutra.association_kind, n.relation, n.target, n.confidence, n.evidence
         FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5),
            pg_catalog.unnest($6), pg_catalog.unnest($7)) AS n (source, kind, relation, target, confidence, evidence)
         ON CONFLICT (space, source, kind, relation, target) DO UPDATE SET confidence = EXCLUDED.confidence
         WHERE a.confidence OPERATOR(pg_catalog.<) EXCLUDED.confidence",
        &[
            space.into(),
            ids(keys().map(|key| key.0)).into(),
            keys().map(|key| key.1.as_str()).collect::<Vec<_>>().into(),
            keys().map(|key| key.2.as_str()).collect::<Vec<_>>().into(),
            ids(keys().map(|key| key.3)).into(),
            rows.associations.values().map(|value| value.0).collect::<Vec<_>>().into(),
            ids(rows.associations.values().map(|value| value.1)).into(),
        ],
    );
}

/// Stores observations; one that is there already takes the new value.
pub fn insert_observations(client: &mut SpiClient<'_>, space: &str, rows: &Rows) {
    let keys = || rows.observations.keys();
    if rows.observations.is_empty() {
        return;
    }
    run(
        client,
        "INSERT INTO sutra.observation AS o (space, entity, metric, at, concept, value, unit)
         SELECT $1, n.entity, n.metric, n.at, n.concept, n.value, n.unit
         FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5),
            pg_catalog.unnest($6), pg_catalog.unnest($7)) AS n (entity, metric, at, concept, value, unit)
         ON CONFLICT (space, entity, metric, at, concept) DO UPDATE SET value = EXCLUDED.value, unit = EXCLUDED.unit
         WHERE o.value OPERATOR(pg_catalog.<>) EXCLUDED.value
            OR coalesce(o.unit, '') OPERATOR(pg_catalog.<>) coalesce(EXCLUDED.unit, '')",
        &[
            space.into(),
            ids(keys().map(|key| key.0)).into(),
            keys().map(|key| key.1.as_str()).collect::<Vec<_>>().into(),
            keys().map(|key| moment(key.2)).collect::<Vec<_>>().into(),
            ids(keys().map(|key| key.3)).into(),
            rows.observations.values().map(|value| value.0).collect::<Vec<_>>().into(),
            rows.observations.values().map(|value| value.1.as_deref()).collect::<Vec<_>>().into(),
        ],
    );
}
