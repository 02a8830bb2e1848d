//! Best-first search over a page store, in one piece or continued for as long as the caller wants more rows.

use crate::code::{CodeRef, Distance, Query, between};
use crate::layout::{Layout, Link};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// A scored node.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Distance between the query and the reconstructed vector, in the units of [`between`].
    pub distance: f32,
    /// How far the exact distance may be from it; see [`Query::slack`].
    pub slack: f32,
    /// The node as it was when scored.
    pub link: Link,
    /// False for a node without rows, which only leads on.
    pub live: bool,
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    #[inline]
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.distance.total_cmp(&other.distance).then(self.link.cmp(&other.link))
    }
}

/// Codes copied out of the store, to be compared among each other.
#[derive(Debug, Default)]
pub struct Codes {
    bytes: Vec<u8>,
    heads: Vec<Option<(f32, f32, f32, u32)>>,
    dimensions: usize,
}

impl Codes {
    /// Empties the buffer for codes of `dimensions`.
    pub fn clear(&mut self, dimensions: usize) {
        self.bytes.clear();
        self.heads.clear();
        self.dimensions = dimensions;
    }

    /// Makes room for `count` more codes.
    pub fn reserve(&mut self, count: usize) {
        self.bytes.reserve(count * self.dimensions);
        self.heads.reserve(count);
    }

    /// Appends a code, or the absence of one.
    pub fn push(&mut self, code: Option<CodeRef<'_>>) {
        match code {
            Some(code) => self.bytes.extend_from_slice(code.code),
            None => self.bytes.resize(self.bytes.len() + self.dimensions, 0),
        }
        self.heads.push(code.map(|code| (code.scale, code.norm, code.error, code.hash)));
    }

    /// The code at `position`; None where its node was gone.
    pub fn get(&self, position: usize) -> Option<CodeRef<'_>> {
        let (scale, norm, error, hash) = (*self.heads.get(position)?)?;
        let start = position * self.dimensions;
        Some(CodeRef { scale, norm, error, hash, code: &self.bytes[start..start + self.dimensions] })
    }
}

/// Where nodes are read from. Whatever is gone (freed, or its slot taken by another node) is left out without an error.
pub trait Store {
    /// The sizes of the index.
    fn layout(&self) -> Layout;
    /// What the index orders by.
    fn distance(&self) -> Distance;
    /// Scores the nodes of `targets` that still exist and appends them to `out`.
    fn score(&mut self, query: &Query, targets: &[Link], out: &mut Vec<Candidate>);
    /// Appends the edges of `node` on `level` to `out`; false where the node is gone.
    fn links(&mut self, node: Link, level: u8, out: &mut Vec<Link>) -> bool;
    /// Hint that the level-0 edges of `node` will probably be read soon.
    fn prefetch_links(&mut self, node: Link) {
        let _ = node;
    }
    /// Copies the code of each live node of `targets`, None for each other, in the same order.
    fn fetch(&mut self, targets: &[Link], out: &mut Codes);
}

/// Identifiers below are marked in the bitmap of [`Visited`], of 512 KiB: the bitmap of an index that is any larger would cost a search more than
/// what it looks at.
const MAPPED: u32 = 1 << 22;

/// Which nodes a search has met: a bitmap by identifier that is emptied in proportion to what was set, and a hash table for the identifiers
/// beyond it.
#[derive(Debug, Default)]
pub struct Visited {
    words: Vec<u64>,
    touched: Vec<u32>,
    beyond: HashSet<u32, BuildHasherDefault<IdHasher>>,
}

/// Spreads identifiers over a hash table: Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, 6.4).
#[derive(Debug, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    fn write_u32(&mut self, id: u32) {
        let product = (self.0 ^ u64::from(id)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ product >> 32;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Visited {
    /// Marks `id`; true where it was not yet marked.
    #[inline]
    pub fn insert(&mut self, id: u32) -> bool {
        if id >= MAPPED {
            return self.insert_beyond(id);
        }
        let (word, bit) = ((id / 64) as usize, 1u64 << (id % 64));
        if word >= self.words.len() {
            self.words.resize((word + 1).next_power_of_two().max(64), 0);
        }
        let fresh = self.words[word] & bit == 0;
        if fresh {
            self.words[word] |= bit;
            self.touched.push(id);
        }
        fresh
    }

    /// Not to weigh on the way of all others.
    #[cold]
    #[inline(never)]
    fn insert_beyond(&mut self, id: u32) -> bool {
        self.beyond.insert(id)
    }

    /// Whether `id` is marked.
    #[inline]
    pub fn contains(&self, id: u32) -> bool {
        if id >= MAPPED {
            return self.beyond.contains(&id);
        }
        self.words.get((id / 64) as usize).is_some_and(|word| word & (1 << (id % 64)) != 0)
    }

    /// Number of marked nodes.
    pub fn len(&self) -> usize {
        self.touched.len() + self.beyond.len()
    }

    /// Whether nothing is marked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes in use.
    pub fn memory(&self) -> usize {
        // A place of the hash table has a byte beside the identifier, and one in eight is kept empty.
        self.words.capacity() * 8 + self.touched.capacity() * 4 + self.beyond.capacity() * 8 / 7 * 5
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.beyond.clear();
        for id in self.touched.drain(..) {
            self.words[(id / 64) as usize] = 0;
        }
    }
}

/// Nodes of the frontier whose edges are read before their neighbours are scored: the waits for memory overlap. Two take 5% off a
/// search and find slightly more; three are slower again.
const READ_TOGETHER: usize = 2;

/// A search on one level that can be continued.
///
/// `frontier` holds nodes whose edges are still to be read, `kept` the nearest ef nodes so far, `spare` what was scored but is
/// not among them: a continued search takes its next nodes from there, so nothing found is lost.
#[derive(Debug, Default)]
pub struct Beam {
    visited: Visited,
    frontier: BinaryHeap<Reverse<Candidate>>,
    kept: BinaryHeap<Candidate>,
    spare: Vec<(Candidate, bool)>,
    keep_spare: bool,
    links: Vec<Link>,
    scored: Vec<Candidate>,
}

impl Beam {
    /// An empty search; one that is to be continued keeps what it does not return.
    pub fn new(continued: bool) -> Beam {
        Beam { keep_spare: continued, ..Beam::default() }
    }

    /// Forgets everything, but keeps the memory.
    pub fn reset(&mut self, continued: bool) {
        self.visited.clear();
        self.frontier.clear();
        self.kept.clear();
        self.spare.clear();
        self.keep_spare = continued;
    }

    /// Makes room for what a search with `ef` usually meets, up to a bound.
    pub fn reserve(&mut self, ef: usize) {
        let scored = 24 * ef.min(256) + 256;
        self.visited.touched.reserve(scored);
        self.frontier.reserve(scored / 2);
        self.kept.reserve(ef.min(256) + 1);
        self.spare.reserve(if self.keep_spare { scored } else { 0 });
    }

    /// Number of nodes scored.
    pub fn visited(&self) -> usize {
        self.visited.len()
    }

    /// Which nodes were scored.
    pub fn has_visited(&self, id: u32) -> bool {
        self.visited.contains(id)
    }

    /// Bytes in use, the bitmap included.
    pub fn memory(&self) -> usize {
        self.visited.memory()
            + (self.frontier.capacity() + self.kept.capacity()) * size_of::<Candidate>()
            + self.spare.capacity() * size_of::<(Candidate, bool)>()
    }

    /// Adds starting points.
    pub fn seed(&mut self, entries: &[Candidate]) {
        for entry in entries {
            if self.visited.insert(entry.link.id) {
                self.frontier.push(Reverse(*entry));
                if entry.live {
                    self.kept.push(*entry);
                }
            }
        }
    }

    /// Searches on until the nearest `ef` live nodes that can be reached are kept.
    pub fn run<S: Store + ?Sized>(&mut self, store: &mut S, query: &Query, ef: usize, level: u8) {
        while self.kept.len() > ef {
            self.evict();
        }
        let together = if level == 0 { READ_TOGETHER } else { 1 };
        loop {
            self.links.clear();
            let mut read = 0;
            while read < together
                && let Some(next) = self.next(ef)
            {
                store.links(next.link, level, &mut self.links);
                read += 1;
            }
            if read == 0 {
                break;
            }
            let visited = &mut self.visited;
            self.links.retain(|link| visited.insert(link.id));
            if level == 0 {
                for Reverse(soon) in self.frontier.iter().take(READ_TOGETHER) {
                    store.prefetch_links(soon.link);
                }
            }
            self.scored.clear();
            store.score(query, &self.links, &mut self.scored);
            for position in 0..self.scored.len() {
                self.offer(self.scored[position], ef);
            }
        }
    }

    /// Takes the nearest node of the frontier, unless all that is kept is nearer.
    fn next(&mut self, ef: usize) -> Option<Candidate> {
        let Reverse(next) = self.frontier.peek()?;
        if self.kept.len() >= ef && self.kept.peek().is_some_and(|worst| next.distance > worst.distance) {
            return None;
        }
        self.frontier.pop().map(|Reverse(next)| next)
    }

    fn offer(&mut self, candidate: Candidate, ef: usize) {
        let near = self.kept.len() < ef || self.kept.peek().is_some_and(|worst| candidate.distance < worst.distance);
        if !near {
            if self.keep_spare {
                self.spare.push((candidate, true));
            }
            return;
        }
        self.frontier.push(Reverse(candidate));
        if candidate.live {
            self.kept.push(candidate);
            if self.kept.len() > ef {
                self.evict();
            }
        }
    }

    fn evict(&mut self) {
        if let Some(evicted) = self.kept.pop()
            && self.keep_spare
        {
            self.spare.push((evicted, false));
        }
    }

    /// Takes what is kept, nearest first.
    pub fn take(&mut self) -> Vec<Candidate> {
        std::mem::take(&mut self.kept).into_sorted_vec()
    }

    /// The live nodes that were scored and are not among those kept, in no order.
    pub fn spare(&self) -> impl Iterator<Item = &Candidate> {
        self.spare.iter().map(|(candidate, _)| candidate).filter(|candidate| candidate.live)
    }

    /// Prepares for the next `ef` nodes after those taken; false where nothing is left to search.
    pub fn resume(&mut self, ef: usize) -> bool {
        if self.spare.len() > ef {
            self.spare.select_nth_unstable_by(ef, |left, right| left.0.cmp(&right.0));
        }
        for (candidate, unexpanded) in self.spare.drain(..ef.min(self.spare.len())) {
            if candidate.live {
                self.kept.push(candidate);
            }
            if unexpanded {
                self.frontier.push(Reverse(candidate));
            }
        }
        !self.kept.is_empty() || !self.frontier.is_empty()
    }
}

/// Where a search starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The node.
    pub link: Link,
    /// Its level, the highest of the index.
    pub level: u8,
}

/// How many nodes of level 1 a search with `ef` starts from: one, until a vacuum has repaired the index. After many vacuums hardly an edge of the higher levels leads far, and a walk that
/// follows the nearest node alone ends in the wrong group of vectors (docs/PERFORMANCE.md has the figures).
pub fn starts(ef: usize, repaired: bool) -> usize {
    if repaired { (ef / 10).clamp(1, 8) } else { 1 }
}

/// Walks from the entry point down to above `bottom`, always to the nearest node, and on the last level to the nearest `starts`, which start the
/// search on `bottom`. What `beam` held is lost.
///
/// Empty where the entry point is gone.
pub fn descend<S: Store + ?Sized>(
    store: &mut S,
    query: &Query,
    entry: Entry,
    bottom: u8,
    starts: usize,
    beam: &mut Beam,
) -> Vec<Candidate> {
    let mut nearest = Vec::new();
    store.score(query, &[entry.link], &mut nearest);
    for level in (bottom + 1..=entry.level).rev() {
        beam.reset(false);
        beam.seed(&nearest);
        beam.run(store, query, if level == bottom + 1 { starts } else { 1 }, level);
        let found = beam.take();
        // A level whose only reachable nodes are without rows keeps nothing: go on from where we are.
        if !found.is_empty() {
            nearest = found;
        }
    }
    nearest
}

/// Edges that a full node keeps when it is pruned, of `most`: room for the next ones, at a density that was measured (docs/PERFORMANCE.md).
pub fn pruned(most: usize) -> usize {
    most * 3 / 4
}

/// Chooses at most `most` edges out of `candidates` (nearest first): one is taken when it is nearer to the base than to
/// every one taken before (algorithm 4 of arXiv 1603.09320 without its extension). Where that gives fewer than `least`,
/// the nearest of the others follow.
pub fn choose(
    distance: Distance,
    candidates: &[(f32, Link)],
    codes: &Codes,
    positions: &[usize],
    most: usize,
    least: usize,
) -> Vec<Link> {
    let mut taken: Vec<usize> = Vec::with_capacity(most);
    let mut passed: Vec<usize> = Vec::new();
    for (rank, (to_base, _)) in candidates.iter().enumerate() {
        if taken.len() >= most {
            break;
        }
        let Some(code) = codes.get(positions[rank]) else { continue };
        let diverse = taken
            .iter()
            .all(|other| codes.get(positions[*other]).is_none_or(|other| between(distance, code, other) > *to_base));
        if diverse { taken.push(rank) } else { passed.push(rank) }
    }
    let places = least.saturating_sub(taken.len());
    taken.extend(passed.into_iter().take(places));
    taken.into_iter().map(|rank| candidates[rank].1).collect()
}

/// [`choose`] for candidates that still have to be fetched, with `most` edges if there are so many; those that are gone are left out.
pub fn select<S: Store + ?Sized>(store: &mut S, candidates: &[(f32, Link)], most: usize) -> Vec<Link> {
    let links: Vec<Link> = candidates.iter().map(|(_, link)| *link).collect();
    let mut codes = Codes::default();
    store.fetch(&links, &mut codes);
    let positions: Vec<usize> = (0..links.len()).collect();
    choose(store.distance(), candidates, &codes, &positions, most, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_met_is_known_in_small_and_in_huge_indexes_and_costs_what_was_looked_at() {
        let mut visited = Visited::default();
        for round in 0..3 {
            for id in (0..500u32).flat_map(|step| [step * 3, MAPPED - 1 - step, MAPPED + step, u32::MAX - step * 7]) {
                assert!(!visited.contains(id), "{id} in round {round}");
                assert!(visited.insert(id), "{id} in round {round}");
                assert!(!visited.insert(id) && visited.contains(id) && !visited.contains(id ^ 1 << 31));
            }
            assert_eq!(visited.len(), 2000);
            assert!(visited.memory() < 600_000, "{} bytes", visited.memory());
            visited.clear();
            assert!(visited.is_empty());
        }
    }
}
