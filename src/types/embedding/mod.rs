//! `embedding`: a vector of float4, laid out in memory and on disk exactly as pgvector's `vector`.

mod aggregate;
mod arithmetic;
mod array;
mod comparison;
mod distance;
pub mod io;
mod literal;

use crate::types::refusal::{Refusal, accept};
use pgrx::PgMemoryContexts;
use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::{Datum, UnboxDatum};
use pgrx::pgrx_sql_entity_graph::impl_sql_translatable;
use pgrx::prelude::*;
use std::cell::Cell;
use std::ptr::NonNull;

/// The most dimensions an embedding can have.
pub const MAX_DIMENSIONS: usize = 16_000;

/// What precedes the elements in memory.
#[repr(C)]
struct Header {
    /// The varlena length word, which counts the whole value.
    length: u32,
    dimensions: i16,
    /// Always zero; room for flags, as in pgvector.
    unused: i16,
}

const HEADER: usize = size_of::<Header>();

/// A value of the type, detoasted: either a view of memory that PostgreSQL owns, or a palloc'ed copy.
///
/// A copy is freed when the value is dropped, and handed to PostgreSQL without another copy by [`IntoDatum`]. A view
/// or copy must not outlive the memory context that it lives in.
pub struct Embedding {
    value: NonNull<Header>,
    owned: bool,
}

impl Embedding {
    /// A palloc'ed embedding of these elements, which are checked as input is: 1 to 16,000 of them, all finite.
    pub fn from_slice(elements: &[f32]) -> Self {
        accept(check_dimensions(elements.len()));
        let embedding = Self::filled(elements.len(), |target| target.copy_from_slice(elements));
        accept(embedding.check_elements());
        embedding
    }

    /// Refuses the embedding if an element is not a finite number.
    fn check_elements(&self) -> Result<(), Refusal> {
        self.as_slice().iter().try_for_each(|element| check_element(*element))
    }

    /// A palloc'ed embedding whose elements, all zero at first, are set by `fill`.
    fn filled(dimensions: usize, fill: impl FnOnce(&mut [f32])) -> Self {
        debug_assert!((1..=MAX_DIMENSIONS).contains(&dimensions));
        let length = HEADER + dimensions * size_of::<f32>();
        // SAFETY: palloc0 raises an ERROR rather than return null; the block is aligned to eight bytes and large enough
        // for the header and the elements, all of which are initialised by the zeros.
        unsafe {
            let value = pg_sys::palloc0(length).cast::<Header>();
            pgrx::set_varsize_4b(value.cast(), length as i32);
            (*value).dimensions = dimensions as i16;
            let mut embedding = Embedding { value: NonNull::new_unchecked(value), owned: true };
            fill(embedding.elements_mut());
            embedding
        }
    }

    /// The elements.
    #[inline]
    pub fn as_slice(&self) -> &[f32] {
        // SAFETY: `value` points at a detoasted value, whose header says how many elements follow.
        unsafe { elements(self.value) }
    }

    /// The number of elements.
    #[inline]
    pub fn dimensions(&self) -> usize {
        self.as_slice().len()
    }

    fn elements_mut(&mut self) -> &mut [f32] {
        debug_assert!(self.owned);
        // SAFETY: as in `as_slice`; the memory is this value's own, and borrowed mutably through it.
        unsafe {
            let dimensions = (*self.value.as_ptr()).dimensions as usize;
            std::slice::from_raw_parts_mut(self.value.as_ptr().cast::<u8>().add(HEADER).cast(), dimensions)
        }
    }

    /// A palloc'ed copy in `context`.
    ///
    /// # Safety
    /// `datum` is a non-null embedding.
    unsafe fn copy_into(datum: pg_sys::Datum, mut context: PgMemoryContexts) -> Self {
        // SAFETY: pg_detoast_datum_copy always returns a new, aligned, uncompressed value.
        unsafe {
            context.switch_to(|_| {
                let copy = pg_sys::pg_detoast_datum_copy(datum.cast_mut_ptr()).cast::<Header>();
                Embedding { value: NonNull::new_unchecked(copy), owned: true }
            })
        }
    }
}

/// The elements of the detoasted value at `value`.
///
/// # Safety
/// `value` points at a detoasted embedding that lives as long as `'a`.
#[inline]
unsafe fn elements<'a>(value: NonNull<Header>) -> &'a [f32] {
    // SAFETY: the elements follow the header; the header is a multiple of four bytes, so they are aligned.
    unsafe {
        let dimensions = (*value.as_ptr()).dimensions as usize;
        std::slice::from_raw_parts(value.as_ptr().cast::<u8>().add(HEADER).cast(), dimensions)
    }
}

impl Drop for Embedding {
    #[inline]
    fn drop(&mut self) {
        if self.owned {
            // SAFETY: the block was palloc'ed for this value, and nothing else refers to it.
            unsafe { pg_sys::pfree(self.value.as_ptr().cast()) }
        }
    }
}

/// Views the embedding in `datum` for code that handles raw datums; the copy that detoasting may have made is freed
/// when the view is dropped.
///
/// # Safety
/// `datum` is a non-null embedding, and stays valid as long as the view.
#[inline]
pub unsafe fn view(datum: pg_sys::Datum) -> Embedding {
    // SAFETY: a stored embedding may be compressed, out of line, or have a short and unaligned header; for all of these
    // pg_detoast_datum returns a new aligned value. The usual one is seen here first, because a call costs more.
    unsafe {
        let given = datum.cast_mut_ptr::<pg_sys::varlena>();
        let value = if pgrx::varatt_is_4b_u(given) { given } else { pg_sys::pg_detoast_datum(given) };
        Embedding { value: NonNull::new_unchecked(value.cast()), owned: value != given }
    }
}

/// Refuses a number of dimensions that no embedding has.
fn check_dimensions(dimensions: usize) -> Result<(), Refusal> {
    match dimensions {
        0 => Err(Refusal::new(PgSqlErrorCode::ERRCODE_DATA_EXCEPTION, "embedding must have at least 1 dimension")),
        1..=MAX_DIMENSIONS => Ok(()),
        _ => Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            format!("embedding cannot have more than {MAX_DIMENSIONS} dimensions"),
        )),
    }
}

/// Refuses a number of dimensions other than the type modifier's; -1 stands for any.
fn check_expected_dimensions(typmod: i32, dimensions: usize) -> Result<(), Refusal> {
    if typmod == -1 || typmod as usize == dimensions {
        return Ok(());
    }
    Err(Refusal::new(PgSqlErrorCode::ERRCODE_DATA_EXCEPTION, format!("expected {typmod} dimensions, not {dimensions}")))
}

/// Raises an ERROR unless both embeddings have the same number of dimensions.
#[inline]
fn check_same_dimensions(left: &Embedding, right: &Embedding) {
    let (left, right) = (left.dimensions(), right.dimensions());
    if left != right {
        Refusal::new(
            PgSqlErrorCode::ERRCODE_DATA_EXCEPTION,
            format!("different embedding dimensions {left} and {right}"),
        )
        .raise();
    }
}

/// Refuses a value that no element has.
fn check_element(element: f32) -> Result<(), Refusal> {
    let message = match element {
        _ if element.is_nan() => "NaN not allowed in embedding",
        _ if element.is_infinite() => "infinite value not allowed in embedding",
        _ => return Ok(()),
    };
    Err(Refusal::new(PgSqlErrorCode::ERRCODE_DATA_EXCEPTION, message))
}

thread_local! {
    static TYPE: Cell<pg_sys::Oid> = const { Cell::new(pg_sys::InvalidOid) };
}

impl IntoDatum for Embedding {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        let embedding = std::mem::ManuallyDrop::new(self);
        Some(pg_sys::Datum::from(embedding.value.as_ptr()))
    }

    fn type_oid() -> pg_sys::Oid {
        super::lookup::member_type(c"embedding", &TYPE)
    }
}

impl FromDatum for Embedding {
    #[inline]
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        // SAFETY: a datum that is not null is an embedding, says the caller.
        (!is_null && !datum.is_null()).then(|| unsafe { view(datum) })
    }

    unsafe fn from_datum_in_memory_context(
        context: PgMemoryContexts,
        datum: pg_sys::Datum,
        is_null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        // SAFETY: as above. A view would dangle here: the caller leaves the context that `datum` lives in.
        (!is_null && !datum.is_null()).then(|| unsafe { Self::copy_into(datum, context) })
    }
}

impl_sql_translatable!(Embedding, "embedding");

// SAFETY: the result is a copy, so it does not depend on the array that the datum is an element of; pgrx frees a
// detoasted array before the elements it collected into a Vec.
unsafe impl UnboxDatum for Embedding {
    type As<'src> = Embedding;

    unsafe fn unbox<'src>(datum: Datum<'src>) -> Self::As<'src>
    where
        Self: 'src,
    {
        // SAFETY: the caller passes a datum of this type that is not null.
        unsafe { Self::copy_into(datum.sans_lifetime(), PgMemoryContexts::CurrentMemoryContext) }
    }
}

// SAFETY: the argument is a datum of the type, valid during the call.
unsafe impl<'fcx> ArgAbi<'fcx> for Embedding {
    #[inline]
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: the caller passes a datum of this type.
        match unsafe { arg.unbox_arg_using_from_datum() } {
            Some(embedding) => embedding,
            None => error!("an embedding argument must not be null"),
        }
    }
}

// SAFETY: the returned datum points at a palloc'ed value or at an argument, both of which outlive the call.
unsafe impl BoxRet for Embedding {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        match self.into_datum() {
            // SAFETY: the datum is a complete varlena of the type.
            Some(datum) => unsafe { fcinfo.return_raw_datum(datum) },
            None => fcinfo.return_null(),
        }
    }
}
