//! Vacuum: dead rows out, edges around dead nodes repaired, slots freed. See docs/ACCESS_METHOD.md for why each step may be
//! interrupted.

use super::insert::item_pointer;
use super::pages::{self, Change, Logging};
use super::store::{ChainGuard, Index, corrupt, entry_of};
use crate::error::raise;
use pgrx::pg_sys;
use pgrx::prelude::*;
use sutra_hnsw::insert::{Edit, Outcome, StoreMut};
use sutra_hnsw::layout::{HeapTid, Link, PageKind, State, Tids, TidsMut, tid_block};
use sutra_hnsw::repair::{relink, repair};
use sutra_hnsw::search::{Entry, Store};

/// What a slot was when vacuum read it.
#[derive(Clone, Copy)]
struct Status {
    state: State,
    generation: u8,
}

const UNKNOWN: Status = Status { state: State::Free, generation: 0 };

/// Attempts to repair a node that inserts keep changing; what remains is an edge that readers pass by and the next vacuum repairs.
const ATTEMPTS: usize = 16;

/// Passes over the nodes that cannot be reached: one may be near nothing but others of them.
const ROUNDS: usize = 4;

struct Vacuum {
    index: Index,
    strategy: pg_sys::BufferAccessStrategy,
    callback: pg_sys::IndexBulkDeleteCallback,
    state: *mut core::ffi::c_void,
    /// By identifier, for the blocks below `blocks`.
    slots: Vec<Status>,
    blocks: u32,
    dead: u64,
    /// A node of the highest level among those that keep rows.
    highest: Option<Entry>,
    removed: f64,
    remaining: f64,
}

impl Vacuum {
    fn pause(&self) {
        // SAFETY: no lock is held.
        unsafe {
            #[cfg(feature = "pg18")]
            pg_sys::vacuum_delay_point(false);
            #[cfg(not(feature = "pg18"))]
            pg_sys::vacuum_delay_point();
        }
    }

    fn is_dead(&self, tid: HeapTid) -> bool {
        let Some(callback) = self.callback else { return false };
        let (mut pointer, state) = (item_pointer(tid), self.state);
        // SAFETY: PostgreSQL's callback with its own state; nothing in the closure has a destructor.
        unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| callback(&mut pointer, state)) }
    }

    /// Step 1: removes dead rows from every node, and notes what each slot is.
    fn remove_rows(&mut self) {
        self.blocks = pages::block_count(self.index.relation);
        let layout = self.index.layout;
        self.make_room(self.blocks);
        let mut nodes: Vec<(u32, u8, Option<HeapTid>, u32)> = Vec::new();
        for block in 1..self.blocks {
            self.pause();
            nodes.clear();
            let new = pages::read(self.index.relation, block, self.strategy, |page| {
                let Some(first) = layout.first_id(block).filter(|_| PageKind::of(page) == Some(PageKind::Node)) else {
                    return pages::is_new(page);
                };
                for id in first..first + layout.per_page {
                    let node = layout.node(page, id);
                    self.slots[id as usize] = Status { state: node.state(), generation: node.generation() };
                    if node.state() == State::Live {
                        nodes.push((id, node.level(), node.tid(), node.tid_slot()));
                    }
                }
                false
            });
            if new {
                // The server stopped between adding the page and initialising it.
                self.index.adopt(PageKind::Node, block);
            }
            let mut changed: Vec<u32> = Vec::new();
            let mut chained: Vec<u32> = Vec::new();
            for (id, _, tid, chain) in &nodes {
                // CREATE INDEX CONCURRENTLY counts on hearing of each row once: those of nodes with a chain are asked about below.
                if *chain != 0 {
                    chained.push(*id);
                } else if tid.is_none_or(|tid| self.is_dead(tid)) {
                    changed.push(*id);
                } else {
                    self.remaining += 1.0;
                }
            }
            if !changed.is_empty() {
                self.change_nodes(block, &changed, &mut chained);
            }
            for id in chained {
                self.change_chained(Link { id, generation: self.slots[id as usize].generation });
            }
            for (id, level, ..) in &nodes {
                self.note_level(*id, *level);
            }
        }
        self.dead = self.slots.iter().filter(|slot| slot.state == State::Dead).count() as u64;
    }

    /// Remembers a live node as the entry point to be, where none of a higher level is known.
    fn note_level(&mut self, id: u32, level: u8) {
        let slot = self.slots[id as usize];
        if slot.state == State::Live && self.highest.is_none_or(|highest| highest.level < level) {
            self.highest = Some(Entry { link: Link { id, generation: slot.generation }, level });
        }
    }

    /// Makes room for the state of every node in so many blocks.
    fn make_room(&mut self, blocks: u32) {
        let count = blocks as usize * self.index.layout.per_page as usize;
        let more = count.saturating_sub(self.slots.len());
        reserve(&mut self.slots, more);
        self.slots.resize(count.max(self.slots.len()), UNKNOWN);
    }

    /// Step 2: notes the nodes that came on pages which the first step had read already. The node that one was linked from was
    /// live then and may be dead now; what comes later is linked from a node that stays.
    fn note_new(&mut self) {
        let layout = self.index.layout;
        let blocks = pages::block_count(self.index.relation);
        self.make_room(blocks);
        for block in 1..blocks {
            self.pause();
            pages::read(self.index.relation, block, self.strategy, |page| {
                let Some(first) = layout.first_id(block).filter(|_| PageKind::of(page) == Some(PageKind::Node)) else {
                    return;
                };
                for id in first..first + layout.per_page {
                    let node = layout.node(page, id);
                    let slot = &mut self.slots[id as usize];
                    if node.state() == State::Live && slot.state == State::Free {
                        *slot = Status { state: State::Live, generation: node.generation() };
                        // Where all that the first step read is dead, one of these is the entry point to be.
                        self.note_level(id, node.level());
                    }
                }
            });
        }
    }

    /// Removes the dead rows of some nodes of a page, which have one row each; those that got more meanwhile go to `chained`.
    fn change_nodes(&mut self, block: u32, nodes: &[u32], chained: &mut Vec<u32>) {
        let layout = self.index.layout;
        let mut change = Change::begin(self.index.relation, Logging::Record);
        let at = change.lock(block);
        let mut written = false;
        for id in nodes {
            let view = layout.node(change.page(at), *id);
            if view.state() != State::Live {
                continue;
            }
            if view.tid_slot() != 0 {
                chained.push(*id);
                continue;
            }
            match view.tid() {
                Some(tid) if !self.is_dead(tid) => {
                    self.remaining += 1.0;
                    continue;
                }
                Some(_) => self.removed += 1.0,
                None => {}
            }
            let mut node = layout.node_mut(change.page_mut(at), *id);
            node.set_tid(None);
            node.set_state(State::Dead);
            self.slots[*id as usize].state = State::Dead;
            written = true;
        }
        if written {
            change.finish();
        }
    }

    /// Removes the dead rows of a node with a chain. The chain may be long, so it is read while the node is not locked. When no row
    /// is left, those of the chain stay for [`Self::free_chain`]: a server that stopped between two records would leave a live node without rows.
    fn change_chained(&mut self, node: Link) {
        let layout = self.index.layout;
        let block = layout.block(node.id);
        let (own, head) = pages::read(self.index.relation, block, self.strategy, |page| {
            let view = layout.node(page, node.id);
            (view.tid(), view.tid_slot())
        });
        let gone = own.is_some_and(|tid| self.is_dead(tid));
        let (remains, emptied) = self.filter_chain(node, head);
        if own.is_some() && !gone {
            // It keeps this row, whatever else happens.
            self.remaining += 1.0;
            self.shorten(node, emptied);
            return;
        }

        let mut change = Change::begin(self.index.relation, Logging::Record);
        let at = change.lock(block);
        let view = layout.node(change.page(at), node.id);
        if view.state() != State::Live || view.generation() != node.generation {
            return;
        }
        // An insert may have added a row meanwhile, to the node, to the slot in front or with a new one.
        let alone = gone || view.tid().is_none();
        let dead = alone && !remains && view.tid_slot() == head && self.all_dead(&change, node, head);
        if gone {
            self.removed += 1.0;
            layout.node_mut(change.page_mut(at), node.id).set_tid(None);
        } else if !alone {
            self.remaining += 1.0;
        }
        if dead {
            layout.node_mut(change.page_mut(at), node.id).set_state(State::Dead);
            self.slots[node.id as usize].state = State::Dead;
        }
        if gone || dead {
            change.finish();
        } else {
            drop(change);
        }
        if !dead {
            self.shorten(node, emptied);
        }
    }

    /// Empties the slot in front of a chain and takes others out of it; see [`Self::filter_chain`].
    fn shorten(&self, node: Link, emptied: Vec<(u32, u32)>) {
        for (slot, before) in emptied {
            self.pause();
            if before == 0 {
                self.empty(node, slot);
            } else if !self.unlink(node, before, slot) {
                self.foreign_slot();
            }
        }
    }

    /// Raises the error for a chain that leads to a slot of another owner, which no crash and no other session makes of that of a live node.
    fn foreign_slot(&self) -> ! {
        corrupt(self.index.relation, "The rows of a node lead to a slot that is not its own.")
    }

    /// Removes the dead rows of a chain's slots in which others remain. True where a row remains; and the slots to be emptied, each with the one that
    /// will be before it, 0 for the first, which stays in the chain because it takes rows again.
    fn filter_chain(&mut self, node: Link, mut slot: u32) -> (bool, Vec<(u32, u32)>) {
        let (mut remains, mut before) = (false, 0);
        let mut emptied: Vec<(u32, u32)> = Vec::new();
        let mut guard = ChainGuard::new();
        while slot != 0 {
            self.pause();
            guard.step(self.index.relation);
            let (tids, next) = self.read_slot(node, slot);
            let kept: Vec<HeapTid> = tids.iter().copied().filter(|tid| !self.is_dead(*tid)).collect();
            self.remaining += kept.len() as f64;
            self.removed += (tids.len() - kept.len()) as f64;
            if !kept.is_empty() {
                remains = true;
                if kept.len() < tids.len() {
                    self.empty(node, slot);
                }
            } else if before != 0 || !tids.is_empty() {
                reserve(&mut emptied, 1);
                emptied.push((slot, before));
            }
            if !kept.is_empty() || before == 0 {
                before = slot;
            }
            slot = next;
        }
        (remains, emptied)
    }

    /// Whether all rows of the slot in front of a chain are dead; `held` has the node locked.
    fn all_dead(&self, held: &Change, node: Link, head: u32) -> bool {
        let block = tid_block(head);
        if held.holds(block) {
            corrupt(self.index.relation, "The rows of a node lead to a page of nodes.")
        }
        self.read_slot(node, head).0.into_iter().all(|tid| self.is_dead(tid))
    }

    /// The rows of a slot and the next one of its chain.
    fn read_slot(&self, node: Link, slot: u32) -> (Vec<HeapTid>, u32) {
        let mut tids = Vec::new();
        match self.index.read_slot(node, slot, |view| tids.extend(view.tids())) {
            Some(next) => (tids, next),
            None => self.foreign_slot(),
        }
    }

    /// Removes the dead rows of a slot, which stays in its chain.
    fn empty(&self, node: Link, slot: u32) {
        let mut change = Change::begin(self.index.relation, Logging::Record);
        let at = change.lock(tid_block(slot));
        if let Some(view) = Tids::owned(change.page(at), slot, node) {
            let kept: Vec<HeapTid> = view.tids().filter(|tid| !self.is_dead(*tid)).collect();
            TidsMut::new(change.page_mut(at), slot).set_tids(&kept);
            change.finish();
        }
    }

    /// Takes the slot behind `before` out of a chain and frees it; false where it is not there. Nobody else locks two pages of TID slots at a time, so their
    /// order does not matter.
    fn unlink(&self, node: Link, before: u32, slot: u32) -> bool {
        let block = tid_block(slot);
        let mut change = Change::begin(self.index.relation, Logging::Record);
        let front = change.lock_chained(tid_block(before));
        let at = match change.position(block) {
            Some(same) => same,
            None => change.lock_chained(block),
        };
        let next_of = |at: usize, slot: u32| Tids::owned(change.page(at), slot, node).map(|view| view.next());
        let Some(next) = next_of(at, slot).filter(|_| slot != before && next_of(front, before) == Some(slot)) else {
            return false;
        };
        TidsMut::new(change.page_mut(front), before).set_next(next);
        TidsMut::new(change.page_mut(at), slot).free();
        change.finish();
        self.index.offer(PageKind::Tid, block);
        true
    }

    /// Whether a link leads to a node that is dead or no longer the one it was made for.
    fn is_gone(slots: &[Status], link: Link) -> bool {
        // What was added since the second step is not known, and not dead.
        slots.get(link.id as usize).is_some_and(|slot| slot.generation != link.generation || slot.state == State::Dead)
    }

    /// Step 3: makes live nodes lead to every live node, from an entry point that is live.
    fn connect(&mut self) {
        loop {
            let present = self.index.meta().entry;
            let entry = entry_of(&self.index.meta());
            let lost = entry.is_none_or(|entry| Self::is_gone(&self.slots, entry.link));
            let start = if lost { self.highest } else { entry };
            if let Some(start) = start {
                self.relink_unreachable(start);
            }
            let settled = match start {
                _ if !lost => true,
                Some(start) => self.index.replace_entry(present, start),
                None => self.index.clear_entry(present),
            };
            // Else an insert has made its node the entry point meanwhile.
            if settled {
                return;
            }
        }
    }

    /// Links the nodes that `start` does not lead to over live nodes.
    fn relink_unreachable(&mut self, start: Entry) {
        let mut met: Vec<bool> = Vec::new();
        reserve(&mut met, self.slots.len());
        met.resize(self.slots.len(), false);
        self.walk(start.link, &mut met);
        for _ in 0..ROUNDS {
            let mut complete = true;
            for id in 0..self.slots.len() as u32 {
                let slot = self.slots[id as usize];
                if slot.state != State::Live || met[id as usize] {
                    continue;
                }
                self.pause();
                let (node, ef) = (Link { id, generation: slot.generation }, self.index.ef_construction);
                // What was added since the second step came with an edge from a live node, and needs nothing more than that one does.
                let reached = |link: Link| met.get(link.id as usize).is_some_and(|met| *met);
                if relink(&mut self.index, node, start, ef, reached) {
                    self.walk(node, &mut met);
                } else {
                    complete = false;
                }
            }
            if complete {
                return;
            }
        }
    }

    /// Marks what `start` leads to on level 0 over nodes that are not dead.
    fn walk(&mut self, start: Link, met: &mut Vec<bool>) {
        let (mut queue, mut links) = (vec![start], Vec::new());
        if let Some(start) = met.get_mut(start.id as usize) {
            *start = true;
        }
        while let Some(node) = queue.pop() {
            self.pause();
            links.clear();
            self.index.links(node, 0, &mut links);
            for link in &links {
                let place = link.id as usize;
                if Self::is_gone(&self.slots, *link) {
                    continue;
                }
                // What was added since the second step leads on as well.
                if place >= met.len() {
                    reserve(met, place + 1 - met.len());
                    met.resize(place + 1, false);
                }
                if !std::mem::replace(&mut met[place], true) {
                    reserve(&mut queue, 1);
                    queue.push(*link);
                }
            }
        }
    }

    /// Step 4: replaces edges to dead nodes, which no live node depends on any more.
    fn repair_edges(&mut self) {
        let layout = self.index.layout;
        let mut nodes: Vec<(Link, u8, bool)> = Vec::new();
        let mut links: Vec<Link> = Vec::new();
        for block in 1..pages::block_count(self.index.relation) {
            self.pause();
            nodes.clear();
            pages::read(self.index.relation, block, self.strategy, |page| {
                let Some(first) = layout.first_id(block).filter(|_| PageKind::of(page) == Some(PageKind::Node)) else {
                    return;
                };
                for id in first..first + layout.per_page {
                    let node = layout.node(page, id);
                    if node.state() != State::Live {
                        continue;
                    }
                    links.clear();
                    node.links(&mut links);
                    let broken = links.iter().any(|link| Self::is_gone(&self.slots, *link));
                    nodes.push((Link { id, generation: node.generation() }, node.level(), broken));
                }
            });
            let mut edits: Vec<Edit> = Vec::new();
            for (node, level, broken) in &nodes {
                let lowest = if *broken { 0 } else { 1 };
                for level in lowest..=*level {
                    let slots = &self.slots;
                    if let Some(change) = repair(&mut self.index, *node, level, |link| Self::is_gone(slots, link)) {
                        edits.push(Edit { target: *node, level, change });
                    }
                }
            }
            self.apply(edits);
        }
    }

    fn apply(&mut self, mut edits: Vec<Edit>) {
        for _ in 0..ATTEMPTS {
            if edits.is_empty() {
                return;
            }
            let outcomes = self.index.apply(&edits);
            let open: Vec<Edit> = edits
                .into_iter()
                .zip(outcomes)
                .filter(|(_, outcome)| *outcome == Outcome::Changed)
                .map(|(edit, _)| edit)
                .collect();
            let slots = &self.slots;
            edits = open
                .into_iter()
                .filter_map(|edit| {
                    let gone = |link| Self::is_gone(slots, link);
                    let change = repair(&mut self.index, edit.target, edit.level, gone)?;
                    Some(Edit { change, ..edit })
                })
                .collect();
        }
    }

    /// Step 5: takes the dead nodes out of the table of vectors.
    fn forget_nodes(&self) {
        let dead = |id: u32| self.slots.get(id as usize).is_some_and(|slot| slot.state == State::Dead);
        self.index.forget(|| self.pause(), dead);
    }

    /// Step 6: frees the slots of dead nodes and of what they own.
    fn free_slots(&mut self) {
        let layout = self.index.layout;
        for block in 1..self.blocks {
            let Some(first) = layout.first_id(block) else { break };
            let dead: Vec<u32> =
                (first..first + layout.per_page).filter(|id| self.slots[*id as usize].state == State::Dead).collect();
            if dead.is_empty() {
                continue;
            }
            self.pause();
            let mut owned: Vec<(Link, u8, u32, u32)> = Vec::new();
            pages::read(self.index.relation, block, self.strategy, |page| {
                for id in &dead {
                    let node = layout.node(page, *id);
                    if node.state() == State::Dead {
                        let link = Link { id: *id, generation: node.generation() };
                        owned.push((link, node.level(), node.upper(), node.tid_slot()));
                    }
                }
            });
            for (node, level, upper, chain) in owned {
                self.free_uppers(node, level, upper);
                self.free_chain(node, chain);
            }
            let mut change = Change::begin(self.index.relation, Logging::Record);
            let at = change.lock(block);
            for id in &dead {
                if layout.node(change.page(at), *id).state() == State::Dead {
                    layout.node_mut(change.page_mut(at), *id).free();
                }
            }
            change.finish();
            self.index.offer(PageKind::Node, block);
        }
    }

    fn free_uppers(&mut self, node: Link, level: u8, upper: u32) {
        if level == 0 || upper == 0 {
            return;
        }
        let layout = self.index.layout;
        let block = layout.upper_block(upper);
        let mut change = Change::begin(self.index.relation, Logging::Record);
        let at = change.lock(block);
        if PageKind::of(change.page(at)) != Some(PageKind::Upper) {
            return;
        }
        for slot in upper..upper + u32::from(level) {
            if layout.upper(change.page(at), slot).belongs_to(node) {
                layout.upper_mut(change.page_mut(at), slot).free();
            }
        }
        change.finish();
        self.index.offer(PageKind::Upper, block);
    }

    /// Frees the slots of a chain, the one that the node leads to last: a server that stops in between leaves none that nobody leads to.
    fn free_chain(&self, node: Link, head: u32) {
        if head == 0 {
            return;
        }
        let block = tid_block(head);
        while let Some(next) = self.index.read_slot(node, head, |_| {}).filter(|next| *next != 0) {
            self.pause();
            if !self.unlink(node, head, next) {
                break;
            }
        }
        let mut change = Change::begin(self.index.relation, Logging::Record);
        let at = change.lock(block);
        if Tids::owned(change.page(at), head, node).is_some() {
            TidsMut::new(change.page_mut(at), head).free();
            change.finish();
            self.index.offer(PageKind::Tid, block);
        }
    }
}

/// Makes room for `more` elements, one at a time with room for others, or raises an error where there is no memory.
fn reserve<T>(list: &mut Vec<T>, more: usize) {
    let reserved = if more == 1 { list.try_reserve(1) } else { list.try_reserve_exact(more) };
    if reserved.is_err() {
        raise(
            PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY,
            "out of memory while vacuuming a sutra_hnsw index",
            &format!("Vacuum needs {} bytes for a list of nodes.", (list.len() + more) * size_of::<T>()),
            "",
        );
    }
}

/// Removes the rows that the callback names.
#[pg_guard]
pub unsafe extern "C-unwind" fn ambulkdelete(
    info: *mut pg_sys::IndexVacuumInfo,
    stats: *mut pg_sys::IndexBulkDeleteResult,
    callback: pg_sys::IndexBulkDeleteCallback,
    state: *mut core::ffi::c_void,
) -> *mut pg_sys::IndexBulkDeleteResult {
    // SAFETY: PostgreSQL passes an open index; stats are null at the first of several calls.
    unsafe {
        let stats = match stats.is_null() {
            true => pg_sys::palloc0(size_of::<pg_sys::IndexBulkDeleteResult>()).cast(),
            false => stats,
        };
        let (index, _) = Index::open((*info).index);
        let mut vacuum = Vacuum {
            index,
            strategy: (*info).strategy,
            callback,
            state,
            slots: Vec::new(),
            blocks: 0,
            dead: 0,
            highest: None,
            removed: 0.0,
            remaining: 0.0,
        };
        vacuum.remove_rows();
        if vacuum.dead > 0 {
            vacuum.note_new();
            vacuum.connect();
            vacuum.index.note_repair();
            vacuum.repair_edges();
            vacuum.forget_nodes();
            vacuum.free_slots();
        }
        (*stats).tuples_removed += vacuum.removed;
        (*stats).num_index_tuples = vacuum.remaining;
        (*stats).estimated_count = false;
        (*stats).num_pages = pages::block_count((*info).index);
        stats
    }
}

/// Ends a vacuum: the size is all there is to report.
#[pg_guard]
pub unsafe extern "C-unwind" fn amvacuumcleanup(
    info: *mut pg_sys::IndexVacuumInfo,
    stats: *mut pg_sys::IndexBulkDeleteResult,
) -> *mut pg_sys::IndexBulkDeleteResult {
    // SAFETY: as for `ambulkdelete`; null means that nothing was to be removed.
    unsafe {
        if let Some(stats) = stats.as_mut() {
            stats.num_pages = pages::block_count((*info).index);
        }
        stats
    }
}
