//! Which texts run together.

use std::ops::Range;

/// Tokens of one run of the model, padding included: enough to use the matrix kernels well, few enough that their
/// intermediate results stay in the cache and that a run takes a fraction of a second.
pub(crate) const TOKENS_PER_BATCH: usize = 256;

/// Cuts texts, whose token counts come in ascending order, into runs of at most [`TOKENS_PER_BATCH`] tokens after
/// padding each to the longest of its run. A longer text runs alone.
pub(crate) fn cut(lengths: &[usize]) -> Vec<Range<usize>> {
    let mut batches = Vec::new();
    let mut start = 0;
    for end in 1..=lengths.len() {
        let full = end < lengths.len() && (end + 1 - start) * lengths[end] > TOKENS_PER_BATCH;
        if full || end == lengths.len() {
            batches.push(start..end);
            start = end;
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::{TOKENS_PER_BATCH, cut};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_runs_once_in_a_batch_of_bounded_size(mut lengths in prop::collection::vec(1usize..700, 0..200)) {
            lengths.sort_unstable();
            let batches = cut(&lengths);
            prop_assert_eq!(batches.iter().cloned().flatten().collect::<Vec<_>>(), (0..lengths.len()).collect::<Vec<_>>());
            for batch in batches {
                let padded = batch.len() * lengths[batch.end - 1];
                prop_assert!(batch.len() == 1 || padded <= TOKENS_PER_BATCH, "{} tokens", padded);
            }
        }
    }
}
