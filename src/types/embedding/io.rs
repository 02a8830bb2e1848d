//! Text and binary form, and the type modifier: `[1,2,3]`, pgvector's wire format, `embedding(3)`.

use super::{Embedding, MAX_DIMENSIONS, check_dimensions, check_expected_dimensions, literal};
use crate::types::refusal::{Refusal, accept};
use pgrx::datum::Internal;
use pgrx::prelude::*;
use std::ffi::{CStr, CString};

/// Reads `[1,2,3]`.
#[pg_extern]
fn embedding_in(
    literal: &CStr,
    _element: pg_sys::Oid,
    typmod: i32,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Option<Embedding> {
    let elements = literal::parse(literal)
        .and_then(|elements| check_expected_dimensions(typmod, elements.len()).map(|()| elements));
    match elements {
        Ok(elements) => Some(Embedding::filled(elements.len(), |target| target.copy_from_slice(&elements))),
        Err(refusal) => refusal.report(fcinfo),
    }
}

/// Writes each element as the shortest decimal that reads back the same.
#[pg_extern]
fn embedding_out(embedding: Embedding) -> CString {
    CString::from_vec_with_nul(literal::print(embedding.as_slice())).unwrap_or_default()
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
    accept(check_dimensions(dimensions));
    accept(check_expected_dimensions(typmod, dimensions));
    if unused != 0 {
        Refusal::new(PgSqlErrorCode::ERRCODE_DATA_EXCEPTION, format!("expected unused to be 0, not {unused}")).raise();
    }
    // SAFETY: as above; the result points at that many bytes of the message.
    let bytes = unsafe {
        let length = dimensions * size_of::<f32>();
        std::slice::from_raw_parts(pg_sys::pq_getmsgbytes(buffer, length as i32).cast::<u8>(), length)
    };
    let embedding = Embedding::filled(dimensions, |elements| {
        for (element, bytes) in elements.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *element = f32::from_be_bytes(*bytes);
        }
    });
    accept(embedding.check_elements());
    embedding
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
fn embedding_typmod_in(fcinfo: pg_sys::FunctionCallInfo) -> i32 {
    // SAFETY: the function is declared with one argument of type cstring[] and as STRICT. ArrayGetIntegerTypmods
    // returns as many numbers as it counts, or raises an ERROR.
    let modifiers = unsafe {
        let array = pg_sys::pg_detoast_datum(pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 0).cast_mut_ptr());
        let mut count = 0;
        let numbers = pg_sys::ArrayGetIntegerTypmods(array.cast(), &mut count);
        std::slice::from_raw_parts(numbers, count as usize)
    };
    let refuse = |message: String| Refusal::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message).raise();
    match *modifiers {
        [dimensions] if dimensions < 1 => refuse("dimensions for type embedding must be at least 1".into()),
        [dimensions] if dimensions as usize > MAX_DIMENSIONS => {
            refuse(format!("dimensions for type embedding cannot exceed {MAX_DIMENSIONS}"))
        }
        [dimensions] => dimensions,
        _ => refuse("invalid type modifier".into()),
    }
}

/// Enforces the type modifier on assignment to a column of type `embedding(n)`.
#[pg_extern]
fn embedding_enforce_typmod(embedding: Embedding, typmod: i32, _explicit: bool) -> Embedding {
    accept(check_expected_dimensions(typmod, embedding.dimensions()));
    embedding
}
