//! VACUUM of an index: beside an open cursor, in several passes, and what it and single rows write.

use postgres::{Client, SimpleQueryMessage};
use sutra_cluster_tests::Cluster;
use sutra_cluster_tests::index::{faults, lost_rows, number, part};

/// Settings of servers that nothing happens to: WAL holds changes and no page images.
const SETTINGS: &str =
    "autovacuum = off\nfsync = off\nfull_page_writes = off\nmax_wal_size = '4GB'\ncheckpoint_timeout = '1h'";

/// Fills `item` (id, v) with `count` rows of random vectors.
fn fill(client: &mut Client, columns: &str, first: i64, count: i64, dimensions: i64) {
    client
        .batch_execute(&format!(
            "INSERT INTO item ({columns}) SELECT n, (SELECT array_agg(random() + 0 * n + 0 * d) FROM generate_series(1, {dimensions}) AS d)::embedding
             FROM generate_series({first}, {}) AS n",
            first + count - 1
        ))
        .expect("rows");
}

/// What VACUUM says of itself.
fn vacuum_verbose(cluster: &Cluster, settings: &str) -> String {
    let command = "VACUUM (VERBOSE, INDEX_CLEANUP on) item";
    let options = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "base", "-c", settings, "-c", command];
    cluster.client_program("psql", &options).unwrap_or_else(|error| panic!("{error}"))
}

/// The number that follows a word in what the server says.
fn number_after(text: &str, word: &str) -> i64 {
    let rest = text.split_once(word).unwrap_or_else(|| panic!("no {word:?} in: {text}")).1;
    let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no number after {word:?} in: {text}"))
}

/// WAL records and bytes of a statement.
fn wal_of(client: &mut Client, statement: &str) -> (i64, i64) {
    let messages = client.simple_query(&format!("EXPLAIN (ANALYZE, WAL, COSTS off) {statement}")).expect("it is done");
    let line = messages
        .iter()
        .find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).filter(|line| line.contains("WAL:")).map(str::to_owned),
            _ => None,
        })
        .unwrap_or_else(|| panic!("{statement} writes nothing"));
    (number_after(&line, "records="), number_after(&line, "bytes="))
}

#[test]
fn a_cursor_that_outlives_vacuums_returns_its_snapshot_once() {
    let cluster = Cluster::with_settings(SETTINGS);
    let mut client = cluster.create_knowledge_base("base");
    client.batch_execute("CREATE TABLE item (id bigint PRIMARY KEY, v embedding(8))").expect("a table");
    fill(&mut client, "id, v", 1, 3000, 8);
    client
        .batch_execute("CREATE INDEX item_v ON item USING sutra_hnsw (v) WITH (m = 6, ef_construction = 32); DELETE FROM item WHERE id % 3 = 0")
        .expect("an index");
    let mut reader = cluster.connect("base");
    reader
        .batch_execute(
            "SET enable_seqscan = off; SET enable_sort = off; SET sutra.iterative_scan = relaxed_order; BEGIN;
             DECLARE near CURSOR FOR SELECT id FROM item ORDER BY v <-> '[0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5]'",
        )
        .expect("a cursor");
    let mut fetch = |count: &str| -> Vec<i64> {
        reader.query(&format!("FETCH {count} FROM near"), &[]).expect("rows").iter().map(|row| row.get(0)).collect()
    };
    let mut met = fetch("10");
    assert_eq!(met.len(), 10);
    client.batch_execute("VACUUM (INDEX_CLEANUP on) item").expect("it can be vacuumed");
    let free = part(&mut client, "item_v", "free_slots");
    assert!(free >= 1000, "{free} slots are free");
    // Near the query, so that the edges which the cursor still knows lead to them.
    client
        .batch_execute(
            "INSERT INTO item SELECT n, (SELECT array_agg(0.5 + (random() + 0 * n + 0 * d) / 20) FROM generate_series(1, 8) AS d)::embedding
             FROM generate_series(5001, 6000) AS n",
        )
        .expect("rows");
    assert!(part(&mut client, "item_v", "free_slots") <= free - 900, "the slots are not used again");
    client.batch_execute("VACUUM (INDEX_CLEANUP on) item").expect("it can be vacuumed");
    met.extend(fetch("ALL"));
    met.sort_unstable();
    let expected: Vec<i64> = (1..=3000).filter(|id| id % 3 != 0).collect();
    assert_eq!(met, expected, "{} rows", met.len());
    assert_eq!(faults(&mut client, "item_v"), Vec::<String>::new());
    client.batch_execute("SET sutra.ef_search = 100").expect("a setting");
    assert_eq!(lost_rows(&mut client, "item", "v").expect("an answer"), 0);
}

#[test]
fn a_vacuum_that_passes_over_the_index_several_times_leaves_it_whole() {
    let cluster = Cluster::with_settings(SETTINGS);
    let mut client = cluster.create_knowledge_base("base");
    let version = number(&mut client, "SELECT current_setting('server_version_num')::bigint") / 10_000;
    client
        .batch_execute(
            "CREATE TABLE item (id bigint, v embedding(3)) WITH (fillfactor = 40);
             -- Some nodes lose all rows, some keep a few.
             INSERT INTO item SELECT n, ARRAY[n % 20, n % 25, 1]::embedding FROM generate_series(1, 200000) AS n;
             CREATE INDEX item_v ON item USING sutra_hnsw (v);
             DELETE FROM item WHERE id % 100 < 50 OR id % 8 <> 0",
        )
        .expect("a table");
    let nodes = part(&mut client, "item_v", "nodes");
    assert_eq!(nodes, 100, "distinct vectors");
    // From 17 on dead rows are noted in a few bytes for each page.
    let memory = if version >= 17 { "64kB" } else { "1MB" };
    let said = vacuum_verbose(&cluster, &format!("SET maintenance_work_mem = '{memory}'"));
    let scans = number_after(&said, "index scans:");
    println!("{scans} passes");
    assert!(scans >= 2, "{said}");
    assert_eq!(faults(&mut client, "item_v"), Vec::<String>::new());
    let rows = number(&mut client, "SELECT count(*) FROM item");
    assert_eq!(part(&mut client, "item_v", "rows"), rows);
    let kept = number(&mut client, "SELECT count(DISTINCT v::text) FROM item");
    assert!(kept < nodes && rows > 10 * kept, "{rows} rows, {kept} of {nodes} vectors are left");
    assert_eq!(part(&mut client, "item_v", "nodes"), kept);
    client.batch_execute("SET enable_seqscan = off; SET enable_sort = off").expect("settings");
    let found = "SELECT count(*) FROM (SELECT id FROM item ORDER BY v <-> '[1,1,1]') AS near";
    client.batch_execute("SET sutra.iterative_scan = relaxed_order").expect("a setting");
    assert_eq!(number(&mut client, found), rows);
}

#[test]
fn a_vacuum_for_one_row_and_single_rows_write_little() {
    const ROWS: i64 = 20_000;
    const INSERTS: i64 = 200;
    let cluster = Cluster::with_settings(SETTINGS);
    let mut client = cluster.create_knowledge_base("base");
    client.batch_execute("CREATE TABLE item (id bigint, v embedding(16), note int)").expect("a table");
    fill(&mut client, "id, v", 1, ROWS, 16);
    client
        .batch_execute("CREATE INDEX item_v ON item USING sutra_hnsw (v) WITH (m = 8, ef_construction = 32)")
        .expect("an index");
    client.batch_execute("CREATE INDEX item_note ON item (note)").expect("an index");
    client.batch_execute("VACUUM item").expect("it can be vacuumed");
    client.batch_execute("DELETE FROM item WHERE id = 777").expect("a row goes");
    client.batch_execute("CHECKPOINT").expect("a checkpoint");
    let said = vacuum_verbose(&cluster, "SELECT 1");
    let pages = number(&mut client, "SELECT pg_relation_size('item_v') / 8192");
    let records = number_after(&said, "WAL usage:");
    println!("VACUUM after one row of {ROWS}: {records} records, the index has {pages} pages");
    assert!(number_after(&said, "index scans:") == 1 && pages > 300, "{pages} pages: {said}");
    // The neighbours of the node, its entry, its slot, and what VACUUM writes of the table.
    assert!(records < 120, "{records} records: {said}");
    assert_eq!(part(&mut client, "item_v", "rows"), ROWS - 1);

    let insert = |n: i64| {
        format!(
            "INSERT INTO item SELECT {ROWS} + {n}, (SELECT array_agg(random() + 0 * d) FROM generate_series(1, 16) AS d)::embedding, {n}"
        )
    };
    for n in INSERTS..INSERTS + 20 {
        wal_of(&mut client, &insert(n));
    }
    let (mut records, mut bytes) = (0, 0);
    for n in 0..INSERTS {
        let written = wal_of(&mut client, &insert(n));
        records += written.0;
        bytes += written.1;
    }
    println!("a row that is inserted: {:.1} records, {} bytes", records as f64 / INSERTS as f64, bytes / INSERTS);
    assert!(records < 8 * INSERTS, "{records} records for {INSERTS} rows");
    assert!(bytes < 1000 * INSERTS, "{bytes} bytes for {INSERTS} rows");

    let (mut update_records, mut update_bytes) = (0, 0);
    for n in 0..INSERTS {
        let written = wal_of(&mut client, &format!("UPDATE item SET note = -{n} - 1 WHERE id = {ROWS} + {n}"));
        update_records += written.0;
        update_bytes += written.1;
    }
    println!(
        "an update of another column: {:.1} records, {} bytes",
        update_records as f64 / INSERTS as f64,
        update_bytes / INSERTS
    );
    assert!(update_records < 6 * INSERTS, "{update_records} records for {INSERTS} rows");
    // A node more would cost what a row that is inserted does.
    assert!(update_bytes < 450 * INSERTS, "{update_bytes} bytes for {INSERTS} updates, {bytes} for as many inserts");
    assert_eq!(faults(&mut client, "item_v"), Vec::<String>::new());
}
