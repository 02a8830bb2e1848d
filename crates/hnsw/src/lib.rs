//! HNSW over pages: distance kernels, codes, page format, graph search, insert and repair.
//!
//! Nothing here knows PostgreSQL: nodes are read and written through [`search::Store`] and [`insert::StoreMut`].
//! `docs/ACCESS_METHOD.md` describes the format and why concurrent changes do no harm.

pub mod build;
pub mod code;
pub mod insert;
pub mod kernels;
pub mod layout;
#[cfg(test)]
mod memory;
pub mod record;
pub mod repair;
pub mod search;
