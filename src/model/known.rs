//! What this session knows of the models that it uses, so that it need not read their manifests at each call.

use crate::model::registry;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use sutra_embedder::protocol::ModelKey;

/// A model of which the manifest was read, and that is the one that this database has vectors of.
pub struct Known {
    /// Where it is and which file it is.
    pub key: ModelKey,
    /// Digest of the key.
    pub digest: [u8; 32],
    /// Dimension of its vectors.
    pub dimension: usize,
    /// Tokens that it reads of a text.
    pub maximum_tokens: usize,
    /// A number of its own in this session.
    pub number: u32,
}

thread_local! {
    // A backend is one thread.
    static KNOWN: RefCell<Vec<Rc<Known>>> = const { RefCell::new(Vec::new()) };
    static NEXT: Cell<u32> = const { Cell::new(0) };
}

/// The model of that name, by the settings of now. Raises an ERROR when it is not installed, or has changed since the
/// vectors of this database were made with it.
pub fn known(model: &str) -> Rc<Known> {
    let (folder, library) = (registry::folder(model), registry::runtime_library());
    let same = |known: &&Rc<Known>| known.key.folder == folder && known.key.library == library;
    if let Some(known) = KNOWN.with_borrow(|all| all.iter().find(same).cloned()) {
        return known;
    }
    let manifest = registry::manifest(model);
    registry::check_unchanged(&manifest);
    let key = ModelKey { folder, library, sha256: manifest.model.sha256 };
    let known = Rc::new(Known {
        digest: key.digest(),
        key,
        dimension: manifest.dimension,
        maximum_tokens: manifest.maximum_tokens,
        number: NEXT.replace(NEXT.get() + 1),
    });
    KNOWN.with_borrow_mut(|all| all.push(known.clone()));
    known
}

/// Forgets a model that could not be used: its files may be others the next time.
pub fn forget(known: &Known) {
    KNOWN.with_borrow_mut(|all| all.retain(|other| other.number != known.number));
}
