//! Recent vectors of single texts, bounded in bytes.

use lru::LruCache;
use sutra_embedder::Purpose;

/// What an entry takes besides its text and its vector: two links, a hash slot, three lengths.
const OVERHEAD: usize = 128;

/// The vectors of the texts that were embedded one at a time most recently.
pub struct VectorCache {
    entries: LruCache<(u32, Purpose, String), Vec<f32>>,
    bytes: usize,
}

impl VectorCache {
    /// An empty cache.
    pub fn new() -> Self {
        Self { entries: LruCache::unbounded(), bytes: 0 }
    }

    /// Bytes that the entries take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The vector of `text` by the model of that number, if it is still there.
    pub fn get(&mut self, model: u32, purpose: Purpose, text: &str) -> Option<Vec<f32>> {
        if self.entries.is_empty() {
            return None;
        }
        self.entries.get(&(model, purpose, text.to_owned())).cloned()
    }

    /// Keeps a vector, and drops the least recently used ones until all take `limit` bytes at most.
    pub fn put(&mut self, model: u32, purpose: Purpose, text: &str, vector: &[f32], limit: usize) {
        let bytes = size_of_entry(text, vector);
        // One long text must not drive out all the others.
        if bytes <= limit / 4 && self.entries.put((model, purpose, text.to_owned()), vector.to_vec()).is_none() {
            self.bytes += bytes;
        }
        while self.bytes > limit
            && let Some(((_, _, text), vector)) = self.entries.pop_lru()
        {
            self.bytes -= size_of_entry(&text, &vector);
        }
    }
}

fn size_of_entry(text: &str, vector: &[f32]) -> usize {
    text.len() + size_of_val(vector) + OVERHEAD
}
