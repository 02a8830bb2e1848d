//! What a concept is related to.
//!
//! Confidence spreads from the concept outwards, layer by layer: a concept that is first reached with n edges is believed
//! 1 - Π(1 - c(y)·c(y→x)) over the edges from the layer before it (noisy-or, Pearl 1988), so several ways that agree
//! count more than one. Edges within a layer and back are not walked, which keeps a confidence from feeding itself.

use super::{Budget, Direction, Edges, Limit, Step, steps};
use std::collections::HashMap;

/// A concept that is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Related {
    /// The concept.
    pub node: u64,
    /// How far the relation is believed, by all ways of this length together.
    pub confidence: f64,
    /// Edges on the way.
    pub depth: usize,
    /// Edges that lead to it from the layer before.
    pub ways: usize,
    /// The one of them that is believed most.
    pub last: Step,
}

/// What was found, the surest first, then the nearest, then by identity.
#[derive(Clone, Debug)]
pub struct Found {
    /// The concepts.
    pub related: Vec<Related>,
    /// Why there may be others; nothing when everything was looked at.
    pub limit: Option<Limit>,
    /// Concepts that were visited.
    pub visited: usize,
}

/// Finds what is within `max_depth` edges of a concept; `count` of them.
pub fn find(
    graph: &mut dyn Edges,
    from: u64,
    direction: Direction,
    max_depth: usize,
    count: usize,
    budget: Budget,
) -> Found {
    let mut limit = None;
    let mut edges_left = budget.edges;
    let mut reached: HashMap<u64, Related> = HashMap::new();
    let mut layer = vec![from];
    for depth in 1..=max_depth {
        if layer.is_empty() || limit.is_some() {
            break;
        }
        let mut found: HashMap<u64, (f64, usize, f64, Step)> = HashMap::new();
        steps(graph, &layer, direction, &mut edges_left, &mut limit, |step| {
            if step.to == from || reached.contains_key(&step.to) {
                return;
            }
            let start = reached.get(&step.from).map_or(1.0, |related| related.confidence);
            let believed = start * f64::from(step.edge.confidence);
            match found.entry(step.to) {
                std::collections::hash_map::Entry::Vacant(entry) => {
                    entry.insert((1.0 - believed, 1, believed, step));
                }
                std::collections::hash_map::Entry::Occupied(mut entry) => {
                    let (doubt, ways, best, last) = entry.get_mut();
                    *doubt *= 1.0 - believed;
                    *ways += 1;
                    if believed > *best {
                        (*best, *last) = (believed, step);
                    }
                }
            }
        });
        layer = found.keys().copied().collect();
        layer.sort_unstable();
        for (node, (doubt, ways, _, last)) in found {
            reached.insert(node, Related { node, confidence: 1.0 - doubt, depth, ways, last });
        }
        if reached.len() > budget.nodes {
            limit = Some(Limit::Size);
        }
    }
    let visited = reached.len() + 1;
    let mut related: Vec<Related> = reached.into_values().collect();
    related.sort_unstable_by(|one, other| {
        other.confidence.total_cmp(&one.confidence).then(one.depth.cmp(&other.depth)).then(one.node.cmp(&other.node))
    });
    related.truncate(count);
    Found { related, limit, visited }
}
