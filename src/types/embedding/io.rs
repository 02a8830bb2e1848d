//! Text and binary form, and the type modifier: `[1,2,3]`, pgvector's wire format, `embedding(3)`.

use super::{Embedding, MAX_DIMENSIONS, check_dimensions, check_element, check_expected_dimensions};
use crate::error::raise;
use pgrx::datum::Internal;
use pgrx::prelude::*;
use std::ffi::{CStr, CString, c_char, c_int};

unsafe extern "C" {
    /// PostgreSQL's shortest decimal that reads back as the same float4; at most 16 bytes, the final NUL included.
    fn float_to_shortest_decimal_buf(value: f32, result: *mut c_char) -> c_int;
}

/// Reads `[1,2,3]`.
#[pg_extern]
fn embedding_in(literal: &CStr, _element: pg_sys::Oid, typmod: i32) -> Embedding {
    let malformed = |detail: &str| -> ! {
        raise(
            PgSqlErrorCode::ERRCODE_INVALID_TEXT_REPRESENTATION,
            format!("invalid input syntax for type embedding: \"{}\"", literal.to_string_lossy()),
            detail,
            "",
        )
    };
    let mut rest = skip_space(literal.to_bytes());
    match rest.split_first() {
        Some((b'[', after)) => rest = skip_space(after),
        _ => malformed("Embedding contents must start with \"[\"."),
    }
    if rest.first() == Some(&b']') {
        check_dimensions(0);
    }
    let mut elements = Vec::with_capacity(rest.len().div_ceil(2).min(MAX_DIMENSIONS));
    loop {
        if elements.len() == MAX_DIMENSIONS {
            check_dimensions(MAX_DIMENSIONS + 1);
        }
        rest = skip_space(rest);
        let length = rest.iter().take_while(|byte| !matches!(byte, b',' | b']') && !is_space(**byte)).count();
        let text = std::str::from_utf8(&rest[..length]).unwrap_or_default();
        let Ok(value) = text.parse::<f32>() else { malformed("") };
        check_element(value);
        elements.push(value);
        rest = skip_space(&rest[length..]);
        match rest.split_first() {
            Some((b',', after)) => rest = after,
            Some((b']', after)) => {
                rest = after;
                break;
            }
            _ => malformed(""),
        }
    }
    if !skip_space(rest).is_empty() {
        malformed("Junk after closing right brace.");
    }
    check_expected_dimensions(typmod, elements.len());
    Embedding::from_slice(&elements)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn skip_space(bytes: &[u8]) -> &[u8] {
    let spaces = bytes.iter().take_while(|byte| is_space(**byte)).count();
    &bytes[spaces..]
}

/// Writes each element as the shortest decimal that reads back the same.
#[pg_extern]
fn embedding_out(embedding: Embedding) -> CString {
    let mut text = Vec::with_capacity(embedding.dimensions() * 12 + 2);
    text.push(b'[');
    for (index, element) in embedding.as_slice().iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        let mut digits = [0u8; 32];
        // SAFETY: the buffer is longer than the longest result.
        let length = unsafe { float_to_shortest_decimal_buf(*element, digits.as_mut_ptr().cast()) };
        text.extend_from_slice(&digits[..length as usize]);
    }
    text.push(b']');
    CString::new(text).unwrap_or_default()
}

/// The message that a receive function reads.
pub fn message(message: Internal) -> pg_sys::StringInfo {
    match message.unwrap() {
        Some(datum) => datum.cast_mut_ptr(),
        None => error!("a receive function was called without a message"),
    }
}

/// Reads the binary form: int16 dimensions, int16 zero, then each element as float4.
#[pg_extern]
fn embedding_recv(buffer: Internal, _element: pg_sys::Oid, typmod: i32) -> Embedding {
    let buffer = message(buffer);
    // SAFETY: the receive protocol passes a StringInfo; the pq_getmsg functions raise an ERROR beyond its end.
    let (dimensions, unused) =
        unsafe { (pg_sys::pq_getmsgint(buffer, 2) as i16, pg_sys::pq_getmsgint(buffer, 2) as i16) };
    let dimensions = usize::try_from(dimensions).unwrap_or_default();
    check_dimensions(dimensions);
    check_expected_dimensions(typmod, dimensions);
    if unused != 0 {
        raise(PgSqlErrorCode::ERRCODE_DATA_EXCEPTION, format!("expected unused to be 0, not {unused}"), "", "");
    }
    Embedding::filled(dimensions, |elements| {
        for element in elements {
            // SAFETY: as above.
            *element = unsafe { pg_sys::pq_getmsgfloat4(buffer) };
            check_element(*element);
        }
    })
}

/// Writes the binary form.
#[pg_extern]
fn embedding_send(embedding: Embedding) -> Vec<u8> {
    let elements = embedding.as_slice();
    let mut bytes = Vec::with_capacity(4 + size_of_val(elements));
    bytes.extend_from_slice(&(elements.len() as i16).to_be_bytes());
    bytes.extend_from_slice(&0i16.to_be_bytes());
    for element in elements {
        bytes.extend_from_slice(&element.to_be_bytes());
    }
    bytes
}

/// Reads the type modifier of `embedding(n)`.
#[pg_extern]
fn embedding_typmod_in(modifiers: Array<&CStr>) -> i32 {
    let dimensions = match (modifiers.len(), modifiers.get(0)) {
        (1, Some(Some(text))) => text.to_str().ok().and_then(|text| text.trim().parse::<i32>().ok()),
        _ => None,
    };
    let Some(dimensions) = dimensions else {
        raise(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "invalid type modifier", "", "")
    };
    if dimensions < 1 {
        raise(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "dimensions for type embedding must be at least 1",
            "",
            "",
        );
    }
    if dimensions as usize > MAX_DIMENSIONS {
        raise(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("dimensions for type embedding cannot exceed {MAX_DIMENSIONS}"),
            "",
            "",
        );
    }
    dimensions
}

/// Enforces the type modifier on assignment to a column of type `embedding(n)`.
#[pg_extern]
fn embedding_enforce_typmod(embedding: Embedding, typmod: i32, _explicit: bool) -> Embedding {
    check_expected_dimensions(typmod, embedding.dimensions());
    embedding
}
