//! Learning: a statement becomes a concept with its vector, words, entities, edges and observations.
//!
//! What is written where, and by which rule, is in docs/DATA_MODEL.md. `batch` is the way that every statement takes.

mod associate;
mod batch;
mod entity;
mod failure;
mod forget;
mod hold;
pub mod inbox;
mod ingest;
mod json;
mod lonely;
mod ohlcv;
pub mod reembed;
mod relations;
mod roles;
mod series;
mod similar;
pub mod statements;
mod store;
mod times;

use crate::error::raise;
use crate::types::concept_id::ConceptId;
use crate::types::embedding::Embedding;
use batch::Item;
use failure::Place;
use json::Json;
use pgrx::callconv::{Arg, ArgAbi};
use pgrx::datum::UnboxDatum;
use pgrx::prelude::*;

/// Learns one statement.
#[pg_extern]
fn sutra_learn(content: Option<&str>, metadata: Option<Json>) -> ConceptId {
    let place = Place { position: 1, shown: false };
    let content = content.unwrap_or_else(|| raise_null("content", place));
    let learned = batch::learn(&[Item { content, metadata, name: None, embedding: None, place }]);
    learned.into_iter().next().unwrap_or_else(|| error!("nothing was learned"))
}

/// Learns many statements, with their vectors where these are given.
#[pg_extern]
fn sutra_learn_batch(
    contents: Option<Array<'_, &str>>,
    metadata: Option<Array<'_, Json>>,
    embeddings: Option<Array<'_, Given>>,
) -> SetOfIterator<'static, ConceptId> {
    let Some(contents) = contents else { raise_null("contents", Place { position: 1, shown: false }) };
    check_length("metadata", metadata.as_ref().map(Array::len), "contents", contents.len());
    check_length("embeddings", embeddings.as_ref().map(Array::len), "contents", contents.len());
    let mut metadata = metadata.as_ref().map(Array::iter);
    let mut embeddings = embeddings.as_ref().map(Array::iter);
    let mut items = Vec::new();
    reserve(&mut items, contents.len());
    for (index, content) in contents.iter().enumerate() {
        let place = Place { position: index + 1, shown: true };
        items.push(Item {
            content: content.unwrap_or_else(|| raise_null("content", place)),
            metadata: metadata.as_mut().and_then(|metadata| metadata.next().flatten()),
            name: None,
            embedding: embeddings.as_mut().map(|embeddings| match embeddings.next().flatten() {
                Some(Given(datum)) => datum,
                None => raise_null("embedding", place),
            }),
            place,
        });
    }
    SetOfIterator::new(batch::learn(&items))
}

/// An element of an argument of type embedding[], as PostgreSQL holds it.
struct Given(pg_sys::Datum);

impl FromDatum for Given {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        (!is_null).then_some(Given(datum))
    }
}

impl IntoDatum for Given {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        Some(self.0)
    }

    fn type_oid() -> pg_sys::Oid {
        Embedding::type_oid()
    }
}

pgrx::pgrx_sql_entity_graph::impl_sql_translatable!(Given, "embedding");

// SAFETY: the datum is kept as it is.
unsafe impl UnboxDatum for Given {
    type As<'src> = Given;

    unsafe fn unbox<'src>(datum: pgrx::datum::Datum<'src>) -> Self::As<'src>
    where
        Self: 'src,
    {
        Given(datum.sans_lifetime())
    }
}

// SAFETY: the argument is kept as it is.
unsafe impl<'fcx> ArgAbi<'fcx> for Given {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: the caller passes an embedding.
        match unsafe { arg.unbox_arg_using_from_datum() } {
            Some(given) => given,
            None => error!("an embedding argument must not be null"),
        }
    }
}

/// Refuses a null where a value is needed.
fn raise_null(what: &str, place: Place) -> ! {
    raise(
        PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
        format!("{what} must not be null"),
        &place.detail(""),
        "Leave rows without a value out.",
    )
}

/// Refuses an array that is not as long as another.
fn check_length(name: &str, length: Option<usize>, other: &str, expected: usize) {
    if let Some(length) = length
        && length != expected
    {
        raise(
            PgSqlErrorCode::ERRCODE_ARRAY_ELEMENT_ERROR,
            format!("{name} and {other} must have the same number of elements"),
            &format!("{name} has {length} elements, {other} has {expected}."),
            "Aggregate them in one query, so that each row gives an element to each.",
        );
    }
}

/// Makes room for what the caller sizes.
fn reserve<T>(values: &mut Vec<T>, count: usize) {
    if values.try_reserve(count).is_err() {
        raise(PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY, "out of memory", "", "Learn fewer statements in one call.");
    }
}
