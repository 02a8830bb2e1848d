//! Errors of the embedding engine as PostgreSQL errors.

use crate::error::raise;
use pgrx::prelude::*;
use std::io::ErrorKind;
use sutra_embedder::EmbedderError;

/// Raises the PostgreSQL error that corresponds to `error`.
pub fn raise_embedder(model: &str, error: EmbedderError) -> ! {
    if let EmbedderError::FolderMissing { folder } = &error {
        raise(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("embedding model \"{model}\" does not exist"),
            &format!("There is no folder \"{}\".", folder.display()),
            "Install the model's folder, or choose one of those that SELECT name FROM sutra.models lists.",
        );
    }
    let detail = match &error {
        EmbedderError::EmptyText { index } => format!("It is text {} of the call.", index + 1),
        other => other.detail(),
    };
    raise(sqlstate(&error), error.to_string(), &detail, error.remedy())
}

fn sqlstate(error: &EmbedderError) -> PgSqlErrorCode {
    match error {
        EmbedderError::FolderMissing { .. } => PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        EmbedderError::FileMissing { .. } | EmbedderError::RuntimeMissing { .. } => {
            PgSqlErrorCode::ERRCODE_UNDEFINED_FILE
        }
        EmbedderError::FileUnreadable { kind: ErrorKind::PermissionDenied, .. } => {
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE
        }
        EmbedderError::FileUnreadable { .. } | EmbedderError::RuntimeUnusable { .. } => {
            PgSqlErrorCode::ERRCODE_IO_ERROR
        }
        EmbedderError::FileChanged { .. } | EmbedderError::Tokenizer { .. } | EmbedderError::Model { .. } => {
            PgSqlErrorCode::ERRCODE_DATA_CORRUPTED
        }
        EmbedderError::Manifest { .. } | EmbedderError::Disagreement { .. } | EmbedderError::Vocabulary { .. } => {
            PgSqlErrorCode::ERRCODE_CONFIG_FILE_ERROR
        }
        EmbedderError::RuntimeVersion { .. } => PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        EmbedderError::RuntimeInUse { .. } => PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        EmbedderError::EmptyText { .. } => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        EmbedderError::OutOfMemory { .. } => PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY,
        EmbedderError::Cancelled => PgSqlErrorCode::ERRCODE_QUERY_CANCELED,
        _ => PgSqlErrorCode::ERRCODE_EXTERNAL_ROUTINE_EXCEPTION,
    }
}
