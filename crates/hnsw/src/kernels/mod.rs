//! Distances between float32 vectors, with the instruction set chosen when the process first needs one.
//!
//! A package is compiled for the oldest processor of its architecture, so wider instructions are selected at run
//! time, once: AVX-512 or AVX2 with FMA on x86-64, NEON on aarch64, plain Rust elsewhere. Sums are kept in float32, as
//! pgvector does, so they overflow to infinity for values near the limits of float32.
//!
//! The order of a sum depends on the instruction set, so two kinds of processor may differ in the last bits.
//!
//! Vectors of different length are compared over the shorter one; callers check dimensions first.

use std::sync::OnceLock;

#[cfg(target_arch = "aarch64")]
mod aarch64;
pub mod portable;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86_64;

/// The three sums that the cosine of two vectors is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DotAndNorms {
    /// The inner product of the two vectors.
    pub dot: f32,
    /// The squared Euclidean norm of the first vector.
    pub left: f32,
    /// The squared Euclidean norm of the second vector.
    pub right: f32,
}

/// One implementation of every distance.
///
/// Code that computes many distances in a row may keep the reference that [`kernels`] returns and so save the look-up.
#[derive(Clone, Copy, Debug)]
pub struct Kernels {
    /// What the implementation uses: `avx512`, `avx2`, `neon` or `portable`.
    pub name: &'static str,
    /// Sum of squared differences.
    pub l2_squared: fn(&[f32], &[f32]) -> f32,
    /// Inner product.
    pub inner_product: fn(&[f32], &[f32]) -> f32,
    /// Inner product and both squared norms in one pass.
    pub dot_and_norms: fn(&[f32], &[f32]) -> DotAndNorms,
    /// Sum of absolute differences.
    pub l1: fn(&[f32], &[f32]) -> f32,
}

static CHOSEN: OnceLock<Kernels> = OnceLock::new();

/// The fastest implementation that this processor supports.
pub fn kernels() -> &'static Kernels {
    CHOSEN.get_or_init(|| supported().next().unwrap_or(portable::KERNELS))
}

/// Every implementation that this processor supports, the fastest first; the last is always the portable one.
pub fn supported() -> impl Iterator<Item = Kernels> {
    #[cfg(target_arch = "x86_64")]
    let native = x86_64::supported();
    #[cfg(target_arch = "aarch64")]
    let native = aarch64::supported();
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let native = std::iter::empty();
    native.chain(std::iter::once(portable::KERNELS))
}

/// The squared Euclidean distance.
pub fn l2_squared(left: &[f32], right: &[f32]) -> f32 {
    (kernels().l2_squared)(left, right)
}

/// The inner product.
pub fn inner_product(left: &[f32], right: &[f32]) -> f32 {
    (kernels().inner_product)(left, right)
}

/// The inner product and both squared norms, in one pass over the vectors.
pub fn dot_and_norms(left: &[f32], right: &[f32]) -> DotAndNorms {
    (kernels().dot_and_norms)(left, right)
}

/// The taxicab (Manhattan) distance.
pub fn l1(left: &[f32], right: &[f32]) -> f32 {
    (kernels().l1)(left, right)
}

/// One minus the cosine of the angle between two vectors: 0 to 2, and NaN where a vector is zero.
///
/// The cosine is clamped to -1..1, so that rounding never yields a negative distance.
pub fn cosine_distance(left: &[f32], right: &[f32]) -> f64 {
    let sums = dot_and_norms(left, right);
    let cosine = f64::from(sums.dot) / (f64::from(sums.left) * f64::from(sums.right)).sqrt();
    1.0 - cosine.clamp(-1.0, 1.0)
}

/// Both vectors, cut to the length of the shorter.
#[inline(always)]
fn common<'a>(left: &'a [f32], right: &'a [f32]) -> (&'a [f32], &'a [f32]) {
    let length = left.len().min(right.len());
    (&left[..length], &right[..length])
}
