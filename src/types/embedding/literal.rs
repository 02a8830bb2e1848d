//! The text form: `[1, 2.5, -3e-2]`, read by pgvector's rules.

use super::{MAX_DIMENSIONS, check_dimensions, check_element};
use crate::types::refusal::{Refusal, shown};
use pgrx::prelude::*;
use std::ffi::{CStr, c_char, c_int};

unsafe extern "C" {
    fn strtof(text: *const c_char, end: *mut *mut c_char) -> f32;
    /// PostgreSQL's shortest decimal that reads back as the same float4, without a final NUL; at most 15 bytes.
    fn float_to_shortest_decimal_bufn(value: f32, result: *mut c_char) -> c_int;
}

/// Reads the elements.
pub fn parse(literal: &CStr) -> Result<Vec<f32>, Refusal> {
    let malformed = |detail| Refusal {
        detail,
        ..Refusal::new(
            PgSqlErrorCode::ERRCODE_INVALID_TEXT_REPRESENTATION,
            format!("invalid input syntax for type embedding: \"{}\"", shown(literal.to_bytes())),
        )
    };
    // The final NUL stays in the text, where it belongs to no token: no position is ever out of bounds.
    let text = literal.to_bytes_with_nul();
    let mut at = skip_space(text, 0);
    if text[at] != b'[' {
        return Err(malformed("Embedding contents must start with \"[\"."));
    }
    at = skip_space(text, at + 1);
    if text[at] == b']' {
        check_dimensions(0)?;
    }
    // Every element but the last takes two characters at least.
    let mut elements = Vec::with_capacity((text.len() / 2).min(MAX_DIMENSIONS));
    loop {
        check_dimensions(elements.len() + 1)?;
        at = skip_space(text, at);
        let (value, length) = number(&text[at..])?.ok_or_else(|| malformed(""))?;
        check_element(value)?;
        elements.push(value);
        at = skip_space(text, at + length);
        match text[at] {
            b',' => at += 1,
            b']' => break,
            _ => return Err(malformed("")),
        }
    }
    if skip_space(text, at + 1) != text.len() - 1 {
        return Err(malformed("Junk after closing right brace."));
    }
    Ok(elements)
}

/// The number at the start of `text`, which ends with a NUL, and its length; None where there is no number.
fn number(text: &[u8]) -> Result<Option<(f32, usize)>, Refusal> {
    let plain = text.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')).count();
    let parsed = match text[plain] {
        b',' | b']' => std::str::from_utf8(&text[..plain]).ok().and_then(|decimal| decimal.parse::<f32>().ok()),
        _ => None,
    };
    // Rust reads plain decimals several times faster than C's strtof and rounds them alike; what else strtof takes
    // (hexadecimal, inf, nan, a number before white space or junk) is left to it.
    let (value, length) = match parsed {
        Some(value) => (value, plain),
        None => {
            let start = text.as_ptr().cast::<c_char>();
            let mut end = std::ptr::null_mut();
            // SAFETY: the text ends with a NUL, and strtof sets `end` to a place in it.
            unsafe {
                let value = strtof(start, &mut end);
                (value, end.cast_const().offset_from(start) as usize)
            }
        }
    };
    if length == 0 {
        return Ok(None);
    }
    let is_number = text[..length].iter().any(u8::is_ascii_digit);
    if value.is_infinite() && is_number {
        return Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
            format!("\"{}\" is out of range for type embedding", shown(&text[..length])),
        ));
    }
    Ok(Some((value, length)))
}

/// The first position from `at` on that holds no white space (as isspace of the C locale has it).
fn skip_space(text: &[u8], at: usize) -> usize {
    at + text[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)).count()
}

/// Writes each element as the shortest decimal that reads back the same, and a final NUL.
pub fn print(elements: &[f32]) -> Vec<u8> {
    const LONGEST: usize = 16;
    let mut text = Vec::with_capacity(elements.len() * LONGEST + 3);
    text.push(b'[');
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        let mut digits = [0u8; 2 * LONGEST];
        // SAFETY: the buffer is longer than the longest result.
        let length = unsafe { float_to_shortest_decimal_bufn(*element, digits.as_mut_ptr().cast()) };
        text.extend_from_slice(&digits[..length as usize]);
    }
    text.extend_from_slice(b"]\0");
    text
}
