//! One pass over all nodes of the index: what a scan falls back on when the graph has used up its limits, and how it returns all
//! rows where there is nothing to order by.

use super::pages::{self, check_for_interrupts};
use super::store::Index;
use std::collections::BinaryHeap;
use sutra_hnsw::code::Query;
use sutra_hnsw::layout::{HeapTid, Link, PageKind, State};
use sutra_hnsw::search::{Candidate, Visited};

/// The state of a pass.
pub struct Sweep {
    /// Most candidates of one portion; None for a pass without order.
    portion: Option<usize>,
    /// The last candidate of the portion before: the next one starts behind it.
    after: Option<Candidate>,
    more: bool,
    block: u32,
    rows: Vec<HeapTid>,
}

/// The least size of a portion, whatever work_mem is.
const LEAST: usize = 1000;

impl Sweep {
    /// A pass that returns nodes by distance, at most `portion` at a time.
    pub fn by_distance(portion: usize) -> Sweep {
        Sweep { portion: Some(portion.max(LEAST)), after: None, more: true, block: 1, rows: Vec::new() }
    }

    /// A pass that returns every row in the order of the pages.
    pub fn unordered() -> Sweep {
        Sweep { portion: None, after: None, more: true, block: 1, rows: Vec::new() }
    }

    /// Whether the pass has no order.
    pub fn is_unordered(&self) -> bool {
        self.portion.is_none()
    }

    /// Whether another portion may hold something.
    pub fn has_more(&self) -> bool {
        self.more
    }

    /// The nearest nodes that are neither `taken` nor in an earlier portion, nearest first.
    pub fn next(&mut self, index: &mut Index, query: &Query, taken: &Visited) -> Vec<Candidate> {
        let (portion, layout) = (self.portion.unwrap_or(LEAST), index.layout);
        let mut nearest: BinaryHeap<Candidate> = BinaryHeap::new();
        self.more = false;
        for block in 1..pages::block_count(index.relation) {
            check_for_interrupts();
            let (after, more) = (self.after, &mut self.more);
            pages::read(index.relation, block, std::ptr::null_mut(), |page| {
                let Some(first) = layout.first_id(block).filter(|_| PageKind::of(page) == Some(PageKind::Node)) else {
                    return;
                };
                for id in first..first + layout.per_page {
                    let node = layout.node(page, id);
                    if node.state() != State::Live || taken.contains(id) {
                        continue;
                    }
                    let code = node.coded();
                    let distance = query.distance(code);
                    let found = Candidate {
                        distance,
                        slack: query.slack(code, distance),
                        link: Link { id, generation: node.generation() },
                        live: true,
                    };
                    if after.is_some_and(|after| found <= after) {
                        continue;
                    }
                    if nearest.len() < portion {
                        nearest.push(found);
                    } else if let Some(mut worst) = nearest.peek_mut() {
                        *more = true;
                        if found < *worst {
                            *worst = found;
                        }
                    }
                }
            });
        }
        self.after = nearest.peek().copied();
        nearest.into_sorted_vec()
    }

    /// The next row of a pass without order.
    pub fn next_row(&mut self, index: &mut Index) -> Option<HeapTid> {
        let layout = index.layout;
        while self.rows.is_empty() {
            if self.block >= pages::block_count(index.relation) {
                return None;
            }
            check_for_interrupts();
            let block = self.block;
            self.block += 1;
            let mut nodes = Vec::new();
            pages::read(index.relation, block, std::ptr::null_mut(), |page| {
                let Some(first) = layout.first_id(block).filter(|_| PageKind::of(page) == Some(PageKind::Node)) else {
                    return;
                };
                nodes.extend((first..first + layout.per_page).filter_map(|id| {
                    let node = layout.node(page, id);
                    (node.state() == State::Live).then(|| Link { id, generation: node.generation() })
                }));
            });
            for node in nodes {
                index.tids(node, &mut self.rows);
            }
        }
        self.rows.pop()
    }
}
