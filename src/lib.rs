//! Sutra: a PostgreSQL extension that learns text with metadata and answers questions from it.
//!
//! This file is the table of contents. What touches PostgreSQL is under `src/`, what does not is under `crates/`.

use pgrx::prelude::*;

mod ask;
mod catalog;
mod error;
mod graph;
mod index;
mod jobs;
mod learn;
mod model;
mod observe;
mod owner;
mod prepared;
mod search;
mod settings;
mod types;

::pgrx::pg_module_magic!(name, version);

/// Called once when a process loads the library.
#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    error::init();
    settings::init();
    index::init();
    jobs::init();
    model::init();
    observe::init();
}
