//! What is wrong with what was to be learned, said so that the caller can mend it.

use crate::error::raise;
use pgrx::prelude::*;
use sutra_knowledge::date::Unreadable as NoTime;
use sutra_knowledge::metadata::{LONGEST_NAME, Problem};

/// Where in a batch something is wrong; nowhere when one statement is learned.
#[derive(Clone, Copy)]
pub struct Place {
    /// From 1.
    pub position: usize,
    /// Whether to say it.
    pub shown: bool,
}

impl Place {
    /// A DETAIL with the place before it.
    pub fn detail(self, detail: &str) -> String {
        match (self.shown, detail.is_empty()) {
            (false, _) => detail.to_owned(),
            (true, true) => format!("Array element {}.", self.position),
            (true, false) => format!("Array element {}: {detail}", self.position),
        }
    }
}

/// Raises the ERROR for metadata that cannot be read.
pub fn raise_problem(problem: &Problem, place: Place) -> ! {
    const OVERRIDE: &str = "or give the key the role ignore in sutra.metadata_role";
    let (code, detail, hint) = match problem {
        Problem::NotAnObject(found) => (
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("It is of the JSON type {found}."),
            "Pass an object such as {\"company\": \"AAPL\", \"date\": \"2019-01-02\"}, or nothing.".to_owned(),
        ),
        Problem::WrongType { found, .. } => (
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("It is of the JSON type {found}."),
            format!("Correct the value, use null for no value, {OVERRIDE}."),
        ),
        Problem::Blank { .. } => (
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "The key has a meaning, so its value is read.".to_owned(),
            format!("Leave the key out, use null for no value, {OVERRIDE}."),
        ),
        Problem::TooLong { .. } => (
            PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            format!("A name has at most {LONGEST_NAME} bytes."),
            format!("Shorten the value, {OVERRIDE}."),
        ),
        Problem::NotATime { reason, .. } => (
            PgSqlErrorCode::ERRCODE_INVALID_DATETIME_FORMAT,
            sentence(&reason.to_string()),
            match reason {
                NoTime::Ambiguous => "Write the day as in 2019-01-31.".to_owned(),
                _ => format!(
                    "Write it as in 2019-01-31, 2019-01, Q1 2019 or 2019-01-01..2019-03-31, use null for no value, {OVERRIDE}."
                ),
            },
        ),
        Problem::TwoTimes { .. } => (
            PgSqlErrorCode::ERRCODE_INVALID_DATETIME_FORMAT,
            "Neither time lies within the other.".to_owned(),
            format!("Keep the one that the content speaks of, {OVERRIDE} to the other."),
        ),
        Problem::NotANumber { reason, .. } => (
            PgSqlErrorCode::ERRCODE_INVALID_TEXT_REPRESENTATION,
            sentence(&reason.to_string()),
            "Correct the value, leave the key out, or use null for no value.".to_owned(),
        ),
        Problem::TwoValues { .. } => (
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "A statement gives one value for a metric.".to_owned(),
            "Keep one of the keys.".to_owned(),
        ),
        Problem::WhoseNumber { .. } => (
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "A number belongs to one company.".to_owned(),
            "Learn one statement for each company.".to_owned(),
        ),
    };
    raise(code, problem.to_string(), &place.detail(&detail), &hint)
}

/// A reason as a sentence of its own.
fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
