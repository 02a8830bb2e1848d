//! The pool of embedding workers, which a server that preloads the extension has.
//!
//! A crash or a SIGKILL of any PostgreSQL process ends every connection of the server, and the runtime is native code.
//! So a worker (`worker`), a background worker of PostgreSQL, runs none of it: it drives a helper process of its own
//! (`helper`), an exec'ed `sutra-embedder` that shares nothing with the server but one end of a socket pair. A helper
//! that dies or wedges is replaced, and what it had is asked again.
//!
//! Sessions (`client`) and workers meet in shared memory (`memory`), in the queue of `sutra_embedder::queue`. Its lock
//! is a leaf: nothing else is locked, waited for or allocated while it is held.

mod client;
mod helper;
mod memory;
mod worker;

pub use client::embed;
pub use memory::{init, is_usable, statistics};
