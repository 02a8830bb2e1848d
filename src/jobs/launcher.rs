//! Where the library is preloaded: jobs whose workers are gone, in a crash or because there was no room, get new ones.
//!
//! The launcher is connected to no database. Now and then it starts one short process after the other, one for each
//! database, which looks for such jobs there. Jobs that a dump brought along have another home and are left alone.

use super::launch::{self, LIBRARY};
use super::{rights, run, store, worker};
use pgrx::bgworkers::BackgroundWorkerBuilder;
use pgrx::prelude::*;
use std::time::Duration;

/// Between two looks at all databases.
const INTERVAL: Duration = Duration::from_secs(60);

/// Registers the launcher while the server preloads the library.
pub fn register() {
    // SAFETY: both are variables of this process.
    let preloading = unsafe { pg_sys::process_shared_preload_libraries_in_progress && !pg_sys::IsBinaryUpgrade };
    if preloading {
        BackgroundWorkerBuilder::new("sutra job launcher")
            .set_library(LIBRARY)
            .set_function("sutra_job_launcher")
            .set_restart_time(Some(Duration::from_secs(10)))
            .enable_spi_access()
            .load();
    }
}

/// The main function of the launcher.
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn sutra_job_launcher(_argument: pg_sys::Datum) {
    if !worker::connect(pg_sys::InvalidOid, pg_sys::InvalidOid, "sutra job launcher") {
        return;
    }
    loop {
        for database in worker::transaction("listing the databases", databases).unwrap_or_default() {
            look_into(database);
            worker::wait(Duration::ZERO);
        }
        worker::wait(INTERVAL);
    }
}

/// Databases that can be connected to.
fn databases() -> Vec<pg_sys::Oid> {
    let mut found = Vec::new();
    // SAFETY: a scan of the shared catalog pg_database, whose rows have the layout of FormData_pg_database; the snapshot
    // is the transaction's.
    unsafe {
        let relation = pg_sys::table_open(pg_sys::DatabaseRelationId, pg_sys::AccessShareLock as i32);
        let scan = pg_sys::table_beginscan_catalog(relation, 0, std::ptr::null_mut());
        loop {
            let tuple = pg_sys::heap_getnext(scan, pg_sys::ScanDirection::ForwardScanDirection);
            if tuple.is_null() {
                break;
            }
            let form = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_database>();
            // A limit below -1 marks a database whose DROP was interrupted.
            if (*form).datallowconn && !(*form).datistemplate && (*form).datconnlimit >= -1 {
                found.push((*form).oid);
            }
        }
        pg_sys::heap_endscan(scan);
        pg_sys::table_close(relation, pg_sys::AccessShareLock as i32);
    }
    found
}

/// Lets a process look for jobs in a database, and waits for its end.
fn look_into(database: pg_sys::Oid) {
    // SAFETY: it reads a variable of this process.
    let mine = unsafe { pg_sys::MyProcPid };
    let process = BackgroundWorkerBuilder::new("sutra job finder")
        .set_library(LIBRARY)
        .set_function("sutra_job_finder")
        .set_argument(Some(pg_sys::Datum::from(database.to_u32())))
        .set_notify_pid(mine)
        .enable_spi_access();
    // Without room for it there would be none for a worker either; the next look may find some.
    if let Ok(process) = process.load_dynamic() {
        let _ = process.wait_for_shutdown();
    }
}

/// The main function of a process that looks for jobs in one database.
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn sutra_job_finder(argument: pg_sys::Datum) {
    let database = pg_sys::Oid::from(argument.value() as u32);
    if !worker::connect(database, pg_sys::InvalidOid, "sutra job finder") {
        return;
    }
    let missing = worker::transaction("looking for jobs", || {
        // SAFETY: the name is NUL-terminated; a missing extension is InvalidOid.
        if unsafe { pg_sys::get_extension_oid(c"sutra".as_ptr(), true) } == pg_sys::InvalidOid {
            return Vec::new();
        }
        let jobs = store::unfinished().into_iter();
        let wanted = jobs.map(|job| (job.id, rights::role(&job.owner), i64::from(job.workers) - run::working(job.id)));
        wanted.collect::<Vec<_>>()
    });
    for (job, owner, workers) in missing.unwrap_or_default() {
        if let Some(owner) = owner {
            launch::start(database, job, owner, workers.max(0));
        }
    }
}
