//! The in-memory graph of a bulk build: hnsw_rs over codes, on threads of its own.

use crate::code::{CodeRef, Coded, Distance, between};
use hnsw_rs::prelude::Hnsw;
use rayon::prelude::*;
use std::collections::HashSet;
use std::sync::Arc;

/// Bytes in front of a code as hnsw_rs stores it: scale and squared norm.
const HEAD: usize = 8;

struct CodeDistance(Distance);

fn unpack(bytes: &[u8]) -> CodeRef<'_> {
    let float = |at: usize| f32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    CodeRef { scale: float(0), norm: float(4), error: 0.0, hash: 0, code: &bytes[HEAD..] }
}

impl hnsw_rs::prelude::Distance<u8> for CodeDistance {
    /// hnsw_rs wants distances that are not negative; only their order matters to it.
    fn eval(&self, left: &[u8], right: &[u8]) -> f32 {
        let value = between(self.0, unpack(left), unpack(right));
        match self.0 {
            Distance::InnerProduct | Distance::Cosine if value >= 0.0 => 1.0 + value.min(f32::MAX),
            Distance::InnerProduct | Distance::Cosine => 1.0 / (1.0 - value),
            Distance::L2 | Distance::L1 => value.min(f32::MAX),
        }
    }
}

/// A node of a finished graph. Nodes are numbered in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuiltNode {
    /// The level; the node has edges on each level up to it.
    pub links: Vec<Vec<u32>>,
}

impl BuiltNode {
    /// The level of the node.
    pub fn level(&self) -> u8 {
        self.links.len().saturating_sub(1) as u8
    }
}

/// A finished graph with the codes of its nodes.
pub struct Built {
    /// The graph.
    pub graph: Graph,
    points: Vec<Arc<hnsw_rs::hnsw::Point<'static, u8>>>,
}

impl Built {
    /// The code of a node; its error and hash are the caller's to keep.
    pub fn code(&self, node: usize) -> CodeRef<'_> {
        unpack(self.points[node].get_v())
    }
}

/// Nodes and edges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// The nodes, by number.
    pub nodes: Vec<BuiltNode>,
    /// The node with the highest level.
    pub entry: usize,
    /// Nodes that could not be reached from the entry point as built, and were linked.
    pub relinked: usize,
}

/// Why a build could not start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The operating system refused a thread.
    #[error("could not start the threads of the build: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// Builds a graph in memory from batches of codes.
pub struct Builder {
    hnsw: Hnsw<'static, u8, CodeDistance>,
    pool: rayon::ThreadPool,
    m: usize,
    count: usize,
}

impl Builder {
    /// A builder with `threads` threads. The caller blocks signals around this call: threads inherit the mask.
    ///
    /// # Errors
    /// Where a thread cannot be started.
    pub fn new(
        distance: Distance,
        m: usize,
        ef_construction: usize,
        max_level: u8,
        threads: usize,
    ) -> Result<Builder, BuildError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        // The capacity is a hint that hnsw_rs allocates for at once, so it stays small.
        let hnsw = Hnsw::new(m, 1000, usize::from(max_level) + 1, ef_construction, CodeDistance(distance));
        Ok(Builder { hnsw, pool, m, count: 0 })
    }

    /// Bytes that a node takes: what hnsw_rs allocates for a point with half of its edges beyond m, measured and rounded up.
    pub fn bytes_per_node(dimensions: usize, m: usize) -> usize {
        dimensions + 48 * 2 * m + 700
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no node yet.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds nodes and waits until they are linked; they get the next numbers in order.
    pub fn add(&mut self, batch: &[Coded]) {
        let first = self.count;
        self.count += batch.len();
        let pack = |coded: &Coded| {
            let mut bytes = Vec::with_capacity(HEAD + coded.code.len());
            bytes.extend_from_slice(&coded.scale.to_le_bytes());
            bytes.extend_from_slice(&coded.norm.to_le_bytes());
            bytes.extend_from_slice(&coded.code);
            bytes
        };
        let hnsw = &self.hnsw;
        self.pool.install(|| {
            batch.par_iter().enumerate().for_each(|(position, coded)| hnsw.insert((&pack(coded), first + position)));
        });
    }

    /// The graph, with every node reachable on level 0 from the entry point.
    pub fn finish(self) -> Built {
        if self.count == 0 {
            return Built { graph: Graph::default(), points: Vec::new() };
        }
        let mut points: Vec<_> = self.hnsw.get_point_indexation().into_iter().collect();
        points.sort_unstable_by_key(|point| point.get_origin_id());
        let nodes: Vec<BuiltNode> = points
            .iter()
            .map(|point| {
                let level = usize::from(point.get_point_id().0);
                let on_level = |(level, links): (usize, Vec<hnsw_rs::hnsw::Neighbour>)| {
                    let most = if level == 0 { 2 * self.m } else { self.m };
                    // hnsw_rs may list on a level a node that does not reach up to it.
                    let kept = links
                        .into_iter()
                        .filter(|link| usize::from(link.p_id.0) >= level && link.d_id != point.get_origin_id());
                    kept.take(most).map(|link| link.d_id as u32).collect()
                };
                BuiltNode {
                    links: point.get_neighborhood_id().into_iter().take(level + 1).enumerate().map(on_level).collect(),
                }
            })
            .collect();
        let entry = (0..nodes.len()).max_by_key(|node| (nodes[*node].links.len(), usize::MAX - node)).unwrap_or(0);
        let mut graph = Graph { nodes, entry, relinked: 0 };
        graph.connect(2 * self.m);
        Built { graph, points }
    }
}

/// Rounds after which a node that others keep pushing out is left alone; each round reaches all but pathological cases.
const ROUNDS: usize = 16;

impl Graph {
    /// Nodes in the order in which a breadth-first walk on level 0 meets them; unreachable nodes are left out.
    pub fn walk(&self) -> Vec<u32> {
        let mut order = Vec::with_capacity(self.nodes.len());
        if self.nodes.is_empty() {
            return order;
        }
        let mut seen = vec![false; self.nodes.len()];
        seen[self.entry] = true;
        order.push(self.entry as u32);
        let mut position = 0;
        while position < order.len() {
            let node = order[position] as usize;
            position += 1;
            for link in self.nodes[node].links.first().into_iter().flatten() {
                if !std::mem::replace(&mut seen[*link as usize], true) {
                    order.push(*link);
                }
            }
        }
        order
    }

    /// Makes every node reachable on level 0: a reachable neighbour with room links to it, else a reachable neighbour gives up its edge to the
    /// node that the most others link to, else any reachable node with room links to it.
    fn connect(&mut self, most: usize) {
        let mut attached = HashSet::new();
        for _ in 0..ROUNDS {
            let mut order = self.walk();
            if order.len() == self.nodes.len() {
                return;
            }
            let mut reachable = vec![false; self.nodes.len()];
            order.iter().for_each(|node| reachable[*node as usize] = true);
            let mut incoming = vec![0u32; self.nodes.len()];
            for node in &self.nodes {
                node.links.first().into_iter().flatten().for_each(|link| incoming[*link as usize] += 1);
            }
            let mut room = 0;
            for node in 0..self.nodes.len() {
                if reachable[node] {
                    continue;
                }
                let own = self.nodes[node].links.first().cloned().unwrap_or_default();
                let near = || own.iter().map(|link| *link as usize).filter(|link| reachable[*link]);
                let spacious = |nodes: &[BuiltNode], target: usize| nodes[target].links[0].len() < most;
                let spare = |target: usize| {
                    let edges = &self.nodes[target].links[0];
                    (0..edges.len())
                        .filter(|place| incoming[edges[*place] as usize] > 1 && !attached.contains(&edges[*place]))
                        .max_by_key(|place| incoming[edges[*place] as usize])
                };
                let (target, place) = if let Some(target) = near().find(|target| spacious(&self.nodes, *target)) {
                    (target, None)
                } else if let Some((target, place)) = near().find_map(|target| Some((target, spare(target)?))) {
                    (target, Some(place))
                } else {
                    while room < order.len() && !spacious(&self.nodes, order[room] as usize) {
                        room += 1;
                    }
                    let Some(target) = order.get(room) else { break };
                    (*target as usize, None)
                };
                match place {
                    Some(place) => {
                        let edge = &mut self.nodes[target].links[0][place];
                        incoming[*edge as usize] -= 1;
                        *edge = node as u32;
                    }
                    None => self.nodes[target].links[0].push(node as u32),
                }
                incoming[node] += 1;
                attached.insert(node as u32);
                self.relinked += 1;
                // What the node leads to is reachable now as well.
                let first = order.len();
                reachable[node] = true;
                order.push(node as u32);
                let mut position = first;
                while position < order.len() {
                    let links = self.nodes[order[position] as usize].links.first();
                    position += 1;
                    for link in links.into_iter().flatten() {
                        if !std::mem::replace(&mut reachable[*link as usize], true) {
                            order.push(*link);
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
