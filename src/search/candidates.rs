//! Which statements come into question, and their order.
//!
//! Every candidate gets both scores, whichever of the two found it: the text score is known for all statements, the
//! vector of a statement that only its words brought up is looked up. What the caller may not see, what the filter
//! excludes and what is no statement is left out before results are counted, so k statements that match give k results.

use super::jsonb::Jsonb;
use super::rights::Rights;
use super::{Found, Request, failed};
use crate::catalog::{self, schema};
use crate::model;
use crate::prepared;
use crate::settings::Scoped;
use crate::types::concept_id::ConceptId;
use crate::types::embedding::Embedding;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi::SpiTupleTable;
use std::collections::{BTreeMap, BTreeSet};
use sutra_knowledge::ranking::bm25::Scorer;
use sutra_knowledge::ranking::fusion;

/// Each part brings up at least so many candidates, and twice as many as results are wanted.
const MINIMUM_POOL: usize = 100;

/// What trying a candidate costs over scoring one of the statements that a filter leaves: it is a step of a scan of the
/// index of vectors, two rows read at random, and its metadata compared.
const TRIAL: f64 = 5.0;

/// The best statements of the space by their words alone, best first: what a search costs without a vector.
pub fn by_words(request: &Request, text: &Scorer) -> Vec<Found> {
    let scored = |concept| {
        let text_score = text.score(concept);
        let score = fusion::fuse(text_score, text.ceiling(), 0.0) as f32;
        Found { concept, score, vector_score: None, text_score }
    };
    let mut found = ordered(brought_up(request, text, None).into_iter().map(scored).collect());
    found.truncate(request.count);
    found
}

fn ordered(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_unstable_by(|one, other| other.score.total_cmp(&one.score).then(one.concept.cmp(&other.concept)));
    found
}

/// The best statements of the space, best first.
pub fn search(request: &Request, rights: &Rights, text: &Scorer) -> Vec<Found> {
    let vectors = Vectors::new(request, rights);
    let narrow = request.filter.as_ref().and_then(|filter| passing(request, rights, filter, text.documents()));
    let all_pass = narrow.is_some();
    let candidates = match narrow {
        Some(concepts) => concepts.into_iter().collect(),
        None => brought_up(request, text, vectors.as_ref()),
    };
    let similarities = vectors.map(|vectors| vectors.similarities(&candidates)).unwrap_or_default();
    let found = candidates
        .into_iter()
        .map(|concept| {
            let vector_score = similarities.get(&concept).copied();
            let text_score = text.score(concept);
            let score = fusion::fuse(text_score, text.ceiling(), vector_score.unwrap_or(0.0));
            Found { concept, score: score as f32, vector_score, text_score }
        })
        .filter(|found| found.vector_score.is_some() || found.text_score > 0.0)
        .collect();
    let mut found = ordered(found);
    if all_pass {
        return first_visible(request, found);
    }
    found.truncate(request.count);
    found
}

/// The first of an order that are visible to the caller, as many as are wanted: of thousands that pass a filter few are read.
fn first_visible(request: &Request, ordered: Vec<Found>) -> Vec<Found> {
    let mut ordered = ordered.into_iter();
    let mut found = Vec::new();
    while found.len() < request.count {
        let portion: Vec<Found> = ordered.by_ref().take(request.count).collect();
        if portion.is_empty() {
            break;
        }
        let visible = visible(request, &portion.iter().map(|found| found.concept).collect::<Vec<_>>());
        found.extend(portion.into_iter().filter(|found| visible.contains(&found.concept)));
    }
    found.truncate(request.count);
    found
}

/// The statements found with what they say, in the same order.
pub fn with_content(request: &Request, found: Vec<Found>) -> Vec<(Found, String, Jsonb)> {
    let query = format!(
        "SELECT c.id, c.content, c.metadata FROM sutra.concept AS c
         WHERE c.space OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR({}.=) ANY ($2)",
        schema()
    );
    let identities: Vec<ConceptId> = found.iter().map(|found| ConceptId(found.concept)).collect();
    let arguments = [request.space.as_str().into(), identities.into()];
    let mut contents: BTreeMap<u64, (String, Jsonb)> = Spi::connect(|client| {
        let statement = failed(prepared::reading(client, &query, &arguments));
        failed(client.select(&*statement, None, &arguments))
            .filter_map(|row| {
                let concept: ConceptId = failed(row.get(1))?;
                Some((concept.0, (failed(row.get(2))?, failed(row.get(3))?)))
            })
            .collect()
    });
    found
        .into_iter()
        .filter_map(|found| {
            let (content, metadata) = contents.remove(&found.concept)?;
            Some((found, content, metadata))
        })
        .collect()
}

/// How many candidates each part brings up at first.
fn pool(request: &Request) -> usize {
    MINIMUM_POOL.max(2 * request.count)
}

/// The candidates of both parts, as many as are needed for the results wanted.
fn brought_up(request: &Request, text: &Scorer, vectors: Option<&Vectors>) -> BTreeSet<u64> {
    let mut pool = pool(request);
    let mut candidates = BTreeSet::new();
    let mut ranking = super::allocated(text.ranking());
    while candidates.len() < pool {
        let portion = ranking.next(pool);
        if portion.is_empty() {
            break;
        }
        candidates.extend(visible(request, &portion).into_iter().take(pool));
    }
    let Some(vectors) = vectors else { return candidates };
    let mut by_index = true;
    loop {
        let (rows, nearest) = vectors.nearest(pool, by_index);
        candidates.extend(visible(request, &nearest));
        if candidates.len() >= request.count {
            return candidates;
        }
        match (rows < pool, by_index) {
            (false, _) => pool = pool.saturating_mul(4),
            // A graph may have vectors that no way leads to, many equal ones above all. The table has them all.
            (true, true) => by_index = false,
            (true, false) => return candidates,
        }
    }
}

/// All statements that pass the filter, unless they are so many that trying candidates costs less: of `documents` that lie
/// as they come, `pool * documents / passing` are tried until a pool of them has passed.
///
/// Under row-level security the index on metadata serves the owner of the table only, because `@>` is not leakproof;
/// the spaces of the caller have been checked before, and [`visible`] asks the policies again.
///
/// Planned for each filter: one plan for all would read a wide filter's whole part of that index to find that it is wide.
fn passing(request: &Request, rights: &Rights, filter: &Jsonb, documents: u64) -> Option<Vec<u64>> {
    let narrow = (TRIAL * pool(request) as f64 * documents as f64).sqrt() as usize;
    let concepts = rights.as_owner(|| {
        planned_anew(
            "SELECT c.id FROM sutra.concept AS c
             WHERE c.space OPERATOR(pg_catalog.=) $1 AND c.kind OPERATOR(pg_catalog.=) 'statement'
                 AND c.metadata OPERATOR(pg_catalog.@>) $2
             LIMIT $3",
            &[request.space.as_str().into(), filter.clone().into(), (narrow as i64 + 1).into()],
        )
    });
    (concepts.len() <= narrow).then_some(concepts)
}

/// Those of some concepts that are statements, pass the filter and are visible to the caller.
fn visible(request: &Request, candidates: &[u64]) -> BTreeSet<u64> {
    let found = concepts(
        "SELECT c.id FROM sutra.concept AS c
         WHERE c.space OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR({schema}.=) ANY ($2)
             AND c.kind OPERATOR(pg_catalog.=) 'statement'
             AND ($3 IS NULL OR c.metadata OPERATOR(pg_catalog.@>) $3)",
        &[request.space.as_str().into(), identities(candidates).into(), request.filter.clone().into()],
    );
    found.into_iter().collect()
}

fn identities(concepts: &[u64]) -> Vec<ConceptId> {
    concepts.iter().copied().map(ConceptId).collect()
}

fn concepts(query: &str, arguments: &[DatumWithOid<'_>]) -> Vec<u64> {
    Spi::connect(|client| {
        let statement = failed(prepared::reading(client, query, arguments));
        concepts_of(failed(client.select(&*statement, None, arguments)))
    })
}

/// As [`concepts`], for a query whose best plan depends on its arguments.
fn planned_anew(query: &str, arguments: &[DatumWithOid<'_>]) -> Vec<u64> {
    Spi::connect(|client| concepts_of(failed(client.select(query, None, arguments))))
}

fn concepts_of(rows: SpiTupleTable<'_>) -> Vec<u64> {
    rows.filter_map(|row| failed(row.get::<ConceptId>(1))).map(|concept| concept.0).collect()
}

/// The vectors of the space, seen from the query.
struct Vectors<'request> {
    request: &'request Request,
    rights: &'request Rights,
    table: String,
    query: Vec<f32>,
}

impl<'request> Vectors<'request> {
    /// Nothing when the active model has no vectors yet.
    fn new(request: &'request Request, rights: &'request Rights) -> Option<Self> {
        let model = model::active();
        let table = model.table;
        let exists = failed(catalog::read_one::<bool>(
            "SELECT pg_catalog.to_regclass($1) IS NOT NULL",
            &[table.as_str().into()],
        ));
        if exists != Some(true) {
            return None;
        }
        Some(Vectors { request, rights, table, query: model::embed_query(&model.name, &request.query) })
    }

    fn query(&self) -> Embedding {
        Embedding::from_slice(&self.query)
    }

    /// The concepts of the nearest vectors, and how many vectors that were: fewer than `count` when these are all, or all
    /// that the index leads to. Their order is not needed: they are ranked anew.
    ///
    /// Under row-level security the planner takes a policy and a filter together for so narrow that it reads all that pass
    /// and sorts them, which took 5.6 times the owner's time over 100,000 statements. So the filter is joined with the
    /// rights of the owner, as in [`passing`]; [`visible`] asks the policies.
    fn nearest(&self, count: usize, by_index: bool) -> (usize, Vec<u64>) {
        // Whatever the session wants of its own scans: this one must not end before it has as many as there are.
        let _plan = Scoped::new(match by_index {
            true => &[(c"sutra.iterative_scan", c"relaxed_order")],
            false => &[(c"enable_indexscan", c"off"), (c"enable_sort", c"on")],
        });
        let schema = schema();
        // How many are wanted decides whether the index serves.
        let nearest = match &self.request.filter {
            None => planned_anew(
                &format!(
                    "SELECT v.concept FROM {} AS v
                     WHERE v.space OPERATOR(pg_catalog.=) $1
                     ORDER BY v.embedding OPERATOR({schema}.<=>) $2 LIMIT {count}",
                    self.table
                ),
                &[self.request.space.as_str().into(), self.query().into()],
            ),
            Some(filter) => {
                let query = format!(
                    "SELECT v.concept FROM {} AS v
                     JOIN sutra.concept AS c ON c.space OPERATOR(pg_catalog.=) v.space AND c.id OPERATOR({schema}.=) v.concept
                     WHERE v.space OPERATOR(pg_catalog.=) $1 AND c.metadata OPERATOR(pg_catalog.@>) $3
                     ORDER BY v.embedding OPERATOR({schema}.<=>) $2 LIMIT {count}",
                    self.table
                );
                let arguments = [self.request.space.as_str().into(), self.query().into(), filter.clone().into()];
                self.rights.as_owner(|| planned_anew(&query, &arguments))
            }
        };
        (nearest.len(), nearest)
    }

    /// How near each concept is that has a vector.
    fn similarities(&self, concepts: &BTreeSet<u64>) -> BTreeMap<u64, f64> {
        let concepts: Vec<ConceptId> = concepts.iter().copied().map(ConceptId).collect();
        // Chunk 0 is the whole text. The distance to a vector of zeros is not a number: such a vector is near to nothing.
        let query = format!(
            "SELECT d.concept,
                 1.0::pg_catalog.float8 OPERATOR(pg_catalog.-) pg_catalog.min(d.distance) FILTER (WHERE d.chunk OPERATOR(pg_catalog.=) 0),
                 1.0::pg_catalog.float8 OPERATOR(pg_catalog.-) pg_catalog.min(d.distance) FILTER (WHERE d.chunk OPERATOR(pg_catalog.>) 0)
             FROM (SELECT v.concept, v.chunk, v.embedding OPERATOR({schema}.<=>) $2 AS distance
                   FROM {table} AS v
                   WHERE v.space OPERATOR(pg_catalog.=) $1 AND v.concept OPERATOR({schema}.=) ANY ($3)) AS d
             WHERE d.distance OPERATOR(pg_catalog.<>) 'NaN'
             GROUP BY d.concept",
            schema = schema(),
            table = self.table,
        );
        let arguments = [self.request.space.as_str().into(), self.query().into(), concepts.into()];
        Spi::connect(|client| {
            let statement = failed(prepared::reading(client, &query, &arguments));
            failed(client.select(&*statement, None, &arguments))
                .filter_map(|row| {
                    let concept: ConceptId = failed(row.get(1))?;
                    let similarity = fusion::similarity(failed(row.get(2)), failed(row.get(3)))?;
                    Some((concept.0, similarity))
                })
                .collect()
        })
    }
}
