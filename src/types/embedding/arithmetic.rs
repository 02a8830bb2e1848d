//! Norm and number of dimensions.

use super::Embedding;
use pgrx::prelude::*;

/// The number of dimensions.
#[pg_extern]
fn embedding_dims(embedding: Embedding) -> i32 {
    embedding.dimensions() as i32
}

/// The Euclidean norm, summed in float8.
#[pg_extern]
fn embedding_norm(embedding: Embedding) -> f64 {
    embedding.as_slice().iter().map(|element| f64::from(*element) * f64::from(*element)).sum::<f64>().sqrt()
}
