//! The access method `sutra_hnsw`, one file per phase. Layout, lock order and crash argument: docs/ACCESS_METHOD.md.

mod build;
mod cost;
mod counts;
mod fetch;
mod handler;
mod hints;
mod insert;
mod inspect;
mod options;
mod pages;
mod recall;
mod scan;
mod store;
mod sweep;
mod table;
mod vacuum;
mod value;
mod write;

/// Registers reloptions; called once from `_PG_init`.
pub fn init() {
    options::init();
}
