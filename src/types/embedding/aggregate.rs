//! `avg` and `sum`. The state is a double precision[] of the count followed by the sum of each dimension, `{0}` at
//! first, as pgvector's: any process can combine two states without a function to serialise them.

use super::array::{array_argument, array_result, float4_from_sum, new_array, plain_elements};
use super::{Embedding, check_dimensions, check_element, check_expected_dimensions};
use crate::types::refusal::{Refusal, accept};
use pgrx::array::RawArray;
use pgrx::datum::AnyArray;
use pgrx::fcinfo::pg_getarg;
use pgrx::prelude::*;

/// Adds one embedding to the state.
#[pg_extern]
fn embedding_accum(fcinfo: pg_sys::FunctionCallInfo) -> AnyArray {
    // SAFETY: the function is declared as STRICT with the arguments (double precision[], embedding).
    let (state, embedding) = unsafe { (state_argument(fcinfo, 0), pg_getarg::<Embedding>(fcinfo, 1)) };
    let Some(embedding) = embedding else { error!("an embedding argument must not be null") };
    add(fcinfo, state, 1.0, embedding.as_slice().iter().map(|element| f64::from(*element)))
}

/// Adds the second state to the first.
#[pg_extern]
fn embedding_combine(fcinfo: pg_sys::FunctionCallInfo) -> AnyArray {
    // SAFETY: the function is declared as STRICT with the arguments (double precision[], double precision[]).
    let (state, mut other) = unsafe { (state_argument(fcinfo, 0), state_argument(fcinfo, 1)) };
    // SAFETY: state_argument checked the type of the elements.
    match unsafe { plain_elements::<f64>(&mut other) } {
        [count, sums @ ..] if !sums.is_empty() => add(fcinfo, state, *count, sums.iter().copied()),
        _ => array_result(state, pg_sys::FLOAT8ARRAYOID),
    }
}

/// Adds a count and sums to the state of the running call: in place where the state is the aggregate's own.
fn add(
    fcinfo: pg_sys::FunctionCallInfo,
    mut state: RawArray,
    count: f64,
    sums: impl ExactSizeIterator<Item = f64>,
) -> AnyArray {
    let length = sums.len() + 1;
    let values = std::iter::once(count).chain(sums);
    let result = if state.len() == 1 {
        // The first sums are stored, not added to zero, which would make 0 of -0.
        let mut first = new_array::<f64>(pg_sys::FLOAT8OID, length);
        update(&mut first, values, |_, value| value);
        first
    } else {
        accept(check_expected_dimensions(state.len() as i32 - 1, length - 1));
        // SAFETY: the call is running. In an aggregate the state belongs to it, and may be changed.
        let in_aggregate = unsafe { pg_sys::AggCheckCallContext(fcinfo, std::ptr::null_mut()) != 0 };
        if !in_aggregate {
            let mut copy = new_array::<f64>(pg_sys::FLOAT8OID, length);
            // SAFETY: both arrays hold double precision.
            unsafe { plain_elements::<f64>(&mut copy).copy_from_slice(plain_elements::<f64>(&mut state)) };
            state = copy;
        }
        update(&mut state, values, |sum, value| sum + value);
        state
    };
    array_result(result, pg_sys::FLOAT8ARRAYOID)
}

/// Replaces each number of a state by what `operation` makes of it and the next of `values`.
fn update(state: &mut RawArray, values: impl Iterator<Item = f64>, operation: impl Fn(f64, f64) -> f64) {
    // SAFETY: a state holds double precision.
    for (number, value) in unsafe { plain_elements::<f64>(state) }.iter_mut().zip(values) {
        *number = operation(*number, value);
        if number.is_infinite() {
            Refusal::new(PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow").raise();
        }
    }
}

/// The mean of what the state holds; NULL for nothing.
#[pg_extern]
fn embedding_avg(fcinfo: pg_sys::FunctionCallInfo) -> Option<Embedding> {
    finish(fcinfo, |count, sum| sum / count)
}

/// The sum of what the state holds; NULL for nothing.
#[pg_extern]
fn embedding_sum(fcinfo: pg_sys::FunctionCallInfo) -> Option<Embedding> {
    finish(fcinfo, |_, sum| sum)
}

fn finish(fcinfo: pg_sys::FunctionCallInfo, result: impl Fn(f64, f64) -> f64) -> Option<Embedding> {
    // SAFETY: the function is declared as STRICT with the argument (double precision[]); the type of its elements was
    // checked by state_argument.
    let state = unsafe { plain_elements::<f64>(&mut state_argument(fcinfo, 0)) };
    let (count, sums) = (state[0], &state[1..]);
    if count == 0.0 {
        return None;
    }
    accept(check_dimensions(sums.len()));
    Some(Embedding::filled(sums.len(), |target| {
        for (element, sum) in target.iter_mut().zip(sums) {
            *element = float4_from_sum(result(count, *sum));
            accept(check_element(*element));
        }
    }))
}

/// A state argument, checked: anyone may call these functions with any array.
///
/// # Safety
/// Argument `number` of the call is an array that is not null.
unsafe fn state_argument(fcinfo: pg_sys::FunctionCallInfo, number: usize) -> RawArray {
    // SAFETY: as the caller says.
    let array = unsafe { array_argument(fcinfo, number) };
    // SAFETY: the array is well formed, as any that PostgreSQL passes.
    let has_nulls = unsafe { array.any_nulls() };
    if array.oid() != pg_sys::FLOAT8OID || array.dims().len() != 1 || array.len() < 1 || has_nulls {
        Refusal::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "expected a state array of avg or sum").raise();
    }
    array
}
