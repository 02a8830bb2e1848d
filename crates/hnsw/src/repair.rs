//! Vacuum's part of the algorithm: first what only dead nodes lead to is linked from live ones, then edges to dead nodes are replaced by the
//! dead nodes' own neighbours (arXiv 2105.09613).

use crate::code::{Distance, Query, between};
use crate::insert::{Change, Edit, Outcome, ROUNDS, StoreMut, link_back, make_room, search_levels};
use crate::layout::{Layout, Link};
use crate::search::{Beam, Candidate, Codes, Entry, Store, select};
use std::collections::HashSet;

/// The nodes of a store that have rows.
struct Living<'a, S>(&'a mut S);

impl<S: Store> Store for Living<'_, S> {
    fn layout(&self) -> Layout {
        self.0.layout()
    }

    fn distance(&self) -> Distance {
        self.0.distance()
    }

    fn score(&mut self, query: &Query, targets: &[Link], out: &mut Vec<Candidate>) {
        let before = out.len();
        self.0.score(query, targets, out);
        let mut position = 0;
        out.retain(|candidate| {
            position += 1;
            position <= before || candidate.live
        });
    }

    fn links(&mut self, node: Link, level: u8, out: &mut Vec<Link>) -> bool {
        self.0.links(node, level, out)
    }

    fn fetch(&mut self, targets: &[Link], out: &mut Codes) {
        self.0.fetch(targets, out);
    }
}

/// Makes a live node reachable from `start` over live nodes: its neighbours among those that are, which `reached` knows, link to it. False where
/// none can.
pub fn relink<S: StoreMut>(
    store: &mut S,
    node: Link,
    start: Entry,
    ef_construction: usize,
    reached: impl Fn(Link) -> bool,
) -> bool {
    let mut codes = Codes::default();
    store.fetch(&[node], &mut codes);
    let Some(code) = codes.get(0) else { return false };
    let query = Query::of_code(store.distance(), code);
    let mut living = Living(store);
    let mut near = search_levels(&mut living, &query, start, 0, ef_construction).swap_remove(0);
    near.retain(|found| found.link != node && reached(found.link));
    if near.is_empty() {
        // The higher levels led to others that level 0 does not lead to either.
        let mut beam = Beam::new(false);
        let mut first = Vec::new();
        living.score(&query, &[start.link], &mut first);
        beam.seed(&first);
        beam.run(&mut living, &query, ef_construction, 0);
        near = beam.take();
        near.retain(|found| found.link != node);
    }
    let pairs: Vec<(f32, Link)> = near.iter().map(|found| (found.distance, found.link)).collect();
    let chosen = select(store, &pairs, store.layout().m);
    let mut own = Vec::new();
    store.links(node, 0, &mut own);
    if link_back(store, node, code, &[own], chosen.iter().map(|target| (*target, 0)).collect()) {
        return true;
    }
    // Where whole neighbourhoods are dead, edges to them may be all that there is to give up.
    [true, false].iter().any(|keep_dead| near.iter().any(|found| force(store, found.link, node, *keep_dead)))
}

/// Makes `target` link to `node`, whatever it prefers.
fn force<S: StoreMut>(store: &mut S, target: Link, node: Link, keep_dead: bool) -> bool {
    for _ in 0..ROUNDS {
        let mut own = Vec::new();
        store.links(node, 0, &mut own);
        let Some((change, end)) = make_room(store, target, node, &own, keep_dead) else { return false };
        if let Some(end) = end
            && store.apply(&[Edit { target: node, level: 0, change: Change::Push(end) }]) != [Outcome::Done]
        {
            continue;
        }
        match store.apply(&[Edit { target, level: 0, change }])[..] {
            [Outcome::Done] => return true,
            [Outcome::Changed] => {}
            _ => return false,
        }
    }
    false
}

/// The most lost nodes that are walked through to find one that is not.
const DETOURS: usize = 64;

/// How the edges of `node` on `level` should change so that none leads to a node that `gone` names; None where none does.
///
/// Edges to live nodes stay. In place of each lost one stands at most one neighbour of a lost node, the nearest first, as long as it is
/// nearer to `node` than to every edge that `node` has. A lost node none of whose neighbours is linked then is replaced by the nearest of them, and
/// of each lost node one neighbour takes over the farthest edge: without this the few edges between distant groups of nodes die out over many
/// vacuums, since in each group something is nearer. Where fewer than half of the edges would be left, the nearest fill up.
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
        for lost in &lost {
            let mut ends = Vec::new();
            store.links(*lost, level, &mut ends);
            ends.retain(|end| !gone(*end));
            let leads = |place: &usize| ends.contains(&members[*place]);
            if chosen.len() < expected.len()
                && !chosen.iter().any(leads)
                && let Some(at) = passed.iter().position(leads)
            {
                chosen.push(passed.remove(at));
            }
            // The first of its neighbours is its heir: one node takes the edge over, not all that led to the lost one.
            if ends.first() == Some(&node)
                && chosen.len() < store.layout().max_links(level)
                && let Some(at) = passed.iter().rposition(leads)
            {
                let mut reached = Vec::new();
                for place in &chosen {
                    store.links(members[*place], level, &mut reached);
                }
                if !reached.contains(&members[passed[at]]) {
                    chosen.push(passed.remove(at));
                }
            }
        }
        let places = (expected.len() / 2).saturating_sub(chosen.len());
        chosen.extend(passed.into_iter().take(places));
        links.extend(chosen.into_iter().skip(kept.len()).map(|position| members[position]));
    }
    // Only edges to lost nodes go, which nobody counts on any more.
    Some(Change::Replace { expected, links, detours: Vec::new() })
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
