//! Loading the ONNX Runtime library. One test: a process loads one library, and the order matters.

mod common;

use common::{minilm, runtime};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use sutra_embedder::{EmbedderError, Encoder, runtime_version};

fn refusal(library: &Path) -> EmbedderError {
    Encoder::open(&minilm(), library, 1).err().expect("the library was accepted")
}

/// Builds a shared library from C.
fn compile(source: &str, library: &Path) {
    let file = library.with_extension("c");
    std::fs::write(&file, source).unwrap();
    let status = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([library, &file]).status().unwrap();
    assert!(status.success());
}

/// The blocked signals of each thread of this process, from /proc.
fn blocked_signals() -> BTreeMap<String, u64> {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().map(|thread| thread.unwrap().path());
    threads
        .filter_map(|thread| {
            let status = std::fs::read_to_string(thread.join("status")).ok()?;
            let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:"))?;
            Some((thread.display().to_string(), u64::from_str_radix(mask.trim(), 16).unwrap()))
        })
        .collect()
}

#[test]
fn only_a_fitting_library_is_loaded_and_its_threads_are_few_and_receive_no_signal() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.so");
    assert!(matches!(refusal(&missing), EmbedderError::RuntimeMissing { path } if path == missing));
    assert!(matches!(refusal(folder.path()), EmbedderError::RuntimeUnusable { .. }), "a folder");

    let text = folder.path().join("text.so");
    std::fs::write(&text, "no library").unwrap();
    assert!(matches!(refusal(&text), EmbedderError::RuntimeUnusable { .. }));

    let other = folder.path().join("other.so");
    compile("int nothing(void) { return 0; }", &other);
    let error = refusal(&other);
    assert!(error.to_string().contains("OrtGetApiBase"), "{error}");

    let old = folder.path().join("old.so");
    compile(
        "static const void *api(unsigned version) { (void)version; return 0; }
         static const char *version(void) { return \"1.10.0\"; }
         static const struct { const void *(*api)(unsigned); const char *(*version)(void); } base = { api, version };
         const void *OrtGetApiBase(void) { return &base; }",
        &old,
    );
    assert!(matches!(refusal(&old), EmbedderError::RuntimeVersion { found, .. } if found == "1.10.0"));
    assert_eq!(runtime_version(), None);

    let before = blocked_signals();
    let encoder = Encoder::open(&minilm(), &runtime(), 3).unwrap();
    let made: Vec<u64> = blocked_signals()
        .into_iter()
        .filter(|(thread, _)| !before.contains_key(thread))
        .map(|(_, mask)| mask)
        .collect();
    assert_eq!(made.len(), 2, "the caller and two more; an uploader of telemetry would be another");
    // SIGKILL, SIGSTOP and two signals of the C library cannot be blocked.
    const BLOCKABLE: u64 = !(1 << 8 | 1 << 18 | 1 << 31 | 1 << 32);
    for mask in made {
        assert_eq!(mask & BLOCKABLE, BLOCKABLE, "{mask:x}");
    }
    for (thread, mask) in blocked_signals() {
        if let Some(former) = before.get(&thread) {
            assert_eq!(mask, *former, "the caller's own mask is restored");
        }
    }
    assert!(runtime_version().is_some_and(|version| version.starts_with("1.")));
    assert!(matches!(refusal(&old), EmbedderError::RuntimeInUse { .. }));
    drop(encoder);
}
