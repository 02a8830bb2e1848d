//! What the kinds of jobs do.

use super::store::Job;
use std::time::Duration;

/// What one batch did.
pub struct Batch {
    /// Rows done.
    pub done: i64,
    /// Rows given up.
    pub failed: i64,
    /// What comes after it.
    pub next: Next,
}

/// What comes after a batch.
pub enum Next {
    /// Another batch.
    Now,
    /// Another batch, but not before this time: rows wait for it, or another worker has them.
    Later(Duration),
    /// Nothing: all rows are done or given up.
    Nothing,
}

/// A kind of job. Its functions run in a transaction that the runner commits, with the rights of the worker's session:
/// they take other rights with [`crate::owner::AsRole`]. An ERROR that they raise rolls the batch back; it is tried
/// again after 1, 2 and 4 seconds, then the job is paused.
pub struct Kind {
    /// Its name in sutra.job.
    pub name: &'static str,
    /// Does a batch of some seconds at most.
    pub batch: fn(&Job) -> Batch,
    /// Whether rows wait that were put back after a batch had found none.
    pub has_rows: fn(&Job) -> bool,
    /// Removes what is left to do of a job that was cancelled, and waits for nobody; may be called again.
    pub cancel: fn(&Job),
    /// Then ends properly what was done, for some seconds at most; says whether that is all, and may be called again. It may
    /// wait for workers, so nobody calls it who holds the row of the job while there are any.
    pub close: fn(&Job) -> Next,
    /// Runs in the transaction that ends a job of which everything is done.
    pub finish: fn(&Job),
}

/// Every kind there is.
static KINDS: [&Kind; 2] = [&crate::learn::inbox::KIND, &crate::learn::reembed::KIND];

/// The kind of that name.
pub fn of(name: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| kind.name == name)
}
