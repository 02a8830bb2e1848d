//! What is refused when a model is opened, and how small models with other manifests are used.

mod common;

use common::{SmallModel, minilm, runtime, sha256, write_manifest};
use std::path::Path;
use sutra_embedder::{EmbedderError, Encoder, Manifest, Pooling, Purpose};
use tempfile::TempDir;

/// A folder with the small model, its manifest changed by `change`.
fn folder(model: &SmallModel, change: impl FnOnce(&mut Manifest)) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut manifest = model.write(folder.path());
    change(&mut manifest);
    write_manifest(folder.path(), &manifest);
    folder
}

fn open(folder: &Path) -> Result<Encoder, EmbedderError> {
    Encoder::open(folder, &runtime(), 1)
}

fn refusal(folder: &Path) -> EmbedderError {
    match open(folder) {
        Ok(_) => panic!("{} was accepted", folder.display()),
        Err(error) => {
            assert!(!error.remedy().is_empty(), "{error}");
            error
        }
    }
}

/// A change of a manifest, and a part of the message that it must lead to.
type Change = (&'static str, fn(&mut Manifest));

fn embed(folder: &Path, text: &str) -> Vec<f32> {
    open(folder).unwrap().encode(&[text], Purpose::Passage, &mut || true).unwrap().remove(0)
}

#[test]
fn a_model_of_768_dimensions_is_pooled_over_its_tokens_only() {
    let folder = folder(&SmallModel::default(), |_| ());
    let mut encoder = open(folder.path()).unwrap();
    let vectors = encoder.encode(&["w1 w3", "w2 w2 w5"], Purpose::Passage, &mut || true).unwrap();
    assert_eq!(vectors[0].len(), 768);
    assert_eq!(vectors[0][..8], [3.0, 0.0, 0.5, 0.0, 0.5, 0.0, 0.0, 0.0]);
    assert!((vectors[1][0] - 4.0).abs() < 1e-6);
}

#[test]
fn pooling_can_take_the_first_token_or_the_models_own_vector() {
    let first = folder(&SmallModel::default(), |manifest| manifest.pooling = Pooling::Cls);
    assert_eq!(embed(first.path(), "w4 w1")[0], 5.0);
    let own = folder(&SmallModel { pooled: true, ..SmallModel::default() }, |_| ());
    assert_eq!(embed(own.path(), "w4 w1")[0], 3.5);
}

#[test]
fn padding_and_truncation_of_the_tokenizer_file_are_switched_off() {
    // It cuts to 2 tokens and pads to 6 with w9; the manifest allows 8 tokens.
    let folder = folder(&SmallModel::default(), |_| ());
    assert_eq!(embed(folder.path(), "w1")[0], 2.0);
    assert_eq!(embed(folder.path(), "w1 w1 w1 w9")[0], 4.0);
    assert_eq!(embed(folder.path(), &format!("{}{}", "w1 ".repeat(8), "w9 ".repeat(100)))[0], 2.0);
}

#[test]
fn prefixes_differ_by_purpose() {
    let folder = folder(&SmallModel::default(), |manifest| manifest.query_prefix = "w9 ".into());
    let mut encoder = open(folder.path()).unwrap();
    assert_eq!(encoder.encode(&["w1"], Purpose::Passage, &mut || true).unwrap()[0][0], 2.0);
    assert_eq!(encoder.encode(&["w1"], Purpose::Query, &mut || true).unwrap()[0][0], 6.0);
    let error = encoder.encode(&[" "], Purpose::Query, &mut || true).unwrap_err();
    assert!(matches!(error, EmbedderError::EmptyText { index: 0 }), "a prefix alone is no text: {error}");
}

#[test]
fn normalisation_is_the_manifests_choice() {
    let folder = folder(&SmallModel::default(), |manifest| manifest.normalise = true);
    let length: f32 = embed(folder.path(), "w3 w7").iter().map(|value| value * value).sum();
    assert!((length - 1.0).abs() < 1e-6);
}

#[test]
fn missing_files_are_named() {
    let folder = folder(&SmallModel::default(), |_| ());
    assert!(matches!(refusal(&folder.path().join("no")), EmbedderError::FolderMissing { .. }));
    for file in ["model.onnx", "tokenizer.json", "manifest.json"] {
        std::fs::remove_file(folder.path().join(file)).unwrap();
        let error = refusal(folder.path());
        assert!(matches!(&error, EmbedderError::FileMissing { path } if path.ends_with(file)), "{error}");
    }
}

#[test]
fn a_changed_file_is_refused() {
    let folder = folder(&SmallModel::default(), |_| ());
    let path = folder.path().join("model.onnx");
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = refusal(folder.path());
    assert!(matches!(&error, EmbedderError::FileChanged { found, .. } if *found == sha256(&path)), "{error}");
    assert!(error.detail().contains(&sha256(&path)));
}

#[test]
fn damaged_files_that_the_manifest_vouches_for_are_refused() {
    for (file, keep) in [("model.onnx", 2000), ("model.onnx", 0), ("tokenizer.json", 100), ("tokenizer.json", 0)] {
        let folder = folder(&SmallModel::default(), |_| ());
        let path = folder.path().join(file);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..keep]).unwrap();
        let mut manifest = Manifest::read(folder.path()).unwrap();
        let asset = if file == "model.onnx" { &mut manifest.model } else { &mut manifest.tokenizer };
        asset.sha256 = sha256(&path);
        write_manifest(folder.path(), &manifest);
        let error = refusal(folder.path());
        assert!(error.to_string().contains(file), "{error}");
        assert!(matches!(error, EmbedderError::Model { .. } | EmbedderError::Tokenizer { .. }), "{error}");
    }
}

#[test]
fn a_truncated_copy_of_the_real_model_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut manifest = Manifest::read(&minilm()).unwrap();
    let bytes = std::fs::read(minilm().join(&manifest.model.file)).unwrap();
    let path = folder.path().join(&manifest.model.file);
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    std::fs::copy(minilm().join(&manifest.tokenizer.file), folder.path().join(&manifest.tokenizer.file)).unwrap();
    write_manifest(folder.path(), &manifest);
    assert!(matches!(refusal(folder.path()), EmbedderError::FileChanged { .. }));
    manifest.model.sha256 = sha256(&path);
    write_manifest(folder.path(), &manifest);
    assert!(matches!(refusal(folder.path()), EmbedderError::Model { .. }));
}

#[test]
fn a_manifest_that_disagrees_with_the_model_is_refused() {
    let changes: [Change; 6] = [
        ("shape", |manifest| manifest.dimension = 767),
        ("shape", |manifest| manifest.pooling = Pooling::None),
        ("no output \"other\"", |manifest| manifest.output = "other".into()),
        ("no input \"ids\"", |manifest| manifest.inputs.token_ids = "ids".into()),
        ("no input \"types\"", |manifest| manifest.inputs.token_types = Some("types".into())),
        ("no input \"mask\"", |manifest| manifest.inputs.attention_mask = "mask".into()),
    ];
    for (reason, change) in changes {
        let error = refusal(folder(&SmallModel::default(), change).path());
        assert!(matches!(error, EmbedderError::Disagreement { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn the_tokenizer_of_another_model_is_refused() {
    let error = refusal(folder(&SmallModel { vocabulary: 12, ..SmallModel::default() }, |_| ()).path());
    assert!(matches!(&error, EmbedderError::Vocabulary { tokens: 12, .. }), "{error}");
}

#[test]
fn an_invalid_manifest_says_what_is_wrong() {
    let changes: [Change; 7] = [
        ("name is empty", |manifest| manifest.name.clear()),
        ("dimension 0", |manifest| manifest.dimension = 0),
        ("dimension 16001", |manifest| manifest.dimension = 16_001),
        ("maximum_tokens 1 ", |manifest| manifest.maximum_tokens = 1),
        ("\"../model.onnx\"", |manifest| manifest.model.file = "../model.onnx".into()),
        ("\"/etc/passwd\"", |manifest| manifest.tokenizer.file = "/etc/passwd".into()),
        ("64 lower-case", |manifest| manifest.model.sha256.truncate(63)),
    ];
    for (reason, change) in changes {
        let error = refusal(folder(&SmallModel::default(), change).path());
        assert!(matches!(error, EmbedderError::Manifest { .. }) && error.to_string().contains(reason), "{error}");
    }
    for (text, reason) in [("", "EOF"), ("{\"name\": 1}", "invalid type"), (&"x".repeat(70_000), "larger than")] {
        let folder = folder(&SmallModel::default(), |_| ());
        std::fs::write(folder.path().join("manifest.json"), text).unwrap();
        let error = refusal(folder.path());
        assert!(matches!(error, EmbedderError::Manifest { .. }) && error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn the_shipped_manifest_describes_the_model() {
    let shipped = Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../../models/all-MiniLM-L6-v2");
    let manifest = Manifest::read(&shipped).unwrap();
    assert_eq!(sha256(&minilm().join(&manifest.model.file)), manifest.model.sha256);
    assert_eq!(sha256(&minilm().join(&manifest.tokenizer.file)), manifest.tokenizer.sha256);
}
