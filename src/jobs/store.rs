//! Rows of sutra.job. All is read and written with the rights of the extension's owner.

use super::kind::Batch;
use super::rights;
use crate::error::raise;
use crate::learn::statements::{column, run};
use crate::observe::counters;
use crate::owner::AsRole;
use pgrx::prelude::*;

/// A job.
#[derive(Clone)]
pub struct Job {
    /// Its number.
    pub id: i64,
    /// Name of its kind.
    pub kind: String,
    /// The role that made it.
    pub owner: String,
    /// waiting, running, paused, cancelled or done.
    pub state: String,
    /// Workers that it is given.
    pub workers: i32,
    /// Rows to do, done, given up.
    pub counts: (i64, i64, i64),
    /// Rows a second, of late.
    pub rate: Option<f32>,
}

impl Job {
    /// Whether there is nothing more to be done about it.
    pub fn has_ended(&self) -> bool {
        matches!(self.state.as_str(), "done" | "cancelled")
    }

    /// Rows neither done nor given up.
    pub fn remaining(&self) -> i64 {
        (self.counts.0 - self.counts.1 - self.counts.2).max(0)
    }

    /// How far it is, in words.
    pub fn progress(&self) -> String {
        let (total, done, failed) = self.counts;
        let mut text = format!("job {}: {done} of {total} done, {failed} failed", self.id);
        if let Some(rate) = self.rate.filter(|rate| *rate > 0.0) {
            let left = self.remaining() as f32 / rate;
            text.push_str(&format!(", {rate:.1} a second, {left:.0} s left"));
        }
        text
    }
}

/// A job to make.
pub struct NewJob<'a> {
    /// Name of its kind.
    pub kind: &'a str,
    /// The space it is made in.
    pub space: &'a str,
    /// What its rows come from.
    pub source: Option<&'a str>,
    /// Rows to do.
    pub total: i64,
    /// Workers to give it, 1 to 64.
    pub workers: i32,
}

const COLUMNS: &str = "id, kind, owner::pg_catalog.text, state, workers, total, done, failed, rate";

/// Makes a job of the current role. Its workers are started by [`super::after_commit`].
pub fn create(job: &NewJob<'_>) -> i64 {
    let owner = rights::name_of(rights::current());
    let _rights = AsRole::extension_owner();
    let rows = update(
        "INSERT INTO sutra.job (kind, space, owner, source, total, workers, home)
         VALUES ($1, $2, $3::pg_catalog.name, $4, $5, $6, $7)
         RETURNING id",
        &[
            job.kind.into(),
            job.space.into(),
            owner.into(),
            job.source.into(),
            job.total.into(),
            job.workers.into(),
            home().into(),
        ],
        |row| column::<i64>(row, 1),
    );
    rows.into_iter().flatten().next().unwrap_or_else(|| error!("the job was not made"))
}

/// Says how many rows a new job has. One without a row has ended.
pub fn set_total(id: i64, total: i64) {
    let _rights = AsRole::extension_owner();
    update("UPDATE sutra.job SET total = $2 WHERE id OPERATOR(pg_catalog.=) $1", &[id.into(), total.into()], |_| ());
    if total == 0 {
        end(id, "done");
    }
}

/// The cluster and the database: where a preloaded server goes on with a job by itself.
pub fn home() -> String {
    // SAFETY: both read variables of this process.
    let (system, database) = unsafe { (pg_sys::GetSystemIdentifier(), pg_sys::MyDatabaseId) };
    format!("{system}/{}", database.to_u32())
}

/// The job of that number.
pub fn find(id: i64) -> Option<Job> {
    let _rights = AsRole::extension_owner();
    let sql = format!("SELECT {COLUMNS} FROM sutra.job WHERE id OPERATOR(pg_catalog.=) $1");
    update(&sql, &[id.into()], job).into_iter().next()
}

/// The job of that number as it is once nobody else changes it; nobody does until the transaction ends.
pub fn lock(id: i64) -> Option<Job> {
    let _rights = AsRole::extension_owner();
    let sql = format!("SELECT {COLUMNS} FROM sutra.job WHERE id OPERATOR(pg_catalog.=) $1 FOR NO KEY UPDATE");
    update(&sql, &[id.into()], job).into_iter().next()
}

/// The job that the caller means, whom it is allowed to steer it; an ERROR otherwise.
pub fn steered(id: Option<i64>) -> Job {
    let Some(id) = id else {
        raise(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "job must not be null",
            "",
            "Pass the number that sutra_ingest returned; SELECT job FROM sutra.jobs lists them.",
        )
    };
    let Some(job) = find(id) else {
        raise(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("job {id} does not exist"),
            "",
            "SELECT job, state FROM sutra.jobs lists them.",
        )
    };
    rights::check_may_steer(&job);
    job
}

/// Counts a batch and marks the job as running unless something else was said meanwhile.
pub fn record(id: i64, batch: &Batch) -> Option<Job> {
    counters::add(&counters::get().0.batches, 1);
    let _rights = AsRole::extension_owner();
    // The rate is that of some ten seconds, so that batches which workers end at almost the same time count together; the time
    // of a batch is that since a worker last ended one or began. Operators that are named with their schema bind from left to
    // right, * no closer than +.
    let sql = format!(
        "UPDATE sutra.job
         SET state = CASE WHEN state OPERATOR(pg_catalog.=) 'waiting' THEN 'running' ELSE state END,
            done = done OPERATOR(pg_catalog.+) $2, failed = failed OPERATOR(pg_catalog.+) $3, starts = 0,
            rate = (coalesce(10 OPERATOR(pg_catalog.*) rate, 0) OPERATOR(pg_catalog.+) $2 OPERATOR(pg_catalog.+) $3)
                OPERATOR(pg_catalog./) (CASE WHEN rate IS NULL THEN 0 ELSE 10 END OPERATOR(pg_catalog.+)
                    greatest(0.001, pg_catalog.date_part('epoch',
                        pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) coalesce(updated_at, pg_catalog.now())))),
            started_at = coalesce(started_at, pg_catalog.now()), updated_at = pg_catalog.clock_timestamp()
         WHERE id OPERATOR(pg_catalog.=) $1
         RETURNING {COLUMNS}"
    );
    update(&sql, &[id.into(), batch.done.into(), batch.failed.into()], job).into_iter().next()
}

/// Ends a job that has not ended, and tells who listens on sutra_job; whether it did.
pub fn end(id: i64, state: &str) -> bool {
    let _rights = AsRole::extension_owner();
    let ended = update(
        "UPDATE sutra.job
         SET state = $2, finished_at = pg_catalog.clock_timestamp(), problem = NULL
         WHERE id OPERATOR(pg_catalog.=) $1 AND state OPERATOR(pg_catalog.=) ANY (ARRAY['waiting', 'running', 'paused'])
         RETURNING pg_catalog.pg_notify('sutra_job', pg_catalog.json_build_object(
            'job', id, 'kind', kind, 'state', state, 'total', total, 'done', done, 'failed', failed)::pg_catalog.text)",
        &[id.into(), state.into()],
        |_| (),
    );
    !ended.is_empty()
}

/// Gives a job another state while it has one of some; whether it had.
pub fn change(id: i64, from: &[&str], to: &str, problem: Option<&str>) -> bool {
    let _rights = AsRole::extension_owner();
    let changed = update(
        "UPDATE sutra.job
         SET state = $3, problem = $4, home = $5, starts = 0, updated_at = NULL, rate = NULL
         WHERE id OPERATOR(pg_catalog.=) $1 AND state OPERATOR(pg_catalog.=) ANY ($2)
         RETURNING id",
        &[id.into(), from.to_vec().into(), to.into(), problem.into(), home().into()],
        |_| (),
    );
    !changed.is_empty()
}

/// Puts the parked rows of a job back into the inbox and lets it wait; their number.
pub fn unpark(id: i64) -> i64 {
    let _rights = AsRole::extension_owner();
    let rows = update(
        "WITH parked AS (
            DELETE FROM sutra.job_error WHERE job OPERATOR(pg_catalog.=) $1
            RETURNING space, kind, content, metadata, inserted_by
         ), back AS (
            INSERT INTO sutra.inbox (job, space, kind, content, metadata, inserted_by)
            SELECT $1, p.space, p.kind, p.content, p.metadata, p.inserted_by FROM parked AS p
            RETURNING 1
         )
         UPDATE sutra.job SET failed = failed OPERATOR(pg_catalog.-) b.rows, state = 'paused', finished_at = NULL
         FROM (SELECT pg_catalog.count(*) FROM back) AS b (rows)
         WHERE id OPERATOR(pg_catalog.=) $1 AND b.rows OPERATOR(pg_catalog.>) 0
         RETURNING b.rows",
        &[id.into()],
        |row| column::<i64>(row, 1),
    );
    rows.into_iter().flatten().next().unwrap_or_default()
}

/// Counts that a worker begins; how many did since the last batch that was committed.
pub fn begin(id: i64) -> Option<i32> {
    let _rights = AsRole::extension_owner();
    let starts = update(
        "UPDATE sutra.job SET starts = starts OPERATOR(pg_catalog.+) 1, updated_at = pg_catalog.clock_timestamp()
         WHERE id OPERATOR(pg_catalog.=) $1 AND state OPERATOR(pg_catalog.=) ANY (ARRAY['waiting', 'running'])
         RETURNING starts",
        &[id.into()],
        |row| column::<i32>(row, 1),
    );
    starts.into_iter().flatten().next()
}

/// Jobs of this cluster and database that want a worker, with their owners.
pub fn unfinished() -> Vec<Job> {
    let _rights = AsRole::extension_owner();
    let sql = format!(
        "SELECT {COLUMNS} FROM sutra.job
         WHERE state OPERATOR(pg_catalog.=) ANY (ARRAY['waiting', 'running']) AND home OPERATOR(pg_catalog.=) $1
         ORDER BY id"
    );
    update(&sql, &[home().into()], job)
}

fn job(row: &pgrx::spi::SpiHeapTupleData<'_>) -> Job {
    let count = |number| column::<i64>(row, number).unwrap_or_default();
    let text = |number| column::<String>(row, number);
    Job {
        id: count(1),
        kind: text(2).unwrap_or_default(),
        owner: text(3).unwrap_or_default(),
        state: text(4).unwrap_or_default(),
        workers: column::<i32>(row, 5).unwrap_or(1),
        counts: (count(6), count(7), count(8)),
        rate: column::<f32>(row, 9),
    }
}

fn update<T>(
    sql: &str,
    arguments: &[pgrx::datum::DatumWithOid<'_>],
    read: impl Fn(&pgrx::spi::SpiHeapTupleData<'_>) -> T,
) -> Vec<T> {
    Spi::connect_mut(|client| run(client, sql, arguments).map(|row| read(&row)).collect())
}
