//! A question in plain language, understood step by step.
//!
//! [`token`] splits it, [`time`] reads its times, [`link`] finds the names and metrics in it, [`words`] knows what the
//! remaining words do, and [`compose`] puts all of it together into a [`plan::Plan`].

mod asides;
pub mod compose;
mod condition;
mod cues;
mod definition;
mod groups;
mod leftover;
mod lexicon;
pub mod link;
mod measured;
mod operation;
mod own;
mod partial;
pub mod plan;
mod several;
mod shape;
pub mod time;
pub mod token;
mod trade;
pub mod words;

pub use compose::understand;
pub use plan::Plan;
