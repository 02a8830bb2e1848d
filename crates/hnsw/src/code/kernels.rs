//! The arithmetic on codes, with the instruction set chosen at run time.
#![allow(unsafe_code)]

use std::sync::OnceLock;

/// One implementation of the arithmetic on codes. Slices of different length are compared over the shorter one.
#[derive(Clone, Copy, Debug)]
pub struct CodeKernels {
    /// What the implementation uses: `avx512`, `avx2` or `portable`.
    pub name: &'static str,
    /// Inner product of a query in 12 bits and a code.
    pub dot: fn(&[i16], &[u8]) -> i32,
    /// Inner product of two codes.
    pub dot_codes: fn(&[u8], &[u8]) -> i32,
    /// Taxicab distance between a vector and a code times its scale.
    pub l1: fn(&[f32], &[u8], f32) -> f32,
    /// Taxicab distance between two codes, each times its scale.
    pub l1_codes: fn(&[u8], f32, &[u8], f32) -> f32,
}

static CHOSEN: OnceLock<CodeKernels> = OnceLock::new();

/// The fastest implementation that this processor supports.
#[inline]
pub fn kernels() -> &'static CodeKernels {
    CHOSEN.get_or_init(|| supported()[0])
}

/// Every implementation that this processor supports, the fastest first; the last is always the portable one.
pub fn supported() -> Vec<CodeKernels> {
    let mut all = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512f") {
            all.push(x86_64::AVX512);
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            all.push(x86_64::AVX2);
        }
    }
    all.push(PORTABLE);
    all
}

/// Asks the processor to load a code into its cache.
pub fn prefetch(code: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    for line in code.chunks(64).take(4) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing and never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = code;
}

const PORTABLE: CodeKernels = CodeKernels { name: "portable", dot, dot_codes, l1, l1_codes };

fn dot(query: &[i16], code: &[u8]) -> i32 {
    query.iter().zip(code).map(|(level, byte)| i32::from(*level) * i32::from(*byte as i8)).sum()
}

fn dot_codes(left: &[u8], right: &[u8]) -> i32 {
    left.iter().zip(right).map(|(left, right)| i32::from(*left as i8) * i32::from(*right as i8)).sum()
}

fn l1(query: &[f32], code: &[u8], scale: f32) -> f32 {
    query.iter().zip(code).map(|(value, byte)| (value - f32::from(*byte as i8) * scale).abs()).sum()
}

fn l1_codes(left: &[u8], left_scale: f32, right: &[u8], right_scale: f32) -> f32 {
    left.iter()
        .zip(right)
        .map(|(left, right)| (f32::from(*left as i8) * left_scale - f32::from(*right as i8) * right_scale).abs())
        .sum()
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use super::CodeKernels;
    use std::arch::x86_64::*;

    pub const AVX2: CodeKernels = CodeKernels {
        name: "avx2",
        // SAFETY: in `supported` only where the processor has AVX2 and FMA; the slices are read within their lengths.
        dot: |query, code| unsafe { dot_avx2(query, code) },
        // SAFETY: as above.
        dot_codes: |left, right| unsafe { dot_codes_avx2(left, right) },
        // SAFETY: as above.
        l1: |query, code, scale| unsafe { l1_avx2(query, code, scale) },
        // SAFETY: as above.
        l1_codes: |left, left_scale, right, right_scale| unsafe { l1_codes_avx2(left, left_scale, right, right_scale) },
    };

    pub const AVX512: CodeKernels = CodeKernels {
        name: "avx512",
        // SAFETY: in `supported` only where the processor has AVX-512 F and BW; the slices are read within their lengths.
        dot: |query, code| unsafe { dot_avx512(query, code) },
        // SAFETY: as above.
        dot_codes: |left, right| unsafe { dot_codes_avx512(left, right) },
        ..AVX2
    };

    #[target_feature(enable = "avx2,fma")]
    fn sum_i32(lanes: __m256i) -> i32 {
        let sum = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256::<1>(lanes));
        let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0b01_00_11_10>(sum));
        let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0b00_00_00_01>(sum));
        _mm_cvtsi128_si32(sum)
    }

    #[target_feature(enable = "avx2,fma")]
    fn sum_f32(lanes: __m256) -> f32 {
        let sum = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps::<1>(lanes));
        let sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
        _mm_cvtss_f32(_mm_add_ss(sum, _mm_shuffle_ps::<1>(sum, sum)))
    }

    #[target_feature(enable = "avx2,fma")]
    fn dot_avx2(query: &[i16], code: &[u8]) -> i32 {
        let length = query.len().min(code.len());
        let mut sum = [_mm256_setzero_si256(); 2];
        let whole = length / 32 * 32;
        for at in (0..whole).step_by(32) {
            for (half, sum) in sum.iter_mut().enumerate() {
                let at = at + 16 * half;
                // SAFETY: at + 16 <= length of both slices.
                let (levels, bytes) = unsafe {
                    (_mm256_loadu_si256(query.as_ptr().add(at).cast()), _mm_loadu_si128(code.as_ptr().add(at).cast()))
                };
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(levels, _mm256_cvtepi8_epi16(bytes)));
            }
        }
        sum_i32(_mm256_add_epi32(sum[0], sum[1])) + super::dot(&query[whole..length], &code[whole..length])
    }

    #[target_feature(enable = "avx2,fma")]
    fn dot_codes_avx2(left: &[u8], right: &[u8]) -> i32 {
        let length = left.len().min(right.len());
        let mut sum = _mm256_setzero_si256();
        let whole = length / 16 * 16;
        for at in (0..whole).step_by(16) {
            // SAFETY: at + 16 <= length of both slices.
            let (first, second) = unsafe {
                (_mm_loadu_si128(left.as_ptr().add(at).cast()), _mm_loadu_si128(right.as_ptr().add(at).cast()))
            };
            let product = _mm256_madd_epi16(_mm256_cvtepi8_epi16(first), _mm256_cvtepi8_epi16(second));
            sum = _mm256_add_epi32(sum, product);
        }
        sum_i32(sum) + super::dot_codes(&left[whole..length], &right[whole..length])
    }

    #[target_feature(enable = "avx2,fma")]
    fn l1_avx2(query: &[f32], code: &[u8], scale: f32) -> f32 {
        let length = query.len().min(code.len());
        let (mut sum, sign, factor) = (_mm256_setzero_ps(), _mm256_set1_ps(-0.0), _mm256_set1_ps(scale));
        let whole = length / 8 * 8;
        for at in (0..whole).step_by(8) {
            // SAFETY: at + 8 <= length of both slices.
            let (values, bytes) =
                unsafe { (_mm256_loadu_ps(query.as_ptr().add(at)), _mm_loadl_epi64(code.as_ptr().add(at).cast())) };
            let levels = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
            let difference = _mm256_fnmadd_ps(levels, factor, values);
            sum = _mm256_add_ps(sum, _mm256_andnot_ps(sign, difference));
        }
        sum_f32(sum) + super::l1(&query[whole..length], &code[whole..length], scale)
    }

    #[target_feature(enable = "avx2,fma")]
    fn l1_codes_avx2(left: &[u8], left_scale: f32, right: &[u8], right_scale: f32) -> f32 {
        let length = left.len().min(right.len());
        let (mut sum, sign) = (_mm256_setzero_ps(), _mm256_set1_ps(-0.0));
        let (left_factor, right_factor) = (_mm256_set1_ps(left_scale), _mm256_set1_ps(right_scale));
        let whole = length / 8 * 8;
        for at in (0..whole).step_by(8) {
            // SAFETY: at + 8 <= length of both slices.
            let (first, second) = unsafe {
                (_mm_loadl_epi64(left.as_ptr().add(at).cast()), _mm_loadl_epi64(right.as_ptr().add(at).cast()))
            };
            let first = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(first)), left_factor);
            let second = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(second));
            let difference = _mm256_fnmadd_ps(second, right_factor, first);
            sum = _mm256_add_ps(sum, _mm256_andnot_ps(sign, difference));
        }
        sum_f32(sum) + super::l1_codes(&left[whole..length], left_scale, &right[whole..length], right_scale)
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    fn dot_avx512(query: &[i16], code: &[u8]) -> i32 {
        let length = query.len().min(code.len());
        let mut sum = [_mm512_setzero_si512(); 2];
        let whole = length / 64 * 64;
        for at in (0..whole).step_by(64) {
            for (half, sum) in sum.iter_mut().enumerate() {
                let at = at + 32 * half;
                // SAFETY: at + 32 <= length of both slices.
                let (levels, bytes) = unsafe {
                    (
                        _mm512_loadu_si512(query.as_ptr().add(at).cast()),
                        _mm256_loadu_si256(code.as_ptr().add(at).cast()),
                    )
                };
                *sum = _mm512_add_epi32(*sum, _mm512_madd_epi16(levels, _mm512_cvtepi8_epi16(bytes)));
            }
        }
        let total = _mm512_reduce_add_epi32(_mm512_add_epi32(sum[0], sum[1]));
        total + super::dot(&query[whole..length], &code[whole..length])
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    fn dot_codes_avx512(left: &[u8], right: &[u8]) -> i32 {
        let length = left.len().min(right.len());
        let mut sum = _mm512_setzero_si512();
        let whole = length / 32 * 32;
        for at in (0..whole).step_by(32) {
            // SAFETY: at + 32 <= length of both slices.
            let (first, second) = unsafe {
                (_mm256_loadu_si256(left.as_ptr().add(at).cast()), _mm256_loadu_si256(right.as_ptr().add(at).cast()))
            };
            let product = _mm512_madd_epi16(_mm512_cvtepi8_epi16(first), _mm512_cvtepi8_epi16(second));
            sum = _mm512_add_epi32(sum, product);
        }
        _mm512_reduce_add_epi32(sum) + super::dot_codes(&left[whole..length], &right[whole..length])
    }
}
