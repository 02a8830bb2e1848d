//! Loads the ONNX Runtime library, once per process, after it was looked at.

use crate::error::EmbedderError;
use nix::sys::signal::{SigSet, SigmaskHow};
use ort::logging::LogLevel;
use std::ffi::{CStr, c_char};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The minor version of ONNX Runtime 1.x whose interface this crate is compiled for; later ones keep it.
pub(crate) const OLDEST_MINOR: u32 = ort::MINOR_VERSION;

/// The oldest version of ONNX Runtime that can be used, as (major, minor).
pub const OLDEST_RUNTIME: (u32, u32) = (1, OLDEST_MINOR);

static LOADED: Mutex<Option<Loaded>> = Mutex::new(None);

#[derive(Clone)]
struct Loaded {
    path: PathBuf,
    version: String,
}

/// Version of the ONNX Runtime library that this process has loaded.
pub fn runtime_version() -> Option<String> {
    LOADED.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|loaded| loaded.version.clone())
}

/// Official builds of ONNX Runtime since 1.29 send usage data over the network, on Linux too, and log the process while
/// the environment is made, before an interface could switch it off. Only these variables stop it altogether: no
/// uploader thread, no connection, no identifier on disk. The second is the name in some of the older of them.
const TELEMETRY_OFF: [&str; 2] = ["ORT_DISABLE_TELEMETRY", "ORT_TELEMETRY_DISABLED"];

/// Loads the library at `path`; a second call with the same path does nothing.
pub(crate) fn load(path: &Path) -> Result<(), EmbedderError> {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if loaded.as_ref().is_some_and(|loaded| loaded.path == path) {
        return Ok(());
    }
    // A relative path would be looked up along the loader's search path.
    if !path.is_absolute() {
        return Err(unusable(path, "the path is not absolute"));
    }
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(unusable(path, "it is not a file")),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(EmbedderError::RuntimeMissing { path: path.to_owned() });
        }
        Err(error) => return Err(unusable(path, error)),
    }
    if let Some(loaded) = loaded.as_ref() {
        return Err(EmbedderError::RuntimeInUse { loaded: loaded.path.clone(), asked: path.to_owned() });
    }
    let Some(name) = path.to_str() else { return Err(unusable(path, "the path is not valid UTF-8")) };
    for variable in TELEMETRY_OFF {
        // SAFETY: writing the environment races only with C code that reads it in another thread. ONNX Runtime, which
        // would be that code, is not loaded yet, and Rust code takes a lock.
        unsafe { std::env::set_var(variable, "1") };
    }
    let version = probe(path)?;
    let _blocked = SignalsBlocked::new();
    ort::init_from(name).with_telemetry(false).commit().map_err(|error| unusable(path, error))?;
    // Errors come back as values; on standard error they would be noise in the server's log.
    ort::environment::get_environment().map_err(|error| unusable(path, error))?.set_log_level(LogLevel::Fatal);
    *loaded = Some(Loaded { path: path.to_owned(), version });
    Ok(())
}

/// The first member functions of `OrtApiBase`, the one structure of ONNX Runtime that never changes.
#[repr(C)]
struct ApiBase {
    get_api: unsafe extern "C" fn(u32) -> *const std::ffi::c_void,
    version_string: unsafe extern "C" fn() -> *const c_char,
}

/// Opens the library and reads its version, because ort panics where this returns an error. It stays open.
fn probe(path: &Path) -> Result<String, EmbedderError> {
    let _blocked = SignalsBlocked::new();
    // SAFETY: the initialisers of a shared library run. The path comes from the installation or from a superuser, who
    // may load any library into the server anyway.
    let library = unsafe { libloading::Library::new(path) }.map_err(|error| unusable(path, error))?;
    // SAFETY: OrtGetApiBase has had this type since version 1.0 of ONNX Runtime.
    let symbol = unsafe { library.get::<unsafe extern "C" fn() -> *const ApiBase>(b"OrtGetApiBase\0") };
    let entry = match symbol {
        Ok(entry) => *entry,
        Err(_) => return Err(unusable(path, "it has no function OrtGetApiBase")),
    };
    // SAFETY: it takes nothing and returns a pointer to a static structure.
    let base = unsafe { entry().as_ref() }.ok_or_else(|| unusable(path, "OrtGetApiBase returned nothing"))?;
    // SAFETY: version_string returns a static, NUL-terminated string.
    let version = unsafe { CStr::from_ptr((base.version_string)()) }.to_string_lossy().into_owned();
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    // SAFETY: get_api takes the number of an interface and returns NULL for one that it does not have.
    if major != OLDEST_RUNTIME.0 || minor < OLDEST_MINOR || unsafe { (base.get_api)(OLDEST_MINOR) }.is_null() {
        return Err(EmbedderError::RuntimeVersion { path: path.to_owned(), found: version });
    }
    // Never closed: ort opens the same library, and its static destructors must not run before the process ends.
    std::mem::forget(library);
    Ok(version)
}

fn unusable(path: &Path, reason: impl ToString) -> EmbedderError {
    EmbedderError::RuntimeUnusable { path: path.to_owned(), reason: reason.to_string() }
}

/// Blocks every signal of this thread while it lives.
///
/// A thread inherits the mask of its creator. ONNX Runtime's threads must never receive a signal: the handlers of a
/// PostgreSQL process may run on its main thread only.
pub(crate) struct SignalsBlocked(Option<SigSet>);

impl SignalsBlocked {
    pub(crate) fn new() -> Self {
        Self(SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK).ok())
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        if let Some(before) = self.0 {
            // It cannot fail: the mask is one that was in force.
            let _ = before.thread_set_mask();
        }
    }
}
