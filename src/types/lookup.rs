//! The OIDs that CREATE EXTENSION gave to the extension's own types.

use pgrx::prelude::*;
use std::cell::Cell;
use std::ffi::CStr;
use std::thread::LocalKey;

/// Finds the member type `name` of the extension, remembering the answer in `cache`.
///
/// The search goes by membership and not by schema, so neither the search_path nor a type of the same name elsewhere
/// matters. A remembered OID is used only while such a type exists: the extension may be dropped and made again.
pub fn member_type(name: &CStr, cache: &'static LocalKey<Cell<pg_sys::Oid>>) -> pg_sys::Oid {
    let remembered = cache.get();
    // SAFETY: these catalog look-ups take an OID or a NUL-terminated name; the list is released after its last use.
    unsafe {
        if remembered != pg_sys::InvalidOid
            && pg_sys::SearchSysCacheExists(
                pg_sys::SysCacheIdentifier::TYPEOID as _,
                remembered.into(),
                0.into(),
                0.into(),
                0.into(),
            )
        {
            return remembered;
        }
        let extension = pg_sys::get_extension_oid(c"sutra".as_ptr(), false);
        let list = pg_sys::SearchSysCacheList(
            pg_sys::SysCacheIdentifier::TYPENAMENSP as _,
            1,
            pg_sys::Datum::from(name.as_ptr()),
            0.into(),
            0.into(),
        );
        let members = (*list).members.as_slice((*list).n_members as usize);
        let found = members
            .iter()
            .map(|member| (*pg_sys::GETSTRUCT(&raw mut (**member).tuple).cast::<pg_sys::FormData_pg_type>()).oid)
            .find(|oid| pg_sys::getExtensionOfObject(pg_sys::TypeRelationId, *oid) == extension);
        pg_sys::ReleaseCatCacheList(list);
        let Some(oid) = found else { error!("extension sutra has no type {}", name.to_string_lossy()) };
        cache.set(oid);
        oid
    }
}
