//! What the caller may read, decided once, and reading with the rights of the owner within it.
//!
//! A role that may read sutra.concept needs no grants on the inverted index, and the index on metadata serves it
//! although row-level security would keep the planner from it. What is read so is never shown: it only says which
//! concepts come into question, and these are then read with the caller's own rights.

use super::{Request, failed};
use crate::owner::as_role;
use crate::prepared;
use pgrx::prelude::*;

/// The proof that the caller may read concepts of the space searched.
pub struct Rights {
    owner: pg_sys::Oid,
}

impl Rights {
    /// Raises the usual ERROR when the caller may not read sutra.concept; nothing when no policy shows it the space.
    pub fn check(request: &Request) -> Option<Self> {
        let (owner, readable) = Spi::connect(|client| {
            // An empty read raises the ERROR that any other read of the table would.
            let empty = failed(prepared::reading(client, "SELECT FROM sutra.concept WHERE false", &[]));
            failed(client.select(&*empty, None, &[]));
            let arguments = [request.space.as_str().into()];
            const READABLE: &str = "SELECT c.relowner,
                     NOT pg_catalog.row_security_active(c.oid)
                     OR $1 OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT sutra.visible_spaces(current_user, false)))
                 FROM pg_catalog.pg_class AS c
                 WHERE c.oid OPERATOR(pg_catalog.=) 'sutra.concept'::pg_catalog.regclass";
            let readable = failed(prepared::reading(client, READABLE, &arguments));
            failed(failed(client.select(&*readable, None, &arguments)).first().get_two::<pg_sys::Oid, bool>())
        });
        match (owner, readable) {
            (Some(owner), Some(true)) => Some(Rights { owner }),
            _ => None,
        }
    }

    /// Runs `read` as the owner of the table. It must run only queries of the extension's own over its tables.
    pub fn as_owner<T>(&self, read: impl FnOnce() -> T) -> T {
        as_role(self.owner, read)
    }
}
