//! Counters of what was done: in shared memory, of all sessions since the server started or recovered, or of this session.
//!
//! Shared they are where the library is preloaded, and on PostgreSQL 17 and later always. They are atomic numbers that are
//! only added to, so no lock is needed; a transaction that rolls back takes nothing of them back.

use pgrx::prelude::*;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const NAME: &std::ffi::CStr = c"sutra counters";

/// Upper bounds of the classes of latency, in seconds; beyond the last there is one more class.
pub const LATENCIES: [f64; 11] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0];
/// Classes of confidence: tenths.
pub const CONFIDENCES: usize = 10;

/// Calls of one sort, with their latencies.
#[repr(C)]
pub struct Calls {
    /// Calls that came to their end.
    pub calls: AtomicU64,
    /// Calls that ended with an ERROR.
    pub errors: AtomicU64,
    /// Microseconds of the former.
    pub microseconds: AtomicU64,
    /// How many took how long.
    pub latencies: [AtomicU64; LATENCIES.len() + 1],
}

/// Everything that is counted.
#[repr(C)]
pub struct Counters {
    /// Calls of learning.
    pub learn: Calls,
    /// Statements that they learned.
    pub statements: AtomicU64,
    /// Calls of forgetting, and concepts forgotten.
    pub forget: Calls,
    /// Statements that they forgot.
    pub forgotten: AtomicU64,
    /// Calls of sutra_ask.
    pub ask: Calls,
    /// Its answers by kind: computed, statement, path, abstention.
    pub answers: [AtomicU64; 4],
    /// The confidence of its first rows, abstentions not counted, by tenths.
    pub confidences: [AtomicU64; CONFIDENCES],
    /// Calls of sutra_search.
    pub search: Calls,
    /// Batches of jobs.
    pub batches: AtomicU64,
}

impl Calls {
    const fn none() -> Self {
        Calls {
            calls: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            microseconds: AtomicU64::new(0),
            latencies: [const { AtomicU64::new(0) }; LATENCIES.len() + 1],
        }
    }
}

static SESSION: Counters = Counters {
    learn: Calls::none(),
    statements: AtomicU64::new(0),
    forget: Calls::none(),
    forgotten: AtomicU64::new(0),
    ask: Calls::none(),
    answers: [const { AtomicU64::new(0) }; 4],
    confidences: [const { AtomicU64::new(0) }; CONFIDENCES],
    search: Calls::none(),
    batches: AtomicU64::new(0),
};
static SHARED: AtomicPtr<Counters> = AtomicPtr::new(std::ptr::null_mut());

/// The counters, and whose they are: server or session.
pub fn get() -> (&'static Counters, &'static str) {
    let shared = match SHARED.load(Ordering::Relaxed) {
        shared if shared.is_null() => attach(),
        shared => shared,
    };
    // SAFETY: shared memory, once found, stays where it is until the process ends, and all of it is atomic numbers.
    match unsafe { shared.as_ref() } {
        Some(counters) => (counters, "server"),
        None => (&SESSION, "session"),
    }
}

/// Bytes of shared memory.
pub const SIZE: usize = size_of::<Counters>();

/// Finds or makes the shared counters of a server that did not preload the library.
#[cfg(any(feature = "pg17", feature = "pg18"))]
fn attach() -> *mut Counters {
    #[pg_guard]
    unsafe extern "C-unwind" fn clear(memory: *mut std::ffi::c_void) {
        // SAFETY: the segment has this size; zeros are the counters of nothing.
        unsafe { memory.cast::<u8>().write_bytes(0, SIZE) };
    }
    let mut found = false;
    // SAFETY: the registry of the server makes one segment of a name and maps it for the life of this process.
    let counters = unsafe { pg_sys::GetNamedDSMSegment(NAME.as_ptr(), SIZE, Some(clear), &mut found) }.cast();
    SHARED.store(counters, Ordering::Relaxed);
    counters
}

#[cfg(not(any(feature = "pg17", feature = "pg18")))]
fn attach() -> *mut Counters {
    std::ptr::null_mut()
}

/// Asks for shared memory while the server preloads the library.
pub fn init() {
    // SAFETY: hooks are chained in the postmaster, which has one thread; the former ones are kept and called.
    unsafe {
        if pg_sys::process_shared_preload_libraries_in_progress {
            FORMER_REQUEST = pg_sys::shmem_request_hook;
            pg_sys::shmem_request_hook = Some(request);
            FORMER_STARTUP = pg_sys::shmem_startup_hook;
            pg_sys::shmem_startup_hook = Some(startup);
        }
    }
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
        pg_sys::RequestAddinShmemSpace(SIZE);
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn startup() {
    // SAFETY: called by the postmaster once it has shared memory, and again after a crash with a new segment; what it
    // has made its children inherit.
    unsafe {
        if let Some(former) = FORMER_STARTUP {
            former();
        }
        let mut found = false;
        let counters = pg_sys::ShmemInitStruct(NAME.as_ptr(), SIZE, &mut found);
        if !found {
            counters.cast::<u8>().write_bytes(0, SIZE);
        }
        SHARED.store(counters.cast(), Ordering::Relaxed);
    }
}

/// Adds to a counter.
pub fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

/// Kinds of answers, as the first row of sutra_ask tells them.
pub const ANSWERS: [&str; 4] = ["computed", "statement", "path", "abstention"];

/// Counts an answer by its kind, and by its confidence if it is one.
pub fn answered(kind: &str, confidence: f64) {
    let (counters, _) = get();
    if let Some(place) = ANSWERS.iter().position(|name| *name == kind) {
        add(&counters.answers[place], 1);
    }
    if kind != "abstention" {
        let class = (confidence.clamp(0.0, 1.0) * CONFIDENCES as f64).ceil() as usize;
        add(&counters.confidences[class.saturating_sub(1).min(CONFIDENCES - 1)], 1);
    }
}

/// Counts a call: from its making to its end, or as one that failed when an ERROR drops it.
pub struct Timer {
    calls: &'static Calls,
    start: Instant,
}

impl Timer {
    /// Begins a call.
    pub fn start(calls: &'static Calls) -> Timer {
        Timer { calls, start: Instant::now() }
    }

    /// Ends it.
    pub fn end(self) -> Duration {
        let time = self.start.elapsed();
        let class = LATENCIES.iter().position(|bound| time.as_secs_f64() <= *bound).unwrap_or(LATENCIES.len());
        add(&self.calls.calls, 1);
        add(&self.calls.microseconds, time.as_micros() as u64);
        add(&self.calls.latencies[class], 1);
        std::mem::forget(self);
        time
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        add(&self.calls.errors, 1);
    }
}
