//! Models prepared for this machine: the same vectors, and the plain model wherever the prepared one does not fit.

mod common;

use common::{SmallModel, cosine, minilm, runtime, write_manifest};
use std::path::Path;
use sutra_embedder::{Encoder, Manifest, Purpose};
use tempfile::TempDir;

fn open(folder: &Path) -> Encoder {
    Encoder::open(folder, &runtime(), 1).unwrap()
}

fn embed(encoder: &mut Encoder, texts: &[&str]) -> Vec<Vec<f32>> {
    encoder.encode(texts, Purpose::Passage, &mut || true).unwrap()
}

/// A file of the prepared model, and what happens to it.
type Damage = (&'static str, fn(Vec<u8>) -> Vec<u8>);

fn small() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let manifest = SmallModel { rows: 40, vocabulary: 40, ..SmallModel::default() }.write(folder.path());
    write_manifest(folder.path(), &manifest);
    folder
}

#[test]
fn the_real_model_gives_the_same_vectors_when_prepared() {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(minilm()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    let texts = ["Apple closed at 180.99", "What was the volume?", &"a longer text ".repeat(60)];
    let mut plain = open(folder.path());
    assert!(!plain.is_prepared());
    let expected = embed(&mut plain, &texts);
    assert!(Encoder::prepare(folder.path(), &runtime()).unwrap().is_prepared());
    let mut prepared = open(folder.path());
    assert!(prepared.is_prepared());
    for (vector, expected) in embed(&mut prepared, &texts).iter().zip(&expected) {
        assert!(cosine(vector, expected) > 0.999999);
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with('.')), "working folders are removed: {left:?}");
}

#[test]
fn preparing_again_replaces_the_former_files() {
    let folder = small();
    for _ in 0..2 {
        let mut encoder = Encoder::prepare(folder.path(), &runtime()).unwrap();
        assert!(encoder.is_prepared());
        assert_eq!(embed(&mut encoder, &["w1 w3"])[0][0], 3.0);
    }
}

#[test]
fn files_prepared_for_something_else_are_not_used() {
    let folder = small();
    Encoder::prepare(folder.path(), &runtime()).unwrap();
    let path = folder.path().join("prepared/prepared.json");
    let original: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for key in ["model_sha256", "tokenizer_sha256", "runtime", "processor"] {
        let mut changed = original.clone();
        changed[key] = "other".into();
        std::fs::write(&path, changed.to_string()).unwrap();
        let mut encoder = open(folder.path());
        assert!(!encoder.is_prepared(), "another {key}");
        assert_eq!(embed(&mut encoder, &["w1 w3"])[0][0], 3.0);
    }
    std::fs::write(&path, "{").unwrap();
    assert!(!open(folder.path()).is_prepared());
    std::fs::write(&path, original.to_string()).unwrap();
    assert!(open(folder.path()).is_prepared());
}

#[test]
fn damaged_prepared_files_are_not_used() {
    let damages: [Damage; 4] = [
        ("model.onnx.data", |bytes| bytes[..bytes.len() / 2].to_vec()),
        ("model.onnx.data", |bytes| vec![0; bytes.len()]),
        ("model.onnx", |bytes| bytes[..bytes.len() / 2].to_vec()),
        ("model.onnx", |_| Vec::new()),
    ];
    for (file, damage) in damages {
        let folder = small();
        Encoder::prepare(folder.path(), &runtime()).unwrap();
        let path = folder.path().join("prepared").join(file);
        std::fs::write(&path, damage(std::fs::read(&path).unwrap())).unwrap();
        let mut encoder = open(folder.path());
        assert!(!encoder.is_prepared(), "{file}");
        assert_eq!(embed(&mut encoder, &["w1 w3"])[0][0], 3.0);
    }
}

#[test]
fn a_changed_plain_model_is_not_hidden_by_the_prepared_one() {
    let folder = small();
    Encoder::prepare(folder.path(), &runtime()).unwrap();
    let mut manifest = Manifest::read(folder.path()).unwrap();
    manifest.model.sha256 = "0".repeat(64);
    write_manifest(folder.path(), &manifest);
    assert!(Encoder::open(folder.path(), &runtime(), 1).is_err());
}
