//! Vacuum's part of the algorithm: edges to dead nodes are replaced by the dead nodes' own neighbours (arXiv 2105.09613).

use crate::code::between;
use crate::insert::Change;
use crate::layout::Link;
use crate::search::{Codes, Store};
use std::collections::HashSet;

/// The most lost nodes that are walked through to find one that is not.
const DETOURS: usize = 64;

/// How the edges of `node` on `level` should change so that none leads to a node that `gone` names; None where none does.
///
/// Edges to live nodes stay. In place of each lost one stands at most one neighbour of a lost node, the nearest first, as long as it is
/// nearer to `node` than to every edge that `node` has; where that would leave fewer than half of the edges, the nearest fill up.
pub fn repair<S: Store>(store: &mut S, node: Link, level: u8, gone: impl Fn(Link) -> bool) -> Option<Change> {
    let mut expected = Vec::new();
    if !store.links(node, level, &mut expected) || !expected.iter().any(|link| gone(*link)) {
        return None;
    }
    let kept: Vec<Link> = expected.iter().copied().filter(|link| !gone(*link)).collect();
    let lost: Vec<Link> = expected.iter().copied().filter(|link| gone(*link)).collect();
    let found = beyond(store, node, level, &kept, &lost, &gone);

    let mut members = kept.clone();
    members.extend(&found);
    members.push(node);
    let mut codes = Codes::default();
    store.fetch(&members, &mut codes);
    let distance = store.distance();
    let mut links = kept.clone();
    if let Some(base) = codes.get(members.len() - 1) {
        let mut ranked: Vec<(f32, usize)> = (kept.len()..members.len() - 1)
            .filter_map(|position| Some((between(distance, base, codes.get(position)?), position)))
            .collect();
        ranked.sort_by(|left, right| left.0.total_cmp(&right.0).then(members[left.1].cmp(&members[right.1])));
        let mut chosen: Vec<usize> = (0..kept.len()).collect();
        let mut passed = Vec::new();
        for (to_base, position) in ranked {
            let Some(code) = codes.get(position) else { continue };
            let diverse = chosen
                .iter()
                .all(|other| codes.get(*other).is_none_or(|other| between(distance, code, other) > to_base));
            if diverse && chosen.len() < expected.len() { chosen.push(position) } else { passed.push(position) }
        }
        let places = (expected.len() / 2).saturating_sub(chosen.len());
        chosen.extend(passed.into_iter().take(places));
        links.extend(chosen.into_iter().skip(kept.len()).map(|position| members[position]));
    }
    Some(Change::Replace { expected, links })
}

/// The live nodes that the lost ones lead to, through other lost ones if need be.
fn beyond<S: Store>(
    store: &mut S,
    node: Link,
    level: u8,
    kept: &[Link],
    lost: &[Link],
    gone: &impl Fn(Link) -> bool,
) -> Vec<Link> {
    let mut seen: HashSet<u32> = kept.iter().map(|link| link.id).collect();
    seen.insert(node.id);
    let mut queue = lost.to_vec();
    seen.extend(lost.iter().map(|link| link.id));
    let (mut found, mut position, mut links) = (Vec::new(), 0, Vec::new());
    // Farther than the lost nodes' own neighbours only where those are all lost.
    while position < queue.len() && (position < lost.len() || found.is_empty() && position < DETOURS) {
        links.clear();
        store.links(queue[position], level, &mut links);
        position += 1;
        for link in links.drain(..) {
            if !seen.insert(link.id) {
                continue;
            }
            if gone(link) { queue.push(link) } else { found.push(link) }
        }
    }
    found
}
