//! The index as the graph algorithms see it: writing nodes and edges. Locks go meta page, node and upper pages in block
//! order (those of a detour shared), then TID pages or the bucket of the table of vectors.

use super::pages::{self, Change, MAX_PAGES};
use super::store::{Index, entry_of};
use pgrx::pg_sys;
use std::collections::BTreeMap;
use sutra_hnsw::code::CodeRef;
use sutra_hnsw::insert::{Anchor, Change as LinkChange, Detour, Edit, NEW, Outcome, StoreError, StoreMut};
use sutra_hnsw::layout::{
    Bucket, BucketEntry, BucketMut, HeapTid, Link, Meta, PageKind, State, Tids, TidsMut, free_tid_slot, list_next,
    set_list_next, tid_block,
};
use sutra_hnsw::record::{Bounds, together};
use sutra_hnsw::search::{Codes, Entry, Store};

/// Attempts to add to a bucket that others split meanwhile: so many in a row are no coincidence.
const ATTEMPTS: usize = 1000;

/// What one record of edits takes. PostgreSQL lets a process hold 200 locks of pages; one edit of an index with m = 100 alone locks up to 52, or 102
/// while VACUUM has half of the ends marked dead.
const BOUNDS: Bounds = Bounds { written: MAX_PAGES, locked: 64 };

impl Index {
    fn change(&self) -> Change {
        Change::begin(self.relation, self.logging)
    }

    fn read_meta(&self, page: &[u8]) -> Meta {
        match Meta::read(page) {
            Ok(meta) => meta,
            Err(_) => super::store::corrupt(self.relation, "The meta page was overwritten."),
        }
    }

    /// Changes the meta page; `body` says whether it did.
    fn change_meta(&self, body: impl FnOnce(&mut Meta) -> bool) -> bool {
        let mut change = self.change();
        let position = change.lock(0);
        let mut meta = self.read_meta(change.page(position));
        let changed = body(&mut meta);
        if changed {
            meta.write(change.page_mut(position));
            change.finish();
        }
        changed
    }

    /// Leaves the index without entry point if the present one is `old`; false where it is another.
    pub fn clear_entry(&self, old: Option<Link>) -> bool {
        self.change_meta(|meta| {
            let matches = meta.entry == old;
            if matches {
                (meta.entry, meta.entry_level) = (None, 0);
            }
            matches
        })
    }

    /// Notes that edges are repaired from now on: searches start from more nodes then.
    pub fn note_repair(&self) {
        self.change_meta(|meta| !std::mem::replace(&mut meta.repaired, true));
    }

    /// Adds a page of `kind` and puts it in front of the list of pages with free slots.
    fn grow(&self, kind: PageKind) -> Result<(), StoreError> {
        let block = pages::extend(self.relation, pg_sys::ForkNumber::MAIN_FORKNUM, |_| {});
        if !self.layout.can_address(kind, block) {
            return Err(StoreError::Full);
        }
        self.adopt(kind, block);
        Ok(())
    }

    /// Makes a page that was never initialised one of `kind` and puts it in front of the list.
    pub fn adopt(&self, kind: PageKind, block: u32) {
        let mut change = self.change();
        let (head, page) = (change.lock(0), change.lock(block));
        // A vacuum may have adopted the page between its creation and now.
        if !pages::is_new(change.page(page)) {
            return;
        }
        change.init(page, kind);
        self.push(&mut change, head, page, kind, block);
        change.finish();
    }

    fn push(&self, change: &mut Change, head: usize, page: usize, kind: PageKind, block: u32) {
        let mut meta = self.read_meta(change.page(head));
        set_list_next(change.page_mut(page), Some(meta.heads[kind.list()]));
        meta.heads[kind.list()] = block;
        meta.write(change.page_mut(head));
    }

    /// Puts a page in which slots were freed into the list, unless it is there already.
    pub fn offer(&self, kind: PageKind, block: u32) {
        let listed = pages::read(self.relation, block, std::ptr::null_mut(), |page| list_next(page).is_some());
        if listed {
            return;
        }
        let mut change = self.change();
        let (head, page) = (change.lock(0), change.lock(block));
        if list_next(change.page(page)).is_none() && self.layout.has_room(kind, change.page(page), block) {
            self.push(&mut change, head, page, kind, block);
            change.finish();
        }
    }

    /// Takes a page without free slots from the front of the list.
    fn withdraw(&self, kind: PageKind, block: u32) {
        let mut change = self.change();
        let head = change.lock(0);
        let mut meta = self.read_meta(change.page(head));
        if meta.heads[kind.list()] != block {
            return;
        }
        let page = change.lock(block);
        if self.layout.has_room(kind, change.page(page), block) {
            return;
        }
        meta.heads[kind.list()] = list_next(change.page(page)).unwrap_or(0);
        set_list_next(change.page_mut(page), None);
        meta.write(change.page_mut(head));
        change.finish();
    }

    /// The upper slot that an edit writes to, or its node's page for level 0; None where the node is gone.
    fn place(&mut self, edit: &Edit) -> Option<(u32, Option<u32>)> {
        match edit.level {
            0 => Some((self.layout.block(edit.target.id), None)),
            level => self.upper_slot(edit.target, level).map(|slot| (self.layout.upper_block(slot), Some(slot))),
        }
    }

    /// Locks pages in ascending block order: those to change, and the nodes of detours so that nobody changes them.
    fn lock_pages(&self, written: &[u32], detours: &mut dyn Iterator<Item = &Detour>) -> Change {
        let vias = detours.filter(|detour| detour.via != NEW).map(|detour| (self.layout.block(detour.via.id), false));
        let mut blocks: BTreeMap<u32, bool> = vias.collect();
        blocks.extend(written.iter().map(|block| (*block, true)));
        let mut change = self.change();
        for (block, writable) in blocks {
            if writable {
                change.lock(block);
            } else {
                change.lock_shared(block);
            }
        }
        change
    }

    fn page_of<'a>(&self, change: &'a Change, block: u32) -> &'a [u8] {
        let Some(position) = change.position(block) else {
            super::store::corrupt(self.relation, "A page that is to be changed was not locked.")
        };
        change.page(position)
    }

    /// Whether an edit can be written: to the upper slot `slot`, or to its node for level 0. `own` is what a node that is being created leads to.
    fn verdict(&self, change: &Change, edit: &Edit, slot: Option<u32>, own: &[Link]) -> Outcome {
        let layout = self.layout;
        let mut present = Vec::new();
        match slot {
            None => {
                let page = self.page_of(change, layout.block(edit.target.id));
                if !self.is_live(page, edit.target) {
                    return Outcome::Gone;
                }
                layout.node(page, edit.target.id).links(&mut present);
            }
            Some(slot) => {
                let page = self.page_of(change, layout.upper_block(slot));
                let view = layout.upper(page, slot);
                if PageKind::of(page) != Some(PageKind::Upper) || !view.belongs_to(edit.target) {
                    return Outcome::Gone;
                }
                view.links(&mut present);
            }
        }
        let stands = match &edit.change {
            LinkChange::Push(link) => present.contains(link) || present.len() < layout.max_links(edit.level),
            LinkChange::Replace { expected, detours, .. } => {
                *expected == present && detours.iter().all(|detour| self.leads(change, detour, own))
            }
        };
        if stands { Outcome::Done } else { Outcome::Changed }
    }

    fn is_live(&self, page: &[u8], node: Link) -> bool {
        let view = self.layout.node(page, node.id);
        PageKind::of(page) == Some(PageKind::Node) && view.is(node) && view.state() == State::Live
    }

    /// Whether a detour is one still; its page is locked.
    fn leads(&self, change: &Change, detour: &Detour, own: &[Link]) -> bool {
        if detour.via == NEW {
            return own.contains(&detour.lost);
        }
        let page = self.page_of(change, self.layout.block(detour.via.id));
        let mut links = Vec::new();
        if self.is_live(page, detour.via) {
            self.layout.node(page, detour.via.id).links(&mut links);
        }
        links.contains(&detour.lost)
    }

    /// Writes an edit that [`Self::verdict`] allows.
    fn edit(&self, page: &mut [u8], target: Link, slot: Option<u32>, change: &LinkChange) {
        let mut present = Vec::new();
        match slot {
            None => self.layout.node(page, target.id).links(&mut present),
            Some(slot) => self.layout.upper(page, slot).links(&mut present),
        }
        let links = match change {
            LinkChange::Push(link) if present.contains(link) => return,
            LinkChange::Push(link) => {
                present.push(*link);
                &present
            }
            LinkChange::Replace { links, .. } => links,
        };
        match slot {
            None => self.layout.node_mut(page, target.id).set_links(links),
            Some(slot) => self.layout.upper_mut(page, slot).set_links(links),
        }
    }

    /// Whether an anchor can be written; its page is at `at`.
    fn stands(&self, change: &Change, anchor: &Anchor, at: usize, own: &[Link]) -> bool {
        match anchor {
            Anchor::Entry(old) => self.read_meta(change.page(at)).entry == *old,
            Anchor::Edge(edit) => self.verdict(change, edit, None, own) == Outcome::Done,
        }
    }

    /// Writes the anchor of a new node.
    fn anchor(&self, change: &mut Change, anchor: &Anchor, at: usize, new: Entry) {
        match anchor {
            Anchor::Entry(_) => {
                let mut meta = self.read_meta(change.page(at));
                (meta.entry, meta.entry_level) = (Some(new.link), new.level);
                meta.write(change.page_mut(at));
            }
            Anchor::Edge(edit) => self.edit(change.page_mut(at), edit.target, None, &edit.change.naming(new.link)),
        }
    }

    /// Where the next row of a node goes: into its own slot, into the TID slot in front, or into a new one. The slot in front (0 for none) and
    /// the block that takes the row, 0 where a new page has to.
    fn tid_place(&self, node: Link) -> Option<(u32, u32)> {
        let layout = self.layout;
        let first = pages::read(self.relation, layout.block(node.id), std::ptr::null_mut(), |page| {
            let view = layout.node(page, node.id);
            self.is_live(page, node).then(|| (view.tid().is_none(), view.tid_slot()))
        })?;
        let listed = || self.meta().heads[PageKind::Tid.list()];
        match first {
            (true, slot) => Some((slot, 0)),
            (false, 0) => Some((0, listed())),
            (false, slot) => {
                let block = tid_block(slot);
                if block == 0 {
                    super::store::corrupt(self.relation, "A node's rows are said to be in the meta page.")
                }
                let room = pages::read(self.relation, block, std::ptr::null_mut(), |page| {
                    Tids::owned(page, slot, node).is_some_and(|view| view.has_room())
                });
                Some((slot, if room { block } else { listed() }))
            }
        }
    }

    /// One attempt to add a row to a node; None where somebody else was faster and it is to be tried again.
    fn try_add_tid(&self, node: Link, tid: HeapTid) -> Option<bool> {
        let layout = self.layout;
        let Some((first, target)) = self.tid_place(node) else { return Some(false) };
        let mut change = self.change();
        let at = change.lock(layout.block(node.id));
        if !self.is_live(change.page(at), node) {
            return Some(false);
        }
        let view = layout.node(change.page(at), node.id);
        if view.tid().is_none() {
            layout.node_mut(change.page_mut(at), node.id).set_tid(Some(tid));
            change.finish();
            return Some(true);
        }
        if view.tid_slot() != first {
            return None;
        }
        if target == 0 {
            drop(change);
            // The only failure is an index of the largest size: then the row becomes a node, which will say so.
            return if self.grow(PageKind::Tid).is_ok() { None } else { Some(false) };
        }
        let more = change.lock_chained(target);
        if PageKind::of(change.page(more)) != Some(PageKind::Tid) {
            super::store::corrupt(self.relation, "The list of pages with room leads to a page of another kind.")
        }
        if first != 0 && tid_block(first) == target && TidsMut::new(change.page_mut(more), first).push(tid) {
            change.finish();
            return Some(true);
        }
        let Some(slot) = free_tid_slot(change.page(more), target) else {
            drop(change);
            self.withdraw(PageKind::Tid, target);
            return None;
        };
        TidsMut::new(change.page_mut(more), slot).fill(node, first, &[tid]);
        layout.node_mut(change.page_mut(at), node.id).set_tid_slot(slot);
        change.finish();
        Some(true)
    }
}

impl StoreMut for Index {
    fn entry(&mut self) -> Option<Entry> {
        entry_of(&self.meta())
    }

    fn find_same(&mut self, code: CodeRef<'_>) -> Option<Link> {
        let nodes = self.nodes_with(code.hash);
        let mut codes = Codes::default();
        self.fetch(&nodes, &mut codes);
        (0..nodes.len())
            .find(|position| codes.get(*position).is_some_and(|other| other.is_same(&code)))
            .map(|position| nodes[position])
    }

    fn create(
        &mut self,
        code: CodeRef<'_>,
        level: u8,
        tid: HeapTid,
        links: &[Vec<Link>],
        anchor: &Anchor,
    ) -> Result<Option<Link>, StoreError> {
        let layout = self.layout;
        let mut attempts = 0;
        loop {
            pages::check_for_interrupts();
            let mut bucket_block = self.bucket_block(code.hash);
            if bucket_block.is_none() {
                self.grow_table();
                bucket_block = self.bucket_block(code.hash);
                if bucket_block.is_none() && self.meta().buckets == 0 && attempts < ATTEMPTS {
                    // A vacuum took the page that was to be the first bucket.
                    attempts += 1;
                    continue;
                }
            }
            let heads = self.meta().heads;
            let (node_block, upper_block) = (heads[PageKind::Node.list()], heads[PageKind::Upper.list()]);
            if node_block == 0 {
                self.grow(PageKind::Node)?;
                continue;
            }
            if level > 0 && upper_block == 0 {
                self.grow(PageKind::Upper)?;
                continue;
            }
            let anchor_block = match anchor {
                Anchor::Entry(_) => 0,
                Anchor::Edge(edit) => layout.block(edit.target.id),
            };
            let detours: &[Detour] = match anchor {
                Anchor::Entry(_) => &[],
                Anchor::Edge(edit) => edit.change.detours(),
            };
            let upper_block = (level > 0).then_some(upper_block);
            let written: Vec<u32> = [node_block, anchor_block].into_iter().chain(upper_block).collect();
            let mut change = self.lock_pages(&written, &mut detours.iter());
            let (Some(node_at), Some(anchor_at)) = (change.position(node_block), change.position(anchor_block)) else {
                continue;
            };
            let upper_at = upper_block.and_then(|block| change.position(block));
            let kinds = [(Some(node_at), PageKind::Node), (upper_at, PageKind::Upper)];
            if kinds.iter().any(|(at, kind)| at.is_some_and(|at| PageKind::of(change.page(at)) != Some(*kind))) {
                super::store::corrupt(self.relation, "The list of pages with room leads to a page of another kind.")
            }
            let Some(id) = layout.free_node(change.page(node_at), node_block) else {
                drop(change);
                self.withdraw(PageKind::Node, node_block);
                continue;
            };
            let upper = match (upper_at, upper_block) {
                (Some(at), Some(block)) => match layout.free_uppers(change.page(at), block, u32::from(level)) {
                    Some(slot) => slot,
                    None => {
                        let full = !layout.has_room(PageKind::Upper, change.page(at), block);
                        drop(change);
                        if full {
                            self.withdraw(PageKind::Upper, block);
                        } else {
                            self.grow(PageKind::Upper)?;
                        }
                        continue;
                    }
                },
                _ => 0,
            };
            if !self.stands(&change, anchor, anchor_at, &links[0]) {
                return Ok(None);
            }
            let link = Link { id, generation: layout.node(change.page(node_at), id).generation() };
            let mut crowded = false;
            if let Some(block) = bucket_block {
                let at = change.lock_chained(block);
                let bucket = Bucket::new(change.page(at));
                if PageKind::of(change.page(at)) != Some(PageKind::Bucket) || !bucket.takes(code.hash) {
                    // Split since it was looked up.
                    attempts += 1;
                    if attempts > ATTEMPTS {
                        super::store::corrupt(self.relation, "The directory does not lead to the bucket of a vector.")
                    }
                    continue;
                }
                crowded = bucket.len() >= Bucket::FULL;
                BucketMut::new(change.page_mut(at)).push(BucketEntry { hash: code.hash, id });
            }
            if let Some(at) = upper_at {
                for level in 1..=level {
                    let slot = upper + u32::from(level) - 1;
                    layout.upper_mut(change.page_mut(at), slot).fill(link, &links[usize::from(level)]);
                }
            }
            layout.node_mut(change.page_mut(node_at), id).fill(level, code, tid, upper, &links[0]);
            self.anchor(&mut change, anchor, anchor_at, Entry { link, level });
            let full = layout.free_node(change.page(node_at), node_block).is_none();
            change.finish();
            if full {
                self.withdraw(PageKind::Node, node_block);
            }
            if crowded {
                self.grow_table();
            }
            return Ok(Some(link));
        }
    }

    fn apply(&mut self, edits: &[Edit]) -> Vec<Outcome> {
        let mut outcomes = vec![Outcome::Gone; edits.len()];
        let mut places: Vec<(u32, Option<u32>, usize)> = edits
            .iter()
            .enumerate()
            .filter_map(|(number, edit)| self.place(edit).map(|(block, slot)| (block, slot, number)))
            .collect();
        places.sort_unstable();
        let mut rest = &places[..];
        while !rest.is_empty() {
            pages::check_for_interrupts();
            let detours = |number: usize| edits[number].change.detours();
            let next = rest.iter().map(|(block, _, number)| {
                (*block, detours(*number).iter().map(|detour| self.layout.block(detour.via.id)))
            });
            let (now, later) = rest.split_at(together(next, BOUNDS));
            let blocks: Vec<u32> = now.iter().map(|(block, ..)| *block).collect();
            let mut change = self.lock_pages(&blocks, &mut now.iter().flat_map(|(.., number)| detours(*number)));
            let mut written = false;
            for (block, slot, number) in now {
                let edit = &edits[*number];
                outcomes[*number] = self.verdict(&change, edit, *slot, &[]);
                if outcomes[*number] == Outcome::Done
                    && let Some(at) = change.position(*block)
                {
                    self.edit(change.page_mut(at), edit.target, *slot, &edit.change);
                    written = true;
                }
            }
            if written {
                change.finish();
            }
            rest = later;
        }
        outcomes
    }

    fn replace_entry(&mut self, old: Option<Link>, entry: Entry) -> bool {
        self.change_meta(|meta| {
            let matches = meta.entry == old;
            if matches {
                (meta.entry, meta.entry_level) = (Some(entry.link), entry.level);
            }
            matches
        })
    }

    fn add_tid(&mut self, node: Link, tid: HeapTid) -> bool {
        loop {
            pages::check_for_interrupts();
            if let Some(added) = self.try_add_tid(node, tid) {
                return added;
            }
        }
    }
}
