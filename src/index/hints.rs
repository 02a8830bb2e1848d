//! Where pages were found last: a hint per block saves the look-up in the shared buffer table, and lets nodes and rows be
//! fetched into the processor's cache before they are needed. A stale hint is only a miss.

use super::pages::raw;
use pgrx::pg_sys;
use std::cell::RefCell;
use std::thread::LocalKey;
use sutra_hnsw::layout::{HeapTid, Layout, Link, NODE_HEADER, PAGE_SIZE};

/// A relation's file: tablespace, database, file number.
type File = (pg_sys::Oid, pg_sys::Oid, u32);

/// Indexes, and tables, whose hints a backend keeps.
const KEPT: usize = 16;

/// Pages of a table that are remembered.
const PAGES: usize = 1 << 14;

/// Cache lines of a row that are prefetched at most; what follows them the processor sees coming.
#[cfg(target_arch = "x86_64")]
const ROW_LINES: usize = 8;

/// Cache lines of a node that are prefetched at most: header and code of 992 dimensions. Measured with `make bench`'s data
/// at ef_search 80: all 7 lines of 384 dimensions instead of 4 take a third off a query, all 13 of 784 an eighth.
#[cfg(target_arch = "x86_64")]
const PREFETCHED_LINES: usize = 16;

/// What is kept of some files, the one used last at the end.
type Kept<T> = RefCell<Vec<(File, T)>>;

thread_local! {
    static INDEXES: Kept<Vec<pg_sys::Buffer>> = const { RefCell::new(Vec::new()) };
    static TABLES: Kept<Vec<Page>> = const { RefCell::new(Vec::new()) };
}

/// What is kept of a file, which is the caller's until it is given back.
fn take<T: Default>(cache: &'static LocalKey<Kept<T>>, file: File) -> T {
    cache.with_borrow_mut(|cache| {
        let found = cache.iter().position(|(kept, _)| *kept == file);
        found.map(|position| cache.remove(position).1).unwrap_or_default()
    })
}

fn give_back<T>(cache: &'static LocalKey<Kept<T>>, file: File, hints: T) {
    // At the exit of the process the cache may be gone already.
    let _ = cache.try_with(|cache| {
        if let Ok(mut cache) = cache.try_borrow_mut() {
            cache.retain(|(kept, _)| *kept != file);
            if cache.len() >= KEPT {
                cache.remove(0);
            }
            cache.push((file, hints));
        }
    });
}

/// A buffer that has been used as often as PostgreSQL counts. Pinning by a hint does not count as a use, so a page is looked up as often as it takes to get there:
/// else the pages that are used most would be the first to leave the shared buffers.
const MOST_USED: u32 = pg_sys::BM_MAX_USAGE_COUNT * pg_sys::BUF_USAGECOUNT_ONE;

/// Pins a page where it was found last; false where it is to be looked up, because it is not there any more or its use has to be counted.
///
/// # Safety
/// As for the functions of [`raw`]; a buffer number that once was valid stays in the range of valid ones.
unsafe fn pin_again(relation: pg_sys::Relation, block: u32, hint: pg_sys::Buffer) -> bool {
    // SAFETY: the caller's promise; the state of a buffer may be read at any time.
    unsafe {
        let descriptor = pg_sys::BufferDescriptors.wrapping_add(hint as usize - 1);
        let state = std::ptr::read_volatile(&raw const (*descriptor).bufferdesc.state.value);
        #[cfg(feature = "pg15")]
        let file = (*relation).rd_node;
        #[cfg(not(feature = "pg15"))]
        let file = (*relation).rd_locator;
        state & pg_sys::BUF_USAGECOUNT_MASK >= MOST_USED
            && raw::ReadRecentBuffer(file, pg_sys::ForkNumber::MAIN_FORKNUM, block, hint)
    }
}

/// The hints of one index, taken from the backend's cache and given back when dropped.
pub struct Hints {
    file: File,
    /// By block: the buffer, negative as long as the page is not known to hold nodes; 0 where nothing is known.
    buffers: Vec<pg_sys::Buffer>,
}

#[cfg(feature = "pg15")]
fn file_of(relation: pg_sys::Relation) -> File {
    // SAFETY: the relation is open.
    let node = unsafe { (*relation).rd_node };
    (node.spcNode, node.dbNode, node.relNode.to_u32())
}

#[cfg(not(feature = "pg15"))]
fn file_of(relation: pg_sys::Relation) -> File {
    // SAFETY: the relation is open.
    let locator = unsafe { (*relation).rd_locator };
    (locator.spcOid, locator.dbOid, locator.relNumber.to_u32())
}

impl Hints {
    /// The hints that the backend has for a relation.
    pub fn of(relation: pg_sys::Relation) -> Hints {
        let file = file_of(relation);
        Hints { file, buffers: take(&INDEXES, file) }
    }

    /// Pins the page of a block; true where it was seen to hold nodes. It still does, unless the file was
    /// emptied and filled again: a link to a node leads to a page of nodes then too.
    ///
    /// # Safety
    /// As for the functions of [`raw`]; the block exists.
    pub unsafe fn pin(&mut self, relation: pg_sys::Relation, block: u32) -> (pg_sys::Buffer, bool) {
        let position = block as usize;
        // A block beyond the end, which only a damaged link leads to, gets no place: reading it is an error.
        if position >= self.buffers.len() && block < super::pages::block_count(relation) {
            self.buffers.resize((position + 1).next_power_of_two(), 0);
        }
        let hint = self.buffers.get(position).copied().unwrap_or(0);
        // SAFETY: the caller's promise.
        unsafe {
            if hint != 0 && pin_again(relation, block, hint.abs()) {
                return (hint.abs(), hint > 0);
            }
            let buffer = raw::ReadBufferExtended(
                relation,
                pg_sys::ForkNumber::MAIN_FORKNUM,
                block,
                pg_sys::ReadBufferMode::RBM_NORMAL,
                std::ptr::null_mut(),
            );
            if let Some(place) = self.buffers.get_mut(position) {
                // Those of temporary tables are negative.
                *place = if buffer > 0 { -buffer } else { 0 };
            }
            (buffer, false)
        }
    }

    /// Notes that the page of a block was seen to hold nodes.
    pub fn holds_nodes(&mut self, block: u32) {
        if let Some(place) = self.buffers.get_mut(block as usize) {
            *place = place.abs();
        }
    }

    /// Asks the processor for the edges of a node.
    pub fn prefetch_links(&self, layout: &Layout, node: Link) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let hint = self.buffers.get(layout.block(node.id) as usize).copied().unwrap_or(0);
            if hint == 0 {
                return;
            }
            let start = (hint.unsigned_abs() as usize - 1) * PAGE_SIZE + layout.offset(node.id);
            for line in (NODE_HEADER + layout.dimensions..layout.stride).step_by(64) {
                // SAFETY: as in `prefetch`.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(pg_sys::BufferBlocks.wrapping_add(start + line).cast()) }
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (layout, node);
    }

    /// Asks the processor for the buffer descriptor and the first lines of a node.
    #[inline]
    pub fn prefetch(&self, layout: &Layout, link: Link) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let hint = self.buffers.get(layout.block(link.id) as usize).copied().unwrap_or(0);
            if hint == 0 {
                return;
            }
            let lines = (NODE_HEADER + layout.dimensions).div_ceil(64).min(PREFETCHED_LINES);
            // SAFETY: a prefetch reads nothing and never faults; the addresses are within the shared buffers.
            unsafe {
                let position = hint.unsigned_abs() as usize - 1;
                _mm_prefetch::<_MM_HINT_T0>(pg_sys::BufferDescriptors.wrapping_add(position).cast());
                let page = pg_sys::BufferBlocks.wrapping_add(position * PAGE_SIZE);
                let node = page.wrapping_add(layout.offset(link.id));
                for line in 0..lines {
                    _mm_prefetch::<_MM_HINT_T0>(node.wrapping_add(64 * line).cast());
                }
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (layout, link, NODE_HEADER, PAGE_SIZE);
    }
}

impl Drop for Hints {
    fn drop(&mut self) {
        give_back(&INDEXES, self.file, std::mem::take(&mut self.buffers));
    }
}

/// A page of a table and the buffer that it was in; 0 where nothing is known.
#[derive(Clone, Copy, Default)]
struct Page {
    block: u32,
    buffer: pg_sys::Buffer,
}

/// The hints of one table of PostgreSQL's own kind, taken from the backend's cache and given back when dropped.
pub struct TableHints {
    file: File,
    /// A page's place is its number modulo [`PAGES`], so that a large table takes no more memory.
    pages: Vec<Page>,
}

impl TableHints {
    /// The hints that the backend has for a table; None where it is of another table access method, whose fetches are not known.
    pub fn of(table: pg_sys::Relation) -> Option<TableHints> {
        // SAFETY: the relation is open.
        if unsafe { (*table).rd_tableam != pg_sys::GetHeapamTableAmRoutine() } {
            return None;
        }
        let file = file_of(table);
        let mut pages: Vec<Page> = take(&TABLES, file);
        if pages.is_empty() {
            pages = vec![Page::default(); PAGES];
        }
        Some(TableHints { file, pages })
    }

    fn hint(&self, block: u32) -> Option<pg_sys::Buffer> {
        let page = self.pages.get(block as usize % PAGES)?;
        (page.block == block && page.buffer != 0).then_some(page.buffer)
    }

    /// Hands the page of `block` to a fetch, if it is where it was last: the fetch then need not look it up.
    ///
    /// # Safety
    /// As for the functions of [`raw`]; `fetch` is one of `table`.
    pub unsafe fn enter(&self, table: pg_sys::Relation, fetch: *mut pg_sys::IndexFetchTableData, block: u32) {
        let Some(hint) = self.hint(block) else { return };
        // SAFETY: the fetch of a heap table is of this type. It holds at most one page, which is released for the new one.
        unsafe {
            let held = &mut (*fetch.cast::<pg_sys::IndexFetchHeapData>()).xs_cbuf;
            if *held != hint && pin_again(table, block, hint) {
                if *held != 0 {
                    raw::ReleaseBuffer(*held);
                }
                *held = hint;
                // As the fetch does with a page that it looked up.
                raw::heap_page_prune_opt(table, hint);
            }
        }
    }

    /// Notes where a fetch found the page of `block`.
    ///
    /// # Safety
    /// `fetch` is one of the table and has fetched from that page last.
    pub unsafe fn note(&mut self, fetch: *mut pg_sys::IndexFetchTableData, block: u32) {
        // SAFETY: as in `enter`.
        let buffer = unsafe { (*fetch.cast::<pg_sys::IndexFetchHeapData>()).xs_cbuf };
        // Those of temporary tables are negative.
        if buffer > 0
            && let Some(place) = self.pages.get_mut(block as usize % PAGES)
        {
            *place = Page { block, buffer };
        }
    }

    /// Asks the processor for the buffer descriptor of a row's page and for its line pointer.
    pub fn prefetch_page(&self, row: HeapTid) {
        #[cfg(target_arch = "x86_64")]
        if let Some(hint) = self.hint(row.block) {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: as in `Hints::prefetch`.
            unsafe {
                let position = hint as usize - 1;
                let page = pg_sys::BufferBlocks.wrapping_add(position * PAGE_SIZE);
                _mm_prefetch::<_MM_HINT_T0>(pg_sys::BufferDescriptors.wrapping_add(position).cast());
                _mm_prefetch::<_MM_HINT_T0>(page.cast());
                _mm_prefetch::<_MM_HINT_T0>(page.wrapping_add(line_pointer(row)).cast());
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = row;
    }

    /// Asks the processor for a row whose page was asked for before.
    pub fn prefetch_row(&self, row: HeapTid) {
        #[cfg(target_arch = "x86_64")]
        if let Some(hint) = self.hint(row.block) {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: as in `Hints::prefetch`; the line pointer lies within the page. Nobody keeps others from changing it, or from taking
            // the buffer for another page: whatever it says, nothing but a prefetch within the page comes of it.
            unsafe {
                let page = pg_sys::BufferBlocks.wrapping_add((hint as usize - 1) * PAGE_SIZE);
                let pointer = std::ptr::read_volatile(page.wrapping_add(line_pointer(row)).cast::<u32>());
                let (start, length) = ((pointer & 0x7fff) as usize, (pointer >> 17) as usize);
                for line in (start..PAGE_SIZE.min(start + length)).step_by(64).take(ROW_LINES) {
                    _mm_prefetch::<_MM_HINT_T0>(page.wrapping_add(line).cast());
                }
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = row;
    }
}

/// Where the line pointer of a row lies in its page.
#[cfg(target_arch = "x86_64")]
fn line_pointer(row: HeapTid) -> usize {
    const SIZE: usize = size_of::<pg_sys::ItemIdData>();
    let first = std::mem::offset_of!(pg_sys::PageHeaderData, pd_linp);
    (first + usize::from(row.offset).saturating_sub(1) * SIZE).min(PAGE_SIZE - SIZE)
}

impl Drop for TableHints {
    fn drop(&mut self) {
        give_back(&TABLES, self.file, std::mem::take(&mut self.pages));
    }
}
