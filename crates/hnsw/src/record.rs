//! Which changes of edges are written together, in one WAL record.

use std::collections::BTreeSet;

/// What one record takes.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Pages that it changes.
    pub written: usize,
    /// Pages that are locked for it: those that it changes and those that its detours count on.
    pub locked: usize,
}

/// How many of the next edits are written together: as many as the bounds allow, and always the first. Each is given by the page that it changes, in
/// ascending order, and by the pages of its detours.
pub fn together<P: IntoIterator<Item = u32>>(edits: impl Iterator<Item = (u32, P)>, bounds: Bounds) -> usize {
    let (mut written, mut locked) = (BTreeSet::new(), BTreeSet::new());
    let mut count = 0;
    for (page, vias) in edits {
        written.insert(page);
        locked.insert(page);
        locked.extend(vias);
        if count > 0 && (written.len() > bounds.written || locked.len() > bounds.locked) {
            break;
        }
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    const BOUNDS: Bounds = Bounds { written: 4, locked: 64 };

    fn pages(edits: &[(u32, Vec<u32>)]) -> (usize, usize) {
        let written: BTreeSet<u32> = edits.iter().map(|(page, _)| *page).collect();
        let locked: BTreeSet<u32> = edits.iter().flat_map(|(_, vias)| vias).chain(&written).copied().collect();
        (written.len(), locked.len())
    }

    proptest! {
        #[test]
        fn a_record_takes_as_many_edits_as_its_bounds_allow(
            mut edits in vec((0u32..40, vec(0u32..400, 0..60)), 1..60)
        ) {
            edits.sort();
            let mut rest = &edits[..];
            while !rest.is_empty() {
                let count = together(rest.iter().cloned(), BOUNDS);
                prop_assert!(count > 0, "edits are left");
                let within = |count: usize| {
                    let (written, locked) = pages(&rest[..count]);
                    written <= BOUNDS.written && locked <= BOUNDS.locked
                };
                prop_assert!(count == 1 || within(count), "{count} edits are too many");
                prop_assert!(count == rest.len() || !within(count + 1), "one more would have fitted");
                rest = &rest[count..];
            }
        }
    }
}
