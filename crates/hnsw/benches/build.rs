//! Our in-memory builder beside hnsw_rs over the same codes and distance: `cargo bench -p sutra_hnsw --bench build [rows [threads]]`.
//!
//! Prints the wall time of each build and the bytes that each process image grew by. Vectors are mixtures of a few directions, so that they
//! have neighbourhoods as embeddings do.

use hnsw_rs::prelude::{Distance as Measure, Hnsw};
use rand::{Rng, SeedableRng};
use rayon::prelude::*;
use std::time::Instant;
use sutra_hnsw::build::Builder;
use sutra_hnsw::code::{CodeRef, Coded, Distance, between};
use sutra_hnsw::insert::level_of;
use sutra_hnsw::layout::{HeapTid, Layout};

const DIMENSIONS: usize = 384;
const M: usize = 16;
const EF_CONSTRUCTION: usize = 64;
const BATCH: usize = 256;

struct Codes;

fn unpack(bytes: &[u8]) -> CodeRef<'_> {
    let float = |at: usize| f32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    CodeRef { scale: float(0), norm: float(4), error: 0.0, hash: 0, code: &bytes[8..] }
}

impl Measure<u8> for Codes {
    fn eval(&self, left: &[u8], right: &[u8]) -> f32 {
        between(Distance::L2, unpack(left), unpack(right))
    }
}

/// Bytes of private memory of this process, where the system tells.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok()).unwrap_or(0) * 1024
}

fn report(name: &str, rows: usize, build: impl FnOnce() -> usize) {
    let before = resident();
    let start = Instant::now();
    let after = build();
    println!("{name:8} {:7.2} s, {} bytes a row", start.elapsed().as_secs_f64(), after.saturating_sub(before) / rows);
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    let (rows, threads) = (arguments.next().unwrap_or(5_000), arguments.next().unwrap_or(2));
    let mut random = rand::rngs::StdRng::seed_from_u64(1);
    let mut direction = || (0..DIMENSIONS).map(|_| random.random_range(-1.0f32..1.0)).collect::<Vec<f32>>();
    let directions: Vec<Vec<f32>> = (0..200).map(|_| direction()).collect();
    let mut random = rand::rngs::StdRng::seed_from_u64(2);
    let codes: Vec<Coded> = (0..rows)
        .filter_map(|_| {
            let mut vector = vec![0.0f32; DIMENSIONS];
            for _ in 0..4 {
                let (weight, chosen) = (random.random_range(0.2f32..1.0), random.random_range(0..directions.len()));
                vector.iter_mut().zip(&directions[chosen]).for_each(|(sum, value)| *sum += weight * value);
            }
            Coded::new(Distance::L2, &vector)
        })
        .collect();

    report("ours", rows, || {
        let Some(layout) = Layout::new(DIMENSIONS, M) else { return 0 };
        let Ok(mut builder) = Builder::new(layout, Distance::L2, EF_CONSTRUCTION, threads) else { return 0 };
        for (number, batch) in codes.chunks(BATCH).enumerate() {
            let batch: Vec<(Coded, u8)> = (number * BATCH..)
                .zip(batch)
                .map(|(row, coded)| {
                    (coded.clone(), level_of(HeapTid { block: row as u32, offset: 1 }, 0, M, layout.max_level()))
                })
                .collect();
            builder.add(&batch);
        }
        let after = resident();
        let (_, relinked) = builder.finish();
        println!("         {relinked} nodes relinked");
        after
    });
    report("hnsw_rs", rows, || {
        let Ok(pool) = rayon::ThreadPoolBuilder::new().num_threads(threads).build() else { return 0 };
        let graph = Hnsw::new(M, 1000, 16, EF_CONSTRUCTION, Codes);
        for (number, batch) in codes.chunks(BATCH).enumerate() {
            pool.install(|| {
                batch.par_iter().enumerate().for_each(|(place, coded)| {
                    let mut bytes = coded.scale.to_le_bytes().to_vec();
                    bytes.extend_from_slice(&coded.norm.to_le_bytes());
                    bytes.extend_from_slice(&coded.code);
                    graph.insert((&bytes, number * BATCH + place));
                });
            });
        }
        resident()
    });
}
