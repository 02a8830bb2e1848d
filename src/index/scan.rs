//! Ordered scans: search over codes, exact comparison of the candidates with their heap rows, and going on for as long as the
//! executor asks.

use super::counts::Count;
use super::fetch::HeapFetch;
use super::insert::item_pointer;
use super::pages;
use super::store::{Index, entry_of};
use super::sweep::Sweep;
use super::value::{Vector, check_dimensions};
use crate::settings::{EF_SEARCH, ITERATIVE_SCAN, IterativeScan, MAX_SCAN_TUPLES, SCAN_MEM_MULTIPLIER};
use pgrx::PgMemoryContexts;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use sutra_hnsw::code::{Query, hash};
use sutra_hnsw::layout::{HeapTid, Link};
use sutra_hnsw::search::{Beam, Candidate, Store, Visited, descend, starts};

/// Something to come, ordered by a distance and then by itself, so that the order is total.
#[derive(Clone, Copy, Debug)]
struct Ranked<T>(f64, T);

impl<T: Ord> PartialEq for Ranked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl<T: Ord> Eq for Ranked<T> {}
impl<T: Ord> PartialOrd for Ranked<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T: Ord> Ord for Ranked<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0).then_with(|| self.1.cmp(&other.1))
    }
}

/// Candidates of each batch, the nearest, whose rows are asked for before they are compared: about what a LIMIT of ten compares.
const AHEAD: usize = 16;

/// A node to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    link: Link,
    /// Its row, where it is known and the only one.
    row: Option<HeapTid>,
}

/// Where the candidates of a scan come from.
enum Source {
    /// Nothing was asked yet.
    Fresh,
    /// The graph, with the beam of the scan.
    Graph,
    /// One pass over all codes, in portions.
    Sweep(Sweep),
    /// Nothing is left.
    Done,
}

/// What a scan keeps between calls.
struct Scan {
    /// Lives as long as the scan descriptor.
    context: pg_sys::MemoryContext,
    index: Option<Index>,
    fetch: Option<HeapFetch>,
    query: Option<Query>,
    vector: Vec<f32>,
    ef: usize,
    source: Source,
    beam: Beam,
    /// Nodes that were handed to re-ranking.
    taken: Visited,
    /// Candidates by the least distance that they can have.
    pending: BinaryHeap<Reverse<Ranked<Waiting>>>,
    /// Rows by their exact distance.
    ready: BinaryHeap<Reverse<Ranked<HeapTid>>>,
    /// No row that is still to be found is nearer than this.
    horizon: f64,
    /// After the first search, until a row beyond the horizon is wanted: no row that this search kept is farther than this.
    border: Option<f64>,
    /// While the border is the horizon: what the horizon is for more rows than the first search was asked for.
    behind: f64,
    /// Number of rows returned.
    returned: usize,
    /// The distance of the last row returned.
    last: f64,
    tids: Vec<HeapTid>,
}

impl Scan {
    fn new(context: pg_sys::MemoryContext) -> Scan {
        Scan {
            context,
            index: None,
            fetch: None,
            query: None,
            vector: Vec::new(),
            ef: 0,
            source: Source::Fresh,
            beam: Beam::new(false),
            taken: Visited::default(),
            pending: BinaryHeap::new(),
            ready: BinaryHeap::new(),
            horizon: f64::INFINITY,
            border: None,
            behind: f64::INFINITY,
            returned: 0,
            last: f64::NEG_INFINITY,
            tids: Vec::new(),
        }
    }

    fn restart(&mut self) {
        self.source = Source::Fresh;
        self.query = None;
        self.border = None;
        self.behind = f64::INFINITY;
        self.returned = 0;
        self.taken.clear();
        self.pending.clear();
        self.ready.clear();
        self.last = f64::NEG_INFINITY;
    }

    fn close(&mut self) {
        self.restart();
        self.index = None;
        if let Some(fetch) = self.fetch.take() {
            fetch.close();
        }
        *self = Scan::new(self.context);
        self.source = Source::Done;
    }

    /// Bytes that a scan may use.
    fn memory_limit() -> usize {
        // SAFETY: a setting of this process.
        let work_mem = unsafe { pg_sys::work_mem } as f64 * 1024.0;
        (work_mem * SCAN_MEM_MULTIPLIER.get()) as usize
    }

    /// Reads the query and finds the first candidates.
    unsafe fn start(&mut self, scan: pg_sys::IndexScanDesc) {
        // SAFETY: the executor set the relations, the snapshot and one ORDER BY key before the first call.
        unsafe {
            let relation = (*scan).indexRelation;
            if (*scan).numberOfOrderBys != 1 {
                error!("cannot scan sutra_hnsw index without order");
            }
            if !matches!(
                (*(*scan).xs_snapshot).snapshot_type,
                pg_sys::SnapshotType::SNAPSHOT_MVCC | pg_sys::SnapshotType::SNAPSHOT_HISTORIC_MVCC
            ) {
                error!("non-MVCC snapshots are not supported with sutra_hnsw");
            }
            count_scan(scan);
            Count::Scan.add();
            let (index, meta) = Index::open(relation);
            let key = &*(*scan).orderByData;
            self.index = Some(index);
            if key.sk_flags & pg_sys::SK_ISNULL as i32 != 0 {
                // Every distance to NULL is NULL: all rows, in no order.
                self.source = Source::Sweep(Sweep::unordered());
                self.horizon = f64::INFINITY;
                return;
            }
            let (heap, context) = ((*scan).heapRelation, self.context);
            self.fetch.get_or_insert_with(|| HeapFetch::open(heap, relation, context));
            let Some(index) = self.index.as_mut() else { return };
            let vector = Vector::new(key.sk_argument);
            check_dimensions(index.layout.dimensions, vector.as_slice().len());
            self.vector.clear();
            self.vector.extend_from_slice(vector.as_slice());
            drop(vector);
            let query = Query::new(index.distance, &self.vector);
            self.ef = EF_SEARCH.get().max(1) as usize;
            self.source = Source::Done;
            self.horizon = f64::INFINITY;
            if let Some(entry) = entry_of(&meta) {
                let starts = starts(self.ef, meta.repaired);
                let mut entries = descend(index, &query, entry, 0, starts, &mut self.beam);
                if entries.is_empty()
                    && let Some(entry) = entry_of(&index.meta())
                {
                    // Vacuum replaced the entry point between the two reads.
                    entries = descend(index, &query, entry, 0, starts, &mut self.beam);
                }
                // A vector of the index finds itself, wherever the graph leads.
                let same = index.nodes_with(hash(&self.vector));
                index.score(&query, &same, &mut entries);
                let iterative = ITERATIVE_SCAN.get() != IterativeScan::off;
                self.beam.reset(iterative);
                self.beam.reserve(self.ef);
                self.beam.seed(&entries);
                self.beam.run(index, &query, self.ef, 0);
                let batch = self.beam.take();
                self.accept(&query, &batch, iterative);
                let farthest = batch.iter().map(|found| query.upper_bound(found.distance, found.slack));
                self.border = farthest.max_by(f64::total_cmp).filter(|_| iterative);
                self.source = if iterative { Source::Graph } else { Source::Done };
            }
            self.query = Some(query);
        }
    }

    /// Queues candidates for re-ranking. Where more can come, they are no nearer than the last of these by their codes.
    fn accept(&mut self, query: &Query, batch: &[Candidate], more: bool) {
        let (Some(index), Some(fetch)) = (self.index.as_mut(), self.fetch.as_ref()) else { return };
        let mut slack = 0.0f32;
        for (position, found) in batch.iter().enumerate() {
            slack = slack.max(found.slack);
            if !self.taken.insert(found.link.id) {
                continue;
            }
            let row = if position < AHEAD { index.sole_row(found.link) } else { None };
            row.into_iter().for_each(|row| fetch.prefetch_page(row));
            let bound = query.lower_bound(found.distance, found.slack);
            self.pending.push(Reverse(Ranked(bound, Waiting { link: found.link, row })));
        }
        self.behind = f64::INFINITY;
        self.horizon = match batch.last() {
            Some(last) if more => query.lower_bound(last.distance, slack),
            _ => f64::INFINITY,
        };
    }

    /// Lets the rows of the first search be returned up to its border, so that whoever wants no more than ef rows gets them from it
    /// alone: what was scored and may be nearer than the border is queued too. Further rows wait for what is found next, or where all distances
    /// are much the same most of them would be found too late.
    fn widen(&mut self, border: f64) {
        let Some(query) = &self.query else { return };
        for found in self.beam.spare() {
            let bound = query.lower_bound(found.distance, found.slack);
            if bound <= border && self.taken.insert(found.link.id) {
                self.pending.push(Reverse(Ranked(bound, Waiting { link: found.link, row: None })));
            }
        }
        self.behind = self.horizon;
        self.horizon = border;
    }

    /// Finds more candidates.
    fn more(&mut self) {
        let (Some(index), Some(query)) = (self.index.as_mut(), self.query.take()) else { return };
        if let Source::Graph = self.source {
            let capped = self.beam.visited() >= MAX_SCAN_TUPLES.get().max(1) as usize
                || self.beam.memory() > Self::memory_limit();
            if !capped && self.beam.resume(self.ef) {
                self.beam.run(index, &query, self.ef, 0);
                let batch = self.beam.take();
                self.accept(&query, &batch, true);
            } else {
                if capped {
                    Count::Pass.add();
                }
                let portion = Self::memory_limit() / size_of::<Candidate>();
                self.source = Source::Sweep(Sweep::by_distance(portion));
                self.beam.reset(false);
            }
        }
        if let Source::Sweep(sweep) = &mut self.source
            && let Some(index) = self.index.as_mut()
        {
            let batch = sweep.next(index, &query, &self.taken);
            let more = sweep.has_more();
            self.accept(&query, &batch, more);
            if !more {
                self.source = Source::Done;
            }
        }
        self.query = Some(query);
    }

    /// Compares the nearest candidates exactly until none that waits can be nearer than the nearest row.
    unsafe fn rank(&mut self, scan: pg_sys::IndexScanDesc) {
        while let Some(Reverse(Ranked(bound, Waiting { link, row }))) = self.pending.peek().copied() {
            if self.ready.peek().is_some_and(|Reverse(Ranked(nearest, _))| bound > *nearest) {
                break;
            }
            self.pending.pop();
            let (Some(index), Some(fetch)) = (self.index.as_mut(), self.fetch.as_mut()) else { return };
            let coming = self.pending.peek().and_then(|Reverse(Ranked(_, waiting))| waiting.row);
            coming.into_iter().for_each(|row| fetch.prefetch_row(row));
            self.tids.clear();
            match row {
                Some(row) => self.tids.push(row),
                None => index.tids(link, &mut self.tids),
            }
            let mut exact = None;
            for tid in &self.tids {
                pages::check_for_interrupts();
                if exact.is_none() {
                    Count::Compared.add();
                    // SAFETY: the relations of a running scan are open and its snapshot is active.
                    exact = unsafe { fetch.distance(*tid, (*scan).xs_snapshot, index.distance, &self.vector) };
                    // What has no distance comes last, as in an ORDER BY without the index.
                    exact = exact.map(|distance| if distance.is_nan() { f64::INFINITY } else { distance });
                }
                // The rows of a node have the same vector, so the first visible one speaks for all that follow.
                if let Some(distance) = exact {
                    self.ready.push(Reverse(Ranked(distance, *tid)));
                }
            }
        }
    }

    /// The next row.
    unsafe fn next(&mut self, scan: pg_sys::IndexScanDesc) -> Option<HeapTid> {
        if let Source::Fresh = self.source {
            // SAFETY: as for this function.
            unsafe { self.start(scan) }
        }
        if let Source::Sweep(sweep) = &mut self.source
            && sweep.is_unordered()
        {
            return self.index.as_mut().and_then(|index| sweep.next_row(index));
        }
        loop {
            // SAFETY: as for this function.
            unsafe { self.rank(scan) }
            let nearest = self.ready.peek().map(|Reverse(ranked)| *ranked);
            let strict = ITERATIVE_SCAN.get() == IterativeScan::strict_order;
            let horizon = if self.returned < self.ef { self.horizon } else { self.horizon.min(self.behind) };
            if nearest.is_none_or(|Ranked(distance, _)| strict && distance > horizon)
                && !matches!(self.source, Source::Done)
            {
                match self.border.take().filter(|_| nearest.is_some()) {
                    Some(border) => self.widen(border),
                    None => self.more(),
                }
                continue;
            }
            let Ranked(distance, tid) = nearest?;
            self.ready.pop();
            if distance < self.last {
                // Found too late to be returned in order.
                if strict {
                    Count::LateDropped.add();
                    continue;
                }
                Count::LateReturned.add();
            }
            self.last = distance;
            self.returned += 1;
            return Some(tid);
        }
    }
}

/// Counts the scan as pg_stat_user_indexes shows it.
unsafe fn count_scan(scan: pg_sys::IndexScanDesc) {
    // SAFETY: the relation is open; its statistics entry is made on first use.
    unsafe {
        let relation = (*scan).indexRelation;
        if (*relation).pgstat_info.is_null() && (*relation).pgstat_enabled {
            pg_sys::pgstat_assoc_relation(relation);
        }
        if let Some(statistics) = (*relation).pgstat_info.as_mut() {
            #[cfg(feature = "pg15")]
            {
                statistics.t_counts.t_numscans += 1;
            }
            #[cfg(not(feature = "pg15"))]
            {
                statistics.counts.numscans += 1;
            }
        }
        #[cfg(feature = "pg18")]
        if let Some(instrument) = (*scan).instrument.as_mut() {
            instrument.nsearches += 1;
        }
    }
}

/// Starts a scan.
#[pg_guard]
pub unsafe extern "C-unwind" fn ambeginscan(
    relation: pg_sys::Relation,
    keys: i32,
    order_bys: i32,
) -> pg_sys::IndexScanDesc {
    // SAFETY: the descriptor lives in the current memory context, and so does the state, which is dropped with it.
    unsafe {
        let scan = pg_sys::RelationGetIndexScan(relation, keys, order_bys);
        let state = Scan::new(pg_sys::CurrentMemoryContext);
        (*scan).opaque = PgMemoryContexts::CurrentMemoryContext.leak_and_drop_on_delete(state).cast();
        scan
    }
}

/// Starts a scan again, with other keys.
#[pg_guard]
pub unsafe extern "C-unwind" fn amrescan(
    scan: pg_sys::IndexScanDesc,
    keys: pg_sys::ScanKey,
    key_count: i32,
    order_bys: pg_sys::ScanKey,
    order_by_count: i32,
) {
    // SAFETY: the arrays of the descriptor have as many elements as the scan was begun with.
    unsafe {
        if !keys.is_null() && key_count > 0 {
            std::ptr::copy(keys, (*scan).keyData, (*scan).numberOfKeys as usize);
        }
        if !order_bys.is_null() && order_by_count > 0 {
            std::ptr::copy(order_bys, (*scan).orderByData, (*scan).numberOfOrderBys as usize);
        }
        (*(*scan).opaque.cast::<Scan>()).restart();
    }
}

/// Returns the next row in order.
#[pg_guard]
pub unsafe extern "C-unwind" fn amgettuple(
    scan: pg_sys::IndexScanDesc,
    direction: pg_sys::ScanDirection::Type,
) -> bool {
    debug_assert_eq!(direction, pg_sys::ScanDirection::ForwardScanDirection);
    // SAFETY: `ambeginscan` set the state; nobody else uses it during this call.
    unsafe {
        let state = &mut *(*scan).opaque.cast::<Scan>();
        match state.next(scan) {
            Some(tid) => {
                state.fetch.iter().for_each(|fetch| fetch.lead((*scan).xs_heapfetch, tid));
                (*scan).xs_heaptid = item_pointer(tid);
                (*scan).xs_recheck = false;
                (*scan).xs_recheckorderby = false;
                true
            }
            None => false,
        }
    }
}

/// Ends a scan.
#[pg_guard]
pub unsafe extern "C-unwind" fn amendscan(scan: pg_sys::IndexScanDesc) {
    // SAFETY: as for `amgettuple`; the memory itself is dropped with the memory context.
    unsafe { (*(*scan).opaque.cast::<Scan>()).close() }
}
