//! An index whose WAL holds no full-page images, as on file systems that never tear a page.

use postgres::Client;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use sutra_cluster_tests::Cluster;
use sutra_cluster_tests::crash::Victim;
use sutra_cluster_tests::index::{faults, lost_rows, number, part};

fn check(client: &mut Client, rows: i64) {
    assert_eq!(number(client, "SELECT count(*) FROM item"), rows);
    assert_eq!(part(client, "item_v", "rows"), rows);
    assert_eq!(faults(client, "item_v"), Vec::<String>::new());
    assert_eq!(lost_rows(client, "item", "v").expect("an answer"), 0);
}

#[test]
fn pages_that_an_index_adds_are_replayed_without_full_page_writes() {
    let cluster = Cluster::with_settings("full_page_writes = off");
    let mut client = cluster.create_knowledge_base("base");
    client
        .batch_execute(
            "CREATE TABLE item (id bigint PRIMARY KEY, v embedding(3));
             CREATE INDEX item_v ON item USING sutra_hnsw (v) WITH (m = 2, ef_construction = 8)",
        )
        .expect("a table");
    let replica = cluster.replica();
    client.batch_execute("CHECKPOINT").expect("a checkpoint");
    // Nodes, upper slots, a table of vectors that grows by several buckets, and rows that share a vector.
    client
        .batch_execute(
            "INSERT INTO item SELECT i, ARRAY[sin(i), cos(i * 3), sin(i * 7)]::real[]::embedding(3) FROM generate_series(1, 3000) AS i;
             INSERT INTO item SELECT i, '[1,2,3]' FROM generate_series(3001, 3200) AS i",
        )
        .expect("rows");
    for pages in ["node_pages", "upper_pages", "tid_pages", "bucket_pages", "directory_pages"] {
        assert!(part(&mut client, "item_v", pages) > 0, "{pages} were added");
    }
    replica.wait_for(&cluster);
    check(&mut replica.connect("base"), 3200);
    drop(client);
    cluster.crash(Victim::Everything, &mut SmallRng::seed_from_u64(1));
    let mut client = cluster.recovered("base");
    check(&mut client, 3200);
    replica.promote();
    check(&mut replica.connect("base"), 3200);
}
