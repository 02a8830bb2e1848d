//! `sutra_search`: hybrid retrieval. Words are matched by BM25 over the blocks of `sutra.posting`, meaning by the
//! vectors of the active model; [`sutra_knowledge::ranking`] makes one order of the two.
//!
//! Everything is read in the caller's snapshot, every row returned with the caller's rights, and nothing is written, so
//! it works on a standby.

mod candidates;
pub mod jsonb;
mod postings;
mod rights;

use crate::error::raise;
use crate::observe::counters::{self, Timer};
use crate::types::concept_id::ConceptId;
use jsonb::Jsonb;
use pgrx::prelude::*;

/// The most results one search returns.
const MAXIMUM_RESULTS: i32 = 10_000;

/// The most characters of a query that are read: far more than the model's window and than any question, but so few
/// that a whole document given as a query costs no more than a long one.
const MAXIMUM_QUERY: usize = 8_192;

/// What a search was asked for, checked.
struct Request {
    /// The query, cut to [`MAXIMUM_QUERY`] characters.
    query: String,
    /// How many results, at least one.
    count: usize,
    /// A JSON object that the metadata must contain; nothing for no filter.
    filter: Option<Jsonb>,
    /// The space that is searched.
    space: String,
}

impl Request {
    fn new(query: Option<&str>, k: Option<i32>, filter: Option<Jsonb>) -> Self {
        let Some(query) = query else {
            raise(
                PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
                "the query must not be null",
                "",
                "Give a text to search for.",
            )
        };
        if query.chars().all(char::is_whitespace) {
            raise(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                "the query is empty",
                "It has no character but white space.",
                "Give a text to search for.",
            );
        }
        let Some(k) = k else {
            raise(
                PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
                "the number of results k must not be null",
                "",
                "Leave k out for 10 results.",
            )
        };
        if !(1..=MAXIMUM_RESULTS).contains(&k) {
            raise(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                format!("k is {k}, but must be between 1 and {MAXIMUM_RESULTS}"),
                "k is the number of results.",
                "",
            );
        }
        if filter.as_ref().is_some_and(|filter| !filter.is_object()) {
            raise(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                "the filter must be a JSON object",
                "",
                "Give the keys and values that the metadata must contain, such as {\"company\": \"AAPL\"}.",
            );
        }
        Request {
            query: query.chars().take(MAXIMUM_QUERY).collect(),
            count: k as usize,
            filter: filter.filter(|filter| !filter.is_empty_object()),
            space: crate::settings::space(),
        }
    }
}

/// A statement found, with its score and the parts of it.
struct Found {
    concept: u64,
    score: f32,
    vector_score: Option<f64>,
    text_score: f64,
}

/// The best statements for a query, best first.
#[pg_extern]
#[allow(clippy::type_complexity)]
fn sutra_search(
    query: Option<&str>,
    k: Option<i32>,
    filter: Option<Jsonb>,
) -> TableIterator<
    'static,
    (
        name!(concept_id, ConceptId),
        name!(content, String),
        name!(metadata, Jsonb),
        name!(score, f32),
        name!(vector_score, Option<f32>),
        name!(text_score, f32),
    ),
> {
    let timer = Timer::start(&counters::get().0.search);
    let request = Request::new(query, k, filter);
    let rows = match rights::Rights::check(&request) {
        Some(rights) => {
            let text = rights.as_owner(|| postings::search(&request));
            let found = candidates::search(&request, &rights, &text);
            candidates::with_content(&request, found)
        }
        None => Vec::new(),
    };
    timer.end();
    TableIterator::new(rows.into_iter().map(|(found, content, metadata)| {
        let vector_score = found.vector_score.map(|score| score as f32);
        (ConceptId(found.concept), content, metadata, found.score, vector_score, found.text_score as f32)
    }))
}

/// A statement and its score.
pub type Scored = (u64, f32);

/// The best statements for a query with their scores, best first, for the extension's own use. `worth` is given what the
/// words of the query bring up, and says whether it is worth looking for the meaning too, which needs the model; without
/// that, and without a right to read, there is nothing.
pub fn find(
    query: &str,
    count: usize,
    filter: Option<Jsonb>,
    worth: &mut dyn FnMut(&[Scored]) -> bool,
) -> Option<Vec<Scored>> {
    let count = i32::try_from(count).unwrap_or(MAXIMUM_RESULTS).min(MAXIMUM_RESULTS);
    let request = Request::new(Some(query), Some(count), filter);
    let timer = Timer::start(&counters::get().0.search);
    let found = rights::Rights::check(&request).and_then(|rights| {
        let scored =
            |found: Vec<Found>| -> Vec<Scored> { found.iter().map(|found| (found.concept, found.score)).collect() };
        let text = rights.as_owner(|| postings::search(&request));
        // With a filter few statements may be left, which are found by it and not by trying what the words bring up.
        let go_on = request.filter.is_some() || worth(&scored(candidates::by_words(&request, &text)));
        go_on.then(|| scored(candidates::search(&request, &rights, &text)))
    });
    timer.end();
    found
}

/// Reports a failure of a query of the extension's own.
fn failed<T>(result: Result<T, pgrx::spi::Error>) -> T {
    result.unwrap_or_else(|error| error!("a query of sutra_search failed: {error}"))
}

/// Reports that there is no memory for the candidates of a search.
fn allocated<T>(result: Result<T, std::collections::TryReserveError>) -> T {
    result.unwrap_or_else(|_| {
        raise(
            PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY,
            "out of memory",
            "The statements that hold the words of the query do not fit into memory.",
            "",
        )
    })
}
