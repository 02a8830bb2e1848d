//! What a scan costs: the share of the index that a search of ef_search candidates visits.

use crate::settings::EF_SEARCH;
use pgrx::pg_sys;
use pgrx::prelude::*;
use sutra_hnsw::layout::Meta;

/// How the visited nodes grow with the logarithm of the table: fitted by pgvector's authors on their data sets, and the same here because
/// the graph is of the same kind.
const SCALING: f64 = 0.55;

/// The share of `tuples` that a search visits: some nodes on each upper level, and on level 0 the edges of ef_search nodes, fewer
/// of which are new the longer the search goes on.
fn visited_share(tuples: f64, m: f64, ef: f64) -> f64 {
    let levels = ((tuples + 1.0).ln() / m.ln()).floor();
    let widening = SCALING * tuples.max(1.0).ln() / (m.ln() * (1.0 + ef.ln()));
    let visited = levels * m + 2.0 * m * ef * widening;
    (visited / tuples.max(1.0)).clamp(0.0, 1.0)
}

/// Estimates the cost of a scan.
///
/// The start-up cost is that of the first batch; the total is that of returning every row, of which the planner takes the share that
/// LIMIT and the filters leave.
#[pg_guard]
#[allow(clippy::too_many_arguments)]
pub unsafe extern "C-unwind" fn amcostestimate(
    root: *mut pg_sys::PlannerInfo,
    path: *mut pg_sys::IndexPath,
    loop_count: f64,
    startup: *mut pg_sys::Cost,
    total: *mut pg_sys::Cost,
    selectivity: *mut pg_sys::Selectivity,
    correlation: *mut f64,
    pages: *mut f64,
) {
    // SAFETY: the planner passes valid pointers; the index exists for as long as the plan is made.
    unsafe {
        if (*path).indexorderbys.as_ref().is_none_or(|keys| keys.length != 1) {
            // The index can only order, and by one distance.
            *startup = f64::INFINITY;
            *total = f64::INFINITY;
            *selectivity = 0.0;
            *correlation = 0.0;
            *pages = 0.0;
            #[cfg(feature = "pg18")]
            {
                (*path).path.disabled_nodes = 2;
            }
            return;
        }
        let mut costs = pg_sys::GenericCosts::default();
        pg_sys::genericcostestimate(root, path, loop_count, &mut costs);

        let info = (*path).indexinfo;
        let relation = pg_sys::index_open((*info).indexoid, pg_sys::NoLock as pg_sys::LOCKMODE);
        let m = super::pages::read(relation, 0, std::ptr::null_mut(), |page| Meta::read(page).map(|meta| meta.m));
        pg_sys::index_close(relation, pg_sys::NoLock as pg_sys::LOCKMODE);
        let m = f64::from(m.unwrap_or(16).max(2));
        let share = visited_share((*info).tuples, m, f64::from(EF_SEARCH.get().max(1)));

        let (mut random_page_cost, mut seq_page_cost) = (0.0, 0.0);
        pg_sys::get_tablespace_page_costs((*info).reltablespace, &mut random_page_cost, &mut seq_page_cost);
        let mut first = costs.indexTotalCost * share;
        let first_pages = costs.numIndexPages * share;
        let heap_pages = f64::from((*(*info).rel).pages);
        if first_pages > heap_pages && share < 0.5 {
            // The cost of a sequential scan leaves out what lies in TOAST, so the pages of the index beyond it are left out too.
            first -= first_pages * (random_page_cost - seq_page_cost) + (first_pages - heap_pages) * seq_page_cost;
        }
        // The candidates are compared with their heap rows before the first row is returned.
        let fetched = f64::from(EF_SEARCH.get().max(1)).min((*info).tuples) / 2.0;
        first += fetched * (pg_sys::cpu_tuple_cost + 10.0 * pg_sys::cpu_operator_cost);
        *startup = first.max(pg_sys::cpu_operator_cost);
        *total = costs.indexTotalCost.max(*startup);
        *selectivity = costs.indexSelectivity;
        *correlation = costs.indexCorrelation;
        *pages = costs.numIndexPages;
    }
}
