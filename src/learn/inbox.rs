//! The job that learns rows of sutra.inbox.
//!
//! A batch is learned in groups of one role and space, each in a subtransaction and with the rights of the role. A group
//! that fails is halved until the rows at fault are alone; those are tried again after 1, 2 and 4 seconds, each on its
//! own, and then parked in sutra.job_error. When no row is left, the series that the job has added to are linked.

use super::json::Json;
use super::series::{self, Touched};
use super::statements::{column, run};
use crate::error::raise;
use crate::jobs::failure::{Failure, attempt};
use crate::jobs::rights;
use crate::jobs::{Batch, Job, Kind, Next};
use crate::owner::AsRole;
use crate::settings::Scoped;
use crate::types::concept_id::ConceptId;
use pgrx::prelude::*;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Jobs of this kind learn rows of the inbox.
pub const KIND: Kind = Kind { name: "ingest", batch, has_rows, cancel, close, finish: |_| () };

/// Rows of a batch, and bytes of their contents and metadata at which it is full.
const BATCH_ROWS: i32 = 128;
const BATCH_BYTES: i64 = 8 << 20;
/// How often learning a row is tried.
const ATTEMPTS: i32 = 4;
/// Entities whose series are linked in one transaction.
const LINKED_SERIES: i64 = 16;
/// How long to wait for rows that another worker has.
const OTHERS: Duration = Duration::from_millis(200);

thread_local! {
    // The job of the last batch and the last of its rows. Rows before it are done or wait for another attempt, so the
    // next batch need not pass by what is left of them in the index.
    static POSITION: Cell<(i64, i64)> = const { Cell::new((0, 0)) };
}

/// A row to learn.
struct Row {
    id: i64,
    bar: bool,
    content: Option<String>,
    metadata: Option<Json>,
    attempts: i32,
}

/// Rows with the rights that they are learned with, and where to.
type Groups = BTreeMap<(String, String, bool), Vec<Row>>;

fn batch(job: &Job) -> Batch {
    let after = match POSITION.get() {
        (known, position) if known == job.id => position,
        _ => 0,
    };
    Spi::connect_mut(|client| {
        let mut rows = take(client, job, after);
        if rows.is_empty() && after > 0 {
            POSITION.set((job.id, 0));
            rows = take(client, job, 0);
        }
        if rows.is_empty() {
            let next = match rest(client, job) {
                Next::Nothing => link_some(client, job),
                later => later,
            };
            return Batch { done: 0, failed: 0, next };
        }
        let mut outcome = Outcome::default();
        let last = rows.values().flatten().map(|row| row.id).max().unwrap_or_default();
        let ((), touched) = series::touched_by(|| {
            for ((role, space, alone), group) in &rows {
                let rows: Vec<&Row> = group.iter().collect();
                match rights::role(role) {
                    Some(role) if *alone => rows.iter().for_each(|row| learn(role, space, &[row], &mut outcome)),
                    Some(role) => learn(role, space, &rows, &mut outcome),
                    None => outcome.failed.extend(rows.iter().map(|row| (row.id, row.attempts, no_role(role)))),
                }
            }
        });
        note_series(client, job, touched);
        let failed = settle(client, job, &outcome);
        POSITION.set((job.id, last));
        Batch { done: outcome.learned.len() as i64, failed, next: Next::Now }
    })
}

/// What became of the rows of a batch.
#[derive(Default)]
struct Outcome {
    learned: Vec<i64>,
    // With the attempts before this one.
    failed: Vec<(i64, i32, Failure)>,
}

fn no_role(name: &str) -> Failure {
    Failure::of(
        PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        format!("role \"{name}\" does not exist"),
        "The row is learned as the role that put it in.",
    )
}

/// Locks rows of the job that are due and that no other worker has.
fn take(client: &mut pgrx::spi::SpiClient<'_>, job: &Job, after: i64) -> Groups {
    let _rights = AsRole::extension_owner();
    let _plan = Scoped::new(&[(c"enable_seqscan", c"off")]);
    let due = run(
        client,
        "SELECT id, pg_catalog.octet_length(content)::pg_catalog.int8 OPERATOR(pg_catalog.+)
            pg_catalog.pg_column_size(metadata)::pg_catalog.int8
         FROM sutra.inbox
         WHERE job OPERATOR(pg_catalog.=) $1 AND id OPERATOR(pg_catalog.>) $2
            AND next_attempt_at OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp()
         ORDER BY id LIMIT $3
         FOR UPDATE SKIP LOCKED",
        &[job.id.into(), after.into(), BATCH_ROWS.into()],
    );
    // Long rows make a batch of fewer; the others are the first of the next one.
    let mut bytes = 0;
    let mut ids: Vec<i64> = Vec::new();
    for row in due {
        bytes += column::<i64>(&row, 2).unwrap_or_default();
        if bytes > BATCH_BYTES && !ids.is_empty() {
            break;
        }
        ids.extend(column::<i64>(&row, 1));
    }
    let mut groups = Groups::new();
    if ids.is_empty() {
        return groups;
    }
    let rows = run(
        client,
        "SELECT id, inserted_by::pg_catalog.text, space, kind OPERATOR(pg_catalog.=) 'ohlcv', content, metadata, attempts
         FROM sutra.inbox WHERE id OPERATOR(pg_catalog.=) ANY ($1) ORDER BY id",
        &[ids.into()],
    );
    for row in rows {
        let (Some(id), Some(role), Some(space)) =
            (column::<i64>(&row, 1), column::<String>(&row, 2), column::<String>(&row, 3))
        else {
            continue;
        };
        let attempts = column::<i32>(&row, 7).unwrap_or_default();
        let taken = Row {
            id,
            bar: column::<bool>(&row, 4).unwrap_or_default(),
            content: column::<String>(&row, 5),
            metadata: column::<Json>(&row, 6),
            attempts,
        };
        groups.entry((role, space, attempts > 0)).or_default().push(taken);
    }
    groups
}

fn has_rows(job: &Job) -> bool {
    Spi::connect_mut(|client| !matches!(rest(client, job), Next::Nothing))
}

/// What comes when no row is due that could be had.
fn rest(client: &mut pgrx::spi::SpiClient<'_>, job: &Job) -> Next {
    let _rights = AsRole::extension_owner();
    let _plan = Scoped::new(&[(c"enable_seqscan", c"off")]);
    let rows = run(
        client,
        "SELECT pg_catalog.date_part('epoch', pg_catalog.min(next_attempt_at) OPERATOR(pg_catalog.-) pg_catalog.clock_timestamp())
         FROM sutra.inbox WHERE job OPERATOR(pg_catalog.=) $1",
        &[job.id.into()],
    );
    match rows.into_iter().next().and_then(|row| column::<f64>(&row, 1)) {
        None => Next::Nothing,
        Some(seconds) => Next::Later(Duration::from_secs_f64(seconds.clamp(OTHERS.as_secs_f64(), 1.0))),
    }
}

/// Keeps in mind whose series the job has added to. Workers do not see what others have not committed yet, so the edges
/// between their statements are made when all are there.
fn note_series(client: &mut pgrx::spi::SpiClient<'_>, job: &Job, touched: Touched) {
    let _rights = AsRole::extension_owner();
    let _plan = Scoped::new(&[(c"enable_seqscan", c"off")]);
    let mut spaces: BTreeMap<String, Vec<ConceptId>> = BTreeMap::new();
    for (space, entity) in touched {
        spaces.entry(space).or_default().push(ConceptId(entity));
    }
    for (space, entities) in spaces {
        // One row is enough, unless it is about to be taken out: then it does not stand for what this batch has done.
        run(
            client,
            "INSERT INTO sutra.job_series (job, space, entity)
             SELECT $1, $2, n.entity FROM pg_catalog.unnest($3) AS n (entity)
             WHERE n.entity OPERATOR({schema}.<>) ALL (ARRAY(
                SELECT s.entity FROM sutra.job_series AS s
                WHERE s.job OPERATOR(pg_catalog.=) $1 AND s.space OPERATOR(pg_catalog.=) $2
                    AND s.entity OPERATOR({schema}.=) ANY ($3)
                FOR KEY SHARE SKIP LOCKED))",
            &[job.id.into(), space.into(), entities.into()],
        );
    }
}

/// Links series that the job has added to, once all of its rows are done. One at a time links a series: another, who does not
/// see its edges yet, would leave those that a statement in between has made wrong. So a series of which another has a row,
/// to link it or because its batch adds to it, waits.
fn link_some(client: &mut pgrx::spi::SpiClient<'_>, job: &Job) -> Next {
    let _rights = AsRole::extension_owner();
    let _plan = Scoped::new(&[(c"enable_seqscan", c"off")]);
    let rows = run(
        client,
        "WITH chosen AS MATERIALIZED (
            SELECT s.space, s.entity FROM sutra.job_series AS s WHERE s.job OPERATOR(pg_catalog.=) $1
            ORDER BY s.space, s.entity LIMIT $2 FOR UPDATE SKIP LOCKED
         ), free AS MATERIALIZED (
            SELECT s.id FROM sutra.job_series AS s
            WHERE s.job OPERATOR(pg_catalog.=) $1 AND EXISTS (SELECT FROM chosen AS o
                WHERE o.space OPERATOR(pg_catalog.=) s.space AND o.entity OPERATOR({schema}.=) s.entity)
            FOR UPDATE SKIP LOCKED
         )
         DELETE FROM sutra.job_series WHERE id OPERATOR(pg_catalog.=) ANY (ARRAY(
            SELECT s.id FROM sutra.job_series AS s
            WHERE s.id OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT f.id FROM free AS f))
                AND NOT EXISTS (SELECT FROM sutra.job_series AS o
                    WHERE o.job OPERATOR(pg_catalog.=) $1 AND o.space OPERATOR(pg_catalog.=) s.space
                        AND o.entity OPERATOR({schema}.=) s.entity
                        AND o.id OPERATOR(pg_catalog.<>) ALL (ARRAY(SELECT f.id FROM free AS f)))))
         RETURNING space, entity",
        &[job.id.into(), LINKED_SERIES.into()],
    );
    let mut series: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for row in rows {
        if let (Some(space), Some(ConceptId(entity))) = (column::<String>(&row, 1), column(&row, 2)) {
            series.entry(space).or_default().insert(entity);
        }
    }
    if !series.is_empty() {
        for (space, entities) in series {
            series::link_all(client, &space, &entities);
        }
        return Next::Now;
    }
    let left =
        run(client, "SELECT FROM sutra.job_series WHERE job OPERATOR(pg_catalog.=) $1 LIMIT 1", &[job.id.into()]);
    // Another worker is at the last ones.
    if left.is_empty() { Next::Nothing } else { Next::Later(OTHERS) }
}

/// Learns rows with the rights of a role, halving them where that fails.
fn learn(role: pg_sys::Oid, space: &str, rows: &[&Row], outcome: &mut Outcome) {
    let bars: Vec<&Row> = rows.iter().copied().filter(|row| row.bar).collect();
    if !bars.is_empty() && bars.len() < rows.len() {
        let statements: Vec<&Row> = rows.iter().copied().filter(|row| !row.bar).collect();
        learn(role, space, &statements, outcome);
        return learn(role, space, &bars, outcome);
    }
    let learned = attempt(|| {
        let _rights = AsRole::new(role);
        let space = std::ffi::CString::new(space).unwrap_or_default();
        // Dates of bars are read as they are written, whatever the session prefers.
        let _settings = Scoped::new(&[(c"sutra.space", &space), (c"datestyle", c"ISO, YMD")]);
        let learned =
            Spi::connect_mut(|client| if bars.is_empty() { statements(client, rows) } else { told(client, rows) });
        if learned != rows.len() as i64 {
            error!("{learned} of {} rows were learned", rows.len());
        }
    });
    match learned {
        Ok(()) => outcome.learned.extend(rows.iter().map(|row| row.id)),
        Err(failure) if failure.is_of_the_server() => failure.raise(),
        Err(failure) => match rows {
            [row] => {
                // It was an array of one, which is of no use to who reads the error later.
                let failure = failure.map_detail(|detail| {
                    detail.trim_start_matches("Array element 1").trim_start_matches([':', '.']).trim_start().to_owned()
                });
                outcome.failed.push((row.id, row.attempts, failure));
            }
            _ => {
                let (first, second) = rows.split_at(rows.len() / 2);
                learn(role, space, first, outcome);
                learn(role, space, second, outcome);
            }
        },
    }
}

/// Learns statements through SQL, as the role itself would.
fn statements(client: &mut pgrx::spi::SpiClient<'_>, rows: &[&Row]) -> i64 {
    let contents: Vec<Option<&str>> = rows.iter().map(|row| row.content.as_deref()).collect();
    let metadata: Vec<Option<Json>> = rows.iter().map(|row| row.metadata).collect();
    let learned = run(
        client,
        "SELECT pg_catalog.count(*) FROM {schema}.sutra_learn_batch($1, $2)",
        &[contents.into(), metadata.into()],
    );
    learned.into_iter().next().and_then(|row| column(&row, 1)).unwrap_or_default()
}

/// Learns daily bars through SQL, as the role itself would.
fn told(client: &mut pgrx::spi::SpiClient<'_>, rows: &[&Row]) -> i64 {
    let metadata: Vec<Option<Json>> = rows.iter().map(|row| row.metadata).collect();
    let learned = run(
        client,
        "SELECT pg_catalog.count(*)
         FROM (SELECT
                pg_catalog.array_agg(b.bar OPERATOR(pg_catalog.->>) 'company' ORDER BY b.n),
                pg_catalog.array_agg(b.bar OPERATOR(pg_catalog.->>) 'ticker' ORDER BY b.n),
                pg_catalog.array_agg((b.bar OPERATOR(pg_catalog.->>) 'day')::pg_catalog.date ORDER BY b.n),
                pg_catalog.array_agg((b.bar OPERATOR(pg_catalog.->>) 'open')::pg_catalog.float8 ORDER BY b.n),
                pg_catalog.array_agg((b.bar OPERATOR(pg_catalog.->>) 'high')::pg_catalog.float8 ORDER BY b.n),
                pg_catalog.array_agg((b.bar OPERATOR(pg_catalog.->>) 'low')::pg_catalog.float8 ORDER BY b.n),
                pg_catalog.array_agg((b.bar OPERATOR(pg_catalog.->>) 'close')::pg_catalog.float8 ORDER BY b.n),
                pg_catalog.array_agg((b.bar OPERATOR(pg_catalog.->>) 'volume')::pg_catalog.float8 ORDER BY b.n)
             FROM pg_catalog.unnest($1) WITH ORDINALITY AS b (bar, n)
            ) AS a (company, ticker, day, open, high, low, close, volume),
            {schema}.sutra_learn_ohlcv(a.company, a.ticker, a.day, a.open, a.high, a.low, a.close, a.volume)",
        &[metadata.into()],
    );
    learned.into_iter().next().and_then(|row| column(&row, 1)).unwrap_or_default()
}

/// Takes what was learned out of the inbox, puts what failed back or parks it; how many rows were parked.
fn settle(client: &mut pgrx::spi::SpiClient<'_>, job: &Job, outcome: &Outcome) -> i64 {
    let _rights = AsRole::extension_owner();
    let _plan = Scoped::new(&[(c"enable_seqscan", c"off")]);
    let (parked, again): (Vec<_>, Vec<_>) =
        outcome.failed.iter().partition(|(_, attempts, _)| attempts + 1 >= ATTEMPTS);
    if !again.is_empty() {
        run(
            client,
            "UPDATE sutra.inbox AS i
             SET attempts = i.attempts OPERATOR(pg_catalog.+) 1,
                next_attempt_at = pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+)
                    pg_catalog.make_interval(secs => pg_catalog.power(2, i.attempts))
             WHERE i.id OPERATOR(pg_catalog.=) ANY ($1)",
            &[again.iter().map(|failed| failed.0).collect::<Vec<_>>().into()],
        );
    }
    if !parked.is_empty() {
        run(
            client,
            "INSERT INTO sutra.job_error (job, space, kind, content, metadata, inserted_by, sqlstate, message, detail, attempts)
             SELECT $1, i.space, i.kind, i.content, i.metadata, i.inserted_by, f.sqlstate, f.message, f.detail,
                i.attempts OPERATOR(pg_catalog.+) 1
             FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5))
                AS f (id, sqlstate, message, detail)
             JOIN sutra.inbox AS i ON i.id OPERATOR(pg_catalog.=) f.id
             ORDER BY f.id",
            &[
                job.id.into(),
                parked.iter().map(|failed| failed.0).collect::<Vec<_>>().into(),
                parked.iter().map(|failed| failed.2.sqlstate()).collect::<Vec<_>>().into(),
                parked.iter().map(|failed| failed.2.message.clone()).collect::<Vec<_>>().into(),
                parked.iter().map(|failed| failed.2.detail.clone()).collect::<Vec<_>>().into(),
            ],
        );
    }
    let gone: Vec<i64> = outcome.learned.iter().copied().chain(parked.iter().map(|failed| failed.0)).collect();
    let deleted = run(
        client,
        "DELETE FROM sutra.inbox WHERE id OPERATOR(pg_catalog.=) ANY ($1) RETURNING id",
        &[gone.clone().into()],
    );
    if deleted.len() != gone.len() {
        raise(
            PgSqlErrorCode::ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION,
            format!("rows of job {} were not taken out of sutra.inbox", job.id),
            "A trigger keeps them, so they would be learned twice.",
            "Drop the trigger.",
        );
    }
    parked.len() as i64
}

/// Drops the rows of a cancelled job, but for those that a worker has: it drops them when its batch has ended.
fn cancel(job: &Job) {
    let _rights = AsRole::extension_owner();
    Spi::connect_mut(|client| {
        run(
            client,
            "DELETE FROM sutra.inbox WHERE id OPERATOR(pg_catalog.=) ANY (ARRAY(
                SELECT id FROM sutra.inbox WHERE job OPERATOR(pg_catalog.=) $1 FOR UPDATE SKIP LOCKED))",
            &[job.id.into()],
        );
    });
}

/// Links the series of what a cancelled job has learned, which stays.
fn close(job: &Job) -> Next {
    Spi::connect_mut(|client| link_some(client, job))
}
