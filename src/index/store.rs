//! The index as the graph algorithms see it: reading nodes.

use super::hints::Hints;
use super::pages::{self, Logging, check_for_interrupts};
use crate::error::raise;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::collections::HashSet;
use sutra_hnsw::code::{Distance, Query};
use sutra_hnsw::layout::{HeapTid, Layout, Link, Meta, PageKind, State, TID_SLOTS_PER_PAGE, Tids, tid_block};
use sutra_hnsw::search::{Candidate, Codes, Entry, Store};

/// Nodes that are on their way from memory while one is scored. More than the processor has buffers for would make it wait:
/// all targets at once instead of four cost a sixth of a query.
const PREFETCHED_NODES: usize = 4;

/// What came of reading the rows of a node.
enum Chain {
    /// All were read.
    Whole,
    /// The chain changed in a way that leaves nothing to go on from.
    Moved,
    /// A slot was met twice.
    Circle,
    /// A slot that is not the node's is led to.
    Damaged,
}

/// An open index.
pub struct Index {
    /// The relation, opened and closed by the caller.
    pub relation: pg_sys::Relation,
    /// The sizes that follow from dimensions and m.
    pub layout: Layout,
    /// What the index orders by.
    pub distance: Distance,
    /// Option ef_construction at build.
    pub ef_construction: usize,
    /// How changes reach the WAL.
    pub logging: Logging,
    pub(super) hints: Hints,
    /// Identifiers below are of blocks that exist, as far as it was looked up; links are checked against it.
    known_ids: u32,
    /// Nodes to score, in the order of their pages: identifiers above generations.
    sorted: Vec<u64>,
}

/// Counts the slots of a chain, so that one that a damaged page leads in a circle ends with an error.
pub struct ChainGuard {
    steps: u32,
    most: u32,
}

impl ChainGuard {
    /// Steps before the size of the index is looked up.
    const FREE: u32 = 1024;

    /// The guard of a chain that starts.
    pub fn new() -> ChainGuard {
        ChainGuard { steps: 0, most: ChainGuard::FREE }
    }

    /// Counts a slot; raises an error where there are more than the index can have.
    pub fn step(&mut self, relation: pg_sys::Relation) {
        self.steps += 1;
        if self.steps >= self.most {
            self.most = pages::block_count(relation).saturating_mul(TID_SLOTS_PER_PAGE as u32);
            if self.steps >= self.most {
                corrupt(relation, "The rows of a node run in a circle.")
            }
        }
    }
}

impl Index {
    /// Opens an index, or raises an error where its first page is not one that this library can read.
    pub fn open(relation: pg_sys::Relation) -> (Index, Meta) {
        let meta = read_meta(relation);
        let parts = Layout::new(meta.dimensions as usize, usize::from(meta.m))
            .zip(Distance::from_number(meta.distance).filter(|_| meta.code_bits == 8));
        let Some((layout, distance)) = parts else { corrupt(relation, "The meta page holds impossible values.") };
        let index = Index {
            relation,
            layout,
            distance,
            ef_construction: usize::from(meta.ef_construction),
            logging: Logging::Record,
            hints: Hints::of(relation),
            known_ids: 0,
            sorted: Vec::new(),
        };
        (index, meta)
    }

    /// The meta page as it is now.
    pub fn meta(&self) -> Meta {
        read_meta(self.relation)
    }

    /// Appends the rows of a node to `out`; none where the node is gone.
    pub fn tids(&mut self, node: Link, out: &mut Vec<HeapTid>) {
        if !self.try_tids(node, out) {
            corrupt(self.relation, "The rows of a node lead to a slot that is not its own, or run in a circle.")
        }
    }

    /// The same; false where the rows cannot be read because the index is damaged.
    pub fn try_tids(&mut self, node: Link, out: &mut Vec<HeapTid>) -> bool {
        let before = out.len();
        let mut circle = None;
        loop {
            let (first, head) = self.first_rows(node);
            out.truncate(before);
            out.extend(first);
            match self.read_chain(node, head, out) {
                Chain::Whole => return true,
                Chain::Damaged => return false,
                // The node got a slot again that we had met, and leads to it now; where it does not, the slots lead round.
                Chain::Circle if circle == Some(head) => return false,
                Chain::Circle => circle = Some(head),
                Chain::Moved => {}
            }
        }
    }

    /// The row of a node that has just one; None also where the node is gone.
    pub fn sole_row(&mut self, node: Link) -> Option<HeapTid> {
        let (row, chain) = self.first_rows(node);
        row.filter(|_| chain == 0)
    }

    /// The row in the slot of a node, and the TID slot in front of its chain, 0 for none; neither where the node is gone.
    fn first_rows(&mut self, node: Link) -> (Option<HeapTid>, u32) {
        let layout = self.layout;
        let (relation, hints) = (self.relation, &mut self.hints);
        // SAFETY: the closure owns nothing; the buffer is pinned and locked while its page is read.
        unsafe {
            pages::guarded(|| {
                let (buffer, known) = hints.pin(relation, layout.block(node.id));
                pages::raw::LockBuffer(buffer, pg_sys::BUFFER_LOCK_SHARE as i32);
                let page = pages::page_of(buffer);
                let view = layout.node(page, node.id);
                let nodes = known || PageKind::of(page) == Some(PageKind::Node);
                let live = nodes && view.is(node) && view.state() == State::Live;
                let rows = if live { (view.tid(), view.tid_slot()) } else { (None, 0) };
                pages::raw::UnlockReleaseBuffer(buffer);
                rows
            })
        }
    }

    /// Appends the rows of a chain. Nobody is kept from changing it, so what it finds is judged by looking again at what led there.
    fn read_chain(&mut self, node: Link, head: u32, out: &mut Vec<HeapTid>) -> Chain {
        let mut met: HashSet<u32> = HashSet::new();
        let (mut before, mut slot) = (0, head);
        while slot != 0 {
            check_for_interrupts();
            if !met.insert(slot) {
                return Chain::Circle;
            }
            let mut next = self.read_slot(node, slot, |view| out.extend(view.tids()));
            if next.is_none() {
                // VACUUM takes a slot out of a chain together with the edge that led to it, but never the one in front.
                let leads = match before {
                    0 => Some(self.first_rows(node).1),
                    _ => self.read_slot(node, before, |_| {}),
                };
                match leads {
                    Some(other) if other != slot && before != 0 => {
                        slot = other;
                        continue;
                    }
                    Some(same) if same == slot => next = self.read_slot(node, slot, |view| out.extend(view.tids())),
                    _ => return Chain::Moved,
                }
            }
            let Some(next) = next else { return Chain::Damaged };
            (before, slot) = (slot, next);
        }
        Chain::Whole
    }

    /// Calls `body` with a TID slot and returns the next one of its chain; None where it is not one of `node`.
    pub(super) fn read_slot(&self, node: Link, slot: u32, body: impl FnOnce(Tids<'_>)) -> Option<u32> {
        pages::read(self.relation, tid_block(slot), std::ptr::null_mut(), |page| {
            let view = Tids::owned(page, slot, node)?;
            body(view);
            Some(view.next())
        })
    }

    /// Raises an error where a link leads beyond the end of the index: what follows it sizes its memory by identifiers.
    fn check_links(&mut self, links: &[Link]) {
        let Some(highest) = links.iter().map(|link| link.id).max() else { return };
        if highest >= self.known_ids {
            self.known_ids = pages::block_count(self.relation).saturating_mul(self.layout.per_page);
            if highest >= self.known_ids {
                corrupt(self.relation, "An edge leads beyond the end of the index.")
            }
        }
    }

    /// The upper slot of `node` for `level`; None where the node is gone or does not reach up to it.
    pub fn upper_slot(&mut self, node: Link, level: u8) -> Option<u32> {
        let layout = self.layout;
        let (relation, hints) = (self.relation, &mut self.hints);
        // SAFETY: as in `tids`.
        unsafe {
            pages::guarded(|| {
                let (buffer, known) = hints.pin(relation, layout.block(node.id));
                pages::raw::LockBuffer(buffer, pg_sys::BUFFER_LOCK_SHARE as i32);
                let page = pages::page_of(buffer);
                let view = layout.node(page, node.id);
                let present = (known || PageKind::of(page) == Some(PageKind::Node))
                    && view.is(node)
                    && (1..=view.level()).contains(&level)
                    && view.upper() != 0;
                let slot = present.then(|| view.upper() + u32::from(level) - 1);
                pages::raw::UnlockReleaseBuffer(buffer);
                slot
            })
        }
    }
}

/// Where a search of the index starts.
pub fn entry_of(meta: &Meta) -> Option<Entry> {
    meta.entry.map(|link| Entry { link, level: meta.entry_level })
}

fn read_meta(relation: pg_sys::Relation) -> Meta {
    match pages::read(relation, 0, std::ptr::null_mut(), Meta::read) {
        Ok(meta) => meta,
        Err(error) => corrupt(relation, &format!("{error}.")),
    }
}

/// Raises the error for an index that cannot be used.
pub fn corrupt(relation: pg_sys::Relation, detail: &str) -> ! {
    raise(
        PgSqlErrorCode::ERRCODE_INDEX_CORRUPTED,
        format!("index \"{}\" cannot be read as a sutra_hnsw index", pages::name(relation)),
        detail,
        "Use REINDEX to rebuild it.",
    )
}

impl Store for Index {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn distance(&self) -> Distance {
        self.distance
    }

    fn score(&mut self, query: &Query, targets: &[Link], out: &mut Vec<Candidate>) {
        check_for_interrupts();
        out.reserve(targets.len());
        let layout = self.layout;
        // Neighbours often share a page, which is then pinned and locked once.
        self.sorted.clear();
        self.sorted.extend(targets.iter().map(|link| u64::from(link.id) << 8 | u64::from(link.generation)));
        self.sorted.sort_unstable();
        let link_of = |sorted: u64| Link { id: (sorted >> 8) as u32, generation: sorted as u8 };
        let (relation, hints, targets) = (self.relation, &mut self.hints, &self.sorted[..]);
        for target in targets.iter().take(PREFETCHED_NODES) {
            hints.prefetch(&layout, link_of(*target));
        }
        // SAFETY: the closure owns nothing; the buffer is pinned and locked while its page is read.
        unsafe {
            pages::guarded(|| {
                let mut rest = targets;
                while let Some(first) = rest.first() {
                    let block = layout.block(link_of(*first).id);
                    let (buffer, known) = hints.pin(relation, block);
                    pages::raw::LockBuffer(buffer, pg_sys::BUFFER_LOCK_SHARE as i32);
                    let page = pages::page_of(buffer);
                    let nodes = known || PageKind::of(page) == Some(PageKind::Node);
                    if nodes && !known {
                        hints.holds_nodes(block);
                    }
                    let end = ((u64::from(block) + 1) * u64::from(layout.per_page)) << 8;
                    while let Some((first, others)) = rest.split_first().filter(|(first, _)| **first < end) {
                        if let Some(coming) = rest.get(PREFETCHED_NODES) {
                            hints.prefetch(&layout, link_of(*coming));
                        }
                        rest = others;
                        let link = link_of(*first);
                        let node = layout.node(page, link.id);
                        if nodes && node.is(link) {
                            let code = node.coded();
                            let distance = query.distance(code);
                            out.push(Candidate {
                                distance,
                                slack: query.slack(code, distance),
                                link,
                                live: node.state() == State::Live,
                            });
                        }
                    }
                    pages::raw::UnlockReleaseBuffer(buffer);
                }
            });
        }
    }

    fn links(&mut self, node: Link, level: u8, out: &mut Vec<Link>) -> bool {
        let layout = self.layout;
        out.reserve(layout.max_links(level));
        let slot = match level {
            0 => None,
            _ => match self.upper_slot(node, level) {
                Some(slot) => Some(slot),
                None => return false,
            },
        };
        let (relation, hints) = (self.relation, &mut self.hints);
        let block = slot.map_or_else(|| layout.block(node.id), |slot| layout.upper_block(slot));
        let before = out.len();
        // SAFETY: as in `score`.
        let present = unsafe {
            pages::guarded(|| {
                let (buffer, known) = hints.pin(relation, block);
                pages::raw::LockBuffer(buffer, pg_sys::BUFFER_LOCK_SHARE as i32);
                let page = pages::page_of(buffer);
                // A table that is emptied in the transaction that made it keeps its file: what held nodes may hold edges now.
                let kind = if known && slot.is_none() { Some(PageKind::Node) } else { PageKind::of(page) };
                let present = match (slot, kind) {
                    (None, Some(PageKind::Node)) => {
                        let view = layout.node(page, node.id);
                        if view.is(node) {
                            view.links(out);
                        }
                        view.is(node)
                    }
                    (Some(slot), Some(PageKind::Upper)) => {
                        let view = layout.upper(page, slot);
                        if view.belongs_to(node) {
                            view.links(out);
                        }
                        view.belongs_to(node)
                    }
                    _ => false,
                };
                pages::raw::UnlockReleaseBuffer(buffer);
                present
            })
        };
        self.check_links(&out[before..]);
        present
    }

    fn prefetch_links(&mut self, node: Link) {
        self.hints.prefetch_links(&self.layout, node);
    }

    fn fetch(&mut self, targets: &[Link], out: &mut Codes) {
        check_for_interrupts();
        let layout = self.layout;
        out.clear(layout.dimensions);
        out.reserve(targets.len());
        let (relation, hints) = (self.relation, &mut self.hints);
        // SAFETY: as in `score`.
        unsafe {
            pages::guarded(|| {
                for link in targets.iter().take(PREFETCHED_NODES) {
                    hints.prefetch(&layout, *link);
                }
                for (position, link) in targets.iter().enumerate() {
                    if let Some(coming) = targets.get(position + PREFETCHED_NODES) {
                        hints.prefetch(&layout, *coming);
                    }
                    let (buffer, known) = hints.pin(relation, layout.block(link.id));
                    pages::raw::LockBuffer(buffer, pg_sys::BUFFER_LOCK_SHARE as i32);
                    let page = pages::page_of(buffer);
                    let node = layout.node(page, link.id);
                    let nodes = known || PageKind::of(page) == Some(PageKind::Node);
                    let live = nodes && node.is(*link) && node.state() == State::Live;
                    out.push(live.then(|| node.coded()));
                    pages::raw::UnlockReleaseBuffer(buffer);
                }
            });
        }
    }
}
