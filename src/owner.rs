//! Running with the rights of another role: of the extension's owner, for the few things that a caller has no privilege on
//! and needs, or of the role that a piece of work is done for.

use pgrx::prelude::*;

/// While it lives, statements run with the rights of a role that exists, as in a SECURITY DEFINER function of that role, and
/// nothing they run can take other rights.
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

    /// Takes the rights of the extension's owner, who is the owner of its tables. With them only statements of the
    /// extension's own may run, over its own objects, and nothing that a caller's words are part of.
    pub fn extension_owner() -> AsRole {
        let owner = crate::catalog::read_one::<pg_sys::Oid>(
            "SELECT relowner FROM pg_catalog.pg_class WHERE oid OPERATOR(pg_catalog.=) 'sutra.concept'::pg_catalog.regclass",
            &[],
        );
        match owner {
            Ok(Some(owner)) => AsRole::new(owner),
            Ok(None) => error!("sutra.concept has no owner"),
            Err(error) => error!("could not look up the owner of sutra.concept: {error}"),
        }
    }
}

impl Drop for AsRole {
    fn drop(&mut self) {
        // SAFETY: these are the values that were there before.
        unsafe { pg_sys::SetUserIdAndSecContext(self.user, self.context) };
    }
}

/// Runs `work` as the owner of the extension, see [`AsRole::extension_owner`].
pub fn as_owner<T>(work: impl FnOnce() -> T) -> T {
    let _rights = AsRole::extension_owner();
    work()
}

/// Runs `work` with the rights of a role that exists.
pub fn as_role<T>(role: pg_sys::Oid, work: impl FnOnce() -> T) -> T {
    let _rights = AsRole::new(role);
    work()
}
