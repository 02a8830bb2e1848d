//! Names of models, their folders, and the table sutra.model.

use crate::error::raise;
use crate::model::failure::raise_embedder;
use crate::model::registered::{self, View};
use crate::owner::as_owner;
use crate::settings;
use pgrx::prelude::*;
use std::cell::RefCell;
use std::ffi::CStr;
use std::path::PathBuf;
use sutra_embedder::{EmbedderError, Manifest};

/// File name of the ONNX Runtime library that is installed with the extension.
const RUNTIME_LIBRARY: &str = "libonnxruntime.so.1.32.0";

/// The model of a database in which none was used yet.
pub const DEFAULT_MODEL: &str = "all-MiniLM-L6-v2";

/// Longest identifier of PostgreSQL, in bytes.
const IDENTIFIER_LIMIT: usize = 63;

/// The model that learning and asking use in this session.
#[derive(Clone, Debug)]
pub struct ActiveModel {
    /// Its name.
    pub name: String,
    /// Dimension of its vectors.
    pub dimension: usize,
    /// The table of its vectors, ready to stand in SQL. It exists after `ensure_vector_table`.
    pub table: String,
}

thread_local! {
    // The one asked for last: its folder, so that a change of sutra.model_folder is seen, and what its manifest says.
    static ACTIVE: RefCell<Option<(PathBuf, ActiveModel)>> = const { RefCell::new(None) };
}

/// The model that this session uses. Raises an ERROR when it is not installed.
pub fn active() -> ActiveModel {
    named(active_name())
}

/// The model of that name, which is checked. Raises an ERROR when it is not installed.
pub fn named(name: String) -> ActiveModel {
    let folder = folder(&name);
    let known = ACTIVE.with_borrow(|active| match active {
        Some((of, model)) if *of == folder => Some(model.clone()),
        _ => None,
    });
    if let Some(model) = known {
        return model;
    }
    let manifest = manifest(&name);
    let model = ActiveModel { dimension: manifest.dimension, table: format!("sutra.{}", table_name(&name)), name };
    ACTIVE.set(Some((folder, model.clone())));
    model
}

/// The model that this session uses: the one in the setting `sutra.model`, or that of the database. Checked.
pub fn active_name() -> String {
    active_name_by(View::Caller)
}

fn active_name_by(view: View) -> String {
    let name = match settings::text(&settings::MODEL) {
        name if name.is_empty() => database_model_by(view),
        name => name,
    };
    check_name(&name);
    name
}

/// The model that this database uses where a session does not say otherwise.
pub fn database_model() -> String {
    database_model_by(View::Caller)
}

fn database_model_by(view: View) -> String {
    let active = registered::find(view, |model| model.active);
    active.map_or_else(|| DEFAULT_MODEL.to_owned(), |model| model.name)
}

/// The active model of a transaction that learns. Until the transaction ends the database's model does not change, so
/// that whatever is learned with the former one is there when a change of models looks for what is left to embed.
pub fn active_for_learning() -> ActiveModel {
    // SAFETY: the lock is that of LOCK TABLE, released at the end of the transaction.
    unsafe { pg_sys::LockRelationOid(registered::table(), pg_sys::RowShareLock as i32) };
    // Whoever had to wait for a change, or whose snapshot is older than one, must see it.
    named(active_name_by(View::Latest))
}

/// Takes the lock under which the database's model changes, unless a transaction that learns is under way and `wait`
/// is false; whether it was taken.
pub fn lock_out_learners(wait: bool) -> bool {
    let mode = pg_sys::ExclusiveLock as i32;
    // SAFETY: as in `active_for_learning`.
    unsafe {
        if wait {
            pg_sys::LockRelationOid(registered::table(), mode);
            return true;
        }
        pg_sys::ConditionalLockRelationOid(registered::table(), mode)
    }
}

/// Makes a registered model that of the database. The caller holds the lock of [`lock_out_learners`].
pub fn make_active(model: &str) {
    let changed = as_owner(|| {
        Spi::run_with_args(
            "UPDATE sutra.model SET active = name OPERATOR(pg_catalog.=) $1
             WHERE active OPERATOR(pg_catalog.<>) (name OPERATOR(pg_catalog.=) $1)",
            &[model.into()],
        )
    });
    if let Err(error) = changed {
        error!("could not change the embedding model of this database: {error}");
    }
}

/// Refuses a name that could not be a model's; what passes is also a plain folder name.
pub fn check_name(name: &str) {
    if !is_name(name) {
        raise(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("invalid name of an embedding model: \"{}\"", name.chars().take(80).collect::<String>()),
            "A name starts with a letter or a digit and has up to 63 letters, digits, dots, hyphens and underscores.",
            "SELECT name FROM sutra.models lists the models.",
        );
    }
}

/// Whether this could be a model's name.
pub fn is_name(name: &str) -> bool {
    let character = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    name.len() <= 63 && name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric) && name.bytes().all(character)
}

/// The folder that holds the model folders.
pub fn model_folder() -> PathBuf {
    let setting = settings::text(&settings::MODEL_FOLDER);
    if !setting.is_empty() {
        return PathBuf::from(setting);
    }
    let mut share = [0 as std::ffi::c_char; pg_sys::MAXPGPATH as usize];
    // SAFETY: get_share_path writes at most MAXPGPATH bytes, NUL included; my_exec_path is set when the server starts.
    let share = unsafe {
        pg_sys::get_share_path((&raw const pg_sys::my_exec_path).cast(), share.as_mut_ptr());
        CStr::from_ptr(share.as_ptr())
    };
    PathBuf::from(share.to_string_lossy().into_owned()).join("extension/sutra/models")
}

/// The folder of a model whose name is checked.
pub fn folder(name: &str) -> PathBuf {
    model_folder().join(name)
}

/// The ONNX Runtime library to load.
pub fn runtime_library() -> PathBuf {
    let setting = settings::text(&settings::RUNTIME_LIBRARY);
    if !setting.is_empty() {
        return PathBuf::from(setting);
    }
    // SAFETY: pkglib_path is a NUL-terminated array that is set when the server starts.
    let folder = unsafe { CStr::from_ptr((&raw const pg_sys::pkglib_path).cast()) };
    PathBuf::from(folder.to_string_lossy().into_owned()).join(RUNTIME_LIBRARY)
}

/// The manifest of a model whose name is checked.
pub fn manifest(name: &str) -> Manifest {
    let folder = folder(name);
    let manifest = Manifest::read(&folder).unwrap_or_else(|error| raise_embedder(name, error));
    if manifest.name != name {
        let path = folder.join(sutra_embedder::MANIFEST_FILE);
        let reason = format!("it names the model \"{}\", its folder is \"{name}\"", manifest.name);
        raise_embedder(name, EmbedderError::Manifest { path, reason });
    }
    manifest
}

/// The manifests of all installed models that have a valid one, by name.
pub fn installed() -> Vec<Manifest> {
    let Ok(entries) = std::fs::read_dir(model_folder()) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut manifests: Vec<Manifest> = names
        .filter(|name| is_name(name))
        .filter_map(|name| Manifest::read(&folder(&name)).ok().filter(|manifest| manifest.name == name))
        .collect();
    manifests.sort_by(|a, b| a.name.cmp(&b.name));
    manifests
}

/// The bytes of the files of each installed model.
pub fn file_sizes() -> Vec<(String, u64)> {
    fn size(folder: &std::path::Path) -> u64 {
        let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        let sizes = entries.map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => size(&entry.path()),
            Ok(data) => data.len(),
            Err(_) => 0,
        });
        sizes.sum()
    }
    installed().into_iter().map(|manifest| (manifest.name.clone(), size(&folder(&manifest.name)))).collect()
}

/// The unquoted name of the table in schema sutra that holds the vectors of a model: letters, digits and underscores,
/// and no key word, because it starts with `vector_`.
pub fn table_name(model: &str) -> String {
    let lower = model.to_ascii_lowercase();
    let plain: String = lower.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let name = format!("vector_{plain}");
    if name.len() <= IDENTIFIER_LIMIT {
        return name;
    }
    // Longer than an identifier: the end makes way for a number that keeps two long names apart (FNV-1a).
    let hash = model
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{}_{:08x}", &name[..IDENTIFIER_LIMIT - 9], hash as u32)
}

/// Refuses a model whose ONNX file is not the one that the vectors of this database were made with.
pub fn check_unchanged(manifest: &Manifest) {
    let Some(registered) = registered::find(View::Caller, |model| model.name == manifest.name) else { return };
    let sha256: String = registered.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    if sha256 != manifest.model.sha256 {
        raise(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("embedding model \"{}\" has changed since its vectors were made", manifest.name),
            &format!(
                "This database has vectors of the model with SHA-256 {sha256}, installed is {}.",
                manifest.model.sha256
            ),
            "Install the former files again, or install the changed model under a name of its own.",
        );
    }
}
