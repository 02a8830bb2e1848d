//! sutra_memory(): bytes on disk and in memory, part by part.

use super::counters;
use crate::model;
use pgrx::prelude::*;

/// Part, object, bytes, where.
type Row = (String, String, i64, String);

/// What everything takes.
#[pg_extern]
#[allow(clippy::type_complexity)]
fn sutra_memory()
-> TableIterator<'static, (name!(part, String), name!(object, String), name!(bytes, i64), name!(kept, String))> {
    let mut rows = relations();
    for (name, bytes) in model::file_sizes() {
        rows.push(("model".to_owned(), name, bytes as i64, "disk".to_owned()));
    }
    if counters::get().1 == "server" {
        rows.push(("shared memory".to_owned(), "counters".to_owned(), counters::SIZE as i64, "memory".to_owned()));
    }
    rows.extend(allocations());
    rows.push(("session".to_owned(), "vector cache".to_owned(), model::cache_bytes() as i64, "memory".to_owned()));
    if let Some(bytes) = private_memory() {
        rows.push(("session".to_owned(), "private memory".to_owned(), bytes, "memory".to_owned()));
    }
    TableIterator::new(rows)
}

/// What this process has for itself: neither shared with others nor mapped from a file that it has not changed.
fn private_memory() -> Option<i64> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let lines = text.lines().filter(|line| line.starts_with("Private_"));
    lines.map(|line| line.split_whitespace().nth(1)?.parse::<i64>().ok()).map(|kilobytes| Some(kilobytes? * 1024)).sum()
}

fn read(query: &str) -> Vec<Row> {
    let rows = Spi::connect(|client| {
        let found = client.select(query, None, &[])?;
        found
            .into_iter()
            .map(|found| {
                let text = |number| found.get::<String>(number).map(Option::unwrap_or_default);
                Ok((text(1)?, text(2)?, found.get::<i64>(3)?.unwrap_or_default(), text(4)?))
            })
            .collect::<Result<Vec<Row>, pgrx::spi::Error>>()
    });
    rows.unwrap_or_else(|error| error!("the catalogs cannot be read: {error}"))
}

/// Tables without their indexes, each index, and vector indexes on other tables.
fn relations() -> Vec<Row> {
    read(
        "SELECT CASE
                WHEN c.relname OPERATOR(pg_catalog.=) 'concept' THEN 'concepts'
                WHEN c.relname OPERATOR(pg_catalog.=) 'association' THEN 'graph'
                WHEN c.relname OPERATOR(pg_catalog.=) 'observation' THEN 'observations'
                WHEN c.relname OPERATOR(pg_catalog.=) 'posting' THEN 'text search'
                WHEN c.relname OPERATOR(pg_catalog.=) ANY (ARRAY['inbox', 'job', 'job_error', 'job_series']) THEN 'jobs'
                WHEN c.relname OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT m.vector_table FROM sutra.model AS m)) THEN 'vectors'
                ELSE 'other tables'
            END,
            c.oid::pg_catalog.regclass::pg_catalog.text, pg_catalog.pg_table_size(c.oid), 'disk'
         FROM pg_catalog.pg_class AS c
         WHERE c.relnamespace OPERATOR(pg_catalog.=) 'sutra'::pg_catalog.regnamespace
            AND c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'p']::pg_catalog.\"char\"[])
         UNION ALL
         SELECT 'index ' OPERATOR(pg_catalog.||) a.amname, c.oid::pg_catalog.regclass::pg_catalog.text,
            pg_catalog.pg_relation_size(c.oid), 'disk'
         FROM pg_catalog.pg_class AS c
         JOIN pg_catalog.pg_am AS a ON a.oid OPERATOR(pg_catalog.=) c.relam
         WHERE c.relkind OPERATOR(pg_catalog.=) 'i'::pg_catalog.\"char\"
            AND (c.relnamespace OPERATOR(pg_catalog.=) 'sutra'::pg_catalog.regnamespace OR a.amname OPERATOR(pg_catalog.=) 'sutra_hnsw')
         ORDER BY 1, 2",
    )
}

/// What the extension has of the server's main shared memory.
fn allocations() -> Vec<Row> {
    read(
        "SELECT 'shared memory', s.name, s.allocated_size, 'memory' FROM pg_catalog.pg_shmem_allocations AS s
         WHERE s.name OPERATOR(pg_catalog.~~) 'sutra %' AND s.name OPERATOR(pg_catalog.<>) 'sutra counters'
         UNION ALL
         SELECT 'session', 'memory contexts', pg_catalog.sum(c.total_bytes)::pg_catalog.int8, 'memory'
         FROM pg_catalog.pg_backend_memory_contexts AS c
         ORDER BY 1, 2",
    )
}
