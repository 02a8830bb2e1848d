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

/// How a build learns that it is to be interrupted.
#[derive(Clone, Copy)]
pub struct Interrupts {
    /// Whether there is an interrupt to serve; called on every thread, after each node.
    pub pending: fn() -> bool,
    /// Serves interrupts; called on the caller's thread only, and need not return.
    pub serve: fn(),
}

impl Default for Interrupts {
    fn default() -> Interrupts {
        Interrupts { pending: || false, serve: || {} }
    }
}

/// Builds a graph in memory from batches of codes.
pub struct Builder {
    graph: Concurrent,
    pool: rayon::ThreadPool,
    ef_construction: usize,
    interrupts: Interrupts,
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
        Ok(Builder {
            graph: Concurrent::new(layout, distance),
            pool,
            ef_construction,
            interrupts: Interrupts::default(),
        })
    }

    /// The same builder, which serves interrupts.
    pub fn with_interrupts(mut self, interrupts: Interrupts) -> Builder {
        self.interrupts = interrupts;
        self.graph.set_serve(interrupts.serve);
        self
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
        let mut nodes: Vec<u32> = batch.iter().map(|(coded, level)| self.graph.push(coded, *level)).collect();
        let mut pending = self.interrupts.pending;
        loop {
            let left = self.connect(&nodes, pending);
            (self.interrupts.serve)();
            if left.is_empty() {
                return;
            }
            // An interrupt that stays pending although it was served must not keep the nodes from being linked.
            if left.len() == nodes.len() {
                pending = || false;
            }
            nodes = left;
        }
    }

    /// Links nodes until `pending`; returns those that are left.
    fn connect(&self, nodes: &[u32], pending: fn() -> bool) -> Vec<u32> {
        let (graph, ef_construction) = (&self.graph, self.ef_construction);
        self.pool.install(|| {
            nodes
                .par_iter()
                .with_max_len(8)
                .map_init(
                    || Worker::new(graph),
                    |worker, node| {
                        if pending() {
                            return Some(*node);
                        }
                        worker.connect(*node, ef_construction);
                        None
                    },
                )
                .flatten()
                .collect()
        })
    }

    /// The graph, with every node reachable on level 0 from the entry point, and the number of nodes that were not before.
    pub fn finish(self) -> (Concurrent, usize) {
        let relinked = self.graph.reconnect();
        (self.graph, relinked)
    }
}

#[cfg(test)]
mod tests;
