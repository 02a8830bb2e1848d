//! AVX-512 and AVX2 with FMA.
//!
//! Four accumulators hide the latency of the fused multiply-add; the remainder is read with a mask, so no loop over
//! single elements is left.

use super::{DotAndNorms, Kernels};
use std::arch::x86_64::*;

/// The implementations that this processor supports, the fastest first.
pub fn supported() -> impl Iterator<Item = Kernels> {
    let avx512 = is_x86_feature_detected!("avx512f").then_some(AVX512);
    let avx2 = (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(AVX2);
    avx512.into_iter().chain(avx2)
}

const AVX512: Kernels = Kernels {
    name: "avx512",
    // SAFETY: `supported` hands this table out only where the processor has AVX-512F.
    l2_squared: |left, right| unsafe { avx512::l2_squared(left, right) },
    // SAFETY: as above.
    inner_product: |left, right| unsafe { avx512::inner_product(left, right) },
    // SAFETY: as above.
    dot_and_norms: |left, right| unsafe { avx512::dot_and_norms(left, right) },
    // SAFETY: as above.
    l1: |left, right| unsafe { avx512::l1(left, right) },
};

const AVX2: Kernels = Kernels {
    name: "avx2",
    // SAFETY: `supported` hands this table out only where the processor has AVX2 and FMA.
    l2_squared: |left, right| unsafe { avx2::l2_squared(left, right) },
    // SAFETY: as above.
    inner_product: |left, right| unsafe { avx2::inner_product(left, right) },
    // SAFETY: as above.
    dot_and_norms: |left, right| unsafe { avx2::dot_and_norms(left, right) },
    // SAFETY: as above.
    l1: |left, right| unsafe { avx2::l1(left, right) },
};

mod avx512 {
    use super::*;

    const LANES: usize = 16;

    /// Runs `$term(accumulator, x, y)` over both vectors and evaluates to the sum of the accumulators.
    macro_rules! reduce {
        ($left:ident, $right:ident, $term:expr) => {{
            let length = $left.len().min($right.len());
            let (x, y) = ($left.as_ptr(), $right.as_ptr());
            let mut sums = [_mm512_setzero_ps(); 4];
            let mut at = 0;
            while at + 4 * LANES <= length {
                for (lane, sum) in sums.iter_mut().enumerate() {
                    let offset = at + lane * LANES;
                    // SAFETY: offset + LANES <= length, the length of the shorter slice.
                    let (a, b) = unsafe { (_mm512_loadu_ps(x.add(offset)), _mm512_loadu_ps(y.add(offset))) };
                    *sum = $term(*sum, a, b);
                }
                at += 4 * LANES;
            }
            while at < length {
                let mask = mask_for(length - at);
                // SAFETY: the mask covers only the elements before length; masked elements are not accessed.
                let (a, b) =
                    unsafe { (_mm512_maskz_loadu_ps(mask, x.add(at)), _mm512_maskz_loadu_ps(mask, y.add(at))) };
                sums[0] = $term(sums[0], a, b);
                at += LANES;
            }
            _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3])))
        }};
    }

    fn mask_for(remaining: usize) -> __mmask16 {
        if remaining >= LANES { !0 } else { (1 << remaining) - 1 }
    }

    #[target_feature(enable = "avx512f")]
    pub fn l2_squared(left: &[f32], right: &[f32]) -> f32 {
        reduce!(left, right, |sum, a, b| {
            let difference = _mm512_sub_ps(a, b);
            _mm512_fmadd_ps(difference, difference, sum)
        })
    }

    #[target_feature(enable = "avx512f")]
    pub fn inner_product(left: &[f32], right: &[f32]) -> f32 {
        reduce!(left, right, |sum, a, b| _mm512_fmadd_ps(a, b, sum))
    }

    #[target_feature(enable = "avx512f")]
    pub fn l1(left: &[f32], right: &[f32]) -> f32 {
        reduce!(left, right, |sum, a, b| _mm512_add_ps(sum, _mm512_abs_ps(_mm512_sub_ps(a, b))))
    }

    #[target_feature(enable = "avx512f")]
    pub fn dot_and_norms(left: &[f32], right: &[f32]) -> DotAndNorms {
        let length = left.len().min(right.len());
        let (x, y) = (left.as_ptr(), right.as_ptr());
        let mut sums = [[_mm512_setzero_ps(); 2]; 3];
        let mut at = 0;
        let mut lane = 0;
        while at < length {
            let mask = mask_for(length - at);
            // SAFETY: the mask covers only the elements before length; masked elements are not accessed.
            let (a, b) = unsafe { (_mm512_maskz_loadu_ps(mask, x.add(at)), _mm512_maskz_loadu_ps(mask, y.add(at))) };
            sums[0][lane] = _mm512_fmadd_ps(a, b, sums[0][lane]);
            sums[1][lane] = _mm512_fmadd_ps(a, a, sums[1][lane]);
            sums[2][lane] = _mm512_fmadd_ps(b, b, sums[2][lane]);
            at += LANES;
            lane ^= 1;
        }
        let [dot, left, right] = sums.map(|pair| _mm512_reduce_add_ps(_mm512_add_ps(pair[0], pair[1])));
        DotAndNorms { dot, left, right }
    }
}

mod avx2 {
    use super::*;

    const LANES: usize = 8;
    /// Sliding a window of eight over this gives the mask for any remainder.
    static MASKS: [i32; 2 * LANES] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

    /// Runs `$term(accumulator, x, y)` over both vectors and evaluates to the sum of the accumulators.
    macro_rules! reduce {
        ($left:ident, $right:ident, $term:expr) => {{
            let length = $left.len().min($right.len());
            let (x, y) = ($left.as_ptr(), $right.as_ptr());
            let mut sums = [_mm256_setzero_ps(); 4];
            let mut at = 0;
            while at + 4 * LANES <= length {
                for (lane, sum) in sums.iter_mut().enumerate() {
                    let offset = at + lane * LANES;
                    // SAFETY: offset + LANES <= length, the length of the shorter slice.
                    let (a, b) = unsafe { (_mm256_loadu_ps(x.add(offset)), _mm256_loadu_ps(y.add(offset))) };
                    *sum = $term(*sum, a, b);
                }
                at += 4 * LANES;
            }
            while at < length {
                let mask = mask_for(length - at);
                // SAFETY: the mask covers only the elements before length; masked elements are not accessed.
                let (a, b) = unsafe { (_mm256_maskload_ps(x.add(at), mask), _mm256_maskload_ps(y.add(at), mask)) };
                sums[0] = $term(sums[0], a, b);
                at += LANES;
            }
            add_lanes(_mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3])))
        }};
    }

    #[target_feature(enable = "avx2,fma")]
    fn mask_for(remaining: usize) -> __m256i {
        let start = LANES - remaining.min(LANES);
        // SAFETY: start <= LANES, so eight values from it lie inside the sixteen of MASKS.
        unsafe { _mm256_loadu_si256(MASKS.as_ptr().add(start).cast()) }
    }

    #[target_feature(enable = "avx2,fma")]
    fn add_lanes(sum: __m256) -> f32 {
        let four = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps::<1>(sum));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn l2_squared(left: &[f32], right: &[f32]) -> f32 {
        reduce!(left, right, |sum, a, b| {
            let difference = _mm256_sub_ps(a, b);
            _mm256_fmadd_ps(difference, difference, sum)
        })
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn inner_product(left: &[f32], right: &[f32]) -> f32 {
        reduce!(left, right, |sum, a, b| _mm256_fmadd_ps(a, b, sum))
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn l1(left: &[f32], right: &[f32]) -> f32 {
        let sign = _mm256_set1_ps(-0.0);
        reduce!(left, right, |sum, a, b| _mm256_add_ps(sum, _mm256_andnot_ps(sign, _mm256_sub_ps(a, b))))
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn dot_and_norms(left: &[f32], right: &[f32]) -> DotAndNorms {
        let length = left.len().min(right.len());
        let (x, y) = (left.as_ptr(), right.as_ptr());
        let mut sums = [[_mm256_setzero_ps(); 2]; 3];
        let mut at = 0;
        let mut lane = 0;
        while at < length {
            let mask = mask_for(length - at);
            // SAFETY: the mask covers only the elements before length; masked elements are not accessed.
            let (a, b) = unsafe { (_mm256_maskload_ps(x.add(at), mask), _mm256_maskload_ps(y.add(at), mask)) };
            sums[0][lane] = _mm256_fmadd_ps(a, b, sums[0][lane]);
            sums[1][lane] = _mm256_fmadd_ps(a, a, sums[1][lane]);
            sums[2][lane] = _mm256_fmadd_ps(b, b, sums[2][lane]);
            at += LANES;
            lane ^= 1;
        }
        let [dot, left, right] = sums.map(|pair| add_lanes(_mm256_add_ps(pair[0], pair[1])));
        DotAndNorms { dot, left, right }
    }
}
