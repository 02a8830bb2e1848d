//! AVX-512 and AVX2 with FMA.
//!
//! Four accumulators hide the latency of the fused multiply-add; the remainder is read with a mask, so no loop over
//! single elements is left.

use super::{DotAndNorms, Kernels, common};
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

    #[target_feature(enable = "avx512f")]
    fn load(block: &[f32; LANES]) -> __m512 {
        // SAFETY: the block has as many elements as the register.
        unsafe { _mm512_loadu_ps(block.as_ptr()) }
    }

    /// The elements of an incomplete block, followed by zeros.
    #[target_feature(enable = "avx512f")]
    fn load_rest(rest: &[f32]) -> __m512 {
        let mask = (1 << rest.len().min(LANES)) - 1;
        // SAFETY: the mask selects the elements of the slice; others are not accessed.
        unsafe { _mm512_maskz_loadu_ps(mask as __mmask16, rest.as_ptr()) }
    }

    /// Runs `$term(sum, x, y)` over both vectors and evaluates to the sum of the sums.
    macro_rules! reduce {
        ($left:ident, $right:ident, $term:expr) => {{
            let ($left, $right) = common($left, $right);
            let (x_blocks, x_rest) = $left.as_chunks::<LANES>();
            let (y_blocks, y_rest) = $right.as_chunks::<LANES>();
            let (x_groups, x_blocks) = x_blocks.as_chunks::<4>();
            let (y_groups, y_blocks) = y_blocks.as_chunks::<4>();
            let mut sums = [_mm512_setzero_ps(); 4];
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
            add_lanes(_mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3])))
        }};
    }

    #[target_feature(enable = "avx512f")]
    fn add_lanes(sum: __m512) -> f32 {
        _mm512_reduce_add_ps(sum)
    }

    #[target_feature(enable = "avx512f")]
    pub fn l2_squared(left: &[f32], right: &[f32]) -> f32 {
        reduce!(left, right, |sum, x, y| {
            let difference = _mm512_sub_ps(x, y);
            _mm512_fmadd_ps(difference, difference, sum)
        })
    }

    #[target_feature(enable = "avx512f")]
    pub fn inner_product(left: &[f32], right: &[f32]) -> f32 {
        reduce!(left, right, |sum, x, y| _mm512_fmadd_ps(x, y, sum))
    }

    #[target_feature(enable = "avx512f")]
    pub fn l1(left: &[f32], right: &[f32]) -> f32 {
        reduce!(left, right, |sum, x, y| _mm512_add_ps(sum, _mm512_abs_ps(_mm512_sub_ps(x, y))))
    }

    #[target_feature(enable = "avx512f")]
    pub fn dot_and_norms(left: &[f32], right: &[f32]) -> DotAndNorms {
        let (left, right) = common(left, right);
        let (x_blocks, x_rest) = left.as_chunks::<LANES>();
        let (y_blocks, y_rest) = right.as_chunks::<LANES>();
        let (x_pairs, x_blocks) = x_blocks.as_chunks::<2>();
        let (y_pairs, y_blocks) = y_blocks.as_chunks::<2>();
        let zero = _mm512_setzero_ps();
        let (mut dots, mut lefts, mut rights) = ([zero; 2], [zero; 2], [zero; 2]);
        let mut add = |lane: usize, x, y| {
            dots[lane] = _mm512_fmadd_ps(x, y, dots[lane]);
            lefts[lane] = _mm512_fmadd_ps(x, x, lefts[lane]);
            rights[lane] = _mm512_fmadd_ps(y, y, rights[lane]);
        };
        for (x, y) in x_pairs.iter().zip(y_pairs) {
            add(0, load(&x[0]), load(&y[0]));
            add(1, load(&x[1]), load(&y[1]));
        }
        for (x, y) in x_blocks.iter().zip(y_blocks) {
            add(0, load(x), load(y));
        }
        add(1, load_rest(x_rest), load_rest(y_rest));
        let [dot, left, right] = [dots, lefts, rights].map(|pair| add_lanes(_mm512_add_ps(pair[0], pair[1])));
        DotAndNorms { dot, left, right }
    }
}

mod avx2 {
    use super::*;

    const LANES: usize = 8;
    /// Eight values of this from `LANES - n` on are the mask that selects n elements.
    static MASKS: [i32; 2 * LANES] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

    #[target_feature(enable = "avx2,fma")]
    fn load(block: &[f32; LANES]) -> __m256 {
        // SAFETY: the block has as many elements as the register.
        unsafe { _mm256_loadu_ps(block.as_ptr()) }
    }

    /// The elements of an incomplete block, followed by zeros.
    #[target_feature(enable = "avx2,fma")]
    fn load_rest(rest: &[f32]) -> __m256 {
        let start = LANES - rest.len().min(LANES);
        // SAFETY: eight values from `start` lie inside the sixteen of MASKS; the mask selects the elements of the slice,
        // others are not accessed.
        unsafe {
            let mask = _mm256_loadu_si256(MASKS.as_ptr().add(start).cast());
            _mm256_maskload_ps(rest.as_ptr(), mask)
        }
    }

    /// Runs `$term(sum, x, y)` over both vectors and evaluates to the sum of the sums.
    macro_rules! reduce {
        ($left:ident, $right:ident, $term:expr) => {{
            let ($left, $right) = common($left, $right);
            let (x_blocks, x_rest) = $left.as_chunks::<LANES>();
            let (y_blocks, y_rest) = $right.as_chunks::<LANES>();
            let (x_groups, x_blocks) = x_blocks.as_chunks::<4>();
            let (y_groups, y_blocks) = y_blocks.as_chunks::<4>();
            let mut sums = [_mm256_setzero_ps(); 4];
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
            add_lanes(_mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3])))
        }};
    }

    #[target_feature(enable = "avx2,fma")]
    fn add_lanes(sum: __m256) -> f32 {
        let four = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps::<1>(sum));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn l2_squared(left: &[f32], right: &[f32]) -> f32 {
        reduce!(left, right, |sum, x, y| {
            let difference = _mm256_sub_ps(x, y);
            _mm256_fmadd_ps(difference, difference, sum)
        })
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn inner_product(left: &[f32], right: &[f32]) -> f32 {
        reduce!(left, right, |sum, x, y| _mm256_fmadd_ps(x, y, sum))
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn l1(left: &[f32], right: &[f32]) -> f32 {
        let sign = _mm256_set1_ps(-0.0);
        reduce!(left, right, |sum, x, y| _mm256_add_ps(sum, _mm256_andnot_ps(sign, _mm256_sub_ps(x, y))))
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn dot_and_norms(left: &[f32], right: &[f32]) -> DotAndNorms {
        let (left, right) = common(left, right);
        let (x_blocks, x_rest) = left.as_chunks::<LANES>();
        let (y_blocks, y_rest) = right.as_chunks::<LANES>();
        let (x_pairs, x_blocks) = x_blocks.as_chunks::<2>();
        let (y_pairs, y_blocks) = y_blocks.as_chunks::<2>();
        let zero = _mm256_setzero_ps();
        let (mut dots, mut lefts, mut rights) = ([zero; 2], [zero; 2], [zero; 2]);
        let mut add = |lane: usize, x, y| {
            dots[lane] = _mm256_fmadd_ps(x, y, dots[lane]);
            lefts[lane] = _mm256_fmadd_ps(x, x, lefts[lane]);
            rights[lane] = _mm256_fmadd_ps(y, y, rights[lane]);
        };
        for (x, y) in x_pairs.iter().zip(y_pairs) {
            add(0, load(&x[0]), load(&y[0]));
            add(1, load(&x[1]), load(&y[1]));
        }
        for (x, y) in x_blocks.iter().zip(y_blocks) {
            add(0, load(x), load(y));
        }
        add(1, load_rest(x_rest), load_rest(y_rest));
        let [dot, left, right] = [dots, lefts, rights].map(|pair| add_lanes(_mm256_add_ps(pair[0], pair[1])));
        DotAndNorms { dot, left, right }
    }
}
