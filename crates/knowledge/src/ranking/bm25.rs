//! Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009).
//!
//! A document scores, summed over the distinct terms of the query that it holds,
//!
//! ```text
//! idf * f * (k1 + 1) / (f + k1 * (1 - b + b * length / mean_length)),   idf = ln(1 + (N - n + 0.5) / (n + 0.5))
//! ```
//!
//! with `f` how often it holds the term, `n` how many of the `N` documents hold it. The idf has the 1 inside the
//! logarithm, as in Lucene, so that a term held by most documents still counts for a little and never against.

use std::collections::HashMap;
use std::collections::TryReserveError;
use std::hash::{BuildHasherDefault, Hasher};

/// How soon a repeated term stops to count (`k1`) and how far long documents are held against (`b`, 0 to 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters {
    /// Saturation of the term frequency; 0 counts only whether the term is there.
    pub k1: f64,
    /// Length normalisation: 0 ignores the length, 1 takes frequencies relative to it.
    pub b: f64,
}

impl Default for Parameters {
    /// The values that most implementations have settled on.
    fn default() -> Self {
        Parameters { k1: 1.2, b: 0.75 }
    }
}

/// The collection that is searched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Collection {
    /// Number of documents.
    pub documents: u64,
    /// Mean length of a document in terms, repetitions counted.
    pub mean_length: f64,
}

/// One document that holds a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Identity of the document.
    pub document: u64,
    /// How often it holds the term; negative takes an earlier posting of the same document back.
    pub frequency: i16,
    /// Length of the document in terms, repetitions counted.
    pub length: i32,
}

/// Weight of a term that `holding` of `documents` documents hold; positive for any input.
pub fn inverse_document_frequency(documents: u64, holding: u64) -> f64 {
    let holding = holding.min(documents) as f64;
    (1.0 + (documents as f64 - holding + 0.5) / (holding + 0.5)).ln()
}

// Scores are summed as whole multiples of 2^-32: the sum does not depend on the order of the postings, and a posting
// that is taken back leaves exactly nothing.
const UNIT: f64 = (1u64 << 32) as f64;

/// Identities are digests already: hashing them again would cost more than it spreads.
#[derive(Clone, Copy, Debug, Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// Adds up the scores of all documents, term by term.
#[derive(Debug)]
pub struct Scorer {
    parameters: Parameters,
    collection: Collection,
    ceiling: f64,
    sums: HashMap<u64, i64, BuildHasherDefault<Identity>>,
}

impl Scorer {
    /// A scorer for one query over `collection`.
    pub fn new(parameters: Parameters, collection: Collection) -> Self {
        Scorer { parameters, collection, ceiling: 0.0, sums: HashMap::default() }
    }

    /// Number of documents of the collection.
    pub fn documents(&self) -> u64 {
        self.collection.documents
    }

    /// Announces a term that `holding` documents hold, none included, and returns its weight for [`Scorer::add`].
    pub fn term(&mut self, holding: u64) -> f64 {
        let weight = inverse_document_frequency(self.collection.documents, holding) * (self.parameters.k1 + 1.0);
        self.ceiling += weight;
        weight
    }

    /// Adds postings of a term whose weight [`Scorer::term`] returned. Fails when there is no memory for them.
    pub fn add(
        &mut self,
        weight: f64,
        postings: impl ExactSizeIterator<Item = Posting>,
    ) -> Result<(), TryReserveError> {
        self.sums.try_reserve(postings.len())?;
        let Parameters { k1, b } = self.parameters;
        let flat = k1 * (1.0 - b);
        let per_length = if self.collection.mean_length > 0.0 { k1 * b / self.collection.mean_length } else { 0.0 };
        for posting in postings {
            let frequency = f64::from(posting.frequency.unsigned_abs());
            let score = weight * frequency / (frequency + flat + per_length * f64::from(posting.length));
            let score = (score * UNIT) as i64;
            *self.sums.entry(posting.document).or_insert(0) += if posting.frequency < 0 { -score } else { score };
        }
        Ok(())
    }

    /// The score of a document; 0 when it holds no term of the query.
    pub fn score(&self, document: u64) -> f64 {
        self.sums.get(&document).map_or(0.0, |sum| (*sum).max(0) as f64 / UNIT)
    }

    /// What no document can reach: the sum of the weights of the terms announced.
    pub fn ceiling(&self) -> f64 {
        self.ceiling
    }

    /// All documents that hold a term of the query, best first, the smaller identity first among equals; in portions,
    /// so that only what is asked for is sorted.
    pub fn ranking(&self) -> Result<Ranking, TryReserveError> {
        let mut rest = Vec::new();
        rest.try_reserve_exact(self.sums.len())?;
        rest.extend(self.sums.iter().filter(|(_, sum)| **sum > 0).map(|(document, sum)| (-*sum, *document)));
        Ok(Ranking { rest })
    }
}

/// The documents found by a [`Scorer`], in order.
#[derive(Debug)]
pub struct Ranking {
    rest: Vec<(i64, u64)>,
}

impl Ranking {
    /// The next `count` documents, fewer when no more are left.
    pub fn next(&mut self, count: usize) -> Vec<u64> {
        if count == 0 {
            return Vec::new();
        }
        if count < self.rest.len() {
            self.rest.select_nth_unstable(count - 1);
        }
        let mut portion: Vec<_> = self.rest.drain(..count.min(self.rest.len())).collect();
        portion.sort_unstable();
        portion.into_iter().map(|(_, document)| document).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn posting(document: u64, frequency: i16, length: i32) -> Posting {
        Posting { document, frequency, length }
    }

    #[test]
    fn a_score_is_the_one_worked_out_by_hand() {
        let mut scorer = Scorer::new(Parameters { k1: 1.2, b: 0.75 }, Collection { documents: 4, mean_length: 10.0 });
        let weight = scorer.term(1);
        scorer.add(weight, [posting(7, 2, 20)].into_iter()).unwrap();
        // idf = ln(1 + 3.5 / 1.5); 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 2))
        let expected = (1.0f64 + 3.5 / 1.5).ln() * 4.4 / (2.0 + 1.2 * 1.75);
        assert!((scorer.score(7) - expected).abs() < 1e-8);
        assert_eq!(scorer.score(8), 0.0);
    }

    #[test]
    fn a_term_that_all_documents_hold_still_counts_for_a_little() {
        assert!(inverse_document_frequency(10, 10) > 0.0);
        assert!(inverse_document_frequency(10, 1) > inverse_document_frequency(10, 2));
        assert!(inverse_document_frequency(0, 0) > 0.0);
        assert!(inverse_document_frequency(1, 5) > 0.0);
    }

    #[test]
    fn equal_scores_are_ordered_by_identity() {
        let mut scorer = Scorer::new(Parameters::default(), Collection { documents: 9, mean_length: 5.0 });
        let weight = scorer.term(4);
        scorer.add(weight, [9, 3, 5, 1].map(|document| posting(document, 1, 5)).into_iter()).unwrap();
        scorer.add(weight, [posting(5, 1, 5)].into_iter()).unwrap();
        let mut ranking = scorer.ranking().unwrap();
        assert_eq!(ranking.next(2), [5, 1]);
        assert_eq!(ranking.next(5), [3, 9]);
        assert!(ranking.next(1).is_empty());
        assert!(ranking.next(0).is_empty());
    }

    proptest! {
        #[test]
        fn what_is_taken_back_leaves_nothing_and_order_does_not_matter(
            entries in prop::collection::vec((0u64..6, 1i16..300, 1i32..5000), 1..40),
            weights in prop::collection::vec(0.001f64..30.0, 1..4),
        ) {
            let collection = Collection { documents: 6, mean_length: 100.0 };
            let mut forward = Scorer::new(Parameters::default(), collection);
            let mut backward = Scorer::new(Parameters::default(), collection);
            for weight in &weights {
                let postings: Vec<_> = entries.iter().map(|(d, f, l)| posting(*d, *f, *l)).collect();
                forward.add(*weight, postings.clone().into_iter()).unwrap();
                backward.add(*weight, postings.into_iter().rev()).unwrap();
            }
            let documents = forward.ranking().unwrap().next(usize::MAX);
            prop_assert_eq!(&documents, &backward.ranking().unwrap().next(usize::MAX));
            for weight in &weights {
                forward.add(*weight, entries.iter().map(|(d, f, l)| posting(*d, -*f, *l))).unwrap();
            }
            prop_assert!(forward.ranking().unwrap().next(1).is_empty());
        }

        #[test]
        fn no_document_reaches_the_ceiling(
            terms in prop::collection::vec((1u64..50, 1i16..300), 1..10), length in 1i32..5000,
        ) {
            let mut scorer = Scorer::new(Parameters::default(), Collection { documents: 50, mean_length: 40.0 });
            for (holding, frequency) in terms {
                let weight = scorer.term(holding);
                scorer.add(weight, [posting(1, frequency, length)].into_iter()).unwrap();
            }
            prop_assert!(scorer.score(1) > 0.0 && scorer.score(1) < scorer.ceiling());
        }

        #[test]
        fn portions_join_to_the_whole_ranking(scores in prop::collection::vec(1i16..9, 0..60), portion in 1usize..9) {
            let mut scorer = Scorer::new(Parameters::default(), Collection { documents: 60, mean_length: 9.0 });
            scorer.add(1.0, scores.iter().enumerate().map(|(d, f)| posting(d as u64, *f, 9))).unwrap();
            let whole = scorer.ranking().unwrap().next(usize::MAX);
            let mut ranking = scorer.ranking().unwrap();
            let mut joined = Vec::new();
            loop {
                let next = ranking.next(portion);
                if next.is_empty() { break }
                joined.extend(next);
            }
            prop_assert_eq!(joined, whole);
        }
    }
}
