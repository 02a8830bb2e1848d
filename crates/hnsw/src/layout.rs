//! The page format: where every field of every slot stands, and typed views that read and write it.
//!
//! A slot is addressed by an identifier, `block * slots per page + slot`, so finding it is arithmetic. Identifier 0 is
//! never a slot (block 0 is the meta page) and means "none". All integers are little-endian.

mod bucket;
mod node;
mod upper;

pub use bucket::{
    Bucket, BucketEntry, BucketMut, PER_DIRECTORY, bucket_of, buckets_for, directory_entry, directory_place,
    set_directory_entry,
};
pub use node::{Node, NodeMut, round_up};
pub use upper::{Upper, UpperMut};

/// Bytes of a page. The extension refuses to compile for another block size.
pub const PAGE_SIZE: usize = 8192;
/// Where the first slot of a page starts.
pub const FIRST_SLOT: usize = 64;
/// Bytes at the end of every page that tell what kind of page it is.
pub const SPECIAL_SIZE: usize = 16;
/// Where the special bytes start: no slot reaches beyond it.
pub const SPECIAL: usize = PAGE_SIZE - SPECIAL_SIZE;
/// Marks a page of this access method.
pub const PAGE_MAGIC: u32 = 0x5357_4e48;
/// Rows with the same vector that one TID slot holds.
pub const TIDS_PER_SLOT: usize = 8;
/// Bytes of a TID slot.
pub const TID_STRIDE: usize = 12 + 6 * TIDS_PER_SLOT;
/// TID slots of a page.
pub const TID_SLOTS_PER_PAGE: usize = (SPECIAL - FIRST_SLOT) / TID_STRIDE;
/// Bytes of a node slot before its code.
pub const NODE_HEADER: usize = 32;
/// Bytes of an upper slot before its edges.
pub const UPPER_HEADER: usize = 8;

/// What a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum PageKind {
    /// Block 0: what the index is and where a search starts.
    Meta = 1,
    /// Slots of nodes.
    Node = 2,
    /// Slots with the edges of levels above 0.
    Upper = 3,
    /// Slots with more rows of nodes whose vector occurs more than once.
    Tid = 4,
    /// Entries of the table that finds a node by the hash of its vector.
    Bucket = 5,
    /// Blocks of the buckets of that table.
    Directory = 6,
}

impl PageKind {
    /// Number of kinds.
    pub const COUNT: usize = 6;
}

impl PageKind {
    /// The kind of `page`, or None where it is not a page of this access method.
    #[inline]
    pub fn of(page: &[u8]) -> Option<PageKind> {
        if read_u32(page, SPECIAL) != PAGE_MAGIC {
            return None;
        }
        match read_u32(page, SPECIAL + 4) {
            1 => Some(PageKind::Meta),
            2 => Some(PageKind::Node),
            3 => Some(PageKind::Upper),
            4 => Some(PageKind::Tid),
            5 => Some(PageKind::Bucket),
            6 => Some(PageKind::Directory),
            _ => None,
        }
    }

    /// Writes the special bytes of a new page.
    pub fn stamp(self, page: &mut [u8]) {
        page[SPECIAL..PAGE_SIZE].fill(0);
        write_u32(page, SPECIAL, PAGE_MAGIC);
        write_u32(page, SPECIAL + 4, self as u32);
    }

    /// Where [`Meta::heads`] keeps the list of pages of this kind that have free slots; meaningless for kinds without such a list.
    pub fn list(self) -> usize {
        match self {
            PageKind::Meta | PageKind::Node | PageKind::Bucket | PageKind::Directory => 0,
            PageKind::Upper => 1,
            PageKind::Tid => 2,
        }
    }
}

/// The next page in the list of pages with free slots; None where `page` is not in the list.
pub fn list_next(page: &[u8]) -> Option<u32> {
    (read_u32(page, SPECIAL + 12) != 0).then(|| read_u32(page, SPECIAL + 8))
}

/// Puts `page` into the list in front of `next`, or takes it out.
pub fn set_list_next(page: &mut [u8], next: Option<u32>) {
    write_u32(page, SPECIAL + 8, next.unwrap_or(0));
    write_u32(page, SPECIAL + 12, u32::from(next.is_some()));
}

/// An edge's end, or any node as somebody saw it: the slot and the generation it had.
///
/// A slot that is freed changes its generation, so a link that outlived its node is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Link {
    /// Identifier of the slot.
    pub id: u32,
    /// Generation of the slot when the link was made.
    pub generation: u8,
}

/// The place of a heap row: block and line pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HeapTid {
    /// Block of the heap.
    pub block: u32,
    /// Line pointer in the block, from 1.
    pub offset: u16,
}

/// What a node slot is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// Nothing: an insert may take it.
    Free = 0,
    /// A node with rows.
    Live = 1,
    /// A node without rows, which still leads searches through until vacuum has replaced the edges to it.
    Dead = 2,
}

/// The sizes that follow from the dimensions and m of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Dimensions of every vector of the index.
    pub dimensions: usize,
    /// Edges of a node on each level above 0; on level 0 it is twice as many.
    pub m: usize,
    /// Bytes of a node slot.
    pub stride: usize,
    /// Node slots of a page.
    pub per_page: u32,
    /// Bytes of an upper slot.
    pub upper_stride: usize,
    /// Upper slots of a page; a node's upper slots stand in one page, so it also bounds the level of a node.
    pub upper_per_page: u32,
}

impl Layout {
    /// The layout for vectors of `dimensions`, or None where a node does not fit a page.
    pub fn new(dimensions: usize, m: usize) -> Option<Layout> {
        let stride = (NODE_HEADER + dimensions + 10 * m).next_multiple_of(8);
        let upper_stride = (UPPER_HEADER + 5 * m).next_multiple_of(4);
        let per_page = ((SPECIAL - FIRST_SLOT) / stride) as u32;
        let upper_per_page = ((SPECIAL - FIRST_SLOT) / upper_stride) as u32;
        (dimensions > 0 && m > 0 && per_page > 0).then_some(Layout {
            dimensions,
            m,
            stride,
            per_page,
            upper_stride,
            upper_per_page,
        })
    }

    /// The most dimensions that an index with `m` can have.
    pub fn max_dimensions(m: usize) -> usize {
        (SPECIAL - FIRST_SLOT) / 8 * 8 - NODE_HEADER - 10 * m
    }

    /// The highest level that a node can have.
    pub fn max_level(&self) -> u8 {
        self.upper_per_page.min(30) as u8
    }

    /// The most edges of a node on `level`.
    #[inline]
    pub fn max_links(&self, level: u8) -> usize {
        if level == 0 { 2 * self.m } else { self.m }
    }

    /// Block of a node.
    #[inline]
    pub fn block(&self, id: u32) -> u32 {
        id / self.per_page
    }

    /// Byte offset of a node in its page.
    #[inline]
    pub fn offset(&self, id: u32) -> usize {
        FIRST_SLOT + (id % self.per_page) as usize * self.stride
    }

    /// Identifier of the first node slot of a block, or None beyond the size that identifiers can address.
    pub fn first_id(&self, block: u32) -> Option<u32> {
        block.checked_mul(self.per_page).filter(|first| first.checked_add(self.per_page).is_some())
    }

    /// Block of an upper slot.
    #[inline]
    pub fn upper_block(&self, id: u32) -> u32 {
        id / self.upper_per_page
    }

    /// Byte offset of an upper slot in its page.
    #[inline]
    pub fn upper_offset(&self, id: u32) -> usize {
        FIRST_SLOT + (id % self.upper_per_page) as usize * self.upper_stride
    }

    /// The end of the last slot of a page of `kind`.
    pub fn slots_end(&self, kind: PageKind) -> usize {
        match kind {
            PageKind::Meta => META_END,
            PageKind::Node => FIRST_SLOT + self.per_page as usize * self.stride,
            PageKind::Upper => FIRST_SLOT + self.upper_per_page as usize * self.upper_stride,
            PageKind::Tid => FIRST_SLOT + TID_SLOTS_PER_PAGE * TID_STRIDE,
            PageKind::Bucket | PageKind::Directory => SPECIAL,
        }
    }

    /// Identifier of the first upper slot of a block, or None beyond what identifiers can address.
    pub fn first_upper(&self, block: u32) -> Option<u32> {
        block.checked_mul(self.upper_per_page).filter(|first| first.checked_add(self.upper_per_page).is_some())
    }

    /// The first free node slot of a page.
    pub fn free_node(&self, page: &[u8], block: u32) -> Option<u32> {
        let first = self.first_id(block)?;
        (first..first + self.per_page).find(|id| self.node(page, *id).state() == State::Free)
    }

    /// The first of `count` free upper slots in a row.
    pub fn free_uppers(&self, page: &[u8], block: u32, count: u32) -> Option<u32> {
        let first = self.first_upper(block)?;
        let last = first + self.upper_per_page;
        (first..last.saturating_sub(count - 1))
            .find(|id| (*id..*id + count).all(|slot| !self.upper(page, slot).is_used()))
    }

    /// Whether a page of `kind` has a free slot.
    pub fn has_room(&self, kind: PageKind, page: &[u8], block: u32) -> bool {
        match kind {
            PageKind::Meta | PageKind::Bucket | PageKind::Directory => false,
            PageKind::Node => self.free_node(page, block).is_some(),
            PageKind::Upper => self.free_uppers(page, block, 1).is_some(),
            PageKind::Tid => free_tid_slot(page, block).is_some(),
        }
    }

    /// Whether the identifiers of a page of `kind` at `block` fit 32 bits.
    pub fn can_address(&self, kind: PageKind, block: u32) -> bool {
        match kind {
            PageKind::Meta | PageKind::Bucket | PageKind::Directory => true,
            PageKind::Node => self.first_id(block).is_some(),
            PageKind::Upper => self.first_upper(block).is_some(),
            PageKind::Tid => first_tid_slot(block).is_some(),
        }
    }

    /// The bytes of node `id` in its page.
    #[inline]
    pub fn node<'a>(&self, page: &'a [u8], id: u32) -> Node<'a> {
        let start = self.offset(id);
        Node { slot: &page[start..start + self.stride], layout: *self }
    }

    /// The bytes of node `id` in its page, to write.
    pub fn node_mut<'a>(&self, page: &'a mut [u8], id: u32) -> NodeMut<'a> {
        let start = self.offset(id);
        NodeMut { slot: &mut page[start..start + self.stride], layout: *self }
    }

    /// The bytes of upper slot `id` in its page.
    #[inline]
    pub fn upper<'a>(&self, page: &'a [u8], id: u32) -> Upper<'a> {
        let start = self.upper_offset(id);
        Upper { slot: &page[start..start + self.upper_stride], m: self.m }
    }

    /// The bytes of upper slot `id` in its page, to write.
    pub fn upper_mut<'a>(&self, page: &'a mut [u8], id: u32) -> UpperMut<'a> {
        let start = self.upper_offset(id);
        UpperMut { slot: &mut page[start..start + self.upper_stride], m: self.m }
    }
}

#[inline]
pub(crate) fn read_u16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

#[inline]
pub(crate) fn read_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

pub(crate) fn write_u16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
}

pub(crate) fn write_u32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

const NO_BLOCK: u32 = u32::MAX;

fn read_tid(bytes: &[u8], at: usize) -> Option<HeapTid> {
    let block = read_u32(bytes, at);
    (block != NO_BLOCK).then(|| HeapTid { block, offset: read_u16(bytes, at + 4) })
}

fn write_tid(bytes: &mut [u8], at: usize, tid: Option<HeapTid>) {
    write_u32(bytes, at, tid.map_or(NO_BLOCK, |tid| tid.block));
    write_u16(bytes, at + 4, tid.map_or(0, |tid| tid.offset));
}

/// Bytes of an edge: the identifier of its target (0 in an empty place) and its generation.
const EDGE: usize = 5;

#[inline]
fn read_links(edges: &[u8], out: &mut Vec<Link>) {
    out.extend(edges.chunks_exact(EDGE).filter_map(|edge| {
        let id = read_u32(edge, 0);
        (id != 0).then(|| Link { id, generation: edge[4] })
    }));
}

fn count_links(edges: &[u8]) -> usize {
    edges.chunks_exact(EDGE).filter(|edge| read_u32(edge, 0) != 0).count()
}

/// Makes the edges those of `links`. An edge that stays keeps its place, so a WAL record holds only what differs.
fn write_links(edges: &mut [u8], links: &[Link]) {
    let mut present = Vec::with_capacity(links.len());
    for edge in edges.chunks_exact_mut(EDGE) {
        let link = Link { id: read_u32(edge, 0), generation: edge[4] };
        if link.id != 0 && links.contains(&link) && !present.contains(&link) {
            present.push(link);
        } else {
            edge.fill(0);
        }
    }
    for link in links.iter().filter(|link| !present.contains(link)) {
        push_link(edges, *link);
    }
}

/// Puts an edge into the first empty place; false where there is none.
fn push_link(edges: &mut [u8], link: Link) -> bool {
    let Some(edge) = edges.chunks_exact_mut(EDGE).find(|edge| read_u32(edge, 0) == 0) else { return false };
    write_u32(edge, 0, link.id);
    edge[4] = link.generation;
    true
}

/// First TID slot of a block, or None beyond what identifiers can address.
pub fn first_tid_slot(block: u32) -> Option<u32> {
    block.checked_mul(TID_SLOTS_PER_PAGE as u32).filter(|first| first.checked_add(TID_SLOTS_PER_PAGE as u32).is_some())
}

/// Block of a TID slot.
pub fn tid_block(id: u32) -> u32 {
    id / TID_SLOTS_PER_PAGE as u32
}

/// The first free TID slot of a page.
pub fn free_tid_slot(page: &[u8], block: u32) -> Option<u32> {
    let first = first_tid_slot(block)?;
    (first..first + TID_SLOTS_PER_PAGE as u32).find(|id| !Tids::new(page, *id).is_used())
}

fn tid_offset(id: u32) -> usize {
    FIRST_SLOT + (id as usize % TID_SLOTS_PER_PAGE) * TID_STRIDE
}

/// A TID slot: owner 0..4, generation of the owner 4, number of rows 5, used 6, next slot of the chain 8..12, heap TIDs.
#[derive(Clone, Copy)]
pub struct Tids<'a> {
    slot: &'a [u8],
}

impl<'a> Tids<'a> {
    /// The bytes of TID slot `id` in its page.
    pub fn new(page: &'a [u8], id: u32) -> Tids<'a> {
        let start = tid_offset(id);
        Tids { slot: &page[start..start + TID_STRIDE] }
    }

    /// TID slot `id`, where its page is of that kind and `owner` owns it.
    pub fn owned(page: &'a [u8], id: u32, owner: Link) -> Option<Tids<'a>> {
        Some(Tids::new(page, id)).filter(|slot| PageKind::of(page) == Some(PageKind::Tid) && slot.belongs_to(owner))
    }

    /// Whether a node owns the slot.
    pub fn is_used(&self) -> bool {
        self.slot[6] != 0
    }

    /// Whether `owner` owns the slot.
    pub fn belongs_to(&self, owner: Link) -> bool {
        self.is_used() && read_u32(self.slot, 0) == owner.id && self.slot[4] == owner.generation
    }

    /// Number of rows.
    pub fn count(&self) -> usize {
        (self.slot[5] as usize).min(TIDS_PER_SLOT)
    }

    /// Whether another row fits in.
    pub fn has_room(&self) -> bool {
        self.count() < TIDS_PER_SLOT
    }

    /// The next slot of the chain, 0 at its end.
    pub fn next(&self) -> u32 {
        read_u32(self.slot, 8)
    }

    /// The rows.
    pub fn tids(&self) -> impl Iterator<Item = HeapTid> + 'a {
        let slot = self.slot;
        (0..self.count()).filter_map(move |position| read_tid(slot, 12 + 6 * position))
    }
}

/// A TID slot, to write; see [`Tids`].
pub struct TidsMut<'a> {
    slot: &'a mut [u8],
}

impl<'a> TidsMut<'a> {
    /// The bytes of TID slot `id` in its page, to write.
    pub fn new(page: &'a mut [u8], id: u32) -> TidsMut<'a> {
        let start = tid_offset(id);
        TidsMut { slot: &mut page[start..start + TID_STRIDE] }
    }

    /// Gives the slot to `owner` in front of the slot `next`.
    pub fn fill(&mut self, owner: Link, next: u32, tids: &[HeapTid]) {
        write_u32(self.slot, 0, owner.id);
        self.slot[4] = owner.generation;
        self.slot[6] = 1;
        write_u32(self.slot, 8, next);
        self.set_tids(tids);
    }

    /// Takes the slot from its owner.
    pub fn free(&mut self) {
        self.slot.fill(0);
    }

    /// Sets the next slot of the chain.
    pub fn set_next(&mut self, next: u32) {
        write_u32(self.slot, 8, next);
    }

    /// Replaces the rows.
    pub fn set_tids(&mut self, tids: &[HeapTid]) {
        self.slot[5] = tids.len().min(TIDS_PER_SLOT) as u8;
        for (position, tid) in tids.iter().take(TIDS_PER_SLOT).enumerate() {
            write_tid(self.slot, 12 + 6 * position, Some(*tid));
        }
    }

    /// Adds a row; false where the slot is full.
    pub fn push(&mut self, tid: HeapTid) -> bool {
        let count = self.slot[5] as usize;
        if count >= TIDS_PER_SLOT {
            return false;
        }
        write_tid(self.slot, 12 + 6 * count, Some(tid));
        self.slot[5] = count as u8 + 1;
        true
    }
}

const META: usize = 24;
/// Where the blocks of the directory pages stand in the meta page.
const META_DIRECTORIES: usize = META + 40;
/// The most directory pages: enough for 700 million vectors.
pub const MAX_DIRECTORIES: usize = 512;
/// 1 once a vacuum has repaired edges; 0 in indexes that were written before it was noted.
const META_REPAIRED: usize = META_DIRECTORIES + 4 * MAX_DIRECTORIES;
const META_END: usize = META_REPAIRED + 1;
/// Marks a meta page.
pub const META_MAGIC: u32 = 0x5355_5452;
/// The format described here; another number is another format.
pub const FORMAT_VERSION: u32 = 2;

/// The meta page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Dimensions of every vector.
    pub dimensions: u32,
    /// Option m at build.
    pub m: u16,
    /// Option ef_construction at build.
    pub ef_construction: u16,
    /// See [`crate::code::Distance`].
    pub distance: u8,
    /// Bits of one dimension of a code.
    pub code_bits: u8,
    /// Level of the entry point.
    pub entry_level: u8,
    /// Where a search starts; None in an empty index.
    pub entry: Option<Link>,
    /// The first page with free slots of each kind, in the order of [`PageKind::list`]; 0 where there is none.
    pub heads: [u32; 3],
    /// Buckets of the table that finds a node by the hash of its vector.
    pub buckets: u32,
    /// Whether a vacuum has replaced edges to dead nodes since the build.
    pub repaired: bool,
}

/// Why a meta page was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetaError {
    /// The page does not carry the magic number.
    #[error("the first page is not a meta page")]
    Magic,
    /// The page was written by another version of the format.
    #[error("the index has format version {0}, this library reads version {FORMAT_VERSION}")]
    Version(u32),
}

impl Meta {
    /// Reads the meta page.
    pub fn read(page: &[u8]) -> Result<Meta, MetaError> {
        let at = META;
        if PageKind::of(page) != Some(PageKind::Meta) || read_u32(page, at) != META_MAGIC {
            return Err(MetaError::Magic);
        }
        match read_u32(page, at + 4) {
            FORMAT_VERSION => {}
            version => return Err(MetaError::Version(version)),
        }
        let id = read_u32(page, at + 20);
        Ok(Meta {
            dimensions: read_u32(page, at + 8),
            m: read_u16(page, at + 12),
            ef_construction: read_u16(page, at + 14),
            distance: page[at + 16],
            code_bits: page[at + 17],
            entry_level: page[at + 18],
            entry: (id != 0).then_some(Link { id, generation: page[at + 19] }),
            heads: [24, 28, 32].map(|offset| read_u32(page, at + offset)),
            buckets: read_u32(page, at + 36),
            repaired: page[META_REPAIRED] != 0,
        })
    }

    /// The block of a directory page, read from the meta page; 0 where there is none.
    pub fn directory(page: &[u8], number: usize) -> u32 {
        if number < MAX_DIRECTORIES { read_u32(page, META_DIRECTORIES + 4 * number) } else { 0 }
    }

    /// Writes the block of a directory page into the meta page; false beyond [`MAX_DIRECTORIES`].
    pub fn set_directory(page: &mut [u8], number: usize, block: u32) -> bool {
        let fits = number < MAX_DIRECTORIES;
        if fits {
            write_u32(page, META_DIRECTORIES + 4 * number, block);
        }
        fits
    }

    /// Writes the meta page, its special bytes excepted.
    pub fn write(&self, page: &mut [u8]) {
        let at = META;
        write_u32(page, at, META_MAGIC);
        write_u32(page, at + 4, FORMAT_VERSION);
        write_u32(page, at + 8, self.dimensions);
        write_u16(page, at + 12, self.m);
        write_u16(page, at + 14, self.ef_construction);
        page[at + 16] = self.distance;
        page[at + 17] = self.code_bits;
        page[at + 18] = self.entry_level;
        page[at + 19] = self.entry.map_or(0, |entry| entry.generation);
        write_u32(page, at + 20, self.entry.map_or(0, |entry| entry.id));
        for (position, block) in self.heads.iter().enumerate() {
            write_u32(page, at + 24 + 4 * position, *block);
        }
        write_u32(page, at + 36, self.buckets);
        page[META_REPAIRED] = u8::from(self.repaired);
    }
}
