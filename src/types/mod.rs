//! The SQL types: `embedding` and `concept_id`.

pub mod concept_id;
pub mod embedding;
mod hash;
mod lookup;
mod refusal;
