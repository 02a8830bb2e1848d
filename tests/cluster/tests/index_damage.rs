//! Damaged pages of an index: an error that says what to do, never a crash, a hang or a wrong page written over.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use postgres::Client;
use postgres::error::SqlState;
use sutra_cluster_tests::Cluster;
use sutra_cluster_tests::index::{Random, faults, lost_rows, number, vector};

const PAGE: u64 = 8192;
/// Where the first slot of a page starts, and its special bytes.
const SLOTS: u64 = 64;
const SPECIAL: u64 = PAGE - 16;

/// Tables t0, t1, ... each with an index i0, i1, ... that has node, upper and TID pages.
fn tables(client: &mut Client, count: u64) {
    let mut random = Random::new(3);
    for table in 0..count {
        let rows: Vec<String> = (0..400)
            .map(|id| format!("({id}, '{}')", vector(&mut random, 8)))
            // Forty rows of one vector make a chain of TID slots.
            .chain((400..440).map(|id| format!("({id}, '[1,1,1,1,1,1,1,1]')")))
            .collect();
        client
            .batch_execute(&format!(
                "CREATE TABLE t{table} (id int, v embedding(8));
                 INSERT INTO t{table} VALUES {};
                 CREATE INDEX i{table} ON t{table} USING sutra_hnsw (v) WITH (m = 4, ef_construction = 32)",
                rows.join(",")
            ))
            .expect("a table");
    }
}

fn file(cluster: &Cluster, client: &mut Client, relation: &str) -> PathBuf {
    let path: String =
        client.query_one("SELECT pg_relation_filepath($1::text::regclass)", &[&relation]).expect("a relation").get(0);
    cluster.data().join(path)
}

/// One way to damage a file.
fn damage(random: &mut Random, path: &PathBuf) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).expect("the file of an index");
    let pages = file.metadata().expect("its size").len() / PAGE;
    let page = random.below(pages);
    let write = |at: u64, bytes: &[u8]| file.write_all_at(bytes, page * PAGE + at).expect("it can be written");
    let noise = |random: &mut Random, count: u64| (0..count).map(|_| random.draw() as u8).collect::<Vec<u8>>();
    match random.below(9) {
        // Bytes anywhere between header and special bytes: codes, edges, rows, lists.
        0 | 1 => {
            for _ in 0..200 {
                let at = SLOTS + random.below(SPECIAL - SLOTS);
                write(at, &noise(random, 1));
            }
        }
        2 => write(SLOTS, &noise(random, SPECIAL - SLOTS)),
        // Every identifier is huge.
        3 => write(SLOTS, &vec![0xff; (SPECIAL - SLOTS) as usize]),
        // The list of pages with room, and the kind of the page.
        4 => write(SPECIAL + 4, &noise(random, 12)),
        5 => {
            let mut other = vec![0; PAGE as usize];
            file.read_exact_at(&mut other, random.below(pages) * PAGE).expect("a page");
            write(0, &other);
        }
        6 => write(0, &[0; PAGE as usize]),
        // Small numbers look like identifiers, also of what no page has.
        7 => {
            for _ in 0..400 {
                let (at, small) = (SLOTS + 4 * random.below((SPECIAL - SLOTS) / 4), random.below(64) as u32);
                write(at, &small.to_le_bytes());
            }
        }
        // The meta page, but for its magic number and version.
        _ => file.write_all_at(&noise(random, 36), 32).expect("it can be written"),
    }
}

/// Whether PostgreSQL itself found that a block is beyond the end of a file.
fn unreadable(error: &postgres::Error) -> bool {
    error.as_db_error().is_some_and(|error| error.file() == Some("md.c"))
}

#[test]
fn damaged_pages_are_errors_and_reindex_repairs_them() {
    const TABLES: u64 = 80;
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    tables(&mut client, TABLES);
    let files: Vec<PathBuf> = (0..TABLES).map(|table| file(&cluster, &mut client, &format!("i{table}"))).collect();
    drop(client);
    cluster.stop();
    // Checksums would find all of it; what is asked here is what happens without them.
    cluster.disable_checksums();
    let seed =
        std::env::var("SUTRA_DAMAGE_SEED").map_or(17, |text| text.parse().expect("SUTRA_DAMAGE_SEED is a number"));
    println!("SUTRA_DAMAGE_SEED={seed}");
    let mut random = Random::new(seed);
    files.iter().for_each(|path| damage(&mut random, path));
    cluster.start();
    let mut client = cluster.connect("base");
    client.batch_execute("SET statement_timeout = '20s'; SET sutra.iterative_scan = relaxed_order").expect("settings");
    let (mut answered, mut refused) = (0, 0);
    for table in 0..TABLES {
        for statement in [
            "SET enable_seqscan = off".to_owned(),
            format!("SELECT id FROM t{table} ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 10"),
            format!("SELECT count(*) FROM (SELECT id FROM t{table} ORDER BY v <-> '[0,1,0,1,0,1,0,1]') AS everything"),
            format!("INSERT INTO t{table} SELECT 1000 + id, v FROM t{table} WHERE id % 7 = 0"),
            format!("INSERT INTO t{table} VALUES (2000, '[9,8,7,6,5,4,3,2]'), (2001, '[1,1,1,1,1,1,1,1]')"),
            format!("SELECT count(*) FROM sutra_index_check('i{table}')"),
            format!("SELECT count(*) FROM sutra_index_stats('i{table}')"),
            format!("SELECT sutra_index_recall('i{table}', 5, 20)"),
            format!("DELETE FROM t{table} WHERE id % 3 = 0"),
            format!("VACUUM t{table}"),
            format!("INSERT INTO t{table} SELECT 3000 + id, '[2,2,2,2,2,2,2,2]' FROM t{table} WHERE id % 5 = 0"),
            format!("SELECT id FROM t{table} ORDER BY v <-> '[2,2,2,2,2,2,2,2]' LIMIT 50"),
        ] {
            match client.simple_query(&statement) {
                Ok(_) => answered += 1,
                Err(error) => {
                    let code = error.code().unwrap_or_else(|| panic!("{statement}: the session ended: {error:?}"));
                    assert_ne!(code, &SqlState::QUERY_CANCELED, "{statement} does not end: {error:?}");
                    let sound = [SqlState::INDEX_CORRUPTED, SqlState::DATA_CORRUPTED, SqlState::UNDEFINED_FILE];
                    assert!(sound.contains(code) || unreadable(&error), "{statement}: {error:?}");
                    refused += 1;
                }
            }
        }
    }
    println!("{answered} statements answered, {refused} refused");
    assert!(answered > 100 && refused > 20, "{answered} statements answered, {refused} refused");
    let log = cluster.log_text();
    assert!(!log.contains("terminated by signal") && !log.contains("PANIC:"), "a process died");
    // The tables are whole, so the indexes can be made anew. A search that wide meets every node.
    client
        .batch_execute("RESET statement_timeout; RESET enable_seqscan; RESET sutra.iterative_scan")
        .expect("settings");
    for table in 0..TABLES {
        client.batch_execute(&format!("REINDEX INDEX i{table}")).unwrap_or_else(|error| panic!("i{table}: {error:?}"));
        assert_eq!(faults(&mut client, &format!("i{table}")), Vec::<String>::new());
        assert_eq!(lost_rows(&mut client, &format!("t{table}"), "v").expect("an answer"), 0, "t{table}");
    }
}

#[test]
fn another_page_format_is_an_error_that_says_reindex() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    tables(&mut client, 3);
    let files: Vec<PathBuf> = (0..3).map(|table| file(&cluster, &mut client, &format!("i{table}"))).collect();
    drop(client);
    cluster.stop();
    cluster.disable_checksums();
    // The meta page starts at byte 24: magic number, version.
    for (path, at, bytes, size) in [(&files[0], 24, 1u32, 0), (&files[1], 28, 99u32, 0), (&files[2], 0, 0u32, 1)] {
        let file = fs::OpenOptions::new().write(true).open(path).expect("the file of an index");
        file.write_all_at(&bytes.to_le_bytes(), at).expect("it can be written");
        if size == 1 {
            // Another access method's file, or none: all zeros.
            file.write_all_at(&[0; PAGE as usize], 0).expect("it can be written");
        }
    }
    cluster.start();
    let mut client = cluster.connect("base");
    client.batch_execute("SET enable_seqscan = off").expect("a setting");
    for (table, detail) in [(0, "not a meta page"), (1, "format version 99"), (2, "not a meta page")] {
        for statement in [
            format!("SELECT id FROM t{table} ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 10"),
            format!("INSERT INTO t{table} VALUES (1000, '[1,1,1,1,1,1,1,1]')"),
            format!("DELETE FROM t{table} WHERE id = 1; COMMIT; VACUUM t{table}"),
            format!("SELECT * FROM sutra_index_check('i{table}')"),
        ] {
            for statement in statement.split("; COMMIT; ") {
                match client.batch_execute(statement) {
                    Ok(()) => assert!(statement.starts_with("DELETE"), "{statement} is answered"),
                    Err(error) => {
                        let error = error.as_db_error().unwrap_or_else(|| panic!("{statement}: {error:?}"));
                        assert_eq!(error.code(), &SqlState::INDEX_CORRUPTED, "{statement}: {error:?}");
                        assert!(error.detail().is_some_and(|text| text.contains(detail)), "{statement}: {error:?}");
                        assert!(error.hint().is_some_and(|text| text.contains("REINDEX")), "{statement}: {error:?}");
                    }
                }
            }
        }
        client.batch_execute(&format!("REINDEX INDEX i{table}")).expect("it can be rebuilt");
        assert_eq!(faults(&mut client, &format!("i{table}")), Vec::<String>::new());
    }
}

/// The file of an index of [`tables`]: what stands where follows from eight dimensions and m = 4.
struct Pages(fs::File);

impl Pages {
    const NODE: u32 = 2;
    const UPPER: u32 = 3;
    const TID: u32 = 4;
    const BUCKET: u32 = 5;
    /// Bytes of a node slot, of its header and code, and of an edge.
    const STRIDE: u64 = 80;
    const EDGES: u64 = 32 + 8;
    const EDGE: u64 = 5;
    const MOST_EDGES: u64 = 8;
    const PER_PAGE: u64 = (SPECIAL - SLOTS) / Self::STRIDE;

    fn read(&self, at: u64, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact_at(&mut bytes, at).expect("it can be read");
        bytes
    }

    fn write(&self, at: u64, bytes: &[u8]) {
        self.0.write_all_at(bytes, at).expect("it can be written");
    }

    /// Where the pages of a kind start.
    fn of_kind(&self, kind: u32) -> Vec<u64> {
        let pages = self.0.metadata().expect("its size").len() / PAGE;
        (0..pages)
            .map(|page| page * PAGE)
            .filter(|page| self.read(page + SPECIAL + 4, 4) == kind.to_le_bytes())
            .collect()
    }

    /// Identifier and place of every node.
    fn nodes(&self) -> Vec<(u32, u64)> {
        let pages = self.of_kind(Self::NODE).into_iter();
        pages
            .flat_map(|page| {
                (0..Self::PER_PAGE)
                    .map(move |slot| (page / PAGE * Self::PER_PAGE + slot, page + SLOTS + slot * Self::STRIDE))
            })
            .filter(|(_, place)| self.read(*place, 1) == [1])
            .map(|(id, place)| (u32::try_from(id).expect("a small number"), place))
            .collect()
    }
}

#[test]
fn each_damage_is_a_fault_of_its_name() {
    // What is done to an index, the fault that the check then finds, and how often at least.
    type Case = (&'static str, usize, fn(&Pages));
    const CASES: [Case; 12] = [
        // All of 401 nodes but the entry point.
        ("node *: not reachable from the entry point", 400, |pages| {
            for (_, node) in pages.nodes() {
                pages.write(node + Pages::EDGES, &[0; (Pages::EDGE * Pages::MOST_EDGES) as usize]);
            }
        }),
        ("node *: not in the table of vectors", 401, |pages| {
            pages.of_kind(Pages::BUCKET).iter().for_each(|page| pages.write(page + SLOTS, &[0; 2]));
        }),
        ("node *: links to itself", 1, |pages| {
            let (id, node) = pages.nodes()[7];
            pages.write(node + Pages::EDGES, &[&id.to_le_bytes()[..], &[0]].concat());
        }),
        ("node *: two links lead to the same node", 1, |pages| {
            let (_, node) = pages.nodes()[7];
            let edge = pages.read(node + Pages::EDGES, Pages::EDGE as usize);
            pages.write(node + Pages::EDGES + Pages::EDGE, &edge);
        }),
        ("node *: live without rows", 1, |pages| {
            let (_, node) = pages.nodes()[7];
            pages.write(node + 14, &[0xff; 4]);
            pages.write(node + 20, &[0; 4]);
        }),
        ("node *: level 1 has no upper slot", 10, |pages| {
            pages
                .of_kind(Pages::UPPER)
                .iter()
                .for_each(|page| pages.write(page + SLOTS, &[0; (SPECIAL - SLOTS) as usize]));
        }),
        ("node *: its rows lead to a slot that is not its own", 1, |pages| {
            pages
                .of_kind(Pages::TID)
                .iter()
                .for_each(|page| pages.write(page + SLOTS, &[0; (SPECIAL - SLOTS) as usize]));
        }),
        ("meta 0: the entry point is gone", 1, |pages| pages.write(24 + 19, &[9])),
        ("meta 0: the entry point has another level", 1, |pages| pages.write(24 + 18, &[25])),
        ("meta 0: there are nodes but no entry point", 1, |pages| pages.write(24 + 20, &[0; 4])),
        ("meta 0: the entry point is dead", 1, |pages| {
            pages.nodes().iter().for_each(|(_, node)| pages.write(*node, &[2]));
        }),
        ("table *: an entry belongs to another bucket", 1, |pages| {
            // One bucket takes all; with a bit of the hash it takes half.
            pages.of_kind(Pages::BUCKET).iter().for_each(|page| pages.write(page + SLOTS + 2, &[1]));
        }),
    ];
    let cluster = Cluster::with_settings("autovacuum = off\nfsync = off");
    let mut client = cluster.create_knowledge_base("base");
    tables(&mut client, CASES.len() as u64);
    let files: Vec<PathBuf> = (0..CASES.len()).map(|table| file(&cluster, &mut client, &format!("i{table}"))).collect();
    for table in 0..CASES.len() {
        assert_eq!(faults(&mut client, &format!("i{table}")), Vec::<String>::new());
    }
    drop(client);
    cluster.stop();
    cluster.disable_checksums();
    for (path, (_, _, damage)) in files.iter().zip(&CASES) {
        damage(&Pages(fs::OpenOptions::new().read(true).write(true).open(path).expect("the file of an index")));
    }
    cluster.start();
    let mut client = cluster.connect("base");
    for (table, (fault, least, _)) in CASES.iter().enumerate() {
        let (part, text) = fault.split_once("*").unwrap_or((fault, ""));
        let found = faults(&mut client, &format!("i{table}"));
        let count = found.iter().filter(|found| found.starts_with(part) && found.ends_with(text)).count();
        assert!(count >= *least, "{count} times {fault}: {found:?}");
        // The walk needs the entry point; else a damage is found for what it is and nothing more.
        if ["links to itself", "same node", "live without rows", "another level", "table of vectors"]
            .iter()
            .any(|name| fault.ends_with(name))
        {
            assert_eq!(found.len(), count, "{fault}: {found:?}");
        }
        if table == 0 {
            let stats = "SELECT value FROM sutra_index_stats('i0') WHERE name = 'unreachable_nodes'";
            assert_eq!(number(&mut client, stats), 400);
        }
        if fault.ends_with("not its own") {
            // The rows that are cut off must not be taken for dead, so VACUUM ends and the node stays.
            client.batch_execute(&format!("DELETE FROM t{table} WHERE id = 400")).expect("a row goes");
            for statement in [
                format!(
                    "SET enable_seqscan = off; SELECT id FROM t{table} ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 40"
                ),
                format!("VACUUM (INDEX_CLEANUP on) t{table}"),
            ] {
                let error = client.batch_execute(&statement).expect_err(&statement);
                assert_eq!(error.code(), Some(&SqlState::INDEX_CORRUPTED), "{statement}: {error:?}");
            }
        }
        client.batch_execute(&format!("REINDEX INDEX i{table}")).expect("it can be rebuilt");
        assert_eq!(faults(&mut client, &format!("i{table}")), Vec::<String>::new(), "{fault}");
    }
}
