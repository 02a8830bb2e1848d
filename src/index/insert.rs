//! Adding rows to an existing index.

use super::store::Index;
use super::value::{Vector, check_dimensions};
use crate::error::raise;
use pgrx::pg_sys;
use pgrx::prelude::*;
use sutra_hnsw::code::Coded;
use sutra_hnsw::insert::{StoreError, insert, level_of};
use sutra_hnsw::layout::HeapTid;

/// The place of a row in PostgreSQL's form.
///
/// # Safety
/// `tid` points at a valid item pointer.
pub unsafe fn heap_tid(tid: pg_sys::ItemPointer) -> HeapTid {
    // SAFETY: the caller's promise.
    let tid = unsafe { *tid };
    HeapTid { block: u32::from(tid.ip_blkid.bi_hi) << 16 | u32::from(tid.ip_blkid.bi_lo), offset: tid.ip_posid }
}

/// The reverse of [`heap_tid`].
pub fn item_pointer(tid: HeapTid) -> pg_sys::ItemPointerData {
    pg_sys::ItemPointerData {
        ip_blkid: pg_sys::BlockIdData { bi_hi: (tid.block >> 16) as u16, bi_lo: tid.block as u16 },
        ip_posid: tid.offset,
    }
}

impl Index {
    /// Adds a row. One whose vector is in the index already, as after an update of another column, costs only the way to its node.
    pub fn add(&mut self, coded: &Coded, tid: HeapTid) {
        let level = level_of(tid, 0, self.layout.m, self.layout.max_level());
        let ef_construction = self.ef_construction;
        match insert(self, coded.as_ref(), tid, level, ef_construction) {
            Ok(_) => {}
            Err(error @ StoreError::Full) => raise(
                PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                format!("cannot add a row to index \"{}\"", super::pages::name(self.relation)),
                &format!("{error}."),
                "Partition the table.",
            ),
            Err(StoreError::Unlinkable) => {
                super::store::corrupt(self.relation, "No neighbour of a new node can be changed to lead to it.")
            }
        }
    }
}

/// Adds the row at `heap_tid`, unless its vector is null or has no direction to compare by.
#[pg_guard]
#[allow(clippy::too_many_arguments)]
pub unsafe extern "C-unwind" fn aminsert(
    relation: pg_sys::Relation,
    values: *mut pg_sys::Datum,
    nulls: *mut bool,
    tid: pg_sys::ItemPointer,
    _heap: pg_sys::Relation,
    _unique: pg_sys::IndexUniqueCheck::Type,
    _unchanged: bool,
    _info: *mut pg_sys::IndexInfo,
) -> bool {
    // SAFETY: PostgreSQL passes one value and one null flag for the one column, and a valid item pointer.
    let (null, tid) = unsafe { (*nulls, heap_tid(tid)) };
    if null {
        return false;
    }
    // SAFETY: the opclass is for types of this layout.
    let vector = unsafe { Vector::new(*values) };
    let (mut index, _) = Index::open(relation);
    check_dimensions(index.layout.dimensions, vector.as_slice().len());
    if let Some(coded) = Coded::new(index.distance, vector.as_slice()) {
        index.add(&coded, tid);
    }
    false
}
