//! Errors a user can act on: SQLSTATE, message, DETAIL and HINT in one call.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// Keeps stack traces out of error messages; called once from `_PG_init`.
///
/// pgrx appends one to the DETAIL of an ERROR that PostgreSQL itself raised below Rust code where the environment of the
/// server asks for traces, as that of a developer's machine often does. `RUST_LIB_BACKTRACE=1` still asks for it.
pub fn init() {
    const VARIABLE: &str = "RUST_LIB_BACKTRACE";
    if std::env::var_os(VARIABLE).is_none() {
        // SAFETY: writing the environment races only with C code that reads it in another thread, and a server process
        // that loads a library has no other thread.
        unsafe { std::env::set_var(VARIABLE, "0") };
    }
}

/// Raises an ERROR and never returns; the transaction is rolled back by PostgreSQL.
///
/// `detail` and `hint` are left out when empty.
pub fn raise(code: PgSqlErrorCode, message: impl Into<String>, detail: &str, hint: &str) -> ! {
    let mut report = ErrorReport::new(code, message.into(), "sutra");
    if !detail.is_empty() {
        report = report.set_detail(detail);
    }
    if !hint.is_empty() {
        report = report.set_hint(hint);
    }
    report.report(PgLogLevel::ERROR);
    unreachable!("ereport(ERROR) does not return")
}
