//! The surest paths between two concepts.
//!
//! The confidence of a path is the product of the confidences of its edges: each is taken as a statement that holds or
//! not, independently of the others. All paths of at most `max_depth` edges without a loop lie in the union of the edges
//! within half that distance of either end, which is what a search from both ends reads. In it paths are taken out best
//! first, guided by the best that can still follow, so that the search ends with the paths wanted (Hart, Nilsson and
//! Raphael 1968). The order is total: confidence, length, then the concepts on the way.

use super::{Budget, Direction, Edges, Limit, Step, steps};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

/// Partial paths that are looked at between two looks at the clock.
const LOOKED_AT: usize = 1_024;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// Where paths start.
    pub from: u64,
    /// Where they end.
    pub to: u64,
    /// Edges that a path has at most.
    pub max_depth: usize,
    /// Paths that are wanted at most.
    pub max_paths: usize,
    /// Which way edges are walked.
    pub direction: Direction,
}

/// A path without a loop.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Its steps, from the first concept to the last.
    pub steps: Vec<Step>,
    /// The product of their confidences.
    pub confidence: f64,
}

/// The paths found, best first.
#[derive(Clone, Debug)]
pub struct Found {
    /// The paths.
    pub paths: Vec<Path>,
    /// Why there may be others; nothing when everything was looked at.
    pub limit: Option<Limit>,
    /// Concepts that were visited.
    pub visited: usize,
}

impl Found {
    /// How far the two ends are connected, by the paths together: 1 - Π(1 - confidence) over the best paths of which no two
    /// share an edge, since only those say so independently (Pearl 1988, noisy-or).
    pub fn together(&self) -> f64 {
        let mut used: HashSet<(u64, u64)> = HashSet::new();
        let mut doubt = 1.0;
        for path in &self.paths {
            let edges: Vec<(u64, u64)> =
                path.steps.iter().map(|step| (step.from.min(step.to), step.from.max(step.to))).collect();
            if edges.iter().any(|edge| used.contains(edge)) {
                continue;
            }
            used.extend(edges);
            doubt *= 1.0 - path.confidence;
        }
        1.0 - doubt
    }
}

/// Finds the surest paths.
pub fn find(graph: &mut dyn Edges, query: Query, budget: Budget) -> Found {
    let mut limit = None;
    let (union, visited) = read(graph, query, budget, &mut limit);
    let paths = best_first(graph, query, &union, budget, &mut limit);
    Found { paths, limit, visited }
}

/// The steps from each concept that lie near enough to both ends, by a search from both.
fn read(
    graph: &mut dyn Edges,
    query: Query,
    budget: Budget,
    limit: &mut Option<Limit>,
) -> (HashMap<u64, Vec<Step>>, usize) {
    let mut union: HashMap<(u64, u64), Step> = HashMap::new();
    let mut edges_left = budget.edges;
    // From each end: what was visited, and the outermost layer of it.
    let mut seen = [HashSet::from([query.from]), HashSet::from([query.to])];
    let mut layers = [vec![query.from], vec![query.to]];
    for _ in 0..query.max_depth {
        if limit.is_some() {
            break;
        }
        // The smaller layer is cheaper to go on from. One without a layer has seen all that there is on its side.
        if layers.iter().any(Vec::is_empty) {
            break;
        }
        let side = usize::from(layers[1].len() < layers[0].len());
        let direction = if side == 0 { query.direction } else { query.direction.reversed() };
        let layer = std::mem::take(&mut layers[side]);
        let mut next = Vec::new();
        steps(graph, &layer, direction, &mut edges_left, limit, |step| {
            if seen[side].insert(step.to) {
                next.push(step.to);
            }
            let step = if side == 0 { step } else { reversed(step) };
            union.entry((step.from, step.to)).or_insert(step);
        });
        // The ends themselves are not walked through.
        next.retain(|node| *node != query.from && *node != query.to);
        if seen[0].len() + seen[1].len() > budget.nodes {
            *limit = Some(Limit::Size);
        }
        layers[side] = next;
    }
    let mut by_start: HashMap<u64, Vec<Step>> = HashMap::new();
    for step in union.into_values() {
        by_start.entry(step.from).or_default().push(step);
    }
    for steps in by_start.values_mut() {
        steps.sort_unstable_by_key(|step| step.to);
    }
    (by_start, seen[0].len() + seen[1].len())
}

fn reversed(step: Step) -> Step {
    Step { from: step.to, to: step.from, outgoing: !step.outgoing, edge: step.edge }
}

/// The best that can follow: for each number of edges left, the greatest product of confidences on a way to the end and
/// the fewest edges on one.
struct Outlook {
    products: Vec<HashMap<u64, (f64, usize)>>,
}

impl Outlook {
    fn new(union: &HashMap<u64, Vec<Step>>, query: Query) -> Outlook {
        let mut products = vec![HashMap::from([(query.to, (1.0, 0))])];
        for depth in 1..=query.max_depth {
            let before: &HashMap<u64, (f64, usize)> = &products[depth - 1];
            let mut now = before.clone();
            for (node, steps) in union {
                for step in steps {
                    let Some((product, length)) = before.get(&step.to) else { continue };
                    let reached = now.entry(*node).or_insert((0.0, usize::MAX));
                    reached.0 = reached.0.max(product * f64::from(step.edge.confidence));
                    reached.1 = reached.1.min(length + 1);
                }
            }
            products.push(now);
        }
        Outlook { products }
    }

    fn from(&self, node: u64, left: usize) -> Option<(f64, usize)> {
        self.products[left].get(&node).copied()
    }
}

/// A path that has not reached its end, by what it can become.
struct Partial<'a> {
    best: f64,
    shortest: usize,
    nodes: Vec<u64>,
    steps: Vec<&'a Step>,
    confidence: f64,
}

impl Partial<'_> {
    fn key(&self) -> (Reverse<usize>, Reverse<&[u64]>) {
        (Reverse(self.shortest), Reverse(&self.nodes))
    }
}

impl Ord for Partial<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.best.total_cmp(&other.best).then_with(|| self.key().cmp(&other.key()))
    }
}

impl PartialOrd for Partial<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Partial<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Partial<'_> {}

fn best_first(
    graph: &mut dyn Edges,
    query: Query,
    union: &HashMap<u64, Vec<Step>>,
    budget: Budget,
    limit: &mut Option<Limit>,
) -> Vec<Path> {
    let outlook = Outlook::new(union, query);
    let mut found = Vec::new();
    let mut open = BinaryHeap::new();
    if let Some((best, shortest)) = outlook.from(query.from, query.max_depth) {
        open.push(Partial { best, shortest, nodes: vec![query.from], steps: Vec::new(), confidence: 1.0 });
    }
    let mut looked_at = 0usize;
    while let Some(partial) = open.pop() {
        looked_at += 1;
        if looked_at.is_multiple_of(LOOKED_AT) && graph.expired() {
            *limit = Some(Limit::Time);
            break;
        }
        if open.len() > budget.edges {
            *limit = Some(Limit::Size);
            break;
        }
        let Some(&node) = partial.nodes.last() else { continue };
        if node == query.to && !partial.steps.is_empty() {
            let steps = partial.steps.into_iter().cloned().collect();
            found.push(Path { steps, confidence: partial.confidence });
            if found.len() == query.max_paths {
                break;
            }
            continue;
        }
        let left = query.max_depth - partial.steps.len();
        if left == 0 {
            continue;
        }
        for step in union.get(&node).into_iter().flatten() {
            if partial.nodes.contains(&step.to) {
                continue;
            }
            let Some((product, length)) = outlook.from(step.to, left - 1) else { continue };
            let confidence = partial.confidence * f64::from(step.edge.confidence);
            let mut nodes = partial.nodes.clone();
            nodes.push(step.to);
            let mut steps = partial.steps.clone();
            steps.push(step);
            open.push(Partial { best: confidence * product, shortest: steps.len() + length, nodes, steps, confidence });
        }
    }
    found
}
