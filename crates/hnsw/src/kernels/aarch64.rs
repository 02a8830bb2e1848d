//! NEON, which every 64-bit ARM processor has.

use super::{DotAndNorms, Kernels};
use std::arch::aarch64::*;

const LANES: usize = 4;

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

/// Runs `$term(accumulator, x, y)` over both vectors and evaluates to the sum of the accumulators.
macro_rules! reduce {
    ($left:ident, $right:ident, $term:expr) => {{
        let length = $left.len().min($right.len());
        let (x, y) = ($left.as_ptr(), $right.as_ptr());
        let mut sums = [vdupq_n_f32(0.0); 4];
        let mut at = 0;
        while at + 4 * LANES <= length {
            for (lane, sum) in sums.iter_mut().enumerate() {
                let offset = at + lane * LANES;
                // SAFETY: offset + LANES <= length, the length of the shorter slice.
                let (a, b) = unsafe { (vld1q_f32(x.add(offset)), vld1q_f32(y.add(offset))) };
                *sum = $term(*sum, a, b);
            }
            at += 4 * LANES;
        }
        while at < length {
            let (a, b) = remainder(&$left[at..length], &$right[at..length]);
            sums[0] = $term(sums[0], a, b);
            at += LANES;
        }
        vaddvq_f32(vaddq_f32(vaddq_f32(sums[0], sums[1]), vaddq_f32(sums[2], sums[3])))
    }};
}

/// The next four elements of both vectors, with zeros where there are fewer.
#[target_feature(enable = "neon")]
fn remainder(left: &[f32], right: &[f32]) -> (float32x4_t, float32x4_t) {
    let count = left.len().min(LANES);
    let (mut a, mut b) = ([0.0f32; LANES], [0.0f32; LANES]);
    a[..count].copy_from_slice(&left[..count]);
    b[..count].copy_from_slice(&right[..count]);
    // SAFETY: both arrays hold exactly four elements.
    unsafe { (vld1q_f32(a.as_ptr()), vld1q_f32(b.as_ptr())) }
}

#[target_feature(enable = "neon")]
fn l2_squared(left: &[f32], right: &[f32]) -> f32 {
    reduce!(left, right, |sum, a, b| {
        let difference = vsubq_f32(a, b);
        vfmaq_f32(sum, difference, difference)
    })
}

#[target_feature(enable = "neon")]
fn inner_product(left: &[f32], right: &[f32]) -> f32 {
    reduce!(left, right, |sum, a, b| vfmaq_f32(sum, a, b))
}

#[target_feature(enable = "neon")]
fn l1(left: &[f32], right: &[f32]) -> f32 {
    reduce!(left, right, |sum, a, b| vaddq_f32(sum, vabdq_f32(a, b)))
}

#[target_feature(enable = "neon")]
fn dot_and_norms(left: &[f32], right: &[f32]) -> DotAndNorms {
    let length = left.len().min(right.len());
    let mut sums = [[vdupq_n_f32(0.0); 2]; 3];
    let mut at = 0;
    let mut lane = 0;
    while at < length {
        let (a, b) = if at + LANES <= length {
            // SAFETY: at + LANES <= length, the length of the shorter slice.
            unsafe { (vld1q_f32(left.as_ptr().add(at)), vld1q_f32(right.as_ptr().add(at))) }
        } else {
            remainder(&left[at..length], &right[at..length])
        };
        sums[0][lane] = vfmaq_f32(sums[0][lane], a, b);
        sums[1][lane] = vfmaq_f32(sums[1][lane], a, a);
        sums[2][lane] = vfmaq_f32(sums[2][lane], b, b);
        at += LANES;
        lane ^= 1;
    }
    let [dot, left, right] = sums.map(|pair| vaddvq_f32(vaddq_f32(pair[0], pair[1])));
    DotAndNorms { dot, left, right }
}
