//! Nanoseconds for one distance, by implementation and number of dimensions: `cargo bench -p sutra_hnsw --bench kernels`.
//!
//! The best of several rounds over a set of vectors that fits the second-level cache, so it shows the arithmetic and
//! not the memory.

use std::hint::black_box;
use std::time::Instant;
use sutra_hnsw::kernels::{Kernels, supported};

const VECTORS: usize = 100;
const PASSES: usize = 200;
const ROUNDS: usize = 7;

fn main() {
    println!("dimensions implementation  l2_squared inner_product dot_and_norms    l1   (ns)");
    for dimensions in [128, 384, 768, 1536] {
        let vectors: Vec<Vec<f32>> = (0..VECTORS)
            .map(|row| (0..dimensions).map(|column| ((column * 31 + row * 17) % 101) as f32 * 0.01).collect())
            .collect();
        for kernels in supported() {
            let Kernels { name, l2_squared, inner_product, dot_and_norms, l1 } = kernels;
            let [l2_squared, inner_product, dot_and_norms, l1] = [
                best(&vectors, l2_squared),
                best(&vectors, inner_product),
                best(&vectors, |left, right| dot_and_norms(left, right).dot),
                best(&vectors, l1),
            ];
            println!("{dimensions:10} {name:14} {l2_squared:11.1} {inner_product:13.1} {dot_and_norms:13.1} {l1:5.1}");
        }
    }
}

/// The nanoseconds of one call in the fastest round.
fn best(vectors: &[Vec<f32>], distance: impl Fn(&[f32], &[f32]) -> f32) -> f64 {
    let round = || {
        let start = Instant::now();
        for _ in 0..PASSES {
            for vector in vectors {
                black_box(distance(black_box(&vectors[0]), black_box(vector)));
            }
        }
        start.elapsed().as_nanos() as f64 / (PASSES * vectors.len()) as f64
    };
    (0..ROUNDS).map(|_| round()).fold(f64::MAX, f64::min)
}
