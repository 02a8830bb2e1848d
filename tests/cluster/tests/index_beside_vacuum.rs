//! VACUUM of an index beside what else happens: inserts while all that was there dies, readers of rows that are updated all the time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;
use sutra_cluster_tests::Cluster;
use sutra_cluster_tests::index::{faults, number, part};

fn point(number: i64) -> String {
    let at = number as f64;
    format!("[{:.6},{:.6},{:.6}]", at.sin(), (at * 3.0).cos(), (at * 7.0).sin())
}

fn insert(client: &mut Client, first: i64, count: i64) {
    let rows: Vec<String> = (first..first + count).map(|id| format!("({id}, '{}')", point(id))).collect();
    client.batch_execute(&format!("INSERT INTO item VALUES {}", rows.join(","))).expect("rows");
}

fn make_table(client: &mut Client) {
    client
        .batch_execute(
            "DROP TABLE IF EXISTS item;
             CREATE TABLE item (id bigint PRIMARY KEY, v embedding(3), note int) WITH (autovacuum_enabled = off);
             CREATE INDEX item_v ON item USING sutra_hnsw (v)",
        )
        .expect("a table");
}

/// Rows of which the pages of nodes are exactly full, so that what comes next is on a new page.
fn rows_that_fill_pages(client: &mut Client, pages: i64) -> i64 {
    make_table(client);
    let mut rows = 0;
    loop {
        insert(client, rows, 1);
        if part(client, "item_v", "node_pages") > pages {
            return rows;
        }
        rows += 1;
    }
}

#[test]
fn rows_that_come_while_vacuum_finds_all_others_dead_are_found() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    let rows = rows_that_fill_pages(&mut client, 4);
    make_table(&mut client);
    insert(&mut client, 0, rows);
    let last = part(&mut client, "item_v", "node_pages");
    client.batch_execute("DELETE FROM item").expect("all rows go");
    let vacuum = {
        let mut client = cluster.connect("base");
        thread::spawn(move || {
            client.batch_execute("SET vacuum_cost_delay = '100ms'; SET vacuum_cost_limit = 1").expect("settings");
            client.batch_execute("VACUUM item").expect("a vacuum");
        })
    };
    // The pages of the index are being read, a few tenths of a second each, from the first to the last.
    let begun = Instant::now();
    let reading = "SELECT count(*) FROM pg_stat_progress_vacuum WHERE phase = 'vacuuming indexes'";
    while number(&mut client, reading) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the vacuum does not come to the indexes");
        thread::sleep(Duration::from_millis(5));
    }
    thread::sleep(Duration::from_millis(300));
    insert(&mut client, 100_000, 20);
    assert_eq!(number(&mut client, reading), 1, "the rows came while the vacuum ran");
    assert_eq!(part(&mut client, "item_v", "node_pages"), last + 1, "and on a page of their own");
    vacuum.join().expect("the vacuum ends");
    assert_eq!(faults(&mut client, "item_v"), Vec::<String>::new());
    client.batch_execute("SET enable_seqscan = off").expect("a setting");
    for query in ["[0,0,0]", "[1,1,1]", "[-1,-1,0]"] {
        let found = client.query(&format!("SELECT id FROM item ORDER BY v <-> '{query}' LIMIT 20"), &[]).expect("rows");
        assert_eq!(found.len(), 20, "near {query}");
    }
}

#[test]
fn readers_see_every_row_of_a_vector_once_while_vacuum_shortens_its_list() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    make_table(&mut client);
    insert(&mut client, 0, 200);
    client.batch_execute("INSERT INTO item SELECT id, '[5,5,5]', 0 FROM generate_series(1000, 1099) AS id; CREATE INDEX item_note ON item (note)").expect("rows");
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for part in 0..2 {
            let (cluster, stop) = (&cluster, &stop);
            scope.spawn(move || {
                let mut client = cluster.connect("base");
                while !stop.load(Ordering::Relaxed) {
                    // Other rows of the same vector each time, so that slots in the middle of the list become empty.
                    client
                        .batch_execute(&format!("UPDATE item SET note = coalesce(note, 0) + 1 WHERE id IN (SELECT 1000 + (random() * 49)::int * 2 + {part} FROM generate_series(1, 30))"))
                        .expect("updates");
                }
            });
        }
        scope.spawn(|| {
            let mut client = cluster.connect("base");
            while !stop.load(Ordering::Relaxed) {
                client.batch_execute("VACUUM item").expect("a vacuum");
            }
        });
        client.batch_execute("SET enable_seqscan = off; SET enable_sort = off").expect("settings");
        let begun = Instant::now();
        let query = "SELECT count(*), count(DISTINCT id) FROM (SELECT id, v FROM item ORDER BY v <-> '[5,5,5]' LIMIT 150) AS near WHERE v = '[5,5,5]'";
        let (mut reads, mut wrong) = (0, Vec::new());
        while begun.elapsed() < Duration::from_secs(5) {
            let row = client.query_one(query, &[]).expect("rows");
            let seen: (i64, i64) = (row.get(0), row.get(1));
            if seen != (100, 100) {
                wrong.push(seen);
            }
            reads += 1;
        }
        stop.store(true, Ordering::Relaxed);
        assert_eq!(wrong, [], "of {reads} reads");
    });
    client.batch_execute("VACUUM item").expect("a vacuum");
    assert_eq!(faults(&mut client, "item_v"), Vec::<String>::new());
    assert_eq!(part(&mut client, "item_v", "rows"), 300);
    assert!(
        part(&mut client, "item_v", "tid_bytes") < 100 * 64,
        "{} bytes of slots",
        part(&mut client, "item_v", "tid_bytes")
    );
}
