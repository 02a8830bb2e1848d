//! Errors of this crate as they travel from one process to another.

use crate::error::EmbedderError;
use std::io::ErrorKind;

/// What kind of error it is; whoever reports it chooses a code by this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FailureKind {
    /// The model is not installed.
    ModelMissing = 1,
    /// A file is not there.
    FileMissing = 2,
    /// A file may not be read.
    NoPermission = 3,
    /// A file cannot be read or written, or a library not be loaded.
    InputOutput = 4,
    /// A file is not what it should be.
    Damaged = 5,
    /// The parts of a model do not belong together, or its manifest is wrong.
    Configuration = 6,
    /// The runtime is too old.
    Version = 7,
    /// The process uses another runtime already.
    InUse = 8,
    /// A text has nothing to embed.
    EmptyText = 9,
    /// Memory ran out.
    OutOfMemory = 10,
    /// The caller asked to stop.
    Cancelled = 11,
    /// The runtime failed.
    Runtime = 12,
}

impl FailureKind {
    /// The kind of that number.
    pub fn from_number(number: u8) -> Option<Self> {
        [
            Self::ModelMissing,
            Self::FileMissing,
            Self::NoPermission,
            Self::InputOutput,
            Self::Damaged,
            Self::Configuration,
            Self::Version,
            Self::InUse,
            Self::EmptyText,
            Self::OutOfMemory,
            Self::Cancelled,
            Self::Runtime,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == number)
    }
}

/// An error in words: what happened, more about it, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of error it is.
    pub kind: FailureKind,
    /// What happened.
    pub message: String,
    /// More about it; may be empty.
    pub detail: String,
    /// What to do about it; may be empty.
    pub remedy: String,
}

impl From<&EmbedderError> for Failure {
    fn from(error: &EmbedderError) -> Self {
        let detail = match error {
            EmbedderError::FolderMissing { folder } => format!("There is no folder \"{}\".", folder.display()),
            other => other.detail(),
        };
        Self { kind: kind_of(error), message: error.to_string(), detail, remedy: error.remedy().to_owned() }
    }
}

fn kind_of(error: &EmbedderError) -> FailureKind {
    match error {
        EmbedderError::FolderMissing { .. } => FailureKind::ModelMissing,
        EmbedderError::FileMissing { .. } | EmbedderError::RuntimeMissing { .. } => FailureKind::FileMissing,
        EmbedderError::FileUnreadable { kind: ErrorKind::PermissionDenied, .. } => FailureKind::NoPermission,
        EmbedderError::FileUnreadable { .. }
        | EmbedderError::FileUnwritable { .. }
        | EmbedderError::RuntimeUnusable { .. } => FailureKind::InputOutput,
        EmbedderError::FileChanged { .. } | EmbedderError::Tokenizer { .. } | EmbedderError::Model { .. } => {
            FailureKind::Damaged
        }
        EmbedderError::Manifest { .. } | EmbedderError::Disagreement { .. } | EmbedderError::Vocabulary { .. } => {
            FailureKind::Configuration
        }
        EmbedderError::RuntimeVersion { .. } => FailureKind::Version,
        EmbedderError::RuntimeInUse { .. } => FailureKind::InUse,
        EmbedderError::EmptyText { .. } => FailureKind::EmptyText,
        EmbedderError::OutOfMemory { .. } | EmbedderError::MemoryLimit { .. } => FailureKind::OutOfMemory,
        EmbedderError::Cancelled => FailureKind::Cancelled,
        EmbedderError::Inference { .. } => FailureKind::Runtime,
    }
}
