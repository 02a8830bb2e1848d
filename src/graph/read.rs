//! Reading the graph: edges of a set of concepts with one statement, prepared once in a session.

use crate::prepared;
use crate::settings;
use crate::types::concept_id::ConceptId;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi::SpiHeapTupleData;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::{Duration, Instant};
use sutra_knowledge::extract;
use sutra_knowledge::graph::{Edge, Edges};
use sutra_knowledge::identity;
use sutra_knowledge::names;

fn failed<T>(result: Result<T, pgrx::spi::Error>) -> T {
    result.unwrap_or_else(|error| error!("the graph could not be read: {error}"))
}

fn column<T: FromDatum + IntoDatum>(row: &SpiHeapTupleData<'_>, number: usize) -> Option<T> {
    failed(row.get::<T>(number))
}

/// Runs a statement that only reads, with the caller's rights and snapshot.
fn select<T>(sql: &str, arguments: &[DatumWithOid<'_>], mut read: impl FnMut(&SpiHeapTupleData<'_>) -> T) -> Vec<T> {
    pgrx::check_for_interrupts!();
    Spi::connect(|client| {
        let statement = failed(prepared::reading(client, sql, arguments));
        failed(client.select(&*statement, None, arguments)).map(|row| read(&row)).collect()
    })
}

/// Edges of the session's space, of some kinds or of all.
pub struct SqlEdges {
    space: String,
    kinds: Option<Vec<String>>,
    until: Instant,
    // Kinds and relations are few: one copy of each.
    words: HashMap<String, Rc<str>>,
}

impl SqlEdges {
    /// The clock of the walk starts here.
    pub fn new(kinds: Option<Vec<String>>) -> SqlEdges {
        let time = Duration::from_millis(settings::GRAPH_TIME.get().max(1) as u64);
        SqlEdges { space: settings::space(), kinds, until: Instant::now() + time, words: HashMap::new() }
    }

    fn word(&mut self, word: String) -> Rc<str> {
        if let Some(known) = self.words.get(&word) {
            return Rc::clone(known);
        }
        let shared: Rc<str> = word.as_str().into();
        self.words.insert(word, Rc::clone(&shared));
        shared
    }

    fn read(&mut self, side: &str, nodes: &[u64], most: usize) -> Vec<Edge> {
        let kinds = if self.kinds.is_some() {
            "AND a.kind OPERATOR(pg_catalog.=) ANY ($4::sutra.association_kind[])"
        } else {
            ""
        };
        let sql = format!(
            "SELECT a.source, a.target, a.kind::pg_catalog.text, a.relation, a.confidence, a.evidence
             FROM sutra.association AS a
             WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.{side} OPERATOR({{schema}}.=) ANY ($2) {kinds}
             ORDER BY a.confidence DESC, a.source USING OPERATOR({{schema}}.<), a.target USING OPERATOR({{schema}}.<), a.kind, a.relation
             LIMIT $3"
        );
        let nodes: Vec<ConceptId> = nodes.iter().copied().map(ConceptId).collect();
        let mut arguments: Vec<DatumWithOid<'_>> =
            vec![self.space.clone().into(), nodes.into(), (most.min(i64::MAX as usize) as i64).into()];
        if let Some(kinds) = &self.kinds {
            arguments.push(kinds.clone().into());
        }
        let rows = select(&sql, &arguments, |row| {
            let id = |number| column::<ConceptId>(row, number).map_or(0, |id| id.0);
            let kind = column::<String>(row, 3).unwrap_or_default();
            let relation = column::<String>(row, 4).unwrap_or_default();
            let confidence = column::<f32>(row, 5).unwrap_or_default();
            (id(1), id(2), kind, relation, confidence, column::<ConceptId>(row, 6).map(|id| id.0))
        });
        rows.into_iter()
            .map(|(source, target, kind, relation, confidence, evidence)| Edge {
                source,
                target,
                kind: self.word(kind),
                relation: self.word(relation),
                confidence,
                evidence,
            })
            .collect()
    }
}

impl Edges for SqlEdges {
    fn leaving(&mut self, nodes: &[u64], most: usize) -> Vec<Edge> {
        self.read("source", nodes, most)
    }

    fn entering(&mut self, nodes: &[u64], most: usize) -> Vec<Edge> {
        self.read("target", nodes, most)
    }

    fn expired(&mut self) -> bool {
        pgrx::check_for_interrupts!();
        Instant::now() >= self.until
    }
}

/// What concepts say; those that the caller may not see are left out.
pub fn contents(nodes: impl Iterator<Item = u64>) -> BTreeMap<u64, String> {
    let nodes: Vec<ConceptId> = nodes.map(ConceptId).collect();
    let rows = select(
        "SELECT c.id, c.content FROM sutra.concept AS c
         WHERE c.space OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR({schema}.=) ANY ($2)",
        &[settings::space().into(), nodes.into()],
        |row| Some((column::<ConceptId>(row, 1)?.0, column::<String>(row, 2)?)),
    );
    rows.into_iter().flatten().collect()
}

/// The concepts that a name can mean: the one with this identity; else the entities of this alias, of which one that has it
/// as a ticker or by hand, written so, comes before others; else the entity or the statement of this content.
pub fn named(name: &str) -> Vec<(ConceptId, String)> {
    let space = settings::space();
    let by_id = |ids: Vec<u64>| {
        let mut found = contents(ids.into_iter());
        let mut found: Vec<(ConceptId, String)> =
            std::mem::take(&mut found).into_iter().map(|(id, content)| (ConceptId(id), content)).collect();
        found.sort_by_key(|(id, _)| id.0);
        found
    };
    let trimmed = name.trim();
    if trimmed.len() == 16
        && let Ok(id) = u64::from_str_radix(trimmed, 16)
    {
        let found = by_id(vec![id]);
        if !found.is_empty() {
            return found;
        }
    }
    let aliased = select(
        "SELECT a.entity, pg_catalog.bool_or(a.alias OPERATOR(pg_catalog.=) $3
            AND a.kind OPERATOR(pg_catalog.=) ANY (ARRAY['ticker', 'user']))
         FROM sutra.alias AS a
         WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.key OPERATOR(pg_catalog.=) $2
         GROUP BY a.entity",
        &[space.as_str().into(), names::key(name).into(), trimmed.into()],
        |row| Some((column::<ConceptId>(row, 1)?.0, column::<bool>(row, 2)?)),
    );
    let mut aliased: Vec<(u64, bool)> = aliased.into_iter().flatten().collect();
    if aliased.iter().any(|(_, exact)| *exact) {
        aliased.retain(|(_, exact)| *exact);
    }
    let aliased = by_id(aliased.into_iter().map(|(id, _)| id).collect());
    if !aliased.is_empty() {
        return aliased;
    }
    for content in extract::concept_names(name) {
        let found = by_id(vec![identity::id(&identity::digest(&space, "entity", &content))]);
        if !found.is_empty() {
            return found;
        }
    }
    by_id(vec![identity::id(&identity::digest(&space, "statement", name))])
}
