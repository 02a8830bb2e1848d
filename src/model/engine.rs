//! Texts to vectors: from the cache, from the pool where the server has one that answers, else in this backend.

use crate::model::cache::VectorCache;
use crate::model::failure::raise_failure;
use crate::model::known::{self, Known};
use crate::model::{pool, session, statistics};
use crate::settings;
use std::cell::RefCell;
use sutra_embedder::Purpose;

thread_local! {
    static CACHE: RefCell<VectorCache> = RefCell::new(VectorCache::new());
}

/// The vectors of passages, in their order, by the model of that name. Raises an ERROR for a text without a word.
pub fn embed_passages(model: &str, texts: &[&str]) -> Vec<Vec<f32>> {
    embed_with(model, texts, Purpose::Passage)
}

/// The vector of a question by the model of that name; recent ones are remembered, see `sutra.embedding_cache`.
pub fn embed_query(model: &str, text: &str) -> Vec<f32> {
    embed_one(model, text, Purpose::Query)
}

/// The vectors of `texts`, in their order, by the model of that name.
pub fn embed_with(model: &str, texts: &[&str], purpose: Purpose) -> Vec<Vec<f32>> {
    if texts.is_empty() {
        return Vec::new();
    }
    embed_known(model, &known::known(model), texts, purpose)
}

/// The vector of one text, from the cache where it is there.
pub fn embed_one(model: &str, text: &str, purpose: Purpose) -> Vec<f32> {
    let known = known::known(model);
    let limit = settings::EMBEDDING_CACHE.get() as usize * 1024;
    let cached = if limit > 0 { CACHE.with_borrow_mut(|cache| cache.get(known.number, purpose, text)) } else { None };
    if let Some(vector) = cached {
        statistics::count_cached();
        return vector;
    }
    let vector = embed_known(model, &known, &[text], purpose).pop().unwrap_or_default();
    CACHE.with_borrow_mut(|cache| cache.put(known.number, purpose, text, &vector, limit));
    vector
}

/// Bytes of the vectors that this backend remembers.
pub fn cache_bytes() -> usize {
    CACHE.with_borrow(VectorCache::bytes)
}

/// Runs the model on a text of its maximum length. Raises an ERROR where it fails.
pub fn try_out(model: &str) {
    if pool::is_usable() {
        let known = known::known(model);
        embed_known(model, &known, &["a ".repeat(known.maximum_tokens).as_str()], Purpose::Passage);
    } else {
        session::try_out(model);
    }
}

fn embed_known(model: &str, known: &Known, texts: &[&str], purpose: Purpose) -> Vec<Vec<f32>> {
    match pool::embed(known, texts, purpose) {
        Ok(Some(vectors)) => vectors,
        Ok(None) => session::embed(model, texts, purpose),
        Err((text, failure)) => {
            known::forget(known);
            raise_failure(model, text, &failure)
        }
    }
}
