//! Sentence embedding: text to vectors by a tokenizer and an ONNX model, without PostgreSQL.
//!
//! A model is a folder with a [`Manifest`], a tokenizer and an ONNX file. [`Encoder::open`] checks all three against
//! each other and [`Encoder::encode`] turns texts into vectors. The vector of a text depends on the text and the model
//! alone: not on its neighbours in a batch, their order or the number of threads.
#![warn(missing_docs)]

mod batch;
mod encoder;
mod error;
mod failure;
pub mod helper;
mod manifest;
mod memory;
mod pooling;
mod prepared;
pub mod protocol;
pub mod queue;
mod runtime;
mod tokens;

pub use encoder::{Encoder, Purpose, Usage};
pub use error::EmbedderError;
pub use failure::{Failure, FailureKind};
pub use manifest::{Asset, Inputs, MANIFEST_FILE, Manifest, Pooling};
pub use runtime::{OLDEST_RUNTIME, runtime_version};
pub use tokens::readable_part;
