//! Walks over the concept graph: `sutra_paths` and `sutra_related`.
//!
//! The search itself is [`sutra_knowledge::graph`]; this module checks arguments, reads edges set by set ([`read`]) with
//! the caller's rights, in the caller's snapshot, and returns rows. Nothing is written, so it works on a standby.

mod read;

use crate::error::raise;
use crate::settings;
use crate::types::concept_id::ConceptId;
use pgrx::JsonB;
use pgrx::prelude::*;
use read::SqlEdges;
use serde_json::{Value, json};
use sutra_knowledge::graph::paths::{self, Query};
use sutra_knowledge::graph::{Budget, Direction, Limit, Step, related};

/// The longest walk: beyond it nearly everything is connected with everything.
const MOST_DEPTH: i32 = 16;
/// The most paths or concepts that one call returns.
const MOST_RESULTS: i32 = 10_000;
/// Edges that may be read for each concept that may be visited.
const EDGES_PER_NODE: usize = 20;

fn refused(message: String, detail: &str, hint: &str) -> ! {
    raise(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message, detail, hint)
}

fn given<T>(argument: Option<T>, name: &str) -> T {
    argument.unwrap_or_else(|| {
        raise(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            format!("{name} must not be null"),
            "",
            "Leave an argument out for its default.",
        )
    })
}

/// A number between 1 and its greatest value.
fn number(argument: Option<i32>, name: &str, most: i32) -> usize {
    let number = given(argument, name);
    if !(1..=most).contains(&number) {
        refused(format!("{name} is {number}, but must be between 1 and {most}"), "", "");
    }
    number as usize
}

fn walked(argument: Option<&str>) -> Direction {
    match given(argument, "direction") {
        "out" => Direction::Out,
        "in" => Direction::In,
        "both" => Direction::Both,
        other => refused(
            format!("direction \"{other}\" is unknown"),
            "",
            "It is out to walk along the edges, in to walk against them, or both.",
        ),
    }
}

/// The kinds of edges asked for, by their names; a null among them is none.
fn labels(kinds: Array<'_, pg_sys::Oid>) -> Vec<String> {
    kinds.iter().flatten().map(|kind| pgrx::enum_helper::lookup_enum_by_oid(kind).0).collect()
}

fn budget() -> Budget {
    let nodes = settings::GRAPH_NODES.get().max(1) as usize;
    Budget { nodes, edges: nodes.saturating_mul(EDGES_PER_NODE) }
}

/// The surest paths over edges of some kinds, within the budget of the session.
pub fn walk(query: Query, kinds: Vec<String>) -> paths::Found {
    paths::find(&mut SqlEdges::new(Some(kinds)), query, budget())
}

/// Says that there may be more than what is returned, and why.
fn report(limit: Option<Limit>, visited: usize) {
    let (what, setting) = match limit {
        None => return,
        Some(Limit::Size) => (
            format!("its budget of {} concepts or {EDGES_PER_NODE} times as many edges", settings::GRAPH_NODES.get()),
            "sutra.graph_nodes",
        ),
        Some(Limit::Time) => (format!("its {} ms", settings::GRAPH_TIME.get()), "sutra.graph_time"),
    };
    pgrx::ereport!(
        PgLogLevel::WARNING,
        PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        format!("the walk over the graph ended early after {visited} concepts: it had used up {what}"),
        format!("There may be more than what is returned. Raise {setting}, or ask for fewer steps or kinds.")
    );
}

fn step(step: &Step) -> Value {
    let id = |id: u64| ConceptId(id).to_string();
    // As it is printed, and not with the digits that a wider type makes of it.
    let confidence: f64 = step.edge.confidence.to_string().parse().unwrap_or_default();
    json!({
        "from": id(step.from), "relation": &*step.edge.relation, "kind": &*step.edge.kind, "to": id(step.to),
        "outgoing": step.outgoing, "confidence": confidence, "evidence": step.edge.evidence.map(id),
    })
}

/// The surest paths between two concepts.
#[pg_extern]
#[allow(clippy::type_complexity)]
fn sutra_paths(
    from: Option<ConceptId>,
    to: Option<ConceptId>,
    max_depth: Option<i32>,
    kinds: Option<Array<'_, pg_sys::Oid>>,
    max_paths: Option<i32>,
    direction: Option<&str>,
) -> TableIterator<
    'static,
    (
        name!(rank, i32),
        name!(confidence, f32),
        name!(length, i32),
        name!(concepts, Vec<ConceptId>),
        name!(path, JsonB),
        name!(together, f32),
        name!(complete, bool),
    ),
> {
    let query = Query {
        from: given(from, "from").0,
        to: given(to, "to").0,
        max_depth: number(max_depth, "max_depth", MOST_DEPTH),
        max_paths: number(max_paths, "max_paths", MOST_RESULTS),
        direction: walked(direction),
    };
    if query.from == query.to {
        refused(
            "from and to are the same concept".into(),
            "A path without a loop leads from a concept to another.",
            "Use sutra_related for what a concept is related to.",
        );
    }
    let found = paths::find(&mut SqlEdges::new(kinds.map(labels)), query, budget());
    report(found.limit, found.visited);
    let (together, complete) = (found.together() as f32, found.limit.is_none());
    TableIterator::new(found.paths.into_iter().zip(1..).map(move |(path, rank)| {
        let first = path.steps.first().map(|step| step.from);
        let concepts = first.into_iter().chain(path.steps.iter().map(|step| step.to)).map(ConceptId).collect();
        let steps = JsonB(path.steps.iter().map(step).collect());
        (rank, path.confidence as f32, path.steps.len() as i32, concepts, steps, together, complete)
    }))
}

/// What a concept is related to, directly and by steps.
#[pg_extern]
#[allow(clippy::type_complexity)]
fn sutra_related(
    id: Option<ConceptId>,
    max_depth: Option<i32>,
    kinds: Option<Array<'_, pg_sys::Oid>>,
    max_results: Option<i32>,
    direction: Option<&str>,
) -> TableIterator<
    'static,
    (
        name!(concept_id, ConceptId),
        name!(content, String),
        name!(confidence, f32),
        name!(depth, i32),
        name!(ways, i32),
        name!(last, JsonB),
        name!(complete, bool),
    ),
> {
    let from = given(id, "id").0;
    let max_depth = number(max_depth, "max_depth", MOST_DEPTH);
    let count = number(max_results, "max_results", MOST_RESULTS);
    let direction = walked(direction);
    let found = related::find(&mut SqlEdges::new(kinds.map(labels)), from, direction, max_depth, count, budget());
    report(found.limit, found.visited);
    let complete = found.limit.is_none();
    let mut contents = read::contents(found.related.iter().map(|related| related.node));
    let rows: Vec<_> = found
        .related
        .into_iter()
        .filter_map(|related| {
            let content = contents.remove(&related.node)?;
            let last = JsonB(step(&related.last));
            let (depth, ways) = (related.depth as i32, related.ways as i32);
            Some((ConceptId(related.node), content, related.confidence as f32, depth, ways, last, complete))
        })
        .collect();
    TableIterator::new(rows)
}

/// The concept that a name means: an identity, a known name or ticker, or the words of a concept.
#[pg_extern]
fn sutra_concept(name: Option<&str>) -> Option<ConceptId> {
    let name = given(name, "name");
    let found = read::named(name);
    match found.as_slice() {
        [] => None,
        [(only, _)] => Some(*only),
        several => {
            let listed: Vec<String> =
                several.iter().take(10).map(|(id, content)| format!("{id} ({content})")).collect();
            raise(
                PgSqlErrorCode::ERRCODE_AMBIGUOUS_ALIAS,
                format!("\"{name}\" names {} concepts", several.len()),
                &format!("It could be {}.", listed.join(", ")),
                "Give the id of the one that is meant.",
            )
        }
    }
}
