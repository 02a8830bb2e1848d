//! The runner: a batch of a job, what is counted of it, and how a job ends.

use super::kind::{self, Kind, Next};
use super::store::{self, Job};
use crate::error::raise;
use pgrx::prelude::*;
use std::time::Duration;

/// The last number of the lock that who works at a job holds; the view sutra.jobs looks for it. Those of SQL are 1 and 2.
const LOCK: u16 = 21332;

/// What a step came to.
pub enum Step {
    /// A batch was done, and the next one may be after some time.
    Worked(Job, Duration),
    /// The job has ended, was paused, or does not exist.
    Stop(Option<Job>),
}

/// Does one batch of a job, in a transaction that the caller commits.
pub fn step(id: i64) -> Step {
    let Some(job) = store::find(id) else { return Step::Stop(None) };
    let kind = kind::of(&job.kind).unwrap_or_else(|| raise_unknown_kind(&job));
    match job.state.as_str() {
        "waiting" | "running" => {}
        "cancelled" => {
            // Rows that a worker had when it was cancelled.
            (kind.cancel)(&job);
            return match (kind.close)(&job) {
                Next::Now => Step::Worked(job, Duration::ZERO),
                Next::Later(wait) => Step::Worked(job, wait),
                Next::Nothing => Step::Stop(Some(job)),
            };
        }
        _ => return Step::Stop(Some(job)),
    }
    let batch = (kind.batch)(&job);
    let counted = if batch.done > 0 || batch.failed > 0 { store::record(id, &batch) } else { None };
    let job = counted.unwrap_or(job);
    match batch.next {
        Next::Now => Step::Worked(job, Duration::ZERO),
        Next::Later(wait) => Step::Worked(job, wait),
        Next::Nothing => end(id, kind),
    }
}

/// Ends a job of which nothing was left to do, unless rows were put back (sutra_retry_job) or the job was paused since that was seen: whoever
/// does either holds the row of the job until it is committed.
fn end(id: i64, kind: &Kind) -> Step {
    let Some(job) = store::lock(id) else { return Step::Stop(None) };
    if !matches!(job.state.as_str(), "waiting" | "running") || (kind.has_rows)(&job) {
        // The next step does what the state asks for, also closing a job that was cancelled.
        return Step::Worked(job, Duration::ZERO);
    }
    (kind.finish)(&job);
    store::end(id, "done");
    Step::Stop(store::find(id))
}

fn raise_unknown_kind(job: &Job) -> ! {
    raise(
        PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        format!("jobs of the kind \"{}\" are not known", job.kind),
        &format!("It is job {}.", job.id),
        "Install the version of the extension that made it, or cancel it with sutra_cancel_job.",
    )
}

/// Shows to sutra.jobs that this process is at a job: until the process ends, or until the transaction does.
pub fn mark_working(id: i64, session: bool) {
    let tag = pg_sys::LOCKTAG {
        locktag_field1: database(),
        locktag_field2: (id as u64 >> 32) as u32,
        locktag_field3: id as u32,
        locktag_field4: LOCK,
        locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    };
    // SAFETY: the tag is that of an advisory lock; a share lock that nobody takes in another mode is had at once.
    unsafe { pg_sys::LockAcquire(&tag, pg_sys::ShareLock as i32, session, true) };
}

fn database() -> u32 {
    // SAFETY: it reads a variable of this process.
    unsafe { pg_sys::MyDatabaseId }.to_u32()
}

/// How many workers and sessions are at a job.
pub fn working(id: i64) -> i64 {
    let (high, low) = ((id as u64 >> 32) as i64, i64::from(id as u32));
    let count = crate::catalog::read_one::<i64>(
        "SELECT pg_catalog.count(*) FROM pg_catalog.pg_locks
         WHERE locktype OPERATOR(pg_catalog.=) 'advisory' AND objsubid OPERATOR(pg_catalog.=) $1
            AND database::pg_catalog.int8 OPERATOR(pg_catalog.=) $2
            AND classid::pg_catalog.int8 OPERATOR(pg_catalog.=) $3 AND objid::pg_catalog.int8 OPERATOR(pg_catalog.=) $4",
        &[(LOCK as i16).into(), i64::from(database()).into(), high.into(), low.into()],
    );
    count.ok().flatten().unwrap_or_default()
}
