//! NEON, which every 64-bit ARM processor has.

use super::{DotAndNorms, Kernels, common};
use std::arch::aarch64::*;

/// The implementations that this processor supports, the fastest first.
pub fn supported() -> impl Iterator<Item = Kernels> {
    std::arch::is_aarch64_feature_detected!("neon").then_some(NEON).into_iter()
}

const NEON: Kernels = Kernels {
    name: "neon",
    // SAFETY: `supported` hands this table out only where the processor has NEON.
    l2_squared: |left, right| unsafe { l2_squared(left, right) },
    // SAFETY: as above.
    inner_product: |left, right| unsafe { inner_product(left, right) },
    // SAFETY: as above.
    dot_and_norms: |left, right| unsafe { dot_and_norms(left, right) },
    // SAFETY: as above.
    l1: |left, right| unsafe { l1(left, right) },
};

const LANES: usize = 4;

#[target_feature(enable = "neon")]
fn load(block: &[f32; LANES]) -> float32x4_t {
    // SAFETY: the block has as many elements as the register.
    unsafe { vld1q_f32(block.as_ptr()) }
}

/// The elements of an incomplete block, followed by zeros.
#[target_feature(enable = "neon")]
fn load_rest(rest: &[f32]) -> float32x4_t {
    let mut block = [0.0; LANES];
    let count = rest.len().min(LANES);
    block[..count].copy_from_slice(&rest[..count]);
    load(&block)
}

/// Runs `$term(sum, x, y)` over both vectors and evaluates to the sum of the sums.
macro_rules! reduce {
    ($left:ident, $right:ident, $term:expr) => {{
        let ($left, $right) = common($left, $right);
        let (x_blocks, x_rest) = $left.as_chunks::<LANES>();
        let (y_blocks, y_rest) = $right.as_chunks::<LANES>();
        let (x_groups, x_blocks) = x_blocks.as_chunks::<4>();
        let (y_groups, y_blocks) = y_blocks.as_chunks::<4>();
        let mut sums = [vdupq_n_f32(0.0); 4];
        for (x, y) in x_groups.iter().zip(y_groups) {
            for lane in 0..4 {
                sums[lane] = $term(sums[lane], load(&x[lane]), load(&y[lane]));
            }
        }
        for (x, y) in x_blocks.iter().zip(y_blocks) {
            sums[0] = $term(sums[0], load(x), load(y));
        }
        if !x_rest.is_empty() {
            sums[1] = $term(sums[1], load_rest(x_rest), load_rest(y_rest));
        }
        add_lanes(vaddq_f32(vaddq_f32(sums[0], sums[1]), vaddq_f32(sums[2], sums[3])))
    }};
}

#[target_feature(enable = "neon")]
fn add_lanes(sum: float32x4_t) -> f32 {
    vaddvq_f32(sum)
}

#[target_feature(enable = "neon")]
fn l2_squared(left: &[f32], right: &[f32]) -> f32 {
    reduce!(left, right, |sum, x, y| {
        let difference = vsubq_f32(x, y);
        vfmaq_f32(sum, difference, difference)
    })
}

#[target_feature(enable = "neon")]
fn inner_product(left: &[f32], right: &[f32]) -> f32 {
    reduce!(left, right, |sum, x, y| vfmaq_f32(sum, x, y))
}

#[target_feature(enable = "neon")]
fn l1(left: &[f32], right: &[f32]) -> f32 {
    reduce!(left, right, |sum, x, y| vaddq_f32(sum, vabdq_f32(x, y)))
}

#[target_feature(enable = "neon")]
fn dot_and_norms(left: &[f32], right: &[f32]) -> DotAndNorms {
    let (left, right) = common(left, right);
    let (x_blocks, x_rest) = left.as_chunks::<LANES>();
    let (y_blocks, y_rest) = right.as_chunks::<LANES>();
    let (x_pairs, x_blocks) = x_blocks.as_chunks::<2>();
    let (y_pairs, y_blocks) = y_blocks.as_chunks::<2>();
    let zero = vdupq_n_f32(0.0);
    let (mut dots, mut lefts, mut rights) = ([zero; 2], [zero; 2], [zero; 2]);
    let mut add = |lane: usize, x, y| {
        dots[lane] = vfmaq_f32(dots[lane], x, y);
        lefts[lane] = vfmaq_f32(lefts[lane], x, x);
        rights[lane] = vfmaq_f32(rights[lane], y, y);
    };
    for (x, y) in x_pairs.iter().zip(y_pairs) {
        add(0, load(&x[0]), load(&y[0]));
        add(1, load(&x[1]), load(&y[1]));
    }
    for (x, y) in x_blocks.iter().zip(y_blocks) {
        add(0, load(x), load(y));
    }
    add(1, load_rest(x_rest), load_rest(y_rest));
    let [dot, left, right] = [dots, lefts, rights].map(|pair| add_lanes(vaddq_f32(pair[0], pair[1])));
    DotAndNorms { dot, left, right }
}
