//! sutra_metrics(): the counters, and what the tables say of jobs.

use super::counters::{self, ANSWERS, CONFIDENCES, Calls, LATENCIES};
use pgrx::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// Name, label, value, unit, scope.
type Row = (String, Option<String>, f64, String, String);

/// What was done, as rows of which each is one number.
#[pg_extern]
#[allow(clippy::type_complexity)]
fn sutra_metrics() -> TableIterator<
    'static,
    (name!(name, String), name!(label, Option<String>), name!(value, f64), name!(unit, String), name!(scope, String)),
> {
    let (counters, scope) = counters::get();
    let mut rows = Vec::new();
    calls(&mut rows, "learn", &counters.learn, scope);
    count(&mut rows, "statements_learned", None, &counters.statements, "statements", scope);
    calls(&mut rows, "forget", &counters.forget, scope);
    count(&mut rows, "statements_forgotten", None, &counters.forgotten, "statements", scope);
    calls(&mut rows, "ask", &counters.ask, scope);
    for (kind, counter) in ANSWERS.iter().zip(&counters.answers) {
        count(&mut rows, "answers", Some(format!("kind={kind}")), counter, "answers", scope);
    }
    let mut sum = 0;
    for (class, counter) in counters.confidences.iter().enumerate() {
        sum += counter.load(Ordering::Relaxed);
        let bound = (class + 1) as f64 / CONFIDENCES as f64;
        rows.push(row("ask_confidence", Some(format!("le={bound}")), sum as f64, "answers", scope));
    }
    calls(&mut rows, "search", &counters.search, scope);
    count(&mut rows, "job_batches", None, &counters.batches, "batches", scope);
    from_tables(&mut rows);
    TableIterator::new(rows)
}

fn row(name: &str, label: Option<String>, value: f64, unit: &str, scope: &str) -> Row {
    (name.to_owned(), label, value, unit.to_owned(), scope.to_owned())
}

fn count(rows: &mut Vec<Row>, name: &str, label: Option<String>, counter: &AtomicU64, unit: &str, scope: &str) {
    rows.push(row(name, label, counter.load(Ordering::Relaxed) as f64, unit, scope));
}

/// The rows of one sort of calls: their number, errors, seconds, and how many took at most how long.
fn calls(rows: &mut Vec<Row>, name: &str, calls: &Calls, scope: &str) {
    count(rows, &format!("{name}_calls"), None, &calls.calls, "calls", scope);
    count(rows, &format!("{name}_errors"), None, &calls.errors, "calls", scope);
    let seconds = calls.microseconds.load(Ordering::Relaxed) as f64 / 1e6;
    rows.push(row(&format!("{name}_seconds"), None, seconds, "seconds", scope));
    let mut sum = 0;
    for (class, counter) in calls.latencies.iter().enumerate() {
        sum += counter.load(Ordering::Relaxed);
        let bound = LATENCIES.get(class).map_or("+Inf".to_owned(), f64::to_string);
        rows.push(row(&format!("{name}_latency"), Some(format!("le={bound}")), sum as f64, "calls", scope));
    }
}

/// What the tables of this database and the counters of embedding say.
fn from_tables(rows: &mut Vec<Row>) {
    const QUERY: &str = "
        SELECT n.name, NULL, n.value, n.unit, CASE WHEN e.scope OPERATOR(pg_catalog.=) 'pool' THEN 'server' ELSE 'session' END
        FROM sutra.embedding_stats AS e,
        LATERAL (VALUES ('embedding_requests', e.requests::pg_catalog.float8, 'requests'),
            ('embedding_texts', e.texts::pg_catalog.float8, 'texts'), ('embedding_tokens', e.tokens::pg_catalog.float8, 'tokens'),
            ('embedding_batches', e.batches::pg_catalog.float8, 'batches'), ('embedding_seconds', e.seconds, 'seconds'),
            ('embedding_cached', e.cached::pg_catalog.float8, 'vectors'),
            ('embedding_queue', e.queue_depth::pg_catalog.float8, 'requests'),
            ('embedding_restarts', e.restarts::pg_catalog.float8, 'restarts')) AS n (name, value, unit)
        WHERE n.value IS NOT NULL
        UNION ALL
        SELECT 'jobs', 'state=' OPERATOR(pg_catalog.||) s.state, pg_catalog.count(j.id)::pg_catalog.float8, 'jobs', 'database'
        FROM pg_catalog.unnest(ARRAY['waiting', 'running', 'paused', 'cancelled', 'done']) AS s (state)
        LEFT JOIN sutra.job AS j ON j.state OPERATOR(pg_catalog.=) s.state
        GROUP BY s.state
        UNION ALL
        SELECT n.name, NULL, n.value, n.unit, 'database'
        FROM (
            SELECT coalesce(pg_catalog.sum(j.done), 0)::pg_catalog.float8, coalesce(pg_catalog.sum(j.failed), 0)::pg_catalog.float8,
                coalesce(pg_catalog.sum(j.rate) FILTER (WHERE j.state OPERATOR(pg_catalog.=) 'running'), 0)::pg_catalog.float8
            FROM sutra.job AS j WHERE j.kind OPERATOR(pg_catalog.=) 'ingest'
        ) AS j (done, failed, rate),
        LATERAL (VALUES ('ingest_rows_done', j.done, 'rows'), ('ingest_rows_failed', j.failed, 'rows'),
            ('ingest_rate', j.rate, 'rows per second')) AS n (name, value, unit)
        UNION ALL
        SELECT 'inbox_rows', CASE WHEN i.job IS NULL THEN 'job=none' ELSE 'job=some' END, pg_catalog.count(*)::pg_catalog.float8, 'rows', 'database'
        FROM sutra.inbox AS i GROUP BY i.job IS NULL
        UNION ALL
        SELECT n.name, 'table=' OPERATOR(pg_catalog.||) t.relname, n.value::pg_catalog.float8, 'rows', 'database'
        FROM pg_catalog.pg_stat_user_tables AS t,
        LATERAL (VALUES ('rows_live', t.n_live_tup), ('rows_dead', t.n_dead_tup)) AS n (name, value)
        WHERE t.schemaname OPERATOR(pg_catalog.=) 'sutra'
        UNION ALL
        SELECT 'vector_index_scans', 'index=' OPERATOR(pg_catalog.||) s.indexrelname, s.idx_scan::pg_catalog.float8, 'scans', 'database'
        FROM pg_catalog.pg_stat_user_indexes AS s
        JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) s.indexrelid
        JOIN pg_catalog.pg_am AS a ON a.oid OPERATOR(pg_catalog.=) c.relam AND a.amname OPERATOR(pg_catalog.=) 'sutra_hnsw'
        ORDER BY 1, 2";
    let read = Spi::connect(|client| {
        let found = client.select(QUERY, None, &[])?;
        found
            .into_iter()
            .map(|found| {
                let text = |number| found.get::<String>(number);
                let value = found.get::<f64>(3)?.unwrap_or_default();
                let (name, unit) = (text(1)?.unwrap_or_default(), text(4)?.unwrap_or_default());
                Ok(row(&name, text(2)?, value, &unit, &text(5)?.unwrap_or_default()))
            })
            .collect::<Result<Vec<Row>, pgrx::spi::Error>>()
    });
    match read {
        Ok(read) => rows.extend(read),
        Err(error) => error!("the tables of jobs cannot be read: {error}"),
    }
}
