//! Embedding models: which one is in use, texts to vectors, the table of a model's vectors.
//!
//! Texts are embedded (`engine`) by the shared pool (`pool`) where the server preloads the extension. Elsewhere the
//! backend does it: it loads a model when it first needs it and keeps it until it ends (`session`). The registry
//! (`registry`, read by `registered`) is the table sutra.model: it holds what the vectors of a model were made with, and
//! a model whose files have changed since is refused. The vectors of a model are in an ordinary table of its own
//! (`vector_table`), which is made when the model is first used.

mod cache;
mod engine;
mod failure;
mod known;
mod pool;
mod registered;
mod registry;
mod session;
mod sql;
mod statistics;
mod vector_table;

pub use engine::{cache_bytes, embed_passages, embed_query};
pub use pool::init;
pub use registry::{
    ActiveModel, active, active_for_learning, check_name, file_sizes, lock_out_learners, make_active, named,
};
pub use vector_table::ensure_vector_table;
