//! The in-memory graph of a bulk build, on threads of its own.

pub mod concurrent;

use crate::code::{Coded, Distance};
use crate::layout::Layout;
use concurrent::{Concurrent, Worker};
use rayon::prelude::*;

/// Why a build could not start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The operating system refused a thread.
    #[error("could not start the threads of the build: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// Builds a graph in memory from batches of codes.
pub struct Builder {
    graph: Concurrent,
    pool: rayon::ThreadPool,
    ef_construction: usize,
}

impl Builder {
    /// A builder with `threads` threads. The caller blocks signals around this call: threads inherit the mask.
    ///
    /// # Errors
    /// Where a thread cannot be started.
    pub fn new(
        layout: Layout,
        distance: Distance,
        ef_construction: usize,
        threads: usize,
    ) -> Result<Builder, BuildError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        Ok(Builder { graph: Concurrent::new(layout, distance), pool, ef_construction })
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.graph.len()
    }

    /// Whether there is no node yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds nodes with their levels and waits until they are linked; they get the next numbers in order.
    pub fn add(&mut self, batch: &[(Coded, u8)]) {
        let nodes: Vec<u32> = batch.iter().map(|(coded, level)| self.graph.push(coded, *level)).collect();
        let (graph, ef_construction) = (&self.graph, self.ef_construction);
        self.pool.install(|| {
            nodes
                .par_iter()
                .with_max_len(8)
                .for_each_init(|| Worker::new(graph), |worker, node| worker.connect(*node, ef_construction));
        });
    }

    /// The graph, with every node reachable on level 0 from the entry point, and the number of nodes that were not before.
    pub fn finish(self) -> (Concurrent, usize) {
        let relinked = self.graph.reconnect();
        (self.graph, relinked)
    }
}

#[cfg(test)]
mod tests;
