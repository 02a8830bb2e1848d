//! Distances: the functions behind `<->`, `<#>`, `<=>` and `<+>`, and the support functions of index operator classes.

use super::{Embedding, check_same_dimensions};
use pgrx::prelude::*;
use sutra_hnsw::kernels;

/// Euclidean distance.
#[pg_extern]
fn embedding_l2_distance(left: Embedding, right: Embedding) -> f64 {
    check_same_dimensions(&left, &right);
    f64::from(kernels::l2_squared(left.as_slice(), right.as_slice())).sqrt()
}

/// Squared Euclidean distance: the same order without the square root.
#[pg_extern]
fn embedding_l2_squared_distance(left: Embedding, right: Embedding) -> f64 {
    check_same_dimensions(&left, &right);
    f64::from(kernels::l2_squared(left.as_slice(), right.as_slice()))
}

/// Inner product.
#[pg_extern]
fn embedding_inner_product(left: Embedding, right: Embedding) -> f64 {
    check_same_dimensions(&left, &right);
    f64::from(kernels::inner_product(left.as_slice(), right.as_slice()))
}

/// Negative inner product, so that an ascending order puts the most similar first.
#[pg_extern]
fn embedding_negative_inner_product(left: Embedding, right: Embedding) -> f64 {
    check_same_dimensions(&left, &right);
    -f64::from(kernels::inner_product(left.as_slice(), right.as_slice()))
}

/// Cosine distance.
#[pg_extern]
fn embedding_cosine_distance(left: Embedding, right: Embedding) -> f64 {
    check_same_dimensions(&left, &right);
    kernels::cosine_distance(left.as_slice(), right.as_slice())
}

/// Taxicab distance.
#[pg_extern]
fn embedding_l1_distance(left: Embedding, right: Embedding) -> f64 {
    check_same_dimensions(&left, &right);
    f64::from(kernels::l1(left.as_slice(), right.as_slice()))
}
