//! Counters of embedding, for `sutra.embedding_stats`.

use std::cell::Cell;
use sutra_embedder::Usage;

/// What this backend has embedded by itself, without the pool.
#[derive(Clone, Copy, Default)]
pub struct SessionStatistics {
    /// Calls of the engine.
    pub requests: u64,
    /// What the engine did.
    pub usage: Usage,
    /// Vectors that the cache had, whoever had made them.
    pub cached: u64,
}

thread_local! {
    static SESSION: Cell<SessionStatistics> = const {
        Cell::new(SessionStatistics {
            requests: 0,
            usage: Usage { texts: 0, tokens: 0, batches: 0, seconds: 0.0, tokenising: 0.0, running: 0.0 },
            cached: 0,
        })
    };
}

/// Counts a call of the engine in this backend.
pub fn count(usage: &Usage) {
    let mut session = SESSION.get();
    session.requests += 1;
    session.usage.texts += usage.texts;
    session.usage.tokens += usage.tokens;
    session.usage.batches += usage.batches;
    session.usage.seconds += usage.seconds;
    session.usage.tokenising += usage.tokenising;
    session.usage.running += usage.running;
    SESSION.set(session);
}

/// Counts a vector that the cache had.
pub fn count_cached() {
    let mut session = SESSION.get();
    session.cached += 1;
    SESSION.set(session);
}

/// The counters of this backend.
pub fn session() -> SessionStatistics {
    SESSION.get()
}
