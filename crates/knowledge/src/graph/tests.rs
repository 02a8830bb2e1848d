use super::paths::{self, Query};
use super::related;
use super::*;
use proptest::prelude::*;
use std::collections::HashSet;

/// Edges in memory.
struct Listed {
    edges: Vec<Edge>,
    reads: usize,
    expired: bool,
}

impl Listed {
    fn new(edges: &[(u64, u64, f32)]) -> Listed {
        let edges = edges.iter().map(|(source, target, confidence)| Edge {
            source: *source,
            target: *target,
            kind: "causal".into(),
            relation: "causes".into(),
            confidence: *confidence,
            evidence: None,
        });
        Listed { edges: edges.collect(), reads: 0, expired: false }
    }

    fn read(&mut self, most: usize, wanted: impl Fn(&Edge) -> bool) -> Vec<Edge> {
        self.reads += 1;
        let mut found: Vec<Edge> = self.edges.iter().filter(|edge| wanted(edge)).cloned().collect();
        found.sort_by(|one, other| other.confidence.total_cmp(&one.confidence));
        found.truncate(most);
        found
    }
}

impl Edges for Listed {
    fn leaving(&mut self, nodes: &[u64], most: usize) -> Vec<Edge> {
        self.read(most, |edge| nodes.contains(&edge.source))
    }

    fn entering(&mut self, nodes: &[u64], most: usize) -> Vec<Edge> {
        self.read(most, |edge| nodes.contains(&edge.target))
    }

    fn expired(&mut self) -> bool {
        self.expired
    }
}

const AMPLE: Budget = Budget { nodes: 10_000, edges: 100_000 };

fn query(from: u64, to: u64) -> Query {
    Query { from, to, max_depth: 4, max_paths: 10, direction: Direction::Out }
}

fn nodes(path: &paths::Path) -> Vec<u64> {
    path.steps.iter().take(1).map(|step| step.from).chain(path.steps.iter().map(|step| step.to)).collect()
}

#[test]
fn the_surest_path_comes_first_and_confidences_multiply() {
    let mut graph = Listed::new(&[(1, 2, 0.9), (2, 4, 0.9), (1, 3, 1.0), (3, 4, 0.5), (1, 4, 0.7)]);
    let found = paths::find(&mut graph, query(1, 4), AMPLE);
    let ways: Vec<_> = found.paths.iter().map(nodes).collect();
    assert_eq!(ways, [vec![1, 2, 4], vec![1, 4], vec![1, 3, 4]]);
    assert!((found.paths[0].confidence - 0.81).abs() < 1e-6);
    // Three paths without a common edge: 1 - 0.19 * 0.3 * 0.5.
    assert!((found.together() - (1.0 - 0.19 * 0.3 * 0.5)).abs() < 1e-6);
    assert_eq!(found.limit, None);
}

#[test]
fn direction_is_respected() {
    let edges = [(1, 2, 1.0), (3, 2, 1.0)];
    let find = |direction| {
        paths::find(&mut Listed::new(&edges), Query { direction, ..query(1, 3) }, AMPLE)
            .paths
            .iter()
            .map(nodes)
            .collect::<Vec<_>>()
    };
    assert!(find(Direction::Out).is_empty());
    assert!(find(Direction::In).is_empty());
    assert_eq!(find(Direction::Both), [[1, 2, 3]]);
    let mut graph = Listed::new(&edges);
    let found = paths::find(&mut graph, Query { direction: Direction::Both, ..query(1, 3) }, AMPLE);
    assert_eq!(found.paths[0].steps.iter().map(|step| step.outgoing).collect::<Vec<_>>(), [true, false]);
    let back = paths::find(&mut Listed::new(&edges), Query { direction: Direction::In, ..query(2, 3) }, AMPLE);
    assert!(!back.paths[0].steps[0].outgoing);
}

#[test]
fn equal_paths_come_shortest_first_then_by_concept() {
    let mut graph =
        Listed::new(&[(1, 5, 1.0), (5, 9, 1.0), (1, 4, 1.0), (4, 9, 1.0), (1, 2, 1.0), (2, 3, 1.0), (3, 9, 1.0)]);
    let ways: Vec<_> = paths::find(&mut graph, query(1, 9), AMPLE).paths.iter().map(nodes).collect();
    assert_eq!(ways, [vec![1, 4, 9], vec![1, 5, 9], vec![1, 2, 3, 9]]);
}

#[test]
fn depth_and_number_are_bounded() {
    let mut graph = Listed::new(&[(1, 2, 1.0), (2, 3, 1.0), (3, 4, 1.0), (4, 5, 1.0), (5, 6, 1.0)]);
    assert!(paths::find(&mut graph, query(1, 6), AMPLE).paths.is_empty());
    let longer = Query { max_depth: 5, ..query(1, 6) };
    assert_eq!(paths::find(&mut graph, longer, AMPLE).paths.len(), 1);
    let edges: Vec<_> = (2..50).flat_map(|middle| [(1, middle, 0.5), (middle, 99, 0.5)]).collect();
    let few = Query { max_paths: 3, ..query(1, 99) };
    let ways: Vec<_> = paths::find(&mut Listed::new(&edges), few, AMPLE).paths.iter().map(nodes).collect();
    assert_eq!(ways, [[1, 2, 99], [1, 3, 99], [1, 4, 99]]);
}

#[test]
fn a_used_up_budget_is_said() {
    let edges: Vec<_> = (2..500).flat_map(|middle| [(1, middle, 0.5), (middle, 999, 0.5)]).collect();
    let found = paths::find(&mut Listed::new(&edges), query(1, 999), Budget { nodes: 100, edges: 100_000 });
    assert_eq!(found.limit, Some(Limit::Size));
    let found = paths::find(&mut Listed::new(&edges), query(1, 999), Budget { nodes: 10_000, edges: 50 });
    assert_eq!(found.limit, Some(Limit::Size));
    let mut slow = Listed::new(&edges);
    slow.expired = true;
    assert_eq!(paths::find(&mut slow, query(1, 999), AMPLE).limit, Some(Limit::Time));
    assert_eq!(related::find(&mut slow, 1, Direction::Out, 2, 5, AMPLE).limit, Some(Limit::Time));
}

#[test]
fn ways_that_agree_raise_the_confidence_of_what_is_related() {
    let mut graph = Listed::new(&[(1, 2, 0.8), (1, 3, 0.5), (2, 4, 0.5), (3, 4, 0.8), (4, 1, 1.0)]);
    let found = related::find(&mut graph, 1, Direction::Out, 2, 10, AMPLE);
    let reached: Vec<_> = found.related.iter().map(|related| (related.node, related.depth, related.ways)).collect();
    assert_eq!(reached, [(2, 1, 1), (4, 2, 2), (3, 1, 1)]);
    assert!((found.related[1].confidence - (1.0 - 0.6 * 0.6)).abs() < 1e-6);
}

/// All paths without a loop, by trying every one.
fn every_path(edges: &[(u64, u64, f32)], from: u64, to: u64, depth: usize) -> Vec<(Vec<u64>, f64)> {
    let mut best: HashMap<(u64, u64), f32> = HashMap::new();
    for (source, target, confidence) in edges {
        let known = best.entry((*source, *target)).or_insert(*confidence);
        *known = known.max(*confidence);
    }
    let mut found = Vec::new();
    let mut open = vec![(vec![from], 1.0)];
    while let Some((way, confidence)) = open.pop() {
        let last = way[way.len() - 1];
        if last == to && way.len() > 1 {
            found.push((way, confidence));
            continue;
        }
        if way.len() > depth {
            continue;
        }
        for ((source, target), believed) in &best {
            if *source == last && !way.contains(target) {
                let mut longer = way.clone();
                longer.push(*target);
                open.push((longer, confidence * f64::from(*believed)));
            }
        }
    }
    found.sort_by(|one, other| {
        other.1.total_cmp(&one.1).then(one.0.len().cmp(&other.0.len())).then(one.0.cmp(&other.0))
    });
    found
}

proptest! {
    #[test]
    fn the_paths_are_those_of_trying_every_one(
        edges in proptest::collection::vec((0u64..8, 0u64..8, 1u32..=4), 0..24),
        depth in 1usize..6,
        to in 1u64..8,
    ) {
        // Quarters multiply without rounding, so that equal products are equal.
        let edges: Vec<(u64, u64, f32)> = edges
            .into_iter()
            .filter(|(source, target, _)| source != target)
            .map(|(source, target, quarters)| (source, target, quarters as f32 / 4.0))
            .collect();
        let wanted = Query { from: 0, to, max_depth: depth, max_paths: 1000, direction: Direction::Out };
        let found = paths::find(&mut Listed::new(&edges), wanted, AMPLE);
        let ways: Vec<(Vec<u64>, f64)> = found.paths.iter().map(|path| (nodes(path), path.confidence)).collect();
        prop_assert_eq!(ways, every_path(&edges, 0, to, depth));
        let together = found.together();
        prop_assert!((0.0..=1.0).contains(&together));
        prop_assert!(found.paths.first().is_none_or(|path| together >= path.confidence - 1e-9));
    }

    #[test]
    fn what_is_related_is_what_can_be_reached(edges in proptest::collection::vec((0u64..9, 0u64..9, 0.1f32..1.0), 0..30)) {
        let found = related::find(&mut Listed::new(&edges), 0, Direction::Out, 9, 100, AMPLE);
        let mut reached = HashSet::from([0]);
        loop {
            let more: Vec<u64> = edges.iter().filter(|edge| reached.contains(&edge.0)).map(|edge| edge.1).collect();
            if more.iter().all(|node| reached.contains(node)) { break; }
            reached.extend(more);
        }
        let related: HashSet<u64> = found.related.iter().map(|related| related.node).chain([0]).collect();
        prop_assert_eq!(related, reached);
        prop_assert!(found.related.iter().all(|related| (0.0..=1.0).contains(&related.confidence)));
    }
}
