//! From the model's output to the vector of a text.

/// The mean of `count` token vectors, laid out one after the other in `tokens`.
///
/// Only the tokens of the text are handed in: they come first in a padded row, so this is the mean over the mask.
pub(crate) fn mean(tokens: &[f32], count: usize, vector: &mut [f32]) {
    for token in tokens.chunks_exact(vector.len()).take(count) {
        for (sum, value) in vector.iter_mut().zip(token) {
            *sum += value;
        }
    }
    let scale = 1.0 / count.max(1) as f32;
    vector.iter_mut().for_each(|value| *value *= scale);
}

/// Scales a vector to length 1; the zero vector stays.
pub(crate) fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
}

#[cfg(test)]
mod tests {
    use super::{mean, normalise};
    use proptest::prelude::*;

    #[test]
    fn mean_leaves_padding_out() {
        let mut vector = [0.0; 2];
        mean(&[1.0, 2.0, 3.0, 4.0, 900.0, 900.0], 2, &mut vector);
        assert_eq!(vector, [2.0, 3.0]);
    }

    #[test]
    fn the_zero_vector_stays() {
        let mut vector = [0.0; 3];
        normalise(&mut vector);
        assert_eq!(vector, [0.0; 3]);
    }

    proptest! {
        #[test]
        fn normalised_vectors_have_length_one(mut vector in prop::collection::vec(-100.0f32..100.0, 1..400)) {
            prop_assume!(vector.iter().any(|value| value.abs() > 1e-3));
            normalise(&mut vector);
            let length = vector.iter().map(|value| value * value).sum::<f32>();
            prop_assert!((length - 1.0).abs() < 1e-5);
        }
    }
}
