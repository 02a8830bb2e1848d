//! Relations that a text states, as rows of `sutra_extract` and as edges of what is learned.

use super::entity::Entities;
use pgrx::datum::{Range, RangeBound};
use pgrx::prelude::*;
use std::collections::BTreeMap;
use sutra_knowledge::extract::{self, Relation};

/// Relations of one text that become edges: the surest, so that a long page does not fill the graph.
const MOST_EDGES: usize = 64;

/// The names under which [`sutra_knowledge::extract`] states relations; edges of these go with the text they were read from.
pub const STATED: [&str; 8] = extract::RELATIONS;

/// What a text states, without learning it.
#[pg_extern]
#[allow(clippy::type_complexity)]
fn sutra_extract(
    text: &str,
) -> TableIterator<
    'static,
    (
        name!(relation, String),
        name!(source, String),
        name!(target, String),
        name!(kind, String),
        name!(confidence, f32),
        name!(span, Range<i32>),
    ),
> {
    pgrx::check_for_interrupts!();
    // Places in characters from 1, as substring() counts them.
    let (mut bytes, mut characters) = (0, 1);
    let mut place = |at: usize| {
        if at < bytes {
            (bytes, characters) = (0, 1);
        }
        characters += text[bytes..at].chars().count() as i32;
        bytes = at;
        characters
    };
    let rows: Vec<_> = extract::extract(text)
        .into_iter()
        .map(|found| {
            let span = Range::new(
                RangeBound::Inclusive(place(found.span.start)),
                RangeBound::Exclusive(place(found.span.end)),
            );
            (found.relation.to_owned(), found.source, found.target, found.kind.to_owned(), found.confidence, span)
        })
        .collect();
    TableIterator::new(rows)
}

/// The relations of a text that are learned.
pub fn of(text: &str) -> Vec<Relation> {
    let mut found = extract::extract(text);
    found.retain(|relation| !relation.is_vague());
    if found.len() > MOST_EDGES {
        found.sort_by(|left, right| {
            right.confidence.total_cmp(&left.confidence).then(left.span.start.cmp(&right.span.start))
        });
        found.truncate(MOST_EDGES);
    }
    found
}

/// Source, kind, relation, target.
pub type Edge = (u64, String, String, u64);

/// The edges of a statement's relations, between the concepts that its ends became.
pub fn edges(statement: u64, relations: &[(Relation, u64, u64)], into: &mut BTreeMap<Edge, (f32, u64)>) {
    for (relation, source, target) in relations {
        if source == target {
            continue;
        }
        let key = (*source, relation.kind.to_owned(), relation.relation.to_owned(), *target);
        let known = into.entry(key).or_insert((relation.confidence, statement));
        if known.0 < relation.confidence {
            *known = (relation.confidence, statement);
        }
    }
}

/// The relations of each text with the concepts of their ends.
pub fn resolve(entities: &mut Entities, space: &str, texts: &[&str]) -> Vec<Vec<(Relation, u64, u64)>> {
    let mut resolved = Vec::with_capacity(texts.len());
    for (place, text) in texts.iter().enumerate() {
        pgrx::check_for_interrupts!();
        let relations = of(text).into_iter().map(|relation| {
            let source = entities.end(space, place, text, &relation, &relation.source_range, &relation.source_name);
            let target = entities.end(space, place, text, &relation, &relation.target_range, &relation.target_name);
            (relation, source, target)
        });
        resolved.push(relations.collect());
    }
    resolved
}
