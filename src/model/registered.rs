//! Reads sutra.model without a plan: every call that embeds asks which model the database uses, and that needs no query.

use pgrx::prelude::*;
use std::ffi::CStr;

/// A row of sutra.model, as far as the engine asks for it.
pub struct Registered {
    /// Name of the model.
    pub name: String,
    /// SHA-256 of its ONNX file.
    pub sha256: Vec<u8>,
    /// Whether the database uses it.
    pub active: bool,
}

/// Whose view of sutra.model is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// That of a statement of the caller.
    Caller,
    /// What is committed by now, and what this transaction has done.
    Latest,
}

/// The first row that is `wanted`. No privilege is asked for: whoever embeds must be able to see which model the
/// database uses, and that one has changed.
pub fn find(view: View, wanted: impl Fn(&Registered) -> bool) -> Option<Registered> {
    // SAFETY: the table is open and locked until the scan is over, and the snapshot is registered as long. The arrays
    // have a place for each attribute, and the numbers of attributes are those of this table. An ERROR between ends the
    // (sub)transaction, which gives back relation, scan and snapshot.
    unsafe {
        let relation = pg_sys::table_open(table(), pg_sys::AccessShareLock as pg_sys::LOCKMODE);
        let columns = [c"name", c"sha256", c"active"].map(|column| place((*relation).rd_id, column));
        let snapshot = pg_sys::RegisterSnapshot(snapshot(view));
        let scan = pg_sys::systable_beginscan(relation, pg_sys::InvalidOid, false, snapshot, 0, std::ptr::null_mut());
        let description = (*relation).rd_att;
        let count = (*description).natts as usize;
        let (mut values, mut nulls) = (vec![pg_sys::Datum::from(0); count], vec![true; count]);
        let mut found = None;
        while found.is_none() {
            let tuple = pg_sys::systable_getnext(scan);
            if tuple.is_null() {
                break;
            }
            pg_sys::heap_deform_tuple(tuple, description, values.as_mut_ptr(), nulls.as_mut_ptr());
            let [name, sha256, active] = columns;
            found = Option::zip(
                String::from_datum(values[name], nulls[name]),
                Vec::<u8>::from_datum(values[sha256], nulls[sha256]),
            )
            .zip(bool::from_datum(values[active], nulls[active]))
            .map(|((name, sha256), active)| Registered { name, sha256, active })
            .filter(&wanted);
        }
        pg_sys::systable_endscan(scan);
        pg_sys::UnregisterSnapshot(snapshot);
        pg_sys::table_close(relation, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
        found
    }
}

/// The table sutra.model.
pub fn table() -> pg_sys::Oid {
    // SAFETY: both take NUL-terminated names and read the system caches.
    let oid =
        unsafe { pg_sys::get_relname_relid(c"model".as_ptr(), pg_sys::get_namespace_oid(c"sutra".as_ptr(), true)) };
    if oid == pg_sys::InvalidOid {
        error!("extension sutra has no table sutra.model");
    }
    oid
}

/// Where the values of a column are among those of a row.
fn place(table: pg_sys::Oid, column: &CStr) -> usize {
    // SAFETY: it takes a NUL-terminated name and reads the system cache.
    let number = unsafe { pg_sys::get_attnum(table, column.as_ptr()) };
    match usize::try_from(number) {
        Ok(number @ 1..) => number - 1,
        _ => error!("table sutra.model has no column {}", column.to_string_lossy()),
    }
}

/// # Safety
/// To be called in a transaction.
unsafe fn snapshot(view: View) -> pg_sys::Snapshot {
    // SAFETY: as said; the active snapshot is asked for only where there is one.
    unsafe {
        if view == View::Latest {
            return pg_sys::GetLatestSnapshot();
        }
        // A transaction that writes sees what it has written, as with a statement that SPI runs for it.
        let writes = pg_sys::GetCurrentTransactionIdIfAny() != pg_sys::InvalidTransactionId;
        if writes || !pg_sys::ActiveSnapshotSet() {
            return pg_sys::GetTransactionSnapshot();
        }
        pg_sys::GetActiveSnapshot()
    }
}
