//! What must hold in the database `base` after a recovery, or on a replica that took over.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use postgres::Client;
use rand::rngs::SmallRng;

use super::{KEPT_NOTES, Known, Ledger, Notes};
use crate::vector_table;

/// How many statements are looked up one by one, by their words and by their vectors.
const LOOKED_UP: usize = 120;

/// Compares the database with the ledger, and with itself. Returns what is wrong.
pub fn check(client: &mut Client, ledger: &Ledger, notes: &Notes, rng: &mut SmallRng) -> Vec<String> {
    let mut faults = drop_invalid_indexes(client);
    faults.extend(finish_jobs(client));
    let found = statements(client, &mut faults);
    faults.extend(ledger.settle(&found));
    faults.extend(check_notes(client, notes));
    let table = vector_table(client);
    client
        .batch_execute("SET enable_seqscan = off; SET enable_sort = off; SET sutra.ef_search = 200")
        .expect("the planner can be steered");
    for item in ledger.sample(LOOKED_UP, rng) {
        // What was learned while the server died has an id that only the server knows.
        let by_words: Vec<String> = client
            .query(
                "SELECT content FROM sutra_search($1, 10, jsonb_build_object('entity', $2::text, 'date', ('2001-01-01'::date + $3::int4)::text))
                 WHERE text_score > 0",
                &[&item.word, &item.entity, &item.day],
            )
            .expect("search answers")
            .iter()
            .map(|row| row.get(0))
            .collect();
        if !by_words.contains(&item.content) {
            faults.push(format!("not found by its word: {item:?}"));
        }
        let by_vector: bool = client
            .query_one(
                &format!(
                    "SELECT c.id IN (SELECT n.concept FROM {table} AS n ORDER BY n.embedding <=> v.embedding LIMIT 10)
                     FROM sutra.concept AS c JOIN {table} AS v ON v.space = c.space AND v.concept = c.id AND v.chunk = 0
                     WHERE c.content = $1"
                ),
                &[&item.content],
            )
            .expect("the index answers")
            .get(0);
        if !by_vector {
            faults.push(format!("not found by its vector: {item:?}"));
        }
    }
    client.batch_execute("RESET enable_seqscan; RESET enable_sort; RESET sutra.ef_search").expect("settings are reset");
    // The node of a row that was not committed may be in the index without a way to it. It is a dead row like any other,
    // which VACUUM removes; that everything acknowledged is found was seen before.
    for table in [table.as_str(), "note"] {
        client.batch_execute(&format!("VACUUM (INDEX_CLEANUP on) {table}")).expect("it can be vacuumed");
    }
    faults.extend(wholeness(client));
    faults
}

/// An index that was built concurrently when the server died stays behind, invalid, as with any access method.
fn drop_invalid_indexes(client: &mut Client) -> Vec<String> {
    let query = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid";
    let invalid: Vec<String> =
        client.query(query, &[]).expect("the catalog can be read").iter().map(|row| row.get(0)).collect();
    let mut faults = Vec::new();
    for index in invalid.into_iter().chain(["note_extra_idx".to_owned()]) {
        if let Err(error) = client.batch_execute(&format!("DROP INDEX IF EXISTS {index}")) {
            faults.push(format!("an index that was not finished cannot be dropped: {error:?}"));
        }
    }
    faults
}

/// Runs what jobs have left to its end, beside the workers that may be at it. What cannot be learned is a fault.
fn finish_jobs(client: &mut Client) -> Vec<String> {
    let started = Instant::now();
    let unfinished =
        "SELECT job, state || coalesce(' ' || problem, '') FROM sutra.jobs WHERE state NOT IN ('done', 'cancelled')";
    loop {
        let rows = client.query(unfinished, &[]).expect("the jobs can be read");
        let Some(row) = rows.first() else { break };
        if started.elapsed() > Duration::from_secs(120) {
            return vec![format!("job {} does not end: {}", row.get::<_, i64>(0), row.get::<_, String>(1))];
        }
        if let Err(error) = client.batch_execute(&format!("CALL sutra_run_job({})", row.get::<_, i64>(0))) {
            return vec![format!("job {} cannot be run: {error:?}", row.get::<_, i64>(0))];
        }
    }
    let parked = "SELECT format('parked: %s: %s %s', content, sqlstate, message) FROM sutra.job_error
        UNION ALL SELECT 'left in the inbox: ' || coalesce(content, '') FROM sutra.inbox";
    client.query(parked, &[]).expect("what is parked can be read").iter().map(|row| row.get(0)).collect()
}

/// Every statement by its content; one that is there in part is a fault.
fn statements(client: &mut Client, faults: &mut Vec<String>) -> HashMap<String, Known> {
    let table = vector_table(client);
    let query = format!(
        "SELECT c.content, c.times_learned, (c.metadata->>'temperature')::float8, c.terms IS NOT NULL,
            (SELECT count(*) FROM {table} AS v WHERE v.space = c.space AND v.concept = c.id),
            (SELECT coalesce(array_agg(o.value), '{{}}') FROM sutra.observation AS o
             JOIN sutra.concept AS e ON e.space = o.space AND e.id = o.entity
             WHERE o.space = c.space AND o.concept = c.id AND o.metric = 'temperature'
               AND e.content = c.metadata->>'entity' AND o.at = (c.metadata->>'date')::timestamp AT TIME ZONE 'UTC'),
            (SELECT count(*) FROM sutra.observation AS o WHERE o.space = c.space AND o.concept = c.id),
            (SELECT count(*) FROM sutra.association AS a JOIN sutra.concept AS e ON e.space = a.space AND e.id = a.target
             WHERE a.space = c.space AND a.source = c.id AND a.relation = 'mentions' AND e.content = c.metadata->>'entity')
         FROM sutra.concept AS c WHERE c.kind = 'statement'"
    );
    let mut found = HashMap::new();
    for row in client.query(&query, &[]).expect("the tables can be read") {
        let (content, times, value): (String, i32, f64) = (row.get(0), row.get(1), row.get(2));
        let (words, vectors, observed): (bool, i64, Vec<f64>) = (row.get(3), row.get(4), row.get(5));
        let (observations, mentions): (i64, i64) = (row.get(6), row.get(7));
        if !words || vectors != 1 || observed != [value] || observations != 1 || mentions != 1 {
            faults.push(format!(
                "there in part: {content:?} with words {words}, {vectors} vectors, {observations} observations \
                 {observed:?} of {value}, {mentions} edges to its entity"
            ));
        }
        if found.insert(content.clone(), Known { times, value }).is_some() {
            faults.push(format!("there twice: {content:?}"));
        }
    }
    found
}

/// What holds in any database with the extension: foreign keys, the inverted index, and every sutra_hnsw index.
pub fn wholeness(client: &mut Client) -> Vec<String> {
    let mut faults = Vec::new();
    let table = vector_table(client);
    let counts = [
        (
            "entities that nothing refers to",
            "SELECT count(*) FROM sutra.concept AS e WHERE e.kind = 'entity'
             AND NOT EXISTS (SELECT FROM sutra.association AS a WHERE a.space = e.space AND a.source = e.id)
             AND NOT EXISTS (SELECT FROM sutra.association AS a WHERE a.space = e.space AND a.target = e.id)
             AND NOT EXISTS (SELECT FROM sutra.observation AS o WHERE o.space = e.space AND o.entity = e.id)
             AND NOT EXISTS (SELECT FROM sutra.alias AS n WHERE n.space = e.space AND n.entity = e.id AND n.kind = 'user')"
                .to_owned(),
        ),
        (
            "edges that lead nowhere",
            "SELECT count(*) FROM sutra.association AS a
             WHERE NOT EXISTS (SELECT FROM sutra.concept AS c WHERE c.space = a.space AND c.id = a.source)
                OR NOT EXISTS (SELECT FROM sutra.concept AS c WHERE c.space = a.space AND c.id = a.target)"
                .to_owned(),
        ),
        (
            "observations or vectors of nothing",
            format!(
                "SELECT (SELECT count(*) FROM sutra.observation AS o
                         WHERE NOT EXISTS (SELECT FROM sutra.concept AS c WHERE c.space = o.space AND c.id = o.concept))
                      + (SELECT count(*) FROM {table} AS v
                         WHERE NOT EXISTS (SELECT FROM sutra.concept AS c WHERE c.space = v.space AND c.id = v.concept))"
            ),
        ),
        (
            "statements or entities without a vector that others of their kind have",
            format!(
                "SELECT count(*) FROM sutra.concept AS c WHERE c.kind = 'statement'
                 AND NOT EXISTS (SELECT FROM {table} AS v WHERE v.space = c.space AND v.concept = c.id)"
            ),
        ),
        (
            "terms that the inverted index tells differently",
            "WITH stored AS (
                 SELECT p.space, p.term, u.concept, sum(u.frequency) AS frequency
                 FROM sutra.posting AS p, unnest(p.concepts, p.frequencies) AS u (concept, frequency)
                 GROUP BY 1, 2, 3 HAVING sum(u.frequency) <> 0),
             wanted AS (
                 SELECT c.space, t.lexeme AS term, c.id AS concept, coalesce(cardinality(t.positions), 1) AS frequency
                 FROM sutra.concept AS c, unnest(c.terms) AS t
                 UNION ALL
                 SELECT c.space, '', c.id, 1 FROM sutra.concept AS c WHERE c.terms IS NOT NULL)
             SELECT count(*) FROM stored FULL JOIN wanted USING (space, term, concept)
             WHERE stored.frequency IS DISTINCT FROM wanted.frequency"
                .to_owned(),
        ),
    ];
    for (what, query) in counts {
        let count: i64 = client.query_one(&query, &[]).expect("the tables can be read").get(0);
        if count != 0 {
            faults.push(format!("{count} {what}"));
        }
    }
    let query = "SELECT c.oid::regclass::text, k.part, k.identifier, k.fault
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        JOIN pg_am AS m ON m.oid = c.relam AND m.amname = 'sutra_hnsw'
        CROSS JOIN LATERAL sutra_index_check(c.oid) AS k
        WHERE i.indisvalid LIMIT 20";
    for row in client.query(query, &[]).expect("the indexes can be checked") {
        let (index, part, identifier, fault): (String, String, i64, String) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        faults.push(format!("{index}: {part} {identifier}: {fault}"));
    }
    faults
}

fn check_notes(client: &mut Client, notes: &Notes) -> Vec<String> {
    let mut faults = Vec::new();
    let mut last = notes.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let row = client.query_one("SELECT coalesce(max(id), 0), count(*) FROM note", &[]).expect("the notes can be read");
    let (highest, count): (i64, i64) = (row.get(0), row.get(1));
    if !(*last..=*last + 1).contains(&highest) || count != highest.min(KEPT_NOTES) {
        faults.push(format!("the note acknowledged last is {last}, found are {count} up to {highest}"));
    }
    *last = highest;
    client.batch_execute("SET enable_seqscan = off; SET enable_sort = off").expect("the planner can be steered");
    let lost: i64 = client
        .query_one("SELECT count(*) FROM note AS n WHERE n.id NOT IN (SELECT o.id FROM note AS o ORDER BY o.v <-> n.v LIMIT 5)", &[])
        .expect("the index answers")
        .get(0);
    client.batch_execute("RESET enable_seqscan; RESET enable_sort").expect("settings are reset");
    if lost != 0 {
        faults.push(format!("{lost} notes are not found by their vectors"));
    }
    faults
}
