//! Looking inside an index: its parts, and whether they fit together.

use super::pages::{self, check_for_interrupts};
use super::store::Index;
use crate::error::raise;
use crate::settings::EF_SEARCH;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::collections::{HashMap, HashSet, TryReserveError};
use sutra_hnsw::layout::{
    Bucket, BucketEntry, FIRST_SLOT, Link, PAGE_SIZE, PageKind, State, TID_SLOTS_PER_PAGE, Tids, first_tid_slot,
};
use sutra_hnsw::search::{Store, starts};

/// An index opened by a user, who must be allowed to maintain the table: what is reported counts rows that row-level
/// security may hide from somebody who can only read it.
pub struct Opened {
    relation: pg_sys::Relation,
    table: pg_sys::Oid,
}

/// The table of an index, open to read.
pub struct Table(pg_sys::Relation);

impl Table {
    /// The relation, valid while this lives.
    pub fn relation(&self) -> pg_sys::Relation {
        self.0
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: opened by `Opened::table`.
            unsafe { pg_sys::table_close(self.0, pg_sys::AccessShareLock as pg_sys::LOCKMODE) }
        }
    }
}

impl Opened {
    /// Opens the index, or raises an error where it is none of this access method or the user is neither its owner nor allowed to
    /// maintain its table nor a member of pg_stat_scan_tables.
    pub fn new(oid: pg_sys::Oid) -> Opened {
        // SAFETY: the relation is checked to be an index of this access method before anything of it is read.
        unsafe {
            // The table first, as everything that locks both does; its lock is kept until the transaction ends.
            let table = pg_sys::IndexGetRelation(oid, true);
            if table != pg_sys::InvalidOid {
                pg_sys::LockRelationOid(table, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
            }
            let relation = pg_sys::relation_open(oid, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
            let opened = Opened { relation, table };
            let kind = (*(*relation).rd_rel).relkind;
            let method = (*(*relation).rd_rel).relam;
            if kind != pg_sys::RELKIND_INDEX as core::ffi::c_char
                || method != pg_sys::get_am_oid(c"sutra_hnsw".as_ptr(), false)
            {
                raise(
                    PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
                    format!("\"{}\" is not a sutra_hnsw index", pages::name(relation)),
                    "",
                    "",
                );
            }
            if !may_inspect(oid, table) {
                raise(
                    PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
                    format!("permission denied for index \"{}\"", pages::name(relation)),
                    "What the index counts includes rows that row-level security may hide.",
                    "Ask its owner, or for membership in pg_stat_scan_tables.",
                );
            }
            opened
        }
    }

    /// The relation, valid while this lives.
    pub fn relation(&self) -> pg_sys::Relation {
        self.relation
    }

    /// Opens the table of the index.
    pub fn table(&self) -> Table {
        // SAFETY: the index is open, so its table exists.
        Table(unsafe { pg_sys::table_open(self.table, pg_sys::AccessShareLock as pg_sys::LOCKMODE) })
    }
}

/// The rights of the owner of a table, held while the expression of an index is evaluated: whoever inspects an index must not run the
/// functions of others with rights of their own.
pub struct OwnersRights {
    user: pg_sys::Oid,
    context: i32,
    settings: i32,
}

impl OwnersRights {
    /// Takes the rights of the owner of `table`, who may then change nothing outside a security-restricted operation.
    pub fn take(table: &Table) -> OwnersRights {
        let mut rights = OwnersRights { user: pg_sys::InvalidOid, context: 0, settings: 0 };
        // SAFETY: the table is open; what is set here is reset by `drop`, or by the end of the transaction.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&mut rights.user, &mut rights.context);
            let owner = (*(*table.0).rd_rel).relowner;
            pg_sys::SetUserIdAndSecContext(owner, rights.context | pg_sys::SECURITY_RESTRICTED_OPERATION as i32);
            rights.settings = pg_sys::NewGUCNestLevel();
            #[cfg(any(feature = "pg17", feature = "pg18"))]
            pg_sys::RestrictSearchPath();
        }
        rights
    }
}

impl Drop for OwnersRights {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: the values that `take` replaced.
            unsafe {
                pg_sys::AtEOXact_GUC(false, self.settings);
                pg_sys::SetUserIdAndSecContext(self.user, self.context);
            }
        }
    }
}

/// Whether the user may look into an index: who owns it, may maintain its table (PostgreSQL 17), or may run monitoring functions that
/// read tables whole.
fn may_inspect(index: pg_sys::Oid, table: pg_sys::Oid) -> bool {
    // SAFETY: catalog look-ups; the index is open.
    unsafe {
        let user = pg_sys::GetUserId();
        #[cfg(feature = "pg15")]
        let owns = pg_sys::pg_class_ownercheck(index, user);
        #[cfg(not(feature = "pg15"))]
        let owns = pg_sys::object_ownercheck(pg_sys::RelationRelationId, index, user);
        #[cfg(any(feature = "pg17", feature = "pg18"))]
        let maintains = pg_sys::pg_class_aclcheck(table, user, pg_sys::ACL_MAINTAIN as pg_sys::AclMode)
            == pg_sys::AclResult::ACLCHECK_OK;
        #[cfg(not(any(feature = "pg17", feature = "pg18")))]
        let maintains = {
            let _ = table;
            false
        };
        owns || maintains || pg_sys::has_privs_of_role(user, pg_sys::Oid::from(pg_sys::ROLE_PG_STAT_SCAN_TABLES))
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: opened by `new`.
            unsafe { pg_sys::relation_close(self.relation, pg_sys::AccessShareLock as pg_sys::LOCKMODE) }
        }
    }
}

/// A node as it was read.
struct Seen {
    level: u8,
    state: State,
    generation: u8,
    hash: u32,
    /// Where its edges stand in [`Survey::links`].
    links: std::ops::Range<usize>,
    rows: usize,
}

/// Everything that was read of an index.
#[derive(Default)]
struct Survey {
    nodes: HashMap<u32, Seen>,
    links: Vec<Link>,
    pages: [i64; PageKind::COUNT],
    free_pages: i64,
    free_slots: i64,
    used_uppers: i64,
    used_tid_slots: i64,
    padding: i64,
    buckets: Vec<u32>,
    faults: Vec<(&'static str, u32, String)>,
}

/// Raises an error where there was no room for what is read of an index.
fn make_room(reserved: Result<(), TryReserveError>) {
    if reserved.is_err() {
        raise(
            PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY,
            "out of memory while reading a sutra_hnsw index",
            "All nodes of the index and their edges are held in memory at once.",
            "",
        );
    }
}

fn survey(index: &mut Index) -> Survey {
    let layout = index.layout;
    let mut found = Survey::default();
    let mut nodes: Vec<(u32, Seen)> = Vec::new();
    for block in 1..pages::block_count(index.relation) {
        check_for_interrupts();
        let most = layout.per_page as usize;
        make_room(found.nodes.try_reserve(most));
        make_room(found.links.try_reserve(most * layout.max_links(0)));
        pages::read(index.relation, block, std::ptr::null_mut(), |page| {
            let Some(kind) = PageKind::of(page) else {
                if pages::is_new(page) {
                    found.free_pages += 1;
                } else {
                    found.faults.push(("page", block, "not a page of this access method".into()));
                }
                return;
            };
            found.pages[kind as usize - 1] += 1;
            found.padding += (PAGE_SIZE - (layout.slots_end(kind) - FIRST_SLOT)) as i64;
            match kind {
                PageKind::Node => {
                    let first = layout.first_id(block).unwrap_or(0);
                    for id in first..first + layout.per_page {
                        let node = layout.node(page, id);
                        if node.state() == State::Free {
                            found.free_slots += 1;
                            continue;
                        }
                        let start = found.links.len();
                        node.links(&mut found.links);
                        let links = start..found.links.len();
                        let (level, state, generation) = (node.level(), node.state(), node.generation());
                        nodes.push((id, Seen { level, state, generation, hash: node.hash(), links, rows: 0 }));
                    }
                }
                PageKind::Upper => {
                    let first = layout.first_upper(block).unwrap_or(0);
                    found.used_uppers += (first..first + layout.upper_per_page)
                        .filter(|id| layout.upper(page, *id).is_used())
                        .count() as i64;
                }
                PageKind::Tid => {
                    let first = first_tid_slot(block).unwrap_or(0);
                    found.used_tid_slots += (first..first + TID_SLOTS_PER_PAGE as u32)
                        .filter(|id| Tids::new(page, *id).is_used())
                        .count() as i64;
                }
                PageKind::Bucket => found.buckets.push(block),
                PageKind::Directory => {}
                PageKind::Meta => found.faults.push(("page", block, "a second meta page".into())),
            }
        });
        for (id, mut seen) in nodes.drain(..) {
            let mut rows = Vec::new();
            let read = index.try_tids(Link { id, generation: seen.generation }, &mut rows);
            seen.rows = rows.len();
            if !read {
                found.faults.push(("node", id, "its rows lead to a slot that is not its own".into()));
            } else if seen.state == State::Live && rows.is_empty() {
                found.faults.push(("node", id, "live without rows".into()));
            }
            found.nodes.insert(id, seen);
        }
    }
    found
}

impl Survey {
    fn links(&self, node: &Seen) -> &[Link] {
        &self.links[node.links.clone()]
    }

    fn resolves(&self, link: Link) -> bool {
        self.nodes.get(&link.id).is_some_and(|node| node.generation == link.generation)
    }

    /// Identifiers of the nodes that a walk on level 0 from the entry point meets.
    fn reachable(&self, entry: Option<Link>) -> HashSet<u32> {
        let (mut met, mut queue) = (HashSet::new(), Vec::new());
        make_room(met.try_reserve(self.nodes.len()));
        make_room(queue.try_reserve(self.nodes.len()));
        queue.extend(entry.into_iter().filter(|entry| self.resolves(*entry)));
        met.extend(queue.iter().map(|link| link.id));
        while let Some(link) = queue.pop() {
            for next in self.links(&self.nodes[&link.id]) {
                if self.resolves(*next) && met.insert(next.id) {
                    queue.push(*next);
                }
            }
        }
        met
    }
}

/// Size and health of an index as (name, value) rows.
#[pg_extern(sql = "")]
fn sutra_index_stats(index: pg_sys::Oid) -> TableIterator<'static, (name!(name, String), name!(value, i64))> {
    let opened = Opened::new(index);
    let (mut index, meta) = Index::open(opened.relation);
    let found = survey(&mut index);
    let live = found.nodes.values().filter(|node| node.state == State::Live);
    let reachable = found.reachable(meta.entry);
    let links = found.links.len();
    let outdated = found.links.iter().filter(|link| !found.resolves(**link)).count();
    let unreachable =
        found.nodes.iter().filter(|(id, node)| node.state == State::Live && !reachable.contains(id)).count();
    let stride = index.layout.stride as i64;
    let rows = [
        ("format_version", i64::from(sutra_hnsw::layout::FORMAT_VERSION)),
        ("dimensions", i64::from(meta.dimensions)),
        ("m", i64::from(meta.m)),
        ("ef_construction", i64::from(meta.ef_construction)),
        ("search_starts", starts(EF_SEARCH.get().max(1) as usize, meta.repaired) as i64),
        ("levels", meta.entry.map_or(0, |_| i64::from(meta.entry_level) + 1)),
        ("nodes", live.clone().count() as i64),
        ("rows", live.map(|node| node.rows as i64).sum()),
        ("dead_nodes", found.nodes.values().filter(|node| node.state == State::Dead).count() as i64),
        ("free_slots", found.free_slots),
        ("unreachable_nodes", unreachable as i64),
        ("links", links as i64),
        ("outdated_links", outdated as i64),
        ("node_bytes", found.nodes.len() as i64 * stride),
        ("upper_bytes", found.used_uppers * index.layout.upper_stride as i64),
        ("tid_bytes", found.used_tid_slots * sutra_hnsw::layout::TID_STRIDE as i64),
        ("padding_bytes", found.padding),
        ("node_pages", found.pages[1]),
        ("upper_pages", found.pages[2]),
        ("tid_pages", found.pages[3]),
        ("bucket_pages", found.pages[4]),
        ("directory_pages", found.pages[5]),
        ("uninitialised_pages", found.free_pages),
    ];
    TableIterator::new(rows.map(|(name, value)| (name.to_owned(), value)))
}

/// Every fault of an index; no row where there is none.
#[pg_extern(sql = "")]
fn sutra_index_check(
    index: pg_sys::Oid,
) -> TableIterator<'static, (name!(part, String), name!(identifier, i64), name!(fault, String))> {
    let opened = Opened::new(index);
    let (mut index, meta) = Index::open(opened.relation);
    let mut found = survey(&mut index);
    let mut faults = std::mem::take(&mut found.faults);
    match meta.entry {
        Some(entry) if !found.resolves(entry) => faults.push(("meta", 0, "the entry point is gone".into())),
        Some(entry) => {
            let node = &found.nodes[&entry.id];
            if node.level != meta.entry_level {
                faults.push(("meta", 0, "the entry point has another level".into()));
            }
            if node.state != State::Live {
                faults.push(("meta", 0, "the entry point is dead".into()));
            }
        }
        None if found.nodes.values().any(|node| node.state == State::Live) => {
            faults.push(("meta", 0, "there are nodes but no entry point".into()));
        }
        None => {}
    }
    let mut named = HashSet::new();
    let mut buckets = 0;
    index.for_each_bucket(|block| {
        check_for_interrupts();
        buckets += 1;
        pages::read(opened.relation, block, std::ptr::null_mut(), |page| {
            if PageKind::of(page) != Some(PageKind::Bucket) {
                faults.push(("table", block, "the directory names a page that is no bucket".into()));
                return;
            }
            let bucket = Bucket::new(page);
            if bucket.entries().any(|entry| !bucket.takes(entry.hash)) {
                faults.push(("table", block, "an entry belongs to another bucket".into()));
            }
            make_room(named.try_reserve(bucket.len()));
            named.extend(bucket.entries());
        });
    });
    if buckets < found.buckets.len() {
        faults.push(("table", 0, "a bucket is not in the directory".into()));
    }
    let reachable = found.reachable(meta.entry);
    let mut ids: Vec<u32> = Vec::new();
    make_room(ids.try_reserve_exact(found.nodes.len()));
    ids.extend(found.nodes.keys());
    ids.sort_unstable();
    for id in ids {
        check_for_interrupts();
        let node = &found.nodes[&id];
        let this = Link { id, generation: node.generation };
        if node.state == State::Live && !reachable.contains(&id) {
            faults.push(("node", id, "not reachable from the entry point".into()));
        }
        if node.state == State::Live && !named.contains(&BucketEntry { hash: node.hash, id }) {
            faults.push(("node", id, "not in the table of vectors".into()));
        }
        let mut seen: Vec<Link> = found.links(node).to_vec();
        seen.sort_unstable();
        if seen.windows(2).any(|pair| pair[0] == pair[1]) {
            faults.push(("node", id, "two links lead to the same node".into()));
        }
        if found.links(node).contains(&this) {
            faults.push(("node", id, "links to itself".into()));
        }
        for level in 1..=node.level {
            let mut links = Vec::new();
            // A vacuum that was stopped may have freed those of a dead node, whose own slot the next one frees.
            if !index.links(this, level, &mut links) && node.state == State::Live {
                faults.push(("node", id, format!("level {level} has no upper slot")));
            }
            let low = links.iter().filter(|link| found.resolves(**link) && found.nodes[&link.id].level < level).count();
            if low > 0 {
                faults.push(("node", id, format!("level {level} links to a node of a lower level")));
            }
        }
    }
    TableIterator::new(faults.into_iter().map(|(part, id, fault)| (part.to_owned(), i64::from(id), fault)))
}
