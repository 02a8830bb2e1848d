//! Building an index: the graph in memory, then its pages in graph order, logged at the end.

use super::insert::heap_tid;
use super::options::{self, Options};
use super::pages::{self, Logging, init_page};
use super::store::Index;
use super::value::{Vector, check_dimensions};
use crate::error::raise;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::collections::HashMap;
use sutra_hnsw::build::concurrent::Concurrent;
use sutra_hnsw::build::{Builder, Interrupts};
use sutra_hnsw::code::{CodeRef, Coded, Distance};
use sutra_hnsw::insert::level_of;
use sutra_hnsw::layout::{
    BucketEntry, BucketMut, HeapTid, Layout, Link, Meta, PAGE_SIZE, PER_DIRECTORY, PageKind, TID_SLOTS_PER_PAGE,
    TIDS_PER_SLOT, TidsMut, bucket_of, buckets_for, first_tid_slot, set_directory_entry, set_list_next,
};

/// Vectors handed to the threads at once.
const BATCH: usize = 256;
/// Bytes that the builder keeps per node beside the graph: error, hash, row, the entry in the map of known
/// vectors, its entry in the table of vectors, and the order and identifiers of the pages to write.
const BOOKKEEPING: usize = 124;
/// Bytes for each row of a vector that came before: the row, in a list that grows by doubling, and the chain that it may be the only one of.
const DUPLICATE: usize = 2 * size_of::<(u32, HeapTid)>() + size_of::<Chain>();
/// Steps of what takes no pages between two looks for an interrupt.
const STEPS: usize = 1 << 14;

/// What pg_stat_progress_create_index shows.
#[derive(Clone, Copy)]
#[repr(i64)]
enum Phase {
    LoadingRows = 2,
    WritingPages = 3,
    LoadingRowsIntoPages = 4,
}

fn progress(phase: Phase) {
    // SAFETY: reports to this backend's own entry.
    unsafe { pg_sys::pgstat_progress_update_param(pg_sys::PROGRESS_CREATEIDX_SUBPHASE as i32, phase as i64) }
}

/// Names the phases of a build.
#[pg_guard]
pub unsafe extern "C-unwind" fn ambuildphasename(phase: i64) -> *mut core::ffi::c_char {
    let name = match phase {
        1 => c"initializing",
        2 => c"loading tuples",
        3 => c"writing pages",
        4 => c"loading tuples into pages",
        _ => return std::ptr::null_mut(),
    };
    name.as_ptr().cast_mut()
}

/// What is known of a node before its page is written.
struct Known {
    error: f32,
    hash: u32,
    tid: HeapTid,
}

struct Build {
    relation: pg_sys::Relation,
    layout: Layout,
    distance: Distance,
    /// None once the graph no longer fits and rows go to pages directly.
    builder: Option<Builder>,
    batch: Vec<(Coded, u8)>,
    known: Vec<Known>,
    /// Rows whose vector came before, each with its node.
    more_tids: Vec<(u32, HeapTid)>,
    /// Nodes by a hash of their code and the hash of their vector.
    by_code: HashMap<(u64, u32), u32>,
    limit: usize,
    index: Option<Index>,
    rows: i64,
    indexed: i64,
}

impl Build {
    fn memory(&self) -> usize {
        let nodes = self.known.len();
        nodes * (Concurrent::bytes_per_node(&self.layout) + BOOKKEEPING) + self.more_tids.len() * DUPLICATE
    }

    fn add(&mut self, vector: &[f32], tid: HeapTid) {
        check_dimensions(self.layout.dimensions, vector.len());
        let Some(coded) = Coded::new(self.distance, vector) else { return };
        self.indexed += 1;
        if self.builder.is_none() {
            if let Some(index) = self.index.as_mut() {
                index.add(&coded, tid);
            }
            return;
        }
        let key = (code_hash(coded.as_ref()), coded.hash);
        self.reserve();
        if let Some(node) = self.by_code.get(&key) {
            self.more_tids.push((*node, tid));
        } else {
            self.by_code.insert(key, self.known.len() as u32);
            self.known.push(Known { error: coded.error, hash: coded.hash, tid });
            let level = level_of(tid, 0, self.layout.m, self.layout.max_level());
            self.batch.push((coded, level));
            if self.batch.len() >= BATCH {
                self.flush_batch();
            }
        }
        if self.memory() > self.limit {
            self.leave_memory();
        }
    }

    fn reserve(&mut self) {
        let reserved = self.known.try_reserve(1).is_ok()
            && self.by_code.try_reserve(1).is_ok()
            && self.more_tids.try_reserve(1).is_ok();
        if !reserved {
            out_of_memory();
        }
    }

    fn flush_batch(&mut self) {
        if let Some(builder) = self.builder.as_mut() {
            builder.add(&self.batch);
        }
        self.batch.clear();
    }

    /// The graph has reached maintenance_work_mem: write it, and insert the rows that follow.
    fn leave_memory(&mut self) {
        ErrorReport::new(
            PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
            format!("sutra_hnsw graph no longer fits into maintenance_work_mem after {} tuples", self.indexed),
            "sutra",
        )
        .set_detail("Building will take significantly more time.")
        .set_hint("Increase maintenance_work_mem to speed up builds.")
        .report(PgLogLevel::NOTICE);
        self.write_graph();
        let (mut index, _) = Index::open(self.relation);
        index.logging = Logging::AtEnd;
        self.index = Some(index);
        progress(Phase::LoadingRowsIntoPages);
    }

    /// Writes the graph to pages and forgets it.
    fn write_graph(&mut self) {
        self.flush_batch();
        let Some(builder) = self.builder.take() else { return };
        progress(Phase::WritingPages);
        let (graph, relinked) = builder.finish();
        if relinked > 0 {
            debug1!("sutra_hnsw linked {relinked} nodes that were not reachable");
        }
        let more = std::mem::take(&mut self.more_tids);
        Pages::new(self, &graph, more).write();
        self.known = Vec::new();
        self.by_code = HashMap::new();
    }
}

/// A hash of scale and code.
fn code_hash(code: CodeRef<'_>) -> u64 {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    hasher.write_u32(code.scale.to_bits());
    hasher.write(code.code);
    hasher.finish()
}

fn out_of_memory() -> ! {
    raise(
        PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY,
        "out of memory while building a sutra_hnsw index",
        "",
        "Lower maintenance_work_mem.",
    )
}

/// Sorts, and lets a cancel through meanwhile.
fn sort<T: Ord>(items: &mut [T]) {
    let mut steps = 0usize;
    items.sort_unstable_by(|left, right| {
        pause(steps);
        steps += 1;
        left.cmp(right)
    });
}

/// Lets a cancel through at some of many short steps.
fn pause(step: usize) {
    if step.is_multiple_of(STEPS) {
        pages::check_for_interrupts();
    }
}

/// The rows of a node beyond its first, in TID slots that follow each other.
struct Chain {
    node: u32,
    slot: u32,
    /// Where its rows start among those of all chains.
    start: u32,
}

/// The pages of a graph: where every node, upper slot and TID slot goes.
struct Pages<'a> {
    build: &'a Build,
    graph: &'a Concurrent,
    /// Nodes in the order of their slots.
    order: Vec<u32>,
    /// Slot of each node.
    ids: Vec<u32>,
    /// First upper slot of each node with a level.
    uppers: HashMap<u32, u32>,
    /// The chains in the order of their nodes' and their own slots, and their rows, each with the slot of its node.
    chains: Vec<Chain>,
    more: Vec<(u32, HeapTid)>,
    blocks: [std::ops::Range<u32>; 5],
}

impl<'a> Pages<'a> {
    fn new(build: &'a Build, graph: &'a Concurrent, mut more: Vec<(u32, HeapTid)>) -> Pages<'a> {
        let layout = build.layout;
        let order = graph.in_runs(layout.per_page as usize);
        let mut ids = vec![0; order.len()];
        for (position, node) in (0u32..).zip(&order) {
            pause(position as usize);
            ids[*node as usize] = layout.per_page + position;
        }
        let first_upper_block = 1 + (order.len() as u32).div_ceil(layout.per_page);
        let mut next = first_upper_block * layout.upper_per_page;
        let mut uppers = HashMap::new();
        for (step, node) in order.iter().enumerate() {
            pause(step);
            let level = u32::from(graph.level(*node));
            if level == 0 {
                continue;
            }
            let room = layout.upper_per_page - next % layout.upper_per_page;
            if room < level {
                next += room;
            }
            uppers.insert(*node, next);
            next += level;
        }
        let first_tid_block = next.div_ceil(layout.upper_per_page);
        let mut next = first_tid_block * TID_SLOTS_PER_PAGE as u32;
        for (step, (node, _)) in more.iter_mut().enumerate() {
            pause(step);
            *node = ids[*node as usize];
        }
        sort(&mut more);
        let nodes = || more.chunk_by(|left, right| left.0 == right.0);
        let (mut chains, mut start) = (Vec::new(), 0);
        if chains.try_reserve_exact(nodes().count()).is_err() {
            out_of_memory();
        }
        for (step, rows) in nodes().enumerate() {
            pause(step);
            chains.push(Chain { node: rows[0].0, slot: next, start });
            next += rows.len().div_ceil(TIDS_PER_SLOT) as u32;
            start += rows.len() as u32;
        }
        let first_bucket = next.div_ceil(TID_SLOTS_PER_PAGE as u32);
        let buckets = if order.is_empty() { 0 } else { buckets_for(order.len()) };
        let first_directory = first_bucket + buckets;
        let end = first_directory + buckets.div_ceil(PER_DIRECTORY as u32);
        let blocks = [
            1..first_upper_block,
            first_upper_block..first_tid_block,
            first_tid_block..first_bucket,
            first_bucket..first_directory,
            first_directory..end,
        ];
        Pages { build, graph, order, ids, uppers, chains, more, blocks }
    }

    fn link(&self, node: u32) -> Link {
        Link { id: self.ids[node as usize], generation: 0 }
    }

    fn links(&self, node: u32, level: u8) -> Vec<Link> {
        self.graph.links(node, level).into_iter().map(|link| self.link(link)).collect()
    }

    fn write(&self) {
        let layout = self.build.layout;
        let relation = self.build.relation;
        let last = |range: &std::ops::Range<u32>| if range.is_empty() { 0 } else { range.end - 1 };
        let mut heads = [0; 3];
        let upper_slots = self.upper_slots();
        let entries = self.entries();
        let (buckets, directories) = (&self.blocks[3], &self.blocks[4]);
        let kinds = [PageKind::Node, PageKind::Upper, PageKind::Tid, PageKind::Bucket, PageKind::Directory];
        for (kind, range) in kinds.into_iter().zip(&self.blocks) {
            for block in range.clone() {
                pages::check_for_interrupts();
                let written = pages::extend(relation, pg_sys::ForkNumber::MAIN_FORKNUM, |page| {
                    // SAFETY: the buffer is new and exclusively locked.
                    let page = unsafe {
                        init_page(page, kind);
                        std::slice::from_raw_parts_mut(page, PAGE_SIZE)
                    };
                    match kind {
                        PageKind::Node => self.fill_nodes(page, block),
                        PageKind::Upper => {
                            let slots = of_block(&upper_slots, block, |(slot, ..)| layout.upper_block(*slot));
                            for (slot, node, level) in slots {
                                layout.upper_mut(page, *slot).fill(self.link(*node), &self.links(*node, *level));
                            }
                        }
                        PageKind::Bucket => {
                            let number = block - buckets.start;
                            let mut bucket = BucketMut::new(page);
                            bucket.set_number(number, buckets.len() as u32);
                            for (_, entry) in of_block(&entries, number, |(bucket, _)| *bucket) {
                                bucket.push(*entry);
                            }
                        }
                        PageKind::Directory => {
                            let first = buckets.start + (block - directories.start) * PER_DIRECTORY as u32;
                            let last = buckets.end.min(first + PER_DIRECTORY as u32);
                            (first..last)
                                .enumerate()
                                .for_each(|(place, block)| set_directory_entry(page, place, block));
                        }
                        _ => self.fill_tids(page, block),
                    }
                    if block == last(range) && layout.has_room(kind, page, block) {
                        set_list_next(page, Some(0));
                        heads[kind.list()] = block;
                    }
                });
                if written != block {
                    raise(
                        PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
                        "another process extended an index that is being built",
                        &format!("Expected block {block}, got {written}."),
                        "",
                    );
                }
            }
        }
        let entry = self.graph.entry();
        write_meta(relation, directories.clone(), |meta| {
            meta.heads = heads;
            meta.buckets = buckets.len() as u32;
            meta.entry = entry.map(|entry| self.link(entry.link.id));
            meta.entry_level = entry.map_or(0, |entry| entry.level);
        });
    }

    fn fill_nodes(&self, page: &mut [u8], block: u32) {
        let layout = self.build.layout;
        let first = ((block - 1) * layout.per_page) as usize;
        let end = (first + layout.per_page as usize).min(self.order.len());
        for node in &self.order[first..end] {
            let known = &self.build.known[*node as usize];
            let code = CodeRef { error: known.error, hash: known.hash, ..self.graph.code(*node) };
            let upper = self.uppers.get(node).copied().unwrap_or(0);
            let level = self.graph.level(*node);
            let mut slot = layout.node_mut(page, self.ids[*node as usize]);
            slot.fill(level, code, known.tid, upper, &self.links(*node, 0));
            let chain = self.chains.binary_search_by_key(&self.ids[*node as usize], |chain| chain.node);
            slot.set_tid_slot(chain.map_or(0, |position| self.chains[position].slot));
        }
    }

    fn fill_tids(&self, page: &mut [u8], block: u32) {
        let first = first_tid_slot(block).unwrap_or(0);
        let end = first + TID_SLOTS_PER_PAGE as u32;
        let start = self.chains.partition_point(|chain| chain.slot <= first).saturating_sub(1);
        for (position, chain) in self.chains.iter().enumerate().skip(start).take_while(|(_, chain)| chain.slot < end) {
            let rows_end = self.chains.get(position + 1).map_or(self.more.len(), |next| next.start as usize);
            let rows = &self.more[chain.start as usize..rows_end];
            let chain_end = chain.slot + rows.len().div_ceil(TIDS_PER_SLOT) as u32;
            for slot in chain.slot.max(first)..chain_end.min(end) {
                let skipped = (slot - chain.slot) as usize * TIDS_PER_SLOT;
                let tids: Vec<HeapTid> = rows[skipped..].iter().take(TIDS_PER_SLOT).map(|(_, tid)| *tid).collect();
                let next = if slot + 1 < chain_end { slot + 1 } else { 0 };
                TidsMut::new(page, slot).fill(Link { id: chain.node, generation: 0 }, next, &tids);
            }
        }
    }

    /// Every node's entry in the table of vectors, after its bucket.
    fn entries(&self) -> Vec<(u32, BucketEntry)> {
        let buckets = self.blocks[3].len() as u32;
        let entry = |node: &u32| {
            let hash = self.build.known[*node as usize].hash;
            (bucket_of(hash, buckets), BucketEntry { hash, id: self.ids[*node as usize] })
        };
        let mut entries: Vec<(u32, BucketEntry)> = self.order.iter().map(entry).collect();
        sort(&mut entries);
        entries
    }

    /// Slot, node and level of every upper slot.
    fn upper_slots(&self) -> Vec<(u32, u32, u8)> {
        let mut slots: Vec<(u32, u32, u8)> = self
            .uppers
            .iter()
            .flat_map(|(node, first)| {
                let level = u32::from(self.graph.level(*node));
                (1..=level).map(move |level| (first + level - 1, *node, level as u8))
            })
            .collect();
        sort(&mut slots);
        slots
    }
}

/// Those of `sorted` that `block_of` places in `block`.
fn of_block<T>(sorted: &[T], block: u32, block_of: impl Fn(&T) -> u32) -> impl Iterator<Item = &T> {
    let start = sorted.partition_point(|item| block_of(item) < block);
    sorted[start..].iter().take_while(move |item| block_of(item) == block)
}

/// Changes the meta page in place; the caller logs it.
fn write_meta(relation: pg_sys::Relation, directories: std::ops::Range<u32>, body: impl FnOnce(&mut Meta)) {
    let mut change = pages::Change::begin(relation, Logging::AtEnd);
    let position = change.lock(0);
    let Ok(mut meta) = Meta::read(change.page(position)) else {
        super::store::corrupt(relation, "The meta page was overwritten.")
    };
    body(&mut meta);
    meta.write(change.page_mut(position));
    directories.enumerate().for_each(|(number, block)| {
        Meta::set_directory(change.page_mut(position), number, block);
    });
    change.finish();
}

/// The number that the operator class's support function returns.
fn distance_of(relation: pg_sys::Relation) -> Distance {
    // SAFETY: the index has one column, whose operator class has support function 1.
    let number = unsafe {
        let function = pg_sys::index_getprocinfo(relation, 1, 1);
        pg_sys::FunctionCall1Coll(function, pg_sys::InvalidOid, pg_sys::Datum::from(0)).value() as u8
    };
    Distance::from_number(number).unwrap_or_else(|| error!("operator class returns the unknown distance {number}"))
}

/// The layout of an index from its column and options, or an error that says what does not fit.
fn layout_of(relation: pg_sys::Relation, options: Options) -> Layout {
    let (mut type_, mut modifier, mut collation) = (pg_sys::InvalidOid, -1, pg_sys::InvalidOid);
    // SAFETY: an index has a first column, which is in the catalog.
    unsafe {
        pg_sys::get_atttypetypmodcoll((*relation).rd_id, 1, &mut type_, &mut modifier, &mut collation);
    }
    if modifier < 1 {
        raise(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "column does not have dimensions", "", "");
    }
    let most = Layout::max_dimensions(options.m);
    Layout::new(modifier as usize, options.m).unwrap_or_else(|| {
        raise(
            PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            format!("column cannot have more than {most} dimensions for sutra_hnsw index with m = {}", options.m),
            "A node of the index must fit a page.",
            if options.m > 2 { "A lower m leaves room for more dimensions." } else { "" },
        )
    })
}

/// Writes the meta page of an empty index to a fork.
fn create(relation: pg_sys::Relation, fork: pg_sys::ForkNumber::Type) -> (Layout, Distance, Options) {
    let options = options::of(relation);
    let layout = layout_of(relation, options);
    let distance = distance_of(relation);
    let meta = Meta {
        dimensions: layout.dimensions as u32,
        m: options.m as u16,
        ef_construction: options.ef_construction as u16,
        distance: distance as u8,
        code_bits: 8,
        entry_level: 0,
        entry: None,
        heads: [0; 3],
        buckets: 0,
        repaired: false,
    };
    pages::extend(relation, fork, |page| {
        // SAFETY: the buffer is new and exclusively locked.
        unsafe {
            init_page(page, PageKind::Meta);
            meta.write(std::slice::from_raw_parts_mut(page, PAGE_SIZE));
        }
    });
    (layout, distance, options)
}

/// PostgreSQL's InvalidSubTransactionId.
const INVALID_SUBTRANSACTION: pg_sys::SubTransactionId = 0;

/// Whether changes of a relation reach the WAL: PostgreSQL's RelationNeedsWAL.
unsafe fn needs_wal(relation: pg_sys::Relation) -> bool {
    // SAFETY: the relation is open.
    unsafe {
        let permanent = (*(*relation).rd_rel).relpersistence == pg_sys::RELPERSISTENCE_PERMANENT as core::ffi::c_char;
        let replicated = pg_sys::wal_level >= pg_sys::WalLevel::WAL_LEVEL_REPLICA as i32;
        #[cfg(feature = "pg15")]
        let first = (*relation).rd_firstRelfilenodeSubid;
        #[cfg(not(feature = "pg15"))]
        let first = (*relation).rd_firstRelfilelocatorSubid;
        let old = (*relation).rd_createSubid == INVALID_SUBTRANSACTION && first == INVALID_SUBTRANSACTION;
        permanent && (replicated || old)
    }
}

/// Builder threads inherit the signal mask of their maker: none may ever run PostgreSQL's handlers.
fn with_signals_blocked<R>(body: impl FnOnce() -> R) -> R {
    // SAFETY: plain calls on local signal sets; the mask is restored before anything else runs.
    unsafe {
        let (mut all, mut previous) = (std::mem::zeroed(), std::mem::zeroed());
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut previous);
        let result = body();
        libc::pthread_sigmask(libc::SIG_SETMASK, &previous, std::ptr::null_mut());
        result
    }
}

/// Builds the index of a table.
#[pg_guard]
pub unsafe extern "C-unwind" fn ambuild(
    heap: pg_sys::Relation,
    relation: pg_sys::Relation,
    info: *mut pg_sys::IndexInfo,
) -> *mut pg_sys::IndexBuildResult {
    let (layout, distance, options) = create(relation, pg_sys::ForkNumber::MAIN_FORKNUM);
    // SAFETY: settings of this process.
    let (threads, limit) = unsafe {
        let wanted = pg_sys::max_parallel_maintenance_workers.max(0) as usize + 1;
        let available = std::thread::available_parallelism().map_or(1, usize::from);
        (wanted.min(available), pg_sys::maintenance_work_mem as usize * 1024)
    };
    let builder = with_signals_blocked(|| Builder::new(layout, distance, options.ef_construction, threads));
    let builder = builder
        .unwrap_or_else(|error| raise(PgSqlErrorCode::ERRCODE_INSUFFICIENT_RESOURCES, format!("{error}"), "", ""))
        .with_interrupts(Interrupts {
            // SAFETY: a flag that signal handlers of the main thread set; reading it calls nothing.
            pending: || unsafe { std::ptr::read_volatile(&raw const pg_sys::InterruptPending) != 0 },
            serve: pages::check_for_interrupts,
        });
    let mut build = Build {
        relation,
        layout,
        distance,
        builder: Some(builder),
        batch: Vec::with_capacity(BATCH),
        known: Vec::new(),
        more_tids: Vec::new(),
        by_code: HashMap::new(),
        limit,
        index: None,
        rows: 0,
        indexed: 0,
    };
    progress(Phase::LoadingRows);
    // SAFETY: the table access method calls back with the state given here, while `build` is alive.
    let heap_tuples = unsafe {
        let state = std::ptr::from_mut(&mut build).cast();
        let Some(scan) = (*(*heap).rd_tableam).index_build_range_scan else { error!("the table cannot be indexed") };
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            scan(
                heap,
                relation,
                info,
                true,
                false,
                true,
                0,
                pg_sys::InvalidBlockNumber,
                Some(add_row),
                state,
                std::ptr::null_mut(),
            )
        })
    };
    build.write_graph();
    build.index = None;
    // SAFETY: the relation is open and all of its pages are initialised; the result is palloc'ed.
    unsafe {
        if needs_wal(relation) {
            let blocks = pages::block_count(relation);
            pg_sys::log_newpage_range(relation, pg_sys::ForkNumber::MAIN_FORKNUM, 0, blocks, true);
        }
        let result = pg_sys::palloc0(size_of::<pg_sys::IndexBuildResult>()).cast::<pg_sys::IndexBuildResult>();
        (*result).heap_tuples = heap_tuples;
        (*result).index_tuples = build.indexed as f64;
        result
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn add_row(
    _relation: pg_sys::Relation,
    tid: pg_sys::ItemPointer,
    values: *mut pg_sys::Datum,
    nulls: *mut bool,
    _alive: bool,
    state: *mut core::ffi::c_void,
) {
    // SAFETY: `ambuild` passes its state; PostgreSQL passes one value, one null flag and a valid item pointer.
    unsafe {
        let build = &mut *state.cast::<Build>();
        build.rows += 1;
        pg_sys::pgstat_progress_update_param(pg_sys::PROGRESS_CREATEIDX_TUPLES_DONE as i32, build.rows);
        if !*nulls {
            let vector = Vector::new(*values);
            build.add(vector.as_slice(), heap_tid(tid));
        }
    }
}

/// Builds the empty index of an unlogged table, which a crash resets the index to.
#[pg_guard]
pub unsafe extern "C-unwind" fn ambuildempty(relation: pg_sys::Relation) {
    let fork = pg_sys::ForkNumber::INIT_FORKNUM;
    create(relation, fork);
    // SAFETY: the fork has its one page; an init fork is logged although the table is not.
    unsafe { pg_sys::log_newpage_range(relation, fork, 0, 1, true) }
}
