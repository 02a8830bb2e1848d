//! HNSW over pages: distance kernels, page codec, graph search, insert and repair.

pub mod kernels;
