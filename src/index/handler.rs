//! The handler: what the access method can do, and its functions. Also the support functions of the operator classes.

use super::{build, cost, insert, options, scan, vacuum};
use pgrx::pg_sys;
use pgrx::prelude::*;
use sutra_hnsw::code::Distance;

/// Support functions of an operator class: 1 says which distance it orders by.
const SUPPORT_FUNCTIONS: u16 = 1;

/// `CREATE ACCESS METHOD sutra_hnsw TYPE INDEX HANDLER sutra_hnsw_handler`
#[pg_extern(sql = "")]
fn sutra_hnsw_handler() -> pgrx::datum::Internal {
    // SAFETY: a node of this size is zeroed and tagged, as makeNode does.
    let routine = unsafe {
        let routine = pg_sys::palloc0(size_of::<pg_sys::IndexAmRoutine>()).cast::<pg_sys::IndexAmRoutine>();
        (*routine).type_ = pg_sys::NodeTag::T_IndexAmRoutine;
        &mut *routine
    };
    routine.amstrategies = 0;
    routine.amsupport = SUPPORT_FUNCTIONS;
    routine.amcanorderbyop = true;
    routine.amoptionalkey = true;
    routine.amkeytype = pg_sys::InvalidOid;
    routine.amusemaintenanceworkmem = false;
    routine.amparallelvacuumoptions = pg_sys::VACUUM_OPTION_PARALLEL_BULKDEL as u8;
    routine.ambuild = Some(build::ambuild);
    routine.ambuildempty = Some(build::ambuildempty);
    routine.ambuildphasename = Some(build::ambuildphasename);
    routine.aminsert = Some(insert::aminsert);
    routine.ambulkdelete = Some(vacuum::ambulkdelete);
    routine.amvacuumcleanup = Some(vacuum::amvacuumcleanup);
    routine.amcostestimate = Some(cost::amcostestimate);
    routine.amoptions = Some(options::amoptions);
    routine.amvalidate = Some(amvalidate);
    routine.ambeginscan = Some(scan::ambeginscan);
    routine.amrescan = Some(scan::amrescan);
    routine.amgettuple = Some(scan::amgettuple);
    routine.amendscan = Some(scan::amendscan);
    // SAFETY: the pointer is what the caller of a handler expects.
    unsafe { pgrx::datum::Internal::from_datum(pg_sys::Datum::from(std::ptr::from_mut(routine)), false) }
        .unwrap_or_else(|| error!("the access method has no routine"))
}

/// Checks an operator class: one ordering operator, and the support function that names its distance.
#[pg_guard]
unsafe extern "C-unwind" fn amvalidate(opclass: pg_sys::Oid) -> bool {
    // SAFETY: the catalog lists are released before returning; rows are read while they are held.
    unsafe {
        let class = pg_sys::SearchSysCache1(pg_sys::SysCacheIdentifier::CLAOID as i32, pg_sys::Datum::from(opclass));
        if class.is_null() {
            error!("cache lookup failed for operator class {}", opclass.to_u32());
        }
        let form = pg_sys::GETSTRUCT(class).cast::<pg_sys::FormData_pg_opclass>();
        let (family, key) = ((*form).opcfamily, (*form).opcintype);
        pg_sys::ReleaseSysCache(class);

        let procedures = pg_sys::SearchSysCacheList(
            pg_sys::SysCacheIdentifier::AMPROCNUM as i32,
            1,
            pg_sys::Datum::from(family),
            pg_sys::Datum::from(0),
            pg_sys::Datum::from(0),
        );
        let mut has_distance = false;
        for position in 0..(*procedures).n_members {
            let member = *(*procedures).members.as_ptr().add(position as usize);
            let row = pg_sys::GETSTRUCT(&mut (*member).tuple).cast::<pg_sys::FormData_pg_amproc>();
            has_distance |= (*row).amprocnum == 1 && (*row).amproclefttype == key;
        }
        pg_sys::ReleaseCatCacheList(procedures);

        let operators = pg_sys::SearchSysCacheList(
            pg_sys::SysCacheIdentifier::AMOPSTRATEGY as i32,
            1,
            pg_sys::Datum::from(family),
            pg_sys::Datum::from(0),
            pg_sys::Datum::from(0),
        );
        let mut orders = false;
        let mut only_orders = true;
        for position in 0..(*operators).n_members {
            let member = *(*operators).members.as_ptr().add(position as usize);
            let row = pg_sys::GETSTRUCT(&mut (*member).tuple).cast::<pg_sys::FormData_pg_amop>();
            let ordering = (*row).amoppurpose == pg_sys::AMOP_ORDER as core::ffi::c_char;
            only_orders &= ordering;
            orders |= ordering && (*row).amoplefttype == key;
        }
        pg_sys::ReleaseCatCacheList(operators);

        if !has_distance {
            info!("operator class lacks support function 1, which names its distance");
        }
        if !orders {
            info!("operator class lacks an operator FOR ORDER BY");
        }
        if !only_orders {
            info!("operator family has an operator for searching, which sutra_hnsw does not support");
        }
        has_distance && orders && only_orders
    }
}

/// Support function 1 of operator classes by Euclidean distance.
#[pg_extern(sql = "", immutable, parallel_safe)]
fn sutra_hnsw_l2() -> i32 {
    Distance::L2 as i32
}

/// Support function 1 of operator classes by inner product.
#[pg_extern(sql = "", immutable, parallel_safe)]
fn sutra_hnsw_inner_product() -> i32 {
    Distance::InnerProduct as i32
}

/// Support function 1 of operator classes by cosine.
#[pg_extern(sql = "", immutable, parallel_safe)]
fn sutra_hnsw_cosine() -> i32 {
    Distance::Cosine as i32
}

/// Support function 1 of operator classes by taxicab distance.
#[pg_extern(sql = "", immutable, parallel_safe)]
fn sutra_hnsw_l1() -> i32 {
    Distance::L1 as i32
}
