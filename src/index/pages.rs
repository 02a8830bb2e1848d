//! Buffers, locks and WAL records that release themselves.
//!
//! Guards do nothing while Rust unwinds: an ERROR is on its way, and the abort of the transaction releases pins, locks and the record.

use pgrx::pg_sys;
use sutra_hnsw::layout::{FIRST_SLOT, PAGE_SIZE, PageKind, SPECIAL, SPECIAL_SIZE};

const _: () = assert!(pg_sys::BLCKSZ as usize == PAGE_SIZE, "sutra_hnsw needs PostgreSQL's default block size");
const _: () = assert!(FIRST_SLOT >= size_of::<pg_sys::PageHeaderData>());

/// PostgreSQL's functions without pgrx's guard around each: they may be called only within [`guarded`].
pub mod raw {
    use pgrx::pg_sys::{Buffer, BufferAccessStrategy, ForkNumber, ReadBufferMode, Relation};
    unsafe extern "C-unwind" {
        pub fn ReadBufferExtended(
            relation: Relation,
            fork: ForkNumber::Type,
            block: u32,
            mode: ReadBufferMode::Type,
            strategy: BufferAccessStrategy,
        ) -> Buffer;
        #[cfg(feature = "pg15")]
        pub fn ReadRecentBuffer(
            node: pgrx::pg_sys::RelFileNode,
            fork: ForkNumber::Type,
            block: u32,
            recent: Buffer,
        ) -> bool;
        #[cfg(not(feature = "pg15"))]
        pub fn ReadRecentBuffer(
            node: pgrx::pg_sys::RelFileLocator,
            fork: ForkNumber::Type,
            block: u32,
            recent: Buffer,
        ) -> bool;
        pub fn LockBuffer(buffer: Buffer, mode: core::ffi::c_int);
        pub fn UnlockReleaseBuffer(buffer: Buffer);
        pub fn ReleaseBuffer(buffer: Buffer);
        pub fn heap_page_prune_opt(relation: Relation, buffer: Buffer);
    }
}

/// Runs `body`, which may call functions of [`raw`]; an ERROR in it becomes a panic here.
///
/// # Safety
/// Nothing with a destructor may be alive inside `body` when it calls PostgreSQL.
pub unsafe fn guarded<R: Copy>(body: impl FnOnce() -> R) -> R {
    // SAFETY: the caller's promise is the one that the boundary asks for.
    unsafe { pg_sys::ffi::pg_guard_ffi_boundary(body) }
}

/// Lets a cancel or a shutdown through; no page lock may be held.
pub fn check_for_interrupts() {
    // SAFETY: reading the flag and calling ProcessInterrupts is what the macro of the same name does.
    unsafe {
        if pg_sys::InterruptPending != 0 {
            pg_sys::ProcessInterrupts();
        }
    }
}

/// The bytes of the page in a pinned buffer.
///
/// # Safety
/// The buffer is pinned and locked for as long as the slice lives.
pub unsafe fn page_of<'a>(buffer: pg_sys::Buffer) -> &'a [u8] {
    // SAFETY: a pinned buffer holds a page of BLCKSZ bytes.
    unsafe { std::slice::from_raw_parts(pg_sys::BufferGetPage(buffer).cast::<u8>(), PAGE_SIZE) }
}

struct Locked(pg_sys::Buffer);

impl Drop for Locked {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: the buffer is pinned and locked by the owner of the guard.
            unsafe { pg_sys::UnlockReleaseBuffer(self.0) }
        }
    }
}

fn lock(relation: pg_sys::Relation, block: u32, mode: u32, strategy: pg_sys::BufferAccessStrategy) -> Locked {
    // SAFETY: the relation is open; a block beyond its end is an ERROR, which leaves nothing to release.
    unsafe {
        let buffer = pg_sys::ReadBufferExtended(
            relation,
            pg_sys::ForkNumber::MAIN_FORKNUM,
            block,
            pg_sys::ReadBufferMode::RBM_NORMAL,
            strategy,
        );
        pg_sys::LockBuffer(buffer, mode as i32);
        Locked(buffer)
    }
}

/// Calls `body` with a page under a shared lock.
pub fn read<R>(
    relation: pg_sys::Relation,
    block: u32,
    strategy: pg_sys::BufferAccessStrategy,
    body: impl FnOnce(&[u8]) -> R,
) -> R {
    let locked = lock(relation, block, pg_sys::BUFFER_LOCK_SHARE, strategy);
    // SAFETY: pinned and locked until `locked` is dropped, after `body` has returned.
    body(unsafe { page_of(locked.0) })
}

/// Number of blocks of the main fork.
pub fn block_count(relation: pg_sys::Relation) -> u32 {
    // SAFETY: the relation is open.
    unsafe { pg_sys::RelationGetNumberOfBlocksInFork(relation, pg_sys::ForkNumber::MAIN_FORKNUM) }
}

/// How changed pages reach the WAL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logging {
    /// A generic WAL record for each change (nothing is written for unlogged and temporary tables).
    Record,
    /// None: a build logs all pages at its end.
    AtEnd,
}

/// A page that a change has locked: exclusively to change it, or shared so that nobody else does.
struct Held {
    block: u32,
    locked: Locked,
    bytes: *mut u8,
    writable: bool,
}

/// A change of up to four pages that happens as a whole or not at all.
pub struct Change {
    relation: pg_sys::Relation,
    state: *mut pg_sys::GenericXLogState,
    pages: Vec<Held>,
}

/// The most pages of one change.
pub const MAX_PAGES: usize = pg_sys::MAX_GENERIC_XLOG_PAGES as usize;

impl Change {
    /// Starts a change of `relation`.
    pub fn begin(relation: pg_sys::Relation, logging: Logging) -> Change {
        let state = match logging {
            // SAFETY: the relation is open; the state is finished or aborted by this guard.
            Logging::Record => unsafe { pg_sys::GenericXLogStart(relation) },
            Logging::AtEnd => std::ptr::null_mut(),
        };
        Change { relation, state, pages: Vec::with_capacity(MAX_PAGES) }
    }

    /// Locks a page; the caller goes in ascending block order. Returns the page's position.
    pub fn lock(&mut self, block: u32) -> usize {
        debug_assert!(self.pages.last().is_none_or(|last| last.block < block));
        self.lock_chained(block)
    }

    /// Locks a page that is looked at and not changed, in ascending block order like the others.
    pub fn lock_shared(&mut self, block: u32) {
        debug_assert!(self.pages.last().is_none_or(|last| last.block < block));
        let locked = lock(self.relation, block, pg_sys::BUFFER_LOCK_SHARE, std::ptr::null_mut());
        // SAFETY: the buffer is locked for as long as the change holds it.
        let bytes = unsafe { pg_sys::BufferGetPage(locked.0) }.cast();
        self.pages.push(Held { block, locked, bytes, writable: false });
    }

    /// Locks the page of a chain that is always locked after the pages already taken, whatever its block.
    pub fn lock_chained(&mut self, block: u32) -> usize {
        if self.holds(block) {
            // A process that asks for its own lock waits for ever.
            super::store::corrupt(self.relation, "Two parts of the index claim one page.")
        }
        let locked = lock(self.relation, block, pg_sys::BUFFER_LOCK_EXCLUSIVE, std::ptr::null_mut());
        self.register(block, locked)
    }

    /// Whether the change has locked `block`.
    pub fn holds(&self, block: u32) -> bool {
        self.position(block).is_some()
    }

    /// The position of a page that the change has locked.
    pub fn position(&self, block: u32) -> Option<usize> {
        self.pages.iter().position(|held| held.block == block)
    }

    fn register(&mut self, block: u32, locked: Locked) -> usize {
        // SAFETY: the buffer is exclusively locked, and stays so until the record is finished.
        let page: pg_sys::Page = unsafe {
            if self.state.is_null() {
                pg_sys::BufferGetPage(locked.0)
            } else {
                // With full_page_writes off a record of a page that replay has never seen has to hold the page.
                let new = is_new(page_of(locked.0));
                let flags = if new { pg_sys::GENERIC_XLOG_FULL_IMAGE as i32 } else { 0 };
                pg_sys::GenericXLogRegisterBuffer(self.state, locked.0, flags)
            }
        };
        self.pages.push(Held { block, locked, bytes: page.cast(), writable: true });
        self.pages.len() - 1
    }

    /// The bytes of a page, with the changes so far.
    pub fn page(&self, position: usize) -> &[u8] {
        // SAFETY: the pointer is to a whole page that nobody else can change.
        unsafe { std::slice::from_raw_parts(self.pages[position].bytes, PAGE_SIZE) }
    }

    /// The bytes of a page, to write.
    pub fn page_mut(&mut self, position: usize) -> &mut [u8] {
        let held = &self.pages[position];
        assert!(held.writable, "the page is locked to be read");
        // SAFETY: the page is locked exclusively, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(held.bytes, PAGE_SIZE) }
    }

    /// Makes a new page of `kind`.
    pub fn init(&mut self, position: usize, kind: PageKind) {
        let page = self.pages[position].bytes;
        // SAFETY: the page has BLCKSZ bytes and is ours alone.
        unsafe { init_page(page, kind) }
    }

    /// Writes the record and releases the pages.
    pub fn finish(mut self) {
        for position in 0..self.pages.len() {
            if self.pages[position].writable {
                cover(self.page_mut(position));
            }
        }
        // SAFETY: the pages are locked; a null state means that changes were made in place.
        unsafe {
            if self.state.is_null() {
                let written = self.pages.iter().filter(|held| held.writable);
                written.for_each(|held| pg_sys::MarkBufferDirty(held.locked.0));
            } else {
                pg_sys::GenericXLogFinish(self.state);
                self.state = std::ptr::null_mut();
            }
        }
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        if !self.state.is_null() && !std::thread::panicking() {
            // SAFETY: the state was started and not finished.
            unsafe { pg_sys::GenericXLogAbort(self.state) }
        }
    }
}

/// Initialises a page of `kind`.
///
/// # Safety
/// `page` points at BLCKSZ bytes that nobody else reads or writes.
pub unsafe fn init_page(page: *mut u8, kind: PageKind) {
    // SAFETY: see above.
    unsafe {
        pg_sys::PageInit(page.cast(), PAGE_SIZE, SPECIAL_SIZE);
        (*page.cast::<pg_sys::PageHeaderData>()).pd_lower = FIRST_SLOT as u16;
        kind.stamp(std::slice::from_raw_parts_mut(page, PAGE_SIZE));
    }
}

/// Raises pd_lower behind the last byte of the slots that is not zero: WAL records take what lies between pd_lower and pd_upper for zeros. It
/// grows with the page, because a record holds all of what it is raised over.
fn cover(page: &mut [u8]) {
    if is_new(page) {
        return;
    }
    let lower = usize::from(u16::from_ne_bytes([page[12], page[13]])).clamp(FIRST_SLOT, SPECIAL);
    if let Some(last) = page[lower..SPECIAL].iter().rposition(|byte| *byte != 0) {
        page[12..14].copy_from_slice(&((lower + last + 1) as u16).to_ne_bytes());
    }
}

/// Whether a page was never initialised.
pub fn is_new(page: &[u8]) -> bool {
    // pd_upper is 0 only in a page of zeros.
    page[14] == 0 && page[15] == 0
}

/// Adds an empty block to a fork and returns its number; `init` makes its content, unlogged.
pub fn extend(relation: pg_sys::Relation, fork: pg_sys::ForkNumber::Type, init: impl FnOnce(*mut u8)) -> u32 {
    // SAFETY: the extension lock is held while the block is added, and released before anything else is locked.
    unsafe {
        pg_sys::LockRelationForExtension(relation, pg_sys::ExclusiveLock as i32);
        let buffer = pg_sys::ReadBufferExtended(
            relation,
            fork,
            pg_sys::InvalidBlockNumber,
            pg_sys::ReadBufferMode::RBM_NORMAL,
            std::ptr::null_mut(),
        );
        pg_sys::LockBuffer(buffer, pg_sys::BUFFER_LOCK_EXCLUSIVE as i32);
        pg_sys::UnlockRelationForExtension(relation, pg_sys::ExclusiveLock as i32);
        let locked = Locked(buffer);
        let page = pg_sys::BufferGetPage(buffer).cast::<u8>();
        init(page);
        cover(std::slice::from_raw_parts_mut(page, PAGE_SIZE));
        pg_sys::MarkBufferDirty(buffer);
        let block = pg_sys::BufferGetBlockNumber(buffer);
        drop(locked);
        block
    }
}

/// Name of a relation, for messages.
pub fn name(relation: pg_sys::Relation) -> String {
    // SAFETY: rd_rel is set for an open relation, and a name is NUL-terminated.
    unsafe { std::ffi::CStr::from_ptr((*(*relation).rd_rel).relname.data.as_ptr()).to_string_lossy().into_owned() }
}
