//! Casts between `embedding` and the array types real[], double precision[], integer[] and numeric[].

use super::arithmetic::without_overflow;
use super::{Embedding, check_dimensions, check_expected_dimensions};
use crate::types::refusal::{Refusal, accept};
use pgrx::array::RawArray;
use pgrx::datum::AnyArray;
use pgrx::fcinfo::{direct_function_call, direct_function_call_as_datum, pg_getarg_datum_raw};
use pgrx::prelude::*;
use std::ptr::NonNull;

/// An array argument, detoasted; a copy that this needed is left to the memory context of the call.
///
/// # Safety
/// Argument `number` of the call is an array that is not null.
pub unsafe fn array_argument(fcinfo: pg_sys::FunctionCallInfo, number: usize) -> RawArray {
    // SAFETY: pg_detoast_datum returns a flat, aligned array.
    unsafe {
        let array = pg_sys::pg_detoast_datum(pg_getarg_datum_raw(fcinfo, number).cast_mut_ptr());
        RawArray::from_ptr(NonNull::new_unchecked(array.cast()))
    }
}

/// The elements of an array without NULLs whose type is passed by value and as wide as `T`.
///
/// # Safety
/// `T` is the Rust form of the element type, and the array lives as long as `'a`.
pub unsafe fn plain_elements<'a, T: Copy>(array: &mut RawArray) -> &'a mut [T] {
    // SAFETY: PostgreSQL aligns the data of an array to the alignment of its elements.
    unsafe { array.data::<T>().as_mut() }
}

/// A new one-dimensional array of `count` elements, all bits zero, of a type as wide as `T`.
pub fn new_array<T: Copy>(element_type: pg_sys::Oid, count: usize) -> RawArray {
    // Header, one dimension and one lower bound: 24 bytes, which needs no padding before elements of any alignment.
    const OVERHEAD: usize = size_of::<pg_sys::ArrayType>() + 2 * size_of::<i32>();
    const { assert!(OVERHEAD.is_multiple_of(8)) };
    let length = OVERHEAD + count * size_of::<T>();
    // SAFETY: palloc0 returns a block large enough for the header, the dimension, the lower bound and the elements.
    unsafe {
        let array = pg_sys::palloc0(length).cast::<pg_sys::ArrayType>();
        pgrx::set_varsize_4b(array.cast(), length as i32);
        (*array).ndim = 1;
        (*array).elemtype = element_type;
        let bounds = array.add(1).cast::<i32>();
        bounds.write(count as i32);
        bounds.add(1).write(1);
        RawArray::from_ptr(NonNull::new_unchecked(array))
    }
}

/// The array as the result of a function.
pub fn array_result(array: RawArray, array_type: pg_sys::Oid) -> AnyArray {
    let datum = pg_sys::Datum::from(array.into_ptr().as_ptr());
    // SAFETY: the datum is an array of this type.
    match unsafe { AnyArray::from_polymorphic_datum(datum, false, array_type) } {
        Some(array) => array,
        None => error!("an array cannot be null"),
    }
}

/// Makes an embedding of an array of real, double precision, integer or numeric.
#[pg_extern]
fn embedding_from_array(fcinfo: pg_sys::FunctionCallInfo) -> Embedding {
    // SAFETY: the function is declared as STRICT with the arguments (array, integer, boolean).
    let (mut array, typmod) = unsafe { (array_argument(fcinfo, 0), pg_getarg_datum_raw(fcinfo, 1).value() as i32) };
    if array.dims().len() > 1 {
        Refusal::new(PgSqlErrorCode::ERRCODE_DATA_EXCEPTION, "array must be 1-D").raise();
    }
    // SAFETY: the array is well formed, as any that PostgreSQL passes.
    if unsafe { array.any_nulls() } {
        Refusal::new(PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED, "array must not contain nulls").raise();
    }
    accept(check_dimensions(array.len()));
    accept(check_expected_dimensions(typmod, array.len()));
    let embedding = Embedding::filled(array.len(), |target| {
        // SAFETY: each branch reads the elements as the type that the array says they have.
        unsafe {
            match array.oid() {
                pg_sys::FLOAT4OID => target.copy_from_slice(plain_elements::<f32>(&mut array)),
                pg_sys::FLOAT8OID => convert(target, plain_elements::<f64>(&mut array), |element| element as f32),
                pg_sys::INT4OID => convert(target, plain_elements::<i32>(&mut array), |element| element as f32),
                pg_sys::NUMERICOID => convert(target, numeric_elements(&array), float4_from_numeric),
                _ => Refusal::new(PgSqlErrorCode::ERRCODE_DATA_EXCEPTION, "unsupported array type").raise(),
            }
        }
    });
    accept(embedding.check_elements());
    embedding
}

fn convert<T: Copy>(target: &mut [f32], source: &[T], conversion: impl Fn(T) -> f32) {
    target.iter_mut().zip(source).for_each(|(element, value)| *element = conversion(*value));
}

/// The elements of an array of numeric without NULLs, as datums.
///
/// # Safety
/// The array outlives the result.
unsafe fn numeric_elements<'a>(array: &RawArray) -> &'a [pg_sys::Datum] {
    let (mut elements, mut count) = (std::ptr::null_mut(), 0);
    // SAFETY: numeric is of variable length, aligned to four bytes. deconstruct_array does not change the array, and
    // returns as many datums as it counts, which point into it.
    unsafe {
        let pointer = RawArray::into_ptr(std::ptr::read(array)).as_ptr();
        let (length, by_value, align) = (-1, false, b'i' as std::ffi::c_char);
        let no_nulls = std::ptr::null_mut();
        pg_sys::deconstruct_array(
            pointer,
            pg_sys::NUMERICOID,
            length,
            by_value,
            align,
            &mut elements,
            no_nulls,
            &mut count,
        );
        std::slice::from_raw_parts(elements, count as usize)
    }
}

fn float4_from_numeric(numeric: pg_sys::Datum) -> f32 {
    // SAFETY: numeric_float4 takes one numeric; it raises an ERROR where the value does not fit.
    let converted = unsafe { direct_function_call::<f32>(pg_sys::numeric_float4, &[Some(numeric)]) };
    converted.unwrap_or(f32::NAN)
}

#[pg_extern]
fn embedding_to_float4_array(embedding: Embedding, _typmod: i32, _explicit: bool) -> AnyArray {
    array_result(filled_array(pg_sys::FLOAT4OID, &embedding, |element| element), pg_sys::FLOAT4ARRAYOID)
}

#[pg_extern]
fn embedding_to_float8_array(embedding: Embedding, _typmod: i32, _explicit: bool) -> AnyArray {
    array_result(filled_array(pg_sys::FLOAT8OID, &embedding, f64::from), pg_sys::FLOAT8ARRAYOID)
}

/// Rounds each element, halves to the even neighbour, as PostgreSQL's cast from real to integer does.
#[pg_extern]
fn embedding_to_int4_array(embedding: Embedding, _typmod: i32, _explicit: bool) -> AnyArray {
    let array = filled_array(pg_sys::INT4OID, &embedding, |element| {
        let rounded = f64::from(element).round_ties_even();
        if rounded < f64::from(i32::MIN) || rounded > f64::from(i32::MAX) {
            Refusal::new(PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range").raise();
        }
        rounded as i32
    });
    array_result(array, pg_sys::INT4ARRAYOID)
}

#[pg_extern]
fn embedding_to_numeric_array(embedding: Embedding, _typmod: i32, _explicit: bool) -> AnyArray {
    let mut numerics = Vec::with_capacity(embedding.dimensions());
    for element in embedding.as_slice() {
        // SAFETY: float4_numeric takes one float4, and returns a numeric.
        let numeric = unsafe { direct_function_call_as_datum(pg_sys::float4_numeric, &[element.into_datum()]) };
        numerics.extend(numeric);
    }
    // SAFETY: numeric is of variable length, aligned to four bytes; construct_array copies the elements.
    let array = unsafe {
        let array = pg_sys::construct_array(
            numerics.as_mut_ptr(),
            numerics.len() as i32,
            pg_sys::NUMERICOID,
            -1,
            false,
            b'i' as std::ffi::c_char,
        );
        RawArray::from_ptr(NonNull::new_unchecked(array))
    };
    array_result(array, pg_sys::NUMERICARRAYOID)
}

fn filled_array<T: Copy>(element_type: pg_sys::Oid, embedding: &Embedding, conversion: impl Fn(f32) -> T) -> RawArray {
    let mut array = new_array::<T>(element_type, embedding.dimensions());
    // SAFETY: the array was just made for elements of this type.
    let target = unsafe { plain_elements::<T>(&mut array) };
    target.iter_mut().zip(embedding.as_slice()).for_each(|(element, source)| *element = conversion(*source));
    array
}

/// An element of a sum in float8 as float4.
pub fn float4_from_sum(value: f64) -> f32 {
    without_overflow(value as f32)
}
