//! PostgreSQL's own hash of bytes: the same on every platform of one byte order, and stable across versions, which
//! hash indexes and hash partitions rely on.

use std::ffi::c_int;

unsafe extern "C" {
    safe fn hash_bytes_uint32(value: u32) -> u32;
    safe fn hash_bytes_uint32_extended(value: u32, seed: u64) -> u64;
    fn hash_bytes(bytes: *const u8, length: c_int) -> u32;
    fn hash_bytes_extended(bytes: *const u8, length: c_int, seed: u64) -> u64;
}

/// Hashes a 64-bit number to 32 bits.
pub fn number(value: u64) -> i32 {
    hash_bytes_uint32(value as u32 ^ (value >> 32) as u32) as i32
}

/// Hashes a 64-bit number to 64 bits.
pub fn number_extended(value: u64, seed: i64) -> i64 {
    hash_bytes_uint32_extended(value as u32 ^ (value >> 32) as u32, seed as u64) as i64
}

/// Hashes bytes to 32 bits.
pub fn bytes(bytes: &[u8]) -> i32 {
    // SAFETY: the function reads exactly the bytes of the slice.
    unsafe { hash_bytes(bytes.as_ptr(), bytes.len() as c_int) as i32 }
}

/// Hashes bytes to 64 bits.
pub fn bytes_extended(bytes: &[u8], seed: i64) -> i64 {
    // SAFETY: as above.
    unsafe { hash_bytes_extended(bytes.as_ptr(), bytes.len() as c_int, seed as u64) as i64 }
}
