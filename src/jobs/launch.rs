//! Starting the workers of a job: after the commit that made or resumed it, and never before.

use crate::error::raise;
use pgrx::bgworkers::BackgroundWorkerBuilder;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::cell::{Cell, RefCell};

/// The library as the server finds it.
pub const LIBRARY: &str = "$libdir/sutra";

struct Wanted {
    job: i64,
    owner: pg_sys::Oid,
    workers: i64,
    subtransaction: pg_sys::SubTransactionId,
}

thread_local! {
    static WANTED: RefCell<Vec<Wanted>> = const { RefCell::new(Vec::new()) };
    static REGISTERED: Cell<bool> = const { Cell::new(false) };
}

/// Starts workers of a job when this transaction has committed; nothing if it, or the subtransaction, rolls back.
pub fn after_commit(job: i64, owner: pg_sys::Oid, workers: i64) {
    if !may_connect(owner) {
        let name = super::rights::name_of(owner);
        warn(
            PgSqlErrorCode::ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
            format!("job {job} waits, because its owner \"{name}\" is not permitted to log in"),
            "Before PostgreSQL 17 a background worker works for roles with LOGIN only.",
            job,
        );
        return;
    }
    if !REGISTERED.replace(true) {
        // SAFETY: the callbacks take no argument and live as long as the library, which is never unloaded.
        unsafe {
            pg_sys::RegisterXactCallback(Some(transaction_ends), std::ptr::null_mut());
            pg_sys::RegisterSubXactCallback(Some(subtransaction_ends), std::ptr::null_mut());
        }
    }
    // SAFETY: it reads a variable of this process.
    let subtransaction = unsafe { pg_sys::GetCurrentSubTransactionId() };
    WANTED.with_borrow_mut(|wanted| wanted.push(Wanted { job, owner, workers, subtransaction }));
}

/// Whether a background worker can be connected as a role.
fn may_connect(role: pg_sys::Oid) -> bool {
    if cfg!(any(feature = "pg17", feature = "pg18")) {
        return true;
    }
    let login = crate::catalog::read_one::<bool>(
        "SELECT rolcanlogin FROM pg_catalog.pg_roles WHERE oid OPERATOR(pg_catalog.=) $1",
        &[role.into()],
    );
    login.ok().flatten().unwrap_or_default()
}

#[pg_guard]
unsafe extern "C-unwind" fn transaction_ends(event: pg_sys::XactEvent::Type, _argument: *mut std::ffi::c_void) {
    use pg_sys::XactEvent::{XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PREPARE};
    if !matches!(event, XACT_EVENT_COMMIT | XACT_EVENT_ABORT | XACT_EVENT_PREPARE) {
        return;
    }
    // The transaction cannot be taken back any more: what goes wrong here is a warning, never an ERROR.
    let wanted = WANTED.take();
    if event == XACT_EVENT_COMMIT {
        // SAFETY: it reads a variable of this process.
        let database = unsafe { pg_sys::MyDatabaseId };
        for Wanted { job, owner, workers, .. } in wanted {
            start(database, job, owner, workers);
        }
    } else if event == XACT_EVENT_PREPARE {
        for Wanted { job, .. } in wanted {
            warn(
                PgSqlErrorCode::ERRCODE_WARNING,
                format!("job {job} waits, because its transaction was prepared and not committed"),
                "",
                job,
            );
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn subtransaction_ends(
    event: pg_sys::SubXactEvent::Type,
    mine: pg_sys::SubTransactionId,
    parent: pg_sys::SubTransactionId,
    _argument: *mut std::ffi::c_void,
) {
    use pg_sys::SubXactEvent::{SUBXACT_EVENT_ABORT_SUB, SUBXACT_EVENT_COMMIT_SUB};
    WANTED.with_borrow_mut(|wanted| match event {
        SUBXACT_EVENT_ABORT_SUB => wanted.retain(|wanted| wanted.subtransaction != mine),
        SUBXACT_EVENT_COMMIT_SUB => {
            for wanted in wanted.iter_mut().filter(|wanted| wanted.subtransaction == mine) {
                wanted.subtransaction = parent;
            }
        }
        _ => {}
    });
}

/// Starts workers of a job, as many of them as the server has room for; a WARNING when it has none.
pub fn start(database: pg_sys::Oid, job: i64, owner: pg_sys::Oid, workers: i64) {
    let mut started = 0;
    for _ in 0..workers {
        let worker = BackgroundWorkerBuilder::new(&format!("sutra job {job}"))
            .set_type("sutra job worker")
            .set_library(LIBRARY)
            .set_function("sutra_job_worker")
            .set_argument(job.into_datum())
            .set_extra(&format!("{} {}", database.to_u32(), owner.to_u32()))
            .enable_spi_access();
        if worker.load_dynamic().is_err() {
            break;
        }
        started += 1;
    }
    if started == 0 && workers > 0 {
        warn(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_RESOURCES,
            format!("job {job} waits, because no background worker is free"),
            "All of max_worker_processes are in use.",
            job,
        );
    }
}

fn warn(code: PgSqlErrorCode, message: String, detail: &str, job: i64) {
    let mut report = ErrorReport::new(code, message, "sutra").set_hint(format!(
        "CALL sutra_run_job({job}) runs it in your session; SELECT sutra_resume_job({job}) tries again to start a worker."
    ));
    if !detail.is_empty() {
        report = report.set_detail(detail);
    }
    report.report(PgLogLevel::WARNING);
}

/// Refuses a number of workers that no job can have.
pub fn check_workers(workers: Option<i32>) -> i32 {
    match workers {
        Some(workers @ 1..=64) => workers,
        other => raise(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            match other {
                Some(workers) => format!("{workers} workers are out of range"),
                None => "workers must not be null".to_owned(),
            },
            "A job has 1 to 64 workers.",
            "Give it as many as there are cores to embed with.",
        ),
    }
}
