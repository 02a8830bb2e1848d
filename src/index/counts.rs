//! What the scans of this session did, counted since it began: how often the limits of a scan are met shows here.

use pgrx::prelude::*;
use std::sync::atomic::{AtomicI64, Ordering};

/// Something that scans do.
#[derive(Clone, Copy)]
pub enum Count {
    /// A scan was started.
    Scan,
    /// A row was compared exactly.
    Compared,
    /// A scan reached sutra.max_scan_tuples or its memory and went over the codes of all nodes.
    Pass,
    /// A row was found after a farther one had been returned, and left out to keep the order (strict_order).
    LateDropped,
    /// A row was found after a farther one had been returned, and returned all the same (relaxed_order, off).
    LateReturned,
}

const NAMES: [&str; 5] = ["scans", "rows_compared", "passes_over_codes", "late_rows_dropped", "late_rows_returned"];
static COUNTS: [AtomicI64; 5] = [const { AtomicI64::new(0) }; 5];

impl Count {
    /// Counts one.
    pub fn add(self) {
        COUNTS[self as usize].fetch_add(1, Ordering::Relaxed);
    }
}

/// The counts of this session as (name, value) rows.
#[pg_extern(sql = "")]
fn sutra_scan_counts() -> TableIterator<'static, (name!(name, String), name!(value, i64))> {
    let values = COUNTS.iter().map(|count| count.load(Ordering::Relaxed)).collect::<Vec<_>>();
    TableIterator::new(NAMES.into_iter().map(str::to_owned).zip(values))
}
