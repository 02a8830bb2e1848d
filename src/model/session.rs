//! The models that this backend has loaded.

use crate::model::failure::raise_embedder;
use crate::model::{registry, statistics};
use crate::settings;
use pgrx::prelude::*;
use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use sutra_embedder::{Encoder, Purpose};

/// Models kept loaded in one backend: the active one and another, so that comparing two does not load them in turn.
const LOADED_LIMIT: usize = 2;

/// What a loaded model depends on; when one of these changes it is loaded again.
#[derive(Clone, PartialEq, Eq)]
struct Key {
    folder: PathBuf,
    library: PathBuf,
    threads: i32,
}

struct Loaded {
    key: Key,
    encoder: Encoder,
}

thread_local! {
    // A backend is one thread. The most recently used comes last.
    static LOADED: RefCell<Vec<Loaded>> = const { RefCell::new(Vec::new()) };
    static EXIT_REGISTERED: Cell<bool> = const { Cell::new(false) };
}

/// The vectors of `texts`, in their order, by the model of that name. Raises an ERROR where it fails.
pub fn embed(model: &str, texts: &[&str], purpose: Purpose) -> Vec<Vec<f32>> {
    Lease::take(model).encode(texts, purpose)
}

/// Loads the model unless it is loaded, and runs it on a text of its maximum length. Raises an ERROR where it fails.
pub fn try_out(model: &str) {
    let mut lease = Lease::take(model);
    if let Err(error) = lease.loaded().encoder.check_maximum_tokens() {
        raise_embedder(model, error);
    }
}

/// A loaded model, taken out of the list while it is in use and put back when dropped, by an ERROR too. So an ERROR
/// that unwinds leaves no borrow behind, and code that runs inside may itself embed.
struct Lease {
    model: String,
    loaded: Option<Loaded>,
}

impl Lease {
    fn take(model: &str) -> Self {
        let key = Key {
            folder: registry::folder(model),
            library: registry::runtime_library(),
            threads: settings::EMBEDDING_THREADS.get(),
        };
        let found = LOADED.with_borrow_mut(|loaded| {
            let position = loaded.iter().position(|loaded| loaded.key == key)?;
            Some(loaded.remove(position))
        });
        let loaded = found.unwrap_or_else(|| load(model, key));
        Self { model: model.to_owned(), loaded: Some(loaded) }
    }

    fn loaded(&mut self) -> &mut Loaded {
        match self.loaded.as_mut() {
            Some(loaded) => loaded,
            None => unreachable!("a lease holds its model until it is dropped"),
        }
    }

    fn encode(&mut self, texts: &[&str], purpose: Purpose) -> Vec<Vec<f32>> {
        let mut go_on = || {
            check_for_interrupts!();
            true
        };
        let encoder = &mut self.loaded().encoder;
        let before = encoder.usage();
        let result = encoder.encode(texts, purpose, &mut go_on);
        statistics::count(&encoder.usage().since(&before));
        result.unwrap_or_else(|error| raise_embedder(&self.model, error))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(back) = self.loaded.take() else { return };
        // During the destruction of thread-local values there is no list any more; then the model is just dropped.
        let _ = LOADED.try_with(|loaded| {
            let mut loaded = loaded.borrow_mut();
            // The same model for another number of threads, or from another folder, is of no use any more.
            loaded.retain(|other| other.encoder.manifest().name != back.encoder.manifest().name);
            loaded.push(back);
            if loaded.len() > LOADED_LIMIT {
                loaded.remove(0);
            }
        });
    }
}

fn load(model: &str, key: Key) -> Loaded {
    // Reading the manifest first tells an unknown model from a damaged installation.
    let manifest = registry::manifest(model);
    registry::check_unchanged(&manifest);
    // A reload must not hold two copies in memory.
    LOADED.with_borrow_mut(|loaded| loaded.retain(|other| other.encoder.manifest().name != model));
    check_for_interrupts!();
    let encoder = Encoder::open(&key.folder, &key.library, key.threads.max(1) as usize)
        .unwrap_or_else(|error| raise_embedder(model, error));
    release_at_exit();
    Loaded { key, encoder }
}

/// ONNX Runtime's threads must be gone before its static destructors run, which is when the process calls exit().
fn release_at_exit() {
    #[pg_guard]
    unsafe extern "C-unwind" fn release(_code: std::ffi::c_int, _argument: pg_sys::Datum) {
        LOADED.with_borrow_mut(Vec::clear);
    }
    if !EXIT_REGISTERED.replace(true) {
        // SAFETY: the callback takes no argument and lives as long as the library, which is never unloaded.
        unsafe { pg_sys::on_proc_exit(Some(release), pg_sys::Datum::from(0)) };
    }
}
