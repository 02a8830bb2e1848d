//! sutra_health(): each part is put to work, and what it did and how long it took is a row.

use crate::error::raise;
use crate::jobs::failure::attempt;
use crate::model;
use pgrx::datum::TimestampWithTimeZone;
use pgrx::prelude::*;
use std::time::Instant;

/// What a check found: whether all is well, and what it did.
struct Found {
    well: bool,
    detail: String,
}

fn well(detail: String) -> Found {
    Found { well: true, detail }
}

/// The ERROR that takes back what a check has written, and its SQLSTATE.
const TAKE_BACK: (PgSqlErrorCode, &str) = (PgSqlErrorCode::ERRCODE_TRIGGERED_ACTION_EXCEPTION, "09000");

/// Component, status, milliseconds, when, what was done.
type Row = (String, String, f64, TimestampWithTimeZone, String);

/// Checks every part. A part that does not work is a row with the status failed, never an ERROR.
#[pg_extern]
#[allow(clippy::type_complexity)]
fn sutra_health() -> TableIterator<
    'static,
    (
        name!(component, String),
        name!(status, String),
        name!(duration_ms, f64),
        name!(checked_at, TimestampWithTimeZone),
        name!(detail, String),
    ),
> {
    TableIterator::new(vec![
        check("embedding", embedding),
        check("storage", storage),
        check("vector index", vector_index),
        check("text index", text_index),
        check("jobs", jobs),
    ])
}

fn check(component: &str, work: fn() -> Found) -> Row {
    let start = Instant::now();
    let (status, detail) = match attempt(work) {
        Ok(Found { well: true, detail }) => ("ok", detail),
        Ok(Found { well: false, detail }) => ("degraded", detail),
        Err(failure) if failure.sqlstate() == "57014" => failure.raise(),
        Err(failure) => ("failed", format!("{}: {}", failure.sqlstate(), failure.message)),
    };
    // SAFETY: it reads the clock.
    let now = TimestampWithTimeZone::try_from(unsafe { pg_sys::GetCurrentTimestamp() });
    let now = now.unwrap_or_else(|_| error!("the clock stands outside the range of timestamptz"));
    (component.to_owned(), status.to_owned(), start.elapsed().as_secs_f64() * 1e3, now, detail)
}

/// Embeds a text, which no cache has, and looks at the vector.
fn embedding() -> Found {
    let model = model::active();
    let text = format!("a health check of process {} at {:?}", std::process::id(), Instant::now());
    let vector = model::embed_passages(&model.name, &[&text]).pop().unwrap_or_default();
    let norm = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    Found {
        well: vector.len() == model.dimension && norm.is_finite() && norm > 0.0,
        detail: format!("{} embedded a text in {} dimensions, of norm {norm:.3}", model.name, vector.len()),
    }
}

/// Writes a concept and takes it back; on a standby it reads one.
fn storage() -> Found {
    // SAFETY: both read the state of this transaction and of the server.
    if unsafe { pg_sys::XactReadOnly || pg_sys::RecoveryInProgress() } {
        let read = count("SELECT pg_catalog.count(*) FROM (SELECT FROM sutra.concept LIMIT 1) AS c");
        return well(format!("this session only reads: {read} concept was read"));
    }
    let outcome = attempt(|| {
        let written = count(
            "WITH written AS (
                INSERT INTO sutra.concept (id, space, content, digest)
                SELECT 'ffffffffffffffff', 'a health check', 'a health check', pg_catalog.decode(pg_catalog.repeat('ff', 32), 'hex')
                RETURNING 1)
             SELECT pg_catalog.count(*) FROM written",
        );
        // What rolls the subtransaction back.
        raise(TAKE_BACK.0, written.to_string(), "", "");
    });
    match outcome {
        Err(failure) if failure.sqlstate() == TAKE_BACK.1 => {
            well(format!("{} concept was written and rolled back", failure.message))
        }
        Err(failure) => failure.raise(),
        Ok(()) => Found { well: false, detail: "what was to be rolled back was not".to_owned() },
    }
}

/// Looks for stored vectors through the index: each must find itself.
fn vector_index() -> Found {
    const SAMPLE: i64 = 5;
    let table = model::active().table;
    if count(&format!("SELECT (pg_catalog.to_regclass('{table}') IS NOT NULL)::pg_catalog.int4::pg_catalog.int8")) == 0
    {
        return well("nothing was learned with this model yet".to_owned());
    }
    let schema = crate::catalog::schema();
    let _settings = crate::settings::Scoped::new(&[(c"enable_seqscan", c"off"), (c"enable_sort", c"off")]);
    // Vectors from anywhere in the order of their ids.
    let found = count(&format!(
        "SELECT pg_catalog.count(*) OPERATOR(pg_catalog.*) 1000 OPERATOR(pg_catalog.+) pg_catalog.count(*) FILTER (WHERE
            (SELECT n.embedding OPERATOR({schema}.<=>) s.embedding FROM {table} AS n
             ORDER BY n.embedding OPERATOR({schema}.<=>) s.embedding LIMIT 1) OPERATOR(pg_catalog.<) 0.0001)
         FROM (
            SELECT DISTINCT ON (r.n) v.embedding
            FROM (SELECT n, pg_catalog.substr(pg_catalog.md5(pg_catalog.random()::pg_catalog.text), 1, 16)::{schema}.concept_id AS id
                  FROM pg_catalog.generate_series(1, {SAMPLE}) AS n) AS r
            CROSS JOIN (SELECT v.space FROM {table} AS v LIMIT 1) AS s
            CROSS JOIN LATERAL (
                (SELECT v.embedding FROM {table} AS v
                 WHERE v.space OPERATOR(pg_catalog.=) s.space AND v.concept OPERATOR({schema}.>=) r.id
                 ORDER BY v.space, v.concept LIMIT 1)
                UNION ALL
                (SELECT v.embedding FROM {table} AS v WHERE v.space OPERATOR(pg_catalog.=) s.space
                 ORDER BY v.space, v.concept LIMIT 1)
                LIMIT 1) AS v
         ) AS s"
    ));
    let (tried, found) = (found / 1000, found % 1000);
    Found { well: tried == found, detail: format!("{found} of {tried} stored vectors were found through the index") }
}

/// Compares the inverted index with the statements that it is made of.
fn text_index() -> Found {
    let sample = "SELECT c.space, c.id, c.terms FROM sutra.concept AS c WHERE c.terms IS NOT NULL LIMIT 5";
    let (tried, found) = (
        count(&format!("SELECT pg_catalog.count(*) FROM ({sample}) AS c")),
        count(&format!(
            "SELECT pg_catalog.count(*) FROM ({sample}) AS c
             WHERE (SELECT pg_catalog.sum(pg_catalog.sign(u.frequency::pg_catalog.float8))
                    FROM sutra.posting AS p,
                        ROWS FROM (pg_catalog.unnest(p.concepts), pg_catalog.unnest(p.frequencies)) AS u (concept, frequency)
                    WHERE p.space OPERATOR(pg_catalog.=) c.space
                        AND p.term OPERATOR(pg_catalog.=) coalesce((SELECT w.lexeme FROM pg_catalog.unnest(c.terms) AS w LIMIT 1), '')
                        AND u.concept OPERATOR({}.=) c.id) OPERATOR(pg_catalog.=) 1",
            crate::catalog::schema()
        )),
    );
    Found { well: tried == found, detail: format!("{found} of {tried} statements are in the inverted index once") }
}

/// Looks for jobs that nobody works at, or that were stopped by a problem.
fn jobs() -> Found {
    let stuck = count(
        "SELECT pg_catalog.count(*) FROM sutra.jobs AS j
         WHERE j.state OPERATOR(pg_catalog.=) ANY (ARRAY['waiting', 'running']) AND j.working OPERATOR(pg_catalog.=) 0
            AND coalesce(j.updated_at, j.created_at) OPERATOR(pg_catalog.<)
                (pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) pg_catalog.make_interval(secs => 60))",
    );
    let stopped = count("SELECT pg_catalog.count(*) FROM sutra.jobs AS j WHERE j.problem IS NOT NULL");
    let working = count("SELECT coalesce(pg_catalog.sum(j.working), 0)::pg_catalog.int8 FROM sutra.jobs AS j");
    let free = count(
        "SELECT pg_catalog.current_setting('max_worker_processes')::pg_catalog.int8 OPERATOR(pg_catalog.-) pg_catalog.count(*)
         FROM pg_catalog.pg_stat_activity AS a
         WHERE a.backend_type OPERATOR(pg_catalog.<>) ALL (ARRAY['client backend', 'autovacuum launcher', 'autovacuum worker',
            'background writer', 'checkpointer', 'walwriter', 'walsender', 'walreceiver', 'startup', 'archiver', 'walsummarizer',
            'slotsync worker', 'io worker', 'standalone backend'])",
    );
    Found {
        well: stuck == 0 && stopped == 0 && free > 0,
        detail: format!(
            "{working} workers at work, {free} background workers free, {stuck} jobs without a worker, {stopped} stopped by a problem"
        ),
    }
}

/// The number that a query returns.
fn count(query: &str) -> i64 {
    match Spi::connect_mut(|client| client.update(query, Some(1), &[])?.first().get_one::<i64>()) {
        Ok(Some(count)) => count,
        Ok(None) => error!("a check returned nothing"),
        Err(error) => error!("a check failed: {error}"),
    }
}
