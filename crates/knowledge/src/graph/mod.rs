//! Walks over the concept graph: the surest paths between two concepts, and what a concept is related to.
//!
//! The graph is read through [`Edges`], set by set, so that a walk costs a handful of reads whatever it ranges over. Every
//! walk has a budget of nodes, edges and time; one that is used up is said in the result, with what was found until then.

pub mod paths;
pub mod related;

use std::collections::HashMap;
use std::rc::Rc;

/// An edge as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// The concept that it leaves.
    pub source: u64,
    /// The concept that it enters.
    pub target: u64,
    /// Its kind, as in sutra.association_kind.
    pub kind: Rc<str>,
    /// Its relation.
    pub relation: Rc<str>,
    /// How far it is believed, 0 to 1.
    pub confidence: f32,
    /// The statement that it was read from.
    pub evidence: Option<u64>,
}

/// Reads edges of the kinds that a walk may use.
pub trait Edges {
    /// The edges that leave these concepts, the surest first, `most` of them.
    fn leaving(&mut self, nodes: &[u64], most: usize) -> Vec<Edge>;
    /// The edges that enter these concepts, the surest first, `most` of them.
    fn entering(&mut self, nodes: &[u64], most: usize) -> Vec<Edge>;
    /// Whether the time is up; also the place to look for a cancelled query.
    fn expired(&mut self) -> bool;
}

/// Which way edges are walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From source to target.
    Out,
    /// From target to source.
    In,
    /// Either way.
    Both,
}

impl Direction {
    /// The other way.
    fn reversed(self) -> Direction {
        match self {
            Direction::Out => Direction::In,
            Direction::In => Direction::Out,
            Direction::Both => Direction::Both,
        }
    }
}

/// What a walk may use up.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Concepts that are visited.
    pub nodes: usize,
    /// Edges that are read.
    pub edges: usize,
}

/// Why a walk ended before it had seen everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The budget of nodes or edges was used up.
    Size,
    /// The time was up.
    Time,
}

/// One step of a walk.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Where it starts.
    pub from: u64,
    /// Where it leads.
    pub to: u64,
    /// Whether the edge points this way; otherwise it is walked against its direction.
    pub outgoing: bool,
    /// The edge.
    pub edge: Edge,
}

/// Concepts that are fetched at once: between two fetches the time is looked at.
const FETCHED: usize = 1_000;

/// Steps from a set of concepts, read in portions within the budget; of the steps between the same two concepts the
/// surest. Sets `limit` when the budget or the time ended the reading.
fn steps(
    graph: &mut dyn Edges,
    nodes: &[u64],
    direction: Direction,
    edges_left: &mut usize,
    limit: &mut Option<Limit>,
    mut each: impl FnMut(Step),
) {
    let mut best: HashMap<(u64, u64), Step> = HashMap::new();
    'reading: for portion in nodes.chunks(FETCHED) {
        for (outgoing, wanted) in [(true, direction != Direction::In), (false, direction != Direction::Out)] {
            if !wanted {
                continue;
            }
            if graph.expired() {
                *limit = Some(Limit::Time);
                break 'reading;
            }
            if *edges_left == 0 {
                *limit = Some(Limit::Size);
                break 'reading;
            }
            let found =
                if outgoing { graph.leaving(portion, *edges_left) } else { graph.entering(portion, *edges_left) };
            *edges_left -= found.len().min(*edges_left);
            for edge in found {
                let (from, to) = if outgoing { (edge.source, edge.target) } else { (edge.target, edge.source) };
                let step = Step { from, to, outgoing, edge };
                match best.entry((from, to)) {
                    std::collections::hash_map::Entry::Vacant(entry) => drop(entry.insert(step)),
                    std::collections::hash_map::Entry::Occupied(mut entry) => {
                        if surer(&step, entry.get()) {
                            entry.insert(step);
                        }
                    }
                }
            }
        }
    }
    let mut found: Vec<Step> = best.into_values().collect();
    found.sort_unstable_by_key(|step| (step.from, step.to));
    found.into_iter().for_each(&mut each);
}

/// A total order of the steps between two concepts: the surest, then along the edge, then by kind and relation.
fn surer(one: &Step, other: &Step) -> bool {
    let key = |step: &Step| (std::cmp::Reverse(step.outgoing), step.edge.kind.clone(), step.edge.relation.clone());
    match one.edge.confidence.total_cmp(&other.edge.confidence) {
        std::cmp::Ordering::Equal => key(one) < key(other),
        order => order.is_gt(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
