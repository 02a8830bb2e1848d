//! A jsonb value as PostgreSQL holds it. It goes back into SQL untouched, so that a number keeps every digit.

use pgrx::callconv::{Arg, ArgAbi};
use pgrx::datum::{Datum, UnboxDatum};
use pgrx::direct_function_call;
use pgrx::pgrx_sql_entity_graph::impl_sql_translatable;
use pgrx::prelude::*;
use std::ffi::CStr;

/// A non-null jsonb value.
#[derive(Clone, Copy)]
pub struct Json(pg_sys::Datum);

impl Json {
    /// The value of a JSON text. Raises an ERROR when it is none.
    pub fn from_text(text: &str) -> Json {
        let Ok(text) = std::ffi::CString::new(text) else { error!("a JSON text contains a NUL byte") };
        // SAFETY: jsonb_in takes one C string, which lives during the call.
        match unsafe { direct_function_call::<pg_sys::Datum>(pg_sys::jsonb_in, &[Some(text.as_ptr().into())]) } {
            Some(datum) => Json(datum),
            None => error!("jsonb_in returned null"),
        }
    }

    /// The value as JSON text.
    pub fn text(&self) -> String {
        // SAFETY: jsonb_out takes a jsonb and returns a palloc'ed C string.
        let text = unsafe { direct_function_call::<&CStr>(pg_sys::jsonb_out, &[Some(self.0)]) };
        text.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

impl IntoDatum for Json {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        Some(self.0)
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::JSONBOID
    }
}

impl FromDatum for Json {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        (!is_null).then_some(Json(datum))
    }
}

impl_sql_translatable!(Json, "jsonb");

// SAFETY: the datum is kept as it is.
unsafe impl UnboxDatum for Json {
    type As<'src> = Json;

    unsafe fn unbox<'src>(datum: Datum<'src>) -> Self::As<'src>
    where
        Self: 'src,
    {
        Json(datum.sans_lifetime())
    }
}

// SAFETY: the argument is kept as it is.
unsafe impl<'fcx> ArgAbi<'fcx> for Json {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: the caller passes a jsonb.
        match unsafe { arg.unbox_arg_using_from_datum() } {
            Some(json) => json,
            None => error!("a jsonb argument must not be null"),
        }
    }
}
