//! Where the extension's objects live: the schema chosen at CREATE EXTENSION.

use pgrx::prelude::*;
use std::cell::Cell;
use std::ffi::CStr;

thread_local! {
    // A backend is one thread. Extension and schema by their OIDs, so that DROP and CREATE EXTENSION or a new name of
    // the schema in one session are seen.
    static SCHEMA: Cell<Option<(pg_sys::Oid, pg_sys::Oid)>> = const { Cell::new(None) };
}

/// The extension's schema as a quoted identifier, ready to stand in SQL: `public`, `"My Schema"`.
///
/// Every statement that the extension runs names its own functions, types and operators with it, because the
/// caller's search_path is not to be trusted.
pub fn schema() -> String {
    // SAFETY: get_extension_oid takes a NUL-terminated name and reads the catalog; an ERROR is raised when it is missing.
    let extension = unsafe { pg_sys::get_extension_oid(c"sutra".as_ptr(), false) };
    let namespace = match SCHEMA.get() {
        Some((known, namespace)) if known == extension => namespace,
        _ => {
            let namespace = read_one::<pg_sys::Oid>(
                "SELECT extnamespace FROM pg_catalog.pg_extension WHERE oid OPERATOR(pg_catalog.=) $1",
                &[extension.into()],
            )
            .ok()
            .flatten()
            .unwrap_or_else(|| error!("extension sutra has no schema"));
            SCHEMA.set(Some((extension, namespace)));
            namespace
        }
    };
    // SAFETY: both return a NUL-terminated string; an extension's schema exists as long as the extension does, and a
    // null pointer for one that does not is checked.
    unsafe {
        let name = pg_sys::get_namespace_name(namespace);
        if name.is_null() {
            error!("extension sutra has no schema");
        }
        CStr::from_ptr(pg_sys::quote_identifier(name)).to_string_lossy().into_owned()
    }
}

/// The first column of the first row of a query that only reads.
///
/// `Spi::get_one` and its like take a transaction id first, which a standby refuses, and a snapshot of their own; this
/// reads with the snapshot of the caller and leaves no trace.
pub fn read_one<T: FromDatum + IntoDatum>(
    query: &str,
    arguments: &[pgrx::datum::DatumWithOid],
) -> Result<Option<T>, pgrx::spi::Error> {
    Spi::connect(|client| match client.select(query, Some(1), arguments)?.next() {
        Some(row) => row.get(1),
        None => Ok(None),
    })
}
