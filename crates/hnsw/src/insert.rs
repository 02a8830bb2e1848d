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

/// Stands for a node that is being created, in the change that links to it.
pub const NEW: Link = Link { id: 0, generation: 0 };

/// An edge that is given up on level 0, and the node over which its end stays in reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detour {
    /// The end of the edge.
    pub lost: Link,
    /// A neighbour that is kept and leads to `lost`.
    pub via: Link,
}

/// How the edges of a node change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// One more; refused where there is no room.
    Push(Link),
    /// Others; refused where the edges are no longer those the decision was made from, or where a detour is none any more.
    Replace {
        /// The edges that the decision was made from.
        expected: Vec<Link>,
        /// The new edges.
        links: Vec<Link>,
        /// Why what is no longer linked to stays in reach. The store looks it up while nobody can change it: two processes that each count on
        /// the other's edge would cut its end off.
        detours: Vec<Detour>,
    },
}

impl Change {
    /// The detours that the change counts on.
    pub fn detours(&self) -> &[Detour] {
        match self {
            Change::Push(_) => &[],
            Change::Replace { detours, .. } => detours,
        }
    }

    /// The change with `node` in the place of [`NEW`].
    pub fn naming(&self, node: Link) -> Change {
        let named = |link: &Link| if *link == NEW { node } else { *link };
        match self {
            Change::Push(link) => Change::Push(named(link)),
            Change::Replace { expected, links, detours } => Change::Replace {
                expected: expected.clone(),
                links: links.iter().map(named).collect(),
                detours: detours.iter().map(|detour| Detour { via: named(&detour.via), ..*detour }).collect(),
            },
        }
    }
}

/// What makes a new node reachable, in the step that creates it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// It becomes the entry point, if the present one is this.
    Entry(Option<Link>),
    /// Another node links to it on level 0: an edit in which it is called [`NEW`].
    Edge(Edit),
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
    /// No neighbour can be changed to lead to the node, however often they are sought anew: their edges are damaged.
    #[error("no neighbour of a new node can be linked to it")]
    Unlinkable,
}

/// Where nodes are written to.
pub trait StoreMut: Store {
    /// Where searches start; None in an empty index.
    fn entry(&mut self) -> Option<Entry>;
    /// A live node with the same vector, if the table of vectors has one.
    fn find_same(&mut self, code: CodeRef<'_>) -> Option<Link>;
    /// Writes a new node with its edges of level 0 and up, its entry in the table of vectors and its anchor, all or nothing; None where the
    /// anchor cannot be written any more.
    fn create(
        &mut self,
        code: CodeRef<'_>,
        level: u8,
        tid: HeapTid,
        links: &[Vec<Link>],
        anchor: &Anchor,
    ) -> Result<Option<Link>, StoreError>;
    /// Applies edits to different (target, level) pairs, each while nobody else can change its target or its detours.
    fn apply(&mut self, edits: &[Edit]) -> Vec<Outcome>;
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

/// How many nodes of the level above the search for neighbours starts from; see [`crate::search::starts`].
const STARTS: usize = 2;

/// Searches for neighbours that a new node can be linked from. Each tries every one of them several times: other sessions alone do not make
/// so many in a row fail.
const SEARCHES: usize = 100;

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
    for _ in 0..SEARCHES {
        let entry = store.entry();
        let found = match entry {
            Some(entry) => search_levels(store, &query, entry, level, ef_construction),
            None => vec![Vec::new(); usize::from(level) + 1],
        };
        let neighbours = choose_all(store, found);
        let mut links = neighbours.clone();
        let lower = entry.filter(|entry| level > entry.level && !links[0].is_empty()).map(|entry| entry.link);
        // What the present entry point leads to stays in reach when the new node takes its place.
        links[0].extend(lower.filter(|lower| !neighbours[0].contains(lower)));
        let Some((node, refused)) = create(store, code, tid, &links, &neighbours[0], entry)? else {
            // Every neighbour was removed, or another row was the first of an empty index: search again.
            continue;
        };
        let open = (0u8..).zip(&neighbours).flat_map(|(level, targets)| {
            let targets = if level == 0 { &targets[refused..] } else { targets };
            targets.iter().map(move |target| (*target, level))
        });
        link_back(store, node, code, &links, open.collect());
        if let Some(lower) = lower {
            raise_entry(store, Entry { link: node, level }, lower);
        }
        return Ok(node);
    }
    Err(StoreError::Unlinkable)
}

/// Creates a node with its edges and with the edge that leads to it, from the nearest neighbour that takes it. Returns it, and how many of `neighbours` need not be
/// asked again; None where it is to be searched again.
fn create<S: StoreMut>(
    store: &mut S,
    code: CodeRef<'_>,
    tid: HeapTid,
    links: &[Vec<Link>],
    neighbours: &[Link],
    entry: Option<Entry>,
) -> Result<Option<(Link, usize)>, StoreError> {
    let level = (links.len() - 1) as u8;
    if neighbours.is_empty() {
        // The index is empty or all that the entry point leads to is without rows: start anew from this node.
        let anchor = Anchor::Entry(entry.map(|entry| entry.link));
        return Ok(store.create(code, level, tid, links, &anchor)?.map(|node| (node, 0)));
    }
    for (position, target) in neighbours.iter().enumerate() {
        for _ in 0..ROUNDS {
            let Some(change) = decide(store, *target, 0, NEW, &links[0], code) else { break };
            let anchor = Anchor::Edge(Edit { target: *target, level: 0, change });
            if let Some(node) = store.create(code, level, tid, links, &anchor)? {
                return Ok(Some((node, position + 1)));
            }
        }
    }
    for target in neighbours {
        for _ in 0..ROUNDS {
            let Some((change, end)) = make_room(store, *target, NEW, &links[0], true) else { break };
            let mut links = links.to_vec();
            links[0].extend(end);
            let anchor = Anchor::Edge(Edit { target: *target, level: 0, change });
            if let Some(node) = store.create(code, level, tid, &links, &anchor)? {
                return Ok(Some((node, neighbours.len())));
            }
        }
    }
    Ok(None)
}

/// Makes a node, which leads to the entry point `lower`, the entry point in its place.
fn raise_entry<S: StoreMut>(store: &mut S, node: Entry, mut lower: Link) {
    for _ in 0..ROUNDS {
        if store.replace_entry(Some(lower), node) {
            return;
        }
        let Some(present) = store.entry().filter(|present| present.level < node.level) else { return };
        lower = present.link;
        let edit = Edit { target: node.link, level: 0, change: Change::Push(lower) };
        if store.apply(&[edit]) != [Outcome::Done] {
            return;
        }
    }
}

/// Searches every level from the entry point down: the nearest nodes on each level from 0 up, nearest first.
pub(crate) fn search_levels<S: Store>(
    store: &mut S,
    query: &Query,
    entry: Entry,
    level: u8,
    ef: usize,
) -> Vec<Vec<Candidate>> {
    let mut found = vec![Vec::new(); usize::from(level) + 1];
    let top = level.min(entry.level);
    let mut beam = Beam::new(false);
    let mut entries = descend(store, query, entry, top, STARTS, &mut beam);
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
fn choose_all<S: Store>(store: &mut S, found: Vec<Vec<Candidate>>) -> Vec<Vec<Link>> {
    let m = store.layout().m;
    found
        .into_iter()
        .map(|candidates| {
            let pairs: Vec<(f32, Link)> = candidates.iter().map(|found| (found.distance, found.link)).collect();
            select(store, &pairs, m)
        })
        .collect()
}

/// Attempts to change edges that others change at the same time.
pub(crate) const ROUNDS: usize = 8;

/// Links neighbours (with the level) back to a node with the edges `links`, as far as they prefer it to what they have; false where none of
/// level 0 does. One that others keep changing is left out.
pub(crate) fn link_back<S: StoreMut>(
    store: &mut S,
    node: Link,
    code: CodeRef<'_>,
    links: &[Vec<Link>],
    mut open: Vec<(Link, u8)>,
) -> bool {
    let mut linked = false;
    for _ in 0..ROUNDS {
        if open.is_empty() {
            break;
        }
        let decided = open.iter().filter_map(|(target, level)| {
            let change = decide(store, *target, *level, node, &links[usize::from(*level)], code)?;
            Some(Edit { target: *target, level: *level, change })
        });
        let edits: Vec<Edit> = decided.collect();
        let outcomes = store.apply(&edits);
        open.clear();
        for (edit, outcome) in edits.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Done => linked |= edit.level == 0,
                Outcome::Changed => open.push((edit.target, edit.level)),
                Outcome::Gone => {}
            }
        }
    }
    linked
}

/// Nodes with what they lead to on a level.
type Ways = Vec<(Link, Vec<Link>)>;

/// What each of `nodes` leads to; `node` may not be written yet and leads to `own`.
fn ways<S: Store>(store: &mut S, nodes: &[Link], level: u8, node: Link, own: &[Link]) -> Ways {
    let mut ways = Vec::with_capacity(nodes.len());
    for via in nodes {
        let mut ends = Vec::new();
        if *via == node {
            ends.extend_from_slice(own);
        } else {
            store.links(*via, level, &mut ends);
        }
        ways.push((*via, ends));
    }
    ways
}

fn detour(ways: &Ways, lost: Link) -> Option<Detour> {
    let mut leading = ways.iter().filter(|(via, ends)| *via != lost && ends.contains(&lost));
    leading.next().map(|(via, _)| Detour { lost, via: *via })
}

/// Whether a node that has no code for us is merely without rows: searches still go through it until vacuum has replaced its edges.
fn exists<S: Store>(store: &mut S, node: Link, level: u8) -> bool {
    store.links(node, level, &mut Vec::new())
}

/// How the edges of `target` should change for `node`, which leads to `own`; None where they should not.
pub(crate) fn decide<S: Store>(
    store: &mut S,
    target: Link,
    level: u8,
    node: Link,
    own: &[Link],
    code: CodeRef<'_>,
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
        return None;
    }
    // What is dropped stays in reach where one that is kept leads to it; else its edge is kept too.
    let ways = ways(store, &links, level, node, own);
    let mut detours = Vec::new();
    for (position, lost) in expected.iter().enumerate() {
        if links.contains(lost) {
            continue;
        }
        match detour(&ways, *lost) {
            Some(detour) => detours.push(detour),
            None if codes.get(position).is_none() && !exists(store, *lost, level) => {}
            None => links.push(*lost),
        }
    }
    if links.len() > most {
        return None;
    }
    if level > 0 {
        // Higher levels only shorten the way: nobody is lost there.
        detours.clear();
    }
    Some(Change::Replace { expected, links, detours })
}

/// How the edges of level 0 of `target` change to lead to `node`, whatever it prefers: `node` takes the place of the farthest edge whose end stays in reach. Where
/// there is none, it takes the place of the farthest edge, to whose end (the second value) it has to lead itself. None where neither can be. An edge to a node
/// without rows counts as one whose end nobody needs, unless `keep_dead`.
pub(crate) fn make_room<S: Store>(
    store: &mut S,
    target: Link,
    node: Link,
    own: &[Link],
    keep_dead: bool,
) -> Option<(Change, Option<Link>)> {
    let most = store.layout().max_links(0);
    let mut expected = Vec::with_capacity(most);
    if !store.links(target, 0, &mut expected) || expected.contains(&node) {
        return None;
    }
    if expected.len() < most {
        return Some((Change::Push(node), None));
    }
    let distance = store.distance();
    let mut members = expected.clone();
    members.push(target);
    let mut codes = Codes::default();
    store.fetch(&members, &mut codes);
    let base = codes.get(expected.len())?;
    let far = |position: usize| codes.get(position).map_or(f32::INFINITY, |code| between(distance, base, code));
    let mut order: Vec<(f32, Link)> = expected.iter().enumerate().map(|(at, link)| (far(at), *link)).collect();
    order.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
    let live: Vec<Link> = (0..expected.len()).filter(|at| codes.get(*at).is_some()).map(|at| expected[at]).collect();
    let mut ways = ways(store, &live, 0, node, own);
    ways.push((node, own.to_vec()));
    let replace = |lost: Link, detours: Vec<Detour>| {
        let links = expected.iter().map(|link| if *link == lost { node } else { *link }).collect();
        Change::Replace { expected: expected.clone(), links, detours }
    };
    for (distance, lost) in &order {
        if let Some(detour) = detour(&ways, *lost) {
            return Some((replace(*lost, vec![detour]), None));
        }
        if distance.is_infinite() && !(keep_dead && exists(store, *lost, 0)) {
            return Some((replace(*lost, Vec::new()), None));
        }
    }
    let (_, lost) = *order.iter().find(|(_, link)| *link != node)?;
    (own.len() < most).then(|| (replace(lost, vec![Detour { lost, via: node }]), Some(lost)))
}
