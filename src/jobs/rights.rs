//! Whose rights a piece of work has.

use crate::error::raise;
use pgrx::prelude::*;
use std::ffi::{CStr, CString};

/// While it lives, statements run with the rights of a role, and nothing they run can take other rights.
///
/// Dropped, the rights before it come back. An ERROR restores them too, with the (sub)transaction that it ends.
pub struct AsRole {
    user: pg_sys::Oid,
    context: std::ffi::c_int,
}

impl AsRole {
    /// Takes the rights of a role.
    pub fn new(role: pg_sys::Oid) -> AsRole {
        let (mut user, mut context) = (pg_sys::InvalidOid, 0);
        let restricted = (pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION) as i32;
        // SAFETY: both only copy into and from variables of this process; a (sub)transaction that ends by an ERROR puts
        // back what was there when it began.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
            pg_sys::SetUserIdAndSecContext(role, context | restricted);
        }
        AsRole { user, context }
    }

    /// Takes the rights of the extension's owner, for the tables that no role need have a privilege on.
    pub fn extension_owner() -> AsRole {
        AsRole::new(extension_owner())
    }
}

impl Drop for AsRole {
    fn drop(&mut self) {
        // SAFETY: these are the values that were there before.
        unsafe { pg_sys::SetUserIdAndSecContext(self.user, self.context) };
    }
}

/// The owner of the extension's tables.
fn extension_owner() -> pg_sys::Oid {
    let owner = crate::catalog::read_one::<pg_sys::Oid>(
        "SELECT relowner FROM pg_catalog.pg_class
         WHERE oid OPERATOR(pg_catalog.=) 'sutra.job'::pg_catalog.regclass",
        &[],
    );
    match owner {
        Ok(Some(owner)) => owner,
        _ => error!("the table sutra.job has no owner"),
    }
}

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
