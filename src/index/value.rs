//! Vectors as PostgreSQL hands them over: the layout that `embedding` shares with pgvector's `vector`.

use crate::error::raise;
use pgrx::pg_sys;
use pgrx::prelude::*;

/// Bytes before the elements: length word, dimensions, and two bytes that are zero.
const HEADER: usize = 8;

/// A detoasted vector; a copy that detoasting made is freed with it.
pub struct Vector {
    value: *mut pg_sys::varlena,
    owned: bool,
}

impl Vector {
    /// Detoasts a datum of an indexed type.
    ///
    /// # Safety
    /// The datum is a value of a type with the layout of `embedding`, and outlives the result.
    pub unsafe fn new(datum: pg_sys::Datum) -> Vector {
        let original = datum.cast_mut_ptr::<pg_sys::varlena>();
        // SAFETY: the datum is a varlena.
        let value = unsafe { pg_sys::pg_detoast_datum(original) };
        Vector { value, owned: value != original }
    }

    /// The elements.
    pub fn as_slice(&self) -> &[f32] {
        // SAFETY: a detoasted value has a four-byte length word and is aligned to four bytes; its header says how
        // many elements follow.
        unsafe {
            let start = self.value.cast::<u8>();
            let dimensions = start.add(4).cast::<i16>().read();
            std::slice::from_raw_parts(start.add(HEADER).cast::<f32>(), dimensions.max(0) as usize)
        }
    }
}

impl Drop for Vector {
    fn drop(&mut self) {
        if self.owned && !std::thread::panicking() {
            // SAFETY: the copy was palloc'ed by detoasting and is not used any more.
            unsafe { pg_sys::pfree(self.value.cast()) }
        }
    }
}

/// Raises the error that comparing vectors of different dimensions raises.
pub fn check_dimensions(expected: usize, found: usize) {
    if expected != found {
        raise(
            PgSqlErrorCode::ERRCODE_DATA_EXCEPTION,
            format!("different vector dimensions {expected} and {found}"),
            "",
            "",
        );
    }
}
