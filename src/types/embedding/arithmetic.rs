//! Arithmetic element by element, norm, and parts of an embedding.

use super::{Embedding, check_dimensions, check_same_dimensions};
use crate::types::refusal::{Refusal, accept};
use pgrx::prelude::*;

/// The number of dimensions.
#[pg_extern]
fn embedding_dims(embedding: Embedding) -> i32 {
    embedding.dimensions() as i32
}

/// The Euclidean norm.
#[pg_extern]
fn embedding_norm(embedding: Embedding) -> f64 {
    norm(embedding.as_slice())
}

/// The Euclidean norm, summed in float8, where no float4 overflows. Independent sums keep the processor busy.
fn norm(elements: &[f32]) -> f64 {
    let square = |element: &f32| f64::from(*element) * f64::from(*element);
    let (blocks, rest) = elements.as_chunks::<8>();
    let mut sums = [0.0f64; 8];
    for block in blocks {
        sums.iter_mut().zip(block).for_each(|(sum, element)| *sum += square(element));
    }
    (sums.iter().sum::<f64>() + rest.iter().map(square).sum::<f64>()).sqrt()
}

/// The embedding of the same direction with norm 1; zero stays zero.
#[pg_extern]
fn embedding_l2_normalize(embedding: Embedding) -> Embedding {
    let norm = norm(embedding.as_slice());
    Embedding::filled(embedding.dimensions(), |target| {
        if norm > 0.0 {
            for (element, source) in target.iter_mut().zip(embedding.as_slice()) {
                *element = without_overflow((f64::from(*source) / norm) as f32);
            }
        }
    })
}

/// Applies `operation` to each pair of elements.
fn elementwise(left: &Embedding, right: &Embedding, operation: impl Fn(f32, f32) -> f32) -> Embedding {
    check_same_dimensions(left, right);
    Embedding::filled(left.dimensions(), |target| {
        for (element, (x, y)) in target.iter_mut().zip(left.as_slice().iter().zip(right.as_slice())) {
            *element = without_overflow(operation(*x, *y));
        }
    })
}

#[pg_extern]
fn embedding_add(left: Embedding, right: Embedding) -> Embedding {
    elementwise(&left, &right, |x, y| x + y)
}

#[pg_extern]
fn embedding_sub(left: Embedding, right: Embedding) -> Embedding {
    elementwise(&left, &right, |x, y| x - y)
}

#[pg_extern]
fn embedding_mul(left: Embedding, right: Embedding) -> Embedding {
    elementwise(&left, &right, |x, y| {
        let product = x * y;
        if product == 0.0 && x != 0.0 && y != 0.0 {
            out_of_range("value out of range: underflow");
        }
        product
    })
}

/// The result of float4 arithmetic, unless it overflowed.
pub fn without_overflow(value: f32) -> f32 {
    if value.is_infinite() {
        out_of_range("value out of range: overflow");
    }
    value
}

fn out_of_range(message: &str) -> ! {
    Refusal::new(PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, message).raise()
}

/// The elements of the first embedding followed by those of the second.
#[pg_extern]
fn embedding_concat(left: Embedding, right: Embedding) -> Embedding {
    let dimensions = left.dimensions() + right.dimensions();
    accept(check_dimensions(dimensions));
    Embedding::filled(dimensions, |target| {
        let (first, second) = target.split_at_mut(left.dimensions());
        first.copy_from_slice(left.as_slice());
        second.copy_from_slice(right.as_slice());
    })
}

/// `count` elements from the one at `start` on, counted from 1 and cut to the elements there are, as by substring.
#[pg_extern]
fn embedding_subvector(embedding: Embedding, start: i32, count: i32) -> Embedding {
    // Wider than the arguments, so that nothing overflows; the end is exclusive.
    let (start, count, dimensions) = (i64::from(start), i64::from(count), embedding.dimensions() as i64);
    let end = (start + count.max(0)).min(dimensions + 1);
    let start = start.max(1);
    accept(check_dimensions((end - start).max(0) as usize));
    let part = &embedding.as_slice()[start as usize - 1..end as usize - 1];
    Embedding::filled(part.len(), |target| target.copy_from_slice(part))
}
