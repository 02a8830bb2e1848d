//! A second real model, paraphrase-MiniLM-L3-v2: 32-bit weights, no token types, its output the vector of the text.

mod common;

use common::{cosine, minilm, paraphrase, runtime, sha256, write_manifest};
use std::path::Path;
use sutra_embedder::{EmbedderError, Encoder, Manifest, Pooling, Purpose};
use tempfile::TempDir;

/// A folder with the model, the tokenizer of the default model, which is the same, and a manifest for both.
fn folder(change: impl FnOnce(&mut Manifest)) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut manifest = Manifest::read(&minilm()).unwrap();
    std::os::unix::fs::symlink(paraphrase(), folder.path().join("model.onnx")).unwrap();
    std::fs::copy(minilm().join(&manifest.tokenizer.file), folder.path().join(&manifest.tokenizer.file)).unwrap();
    manifest.name = "paraphrase-MiniLM-L3-v2".into();
    manifest.model.file = "model.onnx".into();
    manifest.model.sha256 = sha256(&paraphrase());
    manifest.inputs.token_types = None;
    manifest.output = "461".into();
    manifest.pooling = Pooling::None;
    manifest.maximum_tokens = 128;
    change(&mut manifest);
    write_manifest(folder.path(), &manifest);
    folder
}

fn open(folder: &Path) -> Result<Encoder, EmbedderError> {
    Encoder::open(folder, &runtime(), 1)
}

fn embed(encoder: &mut Encoder, texts: &[&str]) -> Vec<Vec<f32>> {
    encoder.encode(texts, Purpose::Passage, &mut || true).unwrap()
}

#[test]
fn its_vectors_are_those_of_onnx_runtime_driven_from_python() {
    // Every 24th value of the vectors that Python's onnxruntime 1.32.0 and tokenizers 0.23.3 make of these texts, at
    // length 1.
    let known: [(&str, [f32; 16]); 2] = [
        (
            "Apple Inc (AAPL) closed at 180.99 USD on 2025-11-06.",
            [
                -0.007054, 0.008696, 0.006141, 0.010596, -0.000324, -0.122832, 0.161057, -0.060553, -0.056633,
                0.014928, 0.053075, 0.041723, 0.013244, 0.002186, -0.025405, -0.013824,
            ],
        ),
        (
            "Déjà vu 😀 in Zürich",
            [
                -0.071515, 0.0844, -0.048884, 0.00712, 0.077404, -0.048992, -0.030068, -0.019923, 0.014009, -0.052114,
                0.063238, -0.071489, 0.063139, 0.037144, -0.054136, -0.023308,
            ],
        ),
    ];
    let folder = folder(|_| ());
    let mut encoder = open(folder.path()).unwrap();
    for (text, expected) in known {
        let vector = &embed(&mut encoder, &[text])[0];
        assert_eq!(vector.len(), 384);
        for (value, expected) in vector.iter().step_by(24).zip(expected) {
            assert!((value - expected).abs() < 1e-4, "{text}: {value} is not {expected}");
        }
    }
}

#[test]
fn its_own_pooling_leaves_padding_out() {
    let folder = folder(|_| ());
    let mut encoder = open(folder.path()).unwrap();
    let long = "shares of banks rose ".repeat(8);
    let texts = ["shares", "shares of banks rose on Monday", &long];
    let together = embed(&mut encoder, &texts);
    for (text, vector) in texts.iter().zip(&together) {
        assert!(cosine(&embed(&mut encoder, &[text])[0], vector) > 0.999999, "{text}");
    }
}

#[test]
fn it_can_be_prepared() {
    let folder = folder(|_| ());
    let expected = embed(&mut open(folder.path()).unwrap(), &["shares of banks"]);
    let mut prepared = Encoder::prepare(folder.path(), &runtime()).unwrap();
    assert!(prepared.is_prepared());
    assert!(cosine(&embed(&mut prepared, &["shares of banks"])[0], &expected[0]) > 0.999999);
}

#[test]
fn a_manifest_that_names_the_wrong_parts_is_refused() {
    type Change = fn(&mut Manifest);
    let changes: [Change; 3] = [
        |manifest| manifest.inputs.token_types = Some("token_type_ids".into()),
        |manifest| manifest.output = "last_hidden_state".into(),
        |manifest| manifest.pooling = Pooling::Mean,
    ];
    for change in changes {
        let folder = folder(change);
        assert!(matches!(open(folder.path()), Err(EmbedderError::Disagreement { .. })));
    }
}
