//! Exact distances: the vector of a heap row, seen with the snapshot of the scan.

use super::hints::TableHints;
use super::insert::item_pointer;
use super::pages;
use super::value::Vector;
use pgrx::pg_sys;
use pgrx::prelude::*;
use sutra_hnsw::code::Distance;
use sutra_hnsw::layout::HeapTid;

/// Fetches rows of the table that an index belongs to.
pub struct HeapFetch {
    heap: pg_sys::Relation,
    fetch: *mut pg_sys::IndexFetchTableData,
    slot: *mut pg_sys::TupleTableSlot,
    info: *mut pg_sys::IndexInfo,
    /// What evaluates an index on an expression; null for an index on a column.
    estate: *mut pg_sys::EState,
    hints: Option<TableHints>,
}

impl HeapFetch {
    /// Prepares to fetch; everything is allocated in `context`, which outlives the result.
    ///
    /// # Safety
    /// Both relations are open and stay so until [`HeapFetch::close`].
    pub unsafe fn open(heap: pg_sys::Relation, index: pg_sys::Relation, context: pg_sys::MemoryContext) -> HeapFetch {
        // SAFETY: the relations are open; the table access method of a table that has an index can fetch by index.
        unsafe {
            let previous = pg_sys::MemoryContextSwitchTo(context);
            let Some(begin) = (*(*heap).rd_tableam).index_fetch_begin else {
                error!("the table cannot be fetched from")
            };
            let fetch = pg_sys::ffi::pg_guard_ffi_boundary(|| begin(heap));
            let slot = pg_sys::table_slot_create(heap, std::ptr::null_mut());
            let info = pg_sys::BuildIndexInfo(index);
            let mut estate = std::ptr::null_mut();
            if !(*info).ii_Expressions.is_null() {
                estate = pg_sys::CreateExecutorState();
                (*pg_sys::MakePerTupleExprContext(estate)).ecxt_scantuple = slot;
            }
            pg_sys::MemoryContextSwitchTo(previous);
            HeapFetch { heap, fetch, slot, info, estate, hints: TableHints::of(heap) }
        }
    }

    /// The exact distance of the row at `tid`; None where the snapshot does not show it.
    ///
    /// # Safety
    /// The snapshot is an active MVCC snapshot.
    pub unsafe fn distance(
        &mut self,
        tid: HeapTid,
        snapshot: pg_sys::Snapshot,
        distance: Distance,
        query: &[f32],
    ) -> Option<f64> {
        // SAFETY: the caller's promise.
        unsafe {
            self.with_vector(tid, snapshot, |vector| {
                (vector.len() == query.len()).then(|| distance.exact(query, vector))
            })?
        }
    }

    /// Asks the processor for what [`HeapFetch::prefetch_row`] needs.
    pub fn prefetch_page(&self, row: HeapTid) {
        self.hints.iter().for_each(|hints| hints.prefetch_page(row));
    }

    /// Asks the processor for a row that will be fetched next.
    pub fn prefetch_row(&self, row: HeapTid) {
        self.hints.iter().for_each(|hints| hints.prefetch_row(row));
    }

    /// Spares the executor the look-up of the page of a row that it is about to fetch.
    ///
    /// # Safety
    /// `fetch` is the executor's, of the same table.
    pub unsafe fn lead(&self, fetch: *mut pg_sys::IndexFetchTableData, row: HeapTid) {
        if let Some(hints) = self.hints.as_ref().filter(|_| !fetch.is_null()) {
            let heap = self.heap;
            // SAFETY: the caller's promise; the closure owns nothing.
            unsafe { pages::guarded(|| hints.enter(heap, fetch, row.block)) }
        }
    }

    /// A copy of the vector of the row at `tid`; None where the snapshot does not show it.
    ///
    /// # Safety
    /// The snapshot is an active MVCC snapshot.
    pub unsafe fn vector(&mut self, tid: HeapTid, snapshot: pg_sys::Snapshot) -> Option<Vec<f32>> {
        // SAFETY: the caller's promise.
        unsafe { self.with_vector(tid, snapshot, <[f32]>::to_vec) }
    }

    /// Calls `body` with the vector of the row at `tid`.
    unsafe fn with_vector<R>(
        &mut self,
        tid: HeapTid,
        snapshot: pg_sys::Snapshot,
        body: impl FnOnce(&[f32]) -> R,
    ) -> Option<R> {
        // SAFETY: slot and fetch belong to the heap; the value lives in the slot until the next fetch.
        unsafe {
            let mut pointer = item_pointer(tid);
            let (fetch, slot) = (self.fetch, self.slot);
            let fetch_tuple = (*(*self.heap).rd_tableam).index_fetch_tuple?;
            let (mut again, mut all_dead) = (false, false);
            let (heap, hints) = (self.heap, self.hints.as_ref());
            let visible = pg_sys::ffi::pg_guard_ffi_boundary(|| {
                if let Some(hints) = hints {
                    hints.enter(heap, fetch, tid.block);
                }
                fetch_tuple(fetch, &mut pointer, snapshot, slot, &mut again, &mut all_dead)
            });
            if let Some(hints) = &mut self.hints {
                hints.note(fetch, tid.block);
            }
            if !visible {
                return None;
            }
            let (value, null) = self.value();
            if null {
                return None;
            }
            let vector = Vector::new(value);
            let result = body(vector.as_slice());
            drop(vector);
            if !self.estate.is_null() {
                pg_sys::MemoryContextReset((*per_tuple(self.estate)).ecxt_per_tuple_memory);
            }
            Some(result)
        }
    }

    /// The indexed value of the row in the slot, and whether it is null.
    unsafe fn value(&mut self) -> (pg_sys::Datum, bool) {
        // SAFETY: the slot holds a row; an index has one column, whose number is in range.
        unsafe {
            let attribute = i32::from((*self.info).ii_IndexAttrNumbers[0]);
            if attribute > 0 {
                if attribute > i32::from((*self.slot).tts_nvalid) {
                    pg_sys::slot_getsomeattrs_int(self.slot, attribute);
                }
                let position = attribute as usize - 1;
                return (*(*self.slot).tts_values.add(position), *(*self.slot).tts_isnull.add(position));
            }
            let mut values = [pg_sys::Datum::from(0); pg_sys::INDEX_MAX_KEYS as usize];
            let mut nulls = [true; pg_sys::INDEX_MAX_KEYS as usize];
            // The evaluated value lives in the per-tuple memory of the executor state.
            let context = (*per_tuple(self.estate)).ecxt_per_tuple_memory;
            let previous = pg_sys::MemoryContextSwitchTo(context);
            pg_sys::FormIndexDatum(self.info, self.slot, self.estate, values.as_mut_ptr(), nulls.as_mut_ptr());
            pg_sys::MemoryContextSwitchTo(previous);
            (values[0], nulls[0])
        }
    }

    /// Releases what the fetch holds.
    pub fn close(self) {
        // SAFETY: opened together, closed once.
        unsafe {
            let fetch = self.fetch;
            if let Some(end) = (*(*self.heap).rd_tableam).index_fetch_end {
                pg_sys::ffi::pg_guard_ffi_boundary(|| end(fetch));
            }
            pg_sys::ExecDropSingleTupleTableSlot(self.slot);
            if !self.estate.is_null() {
                pg_sys::FreeExecutorState(self.estate);
            }
        }
    }
}

/// The expression context of an executor state, made when the state was.
unsafe fn per_tuple(estate: *mut pg_sys::EState) -> *mut pg_sys::ExprContext {
    // SAFETY: `HeapFetch::open` made it.
    unsafe { (*estate).es_per_tuple_exprcontext }
}
