//! Inserts, updates, deletes, scans and VACUUM at once: afterwards the index is sound, recalls as before, and answers every row's own
//! vector. The same while the server is killed again and again, and on a standby that takes over.
//!
//! SUTRA_LOAD_SECONDS is how long each load lasts (default 6; `make test-long` takes 300).

use std::env;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;
use postgres::error::SqlState;
use sutra_cluster_tests::Cluster;
use sutra_cluster_tests::index::{Random, faults, lasting_faults, lost_rows, number, recall, seen, vector};

const DIMENSIONS: usize = 32;
/// Connections that write and read; one more runs VACUUM.
const WRITERS: u64 = 3;
const ROWS: u64 = 4000;

fn load_time() -> Duration {
    Duration::from_secs(env::var("SUTRA_LOAD_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(6))
}

/// A setting of servers whose processes are killed: what they wrote the operating system still has, so nothing needs to wait for the disk.
const KILLED: &str = "fsync = off";

/// A cluster with a table of vectors and its index. Half of the rows were there when the index was built.
fn loaded(settings: &str) -> Cluster {
    let cluster = Cluster::with_settings(settings);
    let mut client = cluster.create_knowledge_base("base");
    client
        .batch_execute(&format!("CREATE TABLE item (id bigint PRIMARY KEY, note int, v embedding({DIMENSIONS})); CREATE INDEX ON item (note)"))
        .expect("a table");
    let mut random = Random::new(1);
    for half in 0..2 {
        for start in (half * ROWS / 2..(half + 1) * ROWS / 2).step_by(500) {
            let values: Vec<String> =
                (start..start + 500).map(|id| format!("({id}, 0, '{}')", vector(&mut random, DIMENSIONS))).collect();
            client.batch_execute(&format!("INSERT INTO item VALUES {}", values.join(","))).expect("rows");
        }
        if half == 0 {
            client.batch_execute("CREATE INDEX item_v ON item USING sutra_hnsw (v)").expect("an index");
        }
    }
    cluster
}

/// One change or query; each writer has rows of its own, so that none waits for another for long. `next` numbers the writer's rows.
fn step(client: &mut Client, random: &mut Random, writer: u64, next: &AtomicU64) -> Result<(), postgres::Error> {
    let row = |number: u64| i64::try_from(number * WRITERS + writer).expect("a small number");
    let (text, id) = (vector(random, DIMENSIONS), row(random.below(next.load(Ordering::Relaxed))));
    match random.below(10) {
        0..=2 => {
            let id = row(next.fetch_add(1, Ordering::Relaxed));
            client.execute("INSERT INTO item VALUES ($1, 0, $2::text::embedding) ON CONFLICT DO NOTHING", &[&id, &text])?
        }
        3 => client.execute("UPDATE item SET v = $2::text::embedding WHERE id = $1", &[&id, &text])?,
        4 => client.execute("UPDATE item SET note = note + 1 WHERE id = $1", &[&id])?,
        // Rows with the same vector share a node.
        5 => client.execute(
            "UPDATE item SET v = (SELECT v FROM item WHERE v IS NOT NULL AND id > $1 ORDER BY id LIMIT 1) WHERE id = $1",
            &[&id],
        )?,
        6 | 7 => client.execute("DELETE FROM item WHERE id = $1", &[&id])?,
        _ => scan(client, &text)?,
    };
    Ok(())
}

/// Asks for the ten nearest, which come in order.
fn scan(client: &mut Client, vector: &str) -> Result<u64, postgres::Error> {
    let rows = client.query("SELECT v <-> $1::text::embedding AS d FROM item ORDER BY d LIMIT 10", &[&vector])?;
    let distances: Vec<f64> = rows.iter().map(|row| row.get(0)).collect();
    assert!(distances.is_sorted() && distances.len() == 10, "{distances:?}");
    Ok(1)
}

/// Whether a session ended because its server was killed or a standby had to replay what its snapshot still saw.
fn is_expected(error: &postgres::Error) -> bool {
    let ended = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::T_R_SERIALIZATION_FAILURE,
    ];
    error.as_db_error().is_none() || error.code().is_some_and(|code| ended.contains(code))
}

/// Runs the load until `stop`; where the server is killed meanwhile, sessions connect again. Returns the number of steps.
fn load(cluster: &Cluster, stop: &AtomicBool, killed: bool) -> u64 {
    let (next, steps) = ([const { AtomicU64::new(ROWS / WRITERS + 1) }; WRITERS as usize], AtomicU64::new(0));
    let session = |seed: u64, body: &(dyn Fn(&mut Client, &mut Random) -> Result<(), postgres::Error> + Sync)| {
        let mut random = Random::new(seed);
        while !stop.load(Ordering::Relaxed) {
            let mut client = match cluster.try_connect("base") {
                Ok(client) => client,
                Err(_) if killed => {
                    thread::sleep(Duration::from_millis(50));
                    continue;
                }
                Err(error) => panic!("{error:?}"),
            };
            client.batch_execute("SET enable_seqscan = off; SET synchronous_commit = off").ok();
            while !stop.load(Ordering::Relaxed) {
                match body(&mut client, &mut random) {
                    Ok(()) => steps.fetch_add(1, Ordering::Relaxed),
                    Err(error) if killed && is_expected(&error) => break,
                    Err(error) => panic!("{error:?}"),
                };
            }
        }
    };
    thread::scope(|scope| {
        for (writer, next) in (0..).zip(&next) {
            let session = &session;
            scope.spawn(move || session(100 + writer, &|client, random| step(client, random, writer, next)));
        }
        let session = &session;
        scope.spawn(move || {
            session(99, &|client, _| {
                client.batch_execute("VACUUM item")?;
                thread::sleep(Duration::from_millis(100));
                Ok(())
            })
        });
    });
    steps.load(Ordering::Relaxed)
}

/// What must hold after every load; a VACUUM may have been killed.
fn assert_whole(client: &mut Client, recall_before: f64) {
    assert_eq!(lasting_faults(client, "item_v"), Vec::<String>::new(), "before a vacuum");
    client.batch_execute("VACUUM (INDEX_CLEANUP on) item").expect("it can be vacuumed");
    assert_eq!(faults(client, "item_v"), Vec::<String>::new(), "after a vacuum");
    let rows = number(client, "SELECT count(*) FROM item WHERE v IS NOT NULL");
    let indexed = number(client, "SELECT value FROM sutra_index_stats('item_v') WHERE name = 'rows'");
    assert_eq!(indexed, rows, "rows in the index and in the table");
    let unreachable = number(client, "SELECT value FROM sutra_index_stats('item_v') WHERE name = 'unreachable_nodes'");
    let after = recall(client, "item_v");
    let lost = lost_rows(client, "item", "v").expect("the rows can be sought");
    client.batch_execute("REINDEX INDEX item_v").expect("it can be rebuilt");
    let rebuilt = recall(client, "item_v");
    let lost_rebuilt = lost_rows(client, "item", "v").expect("the rows can be sought");
    println!(
        "{rows} rows; recall before {recall_before:.4}, after {after:.4}, rebuilt {rebuilt:.4}; rows that do not find themselves {lost}, rebuilt {lost_rebuilt}"
    );
    assert_eq!(unreachable, 0);
    assert_eq!(lost, 0, "rows that do not find themselves");
    assert!(
        after >= recall_before.min(rebuilt) - 0.02,
        "recall {recall_before} before, {after} after, {rebuilt} rebuilt"
    );
}

#[test]
fn an_index_stays_whole_under_writes_scans_and_vacuum() {
    let cluster = loaded("");
    let mut client = cluster.connect("base");
    let before = recall(&mut client, "item_v");
    let stop = AtomicBool::new(false);
    let steps = thread::scope(|scope| {
        let load = scope.spawn(|| load(&cluster, &stop, false));
        thread::sleep(load_time());
        stop.store(true, Ordering::Relaxed);
        load.join().expect("no session fails")
    });
    println!("{steps} steps");
    assert!(steps > 100, "{steps} steps");
    assert_whole(&mut client, before);
}

/// Vectors that nearly equal each other, in an index of few edges: every insert makes its neighbours give up edges, the same ones as others do at
/// that moment. No VACUUM mends anything.
#[test]
fn sessions_that_insert_beside_each_other_cut_nothing_off() {
    const SESSIONS: u64 = 4;
    const CROWD: usize = 8;
    /// Rows of a session: more take long to seek one by one.
    const MOST: usize = 5000;
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    client
        .batch_execute(&format!(
            "CREATE TABLE item (id bigserial PRIMARY KEY, v embedding({CROWD})) WITH (autovacuum_enabled = off);
             CREATE INDEX item_v ON item USING sutra_hnsw (v) WITH (m = 2, ef_construction = 16)"
        ))
        .expect("an empty table");
    let (started, time) = (Instant::now(), load_time());
    thread::scope(|scope| {
        for session in 0..SESSIONS {
            let cluster = &cluster;
            scope.spawn(move || {
                let (mut client, mut random) = (cluster.connect("base"), Random::new(500 + session));
                client.batch_execute("SET synchronous_commit = off").expect("a setting");
                for _ in 0..MOST / 50 {
                    if started.elapsed() > time {
                        break;
                    }
                    let rows: Vec<String> = (0..50)
                        .map(|row| {
                            // One of seventeen is far from all: its neighbours prefer others to it.
                            let (centre, spread) = (random.below(3), if row % 17 == 0 { 30.0 } else { 0.2 });
                            let mut base = Random::new(1 + centre);
                            let mut number =
                                || base.below(100) as f64 / 10.0 + spread * random.below(1000) as f64 / 1000.0;
                            let numbers: Vec<String> = (0..CROWD).map(|_| format!("{:.4}", number())).collect();
                            format!("('[{}]')", numbers.join(","))
                        })
                        .collect();
                    client.batch_execute(&format!("INSERT INTO item (v) VALUES {}", rows.join(","))).expect("rows");
                }
            });
        }
    });
    let rows = number(&mut client, "SELECT count(*) FROM item");
    let nodes = number(&mut client, "SELECT value FROM sutra_index_stats('item_v') WHERE name = 'nodes'");
    println!("{rows} rows, {nodes} nodes");
    assert!(rows >= 400, "{rows} rows");
    assert_eq!(faults(&mut client, "item_v"), Vec::<String>::new(), "before any vacuum");
    assert_eq!(
        lost_rows(&mut client, "item", "v").expect("the rows can be sought"),
        0,
        "rows that do not find themselves"
    );
}

#[test]
fn an_index_stays_whole_while_its_server_is_killed_again_and_again() {
    let cluster = loaded(KILLED);
    let before = recall(&mut cluster.connect("base"), "item_v");
    let stop = AtomicBool::new(false);
    let (started, time) = (Instant::now(), load_time());
    let mut kills = 0;
    let steps = thread::scope(|scope| {
        let load = scope.spawn(|| load(&cluster, &stop, true));
        while started.elapsed() < time {
            thread::sleep(Duration::from_millis(1500 + 700 * (kills % 5)));
            // In turns: the postmaster, whose sessions end when they notice, and all at once.
            if kills % 2 == 0 {
                cluster.kill_everything();
            } else {
                cluster.kill();
            }
            cluster.start();
            kills += 1;
        }
        stop.store(true, Ordering::Relaxed);
        load.join().expect("no session fails but by a kill")
    });
    println!("{steps} steps, {kills} kills");
    assert!(steps > 100 && kills > 0, "{steps} steps, {kills} kills");
    assert_whole(&mut cluster.connect("base"), before);
}

#[test]
fn an_index_stays_whole_on_a_standby_that_takes_over() {
    let primary = loaded("");
    let before = recall(&mut primary.connect("base"), "item_v");
    let replica = primary.replica();
    let stop = AtomicBool::new(false);
    let (steps, scans) = thread::scope(|scope| {
        let load = scope.spawn(|| load(&primary, &stop, false));
        // The standby answers while it replays. A snapshot that vacuum on the primary overtakes is a conflict that PostgreSQL reports.
        let scans = scope.spawn(|| {
            let (mut random, mut scans) = (Random::new(7), 0u64);
            while !stop.load(Ordering::Relaxed) {
                let mut client = replica.connect("base");
                client.batch_execute("SET enable_seqscan = off").ok();
                while !stop.load(Ordering::Relaxed) {
                    match scan(&mut client, &vector(&mut random, DIMENSIONS)) {
                        Ok(count) => scans += count,
                        Err(error) if is_expected(&error) => break,
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }
            scans
        });
        thread::sleep(load_time());
        stop.store(true, Ordering::Relaxed);
        (load.join().expect("no session fails"), scans.join().expect("no scan fails but by a conflict"))
    });
    replica.wait_for(&primary);
    primary.kill();
    replica.promote();
    println!("{steps} steps, {scans} scans of the standby");
    assert!(steps > 100 && scans > 10, "{steps} steps, {scans} scans");
    let mut client = replica.connect("base");
    assert_whole(&mut client, before);
}

/// The standby has the WAL up to some moment of a vacuum, or of a build that goes on beside the load.
#[test]
fn an_index_stays_whole_on_a_standby_that_takes_over_in_the_middle_of_a_vacuum_or_a_build() {
    let mut primary = loaded(KILLED);
    let before = recall(&mut primary.connect("base"), "item_v");
    for (round, middle) in [
        "SELECT EXISTS (SELECT FROM pg_stat_progress_vacuum WHERE relid = 'item'::regclass AND phase = 'vacuuming indexes')",
        "SELECT EXISTS (SELECT FROM pg_stat_progress_create_index WHERE phase = 'building index: loading tuples')",
    ]
    .into_iter()
    .enumerate()
    {
        let replica = primary.replica();
        let stop = AtomicBool::new(false);
        let steps = thread::scope(|scope| {
            let load = scope.spawn(|| load(&primary, &stop, true));
            let mut watcher = primary.connect("base");
            thread::sleep(Duration::from_millis(1500));
            let build = (round == 1).then(|| {
                let mut client = primary.connect("base");
                let statement = "CREATE INDEX CONCURRENTLY more ON item USING sutra_hnsw (v) WITH (m = 32, ef_construction = 400)";
                scope.spawn(move || client.batch_execute(statement).is_err())
            });
            assert!(seen(&mut watcher, middle, || false));
            thread::sleep(Duration::from_millis(30));
            primary.kill_everything();
            stop.store(true, Ordering::Relaxed);
            assert!(build.is_none_or(|build| build.join().expect("the session ends")), "the build was done before");
            load.join().expect("no session fails but by the kill")
        });
        replica.promote();
        println!("{steps} steps");
        assert!(steps > 20, "{steps} steps");
        let mut client = replica.connect("base");
        let done = number(&mut client, "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('more') AND indisvalid");
        assert_eq!(done, 0, "the build is done");
        client.batch_execute("DROP INDEX IF EXISTS more").expect("what was built can be dropped");
        assert_whole(&mut client, before);
        drop(client);
        primary = replica;
    }
}
