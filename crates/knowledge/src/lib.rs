//! From text to knowledge and from a question to an answer, without PostgreSQL.
//!
//! Learning: [`identity`] says when two contents are the same, [`names`] when two names are, [`date`] and [`number`]
//! read what metadata and text write in many ways, [`chunk`] cuts long texts, [`extract`] reads the relations that
//! a text states.
//!
//! Asking: [`question`] makes a plan of a question, [`answer`] carries it out over a [`store`].
//!
//! Searching: [`ranking`] puts what was found in order, [`graph`] walks from concept to concept.

pub mod answer;
pub mod chunk;
pub mod date;
pub mod extract;
pub mod graph;
pub mod identity;
pub mod mentions;
pub mod metadata;
pub mod names;
pub mod number;
pub mod ohlcv;
pub mod question;
pub mod ranking;
pub mod store;
