//! A background worker of a job: connected as the job's owner, it does batches until nothing is left.

use super::failure::Failure;
use super::run::{self, Step};
use super::store;
use pgrx::bgworkers::BackgroundWorker;
use pgrx::prelude::*;
use std::ffi::CString;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// Batches in a row that may fail as a whole: with these pauses between them, then the job is paused.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// Workers that may begin without a batch being committed before the job is held to be what ends them.
const STARTS: i32 = 5;

unsafe extern "C-unwind" {
    // The server's signal handlers as they are: the bindings of pgrx wrap a function in code that no handler may run.
    fn die(signal: std::ffi::c_int);
    fn SignalHandlerForConfigReload(signal: std::ffi::c_int);
}

/// The main function of a worker. Its argument is the number of the job, its extra text the database and the role.
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn sutra_job_worker(argument: pg_sys::Datum) {
    let job = argument.value() as i64;
    let mut numbers = BackgroundWorker::get_extra().split(' ').map_while(|number| number.parse::<u32>().ok());
    let (Some(database), Some(owner)) = (numbers.next(), numbers.next()) else { return };
    if connect(database.into(), owner.into(), &format!("sutra job {job}")) {
        work(job);
    }
}

/// Makes the process one that is connected to a database as a role (or, for none, as the first superuser); false when
/// the server is being upgraded and nothing must run.
pub fn connect(database: pg_sys::Oid, role: pg_sys::Oid, name: &str) -> bool {
    // SAFETY: this is what a background worker does first; the handlers are the server's own.
    unsafe {
        if pg_sys::IsBinaryUpgrade {
            return false;
        }
        #[cfg(not(feature = "pg18"))]
        use pg_sys::pqsignal;
        #[cfg(feature = "pg18")]
        use pg_sys::pqsignal_be as pqsignal;
        pqsignal(libc::SIGHUP, Some(SignalHandlerForConfigReload));
        // Ends the worker at the next check for interrupts, and not in the middle of whatever it does.
        pqsignal(libc::SIGTERM, Some(die));
        pg_sys::BackgroundWorkerUnblockSignals();
        #[cfg(any(feature = "pg17", feature = "pg18"))]
        let flags = pg_sys::BGWORKER_BYPASS_ROLELOGINCHECK;
        #[cfg(not(any(feature = "pg17", feature = "pg18")))]
        let flags = 0;
        pg_sys::BackgroundWorkerInitializeConnectionByOid(database, role, flags);
        if let Ok(name) = CString::new(name) {
            pg_sys::pgstat_report_appname(name.as_ptr());
        }
    }
    true
}

fn work(id: i64) {
    let begun = transaction("beginning", || {
        // SAFETY: the name is NUL-terminated; a missing extension is InvalidOid.
        if unsafe { pg_sys::get_extension_oid(c"sutra".as_ptr(), true) } == pg_sys::InvalidOid {
            return None;
        }
        run::mark_working(id, true);
        store::begin(id)
    });
    match begun {
        Ok(Some(starts)) if starts > STARTS => {
            pause(id, &format!("{starts} workers in a row ended before a batch did; the server's log says why"));
            return;
        }
        Ok(Some(_)) => {}
        // It was rolled back, or others have done it.
        Ok(None) | Err(_) => return,
    }
    let mut failures = 0;
    loop {
        let pause_for = match transaction("a batch", || run::step(id)) {
            Ok(Step::Worked(_, wait)) => {
                failures = 0;
                wait
            }
            Ok(Step::Stop(job)) => {
                if let Some(job) = job {
                    log!("{}: {}", job.progress(), job.state);
                }
                return;
            }
            Err(failure) => match PAUSES.get(failures) {
                Some(pause) => {
                    failures += 1;
                    *pause
                }
                None => {
                    pause(id, &format!("{}: {}", failure.sqlstate(), failure.message));
                    return;
                }
            },
        };
        wait(pause_for);
    }
}

fn pause(id: i64, problem: &str) {
    let paused = transaction("pausing", || store::change(id, &["waiting", "running"], "paused", Some(problem)));
    if let Ok(true) = paused {
        let message = format!("job {id} is paused: {problem}");
        pgrx::pg_sys::panic::ErrorReport::new(PgSqlErrorCode::ERRCODE_WARNING, message, "sutra")
            .set_hint(format!("Mend the cause, then SELECT sutra_resume_job({id})."))
            .report(PgLogLevel::WARNING);
    }
}

/// Waits, and does not come back when the server ends.
pub fn wait(time: Duration) {
    // SAFETY: the latch is this process's own, and the postmaster's death ends the process.
    unsafe {
        if !time.is_zero() {
            let events = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
            let milliseconds = time.as_millis().min(60_000) as std::ffi::c_long;
            pg_sys::WaitLatch(pg_sys::MyLatch, events as i32, milliseconds, pg_sys::PG_WAIT_EXTENSION);
            pg_sys::ResetLatch(pg_sys::MyLatch);
        }
        // A process without a postmaster keeps the server from being started again.
        if libc::getppid() != pg_sys::PostmasterPid {
            pg_sys::proc_exit(1);
        }
        check_for_interrupts!();
        if pg_sys::ConfigReloadPending != 0 {
            pg_sys::ConfigReloadPending = 0;
            pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP);
        }
    }
}

/// Does something in a transaction of its own; what fails is rolled back and logged.
pub fn transaction<R>(what: &str, body: impl FnOnce() -> R) -> Result<R, Failure> {
    // SAFETY: these are the calls of a background worker's transaction; an ERROR, caught, ends it by an abort.
    let outcome = unsafe {
        pg_sys::SetCurrentStatementStartTimestamp();
        pg_sys::StartTransactionCommand();
        pg_sys::pgstat_report_activity(pg_sys::BackendState::STATE_RUNNING, c"CALL sutra_run_job".as_ptr());
        PgTryBuilder::new(AssertUnwindSafe(|| {
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
            let done = body();
            pg_sys::PopActiveSnapshot();
            pg_sys::CommitTransactionCommand();
            Ok(done)
        }))
        .catch_others(|error| {
            pg_sys::AbortCurrentTransaction();
            Err(Failure::new(&error))
        })
        .execute()
    };
    // SAFETY: counters and the state shown in pg_stat_activity.
    unsafe {
        pg_sys::pgstat_report_stat(true);
        pg_sys::pgstat_report_activity(pg_sys::BackendState::STATE_IDLE, std::ptr::null());
    }
    if let Err(failure) = &outcome {
        log!("{what} failed: {}: {}", failure.sqlstate(), failure.message);
    }
    outcome
}
