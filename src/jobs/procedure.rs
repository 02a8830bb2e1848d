//! CALL sutra_run_job: a job in the caller's session, with a commit for each batch.

use super::control::check_alive;
use super::run::{self, Step};
use super::store;
use super::worker::wait;
use crate::error::raise;
use pgrx::prelude::*;

/// Runs or resumes a job until it ends or is paused.
#[pg_extern]
fn sutra_run_job(job: Option<i64>, fcinfo: pg_sys::FunctionCallInfo) {
    check_may_commit(fcinfo);
    let job = store::steered(job);
    if job.state == "done" {
        notice!("{}: {}", job.progress(), job.state);
        return;
    }
    check_alive(&job);
    if job.state == "paused" {
        store::change(job.id, &["paused"], "waiting", None);
    }
    // SAFETY: the calls follow PL/pgSQL's procedures: a connection that may commit, and no snapshot at the commit. An
    // ERROR ends the transaction, which closes the connection.
    unsafe {
        if pg_sys::SPI_connect_ext(pg_sys::SPI_OPT_NONATOMIC as i32) != pg_sys::SPI_OK_CONNECT as i32 {
            error!("could not connect to SPI");
        }
        pg_sys::SPI_commit();
        loop {
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
            run::mark_working(job.id, false);
            let step = run::step(job.id);
            pg_sys::PopActiveSnapshot();
            pg_sys::SPI_commit();
            match step {
                Step::Worked(job, time) => {
                    if time.is_zero() {
                        notice!("{}", job.progress());
                    }
                    wait(time);
                }
                Step::Stop(job) => {
                    if let Some(job) = job {
                        notice!("{}: {}", job.progress(), job.state);
                    }
                    break;
                }
            }
        }
        pg_sys::SPI_finish();
    }
}

/// Refuses a call in a transaction that is not the procedure's to commit.
fn check_may_commit(fcinfo: pg_sys::FunctionCallInfo) {
    // SAFETY: the context of a call is null or a node; that of CALL is a CallContext.
    let atomic = unsafe {
        let context = (*fcinfo).context;
        context.is_null()
            || (*context).type_ != pg_sys::NodeTag::T_CallContext
            || (*context.cast::<pg_sys::CallContext>()).atomic
    };
    if atomic {
        raise(
            PgSqlErrorCode::ERRCODE_ACTIVE_SQL_TRANSACTION,
            "sutra_run_job cannot run inside a transaction block or a function",
            "It commits each batch.",
            "CALL it on its own, in autocommit mode; sutra_resume_job starts a background worker instead.",
        );
    }
}
