//! Views of upper slots.

use super::*;

/// An upper slot: owner 0..4, generation of the owner 4, used 6, then m places for edges, each identifier (0: empty) and generation.
#[derive(Clone, Copy)]
pub struct Upper<'a> {
    pub(super) slot: &'a [u8],
    pub(super) m: usize,
}

impl Upper<'_> {
    /// The node whose edges these are.
    pub fn owner(&self) -> Link {
        Link { id: read_u32(self.slot, 0), generation: self.slot[4] }
    }

    /// Whether a node owns the slot.
    pub fn is_used(&self) -> bool {
        self.slot[6] != 0
    }

    /// Whether `owner` owns the slot.
    pub fn belongs_to(&self, owner: Link) -> bool {
        self.is_used() && self.owner() == owner
    }

    /// Number of edges.
    pub fn link_count(&self) -> usize {
        count_links(self.edges())
    }

    fn edges(&self) -> &[u8] {
        &self.slot[UPPER_HEADER..UPPER_HEADER + EDGE * self.m]
    }

    /// Appends the edges to `out`.
    pub fn links(&self, out: &mut Vec<Link>) {
        read_links(self.edges(), out);
    }
}

/// An upper slot, to write; see [`Upper`].
pub struct UpperMut<'a> {
    pub(super) slot: &'a mut [u8],
    pub(super) m: usize,
}

impl UpperMut<'_> {
    /// The same slot, to read.
    pub fn view(&self) -> Upper<'_> {
        Upper { slot: self.slot, m: self.m }
    }

    /// Gives the slot to `owner` with these edges.
    pub fn fill(&mut self, owner: Link, links: &[Link]) {
        write_u32(self.slot, 0, owner.id);
        self.slot[4] = owner.generation;
        self.slot[6] = 1;
        self.set_links(links);
    }

    /// Takes the slot from its owner.
    pub fn free(&mut self) {
        self.slot.fill(0);
    }

    fn edges(&mut self) -> &mut [u8] {
        &mut self.slot[UPPER_HEADER..UPPER_HEADER + EDGE * self.m]
    }

    /// Replaces the edges; those that stay keep their places.
    pub fn set_links(&mut self, links: &[Link]) {
        write_links(self.edges(), links);
    }

    /// Adds an edge; false where the slot is full.
    pub fn push_link(&mut self, link: Link) -> bool {
        push_link(self.edges(), link)
    }
}
