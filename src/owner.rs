//! Running with the rights of the extension's owner, for the few things that a caller has no privilege on and needs.

use pgrx::prelude::*;

/// Runs `work` as the owner of sutra.concept, who is the owner of the extension. It must run only statements of the
/// extension's own, over its own objects, and nothing that a caller's words are part of.
pub fn as_owner<T>(work: impl FnOnce() -> T) -> T {
    let owner = crate::catalog::read_one::<pg_sys::Oid>(
        "SELECT relowner FROM pg_catalog.pg_class WHERE oid OPERATOR(pg_catalog.=) 'sutra.concept'::pg_catalog.regclass",
        &[],
    );
    match owner {
        Ok(Some(owner)) => as_role(owner, work),
        Ok(None) => error!("sutra.concept has no owner"),
        Err(error) => error!("could not look up the owner of sutra.concept: {error}"),
    }
}

/// Runs `work` with the rights of a role that exists, as a SECURITY DEFINER function of that role would.
pub fn as_role<T>(role: pg_sys::Oid, work: impl FnOnce() -> T) -> T {
    let _role = Role::switch(role);
    work()
}

/// Back to the former role when it goes out of scope; after an ERROR the end of the (sub)transaction restores it.
struct Role {
    user: pg_sys::Oid,
    context: i32,
}

impl Role {
    fn switch(to: pg_sys::Oid) -> Self {
        let mut role = Role { user: pg_sys::InvalidOid, context: 0 };
        // SAFETY: as for a SECURITY DEFINER function; the role exists, because it owns a table.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&raw mut role.user, &raw mut role.context);
            let context =
                role.context | (pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION) as i32;
            pg_sys::SetUserIdAndSecContext(to, context);
        }
        role
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        // SAFETY: these are the values that were current before.
        unsafe { pg_sys::SetUserIdAndSecContext(self.user, self.context) };
    }
}
