//! A graph in memory that several threads insert into at once.
//!
//! Codes and edges stand in flat arrays, in chunks so that growing never copies. Edges are atomics: readers take no lock and may
//! meet a list that is half changed, which is harmless because whatever they read is the number of a node. Writers of a node's
//! edges hold one of many locks, chosen by its number.

use crate::code::{CodeRef, Coded, Distance, Query, between, prefetch};
use crate::layout::{Layout, Link};
use crate::search::{Beam, Candidate, Codes, Entry, Store, choose, descend, pruned, select};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// Nodes of a chunk, as a power of two.
const CHUNK_BITS: u32 = 12;
const CHUNK: usize = 1 << CHUNK_BITS;
/// Locks that writers share.
const STRIPES: usize = 1024;

/// Edges of one node on one level.
struct Edges<'a> {
    count: &'a AtomicU8,
    ids: &'a [AtomicU32],
}

impl Edges<'_> {
    fn read(&self, out: &mut Vec<Link>) {
        let count = usize::from(self.count.load(Ordering::Acquire)).min(self.ids.len());
        out.extend(self.ids[..count].iter().map(|id| Link { id: id.load(Ordering::Relaxed), generation: 0 }));
    }

    fn write(&self, links: &[Link]) {
        for (place, link) in self.ids.iter().zip(links) {
            place.store(link.id, Ordering::Relaxed);
        }
        self.count.store(links.len().min(self.ids.len()) as u8, Ordering::Release);
    }

    fn push(&self, link: Link) -> bool {
        let count = usize::from(self.count.load(Ordering::Acquire));
        let Some(place) = self.ids.get(count) else { return false };
        place.store(link.id, Ordering::Relaxed);
        self.count.store(count as u8 + 1, Ordering::Release);
        true
    }
}

/// A run of nodes: heads (scale, norm), codes, level-0 edges.
struct Chunk {
    heads: Vec<(f32, f32)>,
    codes: Vec<u8>,
    counts: Vec<AtomicU8>,
    links: Vec<AtomicU32>,
}

/// The graph.
pub struct Concurrent {
    layout: Layout,
    distance: Distance,
    chunks: Vec<Chunk>,
    levels: Vec<u8>,
    /// Where the edges above level 0 of a node start in `upper_links`, in units of m; meaningless for level 0.
    upper_starts: Vec<u32>,
    upper_counts: Vec<AtomicU8>,
    upper_links: Vec<AtomicU32>,
    stripes: Vec<Mutex<()>>,
    entry: Mutex<Option<Entry>>,
    /// Serves interrupts during what one thread does alone.
    serve: fn(),
}

impl Concurrent {
    /// An empty graph.
    pub fn new(layout: Layout, distance: Distance) -> Concurrent {
        Concurrent {
            layout,
            distance,
            chunks: Vec::new(),
            levels: Vec::new(),
            upper_starts: Vec::new(),
            upper_counts: Vec::new(),
            upper_links: Vec::new(),
            stripes: (0..STRIPES).map(|_| Mutex::new(())).collect(),
            entry: Mutex::new(None),
            serve: || {},
        }
    }

    /// Sets what is called now and then by everything that one thread does alone; it need not return.
    pub fn set_serve(&mut self, serve: fn()) {
        self.serve = serve;
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.levels.len()
    }

    /// The level of a node.
    pub fn level(&self, node: u32) -> u8 {
        self.levels[node as usize]
    }

    /// Bytes that a node takes.
    pub fn bytes_per_node(layout: &Layout) -> usize {
        // Code and head, 2m edges and their count, level and start twice for the room that growing arrays leave, and the node's
        // share in the edges of upper levels.
        layout.dimensions + 8 + 8 * layout.m + 1 + 10 + 20
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }

    /// Makes room for a node and stores its code; it has no edges until [`Concurrent::connect`].
    pub fn push(&mut self, coded: &Coded, level: u8) -> u32 {
        let (node, most) = (self.levels.len(), 2 * self.layout.m);
        if node % CHUNK == 0 {
            self.chunks.push(Chunk {
                heads: Vec::with_capacity(CHUNK),
                codes: Vec::with_capacity(CHUNK * self.layout.dimensions),
                counts: Vec::with_capacity(CHUNK),
                links: Vec::with_capacity(CHUNK * most),
            });
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.heads.push((coded.scale, coded.norm));
            chunk.codes.extend_from_slice(&coded.code);
            chunk.counts.push(AtomicU8::new(0));
            chunk.links.extend((0..most).map(|_| AtomicU32::new(0)));
        }
        self.levels.push(level);
        self.upper_starts.push(self.upper_counts.len() as u32);
        self.upper_counts.extend((0..level).map(|_| AtomicU8::new(0)));
        self.upper_links.extend((0..usize::from(level) * self.layout.m).map(|_| AtomicU32::new(0)));
        node as u32
    }

    /// The code of a node; error and hash are the caller's to keep.
    pub fn code(&self, node: u32) -> CodeRef<'_> {
        let (chunk, place) = (&self.chunks[(node >> CHUNK_BITS) as usize], node as usize % CHUNK);
        let (scale, norm) = chunk.heads[place];
        let start = place * self.layout.dimensions;
        CodeRef { scale, norm, error: 0.0, hash: 0, code: &chunk.codes[start..start + self.layout.dimensions] }
    }

    fn edges(&self, node: u32, level: u8) -> Option<Edges<'_>> {
        if level == 0 {
            let (chunk, place) = (self.chunks.get((node >> CHUNK_BITS) as usize)?, node as usize % CHUNK);
            let most = 2 * self.layout.m;
            return Some(Edges {
                count: chunk.counts.get(place)?,
                ids: &chunk.links[place * most..(place + 1) * most],
            });
        }
        if level > *self.levels.get(node as usize)? {
            return None;
        }
        let place = self.upper_starts[node as usize] as usize + usize::from(level) - 1;
        let m = self.layout.m;
        Some(Edges { count: &self.upper_counts[place], ids: &self.upper_links[place * m..(place + 1) * m] })
    }

    /// The edges of a node on a level.
    pub fn links(&self, node: u32, level: u8) -> Vec<u32> {
        let mut links = Vec::new();
        if let Some(edges) = self.edges(node, level) {
            edges.read(&mut links);
        }
        links.into_iter().map(|link| link.id).collect()
    }

    fn lock(&self, node: u32) -> std::sync::MutexGuard<'_, ()> {
        self.stripes[node as usize % STRIPES].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The node that searches start from.
    pub fn entry(&self) -> Option<Entry> {
        *self.entry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rounds after which a node that others keep pushing out is left alone; each round reaches all but pathological cases.
const ROUNDS: usize = 16;

impl Concurrent {
    /// Nodes in the order in which a breadth-first walk on level 0 meets them; unreachable nodes are left out.
    pub fn walk(&self) -> Vec<u32> {
        let mut order = Vec::with_capacity(self.len());
        let mut seen = vec![false; self.len()];
        if let Some(entry) = self.entry() {
            self.walk_from(entry.link.id, &mut seen, &mut order);
        }
        order
    }

    fn walk_from(&self, start: u32, seen: &mut [bool], order: &mut Vec<u32>) {
        let mut position = order.len();
        seen[start as usize] = true;
        order.push(start);
        while position < order.len() {
            if position.is_multiple_of(CHUNK) {
                (self.serve)();
            }
            for link in self.links(order[position], 0) {
                if !std::mem::replace(&mut seen[link as usize], true) {
                    order.push(link);
                }
            }
            position += 1;
        }
    }

    /// Every node once, in runs of `run` that are near each other: what one page takes. A run begins with the next node of [`Concurrent::walk`]
    /// that is in none, then come the nodes that the run leads to, the nearest first.
    pub fn in_runs(&self, run: usize) -> Vec<u32> {
        let mut order = Vec::with_capacity(self.len());
        let mut placed = vec![false; self.len()];
        // The walk reaches every node; a pathological graph that could not be connected still keeps all of its nodes.
        for seed in self.walk().into_iter().chain(0..self.len() as u32) {
            if std::mem::replace(&mut placed[seed as usize], true) {
                continue;
            }
            if order.len() % run == 0 {
                (self.serve)();
            }
            let mut member = order.len();
            order.push(seed);
            while member < order.len() && order.len() % run != 0 {
                let base = self.code(order[member]);
                let mut near: Vec<(f32, u32)> = self
                    .links(order[member], 0)
                    .into_iter()
                    .filter(|link| !placed[*link as usize])
                    .map(|link| (between(self.distance, base, self.code(link)), link))
                    .collect();
                near.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1)));
                near.truncate(run - order.len() % run);
                for (_, link) in near {
                    placed[link as usize] = true;
                    order.push(link);
                }
                member += 1;
            }
        }
        order
    }

    fn set_links(&self, node: u32, links: &[u32]) {
        let links: Vec<Link> = links.iter().map(|id| Link { id: *id, generation: 0 }).collect();
        if let Some(edges) = self.edges(node, 0) {
            edges.write(&links);
        }
    }

    /// Makes every node reachable on level 0, and returns how many were not: a reachable neighbour with room links to it, else a reachable
    /// neighbour gives up its edge to the node that the most others link to, else any reachable node with room links to it.
    pub fn reconnect(&self) -> usize {
        let (most, mut attached) = (2 * self.layout.m, HashSet::new());
        for _ in 0..ROUNDS {
            let mut order = self.walk();
            if order.len() == self.len() {
                break;
            }
            let mut reachable = vec![false; self.len()];
            order.iter().for_each(|node| reachable[*node as usize] = true);
            let mut incoming = vec![0u32; self.len()];
            (0..self.len() as u32).for_each(|node| {
                if (node as usize).is_multiple_of(CHUNK) {
                    (self.serve)();
                }
                self.links(node, 0).into_iter().for_each(|link| incoming[link as usize] += 1);
            });
            let mut room = 0;
            for node in 0..self.len() as u32 {
                if reachable[node as usize] {
                    continue;
                }
                let near: Vec<u32> = self.links(node, 0).into_iter().filter(|link| reachable[*link as usize]).collect();
                let spacious = |target: u32| self.links(target, 0).len() < most;
                let spare = |target: u32| {
                    let edges = self.links(target, 0);
                    (0..edges.len())
                        .filter(|place| incoming[edges[*place] as usize] > 1 && !attached.contains(&edges[*place]))
                        .max_by_key(|place| incoming[edges[*place] as usize])
                };
                let (target, place) = if let Some(target) = near.iter().find(|target| spacious(**target)) {
                    (*target, None)
                } else if let Some((target, place)) = near.iter().find_map(|target| Some((*target, spare(*target)?))) {
                    (target, Some(place))
                } else {
                    while room < order.len() && !spacious(order[room]) {
                        room += 1;
                    }
                    let Some(target) = order.get(room) else { break };
                    (*target, None)
                };
                let mut edges = self.links(target, 0);
                match place {
                    Some(place) => {
                        incoming[edges[place] as usize] -= 1;
                        edges[place] = node;
                    }
                    None => edges.push(node),
                }
                self.set_links(target, &edges);
                incoming[node as usize] += 1;
                attached.insert(node);
                // What the node leads to is reachable now as well.
                self.walk_from(node, &mut reachable, &mut order);
            }
        }
        attached.len()
    }
}

/// One thread's view of the graph, with its buffers.
pub struct Worker<'a> {
    graph: &'a Concurrent,
    beam: Beam,
}

impl<'a> Worker<'a> {
    /// A view of `graph`.
    pub fn new(graph: &'a Concurrent) -> Worker<'a> {
        Worker { graph, beam: Beam::new(false) }
    }

    /// Links a node that was pushed.
    pub fn connect(&mut self, node: u32, ef_construction: usize) {
        let (graph, level) = (self.graph, self.graph.level(node));
        let this = Link { id: node, generation: 0 };
        let entry = {
            let mut entry = graph.entry.lock().unwrap_or_else(PoisonError::into_inner);
            match *entry {
                Some(entry) => entry,
                None => {
                    *entry = Some(Entry { link: this, level });
                    return;
                }
            }
        };
        let code = graph.code(node);
        let query = Query::of_code(graph.distance, code);
        let top = level.min(entry.level);
        let mut beam = std::mem::take(&mut self.beam);
        let mut entries = descend(self, &query, entry, top, 1, &mut beam);
        for level in (0..=top).rev() {
            beam.reset(false);
            beam.seed(&entries);
            beam.run(self, &query, ef_construction, level);
            let found = beam.take();
            let pairs: Vec<(f32, Link)> =
                found.iter().filter(|found| found.link != this).map(|found| (found.distance, found.link)).collect();
            // A quarter of the places stays free for the nodes that come later.
            let links = select(self, &pairs, pruned(graph.layout.max_links(level)));
            if let Some(edges) = graph.edges(node, level) {
                let _guard = graph.lock(node);
                // Another thread may have met the node on a higher level and linked it here already.
                let mut own = Vec::new();
                edges.read(&mut own);
                own.retain(|link| !links.contains(link));
                let all: Vec<Link> = links.iter().copied().chain(own).collect();
                edges.write(&all);
            }
            for target in links {
                self.link(target, level, this, code);
            }
            if !found.is_empty() {
                entries = found;
            }
        }
        self.beam = beam;
        if level > entry.level {
            let mut standing = graph.entry.lock().unwrap_or_else(PoisonError::into_inner);
            if standing.is_none_or(|standing| standing.level < level) {
                *standing = Some(Entry { link: this, level });
            }
        }
    }

    /// Adds an edge from `target` to `node`, which prunes a full target.
    fn link(&mut self, target: Link, level: u8, node: Link, code: CodeRef<'_>) {
        let graph = self.graph;
        let Some(edges) = graph.edges(target.id, level) else { return };
        let _guard = graph.lock(target.id);
        let mut links = Vec::with_capacity(edges.ids.len() + 1);
        edges.read(&mut links);
        if links.contains(&node) || edges.push(node) {
            return;
        }
        let base = graph.code(target.id);
        let mut ranked: Vec<(f32, Link)> =
            links.iter().map(|link| (between(graph.distance, base, graph.code(link.id)), *link)).collect();
        ranked.push((between(graph.distance, base, code), node));
        ranked.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1)));
        let mut codes = Codes::default();
        let order: Vec<Link> = ranked.iter().map(|(_, link)| *link).collect();
        self.fetch(&order, &mut codes);
        let positions: Vec<usize> = (0..order.len()).collect();
        let kept = choose(graph.distance, &ranked, &codes, &positions, edges.ids.len(), pruned(edges.ids.len()));
        edges.write(&kept);
    }
}

impl Store for Worker<'_> {
    fn layout(&self) -> Layout {
        self.graph.layout
    }

    fn distance(&self) -> Distance {
        self.graph.distance
    }

    fn score(&mut self, query: &Query, targets: &[Link], out: &mut Vec<Candidate>) {
        targets.iter().for_each(|link| prefetch(self.graph.code(link.id).code));
        out.extend(targets.iter().map(|link| {
            let distance = query.distance(self.graph.code(link.id));
            Candidate { distance, slack: 0.0, link: *link, live: true }
        }));
    }

    fn links(&mut self, node: Link, level: u8, out: &mut Vec<Link>) -> bool {
        let edges = self.graph.edges(node.id, level);
        edges.iter().for_each(|edges| edges.read(out));
        edges.is_some()
    }

    fn fetch(&mut self, targets: &[Link], out: &mut Codes) {
        out.clear(self.graph.layout.dimensions);
        out.reserve(targets.len());
        targets.iter().for_each(|link| out.push(Some(self.graph.code(link.id))));
    }
}
