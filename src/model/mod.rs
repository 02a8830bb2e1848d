//! Embedding models: which one is in use, texts to vectors in this backend, the table of a model's vectors.
//!
//! A model is loaded when a backend first needs it and kept until the backend ends (`session`). The registry
//! (`registry`) is the table sutra.model: it holds what the vectors of a model were made with, and a model whose files
//! have changed since is refused. The vectors of a model are in an ordinary table of its own (`vector_table`), which is
//! made when the model is first used.

mod cache;
mod failure;
mod registry;
mod session;
mod sql;
mod vector_table;

pub use registry::{ActiveModel, active};
pub use session::{embed_passages, embed_query};
pub use vector_table::ensure_vector_table;
