//! What learning writes, one statement for each table.

use super::Given;
use super::batch::{Rows, fact_relations};
use super::entity::{Entities, NewEntity};
use super::json::Json;
use super::statements::{column, run};
use crate::types::concept_id::ConceptId;
use pgrx::datum::{DatumWithOid, TimestampWithTimeZone};
use pgrx::prelude::*;
use pgrx::spi::SpiClient;
use std::collections::{BTreeMap, HashMap, HashSet};
use sutra_knowledge::identity::ContentDigest;
use sutra_knowledge::metadata::Roles;

/// A statement that is stored already.
pub struct Existing {
    /// Its digest.
    pub digest: Vec<u8>,
    /// Its metadata, as JSON text.
    pub metadata: String,
}

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
    pub observed: Option<(jiff::Timestamp, jiff::Timestamp)>,
    /// Whether it is stored already.
    pub exists: bool,
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

/// Locks the statements that are stored already, in the order of their ids, against changes by other sessions.
pub fn lock_existing(
    client: &mut SpiClient<'_>,
    space: &str,
    wanted: impl Iterator<Item = u64>,
) -> HashMap<u64, Existing> {
    let rows = run(
        client,
        "SELECT c.id, c.digest, c.metadata::pg_catalog.text
         FROM sutra.concept AS c
         WHERE c.space OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR({schema}.=) ANY ($2)
         ORDER BY c.id
         FOR NO KEY UPDATE",
        &[space.into(), ids(wanted).into()],
    );
    rows.into_iter()
        .filter_map(|row| {
            let ConceptId(id) = column(&row, 1)?;
            Some((id, Existing { digest: column(&row, 2)?, metadata: column(&row, 3)? }))
        })
        .collect()
}

/// Stores the statements and entities that are new, in the order of their ids, and returns the ids stored.
pub fn insert_concepts(
    client: &mut SpiClient<'_>,
    space: &str,
    statements: &[Statement<'_>],
    entities: &Entities,
) -> HashSet<u64> {
    struct Row<'a> {
        kind: &'a str,
        content: &'a str,
        digest: &'a [u8],
        metadata: Option<Json>,
        observed: Option<(jiff::Timestamp, jiff::Timestamp)>,
        words: Option<i32>,
    }
    let mut rows: BTreeMap<u64, Row<'_>> = BTreeMap::new();
    for statement in statements.iter().filter(|statement| !statement.exists) {
        rows.insert(
            statement.id,
            Row {
                kind: "statement",
                content: statement.content,
                digest: &statement.digest,
                metadata: statement.metadata,
                observed: statement.observed,
                words: statement.words,
            },
        );
    }
    for (id, entity) in &entities.new {
        let metadata = Some(Json::from_text(&entity.metadata));
        let row = Row {
            kind: "entity",
            content: &entity.content,
            digest: &entity.digest,
            metadata,
            observed: None,
            words: None,
        };
        rows.insert(*id, row);
    }
    for (id, name) in &entities.named {
        run(
            client,
            "UPDATE sutra.concept
             SET metadata = pg_catalog.jsonb_set(metadata, '{name}', pg_catalog.to_jsonb($3)), updated_at = pg_catalog.now()
             WHERE space OPERATOR(pg_catalog.=) $1 AND id OPERATOR({schema}.=) $2",
            &[space.into(), ConceptId(*id).into(), name.as_str().into()],
        );
    }
    if rows.is_empty() {
        return HashSet::new();
    }
    let bound =
        |side: fn(&(jiff::Timestamp, jiff::Timestamp)) -> jiff::Timestamp| -> Vec<Option<TimestampWithTimeZone>> {
            rows.values().map(|row| row.observed.as_ref().map(|times| moment(side(times).as_microsecond()))).collect()
        };
    let arguments: [DatumWithOid<'_>; 9] = [
        space.into(),
        ids(rows.keys().copied()).into(),
        rows.values().map(|row| row.kind).collect::<Vec<_>>().into(),
        rows.values().map(|row| row.content).collect::<Vec<_>>().into(),
        rows.values().map(|row| row.digest).collect::<Vec<_>>().into(),
        rows.values().map(|row| row.metadata).collect::<Vec<_>>().into(),
        bound(|times| times.0).into(),
        bound(|times| times.1).into(),
        rows.values().map(|row| row.words).collect::<Vec<_>>().into(),
    ];
    // Any unique index may report the conflict, so that no session fails on the digest while it waits for the id.
    let stored = run(
        client,
        "INSERT INTO sutra.concept (space, id, kind, content, digest, metadata, observed, terms)
         SELECT $1, n.id, n.kind, n.content, n.digest, coalesce(n.metadata, '{}'::pg_catalog.jsonb),
            CASE WHEN n.since IS NOT NULL THEN pg_catalog.tstzrange(n.since, n.until, '[)') END,
            CASE WHEN n.kind OPERATOR(pg_catalog.=) 'statement' THEN pg_catalog.to_tsvector(
                'pg_catalog.english'::pg_catalog.regconfig,
                CASE WHEN n.words IS NULL THEN n.content ELSE pg_catalog.left(n.content, n.words) END) END
         FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5),
            pg_catalog.unnest($6), pg_catalog.unnest($7), pg_catalog.unnest($8), pg_catalog.unnest($9))
            AS n (id, kind, content, digest, metadata, since, until, words)
         ON CONFLICT DO NOTHING
         RETURNING id",
        &arguments,
    );
    let stored: HashSet<u64> =
        stored.into_iter().filter_map(|row| column::<ConceptId>(&row, 1)).map(|id| id.0).collect();
    check_entities(client, space, entities, &stored);
    stored
}

/// Checks that the entities which were there already are the ones meant, and not others of the same id.
fn check_entities(client: &mut SpiClient<'_>, space: &str, entities: &Entities, stored: &HashSet<u64>) {
    let there: Vec<(&u64, &NewEntity)> = entities.new.iter().filter(|(id, _)| !stored.contains(id)).collect();
    if there.is_empty() {
        return;
    }
    let rows = run(
        client,
        "SELECT c.id
         FROM sutra.concept AS c
         JOIN ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3)) AS n (id, digest)
            ON n.id OPERATOR({schema}.=) c.id AND n.digest OPERATOR(pg_catalog.<>) c.digest
         WHERE c.space OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR({schema}.=) ANY ($2)",
        &[
            space.into(),
            ids(there.iter().map(|(id, _)| **id)).into(),
            there.iter().map(|(_, entity)| entity.digest.as_slice()).collect::<Vec<_>>().into(),
        ],
    );
    if let Some(ConceptId(id)) = rows.into_iter().next().and_then(|row| column(&row, 1)) {
        super::batch::raise_collision(id, &format!("The name is \"{}\".", entities.new[&id].content));
    }
}

/// Brings the statements that were stored already up to date.
pub fn update_concepts(client: &mut SpiClient<'_>, space: &str, statements: &[Statement<'_>]) {
    let known: Vec<&Statement<'_>> = statements.iter().filter(|statement| statement.exists).collect();
    if known.is_empty() {
        return;
    }
    let bound =
        |side: fn(&(jiff::Timestamp, jiff::Timestamp)) -> jiff::Timestamp| -> Vec<Option<TimestampWithTimeZone>> {
            known.iter().map(|row| row.observed.as_ref().map(|times| moment(side(times).as_microsecond()))).collect()
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
            observed = CASE WHEN n.since IS NOT NULL THEN pg_catalog.tstzrange(n.since, n.until, '[)') END,
            times_learned = c.times_learned OPERATOR(pg_catalog.+) 1,
            strength = (1.0::pg_catalog.float8 OPERATOR(pg_catalog.+)
                pg_catalog.ln((c.times_learned OPERATOR(pg_catalog.+) 1)::pg_catalog.float8))::pg_catalog.float4,
            updated_at = pg_catalog.now()
         FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5),
            pg_catalog.unnest($6)) AS n (id, metadata, replaced, since, until)
         WHERE c.space OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR({schema}.=) n.id",
        &[
            space.into(),
            ids(known.iter().map(|statement| statement.id)).into(),
            known.iter().map(|statement| statement.metadata).collect::<Vec<_>>().into(),
            known.iter().map(|statement| Json::from_text(&statement.replaced)).collect::<Vec<_>>().into(),
            bound(|times| times.0).into(),
            bound(|times| times.1).into(),
        ],
    );
}

/// Stores vectors; one that is given for a statement that has another takes its place.
pub fn insert_vectors(client: &mut SpiClient<'_>, table: &str, space: &str, vectors: &[(u64, pg_sys::Datum)]) {
    if vectors.is_empty() {
        return;
    }
    let sql = format!(
        "INSERT INTO {table} AS v (space, concept, chunk, embedding)
         SELECT $1, n.concept, 0, n.embedding
         FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3)) AS n (concept, embedding)
         ON CONFLICT (space, concept, chunk) DO UPDATE SET embedding = EXCLUDED.embedding
         WHERE v.embedding OPERATOR({{schema}}.<>) EXCLUDED.embedding"
    );
    let embeddings: Vec<Given> = vectors.iter().map(|(_, vector)| Given(*vector)).collect();
    run(client, &sql, &[space.into(), ids(vectors.iter().map(|(id, _)| *id)).into(), embeddings.into()]);
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

/// Stores edges that are new.
pub fn insert_associations(client: &mut SpiClient<'_>, space: &str, rows: &Rows) {
    let keys = || rows.associations.keys();
    if rows.associations.is_empty() {
        return;
    }
    run(
        client,
        "INSERT INTO sutra.association (space, source, kind, relation, target, evidence)
         SELECT $1, n.source, n.kind::sutra.association_kind, n.relation, n.target, n.evidence
         FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5),
            pg_catalog.unnest($6)) AS n (source, kind, relation, target, evidence)
         ON CONFLICT DO NOTHING",
        &[
            space.into(),
            ids(keys().map(|key| key.0)).into(),
            keys().map(|key| key.1.as_str()).collect::<Vec<_>>().into(),
            keys().map(|key| key.2.as_str()).collect::<Vec<_>>().into(),
            ids(keys().map(|key| key.3)).into(),
            ids(rows.associations.values().copied()).into(),
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
