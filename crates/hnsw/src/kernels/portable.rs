//! Plain Rust, for processors without one of the instruction sets the other files use.
//!
//! Eight independent sums let the compiler use whatever vector registers the target guarantees (SSE2 on x86-64).

use super::{DotAndNorms, Kernels, common};

const LANES: usize = 8;

/// The portable implementation.
pub const KERNELS: Kernels = Kernels { name: "portable", l2_squared, inner_product, dot_and_norms, l1 };

#[inline(always)]
fn sum(left: &[f32], right: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let (left_blocks, left_rest) = left.as_chunks::<LANES>();
    let (right_blocks, right_rest) = right.as_chunks::<LANES>();
    let mut sums = [0.0f32; LANES];
    for (x, y) in left_blocks.iter().zip(right_blocks) {
        for lane in 0..LANES {
            sums[lane] += term(x[lane], y[lane]);
        }
    }
    let rest: f32 = left_rest.iter().zip(right_rest).map(|(x, y)| term(*x, *y)).sum();
    sums.iter().sum::<f32>() + rest
}

fn l2_squared(left: &[f32], right: &[f32]) -> f32 {
    let (left, right) = common(left, right);
    sum(left, right, |x, y| (x - y) * (x - y))
}

fn inner_product(left: &[f32], right: &[f32]) -> f32 {
    let (left, right) = common(left, right);
    sum(left, right, |x, y| x * y)
}

fn dot_and_norms(left: &[f32], right: &[f32]) -> DotAndNorms {
    let (left, right) = common(left, right);
    // Three passes: the compiler does not vectorise the three sums in one loop, which is then several times slower.
    DotAndNorms {
        dot: sum(left, right, |x, y| x * y),
        left: sum(left, left, |x, _| x * x),
        right: sum(right, right, |x, _| x * x),
    }
}

fn l1(left: &[f32], right: &[f32]) -> f32 {
    let (left, right) = common(left, right);
    sum(left, right, |x, y| (x - y).abs())
}
