//! Where the extension's objects live: the schema chosen at CREATE EXTENSION.

use pgrx::prelude::*;
use std::cell::RefCell;
use std::ffi::CStr;

thread_local! {
    // A backend is one thread; the key is the extension's OID, so DROP and CREATE EXTENSION in one session is seen.
    static SCHEMA: RefCell<Option<(pg_sys::Oid, String)>> = const { RefCell::new(None) };
}

/// The extension's schema as a quoted identifier, ready to stand in SQL: `public`, `"My Schema"`.
///
/// Every statement that the extension runs names its own functions, types and operators with it, because the
/// caller's search_path is not to be trusted.
pub fn schema() -> String {
    // SAFETY: get_extension_oid takes a NUL-terminated name and reads the catalog; an ERROR is raised when it is missing.
    let extension = unsafe { pg_sys::get_extension_oid(c"sutra".as_ptr(), false) };
    if let Some(name) = SCHEMA.with_borrow(|cached| match cached {
        Some((oid, name)) if *oid == extension => Some(name.clone()),
        _ => None,
    }) {
        return name;
    }
    let name = read_one::<String>(
        "SELECT extnamespace::pg_catalog.regnamespace::pg_catalog.text FROM pg_catalog.pg_extension
         WHERE oid OPERATOR(pg_catalog.=) $1",
        &[extension.into()],
    )
    .ok()
    .flatten()
    .unwrap_or_else(|| error!("extension sutra has no schema"));
    SCHEMA.set(Some((extension, name.clone())));
    name
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

/// Quotes an identifier where it needs quotes, as quote_ident does.
pub fn quote_identifier(name: &str) -> String {
    let Ok(name) = std::ffi::CString::new(name) else { error!("an identifier contains a NUL byte") };
    // SAFETY: quote_identifier returns its argument or a palloc'ed string, both NUL-terminated.
    unsafe { CStr::from_ptr(pg_sys::quote_identifier(name.as_ptr())) }.to_string_lossy().into_owned()
}
