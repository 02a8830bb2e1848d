//! Pausing, resuming and cancelling jobs from SQL.

use super::kind::Next;
use super::store::{self, Job};
use super::{kind, launch, rights, run};
use crate::error::raise;
use pgrx::prelude::*;

/// Lets a job end its batch and wait.
#[pg_extern]
fn sutra_pause_job(job: Option<i64>) -> bool {
    let job = store::steered(job);
    store::change(job.id, &["waiting", "running"], "paused", None)
}

/// Goes on with a job, and gives it the workers that it misses.
#[pg_extern]
fn sutra_resume_job(job: Option<i64>) -> bool {
    let job = store::steered(job);
    check_alive(&job);
    resume(&job)
}

/// Refuses to go on with a job that has ended.
pub fn check_alive(job: &Job) {
    if job.has_ended() {
        raise(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("job {} is {}", job.id, job.state),
            "A job that has ended does not go on.",
            "Make a new one with sutra_ingest; sutra_retry_job takes up the rows that failed.",
        );
    }
}

fn resume(job: &Job) -> bool {
    let missing = i64::from(job.workers) - run::working(job.id);
    if job.state != "paused" && missing <= 0 {
        return false;
    }
    let Some(owner) = rights::role(&job.owner) else {
        raise(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("role \"{}\" does not exist", job.owner),
            &format!("It is the owner of job {}, as whom its workers are connected.", job.id),
            &format!("Make the role again, or CALL sutra_run_job({}) as a superuser.", job.id),
        )
    };
    let changed = store::change(job.id, &["paused", "waiting", "running"], "waiting", None);
    launch::after_commit(job.id, owner, missing.max(1));
    changed
}

/// Ends a job after its batch and drops what it has not done.
#[pg_extern]
fn sutra_cancel_job(job: Option<i64>) -> bool {
    let job = store::steered(job);
    let ended = store::end(job.id, "cancelled");
    if (job.state == "cancelled" || ended)
        && let Some(kind) = kind::of(&job.kind)
    {
        (kind.cancel)(&job);
        // Workers that are at it see to the rest after their batches.
        while run::working(job.id) == 0 && matches!((kind.close)(&job), Next::Now) {}
    }
    ended
}

/// Puts the parked rows of a job back and goes on with it.
#[pg_extern]
fn sutra_retry_job(job: Option<i64>) -> i64 {
    let job = store::steered(job);
    let rows = store::unpark(job.id);
    if rows > 0 {
        let job = store::find(job.id).unwrap_or(job);
        resume(&job);
    }
    rows
}
