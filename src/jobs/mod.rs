//! Jobs: work that is done batch by batch, each batch a transaction, by background workers or in place.
//!
//! A job is a row of sutra.job. What a batch does is the matter of its kind (`kind`); when a batch runs, what is
//! counted and how a job ends is the matter of the runner (`run`), which a background worker (`worker`) and CALL
//! sutra_run_job (`procedure`) share. Everything that a batch does and that it is done are committed together, so a
//! crash loses nothing and repeats nothing.
//!
//! Workers of a new job start after the commit that made it (`launch`). With `shared_preload_libraries` a launcher
//! (`launcher`) also goes on with jobs whose workers are gone.

mod control;
pub mod failure;
mod kind;
mod launch;
mod launcher;
mod procedure;
pub mod rights;
mod run;
mod store;
mod worker;

pub use kind::{Batch, Kind, Next};
pub use launch::{after_commit, check_workers};
pub use store::{Job, NewJob, create, set_total};

/// Registers the launcher where the library is preloaded; called once from `_PG_init`.
pub fn init() {
    launcher::register();
}
