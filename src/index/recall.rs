//! What an index finds of what it should: its answers for vectors of its own, beside those of an exact pass.

use super::fetch::HeapFetch;
use super::inspect::{Opened, OwnersRights};
use super::pages::{self, check_for_interrupts};
use super::store::{Index, entry_of};
use crate::error::raise;
use crate::settings::EF_SEARCH;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::collections::BinaryHeap;
use sutra_hnsw::code::Query;
use sutra_hnsw::layout::{Link, PageKind, State};
use sutra_hnsw::search::{Beam, descend, starts};

/// A float64 with a total order, for heaps.
#[derive(Clone, Copy, PartialEq)]
struct Far(f64);

impl Eq for Far {}
impl PartialOrd for Far {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Far {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// A vector of the index that is asked for, and the distances of its k nearest others, the farthest first.
struct Sample {
    node: Link,
    vector: Vec<f32>,
    nearest: BinaryHeap<Far>,
}

/// Live nodes in the order of their slots.
fn live_nodes(index: &Index) -> Vec<Link> {
    let layout = index.layout;
    let mut nodes = Vec::new();
    for block in 1..pages::block_count(index.relation) {
        check_for_interrupts();
        pages::read(index.relation, block, std::ptr::null_mut(), |page| {
            let Some(first) = layout.first_id(block).filter(|_| PageKind::of(page) == Some(PageKind::Node)) else {
                return;
            };
            nodes.extend((first..first + layout.per_page).filter_map(|id| {
                let node = layout.node(page, id);
                (node.state() == State::Live).then(|| Link { id, generation: node.generation() })
            }));
        });
    }
    nodes
}

/// The vector of the first row of a node that the snapshot shows.
unsafe fn vector_of(
    index: &mut Index,
    fetch: &mut HeapFetch,
    snapshot: pg_sys::Snapshot,
    node: Link,
) -> Option<Vec<f32>> {
    let mut rows = Vec::new();
    index.tids(node, &mut rows);
    // SAFETY: the caller's snapshot is active.
    rows.into_iter().find_map(|row| unsafe { fetch.vector(row, snapshot) })
}

/// The mean share of the `k` nearest other vectors that a search with the present sutra.ef_search finds, over `samples` vectors that
/// are spread over the index.
#[pg_extern(sql = "")]
fn sutra_index_recall(index: pg_sys::Oid, k: i32, samples: i32) -> Option<f64> {
    for (name, value, most) in [("k", k, 1000), ("samples", samples, 10_000)] {
        if !(1..=most).contains(&value) {
            raise(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                format!("{name} must be between 1 and {most}"),
                &format!("It is {value}."),
                "",
            );
        }
    }
    let opened = Opened::new(index);
    let (mut index, meta) = Index::open(opened.relation());
    let entry = entry_of(&meta)?;
    let nodes = live_nodes(&index);
    let (k, count) = (k as usize, (samples as usize).min(nodes.len()));
    // SAFETY: the table is open until the function returns, and a query runs under an active snapshot.
    unsafe {
        let heap = opened.table();
        let _rights = OwnersRights::take(&heap);
        let snapshot = pg_sys::GetActiveSnapshot();
        let mut fetch = HeapFetch::open(heap.relation(), opened.relation(), pg_sys::CurrentMemoryContext);
        let mut asked: Vec<Sample> = Vec::with_capacity(count);
        for number in 0..count {
            let node = nodes[number * nodes.len() / count];
            if let Some(vector) = vector_of(&mut index, &mut fetch, snapshot, node) {
                asked.push(Sample { node, vector, nearest: BinaryHeap::with_capacity(k + 1) });
            }
        }
        for node in &nodes {
            check_for_interrupts();
            let Some(vector) = vector_of(&mut index, &mut fetch, snapshot, *node) else { continue };
            for sample in asked.iter_mut().filter(|sample| sample.node != *node) {
                sample.nearest.push(Far(index.distance.exact(&sample.vector, &vector)));
                if sample.nearest.len() > k {
                    sample.nearest.pop();
                }
            }
        }
        let (mut found, mut wanted, mut beam) = (0, 0, Beam::new(false));
        for sample in &asked {
            let query = Query::new(index.distance, &sample.vector);
            let ef = EF_SEARCH.get().max(1) as usize;
            let entries = descend(&mut index, &query, entry, 0, starts(ef, meta.repaired), &mut beam);
            beam.reset(false);
            beam.seed(&entries);
            beam.run(&mut index, &query, ef, 0);
            let Some(Far(farthest)) = sample.nearest.peek().copied() else { continue };
            let mut hits = 0;
            for candidate in beam.take().into_iter().filter(|candidate| candidate.link != sample.node) {
                let vector = vector_of(&mut index, &mut fetch, snapshot, candidate.link);
                hits +=
                    usize::from(vector.is_some_and(|vector| index.distance.exact(&sample.vector, &vector) <= farthest));
            }
            found += hits.min(sample.nearest.len());
            wanted += sample.nearest.len();
        }
        fetch.close();
        (wanted > 0).then(|| found as f64 / wanted as f64)
    }
}
