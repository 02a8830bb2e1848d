//! Inserting a node: search, choose neighbours, write the node, link the neighbours back.

use crate::code::{CodeRef, Query, between};
use crate::layout::{HeapTid, Link};
use crate::search::{Beam, Candidate, Codes, Entry, Store, choose, descend, pruned, select};

/// One change of a node's edges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The node whose edges change.
    pub target: Link,
    /// The level of the edges.
    pub level: u8,
    /// How they change.
    pub change: Change,
}

/// How the edges of a node change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// One more; refused where there is no room.
    Push(Link),
    /// Others; refused where the edges are no longer those the decision was made from.
    Replace {
        /// The edges that the decision was made from.
        expected: Vec<Link>,
        /// The new edges.
        links: Vec<Link>,
    },
}

impl Change {
    /// The edges that go.
    fn losses(&self) -> impl Iterator<Item = Link> + '_ {
        let (expected, links): (&[Link], &[Link]) = match self {
            Change::Push(_) => (&[], &[]),
            Change::Replace { expected, links } => (expected, links),
        };
        expected.iter().copied().filter(|link| !links.contains(link))
    }
}

/// What became of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Written.
    Done,
    /// The target is dead or gone.
    Gone,
    /// The target is full or has other edges than expected: decide again.
    Changed,
}

/// Why a node could not be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Identifiers have 32 bits.
    #[error("the index has reached its largest size")]
    Full,
}

/// Where nodes are written to.
pub trait StoreMut: Store {
    /// Where searches start; None in an empty index.
    fn entry(&mut self) -> Option<Entry>;
    /// A live node with the same vector, if the table of vectors has one.
    fn find_same(&mut self, code: CodeRef<'_>) -> Option<Link>;
    /// Writes a new node with its edges of level 0 and up and its entry in the table of vectors, unreachable until something links to it.
    fn create(&mut self, code: CodeRef<'_>, level: u8, tid: HeapTid, links: &[Vec<Link>]) -> Result<Link, StoreError>;
    /// Applies edits to different (target, level) pairs, each under the lock of its page.
    fn apply(&mut self, edits: &[Edit]) -> Vec<Outcome>;
    /// Makes `entry` the entry point if the present one is of a lower level.
    fn promote(&mut self, entry: Entry);
    /// Makes `entry` the entry point if the present one is `old`; false where it is another.
    fn replace_entry(&mut self, old: Option<Link>, entry: Entry) -> bool;
    /// Adds a row to a live node; false where it is dead or gone.
    fn add_tid(&mut self, node: Link, tid: HeapTid) -> bool;
}

/// The level of a node: geometric with factor 1/m, and the same each time for the same row.
pub fn level_of(tid: HeapTid, salt: u64, m: usize, highest: u8) -> u8 {
    let mut state = salt ^ (u64::from(tid.block) << 16 | u64::from(tid.offset));
    // splitmix64
    state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let uniform = ((state ^ (state >> 31)) >> 11) as f64 / (1u64 << 53) as f64;
    let level = -(1.0 - uniform).ln() / (m as f64).ln();
    (level as u8).min(highest)
}

/// Adds a row: to the node that has its vector, or as a node of its own. Returns the node.
///
/// # Errors
/// Where the store cannot take another node.
pub fn insert<S: StoreMut>(
    store: &mut S,
    code: CodeRef<'_>,
    tid: HeapTid,
    level: u8,
    ef_construction: usize,
) -> Result<Link, StoreError> {
    if let Some(same) = store.find_same(code)
        && store.add_tid(same, tid)
    {
        return Ok(same);
    }
    let query = Query::of_code(store.distance(), code);
    let mut node: Option<Link> = None;
    let mut links: Vec<Vec<Link>> = Vec::new();
    for _ in 0..ROUNDS {
        let entry = store.entry();
        let previous = links;
        let found = match entry {
            Some(entry) => search_levels(store, &query, entry, level, ef_construction),
            None => vec![Vec::new(); usize::from(level) + 1],
        };
        links = choose_all(store, found, node);
        let this = match node {
            Some(node) => {
                set_links(store, node, previous, &links);
                node
            }
            None => store.create(code, level, tid, &links)?,
        };
        node = Some(this);
        if links[0].is_empty() {
            // The index is empty or all that the entry point leads to is without rows: start anew from this node, unless another row was faster.
            if store.replace_entry(entry.map(|entry| entry.link), Entry { link: this, level }) {
                break;
            }
        } else if link_back(store, this, code, &links) {
            if entry.is_some_and(|entry| level > entry.level) {
                store.promote(Entry { link: this, level });
            }
            break;
        }
        // Every neighbour was removed while it was being linked: search again.
    }
    node.ok_or(StoreError::Full)
}

/// Gives a node that was written in an earlier round the edges of this one.
fn set_links<S: StoreMut>(store: &mut S, node: Link, previous: Vec<Vec<Link>>, links: &[Vec<Link>]) {
    let edits: Vec<Edit> = (0u8..)
        .zip(previous.into_iter().zip(links))
        .map(|(level, (expected, links))| Edit {
            target: node,
            level,
            change: Change::Replace { expected, links: links.clone() },
        })
        .collect();
    store.apply(&edits);
}

/// Searches every level from the entry point down: the nearest nodes on each level from 0 up, nearest first.
fn search_levels<S: Store>(store: &mut S, query: &Query, entry: Entry, level: u8, ef: usize) -> Vec<Vec<Candidate>> {
    let mut found = vec![Vec::new(); usize::from(level) + 1];
    let top = level.min(entry.level);
    let mut entries = descend(store, query, entry, top);
    let mut beam = Beam::new(false);
    for level in (0..=top).rev() {
        beam.reset(false);
        beam.seed(&entries);
        beam.run(store, query, ef, level);
        let nearest = beam.take();
        if !nearest.is_empty() {
            entries.clone_from(&nearest);
        }
        found[usize::from(level)] = nearest;
    }
    found
}

/// The edges of a node on each level, chosen among what was found.
fn choose_all<S: Store>(store: &mut S, found: Vec<Vec<Candidate>>, node: Option<Link>) -> Vec<Vec<Link>> {
    let m = store.layout().m;
    found
        .into_iter()
        .map(|candidates| {
            let others = candidates.iter().filter(|found| Some(found.link) != node);
            let pairs: Vec<(f32, Link)> = others.map(|found| (found.distance, found.link)).collect();
            select(store, &pairs, m)
        })
        .collect()
}

/// Rounds of edits before a contended back-link is given up; the node keeps its other links.
const ROUNDS: usize = 8;

/// Links the neighbours of `node` back to it; false where none of level 0 does.
///
/// Where every neighbour prefers others, the nearest one takes it for its last edge.
fn link_back<S: StoreMut>(store: &mut S, node: Link, code: CodeRef<'_>, links: &[Vec<Link>]) -> bool {
    let mut linked = false;
    let mut open: Vec<(Link, u8)> =
        (0u8..).zip(links).flat_map(|(level, links)| links.iter().map(move |link| (*link, level))).collect();
    for _ in 0..ROUNDS {
        let mut edits = Vec::with_capacity(open.len());
        let mut dropped: Vec<(Link, u8)> = Vec::new();
        let mut later: Vec<(Link, u8)> = Vec::new();
        for (target, level) in &open {
            let Some(change) = decide(store, *target, *level, node, code, false) else { continue };
            // Two that drop the same edge each count on the other's: the second decides when the first has changed.
            let losses: Vec<(Link, u8)> = change.losses().map(|link| (link, *level)).collect();
            if losses.iter().any(|loss| dropped.contains(loss)) {
                later.push((*target, *level));
                continue;
            }
            dropped.extend(losses);
            edits.push(Edit { target: *target, level: *level, change });
        }
        let outcomes = store.apply(&edits);
        open = later;
        for (edit, outcome) in edits.iter().zip(outcomes) {
            match outcome {
                Outcome::Done => linked |= edit.level == 0 && contains(&edit.change, node),
                Outcome::Changed => open.push((edit.target, edit.level)),
                Outcome::Gone => {}
            }
        }
        if open.is_empty() {
            break;
        }
    }
    let nearest = links.first().map_or(&[][..], Vec::as_slice);
    for target in nearest {
        if linked {
            break;
        }
        for _ in 0..ROUNDS {
            let Some(change) = decide(store, *target, 0, node, code, true) else { break };
            let outcome = store.apply(&[Edit { target: *target, level: 0, change }])[0];
            linked = outcome == Outcome::Done;
            if outcome != Outcome::Changed {
                break;
            }
        }
    }
    linked
}

fn contains(change: &Change, node: Link) -> bool {
    match change {
        Change::Push(link) => *link == node,
        Change::Replace { links, .. } => links.contains(&node),
    }
}

/// How the edges of `target` should change for `node`; None where they should not.
fn decide<S: Store>(
    store: &mut S,
    target: Link,
    level: u8,
    node: Link,
    code: CodeRef<'_>,
    force: bool,
) -> Option<Change> {
    let most = store.layout().max_links(level);
    let mut expected = Vec::with_capacity(most);
    if !store.links(target, level, &mut expected) || expected.contains(&node) {
        return None;
    }
    if expected.len() < most {
        return Some(Change::Push(node));
    }
    let distance = store.distance();
    let mut members = expected.clone();
    members.push(target);
    let mut codes = Codes::default();
    store.fetch(&members, &mut codes);
    codes.push(Some(code));
    let base = codes.get(expected.len())?;
    let mut ranked: Vec<(f32, Link, usize)> = expected
        .iter()
        .enumerate()
        .filter_map(|(position, link)| Some((between(distance, base, codes.get(position)?), *link, position)))
        .collect();
    ranked.push((between(distance, base, code), node, members.len()));
    ranked.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1)));
    let candidates: Vec<(f32, Link)> = ranked.iter().map(|(distance, link, _)| (*distance, *link)).collect();
    let positions: Vec<usize> = ranked.iter().map(|(_, _, position)| *position).collect();
    let mut links = choose(distance, &candidates, &codes, &positions, most, pruned(most));
    if !links.contains(&node) {
        if !force {
            return None;
        }
        links.truncate(most - 1);
        links.push(node);
    }
    let dropped: Vec<Link> = candidates.iter().map(|(_, link)| *link).filter(|link| !links.contains(link)).collect();
    // What is dropped stays in reach where one that is kept leads to it; else its edge is kept too.
    let mut second = Vec::new();
    for link in &links {
        store.links(*link, level, &mut second);
    }
    links.extend(dropped.into_iter().filter(|link| !second.contains(link)));
    if links.len() > most && !force {
        return None;
    }
    links.truncate(most);
    Some(Change::Replace { expected, links })
}

/// Makes a node that cannot be reached any more reachable again: neighbours are sought anew and linked to it.
pub fn relink<S: StoreMut>(store: &mut S, node: Link, ef_construction: usize) {
    let mut codes = Codes::default();
    store.fetch(&[node], &mut codes);
    let (Some(code), Some(entry)) = (codes.get(0), store.entry()) else { return };
    let query = Query::of_code(store.distance(), code);
    let found = search_levels(store, &query, entry, 0, ef_construction);
    let links = choose_all(store, found, Some(node));
    let mut expected = Vec::new();
    store.links(node, 0, &mut expected);
    set_links(store, node, vec![expected], &links);
    link_back(store, node, code, &links);
}
