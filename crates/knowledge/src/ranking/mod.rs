//! What is found, in which order: BM25 over the terms of a question, and its fusion with the similarity of meaning.
//!
//! Nothing here knows where statements are stored. The caller says how large the collection is and hands over the
//! postings of each term; the order of the postings does not change any score.

pub mod bm25;
pub mod fusion;
