//! Roles, and what they may do with jobs.

use crate::error::raise;
use pgrx::prelude::*;
use std::ffi::{CStr, CString};

/// The role whose rights the session has now.
pub fn current() -> pg_sys::Oid {
    // SAFETY: it reads a variable of this process.
    unsafe { pg_sys::GetUserId() }
}

/// The role of that name, if there is one.
pub fn role(name: &str) -> Option<pg_sys::Oid> {
    let name = CString::new(name).ok()?;
    // SAFETY: the name is NUL-terminated; a missing role is InvalidOid.
    let oid = unsafe { pg_sys::get_role_oid(name.as_ptr(), true) };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

/// The name of a role; an ERROR when there is none.
pub fn name_of(role: pg_sys::Oid) -> String {
    // SAFETY: it returns a NUL-terminated string or raises an ERROR.
    unsafe { CStr::from_ptr(pg_sys::GetUserNameFromId(role, false)) }.to_string_lossy().into_owned()
}

/// Whether the current role may do what another may: it is the same, a member of it or a superuser.
pub fn is_member_of(role: pg_sys::Oid) -> bool {
    // SAFETY: it takes two roles and reads the catalog.
    unsafe { pg_sys::is_member_of_role(current(), role) }
}

/// Whether the current role is a superuser.
pub fn is_superuser() -> bool {
    // SAFETY: it reads the catalog.
    unsafe { pg_sys::superuser() }
}

/// Refuses who may not work for the owner of a job.
pub fn check_may_steer(job: &super::store::Job) {
    let allowed = match role(&job.owner) {
        Some(owner) => is_member_of(owner),
        None => is_superuser(),
    };
    if !allowed {
        raise(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("job {} belongs to another role", job.id),
            &format!("Its owner is \"{}\".", job.owner),
            "Become a member of that role, or ask its owner.",
        );
    }
}
