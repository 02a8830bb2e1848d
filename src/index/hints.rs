//! Where pages were found last: a hint per block saves the look-up in the shared buffer table, and lets nodes be
//! fetched into the processor's cache before they are needed. A stale hint is only a miss.

use super::pages::raw;
use pgrx::pg_sys;
use std::cell::RefCell;
use sutra_hnsw::layout::{Layout, Link, NODE_HEADER, PAGE_SIZE};

/// A relation's file: tablespace, database, file number.
type File = (pg_sys::Oid, pg_sys::Oid, u32);

/// Indexes whose hints a backend keeps.
const KEPT: usize = 16;

/// Cache lines of a node that are prefetched at most: header and code of 992 dimensions. Measured with `make bench`'s data
/// at ef_search 80: all 7 lines of 384 dimensions instead of 4 take a third off a query, all 13 of 784 an eighth.
#[cfg(target_arch = "x86_64")]
const PREFETCHED_LINES: usize = 16;

thread_local! {
    static CACHE: RefCell<Vec<(File, Vec<pg_sys::Buffer>)>> = const { RefCell::new(Vec::new()) };
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
        let buffers = CACHE.with_borrow_mut(|cache| {
            let found = cache.iter().position(|(kept, _)| *kept == file);
            found.map(|position| cache.remove(position).1).unwrap_or_default()
        });
        Hints { file, buffers }
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
        // SAFETY: the caller's promise; a buffer number that once was valid stays in the range of valid ones.
        unsafe {
            #[cfg(feature = "pg15")]
            let file = (*relation).rd_node;
            #[cfg(not(feature = "pg15"))]
            let file = (*relation).rd_locator;
            if hint != 0 && raw::ReadRecentBuffer(file, pg_sys::ForkNumber::MAIN_FORKNUM, block, hint.abs()) {
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
        let entry = (self.file, std::mem::take(&mut self.buffers));
        // At the exit of the process the cache may be gone already.
        let _ = CACHE.try_with(|cache| {
            if let Ok(mut cache) = cache.try_borrow_mut() {
                cache.retain(|(file, _)| *file != entry.0);
                if cache.len() >= KEPT {
                    cache.remove(0);
                }
                cache.push(entry);
            }
        });
    }
}
