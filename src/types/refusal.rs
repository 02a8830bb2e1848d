//! Values that a type refuses: one report, raised as an ERROR or handed back to a caller that asked for that.

use crate::error::raise;
use pgrx::prelude::*;

/// Why a value was refused, as the user will read it.
#[derive(Debug)]
pub struct Refusal {
    pub code: PgSqlErrorCode,
    pub message: String,
    pub detail: &'static str,
    pub hint: &'static str,
}

impl Refusal {
    /// A refusal without DETAIL and HINT.
    pub fn new(code: PgSqlErrorCode, message: impl Into<String>) -> Self {
        Refusal { code, message: message.into(), detail: "", hint: "" }
    }

    /// Raises the ERROR.
    pub fn raise(self) -> ! {
        raise(self.code, self.message, self.detail, self.hint)
    }

    /// Ends an input function: where the caller asked to be told of an error instead of losing its transaction
    /// (`pg_input_is_valid`, `COPY ... ON_ERROR ignore`), it is told, and the function returns NULL.
    #[cfg(not(feature = "pg15"))]
    pub fn report<T>(self, fcinfo: pg_sys::FunctionCallInfo) -> Option<T> {
        use std::ffi::{CString, c_char, c_int};
        unsafe extern "C-unwind" {
            fn errcode(code: c_int) -> c_int;
            fn errmsg(format: *const c_char, ...) -> c_int;
            fn errdetail(format: *const c_char, ...) -> c_int;
            fn errhint(format: *const c_char, ...) -> c_int;
        }
        // SAFETY: fcinfo belongs to the running call. The node tag tells whether its context is an ErrorSaveContext.
        let context = unsafe { (*fcinfo).context };
        if context.is_null() || unsafe { (*context).type_ } != pg_sys::NodeTag::T_ErrorSaveContext {
            self.raise();
        }
        let text = |text: &str| CString::new(text).unwrap_or_default();
        let (message, detail, hint) = (text(&self.message), text(self.detail), text(self.hint));
        let format = c"%s".as_ptr();
        // SAFETY: these are the calls of ereport in their order; each copies its string. The strings are borrowed by the
        // closure, so that an ERROR raised within (out of memory) leaves nothing behind.
        unsafe {
            pg_sys::ffi::pg_guard_ffi_boundary(|| {
                if pg_sys::errsave_start(context, std::ptr::null()) {
                    errcode(self.code as c_int);
                    errmsg(format, message.as_ptr());
                    if !self.detail.is_empty() {
                        errdetail(format, detail.as_ptr());
                    }
                    if !self.hint.is_empty() {
                        errhint(format, hint.as_ptr());
                    }
                    pg_sys::errsave_finish(context, c"refusal.rs".as_ptr(), 0, c"report".as_ptr());
                }
            })
        }
        None
    }

    /// Ends an input function; PostgreSQL 15 knows nothing but the ERROR.
    #[cfg(feature = "pg15")]
    pub fn report<T>(self, _fcinfo: pg_sys::FunctionCallInfo) -> Option<T> {
        self.raise()
    }
}

/// The value, or the ERROR that says why there is none.
pub fn accept<T>(result: Result<T, Refusal>) -> T {
    result.unwrap_or_else(|refusal| refusal.raise())
}

/// A literal as it is shown in a message: a long one shortened, because it may be as long as memory allows.
pub fn shown(literal: &[u8]) -> String {
    const LIMIT: usize = 1000;
    let (start, end) = if literal.len() > LIMIT { (&literal[..LIMIT], "...") } else { (literal, "") };
    // A message is UTF-8 here and the server's encoding there: what is the same in both is left of other encodings.
    // SAFETY: the function reads a setting of the database.
    let encoding = unsafe { pg_sys::GetDatabaseEncoding() } as pg_sys::pg_enc::Type;
    let text = if matches!(encoding, pg_sys::pg_enc::PG_UTF8 | pg_sys::pg_enc::PG_SQL_ASCII) {
        String::from_utf8_lossy(start)
    } else {
        start.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '?' }).collect()
    };
    // A character that the limit cut in two is left out.
    format!("{}{end}", if end.is_empty() { &text } else { text.trim_end_matches('\u{fffd}') })
}
