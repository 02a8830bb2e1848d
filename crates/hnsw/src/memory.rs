//! Pages in memory: the store that the algorithms are tested with, in the same format as on disk.

use crate::code::{CodeRef, Coded, Distance, Query};
use crate::insert::{Anchor, Change, Edit, NEW, Outcome, StoreError, StoreMut, decide, insert, level_of};
use crate::layout::{HeapTid, Layout, Link, PAGE_SIZE, State};
use crate::repair::{relink, repair};
use crate::search::{Beam, Candidate, Codes, Entry, Store, descend, starts};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use std::collections::{HashMap, HashSet};

struct Memory {
    layout: Layout,
    distance: Distance,
    pages: Vec<Vec<u8>>,
    uppers: Vec<Vec<u8>>,
    next: u32,
    next_upper: u32,
    free: Vec<u32>,
    entry: Option<Entry>,
    more_tids: HashMap<u32, Vec<HeapTid>>,
    by_hash: HashMap<u32, Vec<u32>>,
    /// Vectors that other sessions insert before the next changes of whoever changes something.
    waiting: Vec<(Vec<f32>, HeapTid)>,
    repaired: bool,
}

impl Memory {
    fn new(distance: Distance, dimensions: usize, m: usize) -> Memory {
        let layout = Layout::new(dimensions, m).unwrap();
        Memory {
            layout,
            distance,
            pages: vec![Vec::new()],
            uppers: vec![Vec::new()],
            next: layout.per_page,
            next_upper: layout.upper_per_page,
            free: Vec::new(),
            entry: None,
            more_tids: HashMap::new(),
            by_hash: HashMap::new(),
            waiting: Vec::new(),
            repaired: false,
        }
    }

    fn page(&mut self, block: u32) -> &mut Vec<u8> {
        while self.pages.len() <= block as usize {
            self.pages.push(vec![0; PAGE_SIZE]);
        }
        &mut self.pages[block as usize]
    }

    fn upper_page(&mut self, block: u32) -> &mut Vec<u8> {
        while self.uppers.len() <= block as usize {
            self.uppers.push(vec![0; PAGE_SIZE]);
        }
        &mut self.uppers[block as usize]
    }

    fn upper_id(&self, node: Link, level: u8) -> Option<u32> {
        let page = self.pages.get(self.layout.block(node.id) as usize)?;
        let view = self.layout.node(page, node.id);
        (view.is(node) && level <= view.level()).then(|| view.upper() + u32::from(level) - 1)
    }

    fn ids(&self) -> impl Iterator<Item = u32> + use<> {
        self.layout.per_page..self.next
    }

    fn node(&self, id: u32) -> crate::layout::Node<'_> {
        self.layout.node(&self.pages[self.layout.block(id) as usize], id)
    }

    fn nearest(&mut self, vector: &[f32], k: usize, ef: usize) -> Vec<HeapTid> {
        let Some(entry) = self.entry else { return Vec::new() };
        let query = Query::new(self.distance, vector);
        let mut beam = Beam::new(false);
        let entries = descend(self, &query, entry, 0, starts(ef, self.repaired), &mut beam);
        beam.reset(false);
        beam.seed(&entries);
        beam.run(self, &query, ef, 0);
        beam.take().into_iter().take(k).filter_map(|found| self.node(found.link.id).tid()).collect()
    }

    /// Everything vacuum does, for the rows that `dead` names.
    fn vacuum(&mut self, dead: impl Fn(HeapTid) -> bool) {
        self.repaired = true;
        for id in self.ids() {
            let block = self.layout.block(id);
            let layout = self.layout;
            let mut node = layout.node_mut(&mut self.pages[block as usize], id);
            if node.view().state() == State::Live && node.view().tid().is_some_and(&dead) {
                node.set_tid(None);
                node.set_state(State::Dead);
            }
        }
        let status: Vec<(State, u8)> = (0..self.next)
            .map(|id| {
                if id < self.layout.per_page {
                    (State::Free, 0)
                } else {
                    (self.node(id).state(), self.node(id).generation())
                }
            })
            .collect();
        // What is added meanwhile is not known, and not dead.
        let gone = |link: Link| {
            status.get(link.id as usize).is_some_and(|slot| slot.0 == State::Dead || slot.1 != link.generation)
        };
        if self.entry.is_some_and(|entry| gone(entry.link)) {
            self.entry = self
                .ids()
                .filter(|id| status.get(*id as usize).is_some_and(|slot| slot.0 == State::Live))
                .max_by_key(|id| self.node(*id).level())
                .map(|id| Entry { link: Link { id, generation: status[id as usize].1 }, level: self.node(id).level() });
        }
        if let Some(start) = self.entry {
            let mut met = self.walk(start.link);
            for id in self.layout.per_page..status.len() as u32 {
                if status[id as usize].0 == State::Live && !met.contains(&id) {
                    let node = Link { id, generation: status[id as usize].1 };
                    assert!(relink(self, node, start, 64, |link| met.contains(&link.id)), "{node:?} is linked");
                    met = self.walk(start.link);
                    assert!(met.contains(&id), "{node:?} is reachable");
                }
            }
        }
        for id in self.layout.per_page..status.len() as u32 {
            if status[id as usize].0 != State::Live {
                continue;
            }
            let node = Link { id, generation: status[id as usize].1 };
            for level in 0..=self.node(id).level() {
                while let Some(change) = repair(self, node, level, gone) {
                    self.apply(&[Edit { target: node, level, change }]);
                }
            }
        }
        for id in self.layout.per_page..status.len() as u32 {
            if status[id as usize].0 == State::Dead {
                let layout = self.layout;
                layout.node_mut(&mut self.pages[layout.block(id) as usize], id).free();
                self.free.push(id);
            }
        }
    }

    /// Whether an edit can be written; `own` is what a node that is being created leads to.
    fn verdict(&mut self, edit: &Edit, own: &[Link]) -> Outcome {
        let mut present = Vec::new();
        if !self.links(edit.target, edit.level, &mut present) || self.node(edit.target.id).state() != State::Live {
            return Outcome::Gone;
        }
        let stands = match &edit.change {
            Change::Push(_) => present.len() < self.layout.max_links(edit.level),
            Change::Replace { expected, .. } => *expected == present,
        };
        let detours = edit.change.detours().iter().all(|detour| {
            let mut ends = own.to_vec();
            if detour.via != NEW {
                ends.clear();
                self.links(detour.via, 0, &mut ends);
            }
            let live = detour.via == NEW || self.node(detour.via.id).state() == State::Live;
            live && ends.contains(&detour.lost)
        });
        if stands && detours { Outcome::Done } else { Outcome::Changed }
    }

    fn write(&mut self, target: Link, level: u8, change: &Change) {
        let layout = self.layout;
        let mut links = Vec::new();
        match change {
            Change::Push(link) => {
                self.links(target, level, &mut links);
                links.push(*link);
            }
            Change::Replace { links: new, .. } => links.clone_from(new),
        }
        if level == 0 {
            let block = layout.block(target.id);
            layout.node_mut(self.page(block), target.id).set_links(&links);
        } else {
            let id = self.upper_id(target, level).unwrap();
            layout.upper_mut(self.upper_page(layout.upper_block(id)), id).set_links(&links);
        }
    }

    /// Live nodes that a walk over the edges of level 0 between live nodes meets.
    fn walk(&mut self, start: Link) -> HashSet<u32> {
        let mut seen = HashSet::from([start.id]);
        let mut queue = vec![start];
        while let Some(node) = queue.pop() {
            let mut links = Vec::new();
            self.links(node, 0, &mut links);
            links.retain(|link| self.node(link.id).is(*link) && self.node(link.id).state() == State::Live);
            queue.extend(links.into_iter().filter(|link| seen.insert(link.id)));
        }
        seen
    }

    /// Live nodes that cannot be reached from the entry point.
    fn lost(&mut self) -> Vec<u32> {
        let met = self.entry.map(|entry| self.walk(entry.link)).unwrap_or_default();
        self.ids().filter(|id| self.node(*id).state() == State::Live && !met.contains(id)).collect()
    }

    /// What other sessions do before a change of this one is written.
    fn let_others(&mut self) {
        if let Some((vector, tid)) = self.waiting.pop() {
            let waiting = std::mem::take(&mut self.waiting);
            add(self, &vector, tid);
            self.waiting = waiting;
        }
    }
}

impl Store for Memory {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn distance(&self) -> Distance {
        self.distance
    }

    fn score(&mut self, query: &Query, targets: &[Link], out: &mut Vec<Candidate>) {
        for link in targets {
            let node = self.node(link.id);
            if node.is(*link) {
                let code = CodeRef {
                    scale: node.scale(),
                    norm: node.norm(),
                    error: node.error(),
                    hash: node.hash(),
                    code: node.code(),
                };
                let distance = query.distance(code);
                out.push(Candidate {
                    distance,
                    slack: query.slack(code, distance),
                    link: *link,
                    live: node.state() == State::Live,
                });
            }
        }
    }

    fn links(&mut self, node: Link, level: u8, out: &mut Vec<Link>) -> bool {
        if level == 0 {
            let view = self.node(node.id);
            if view.is(node) {
                view.links(out);
            }
            return view.is(node);
        }
        let Some(id) = self.upper_id(node, level) else { return false };
        let view = self.layout.upper(&self.uppers[self.layout.upper_block(id) as usize], id);
        if view.belongs_to(node) {
            view.links(out);
        }
        view.belongs_to(node)
    }

    fn fetch(&mut self, targets: &[Link], out: &mut Codes) {
        out.clear(self.layout.dimensions);
        for link in targets {
            let node = self.node(link.id);
            out.push((node.is(*link) && node.state() == State::Live).then(|| CodeRef {
                scale: node.scale(),
                norm: node.norm(),
                error: node.error(),
                hash: node.hash(),
                code: node.code(),
            }));
        }
    }
}

impl StoreMut for Memory {
    fn entry(&mut self) -> Option<Entry> {
        self.entry
    }

    fn find_same(&mut self, code: CodeRef<'_>) -> Option<Link> {
        let ids = self.by_hash.get(&code.hash)?;
        let nodes = ids.iter().map(|id| (*id, self.node(*id)));
        let same = |node: &crate::layout::Node<'_>| node.state() == State::Live && node.coded().is_same(&code);
        nodes.filter(|(_, node)| same(node)).map(|(id, node)| Link { id, generation: node.generation() }).next()
    }

    fn create(
        &mut self,
        code: CodeRef<'_>,
        level: u8,
        tid: HeapTid,
        links: &[Vec<Link>],
        anchor: &Anchor,
    ) -> Result<Option<Link>, StoreError> {
        self.let_others();
        let stands = match anchor {
            Anchor::Entry(old) => self.entry.map(|entry| entry.link) == *old,
            Anchor::Edge(edit) => self.verdict(edit, &links[0]) == Outcome::Done,
        };
        if !stands {
            return Ok(None);
        }
        let id = self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        });
        let layout = self.layout;
        let generation = layout.node(self.page(layout.block(id)), id).generation();
        let link = Link { id, generation };
        let mut upper = 0;
        if level > 0 {
            let room = layout.upper_per_page - self.next_upper % layout.upper_per_page;
            if room < u32::from(level) {
                self.next_upper += room;
            }
            upper = self.next_upper;
            self.next_upper += u32::from(level);
            for level in 1..=level {
                let id = upper + u32::from(level) - 1;
                layout.upper_mut(self.upper_page(layout.upper_block(id)), id).fill(link, &links[usize::from(level)]);
            }
        }
        layout.node_mut(self.page(layout.block(id)), id).fill(level, code, tid, upper, &links[0]);
        self.by_hash.entry(code.hash).or_default().push(id);
        match anchor {
            Anchor::Entry(_) => self.entry = Some(Entry { link, level }),
            Anchor::Edge(edit) => self.write(edit.target, edit.level, &edit.change.naming(link)),
        }
        Ok(Some(link))
    }

    fn apply(&mut self, edits: &[Edit]) -> Vec<Outcome> {
        self.let_others();
        edits
            .iter()
            .map(|edit| {
                let outcome = self.verdict(edit, &[]);
                if outcome == Outcome::Done {
                    self.write(edit.target, edit.level, &edit.change);
                }
                outcome
            })
            .collect()
    }

    fn replace_entry(&mut self, old: Option<Link>, entry: Entry) -> bool {
        let matches = self.entry.map(|entry| entry.link) == old;
        if matches {
            self.entry = Some(entry);
        }
        matches
    }

    fn add_tid(&mut self, node: Link, tid: HeapTid) -> bool {
        let live = self.node(node.id).is(node) && self.node(node.id).state() == State::Live;
        if live {
            self.more_tids.entry(node.id).or_default().push(tid);
        }
        live
    }
}

fn tid(number: usize) -> HeapTid {
    HeapTid { block: number as u32, offset: 1 }
}

fn add(store: &mut Memory, vector: &[f32], row: HeapTid) -> Link {
    let coded = Coded::new(store.distance, vector).unwrap();
    let level = level_of(row, 0, store.layout.m, store.layout.max_level());
    insert(store, coded.as_ref(), row, level, 64).unwrap()
}

fn random_vectors(count: usize, dimensions: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    (0..count).map(|_| (0..dimensions).map(|_| random.random_range(-1.0..1.0)).collect()).collect()
}

fn recall(store: &mut Memory, vectors: &[Vec<f32>], live: impl Fn(usize) -> bool, k: usize, ef: usize) -> f64 {
    let queries = random_vectors(50, vectors[0].len(), 99);
    let mut hits = 0;
    for query in &queries {
        let mut order: Vec<usize> = (0..vectors.len()).filter(|row| live(*row)).collect();
        order.sort_by(|left, right| {
            store.distance.exact(query, &vectors[*left]).total_cmp(&store.distance.exact(query, &vectors[*right]))
        });
        let found = store.nearest(query, k, ef);
        hits += order[..k].iter().filter(|row| found.contains(&tid(**row))).count();
    }
    hits as f64 / (queries.len() * k) as f64
}

#[test]
fn inserted_vectors_are_found_whatever_the_distance() {
    for distance in [Distance::L2, Distance::InnerProduct, Distance::Cosine, Distance::L1] {
        let vectors = random_vectors(1500, 12, 1);
        let mut store = Memory::new(distance, 12, 8);
        for (row, vector) in vectors.iter().enumerate() {
            add(&mut store, vector, tid(row));
        }
        let found = recall(&mut store, &vectors, |_| true, 10, 80);
        assert!(found > 0.9, "{distance:?}: recall {found}");
    }
}

#[test]
fn recall_survives_rounds_of_delete_vacuum_and_insert() {
    let vectors = random_vectors(3000, 12, 2);
    let mut store = Memory::new(Distance::L2, 12, 8);
    for (row, vector) in vectors[..1500].iter().enumerate() {
        add(&mut store, vector, tid(row));
    }
    for round in 0..5 {
        let (from, to) = (round * 300, (round + 1) * 300);
        store.vacuum(|row| (from..to).contains(&(row.block as usize)));
        for (row, vector) in vectors.iter().enumerate().take(1500 + to).skip(1500 + from) {
            add(&mut store, vector, tid(row));
        }
    }
    assert_eq!(store.next - store.layout.per_page, 1500, "slots of dead nodes are taken again");
    let found = recall(&mut store, &vectors, |row| row >= 1500, 10, 80);
    assert!(found > 0.9, "recall {found}");
    assert_eq!(store.lost(), [], "nothing is cut off");
}

/// Vectors in 50 groups, each around a point of its own.
fn grouped_vectors(count: usize, dimensions: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let centres = random_vectors(50, dimensions, seed + 1);
    (0..count)
        .map(|_| {
            let centre = &centres[random.random_range(0..centres.len())];
            centre.iter().map(|value| value + random.random_range(-0.2f32..0.2)).collect()
        })
        .collect()
}

/// How many of the rows named are not found by their own vector.
fn missed(store: &mut Memory, vectors: &[Vec<f32>], rows: std::ops::Range<usize>) -> usize {
    rows.filter(|row| store.nearest(&vectors[*row], 1, 40) != [tid(*row)]).count()
}

#[test]
fn searches_do_not_end_in_the_wrong_group_after_many_vacuums() {
    let (rows, rounds, part) = (4000, 40, 400);
    let vectors = grouped_vectors(rows + rounds * part, 16, 7);
    let mut store = Memory::new(Distance::L2, 16, 8);
    for (row, vector) in vectors[..rows].iter().enumerate() {
        add(&mut store, vector, tid(row));
    }
    let (mut searches, mut wrong) = (0, 0);
    for round in 1..=rounds {
        let oldest = round * part;
        store.vacuum(|row| (row.block as usize) < oldest);
        for (row, vector) in vectors.iter().enumerate().take(rows + oldest).skip(rows + oldest - part) {
            add(&mut store, vector, tid(row));
        }
        if round % 5 == 0 {
            searches += rows;
            wrong += missed(&mut store, &vectors, oldest..rows + oldest);
        }
    }
    // 103 of 32,000; 456 where searches start from one node of level 1, 1,022 where repair does not keep the ways of lost nodes either.
    assert!(wrong * 200 < searches, "{wrong} of {searches}");
}

#[test]
fn the_same_vector_shares_a_node() {
    for distance in [Distance::L2, Distance::InnerProduct, Distance::Cosine, Distance::L1] {
        let vectors = random_vectors(200, 5, 3);
        let mut store = Memory::new(distance, 5, 4);
        let nodes: Vec<Link> =
            vectors.iter().enumerate().map(|(row, vector)| add(&mut store, vector, tid(row))).collect();
        let shared = (0..200).filter(|row| add(&mut store, &vectors[*row], tid(1000 + row)) == nodes[*row]).count();
        assert_eq!(shared, 200, "{distance:?}");
    }
}

#[test]
fn a_vacuum_of_everything_leaves_an_index_that_can_be_filled_again() {
    let vectors = random_vectors(100, 4, 4);
    let mut store = Memory::new(Distance::L2, 4, 4);
    vectors.iter().enumerate().for_each(|(row, vector)| {
        add(&mut store, vector, tid(row));
    });
    store.vacuum(|_| true);
    assert_eq!(store.entry, None);
    assert_eq!(store.nearest(&vectors[0], 1, 10), []);
    vectors.iter().enumerate().for_each(|(row, vector)| {
        add(&mut store, vector, tid(row));
    });
    assert_eq!(store.nearest(&vectors[7], 1, 10), [tid(7)]);
}

#[test]
fn a_continued_search_returns_every_node_once_and_in_order_of_batches() {
    let vectors = random_vectors(1000, 6, 5);
    let mut store = Memory::new(Distance::L2, 6, 8);
    vectors.iter().enumerate().for_each(|(row, vector)| {
        add(&mut store, vector, tid(row));
    });
    let reachable = store.walk(store.entry.unwrap().link).len();
    let query = Query::new(Distance::L2, &vectors[0]);
    let entry = store.entry.unwrap();
    let mut beam = Beam::new(true);
    let entries = descend(&mut store, &query, entry, 0, 1, &mut beam);
    beam.reset(true);
    beam.seed(&entries);
    let mut rows = std::collections::HashSet::new();
    loop {
        beam.run(&mut store, &query, 20, 0);
        let batch = beam.take();
        assert!(batch.len() <= 20);
        assert!(batch.is_sorted());
        batch.iter().for_each(|found| assert!(rows.insert(found.link), "{:?} came twice", found.link));
        if !beam.resume(20) {
            break;
        }
    }
    assert_eq!(rows.len(), reachable);
}

/// Vectors close around a few centres, and some that are far from all: full nodes prefer others to what is far, and drop much of what is near.
fn crowded_vectors(count: usize, dimensions: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let centres = random_vectors(3, dimensions, seed + 1000);
    (0..count)
        .map(|row| {
            let (centre, spread) = (&centres[random.random_range(0..3)], if row % 17 == 0 { 3.0 } else { 0.02 });
            centre.iter().map(|value| value + random.random_range(-spread..spread)).collect()
        })
        .collect()
}

#[test]
fn an_insert_alone_cuts_nothing_off() {
    for seed in 0..10 {
        let mut store = Memory::new(Distance::L2, 6, 3);
        for (row, vector) in crowded_vectors(250, 6, seed).iter().enumerate() {
            add(&mut store, vector, tid(row));
            assert_eq!(store.lost(), [], "seed {seed}, row {row}");
        }
    }
}

#[test]
fn inserts_that_change_edges_at_once_cut_nothing_off() {
    for seed in 0..60 {
        let mut store = Memory::new(Distance::L2, 6, 2);
        for (row, together) in crowded_vectors(160, 6, seed).chunks(4).enumerate() {
            // Three are inserted, one after the other, between what the fourth decides and what it writes.
            let tid = |number| HeapTid { block: row as u32, offset: number };
            store.waiting = (2..).zip(&together[1..]).map(|(number, vector)| (vector.clone(), tid(number))).collect();
            add(&mut store, &together[0], tid(1));
            while !store.waiting.is_empty() {
                store.let_others();
            }
            assert_eq!(store.lost(), [], "seed {seed}, row {row}");
        }
        assert_eq!(store.next - store.layout.per_page, 160, "every vector has a node");
    }
}

/// A node with edges that the test chooses; the index starts from the last one.
fn place(store: &mut Memory, vector: &[f32], row: usize) -> Link {
    let coded = Coded::new(store.distance, vector).unwrap();
    let anchor = Anchor::Entry(store.entry.map(|entry| entry.link));
    store.create(coded.as_ref(), 0, tid(row), &[Vec::new()], &anchor).unwrap().unwrap()
}

#[test]
fn two_that_drop_an_edge_to_the_same_node_do_not_count_on_each_other() {
    // Left and right, near each other, are all that leads to what is far above. Each has four edges, and is offered a fifth that is nearer.
    let mut store = Memory::new(Distance::L2, 2, 2);
    let far = place(&mut store, &[0.0, 5.0], 0);
    let sides = [-1.0f32, 1.0].map(|side| {
        let near = place(&mut store, &[side, 0.0], 1);
        let above = place(&mut store, &[side / 2.0, 2.0], 2);
        let node = place(&mut store, &[side / 2.0, 0.0], 3);
        let new = [side / 2.0, -0.6];
        (node, [near, above], place(&mut store, &new, 4), new)
    });
    for (node, others, other_side) in [(sides[0].0, sides[0].1, sides[1].0), (sides[1].0, sides[1].1, sides[0].0)] {
        let links = vec![others[0], others[1], other_side, far];
        store.write(node, 0, &Change::Replace { expected: Vec::new(), links, detours: Vec::new() });
    }
    store.entry = Some(Entry { link: sides[0].0, level: 0 });
    let news = [sides[0].2.id, sides[1].2.id];
    assert_eq!(store.lost(), news, "all but the new ones can be reached");

    let offer = |store: &mut Memory, (node, _, new, vector): (Link, [Link; 2], Link, [f32; 2])| {
        let coded = Coded::new(Distance::L2, &vector).unwrap();
        let change = decide(store, node, 0, new, &[], coded.as_ref())?;
        Some(Edit { target: node, level: 0, change })
    };
    let edits = sides.map(|side| offer(&mut store, side).unwrap());
    for edit in &edits {
        let lost: Vec<Link> = edit.change.detours().iter().map(|detour| detour.lost).collect();
        assert_eq!(lost, [far], "each gives up its edge to what is far, because the other side has one");
    }
    assert_eq!(store.apply(&edits), [Outcome::Done, Outcome::Changed]);
    assert!(!store.lost().contains(&far.id));
    assert_eq!(offer(&mut store, sides[1]), None, "decided again, the last edge stays");
}

#[test]
fn a_vacuum_beside_inserts_cuts_nothing_off() {
    for seed in 0..10 {
        let vectors = crowded_vectors(600, 6, seed);
        let mut store = Memory::new(Distance::L2, 6, 3);
        for (row, vector) in vectors[..300].iter().enumerate() {
            add(&mut store, vector, tid(row));
        }
        // Nine of ten rows go, among them all of some neighbourhoods, while others come.
        store.waiting = (300..).zip(&vectors[300..]).map(|(row, vector)| (vector.clone(), tid(row))).collect();
        store.vacuum(|row| row.block % 10 != 0 && row.block < 300);
        assert_eq!(store.lost(), [], "seed {seed}");
    }
}

#[test]
fn a_repair_keeps_the_ways_of_a_lost_node_to_what_is_far() {
    let mut store = Memory::new(Distance::L2, 1, 2);
    let mut row = 0;
    let [node, near, other, lost, far] = [0.0f32, 1.0, -1.0, 10.0, 20.0].map(|at| {
        row += 1;
        place(&mut store, &[at], row)
    });
    let repaired = |store: &mut Memory, ends: &[Link]| {
        // An edge keeps its place as long as it lives: the lost node starts from none.
        for (from, links) in [(node, vec![near, other, lost]), (lost, Vec::new()), (lost, ends.to_vec())] {
            store.write(from, 0, &Change::Replace { expected: Vec::new(), links, detours: Vec::new() });
        }
        match repair(store, node, 0, |link| link == lost) {
            Some(Change::Replace { links, .. }) => links,
            change => panic!("{change:?}"),
        }
    };
    // `near` is nearer to `far` than the node is, so the choice of diverse edges alone would leave it out each time.
    assert_eq!(repaired(&mut store, &[far]), [near, other, far], "no other edge leads to where the lost node led");
    assert_eq!(repaired(&mut store, &[near, far]), [near, other], "a neighbour of the lost node is linked already");
    assert_eq!(repaired(&mut store, &[node, near, far]), [near, other, far], "the heir takes the farthest edge over");
    store.write(near, 0, &Change::Push(far));
    assert_eq!(repaired(&mut store, &[node, near, far]), [near, other], "unless a neighbour leads there");
}

proptest! {
    #[test]
    fn a_slot_reads_back_what_was_written(
        dimensions in 1usize..500, m in 2usize..40, slot in 0u32..100, level in 0u8..5,
        values in proptest::collection::vec(-5.0f32..5.0, 500),
        links in proptest::collection::vec((1u32..u32::MAX, any::<u8>()), 0..90),
    ) {
        let layout = Layout::new(dimensions, m).unwrap();
        let id = layout.per_page + slot % layout.per_page;
        let links: Vec<Link> = links.into_iter().take(2 * m).map(|(id, generation)| Link { id, generation }).collect();
        let coded = Coded::new(Distance::L2, &values[..dimensions]).unwrap();
        let mut page = vec![0u8; PAGE_SIZE];
        let row = HeapTid { block: 77, offset: 9 };
        layout.node_mut(&mut page, id).fill(level, coded.as_ref(), row, 55, &links);
        let node = layout.node(&page, id);
        prop_assert!(node.is(Link { id, generation: 0 }), "the node is there");
        prop_assert_eq!((node.level(), node.tid(), node.upper(), node.state()), (level, Some(row), 55, State::Live));
        prop_assert_eq!((node.scale(), node.norm(), node.code()), (coded.scale, coded.norm, &coded.code[..]));
        prop_assert!(node.error() >= coded.error);
        let mut read = Vec::new();
        node.links(&mut read);
        prop_assert_eq!(&read, &links);
        layout.node_mut(&mut page, id).free();
        prop_assert!(!layout.node(&page, id).is(Link { id, generation: 0 }), "the node is gone");
        let others = page.iter().enumerate().filter(|(at, byte)| **byte != 0 && *at != layout.offset(id) + 2).count();
        prop_assert_eq!(others, 0, "nothing beside the slot is written");
    }
}
