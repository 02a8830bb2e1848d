//! What the tests of this crate share: where the real runtime and model are, and small ONNX models made here.

#![allow(dead_code, reason = "each test file uses a part")]

use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use sutra_embedder::Manifest;

/// The ONNX Runtime library, from the environment variable SUTRA_ONNXRUNTIME.
pub fn runtime() -> PathBuf {
    from_environment("SUTRA_ONNXRUNTIME", "the path of libonnxruntime.so")
}

/// The folder of all-MiniLM-L6-v2 under the folder in the environment variable SUTRA_MODELS.
pub fn minilm() -> PathBuf {
    from_environment("SUTRA_MODELS", "the folder that holds all-MiniLM-L6-v2/").join("all-MiniLM-L6-v2")
}

/// The ONNX file of paraphrase-MiniLM-L3-v2, from the environment variable SUTRA_PARAPHRASE_MODEL.
pub fn paraphrase() -> PathBuf {
    from_environment("SUTRA_PARAPHRASE_MODEL", "the path of paraphrase-MiniLM-L3-v2.onnx")
}

fn from_environment(variable: &str, meaning: &str) -> PathBuf {
    match std::env::var_os(variable) {
        Some(value) => PathBuf::from(value),
        None => panic!("set {variable} to {meaning}; make test does"),
    }
}

/// Cosine of the angle between two vectors.
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// A model folder made by a test: words w0, w1, ... of a small vocabulary, and an embedding table whose row i starts
/// with i + 1 and is otherwise zero but for one 1 at position 1 + i.
pub struct SmallModel {
    /// Words in the tokenizer, special tokens included.
    pub vocabulary: usize,
    /// Rows of the embedding table.
    pub rows: usize,
    /// Dimension of the model's output.
    pub dimension: usize,
    /// Whether the model takes the mean over the tokens itself.
    pub pooled: bool,
}

impl Default for SmallModel {
    fn default() -> Self {
        Self { vocabulary: 10, rows: 10, dimension: 768, pooled: false }
    }
}

impl SmallModel {
    /// Writes the model into `folder` and returns a manifest that describes it; the manifest is not written.
    pub fn write(&self, folder: &Path) -> Manifest {
        std::fs::write(folder.join("model.onnx"), self.onnx()).unwrap();
        std::fs::write(folder.join("tokenizer.json"), self.tokenizer()).unwrap();
        let manifest = serde_json::json!({
            "name": "small", "dimension": self.dimension, "pooling": if self.pooled { "none" } else { "mean" },
            "normalise": false, "maximum_tokens": 8,
            "inputs": { "token_ids": "input_ids", "attention_mask": "attention_mask" },
            "output": "output",
            "model": { "file": "model.onnx", "sha256": sha256(&folder.join("model.onnx")) },
            "tokenizer": { "file": "tokenizer.json", "sha256": sha256(&folder.join("tokenizer.json")) },
        });
        serde_json::from_value(manifest).unwrap()
    }

    fn tokenizer(&self) -> String {
        let word = |id: usize| match id {
            0 => "[UNK]".to_owned(),
            id => format!("w{id}"),
        };
        let vocabulary: serde_json::Map<_, _> = (0..self.vocabulary).map(|id| (word(id), id.into())).collect();
        serde_json::json!({
            "version": "1.0",
            "truncation": { "max_length": 2, "strategy": "LongestFirst", "stride": 0, "direction": "Right" },
            "padding": { "strategy": { "Fixed": 6 }, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 9,
                         "pad_type_id": 0, "pad_token": "w9" },
            "added_tokens": [], "normalizer": null, "pre_tokenizer": { "type": "Whitespace" },
            "post_processor": null, "decoder": null,
            "model": { "type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]" },
        })
        .to_string()
    }

    fn onnx(&self) -> Vec<u8> {
        let mut table = vec![0f32; self.rows * self.dimension];
        for (row, values) in table.chunks_exact_mut(self.dimension).enumerate() {
            values[0] = row as f32 + 1.0;
            values[1 + row] = 1.0;
        }
        let raw: Vec<u8> = table.iter().flat_map(|value| value.to_le_bytes()).collect();
        let table = [
            number(1, self.rows as u64),
            number(1, self.dimension as u64),
            number(2, FLOAT),
            bytes(8, b"table"),
            bytes(9, &raw),
        ]
        .concat();
        let tokens = if self.pooled { "tokens" } else { "output" };
        let gather =
            [bytes(1, b"table"), bytes(1, b"input_ids"), bytes(2, tokens.as_bytes()), bytes(4, b"Gather")].concat();
        let mut nodes = bytes(1, &gather);
        let mut shape = vec!["texts", "tokens"];
        if self.pooled {
            let axes = [bytes(1, b"axes"), number(8, 1), number(20, 7)].concat();
            let keep = [bytes(1, b"keepdims"), number(3, 0), number(20, 2)].concat();
            let mean =
                [bytes(1, b"tokens"), bytes(2, b"output"), bytes(4, b"ReduceMean"), bytes(5, &axes), bytes(5, &keep)];
            nodes.extend(bytes(1, &mean.concat()));
            shape.truncate(1);
        }
        shape.push("dimension");
        let graph = [
            nodes,
            bytes(2, b"small"),
            bytes(5, &table),
            bytes(11, &value("input_ids", INT64, &["texts", "tokens"])),
            bytes(11, &value("attention_mask", INT64, &["texts", "tokens"])),
            bytes(12, &value("output", FLOAT, &shape)),
        ]
        .concat();
        [number(1, 8), bytes(8, &number(2, 17)), bytes(7, &graph)].concat()
    }
}

const FLOAT: u64 = 1;
const INT64: u64 = 7;

/// SHA-256 of a file, hexadecimal.
pub fn sha256(path: &Path) -> String {
    Sha256::digest(std::fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes the manifest into a model's folder.
pub fn write_manifest(folder: &Path, manifest: &Manifest) {
    std::fs::write(folder.join(sutra_embedder::MANIFEST_FILE), serde_json::to_string_pretty(manifest).unwrap())
        .unwrap();
}

// The protobuf encoding of ONNX, as far as it is needed here: field numbers are those of onnx.proto.

fn variable_length(mut value: u64) -> Vec<u8> {
    let mut encoded = Vec::new();
    while value >= 0x80 {
        encoded.push(value as u8 | 0x80);
        value >>= 7;
    }
    encoded.push(value as u8);
    encoded
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [variable_length(field << 3), variable_length(value)].concat()
}

fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    [variable_length(field << 3 | 2), variable_length(value.len() as u64), value.to_vec()].concat()
}

fn value(name: &str, element: u64, shape: &[&str]) -> Vec<u8> {
    let shape: Vec<u8> = shape.iter().flat_map(|dimension| bytes(1, &bytes(2, dimension.as_bytes()))).collect();
    let tensor = [number(1, element), bytes(2, &shape)].concat();
    [bytes(1, name.as_bytes()), bytes(2, &bytes(1, &tensor))].concat()
}
