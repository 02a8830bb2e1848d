//! What can go wrong: each error names the file and what to do about it.

use crate::runtime::OLDEST_MINOR;
use std::io::ErrorKind;
use std::path::PathBuf;

/// An error of this crate. `Display` says what happened, [`EmbedderError::remedy`] what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbedderError {
    /// There is no folder for the model.
    #[error("model folder \"{}\" does not exist", folder.display())]
    FolderMissing {
        /// The folder looked for.
        folder: PathBuf,
    },
    /// A file of the model is missing.
    #[error("model file \"{}\" does not exist", path.display())]
    FileMissing {
        /// The file looked for.
        path: PathBuf,
    },
    /// A file is there and cannot be read.
    #[error("could not read \"{}\": {reason}", path.display())]
    FileUnreadable {
        /// The file.
        path: PathBuf,
        /// Its kind.
        kind: ErrorKind,
        /// What the operating system says.
        reason: String,
    },
    /// A file or folder cannot be written.
    #[error("could not write \"{}\": {reason}", path.display())]
    FileUnwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        reason: String,
    },
    /// The file's SHA-256 is not the manifest's.
    #[error("\"{}\" is not the file its manifest describes", path.display())]
    FileChanged {
        /// The file.
        path: PathBuf,
        /// SHA-256 in the manifest, hexadecimal.
        expected: String,
        /// SHA-256 of the file, hexadecimal.
        found: String,
    },
    /// The manifest is not valid.
    #[error("manifest \"{}\" is not valid: {reason}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The tokenizer file is not valid.
    #[error("tokenizer \"{}\" is not valid: {reason}", path.display())]
    Tokenizer {
        /// The tokenizer file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// ONNX Runtime does not accept the model file.
    #[error("ONNX model \"{}\" could not be loaded: {reason}", path.display())]
    Model {
        /// The ONNX file.
        path: PathBuf,
        /// What ONNX Runtime says.
        reason: String,
    },
    /// The model runs and is not what the manifest says: its inputs, its output or its dimension.
    #[error("ONNX model \"{}\" does not agree with its manifest: {reason}", path.display())]
    Disagreement {
        /// The ONNX file.
        path: PathBuf,
        /// Where they differ.
        reason: String,
    },
    /// The tokenizer makes token ids that the model has no embedding for.
    #[error("tokenizer \"{}\" belongs to another model: it has {tokens} tokens", tokenizer.display())]
    Vocabulary {
        /// The tokenizer file.
        tokenizer: PathBuf,
        /// Number of tokens in its vocabulary.
        tokens: usize,
        /// What ONNX Runtime says.
        reason: String,
    },
    /// The ONNX Runtime library is missing.
    #[error("ONNX Runtime library \"{}\" does not exist", path.display())]
    RuntimeMissing {
        /// The library looked for.
        path: PathBuf,
    },
    /// The file is no ONNX Runtime library that this process can load.
    #[error("could not load ONNX Runtime library \"{}\": {reason}", path.display())]
    RuntimeUnusable {
        /// The library.
        path: PathBuf,
        /// What the loader says.
        reason: String,
    },
    /// The library is too old.
    #[error("ONNX Runtime library \"{}\" has version {found}", path.display())]
    RuntimeVersion {
        /// The library.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// This process has loaded another ONNX Runtime library, and a process can load only one.
    #[error("ONNX Runtime is already loaded from \"{}\"", loaded.display())]
    RuntimeInUse {
        /// The library in use.
        loaded: PathBuf,
        /// The library asked for.
        asked: PathBuf,
    },
    /// A text has nothing to embed: it is empty, or has only white space and control characters.
    #[error("text has no word to embed")]
    EmptyText {
        /// Position of the text in the call, from 0.
        index: usize,
    },
    /// ONNX Runtime failed while it ran the model.
    #[error("embedding model \"{model}\" failed: {reason}")]
    Inference {
        /// Name of the model.
        model: String,
        /// What ONNX Runtime says.
        reason: String,
    },
    /// Memory for the result or the texts could not be had.
    #[error("out of memory while embedding {texts} texts")]
    OutOfMemory {
        /// Number of texts of the call.
        texts: usize,
    },
    /// There is no memory to open or to run a model: the process, the container or the machine is at its limit.
    #[error("not enough memory for the embedding model in \"{}\"", folder.display())]
    MemoryLimit {
        /// The model's folder.
        folder: PathBuf,
        /// Bytes that could not be had, where that is known.
        bytes: Option<u64>,
    },
    /// The callback of the caller asked to stop.
    #[error("embedding was cancelled")]
    Cancelled,
}

impl EmbedderError {
    /// More about what was found; empty when the message says it all.
    pub fn detail(&self) -> String {
        match self {
            Self::FileChanged { expected, found, .. } => {
                format!("The manifest gives SHA-256 {expected}, the file has {found}.")
            }
            Self::Vocabulary { reason, .. } => {
                format!("Its last token is beyond the model's embedding table: {reason}")
            }
            Self::RuntimeVersion { .. } => format!("Version 1.{OLDEST_MINOR} or later is needed."),
            Self::RuntimeInUse { asked, .. } => {
                format!("This process cannot load \"{}\" beside it.", asked.display())
            }
            Self::MemoryLimit { bytes: Some(bytes), .. } => {
                format!("{} MiB could not be had.", bytes.div_ceil(1 << 20))
            }
            _ => String::new(),
        }
    }

    /// What the reader of the error can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::FolderMissing { .. } | Self::FileMissing { .. } => {
                "Install the model's folder with manifest.json, the ONNX file and the tokenizer."
            }
            Self::FileUnreadable { .. } => "Make the file readable for the account that runs the server.",
            Self::FileUnwritable { .. } => {
                "Run this as the account that owns the model's folder, with space on the disk."
            }
            Self::FileChanged { .. } => {
                "Install the model again; a model that was really changed needs a name and a manifest of its own."
            }
            Self::Manifest { .. } => "Correct the manifest, or install the model again.",
            Self::Tokenizer { .. } | Self::Model { .. } => {
                "The file is damaged or of another kind: install the model again."
            }
            Self::Disagreement { .. } => {
                "Correct inputs, output, pooling, dimension or maximum_tokens in the manifest."
            }
            Self::Vocabulary { .. } => "Install the tokenizer that was published with the model.",
            Self::RuntimeMissing { .. } | Self::RuntimeUnusable { .. } | Self::RuntimeVersion { .. } => {
                "Install the ONNX Runtime library that belongs to this version of the extension."
            }
            Self::RuntimeInUse { .. } => "Reconnect to use another library.",
            Self::EmptyText { .. } => "Give a text with at least one word.",
            Self::Inference { .. } => "Check that the model belongs to its manifest and that memory is free.",
            Self::OutOfMemory { .. } => "Embed fewer texts in one call.",
            Self::MemoryLimit { .. } => {
                "Free memory, or raise the limit of the server's processes. With a pool sessions share one copy of a model."
            }
            Self::Cancelled => "",
        }
    }
}
