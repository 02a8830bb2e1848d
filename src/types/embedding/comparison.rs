//! Order and hash. As for arrays, elements are compared before lengths, so a prefix comes first.

use super::Embedding;
use crate::types::hash;
use pgrx::prelude::*;
use std::borrow::Cow;
use std::cmp::Ordering;

fn compare(left: &Embedding, right: &Embedding) -> Ordering {
    let (left, right) = (left.as_slice(), right.as_slice());
    // Elements are never NaN, so two of them are always comparable; -0 equals 0.
    left.iter()
        .zip(right)
        .map(|(x, y)| x.partial_cmp(y).unwrap_or(Ordering::Equal))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| left.len().cmp(&right.len()))
}

#[pg_extern]
fn embedding_lt(left: Embedding, right: Embedding) -> bool {
    compare(&left, &right).is_lt()
}

#[pg_extern]
fn embedding_le(left: Embedding, right: Embedding) -> bool {
    compare(&left, &right).is_le()
}

#[pg_extern]
fn embedding_eq(left: Embedding, right: Embedding) -> bool {
    left.as_slice() == right.as_slice()
}

#[pg_extern]
fn embedding_ne(left: Embedding, right: Embedding) -> bool {
    left.as_slice() != right.as_slice()
}

#[pg_extern]
fn embedding_ge(left: Embedding, right: Embedding) -> bool {
    compare(&left, &right).is_ge()
}

#[pg_extern]
fn embedding_gt(left: Embedding, right: Embedding) -> bool {
    compare(&left, &right).is_gt()
}

#[pg_extern]
fn embedding_cmp(left: Embedding, right: Embedding) -> i32 {
    compare(&left, &right) as i32
}

#[pg_extern]
fn embedding_hash(embedding: Embedding) -> i32 {
    hash::bytes(bytes_of(&without_negative_zero(embedding.as_slice())))
}

#[pg_extern]
fn embedding_hash_extended(embedding: Embedding, seed: i64) -> i64 {
    hash::bytes_extended(bytes_of(&without_negative_zero(embedding.as_slice())), seed)
}

/// The elements with 0 for -0: equal values must have equal hashes.
fn without_negative_zero(elements: &[f32]) -> Cow<'_, [f32]> {
    if elements.iter().any(|element| element.to_bits() == (-0.0f32).to_bits()) {
        elements.iter().map(|element| element + 0.0).collect()
    } else {
        Cow::Borrowed(elements)
    }
}

fn bytes_of(elements: &[f32]) -> &[u8] {
    // SAFETY: float4 has no padding, and any byte is a valid u8.
    unsafe { std::slice::from_raw_parts(elements.as_ptr().cast(), size_of_val(elements)) }
}
