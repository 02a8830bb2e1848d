//! `manifest.json`: what has to be known about a model to use it.

use crate::error::EmbedderError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Name of the manifest in a model's folder.
pub const MANIFEST_FILE: &str = "manifest.json";

/// Largest dimension of the SQL type `embedding`.
const DIMENSION_LIMIT: usize = 16_000;
/// Fewest tokens that leave room for the special tokens around a text.
const TOKENS_AT_LEAST: usize = 8;
/// More tokens than any sentence encoder takes; attention needs memory for its square.
const TOKENS_LIMIT: usize = 8_192;
/// A manifest is a page of text; what is larger is another file.
const MANIFEST_BYTES_LIMIT: u64 = 64 * 1024;

/// How the vectors of the tokens become the vector of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The mean over the tokens of the text.
    Mean,
    /// The vector of the first token.
    Cls,
    /// The model's output is the vector of the text already.
    None,
}

/// A file of the model's folder and the SHA-256 it must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// File name inside the folder.
    pub file: String,
    /// SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// Names of the model's inputs, each of shape (texts, tokens) and type int64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The token ids.
    pub token_ids: String,
    /// 1 for a token of the text, 0 for padding.
    pub attention_mask: String,
    /// The segment of each token, always 0; absent when the model does not ask for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_types: Option<String>,
}

/// Everything that has to be known about a model to use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Name of the model and of its folder.
    pub name: String,
    /// Where the model comes from, for people.
    #[serde(default)]
    pub source: String,
    /// The licence of the weights, for people.
    #[serde(default)]
    pub license: String,
    /// Dimension of the vectors.
    pub dimension: usize,
    /// How the vectors of the tokens become one.
    pub pooling: Pooling,
    /// Whether the vector is scaled to length 1.
    pub normalise: bool,
    /// Tokens that the model reads, special tokens included; the rest of a longer text is not embedded.
    pub maximum_tokens: usize,
    /// Names of the inputs.
    pub inputs: Inputs,
    /// Name of the output: (texts, tokens, dimension), or (texts, dimension) when pooling is none.
    pub output: String,
    /// Text put before a question.
    #[serde(default)]
    pub query_prefix: String,
    /// Text put before a passage.
    #[serde(default)]
    pub passage_prefix: String,
    /// The ONNX file.
    pub model: Asset,
    /// The tokenizer file, in the format of the tokenizers library.
    pub tokenizer: Asset,
}

impl Manifest {
    /// Reads and checks the manifest in `folder`.
    ///
    /// # Errors
    /// The folder or the manifest is missing or cannot be read, or a value is out of range.
    pub fn read(folder: &Path) -> Result<Self, EmbedderError> {
        if !folder.is_dir() {
            return Err(EmbedderError::FolderMissing { folder: folder.to_owned() });
        }
        let path = folder.join(MANIFEST_FILE);
        let mut text = String::new();
        open(&path)?
            .take(MANIFEST_BYTES_LIMIT + 1)
            .read_to_string(&mut text)
            .map_err(|error| unreadable(&path, &error))?;
        let wrong = |reason: String| EmbedderError::Manifest { path: path.clone(), reason };
        if text.len() as u64 > MANIFEST_BYTES_LIMIT {
            return Err(wrong(format!("it is larger than {MANIFEST_BYTES_LIMIT} bytes")));
        }
        let manifest: Self = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        manifest.check().map_err(wrong)?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        if self.name.is_empty() {
            return Err("name is empty".into());
        }
        if !(1..=DIMENSION_LIMIT).contains(&self.dimension) {
            return Err(format!("dimension {} is not between 1 and {DIMENSION_LIMIT}", self.dimension));
        }
        if !(TOKENS_AT_LEAST..=TOKENS_LIMIT).contains(&self.maximum_tokens) {
            return Err(format!(
                "maximum_tokens {} is not between {TOKENS_AT_LEAST} and {TOKENS_LIMIT}",
                self.maximum_tokens
            ));
        }
        let names = [&self.inputs.token_ids, &self.inputs.attention_mask, &self.output];
        if names.into_iter().chain(&self.inputs.token_types).any(|name| name.is_empty() || name.contains('\0')) {
            return Err("the name of an input or of the output is empty or has a NUL character".into());
        }
        for asset in [&self.model, &self.tokenizer] {
            // A file of this folder only: a manifest must not make the server read anything else.
            if asset.file.is_empty() || asset.file.starts_with('.') || asset.file.contains(['/', '\\', '\0']) {
                return Err(format!("\"{}\" is not a plain file name", asset.file));
            }
            if asset.sha256.len() != 64 || !asset.sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
                return Err(format!("sha256 of \"{}\" is not 64 lower-case hexadecimal digits", asset.file));
            }
        }
        Ok(())
    }
}

/// Maps the file of `asset` in `folder` and checks its SHA-256.
pub(crate) fn map_asset(folder: &Path, asset: &Asset) -> Result<(PathBuf, memmap2::Mmap), EmbedderError> {
    let path = folder.join(&asset.file);
    let file = open(&path)?;
    // SAFETY: the mapping is read-only. Model files belong to the installation and are replaced as a whole, by rename,
    // never written in place; the check of the hash below reads what the loader will read.
    let bytes = unsafe { memmap2::Mmap::map(&file) }.map_err(|error| match error.kind() {
        ErrorKind::OutOfMemory => EmbedderError::MemoryLimit {
            folder: folder.to_owned(),
            bytes: file.metadata().ok().map(|metadata| metadata.len()),
        },
        _ => unreadable(&path, &error),
    })?;
    let found = hexadecimal(&Sha256::digest(&bytes));
    if found != asset.sha256 {
        return Err(EmbedderError::FileChanged { path, expected: asset.sha256.clone(), found });
    }
    Ok((path, bytes))
}

fn open(path: &Path) -> Result<File, EmbedderError> {
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => EmbedderError::FileMissing { path: path.to_owned() },
        _ => unreadable(path, &error),
    })?;
    let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
    if !metadata.is_file() {
        return Err(unreadable(path, &std::io::Error::new(ErrorKind::InvalidInput, "it is not a file")));
    }
    Ok(file)
}

fn unreadable(path: &Path, error: &std::io::Error) -> EmbedderError {
    EmbedderError::FileUnreadable { path: path.to_owned(), kind: error.kind(), reason: error.to_string() }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
