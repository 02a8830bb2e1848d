//! Errors that are caught, so that work goes on after them.

use crate::error::raise;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;
use std::ffi::CStr;
use std::panic::AssertUnwindSafe;

/// An ERROR that was caught.
pub struct Failure {
    code: PgSqlErrorCode,
    /// Its message.
    pub message: String,
    /// Its DETAIL.
    pub detail: Option<String>,
    hint: Option<String>,
}

impl Failure {
    /// What was caught.
    pub fn new(error: &CaughtError) -> Failure {
        let (CaughtError::PostgresError(report)
        | CaughtError::ErrorReport(report)
        | CaughtError::RustPanic { ereport: report, .. }) = error;
        Failure {
            code: report.sql_error_code(),
            message: report.message().to_owned(),
            detail: report.detail().map(str::to_owned),
            hint: report.hint().map(str::to_owned),
        }
    }

    /// What is said to have failed without an ERROR.
    pub fn of(code: PgSqlErrorCode, message: String, detail: &str) -> Failure {
        Failure { code, message, detail: Some(detail.to_owned()), hint: None }
    }

    /// The same with another DETAIL; an empty one is none.
    pub fn map_detail(mut self, change: impl FnOnce(String) -> String) -> Failure {
        self.detail = self.detail.map(change).filter(|detail| !detail.is_empty());
        self
    }

    /// Its SQLSTATE.
    pub fn sqlstate(&self) -> String {
        // SAFETY: the function writes five characters into a buffer of its own and returns it.
        unsafe { CStr::from_ptr(pg_sys::unpack_sql_state(self.code as i32)) }.to_string_lossy().into_owned()
    }

    /// Whether what was to be done is not at fault but the server, or another session: the memory, the disk, a missing
    /// file, a deadlock, a cancel.
    pub fn is_of_the_server(&self) -> bool {
        ["40", "53", "57", "58"].contains(&&self.sqlstate()[..2])
    }

    /// Raises it again.
    pub fn raise(&self) -> ! {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        raise(self.code, self.message.clone(), &text(&self.detail), &text(&self.hint))
    }
}

/// Does something in a subtransaction, which is rolled back when it raises an ERROR.
pub fn attempt<R>(body: impl FnOnce() -> R) -> Result<R, Failure> {
    // SAFETY: the calls follow PL/pgSQL's block with an exception: context and resource owner are those of before when
    // the subtransaction has ended, however it did.
    unsafe {
        let context = pg_sys::CurrentMemoryContext;
        let owner = pg_sys::CurrentResourceOwner;
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(context);
        let outcome = PgTryBuilder::new(AssertUnwindSafe(|| Ok(body())))
            .catch_others(|error| Err(Failure::new(&error)))
            .execute();
        match outcome {
            Ok(_) => pg_sys::ReleaseCurrentSubTransaction(),
            Err(_) => {
                pg_sys::MemoryContextSwitchTo(context);
                pg_sys::RollbackAndReleaseCurrentSubTransaction();
            }
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
        outcome
    }
}
