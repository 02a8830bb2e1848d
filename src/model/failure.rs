//! Errors of the embedding engine as PostgreSQL errors.

use crate::error::raise;
use pgrx::prelude::*;
use sutra_embedder::{EmbedderError, Failure, FailureKind};

/// Raises the PostgreSQL error that corresponds to `error`.
pub fn raise_embedder(model: &str, error: EmbedderError) -> ! {
    let text = match &error {
        EmbedderError::EmptyText { index } => *index,
        _ => 0,
    };
    raise_failure(model, text, &Failure::from(&error))
}

/// Raises the PostgreSQL error that corresponds to `failure`; `text` is the position of the text it is about.
pub fn raise_failure(model: &str, text: usize, failure: &Failure) -> ! {
    match failure.kind {
        FailureKind::ModelMissing => raise(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("embedding model \"{model}\" does not exist"),
            &failure.detail,
            "Install the model's folder, or choose one of those that SELECT name FROM sutra.models lists.",
        ),
        FailureKind::EmptyText => raise(
            sqlstate(failure.kind),
            failure.message.as_str(),
            &format!("It is text {} of the call.", text + 1),
            &failure.remedy,
        ),
        kind => raise(sqlstate(kind), failure.message.as_str(), &failure.detail, &failure.remedy),
    }
}

fn sqlstate(kind: FailureKind) -> PgSqlErrorCode {
    match kind {
        FailureKind::ModelMissing => PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        FailureKind::FileMissing => PgSqlErrorCode::ERRCODE_UNDEFINED_FILE,
        FailureKind::NoPermission => PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        FailureKind::InputOutput => PgSqlErrorCode::ERRCODE_IO_ERROR,
        FailureKind::Damaged => PgSqlErrorCode::ERRCODE_DATA_CORRUPTED,
        FailureKind::Configuration => PgSqlErrorCode::ERRCODE_CONFIG_FILE_ERROR,
        FailureKind::Version => PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        FailureKind::InUse => PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        FailureKind::EmptyText => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        FailureKind::OutOfMemory => PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY,
        FailureKind::Cancelled => PgSqlErrorCode::ERRCODE_QUERY_CANCELED,
        FailureKind::Runtime => PgSqlErrorCode::ERRCODE_EXTERNAL_ROUTINE_EXCEPTION,
    }
}
