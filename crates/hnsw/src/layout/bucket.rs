//! The table that finds a node by the hash of its vector: linear hashing (Litwin, VLDB 1980) with one page for each bucket.
//!
//! With `n` buckets and `b = floor(log2 n)`, a hash belongs to the bucket of its low `b + 1` bits where that exists, else to that of its
//! low `b` bits. The table grows by one bucket at a time: bucket `n - 2^b` gives the new one its share. The directory pages, whose
//! blocks are in the meta page, hold the block of each bucket.

use super::*;

/// Bytes of a bucket before its entries.
const BUCKET_HEADER: usize = 8;
const ENTRY: usize = 8;
/// Buckets whose blocks one directory page holds.
pub const PER_DIRECTORY: usize = (SPECIAL - FIRST_SLOT) / 4;

/// A node and the hash of its vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BucketEntry {
    /// Hash of the exact vector; see [`crate::code::CodeRef::hash`].
    pub hash: u32,
    /// Identifier of the node.
    pub id: u32,
}

/// The buckets of a new table for so many entries: a power of two, because then all have the same share, and so many that the share is at
/// least five standard deviations below what a bucket takes.
pub fn buckets_for(entries: usize) -> u32 {
    let most = (MAX_DIRECTORIES * PER_DIRECTORY).next_power_of_two() / 2;
    entries.div_ceil(Bucket::CAPACITY * 17 / 20).next_power_of_two().min(most) as u32
}

/// The bucket of a hash among `buckets`, of which there is at least one.
pub fn bucket_of(hash: u32, buckets: u32) -> u32 {
    let bits = buckets.max(1).ilog2();
    let wide = (u64::from(hash) & ((2u64 << bits) - 1)) as u32;
    if wide < buckets { wide } else { (u64::from(hash) & ((1u64 << bits) - 1)) as u32 }
}

/// Which directory page names a bucket, and where in it.
pub fn directory_place(bucket: u32) -> (usize, usize) {
    (bucket as usize / PER_DIRECTORY, bucket as usize % PER_DIRECTORY)
}

/// The block at `place` of a directory page; 0 where there is none.
pub fn directory_entry(page: &[u8], place: usize) -> u32 {
    read_u32(page, FIRST_SLOT + 4 * place)
}

/// Writes the block at `place` of a directory page.
pub fn set_directory_entry(page: &mut [u8], place: usize, block: u32) {
    write_u32(page, FIRST_SLOT + 4 * place, block);
}

/// A bucket page: number of entries 0..2, bits of the hash that select it 2, its own number 4..8, then entries of hash and identifier.
#[derive(Clone, Copy)]
pub struct Bucket<'a> {
    bytes: &'a [u8],
}

impl<'a> Bucket<'a> {
    /// The most entries of a bucket.
    pub const CAPACITY: usize = (SPECIAL - FIRST_SLOT - BUCKET_HEADER) / ENTRY;
    /// Entries from which on the table grows.
    pub const FULL: usize = Self::CAPACITY * 9 / 10;

    /// The bucket on a page.
    pub fn new(page: &'a [u8]) -> Bucket<'a> {
        Bucket { bytes: &page[FIRST_SLOT..SPECIAL] }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        usize::from(read_u16(self.bytes, 0)).min(Self::CAPACITY)
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether entries with this hash belong here.
    pub fn takes(&self, hash: u32) -> bool {
        let mask = (1u64 << self.bytes[2].min(32)) - 1;
        u64::from(hash) & mask == u64::from(read_u32(self.bytes, 4))
    }

    /// The entries.
    pub fn entries(&self) -> impl Iterator<Item = BucketEntry> + use<'a> {
        let bytes = &self.bytes[BUCKET_HEADER..BUCKET_HEADER + ENTRY * self.len()];
        bytes.chunks_exact(ENTRY).map(|entry| BucketEntry { hash: read_u32(entry, 0), id: read_u32(entry, 4) })
    }
}

/// A bucket page, to write; see [`Bucket`].
pub struct BucketMut<'a> {
    bytes: &'a mut [u8],
}

impl<'a> BucketMut<'a> {
    /// The bucket on a page.
    pub fn new(page: &'a mut [u8]) -> BucketMut<'a> {
        BucketMut { bytes: &mut page[FIRST_SLOT..SPECIAL] }
    }

    /// The same, to read.
    pub fn view(&self) -> Bucket<'_> {
        Bucket { bytes: self.bytes }
    }

    /// Makes it bucket `number` of `buckets`, in place of what it was.
    pub fn set_number(&mut self, number: u32, buckets: u32) {
        let bits = buckets.max(1).ilog2();
        // What was split already, or is a new half, is selected by one bit more.
        let split = number >= 1 << bits || number < buckets - (1 << bits);
        self.bytes[2] = bits as u8 + u8::from(split);
        write_u32(self.bytes, 4, number);
    }

    /// Adds an entry; false where the bucket is full.
    pub fn push(&mut self, entry: BucketEntry) -> bool {
        let count = self.view().len();
        if count >= Bucket::CAPACITY {
            return false;
        }
        self.write(count, entry);
        write_u16(self.bytes, 0, count as u16 + 1);
        true
    }

    /// Removes the entries that `unwanted` names; the last ones take their places.
    pub fn remove(&mut self, unwanted: impl Fn(BucketEntry) -> bool) {
        let mut count = self.view().len();
        let mut place = 0;
        while place < count {
            if !unwanted(self.read(place)) {
                place += 1;
                continue;
            }
            count -= 1;
            let last = self.read(count);
            self.write(place, last);
            self.write(count, BucketEntry { hash: 0, id: 0 });
        }
        write_u16(self.bytes, 0, count as u16);
    }

    fn read(&self, place: usize) -> BucketEntry {
        let at = BUCKET_HEADER + ENTRY * place;
        BucketEntry { hash: read_u32(self.bytes, at), id: read_u32(self.bytes, at + 4) }
    }

    fn write(&mut self, place: usize, entry: BucketEntry) {
        let at = BUCKET_HEADER + ENTRY * place;
        write_u32(self.bytes, at, entry.hash);
        write_u32(self.bytes, at + 4, entry.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    proptest! {
        #[test]
        fn a_table_that_grows_bucket_by_bucket_loses_no_entry(hashes in proptest::collection::hash_set(any::<u32>(), 0..400), growth in 1u32..60) {
            let mut pages = vec![vec![0u8; PAGE_SIZE]];
            BucketMut::new(&mut pages[0]).set_number(0, 1);
            let entries: HashSet<BucketEntry> = hashes.iter().map(|hash| BucketEntry { hash: *hash, id: hash ^ 1 }).collect();
            for entry in &entries {
                prop_assert!(BucketMut::new(&mut pages[0]).push(*entry));
            }
            for new in 1..=growth {
                let old = new - (1 << new.ilog2());
                let moved: Vec<BucketEntry> = Bucket::new(&pages[old as usize]).entries().filter(|entry| bucket_of(entry.hash, new + 1) == new).collect();
                let mut bucket = BucketMut::new(&mut pages[old as usize]);
                bucket.remove(|entry| moved.contains(&entry));
                bucket.set_number(old, new + 1);
                let mut page = vec![0u8; PAGE_SIZE];
                let mut bucket = BucketMut::new(&mut page);
                bucket.set_number(new, new + 1);
                moved.iter().for_each(|entry| assert!(bucket.push(*entry)));
                pages.push(page);
                let mut found = HashSet::new();
                for (number, page) in (0u32..).zip(&pages) {
                    for entry in Bucket::new(page).entries() {
                        prop_assert_eq!(bucket_of(entry.hash, new + 1), number);
                        prop_assert!(found.insert(entry));
                    }
                }
                prop_assert_eq!(&found, &entries);
                for hash in &hashes {
                    let bucket = bucket_of(*hash, new + 1);
                    for (number, page) in (0u32..).zip(&pages) {
                        prop_assert_eq!(Bucket::new(page).takes(*hash), number == bucket);
                    }
                }
            }
        }
    }

    #[test]
    fn a_full_bucket_refuses_and_takes_again_after_a_removal() {
        let mut page = vec![0u8; PAGE_SIZE];
        let mut bucket = BucketMut::new(&mut page);
        for number in 0..Bucket::CAPACITY as u32 {
            assert!(bucket.push(BucketEntry { hash: number, id: number }));
        }
        assert!(!bucket.push(BucketEntry { hash: 1, id: 1 }));
        bucket.remove(|entry| entry.id % 2 == 0);
        assert_eq!(bucket.view().len(), Bucket::CAPACITY / 2);
        assert!(bucket.view().entries().all(|entry| entry.id % 2 == 1));
        assert!(bucket.push(BucketEntry { hash: 1, id: 1 }));
        assert!(page[..FIRST_SLOT].iter().chain(&page[SPECIAL..]).all(|byte| *byte == 0));
    }
}
