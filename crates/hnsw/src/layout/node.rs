//! Views of node slots.

use super::*;

/// A node slot:
///
/// | bytes | field |
/// |---|---|
/// | 0 | state |
/// | 1 | level |
/// | 2 | generation |
/// | 4..8 | scale |
/// | 8..12 | squared norm of the reconstruction |
/// | 12..14 | error, bfloat16 rounded up |
/// | 14..20 | first heap TID |
/// | 20..24 | first TID slot |
/// | 24..28 | hash of the exact vector |
/// | 28..32 | first upper slot |
/// | 32.. | code, then 2m places for edges, each identifier (0: empty) and generation |
#[derive(Clone, Copy)]
pub struct Node<'a> {
    pub(super) slot: &'a [u8],
    pub(super) layout: Layout,
}

impl<'a> Node<'a> {
    /// What the slot is used for.
    #[inline]
    pub fn state(&self) -> State {
        match self.slot[0] {
            1 => State::Live,
            2 => State::Dead,
            _ => State::Free,
        }
    }

    /// Whether the slot still holds the node that `link` was made for.
    #[inline]
    pub fn is(&self, link: Link) -> bool {
        self.slot[0] != State::Free as u8 && self.slot[2] == link.generation
    }

    /// The level of the node.
    #[inline]
    pub fn level(&self) -> u8 {
        self.slot[1]
    }

    /// Counts how often the slot was freed, modulo 256.
    #[inline]
    pub fn generation(&self) -> u8 {
        self.slot[2]
    }

    /// Number of level-0 edges.
    #[inline]
    pub fn link_count(&self) -> usize {
        count_links(self.edges())
    }

    #[inline]
    fn edges(&self) -> &'a [u8] {
        let start = NODE_HEADER + self.layout.dimensions;
        &self.slot[start..start + EDGE * 2 * self.layout.m]
    }

    /// Factor that turns the code into the vector.
    #[inline]
    pub fn scale(&self) -> f32 {
        f32::from_bits(read_u32(self.slot, 4))
    }

    /// Squared norm of the reconstructed vector.
    #[inline]
    pub fn norm(&self) -> f32 {
        f32::from_bits(read_u32(self.slot, 8))
    }

    /// Upper bound of the distance between the vector and its reconstruction.
    #[inline]
    pub fn error(&self) -> f32 {
        f32::from_bits(u32::from(read_u16(self.slot, 12)) << 16)
    }

    /// The first row of the node.
    #[inline]
    pub fn tid(&self) -> Option<HeapTid> {
        read_tid(self.slot, 14)
    }

    /// The TID slot with more rows, 0 where there is none.
    #[inline]
    pub fn tid_slot(&self) -> u32 {
        read_u32(self.slot, 20)
    }

    /// Hash of the exact vector.
    #[inline]
    pub fn hash(&self) -> u32 {
        read_u32(self.slot, 24)
    }

    /// The upper slot of level 1, 0 for a node of level 0.
    #[inline]
    pub fn upper(&self) -> u32 {
        read_u32(self.slot, 28)
    }

    /// One signed byte per dimension.
    #[inline]
    pub fn code(&self) -> &'a [u8] {
        &self.slot[NODE_HEADER..NODE_HEADER + self.layout.dimensions]
    }

    /// The code with its head.
    #[inline]
    pub fn coded(&self) -> crate::code::CodeRef<'a> {
        crate::code::CodeRef {
            scale: self.scale(),
            norm: self.norm(),
            error: self.error(),
            hash: self.hash(),
            code: self.code(),
        }
    }

    /// Appends the level-0 edges to `out`.
    #[inline]
    pub fn links(&self, out: &mut Vec<Link>) {
        read_links(self.edges(), out);
    }
}

/// A node slot, to write; see [`Node`].
pub struct NodeMut<'a> {
    pub(super) slot: &'a mut [u8],
    pub(super) layout: Layout,
}

impl NodeMut<'_> {
    /// The same slot, to read.
    pub fn view(&self) -> Node<'_> {
        Node { slot: self.slot, layout: self.layout }
    }

    /// Fills a free slot with a new node; the generation stays.
    pub fn fill(&mut self, level: u8, coded: crate::code::CodeRef<'_>, tid: HeapTid, upper: u32, links: &[Link]) {
        self.slot[0] = State::Live as u8;
        self.slot[1] = level;
        write_u32(self.slot, 4, coded.scale.to_bits());
        write_u32(self.slot, 8, coded.norm.to_bits());
        write_u16(self.slot, 12, round_up(coded.error));
        write_tid(self.slot, 14, Some(tid));
        write_u32(self.slot, 20, 0);
        write_u32(self.slot, 24, coded.hash);
        write_u32(self.slot, 28, upper);
        self.slot[NODE_HEADER..NODE_HEADER + self.layout.dimensions].copy_from_slice(coded.code);
        self.set_links(links);
    }

    /// Changes what the slot is used for.
    pub fn set_state(&mut self, state: State) {
        self.slot[0] = state as u8;
    }

    /// Frees the slot: whoever still holds a link to it will see another generation.
    pub fn free(&mut self) {
        let generation = self.slot[2].wrapping_add(1);
        self.slot.fill(0);
        self.slot[2] = generation;
    }

    /// Sets or removes the first row.
    pub fn set_tid(&mut self, tid: Option<HeapTid>) {
        write_tid(self.slot, 14, tid);
    }

    /// Sets the first TID slot.
    pub fn set_tid_slot(&mut self, id: u32) {
        write_u32(self.slot, 20, id);
    }

    fn edges(&mut self) -> &mut [u8] {
        let start = NODE_HEADER + self.layout.dimensions;
        &mut self.slot[start..start + EDGE * 2 * self.layout.m]
    }

    /// Replaces the level-0 edges; those that stay keep their places.
    pub fn set_links(&mut self, links: &[Link]) {
        write_links(self.edges(), links);
    }

    /// Adds a level-0 edge; false where the node is full.
    pub fn push_link(&mut self, link: Link) -> bool {
        push_link(self.edges(), link)
    }
}

/// The smallest bfloat16 that is not below a positive `value`.
pub fn round_up(value: f32) -> u16 {
    let bits = value.to_bits();
    if bits & 0xffff == 0 { (bits >> 16) as u16 } else { (bits >> 16) as u16 + 1 }
}
