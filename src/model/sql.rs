//! The SQL functions of the models; sql/50_model.sql declares them.

use crate::error::raise;
use crate::model::{engine, pool, registry, statistics};
use crate::types::embedding::Embedding;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use sutra_embedder::Purpose;

/// `sutra_embed(text)`
#[pg_extern]
fn sutra_embed(text: &str) -> Embedding {
    Embedding::from_slice(&engine::embed_one(&registry::active_name(), text, Purpose::Passage))
}

/// `sutra_embed(text, model text)`
#[pg_extern]
fn sutra_embed_with_model(text: &str, model: &str) -> Embedding {
    registry::check_name(model);
    Embedding::from_slice(&engine::embed_one(model, text, Purpose::Passage))
}

/// `sutra_embed(text[])`
#[pg_extern]
fn sutra_embed_array(texts: Array<'_, &str>) -> Vec<Embedding> {
    let mut present = Vec::new();
    if present.try_reserve_exact(texts.len()).is_err() {
        raise(PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY, "out of memory while reading the texts", "", "");
    }
    for (index, text) in texts.iter().enumerate() {
        match text {
            Some(text) => present.push(text),
            None => raise(
                PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
                "text to embed must not be null",
                &format!("It is element {} of the array.", index + 1),
                "Leave it out, for example with array_remove(texts, NULL).",
            ),
        }
    }
    let vectors = engine::embed_with(&registry::active_name(), &present, Purpose::Passage);
    vectors.iter().map(|vector| Embedding::from_slice(vector)).collect()
}

type InstalledModel = (String, i32, i32, String, String, bool);

/// `sutra.installed_models()`
#[pg_extern]
#[allow(clippy::type_complexity, reason = "pgrx wants the columns spelled out")]
fn installed_models() -> TableIterator<
    'static,
    (
        name!(name, String),
        name!(dimension, i32),
        name!(maximum_tokens, i32),
        name!(sha256, String),
        name!(vector_table, String),
        name!(active, bool),
    ),
> {
    let active = match crate::settings::text(&crate::settings::MODEL) {
        name if name.is_empty() => registry::database_model(),
        name => name,
    };
    let rows: Vec<InstalledModel> = registry::installed()
        .into_iter()
        .map(|manifest| {
            let table = registry::table_name(&manifest.name);
            let active = manifest.name == active;
            let (dimension, tokens) = (manifest.dimension as i32, manifest.maximum_tokens as i32);
            (manifest.name, dimension, tokens, manifest.model.sha256, table, active)
        })
        .collect();
    TableIterator::new(rows)
}

type StatisticsRow = (String, i64, i64, i64, i64, f64, i64, Option<i64>, Option<i32>, i64);

/// `sutra.embedding_statistics()`
#[pg_extern]
#[allow(clippy::type_complexity, reason = "pgrx wants the columns spelled out")]
fn embedding_statistics() -> TableIterator<
    'static,
    (
        name!(scope, String),
        name!(requests, i64),
        name!(texts, i64),
        name!(tokens, i64),
        name!(batches, i64),
        name!(seconds, f64),
        name!(cached, i64),
        name!(queue_depth, Option<i64>),
        name!(workers, Option<i32>),
        name!(restarts, i64),
    ),
> {
    let mut rows: Vec<StatisticsRow> = Vec::new();
    if let Some(pool) = pool::statistics() {
        let counters = pool.counters;
        rows.push((
            "pool".into(),
            counters.requests as i64,
            counters.texts as i64,
            counters.tokens as i64,
            counters.batches as i64,
            counters.nanoseconds as f64 / 1e9,
            0,
            Some(pool.depth),
            Some(pool.workers),
            counters.restarts as i64,
        ));
    }
    let session = statistics::session();
    rows.push((
        "session".into(),
        session.requests as i64,
        session.usage.texts as i64,
        session.usage.tokens as i64,
        session.usage.batches as i64,
        session.usage.seconds,
        session.cached as i64,
        None,
        None,
        0,
    ));
    TableIterator::new(rows)
}
