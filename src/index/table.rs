//! The table that finds nodes by the hash of their vector. It spares an update of another column the search, and makes every vector of the
//! index find itself. Locks: meta page, directory page, old bucket, new bucket; an insert locks a bucket after the pages of its node.

use super::pages::{self, Change};
use super::store::{Index, corrupt};
use pgrx::pg_sys;
use sutra_hnsw::layout::{
    Bucket, BucketEntry, BucketMut, Link, MAX_DIRECTORIES, Meta, PageKind, State, bucket_of, directory_entry,
    directory_place, set_directory_entry,
};

/// Attempts to read a bucket that others split meanwhile.
const ATTEMPTS: usize = 16;

impl Index {
    /// The block of a bucket.
    fn block_of_bucket(&self, bucket: u32) -> Option<u32> {
        let (number, place) = directory_place(bucket);
        let directory = self.read(0, |page| Meta::directory(page, number));
        self.bucket_in(directory, place)
    }

    fn bucket_in(&self, directory: u32, place: usize) -> Option<u32> {
        if directory == 0 {
            return None;
        }
        let block = self.read(directory, |page| match PageKind::of(page) {
            Some(PageKind::Directory) => directory_entry(page, place),
            _ => 0,
        });
        (block != 0).then_some(block)
    }

    /// The block of the bucket that takes entries with this hash; None while there is no table.
    pub(super) fn bucket_block(&self, hash: u32) -> Option<u32> {
        let (directory, place) = self.read(0, |page| {
            let meta = Meta::read(page).ok().filter(|meta| meta.buckets > 0)?;
            let (number, place) = directory_place(bucket_of(hash, meta.buckets));
            Some((Meta::directory(page, number), place))
        })?;
        self.bucket_in(directory, place)
    }

    /// The live nodes whose vector has this hash.
    pub fn nodes_with(&self, hash: u32) -> Vec<Link> {
        let mut ids: Vec<u32> = Vec::new();
        for _ in 0..ATTEMPTS {
            let Some(block) = self.bucket_block(hash) else { return Vec::new() };
            let right = self.read(block, |page| {
                let right = PageKind::of(page) == Some(PageKind::Bucket) && Bucket::new(page).takes(hash);
                if right {
                    ids.extend(Bucket::new(page).entries().filter(|entry| entry.hash == hash).map(|entry| entry.id));
                }
                right
            });
            if right {
                break;
            }
        }
        let layout = self.layout;
        let link = |id: &u32| {
            self.read(layout.block(*id), |page| {
                let node = layout.node(page, *id);
                let found =
                    PageKind::of(page) == Some(PageKind::Node) && node.state() == State::Live && node.hash() == hash;
                found.then(|| Link { id: *id, generation: node.generation() })
            })
        };
        ids.iter().filter_map(link).collect()
    }

    /// Adds a bucket to the table, which takes its share of an older one. Nothing happens where somebody else was faster or the table has
    /// its largest size: a node that is in no bucket is still found by search.
    pub(super) fn grow_table(&self) {
        let buckets = self.meta().buckets;
        let (number, place) = directory_place(buckets);
        if number >= MAX_DIRECTORIES {
            return;
        }
        let old_number = buckets.checked_ilog2().map(|bits| buckets - (1 << bits));
        let old_block = match old_number {
            None => None,
            Some(old) => match self.block_of_bucket(old) {
                Some(block) => Some(block),
                None => return,
            },
        };
        let extend = || pages::extend(self.relation, pg_sys::ForkNumber::MAIN_FORKNUM, |_| {});
        let new_directory = if place == 0 { extend() } else { 0 };
        let new_block = extend();
        let mut change = Change::begin(self.relation, self.logging);
        let head = change.lock(0);
        let Ok(mut meta) = Meta::read(change.page(head)) else { return };
        let give_up = |change: Change| {
            drop(change);
            let unused = [new_directory, new_block].into_iter().filter(|block| *block != 0);
            unused.for_each(|block| self.adopt(PageKind::Node, block));
        };
        if meta.buckets != buckets {
            return give_up(change);
        }
        let directory = if place == 0 { new_directory } else { Meta::directory(change.page(head), number) };
        let at_directory = change.lock_chained(directory);
        if place == 0 {
            if !pages::is_new(change.page(at_directory)) {
                return give_up(change);
            }
            change.init(at_directory, PageKind::Directory);
            Meta::set_directory(change.page_mut(head), number, directory);
        }
        let old = old_block.map(|block| change.lock_chained(block));
        old.iter().for_each(|at| self.check_bucket(change.page(*at)));
        let new = change.lock_chained(new_block);
        if !pages::is_new(change.page(new)) {
            return give_up(change);
        }
        change.init(new, PageKind::Bucket);
        meta.buckets += 1;
        BucketMut::new(change.page_mut(new)).set_number(buckets, meta.buckets);
        if let (Some(old), Some(old_number)) = (old, old_number) {
            let belongs = |entry: &BucketEntry| bucket_of(entry.hash, meta.buckets) == buckets;
            let moved: Vec<BucketEntry> = Bucket::new(change.page(old)).entries().filter(belongs).collect();
            let mut bucket = BucketMut::new(change.page_mut(old));
            bucket.remove(|entry| belongs(&entry));
            bucket.set_number(old_number, meta.buckets);
            let mut bucket = BucketMut::new(change.page_mut(new));
            moved.into_iter().for_each(|entry| {
                bucket.push(entry);
            });
        }
        set_directory_entry(change.page_mut(at_directory), place, new_block);
        meta.write(change.page_mut(head));
        change.finish();
    }

    /// Raises an error where the directory named a page that is no bucket, before it is written to.
    fn check_bucket(&self, page: &[u8]) {
        if PageKind::of(page) != Some(PageKind::Bucket) {
            corrupt(self.relation, "The directory names a page that is no bucket.")
        }
    }

    /// Every bucket's block, those included that are added meanwhile.
    pub fn for_each_bucket(&self, mut body: impl FnMut(u32)) {
        let mut bucket = 0;
        while bucket < self.meta().buckets {
            pages::check_for_interrupts();
            if bucket >= pages::block_count(self.relation) {
                corrupt(self.relation, "The meta page tells of more buckets than there are pages.")
            }
            if let Some(block) = self.block_of_bucket(bucket) {
                body(block);
            }
            bucket += 1;
        }
    }

    /// Removes the entries of the nodes that `gone` names.
    pub fn forget(&self, pause: impl Fn(), gone: impl Fn(u32) -> bool) {
        self.for_each_bucket(|block| {
            pause();
            if !self.read(block, |page| Bucket::new(page).entries().any(|entry| gone(entry.id))) {
                return;
            }
            let mut change = Change::begin(self.relation, self.logging);
            let at = change.lock(block);
            self.check_bucket(change.page(at));
            BucketMut::new(change.page_mut(at)).remove(|entry| gone(entry.id));
            change.finish();
        });
    }

    fn read<R>(&self, block: u32, body: impl FnOnce(&[u8]) -> R) -> R {
        pages::read(self.relation, block, std::ptr::null_mut(), body)
    }
}
