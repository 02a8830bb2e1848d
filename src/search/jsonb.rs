//! A jsonb value as PostgreSQL stores it. pgrx's own type goes by way of serde_json, which rounds numbers and would
//! give metadata back other than it was learned.

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pgrx_sql_entity_graph::impl_sql_translatable;
use pgrx::prelude::*;

/// The bytes of a jsonb value, its length word included.
#[derive(Clone)]
pub struct Jsonb(Vec<u8>);

impl Jsonb {
    // The root of a jsonb value begins with a word of the number of its members and of flags for its kind; a scalar is
    // an array of one with a flag of its own.
    fn root(&self) -> u32 {
        self.0.get(4..8).and_then(|word| word.try_into().ok()).map_or(0, u32::from_ne_bytes)
    }

    /// Whether it is a JSON object.
    pub fn is_object(&self) -> bool {
        self.root() & pg_sys::JB_FOBJECT != 0
    }

    /// Whether it is `{}`.
    pub fn is_empty_object(&self) -> bool {
        self.is_object() && self.root() & pg_sys::JB_CMASK == 0
    }
}

impl FromDatum for Jsonb {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the datum is a varlena; detoasted it begins with a length word that counts itself.
        unsafe {
            let given = datum.cast_mut_ptr::<pg_sys::varlena>();
            let plain = pg_sys::pg_detoast_datum(given);
            let bytes = std::slice::from_raw_parts(plain.cast::<u8>(), pgrx::varsize_any(plain)).to_vec();
            if plain != given {
                pg_sys::pfree(plain.cast());
            }
            Some(Jsonb(bytes))
        }
    }
}

impl IntoDatum for Jsonb {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        // SAFETY: the bytes are copied to memory that PostgreSQL gave for exactly so many.
        unsafe {
            let copy = pg_sys::palloc(self.0.len()).cast::<u8>();
            std::ptr::copy_nonoverlapping(self.0.as_ptr(), copy, self.0.len());
            Some(pg_sys::Datum::from(copy))
        }
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::JSONBOID
    }
}

impl_sql_translatable!(Jsonb, "jsonb");

// SAFETY: the argument is a jsonb datum.
unsafe impl<'fcx> ArgAbi<'fcx> for Jsonb {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: the caller passes a datum of this type.
        match unsafe { arg.unbox_arg_using_from_datum() } {
            Some(value) => value,
            None => error!("a jsonb argument must not be null"),
        }
    }
}

// SAFETY: the datum returned is a jsonb value in memory of PostgreSQL.
unsafe impl BoxRet for Jsonb {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        match self.into_datum() {
            // SAFETY: as above.
            Some(datum) => unsafe { fcinfo.return_raw_datum(datum) },
            None => fcinfo.return_null(),
        }
    }
}
