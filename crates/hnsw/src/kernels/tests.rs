//! Every implementation against sums in float64, at every length around the widths of the vector registers.

use super::*;
use proptest::prelude::*;

struct Exact {
    l2_squared: f64,
    dot: f64,
    left: f64,
    right: f64,
    l1: f64,
    /// Sum of the absolute products: what the rounding error of an inner product is measured against.
    absolute_dot: f64,
}

fn exact(left: &[f32], right: &[f32]) -> Exact {
    let pairs = || left.iter().zip(right).map(|(x, y)| (f64::from(*x), f64::from(*y)));
    Exact {
        l2_squared: pairs().map(|(x, y)| (x - y) * (x - y)).sum(),
        dot: pairs().map(|(x, y)| x * y).sum(),
        left: pairs().map(|(x, _)| x * x).sum(),
        right: pairs().map(|(_, y)| y * y).sum(),
        l1: pairs().map(|(x, y)| (x - y).abs()).sum(),
        absolute_dot: pairs().map(|(x, y)| (x * y).abs()).sum(),
    }
}

/// The bound of a float32 sum of n terms: n times the unit roundoff times the sum of absolute terms, plus two
/// roundings for the term itself (Higham, Accuracy and Stability of Numerical Algorithms, 4.2).
fn close(computed: f32, exact: f64, absolute: f64, length: usize) -> bool {
    let bound = (length + 3) as f64 * f64::from(f32::EPSILON) * absolute + f64::from(f32::MIN_POSITIVE);
    (f64::from(computed) - exact).abs() <= bound
}

fn agree(left: &[f32], right: &[f32]) {
    let length = left.len().min(right.len());
    let expected = exact(left, right);
    for kernels in supported() {
        let name = kernels.name;
        let sums = (kernels.dot_and_norms)(left, right);
        for (what, computed, exact, absolute) in [
            ("l2_squared", (kernels.l2_squared)(left, right), expected.l2_squared, expected.l2_squared),
            ("inner_product", (kernels.inner_product)(left, right), expected.dot, expected.absolute_dot),
            ("l1", (kernels.l1)(left, right), expected.l1, expected.l1),
            ("dot", sums.dot, expected.dot, expected.absolute_dot),
            ("left norm", sums.left, expected.left, expected.left),
            ("right norm", sums.right, expected.right, expected.right),
        ] {
            assert!(close(computed, exact, absolute, length), "{name} {what} of {length}: {computed} is not {exact}");
        }
    }
}

fn values() -> impl Strategy<Value = f32> {
    prop_oneof![4 => -1.0f32..1.0, 1 => -1.0e6f32..1.0e6, 1 => Just(0.0), 1 => Just(-0.0), 1 => -1.0e-20f32..1.0e-20]
}

proptest! {
    #[test]
    fn every_implementation_agrees_with_float64(pairs in prop::collection::vec((values(), values()), 0..600)) {
        let (left, right): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
        agree(&left, &right);
    }

    #[test]
    fn unaligned_slices_and_different_lengths_agree(pairs in prop::collection::vec((values(), values()), 8..200),
                                                    skip in 0usize..8, shorter in 0usize..8) {
        let (left, right): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
        agree(&left[skip..], &right[..right.len() - shorter]);
    }

    #[test]
    fn cosine_distance_is_between_zero_and_two(pairs in prop::collection::vec((-1.0f32..1.0, -1.0f32..1.0), 1..200)) {
        let (left, right): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
        let distance = cosine_distance(&left, &right);
        prop_assert!(distance.is_nan() || (0.0..=2.0).contains(&distance));
        let itself = cosine_distance(&left, &left);
        prop_assert!(itself.is_nan() || itself < 1e-5);
    }
}

#[test]
fn every_length_up_to_three_blocks_agrees() {
    let left: Vec<f32> = (0..200).map(|i| (i as f32).sin()).collect();
    let right: Vec<f32> = (0..200).map(|i| (i as f32 * 0.7).cos()).collect();
    for length in 0..=left.len() {
        agree(&left[..length], &right[..length]);
    }
}

#[test]
fn small_integers_are_exact_in_every_implementation() {
    let left: Vec<f32> = (0..1000).map(|i| (i % 7) as f32).collect();
    let right: Vec<f32> = (0..1000).map(|i| (i % 5) as f32).collect();
    let expected = exact(&left, &right);
    for kernels in supported() {
        assert_eq!(f64::from((kernels.l2_squared)(&left, &right)), expected.l2_squared, "{}", kernels.name);
        assert_eq!(f64::from((kernels.inner_product)(&left, &right)), expected.dot, "{}", kernels.name);
        assert_eq!(f64::from((kernels.l1)(&left, &right)), expected.l1, "{}", kernels.name);
    }
}

#[test]
fn overflow_is_infinite_and_a_zero_vector_has_no_cosine() {
    for kernels in supported() {
        assert_eq!((kernels.l2_squared)(&[3e38], &[-3e38]), f32::INFINITY, "{}", kernels.name);
        assert_eq!((kernels.inner_product)(&[3e38], &[3e38]), f32::INFINITY, "{}", kernels.name);
        assert_eq!((kernels.l1)(&[3e38; 4], &[-3e38; 4]), f32::INFINITY, "{}", kernels.name);
    }
    assert!(cosine_distance(&[0.0, 0.0], &[1.0, 2.0]).is_nan());
    assert!(cosine_distance(&[3e38], &[3e38]).is_nan());
}

#[test]
fn the_chosen_implementation_is_the_first_supported() {
    assert_eq!(Some(kernels().name), supported().next().map(|first| first.name));
    assert_eq!(supported().last().map(|last| last.name), Some("portable"));
}
