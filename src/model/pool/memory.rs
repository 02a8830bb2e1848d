//! The shared memory of the pool: its size, its layout, its lock, and who is woken when.
//!
//! One segment, made by the postmaster when it starts and made anew after a crash:
//!
//!     Header | WorkerEntry * workers | Slot * slots | link * blocks | block * blocks
//!
//! All but the blocks is read and written under the lock only. The blocks of a request belong to its owner or to its
//! worker, by the state of its slot, and are read and written without it.

use crate::settings;
use pgrx::prelude::*;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use sutra_embedder::queue::{BLOCK, Queue, Slot, TAKE_LIMIT, Totals};

const NAME: &std::ffi::CStr = c"sutra embedding pool";
const LOCK: &std::ffi::CStr = c"SutraEmbeddingPool";

/// Slots beyond one for each backend and those that a worker may still hold for backends that have left: for sessions
/// that have more than one request on its way.
const FURTHER_SLOTS: usize = 64;

/// Microseconds for which sessions wait for a pool without a worker: one that was ended is back in a second or two.
const PATIENCE: i64 = 10_000_000;

static SEGMENT: AtomicPtr<Header> = AtomicPtr::new(std::ptr::null_mut());
static WORKERS: AtomicUsize = AtomicUsize::new(0);

/// What a worker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum WorkerState {
    /// There is no process.
    Absent,
    /// It has a helper, or is starting one.
    Present,
    /// Its helper cannot be started.
    Down,
}

/// What is known of a worker.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct WorkerEntry {
    pub state: WorkerState,
    /// Number of its process, to wake it.
    pub process: i32,
    /// Whether it sleeps until it is woken.
    pub idle: bool,
}

/// What the pool has done since the server started or recovered.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct Counters {
    pub requests: u64,
    pub texts: u64,
    pub tokens: u64,
    pub batches: u64,
    pub nanoseconds: u64,
    pub restarts: u64,
}

#[repr(C)]
struct Header {
    slots: usize,
    blocks: usize,
    workers: usize,
    totals: Totals,
    counters: Counters,
    /// Since when there is no worker, as a timestamp; meaningless while there is one.
    absent_since: i64,
}

/// What `sutra.embedding_stats` shows of the pool.
pub struct PoolStatistics {
    pub counters: Counters,
    pub depth: i64,
    pub workers: i32,
}

/// Asks for the shared memory and the workers; called from `_PG_init`, and does nothing unless the library is preloaded.
pub fn init() {
    // SAFETY: both are set before libraries are preloaded.
    let preloading = unsafe { pg_sys::process_shared_preload_libraries_in_progress && !pg_sys::IsBinaryUpgrade };
    let workers = settings::EMBEDDING_WORKERS.get().max(0) as usize;
    if !preloading || workers == 0 {
        return;
    }
    WORKERS.store(workers, Ordering::Relaxed);
    // SAFETY: hooks are chained in the postmaster, which has one thread; the former ones are kept and called.
    unsafe {
        FORMER_REQUEST = pg_sys::shmem_request_hook;
        pg_sys::shmem_request_hook = Some(request);
        FORMER_STARTUP = pg_sys::shmem_startup_hook;
        pg_sys::shmem_startup_hook = Some(startup);
    }
    (0..workers).for_each(super::worker::register);
}

static mut FORMER_REQUEST: pg_sys::shmem_request_hook_type = None;
static mut FORMER_STARTUP: pg_sys::shmem_startup_hook_type = None;

#[pg_guard]
unsafe extern "C-unwind" fn request() {
    // SAFETY: called by the postmaster at the one moment at which shared memory may be asked for.
    unsafe {
        if let Some(former) = FORMER_REQUEST {
            former();
        }
        pg_sys::RequestAddinShmemSpace(Layout::get().size());
        pg_sys::RequestNamedLWLockTranche(LOCK.as_ptr(), 1);
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn startup() {
    // SAFETY: called by the postmaster once it has shared memory, and again after a crash with a new segment.
    unsafe {
        if let Some(former) = FORMER_STARTUP {
            former();
        }
        let layout = Layout::get();
        // No lock: the processes of the server inherit what the postmaster has made before it starts them.
        let mut found = false;
        let header = pg_sys::ShmemInitStruct(NAME.as_ptr(), layout.size(), &mut found).cast::<Header>();
        if !found {
            header.write(Header {
                slots: layout.slots,
                blocks: layout.blocks,
                workers: layout.workers,
                totals: Totals::new(),
                counters: Counters::default(),
                absent_since: pg_sys::GetCurrentTimestamp(),
            });
            let memory = Memory(header);
            for worker in 0..layout.workers {
                let entry = WorkerEntry { state: WorkerState::Absent, process: 0, idle: false };
                memory.workers().add(worker).write(entry);
            }
            (0..layout.slots).for_each(|slot| memory.slots().add(slot).write(Slot::new()));
            memory.links().write_bytes(0, layout.blocks);
            memory.queue(|queue| queue.reset());
        }
        SEGMENT.store(header, Ordering::Relaxed);
    }
}

/// How much of everything there is.
struct Layout {
    workers: usize,
    slots: usize,
    blocks: usize,
}

impl Layout {
    fn get() -> Self {
        let workers = WORKERS.load(Ordering::Relaxed);
        // SAFETY: it is set before shared memory is asked for.
        let backends = unsafe { pg_sys::MaxBackends }.max(0) as usize;
        Self {
            workers,
            slots: backends + workers * TAKE_LIMIT + FURTHER_SLOTS,
            blocks: settings::EMBEDDING_QUEUE_SIZE.get().max(0) as usize * 1024 / BLOCK,
        }
    }

    fn size(&self) -> usize {
        offset_of_blocks(self.workers, self.slots, self.blocks) + self.blocks * BLOCK
    }
}

const fn offset_of_workers() -> usize {
    size_of::<Header>().next_multiple_of(64)
}

const fn offset_of_slots(workers: usize) -> usize {
    (offset_of_workers() + workers * size_of::<WorkerEntry>()).next_multiple_of(64)
}

const fn offset_of_links(workers: usize, slots: usize) -> usize {
    (offset_of_slots(workers) + slots * size_of::<Slot>()).next_multiple_of(64)
}

const fn offset_of_blocks(workers: usize, slots: usize, blocks: usize) -> usize {
    (offset_of_links(workers, slots) + blocks * size_of::<u32>()).next_multiple_of(64)
}

/// The pool's shared memory.
#[derive(Clone, Copy)]
pub struct Memory(*mut Header);

impl Memory {
    /// `None` in a server that has no pool.
    pub fn get() -> Option<Self> {
        let header = SEGMENT.load(Ordering::Relaxed);
        (!header.is_null()).then_some(Self(header))
    }

    /// Takes the lock.
    pub fn lock(self) -> Locked {
        // SAFETY: the tranche was asked for together with the memory.
        unsafe { pg_sys::LWLockAcquire(lock(), pg_sys::LWLockMode::LW_EXCLUSIVE) };
        Locked(self)
    }

    /// Bytes of all blocks.
    pub fn capacity(self) -> usize {
        // SAFETY: the header's sizes do not change once it is made.
        unsafe { (*self.0).blocks * BLOCK }
    }

    /// Slots that are kept for the first request of each backend.
    pub fn backend_count(self) -> usize {
        // SAFETY: as above.
        unsafe { (*self.0).slots - (*self.0).workers * TAKE_LIMIT - FURTHER_SLOTS }
    }

    /// Number of workers that the server was started with.
    pub fn worker_count(self) -> usize {
        // SAFETY: as above.
        unsafe { (*self.0).workers }
    }

    /// Writes bytes to a chain that this process holds, from `offset` on.
    pub fn write(self, first_block: u32, offset: usize, bytes: &[u8]) {
        let mut done = 0;
        self.walk(first_block, offset, bytes.len(), |place, count| {
            // SAFETY: `walk` hands out places inside the blocks of the chain, which is this process's own by its state.
            unsafe { place.copy_from_nonoverlapping(bytes[done..].as_ptr(), count) };
            done += count;
        });
    }

    /// Reads `count` bytes of a chain that this process holds, from `offset` on.
    pub fn read(self, first_block: u32, offset: usize, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count);
        self.walk(first_block, offset, count, |place, count| {
            // SAFETY: as in `write`; blocks are bytes, and were cleared when the segment was made or written since.
            bytes.extend_from_slice(unsafe { std::slice::from_raw_parts(place, count) });
        });
        bytes
    }

    /// Calls `part` with the place and the length of each part of a chain.
    fn walk(self, first_block: u32, offset: usize, count: usize, mut part: impl FnMut(*mut u8, usize)) {
        // SAFETY: the links of a chain change only when it is given away, which its holder does.
        let link = |block: usize| unsafe { self.links().add(block).read() } as usize;
        let mut block = first_block as usize;
        (0..offset / BLOCK).for_each(|_| block = link(block));
        let (mut within, mut left) = (offset % BLOCK, count);
        while left > 0 {
            let here = left.min(BLOCK - within);
            // SAFETY: the block is one of the chain, so it is inside the segment.
            part(unsafe { self.blocks().add(block * BLOCK + within) }, here);
            left -= here;
            within = 0;
            if left > 0 {
                block = link(block);
            }
        }
    }

    fn base(self) -> *mut u8 {
        self.0.cast()
    }

    fn workers(self) -> *mut WorkerEntry {
        // SAFETY: inside the segment, aligned to 64; so are the next three.
        unsafe { self.base().add(offset_of_workers()).cast() }
    }

    fn slots(self) -> *mut Slot {
        // SAFETY: see `workers`.
        unsafe { self.base().add(offset_of_slots((*self.0).workers)).cast() }
    }

    fn links(self) -> *mut u32 {
        // SAFETY: see `workers`.
        unsafe { self.base().add(offset_of_links((*self.0).workers, (*self.0).slots)).cast() }
    }

    fn blocks(self) -> *mut u8 {
        // SAFETY: see `workers`.
        unsafe { self.base().add(offset_of_blocks((*self.0).workers, (*self.0).slots, (*self.0).blocks)) }
    }

    fn queue<T>(self, run: impl FnOnce(&mut Queue) -> T) -> T {
        // SAFETY: the caller holds the lock, or is alone with the segment while it is made, and the slices are gone
        // when this returns. They do not overlap.
        unsafe {
            let slots = std::slice::from_raw_parts_mut(self.slots(), (*self.0).slots);
            let links = std::slice::from_raw_parts_mut(self.links(), (*self.0).blocks);
            run(&mut Queue::new(&mut (*self.0).totals, slots, links, &mut wake))
        }
    }
}

fn lock() -> *mut pg_sys::LWLock {
    // SAFETY: the tranche exists since the server started; the array has one lock.
    unsafe { &raw mut (*pg_sys::GetNamedLWLockTranche(LOCK.as_ptr())).lock }
}

/// The memory while its lock is held.
pub struct Locked(Memory);

impl Locked {
    /// The queue.
    pub fn queue<T>(&mut self, run: impl FnOnce(&mut Queue) -> T) -> T {
        self.0.queue(run)
    }

    /// The workers.
    pub fn workers(&mut self) -> &mut [WorkerEntry] {
        // SAFETY: the lock is held, and the borrow ends before it is released.
        unsafe { std::slice::from_raw_parts_mut(self.0.workers(), (*self.0.0).workers) }
    }

    /// The counters.
    pub fn counters(&mut self) -> &mut Counters {
        // SAFETY: as above.
        unsafe { &mut (*self.0.0).counters }
    }

    /// Wakes a worker that sleeps, if one does.
    pub fn wake_worker(&mut self) {
        if let Some(entry) = self.workers().iter_mut().find(|entry| entry.idle) {
            entry.idle = false;
            wake(entry.process);
        }
    }

    /// Records what a worker is doing.
    pub fn set_worker(&mut self, worker: usize, state: WorkerState) {
        self.workers()[worker] = WorkerEntry { state, process: own_number(), idle: false };
        if self.workers().iter().all(|entry| entry.state == WorkerState::Absent) {
            // SAFETY: GetCurrentTimestamp reads the clock; the header is written under the lock.
            unsafe { (*self.0.0).absent_since = pg_sys::GetCurrentTimestamp() };
        }
    }

    /// Whether a request will be answered.
    pub fn is_usable(&mut self) -> bool {
        let workers = self.workers();
        if workers.iter().any(|entry| entry.state == WorkerState::Present) {
            return true;
        }
        if workers.iter().any(|entry| entry.state == WorkerState::Down) {
            return false;
        }
        // SAFETY: as above.
        unsafe { pg_sys::GetCurrentTimestamp() - (*self.0.0).absent_since < PATIENCE }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // SAFETY: it was taken when this value was made.
        unsafe { pg_sys::LWLockRelease(lock()) };
    }
}

/// Number of this process among all PostgreSQL processes of the server.
pub fn own_number() -> i32 {
    // SAFETY: a process that gets here has a PGPROC, which is one of the array's.
    unsafe { pg_sys::MyProc.offset_from((*pg_sys::ProcGlobal).allProcs) as i32 }
}

/// Wakes the process of that number, or one that has got the number since: a latch that is set without a reason is
/// something every process is prepared for.
fn wake(process: i32) {
    // SAFETY: the number came from `own_number` of a process of this server; the array lives as long as the server.
    unsafe { pg_sys::SetLatch(&raw mut (*(*pg_sys::ProcGlobal).allProcs.add(process as usize)).procLatch) };
}

/// Whether this server has a pool that answers.
pub fn is_usable() -> bool {
    Memory::get().is_some_and(|memory| memory.lock().is_usable())
}

/// What the pool has done; `None` in a server without one.
pub fn statistics() -> Option<PoolStatistics> {
    let mut locked = Memory::get()?.lock();
    let depth = locked.queue(|queue| queue.depth()) as i64;
    let workers = locked.workers().iter().filter(|entry| entry.state == WorkerState::Present).count() as i32;
    Some(PoolStatistics { counters: *locked.counters(), depth, workers })
}
