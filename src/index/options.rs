//! Options of `CREATE INDEX ... WITH (m, ef_construction)`.

use crate::error::raise;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::sync::OnceLock;

/// Options as PostgreSQL keeps them in the relation cache.
#[repr(C)]
struct Stored {
    length: i32,
    m: i32,
    ef_construction: i32,
}

/// Edges of a node on each level above 0.
const M: (i32, i32, i32) = (16, 2, 100);
/// Candidates kept while an insert looks for neighbours.
const EF_CONSTRUCTION: (i32, i32, i32) = (64, 4, 1000);

static KIND: OnceLock<pg_sys::relopt_kind::Type> = OnceLock::new();

/// The options of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Edges of a node on each level above 0, half of those on level 0.
    pub m: usize,
    /// Candidates kept while an insert looks for neighbours.
    pub ef_construction: usize,
}

/// Registers the options; called once from `_PG_init`.
pub fn init() {
    KIND.get_or_init(|| {
        // SAFETY: called while the library is loaded, as PostgreSQL asks; the texts are static.
        unsafe {
            let kind = pg_sys::add_reloption_kind();
            let lock = pg_sys::AccessExclusiveLock as pg_sys::LOCKMODE;
            let m = c"Edges of a node on each level (twice as many on the lowest): higher is more accurate, larger and slower to build";
            pg_sys::add_int_reloption(kind, c"m".as_ptr(), m.as_ptr(), M.0, M.1, M.2, lock);
            let ef = c"Candidates kept while neighbours are sought: higher is more accurate and slower to build";
            let (default, low, high) = EF_CONSTRUCTION;
            pg_sys::add_int_reloption(kind, c"ef_construction".as_ptr(), ef.as_ptr(), default, low, high, lock);
            kind
        }
    });
}

/// Parses and checks the options of an index.
#[pg_guard]
pub unsafe extern "C-unwind" fn amoptions(options: pg_sys::Datum, validate: bool) -> *mut pg_sys::bytea {
    let element = |name: &'static std::ffi::CStr, offset: usize| pg_sys::relopt_parse_elt {
        optname: name.as_ptr(),
        opttype: pg_sys::relopt_type::RELOPT_TYPE_INT,
        offset: offset as i32,
        ..Default::default()
    };
    let table = [
        element(c"m", std::mem::offset_of!(Stored, m)),
        element(c"ef_construction", std::mem::offset_of!(Stored, ef_construction)),
    ];
    let Some(kind) = KIND.get() else { error!("the options of sutra_hnsw are not registered") };
    // SAFETY: the table describes `Stored`, whose size is given.
    unsafe {
        pg_sys::build_reloptions(options, validate, *kind, size_of::<Stored>(), table.as_ptr(), table.len() as i32)
            .cast()
    }
}

/// The options of an open index, or the defaults where none were given.
///
/// Raises an error where they do not go together.
pub fn of(relation: pg_sys::Relation) -> Options {
    // SAFETY: the relation is open; rd_options is null or what `amoptions` returned.
    let stored = unsafe { (*relation).rd_options.cast::<Stored>().as_ref() };
    let (m, ef_construction) = stored.map_or((M.0, EF_CONSTRUCTION.0), |stored| (stored.m, stored.ef_construction));
    if ef_construction < 2 * m {
        raise(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "ef_construction must be greater than or equal to 2 * m",
            &format!("ef_construction is {ef_construction}, m is {m}."),
            "",
        );
    }
    Options { m: m as usize, ef_construction: ef_construction as usize }
}
