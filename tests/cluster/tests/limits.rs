//! Where a resource ends there is an error and a working server, nothing is half done and nothing leaks.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use postgres::Client;
use postgres::error::SqlState;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use sutra_cluster_tests::load::wholeness;
use sutra_cluster_tests::{Cluster, sample, vector};

const LEARN: &str = "SELECT sutra_learn('Station Kew Gardens filed report NUMBER about ' || $1::text,
    jsonb_build_object('entity', 'Kew Gardens ' || NUMBER % 7, 'date', ('2001-01-01'::date + NUMBER)::text, 'temperature', NUMBER % 31))";

fn learn(client: &mut Client, number: i64, what: &str) -> Result<u64, postgres::Error> {
    client.execute(&LEARN.replace("NUMBER", &number.to_string()), &[&what])
}

fn code(result: Result<u64, postgres::Error>, what: &str) -> SqlState {
    let error = result.map(|_| ()).expect_err(what);
    error.code().unwrap_or_else(|| panic!("{what}: {error:?}")).clone()
}

/// What PostgreSQL writes when something was not given back.
fn assert_no_leak(cluster: &Cluster) {
    let log = cluster.log_text();
    for sign in ["leak", "PANIC", "terminated by signal", "still referenced", "TRAP", "panicked"] {
        assert!(!log.contains(sign), "{sign} in the log:\n{log}");
    }
}

fn assert_alive(cluster: &Cluster, client: &mut Client, what: &str) {
    sample::learn_all(client, &sample::bars("AAPL", 3));
    assert!(sample::ask(client, "AAPL trend")[0].contains("AAPL"), "{what}");
    assert_eq!(wholeness(client), Vec::<String>::new(), "{what}");
    assert_no_leak(cluster);
}

#[test]
fn every_stage_can_be_cancelled() {
    let long = std::env::var_os("SUTRA_LONG").is_some();
    let cluster = Cluster::with_settings("autovacuum = off\nmaintenance_work_mem = '8MB'");
    let mut client = cluster.create_knowledge_base("base");
    sample::learn_all(&mut client, &sample::bars("AAPL", 10));
    let mut rng = SmallRng::seed_from_u64(5);
    let vectors: Vec<String> = (0..1500).map(|_| vector(64, &mut rng)).collect();
    client
        .batch_execute("CREATE TABLE note (id int PRIMARY KEY, v embedding(64)); CREATE INDEX note_v_idx ON note USING sutra_hnsw (v embedding_l2_ops)")
        .unwrap();
    client
        .execute(
            "INSERT INTO note SELECT n, v::embedding FROM unnest($1::text[]) WITH ORDINALITY AS u (v, n)",
            &[&vectors],
        )
        .unwrap();
    // Each is tried with a longer and longer time, so that the cancel comes at every stage that takes time at all.
    let stages: [(&str, &str); 8] = [
        ("learn", "SELECT sutra_learn('Cancelled report ' || clock_timestamp(), '{\"entity\": \"Kew\", \"date\": \"2001-01-01\", \"temperature\": 3}')"),
        (
            "learn a batch",
            "SELECT count(*) FROM sutra_learn_batch(ARRAY(SELECT 'Cancelled report ' || n || ' at ' || clock_timestamp() FROM generate_series(1, 40) AS n),
                 ARRAY(SELECT jsonb_build_object('entity', 'Kew ' || n, 'date', '2001-01-01', 'temperature', n) FROM generate_series(1, 40) AS n))",
        ),
        ("ask", "SELECT count(*) FROM sutra_ask('which report is about the weather of the stations?')"),
        ("search", "SELECT count(*) FROM sutra_search('weather of the stations', 50)"),
        ("build", "CREATE INDEX cancelled_idx ON note USING sutra_hnsw (v embedding_cosine_ops)"),
        ("reindex", "REINDEX INDEX note_v_idx"),
        ("vacuum", "VACUUM note"),
        ("forget", "SELECT sutra_forget_where('{\"entity\": \"Kew\"}')"),
    ];
    let mut steps = Vec::new();
    for (name, statement) in stages {
        let mut milliseconds = 1;
        let (mut cancelled, mut in_a_row) = (0, 0);
        let mut tried = 0;
        // Until it has gone through three times.
        while in_a_row < 3 && tried < if long { 400 } else { 40 } {
            if name == "vacuum" {
                client.batch_execute(&format!("UPDATE note SET v = v + v WHERE id % 50 = {}", tried % 50)).unwrap();
            }
            client.batch_execute(&format!("SET statement_timeout = {milliseconds}")).unwrap();
            let result = client.batch_execute(statement);
            // The timeout holds for its own end too, which a busy machine may cancel.
            let ended = (0..100).any(|_| client.batch_execute("RESET statement_timeout").is_ok());
            assert!(ended, "{name}: a timeout of {milliseconds} ms cannot be reset");
            tried += 1;
            match result {
                Ok(()) => in_a_row += 1,
                Err(error) if error.code() == Some(&SqlState::QUERY_CANCELED) => {
                    cancelled += 1;
                    in_a_row = 0;
                }
                Err(error) => panic!("{name} after {milliseconds} ms: {error:?}"),
            }
            if name == "build" {
                client.batch_execute("DROP INDEX IF EXISTS cancelled_idx").unwrap();
            }
            milliseconds += if long { 1 + milliseconds / 20 } else { 1 + milliseconds / 3 };
        }
        assert!(in_a_row > 0, "{name} never went through in {milliseconds} ms");
        steps.push(format!("{name} {cancelled} of {tried}"));
    }
    println!("cancelled: {}", steps.join(", "));
    assert_eq!(wholeness(&mut client), Vec::<String>::new());
    assert_alive(&cluster, &mut client, "after the cancels");
}

#[test]
fn little_memory_and_no_temporary_files_change_no_answer() {
    let cluster = Cluster::with_settings("autovacuum = off");
    let mut client = cluster.create_knowledge_base("base");
    sample::learn_all(&mut client, &[sample::bars("AAPL", 60), sample::bars("MSFT", 60)].concat());
    let questions = [
        "AAPL trend",
        "highest price of Microsoft in January 2019",
        "which shares traded most?",
        "compare AAPL and MSFT",
    ];
    let before: Vec<_> = questions.map(|question| sample::ask(&mut client, question)).into();
    client.batch_execute("SET work_mem = '64kB'; SET maintenance_work_mem = '1MB'; SET temp_file_limit = 0; SET sutra.max_scan_tuples = 100").unwrap();
    for (question, expected) in questions.iter().zip(&before) {
        assert_eq!(&sample::ask(&mut client, question), expected, "{question}");
    }
    // Learning may want a file with so little memory; then it says so, and nothing of it is there.
    match learn(&mut client, 1, "little memory") {
        Ok(_) => {}
        Err(error) => assert_eq!(error.code(), Some(&SqlState::CONFIGURATION_LIMIT_EXCEEDED), "{error:?}"),
    }
    client.batch_execute("RESET temp_file_limit").unwrap();
    learn(&mut client, 2, "little memory").expect("with files it learns");
    client.batch_execute("SET temp_file_limit = 0").unwrap();
    client.batch_execute("REINDEX INDEX sutra.vector_all_minilm_l6_v2_idx").expect("a small build needs no more");
    // What does need a file is refused, and the session goes on.
    let refused = client.batch_execute(
        "SELECT count(*) FROM (SELECT c.content FROM sutra.concept AS c, generate_series(1, 400) ORDER BY 1) AS x",
    );
    assert_eq!(refused.expect_err("it sorts megabytes").code(), Some(&SqlState::CONFIGURATION_LIMIT_EXCEEDED));
    client.batch_execute("RESET temp_file_limit").unwrap();
    assert_alive(&cluster, &mut client, "with little memory");
}

#[test]
fn too_little_memory_to_look_into_an_index_is_an_error() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    client
        .batch_execute(
            "CREATE TABLE note (id int, v embedding(3));
             INSERT INTO note SELECT n, format('[%s,%s,%s]', n % 97, n % 89, n)::embedding FROM generate_series(1, 20000) AS n;
             CREATE INDEX note_v_idx ON note USING sutra_hnsw (v) WITH (ef_construction = 32);
             CREATE INDEX few ON note USING sutra_hnsw (v) WHERE id < 10",
        )
        .expect("two indexes");
    for function in ["sutra_index_check", "sutra_index_stats"] {
        let mut refused = 0;
        for kilobytes in [256, 512, 1024, 2048, 3072, 4096, 6144, 8192] {
            let mut session = cluster.connect("base");
            let process: i32 = session.query_one("SELECT pg_backend_pid()", &[]).expect("a process").get(0);
            session.query(&format!("SELECT * FROM {function}('few')"), &[]).expect("the library is loaded");
            let process = u32::try_from(process).expect("a process");
            cluster.setup().leave_address_space(process, kilobytes * 1024);
            let result = session.query(&format!("SELECT * FROM {function}('note_v_idx')"), &[]);
            cluster.setup().limit_address_space(process, None);
            if let Err(error) = result {
                assert_eq!(error.code(), Some(&SqlState::OUT_OF_MEMORY), "{function}, {kilobytes} kB more: {error:?}");
                refused += 1;
            }
            let rows = session.query(&format!("SELECT * FROM {function}('note_v_idx')"), &[]);
            assert_eq!(rows.expect("the session goes on").is_empty(), function == "sutra_index_check");
        }
        println!("{function}: refused {refused} times");
        assert!(refused > 1, "{function} was refused {refused} times");
    }
    assert_no_leak(&cluster);
}

#[test]
fn out_of_locks_or_connections_is_an_error_and_no_more() {
    let cluster = Cluster::with_settings(
        "max_locks_per_transaction = 10\nmax_connections = 8\nmax_wal_senders = 0\nsuperuser_reserved_connections = 1\nautovacuum = off",
    );
    let mut client = cluster.create_knowledge_base("base");
    sample::learn_all(&mut client, &sample::bars("AAPL", 3));
    // One transaction takes nearly all locks that there are; learning needs some dozens.
    let mut hoarder = cluster.connect("base");
    hoarder.batch_execute("BEGIN").unwrap();
    let mut held = 0;
    let refused = loop {
        match hoarder.batch_execute(&format!("CREATE TABLE held_{held} (id int PRIMARY KEY)")) {
            Ok(()) => held += 1,
            Err(error) => break error,
        }
        assert!(held < 10_000, "the locks do not end");
    };
    assert_eq!(refused.code(), Some(&SqlState::OUT_OF_MEMORY), "{refused:?}");
    hoarder.batch_execute("ROLLBACK; BEGIN").unwrap();
    for table in 0..held - 1 {
        hoarder.batch_execute(&format!("CREATE TABLE held_{table} (id int PRIMARY KEY)")).unwrap();
    }
    let error = code(learn(&mut client, 1, "locks"), "there are no locks left");
    assert_eq!(error, SqlState::OUT_OF_MEMORY);
    hoarder.batch_execute("ROLLBACK").unwrap();
    learn(&mut client, 1, "locks").expect("the locks are back");
    assert_alive(&cluster, &mut client, "after it was out of locks");

    let mut sessions = vec![hoarder];
    let refused = loop {
        match cluster.try_connect("base") {
            Ok(session) => sessions.push(session),
            Err(error) => break error,
        }
        assert!(sessions.len() < 20, "max_connections does not hold");
    };
    assert_eq!(refused.code(), Some(&SqlState::TOO_MANY_CONNECTIONS), "{refused:?}");
    // Those that are connected all load the model and work.
    for (number, session) in sessions.iter_mut().enumerate() {
        learn(session, 100 + number as i64, "a session of many").expect("it learns");
    }
    drop(sessions);
    assert_alive(&cluster, &mut client, "after it was out of connections");
}

/// A file system of some megabytes, gone with the value.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(cluster: &Cluster, megabytes: u32) -> Option<Self> {
        let folder = cluster.place("disk");
        cluster.setup().make_folder(&folder);
        let options = format!("size={megabytes}m,mode=1777");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&folder).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, because the server may still have a file open.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_an_error_and_nothing_is_half_done() {
    let cluster = Cluster::with_settings("autovacuum = off");
    let Some(disk) = SmallDisk::mount(&cluster, 60) else {
        println!("skipped: only root can mount a file system of its own");
        return;
    };
    let place = disk.0.join("space");
    cluster.setup().make_folder(&place);
    let mut client = cluster.connect("postgres");
    client.batch_execute(&format!("CREATE TABLESPACE small LOCATION '{}'", place.display())).unwrap();
    client.batch_execute("CREATE DATABASE base TABLESPACE small").unwrap();
    let mut client = cluster.connect("base");
    client.batch_execute("CREATE EXTENSION sutra").unwrap();
    sample::learn_all(&mut client, &sample::bars("AAPL", 5));
    // Most of the room goes to a file, the rest to what is learned.
    let filler = disk.0.join("filler");
    let block = vec![0u8; 1 << 20];
    let mut file = fs::File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut file, &block).is_ok() {}
    drop(file);
    let length = fs::metadata(&filler).unwrap().len();
    fs::OpenOptions::new().write(true).open(&filler).unwrap().set_len(length.saturating_sub(2 << 20)).unwrap();
    // Metadata that nothing compresses: it fills the disk, and is not embedded.
    let bulk = "SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 2000)";
    let mut acknowledged = 0;
    let started = Instant::now();
    let refused = loop {
        let statement = format!(
            "SELECT sutra_learn('Station Kew Gardens filed report {acknowledged}.', jsonb_build_object('entity', 'Kew Gardens', 'remark', ({bulk})))"
        );
        match client.batch_execute(&statement) {
            Ok(()) => acknowledged += 1i64,
            Err(error) => break error,
        }
        assert!(started.elapsed() < Duration::from_secs(120), "the disk does not fill: {acknowledged}");
    };
    assert_eq!(refused.code(), Some(&SqlState::DISK_FULL), "{refused:?}");
    for statement in [
        "CREATE INDEX full_idx ON sutra.vector_all_minilm_l6_v2 USING sutra_hnsw (embedding embedding_l2_ops)",
        "REINDEX INDEX sutra.vector_all_minilm_l6_v2_idx",
    ] {
        if let Err(error) = client.batch_execute(statement) {
            assert_eq!(error.code(), Some(&SqlState::DISK_FULL), "{error:?}");
        }
    }
    client.batch_execute("DROP INDEX IF EXISTS sutra.full_idx").unwrap();
    let reports = "SELECT count(*) FROM sutra.concept WHERE kind = 'statement' AND content LIKE 'Station Kew Gardens filed report%'";
    assert_eq!(client.query_one(reports, &[]).unwrap().get::<_, i64>(0), acknowledged);
    assert!(sample::ask(&mut client, "AAPL trend")[0].contains("AAPL"), "asking needs no room");
    assert_eq!(wholeness(&mut client), Vec::<String>::new());
    fs::remove_file(&filler).unwrap();
    println!("full after {acknowledged} learns; all are there");
    assert_alive(&cluster, &mut client, "once there is room again");
    cluster.stop();
}

#[test]
fn the_memory_of_a_session_stays_flat() {
    let times: i64 = if std::env::var_os("SUTRA_LONG").is_some() { 10_000 } else { 800 };
    let cluster = Cluster::with_settings("autovacuum = off");
    let mut client = cluster.create_knowledge_base("base");
    let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    let mut samples = Vec::new();
    for number in 0..times {
        learn(&mut client, number, "the weather").expect("it learns");
        let question = format!("What was the temperature of Kew Gardens {} on {}?", number % 7, "2001-01-01");
        client.query("SELECT * FROM sutra_ask($1)", &[&question]).expect("it answers");
        if (number + 1) % (times / 8) == 0 {
            samples.push(private_memory(pid));
        }
    }
    println!("private memory of the session in kB, after each eighth of {times} learns and asks: {samples:?}");
    // The first eighth loads the model and fills caches; from the second to the last nothing may keep growing.
    let (early, last) = (samples[1], samples[samples.len() - 1]);
    assert!(last < early + early / 10 + 4096, "{samples:?}");
    assert_no_leak(&cluster);
}

/// Memory that no other process has, in kB.
fn private_memory(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the session is there");
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).expect("Linux says how much");
    line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("a number of kB")
}
