//! What an operator looks at: whether it works (`health`), what it has done (`metrics`), what it takes (`memory`).
//!
//! Every row comes from work that was just done or from a counter that was read. The counters (`counters`) are those of the
//! server where there is shared memory for them, else those of the session, and a row says which.

pub mod counters;
mod health;
mod memory;
mod metrics;

/// Asks for the shared memory of the counters where the library is preloaded; called once from `_PG_init`.
pub fn init() {
    counters::init();
}
