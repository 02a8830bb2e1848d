//! `concept_id`: the identity of what was learned, eight bytes by value, shown as sixteen hexadecimal digits.

use super::hash;
use super::refusal::{Refusal, shown};
use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::{Datum, Internal, UnboxDatum};
use pgrx::pgrx_sql_entity_graph::impl_sql_translatable;
use pgrx::prelude::*;
use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::fmt;

/// The first eight bytes of a digest. Ordered as an unsigned number, so that the order is that of the printed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConceptId(pub u64);

impl fmt::Display for ConceptId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

thread_local! {
    static TYPE: Cell<pg_sys::Oid> = const { Cell::new(pg_sys::InvalidOid) };
}

impl IntoDatum for ConceptId {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        Some(pg_sys::Datum::from(self.0))
    }

    fn type_oid() -> pg_sys::Oid {
        super::lookup::member_type(c"concept_id", &TYPE)
    }
}

impl FromDatum for ConceptId {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        (!is_null).then(|| ConceptId(datum.value() as u64))
    }
}

impl_sql_translatable!(ConceptId, "concept_id");

// SAFETY: the type is passed by value and every bit pattern is a valid one.
unsafe impl UnboxDatum for ConceptId {
    type As<'src> = ConceptId;

    unsafe fn unbox<'src>(datum: Datum<'src>) -> Self::As<'src>
    where
        Self: 'src,
    {
        ConceptId(datum.sans_lifetime().value() as u64)
    }
}

// SAFETY: the argument is a by-value datum of the type.
unsafe impl<'fcx> ArgAbi<'fcx> for ConceptId {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: the caller passes a datum of this type.
        match unsafe { arg.unbox_arg_using_from_datum() } {
            Some(id) => id,
            None => error!("a concept_id argument must not be null"),
        }
    }
}

// SAFETY: the returned datum is the value itself.
unsafe impl BoxRet for ConceptId {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: a concept_id is returned by value.
        unsafe { fcinfo.return_raw_datum(pg_sys::Datum::from(self.0)) }
    }
}

/// Reads sixteen hexadecimal digits.
#[pg_extern]
fn concept_id_in(literal: &CStr, fcinfo: pg_sys::FunctionCallInfo) -> Option<ConceptId> {
    let bytes = literal.to_bytes();
    // from_str_radix alone would take a sign.
    let digits = match bytes.len() == 16 && bytes.iter().all(u8::is_ascii_hexdigit) {
        true => literal.to_str().unwrap_or_default(),
        false => "",
    };
    match u64::from_str_radix(digits, 16) {
        Ok(value) => Some(ConceptId(value)),
        Err(_) => Refusal {
            hint: "A concept_id is written as exactly 16 hexadecimal digits.",
            ..Refusal::new(
                PgSqlErrorCode::ERRCODE_INVALID_TEXT_REPRESENTATION,
                format!("invalid input syntax for type concept_id: \"{}\"", shown(bytes)),
            )
        }
        .report(fcinfo),
    }
}

/// Writes sixteen lower-case hexadecimal digits.
#[pg_extern]
fn concept_id_out(id: ConceptId) -> CString {
    CString::new(id.to_string()).unwrap_or_default()
}

/// Reads the binary form: eight bytes, big-endian.
#[pg_extern]
fn concept_id_recv(message: Internal) -> ConceptId {
    let message = crate::types::embedding::io::message(message);
    // SAFETY: the receive protocol passes a StringInfo; pq_getmsgint64 raises an ERROR beyond its end.
    ConceptId(unsafe { pg_sys::pq_getmsgint64(message) } as u64)
}

/// Writes the binary form: eight bytes, big-endian.
#[pg_extern]
fn concept_id_send(id: ConceptId) -> Vec<u8> {
    id.0.to_be_bytes().to_vec()
}

/// Declares a comparison as PostgreSQL calls it, without the guard that `#[pg_extern]` puts around a function: nothing here
/// can panic or raise an ERROR, and every step down a B-tree and every check of a foreign key calls some of them.
macro_rules! comparison {
    ($name:ident, $finfo:ident, |$left:ident, $right:ident| $result:expr) => {
        /// # Safety
        /// PostgreSQL passes two arguments of type concept_id, none of them null: the function is strict.
        #[unsafe(no_mangle)]
        unsafe extern "C-unwind" fn $name(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
            // SAFETY: the caller's promise.
            let ($left, $right) = unsafe {
                let arguments = (*fcinfo).args.as_ptr();
                ((*arguments).value.value() as u64, (*arguments.add(1)).value.value() as u64)
            };
            pg_sys::Datum::from($result)
        }

        #[unsafe(no_mangle)]
        extern "C-unwind" fn $finfo() -> &'static pg_sys::Pg_finfo_record {
            const CALLED_BY_VERSION_1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
            &CALLED_BY_VERSION_1
        }
    };
}

comparison!(concept_id_eq_wrapper, pg_finfo_concept_id_eq_wrapper, |left, right| left == right);
comparison!(concept_id_ne_wrapper, pg_finfo_concept_id_ne_wrapper, |left, right| left != right);
comparison!(concept_id_lt_wrapper, pg_finfo_concept_id_lt_wrapper, |left, right| left < right);
comparison!(concept_id_le_wrapper, pg_finfo_concept_id_le_wrapper, |left, right| left <= right);
comparison!(concept_id_gt_wrapper, pg_finfo_concept_id_gt_wrapper, |left, right| left > right);
comparison!(concept_id_ge_wrapper, pg_finfo_concept_id_ge_wrapper, |left, right| left >= right);
comparison!(concept_id_cmp_wrapper, pg_finfo_concept_id_cmp_wrapper, |left, right| left.cmp(&right) as i32);

#[pg_extern]
fn concept_id_larger(left: ConceptId, right: ConceptId) -> ConceptId {
    left.max(right)
}

#[pg_extern]
fn concept_id_smaller(left: ConceptId, right: ConceptId) -> ConceptId {
    left.min(right)
}

/// Sets up sorting: PostgreSQL's own comparison of unsigned datums, for which its sort has a specialised loop.
#[pg_extern]
fn concept_id_sortsupport(support: Internal) {
    unsafe extern "C-unwind" {
        fn ssup_datum_unsigned_cmp(
            left: pg_sys::Datum,
            right: pg_sys::Datum,
            support: pg_sys::SortSupport,
        ) -> std::ffi::c_int;
    }
    let Some(support) = support.unwrap() else { error!("sort support was called without its structure") };
    // SAFETY: the sort support protocol passes a SortSupportData. The server's own symbol is named here, because the
    // sort knows it by its address, which a wrapper made by pgrx would not have.
    unsafe { (*support.cast_mut_ptr::<pg_sys::SortSupportData>()).comparator = Some(ssup_datum_unsigned_cmp) }
}

#[pg_extern]
fn concept_id_hash(id: ConceptId) -> i32 {
    hash::number(id.0)
}

#[pg_extern]
fn concept_id_hash_extended(id: ConceptId, seed: i64) -> i64 {
    hash::number_extended(id.0, seed)
}
