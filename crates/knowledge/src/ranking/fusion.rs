//! One score from two: how well the words match, and how near the meaning is.
//!
//! The two are added with fixed weights after the text score is divided by the most that the query could give
//! (Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", 2023, call it theoretical
//! normalisation). So the score of a statement depends on the query and the statement alone: not on how many results
//! are asked for, on what else was found or on a filter, as it would with ranks, with the best score found or with the
//! spread of those found.

/// Weight of the vector score, between 0 (words only) and 1 (meaning only).
pub const VECTOR_WEIGHT: f64 = 0.55;

/// The score by which results are ordered: at most 1.
///
/// `text` is a BM25 score and `ceiling` what no document can reach for the query, 0 when the query has no term;
/// `similarity` is a cosine, and 0 where there is no vector.
pub fn fuse(text: f64, ceiling: f64, similarity: f64) -> f64 {
    let text = if ceiling > 0.0 { text / ceiling } else { 0.0 };
    (1.0 - VECTOR_WEIGHT) * text + VECTOR_WEIGHT * similarity
}

/// How near a statement is: that of its whole text where this is all there is, and for a long text, whose chunks have
/// vectors of their own, the mean of that and of its nearest chunk. The whole says whether the text is about what is
/// asked for, the chunk whether it says it.
pub fn similarity(whole: Option<f64>, nearest_chunk: Option<f64>) -> Option<f64> {
    match (whole, nearest_chunk) {
        (Some(whole), Some(chunk)) => Some((whole + chunk) / 2.0),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_better_part_never_lowers_the_score(
            text in 0.0f64..20.0, more_text in 0.0f64..20.0, similarity in -1.0f64..1.0, nearer in 0.0f64..1.0,
        ) {
            let score = fuse(text, 40.0, similarity);
            prop_assert!(fuse(text + more_text, 40.0, similarity) >= score);
            prop_assert!(fuse(text, 40.0, (similarity + nearer).min(1.0)) >= score);
            prop_assert!((-1.0..=1.0).contains(&score));
        }
    }

    #[test]
    fn a_long_text_is_as_near_as_its_whole_and_its_nearest_chunk_are_together() {
        assert_eq!(similarity(Some(0.5), Some(0.7)), Some(0.6));
        assert_eq!(similarity(Some(0.5), None), Some(0.5));
        assert_eq!(similarity(None, Some(0.7)), Some(0.7));
        assert_eq!(similarity(None, None), None);
    }

    #[test]
    fn a_query_without_terms_is_ordered_by_meaning() {
        assert!(fuse(0.0, 0.0, 0.5) > fuse(0.0, 0.0, 0.4));
    }
}
