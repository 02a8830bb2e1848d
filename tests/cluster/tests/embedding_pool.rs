//! The shared embedding pool of a server that preloads the extension: helpers that die, sessions that leave, servers that
//! are killed, roles that want more than their share.

use postgres::Client;
use postgres::error::SqlState;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};
use sutra_cluster_tests::Cluster;

const PATIENCE: Duration = Duration::from_secs(60);
const TEXTS: usize = 12;

fn with_pool(workers: usize) -> Cluster {
    Cluster::with_settings(&format!(
        "shared_preload_libraries = 'sutra'\nsutra.embedding_workers = {workers}\nsutra.embedding_queue_size = '2MB'"
    ))
}

/// The text of that number, and its vector.
fn text(number: usize) -> String {
    format!("Report {number}: {}", "shares of banks rose on news of the market ".repeat(1 + number % 5))
}

fn embed(client: &mut Client, number: usize) -> Result<String, postgres::Error> {
    client.query_one("SELECT sutra_embed($1)::text", &[&text(number)]).map(|row| row.get(0))
}

/// The vectors of all texts.
fn vectors(client: &mut Client) -> Vec<String> {
    (0..TEXTS).map(|number| embed(client, number).expect("it is embedded")).collect()
}

fn assert_same(client: &mut Client, vector: &str, expected: &str) {
    let query = "SELECT cosine_distance($1::text::embedding, $2::text::embedding)";
    let distance: f64 = client.query_one(query, &[&vector, &expected]).expect("two vectors").get(0);
    assert!(distance < 1e-6, "another vector: {distance}");
}

fn statistic(client: &mut Client, column: &str) -> i64 {
    let query = format!("SELECT {column}::bigint FROM sutra.embedding_stats WHERE scope = 'pool'");
    client.query_one(&query, &[]).expect("there is a pool").get(0)
}

fn server_start(client: &mut Client) -> String {
    client.query_one("SELECT pg_postmaster_start_time()::text || pg_backend_pid()", &[]).expect("it answers").get(0)
}

/// The helpers, once there are that many.
fn helpers(cluster: &Cluster, count: usize) -> Vec<u32> {
    let started = Instant::now();
    loop {
        let found = cluster.embedding_helpers();
        if found.len() == count {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "{} helpers, not {count}: {}", found.len(), cluster.log_text());
        sleep(Duration::from_millis(50));
    }
}

/// Waits for a session to be where it waits for the pool.
fn wait_until_embedding(client: &mut Client, process: i32) {
    let started = Instant::now();
    let query = "SELECT wait_event = 'Extension' FROM pg_stat_activity WHERE pid = $1 AND state = 'active'";
    while client.query_opt(query, &[&process]).unwrap().is_none_or(|row| row.get::<_, Option<bool>>(0) != Some(true)) {
        assert!(started.elapsed() < PATIENCE, "the session does not wait for the pool");
        sleep(Duration::from_millis(20));
    }
}

fn process_of(client: &mut Client) -> i32 {
    client.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0)
}

#[test]
fn sessions_at_once_share_runs_of_the_model_and_get_their_own_vectors() {
    let cluster = with_pool(1);
    let mut client = cluster.create_knowledge_base("base");
    let expected = vectors(&mut client);
    assert_eq!(statistic(&mut client, "texts"), TEXTS as i64);
    client.batch_execute("SET sutra.embedding_cache = 0").unwrap();
    let sessions: Vec<_> = (0..8)
        .map(|session| {
            let mut client = cluster.connect("base");
            let expected = expected.clone();
            thread::spawn(move || {
                client.batch_execute("SET sutra.embedding_cache = 0").unwrap();
                for number in (0..TEXTS).map(|number| (number + session) % TEXTS) {
                    let vector = embed(&mut client, number).unwrap();
                    assert_same(&mut client, &vector, &expected[number]);
                }
            })
        })
        .collect();
    sessions.into_iter().for_each(|session| session.join().unwrap());
    let texts = statistic(&mut client, "texts");
    assert_eq!(texts, 9 * TEXTS as i64);
    assert!(statistic(&mut client, "batches") < texts - TEXTS as i64 / 2, "texts of several sessions ran together");
    assert!(statistic(&mut client, "tokens") > texts * 8);
    assert_eq!((statistic(&mut client, "queue_depth"), statistic(&mut client, "restarts")), (0, 0));
    let own: i64 =
        client.query_one("SELECT texts FROM sutra.embedding_stats WHERE scope = 'session'", &[]).unwrap().get(0);
    assert_eq!(own, 0, "no session has loaded the runtime");
    let array: bool = client
        .query_one(
            "SELECT bool_and(cosine_distance(vector, sutra_embed(text)) < 1e-6) AND count(*) = 200
             FROM (SELECT array_agg('text ' || n || repeat(' and more', n % 30)) AS texts FROM generate_series(1, 200) AS n) AS input,
                 unnest(texts, sutra_embed(texts)) AS pair (text, vector)",
            &[],
        )
        .unwrap()
        .get(0);
    assert!(array, "many texts of one call come in their order");
}

#[test]
fn helpers_that_are_killed_or_stopped_under_load_fail_no_statement() {
    let cluster = with_pool(2);
    let mut client = cluster.create_knowledge_base("base");
    let expected = vectors(&mut client);
    let start = server_start(&mut client);
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        for session in 0..8 {
            let (cluster, expected, ended) = (&cluster, &expected, &ended);
            scope.spawn(move || {
                let mut client = cluster.connect("base");
                client.batch_execute("SET sutra.embedding_cache = 0").unwrap();
                let mut number = session;
                while !ended.load(Ordering::Relaxed) {
                    number = (number + 1) % TEXTS;
                    match embed(&mut client, number) {
                        Ok(vector) => assert_same(&mut client, &vector, &expected[number]),
                        Err(error) => panic!("a statement failed: {error:?}"),
                    }
                }
            });
        }
        for round in 0..6 {
            sleep(Duration::from_millis(1500));
            let victims = helpers(&cluster, 2);
            cluster.signal(victims[round % 2], if round == 4 { "STOP" } else { "KILL" });
        }
        // The one that was stopped is missed after a while.
        let started = Instant::now();
        while statistic(&mut client, "restarts") < 6 {
            assert!(started.elapsed() < PATIENCE, "{} restarts", statistic(&mut client, "restarts"));
            sleep(Duration::from_millis(200));
        }
        ended.store(true, Ordering::Relaxed);
    });
    assert_eq!(start, server_start(&mut client), "no connection was lost");
    assert_eq!(statistic(&mut client, "queue_depth"), 0);
}

#[test]
fn a_cancel_and_a_timeout_end_the_wait_at_once_and_leave_no_stale_answer() {
    let cluster = with_pool(1);
    let mut client = cluster.create_knowledge_base("base");
    client.batch_execute("SET sutra.embedding_cache = 0").unwrap();
    let expected = vectors(&mut client);
    let helper = helpers(&cluster, 1)[0];
    for round in 0..3 {
        cluster.signal(helper, "STOP");
        let started = Instant::now();
        client.batch_execute("SET statement_timeout = '200ms'").unwrap();
        let error = embed(&mut client, round).expect_err("nobody answers");
        assert_eq!(error.code(), Some(&SqlState::QUERY_CANCELED), "{error:?}");
        client.batch_execute("RESET statement_timeout").unwrap();
        let process = process_of(&mut client);
        thread::scope(|scope| {
            let victim = scope.spawn(|| embed(&mut client, round + 1).expect_err("it is cancelled"));
            let mut other = cluster.connect("base");
            wait_until_embedding(&mut other, process);
            other.execute("SELECT pg_cancel_backend($1)", &[&process]).unwrap();
            assert_eq!(victim.join().unwrap().code(), Some(&SqlState::QUERY_CANCELED));
        });
        assert!(started.elapsed() < Duration::from_secs(8), "it took {:?}", started.elapsed());
        // The helper now answers what was asked by statements that are over.
        cluster.signal(helper, "CONT");
        for (number, expected) in expected.iter().enumerate() {
            let vector = embed(&mut client, number).unwrap();
            assert_same(&mut client, &vector, expected);
        }
    }
    assert_eq!(statistic(&mut client, "restarts"), 0, "{}", cluster.log_text());
}

#[test]
fn sessions_that_are_ended_while_they_wait_leave_nothing_behind() {
    let cluster = with_pool(1);
    let mut client = cluster.create_knowledge_base("base");
    let expected = vectors(&mut client);
    let helper = helpers(&cluster, 1)[0];
    cluster.signal(helper, "STOP");
    thread::scope(|scope| {
        for session in 0..6 {
            let mut victim = cluster.connect("base");
            scope.spawn(move || {
                let texts: Vec<String> = (0..40).map(|number| text(number + session)).collect();
                assert!(victim.query_one("SELECT sutra_embed($1::text[])::text", &[&texts]).is_err());
            });
        }
        let started = Instant::now();
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%sutra_embed($1::text[])%' AND wait_event = 'Extension' AND pid <> pg_backend_pid()";
        while client.query_one(waiting, &[]).unwrap().get::<_, i64>(0) < 6 {
            assert!(started.elapsed() < PATIENCE, "the sessions do not wait");
            sleep(Duration::from_millis(20));
        }
        client
            .execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%sutra_embed($1::text[])%' AND pid <> pg_backend_pid()", &[])
            .unwrap();
    });
    cluster.signal(helper, "CONT");
    for (number, expected) in expected.iter().enumerate() {
        let vector = embed(&mut client, number).unwrap();
        assert_same(&mut client, &vector, expected);
    }
    assert_eq!(statistic(&mut client, "queue_depth"), 0);
}

#[test]
fn a_role_that_fills_the_queue_does_not_starve_another() {
    let cluster = with_pool(1);
    let mut client = cluster.create_knowledge_base("base");
    vectors(&mut client);
    client
        .batch_execute(
            "CREATE ROLE greedy LOGIN; CREATE ROLE modest LOGIN;
             SELECT sutra.grant_access('greedy'); SELECT sutra.grant_access('modest')",
        )
        .unwrap();
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        for session in 0..10 {
            let (cluster, ended) = (&cluster, &ended);
            scope.spawn(move || {
                let mut client = cluster.connect("base");
                client.batch_execute("SET ROLE greedy; SET sutra.embedding_cache = 0").unwrap();
                let texts: Vec<String> = (0..200).map(|number| text(number + session)).collect();
                while !ended.load(Ordering::Relaxed) {
                    // Cut off in the end: embedding all of them takes minutes.
                    client.batch_execute("SET statement_timeout = '3s'").unwrap();
                    let _ = client.query_one("SELECT cardinality(sutra_embed($1::text[]))", &[&texts]);
                }
            });
        }
        let mut modest = cluster.connect("base");
        modest.batch_execute("SET ROLE modest; SET sutra.embedding_cache = 0").unwrap();
        let started = Instant::now();
        while statistic(&mut client, "queue_depth") < 8 {
            assert!(started.elapsed() < PATIENCE, "the queue does not fill");
            sleep(Duration::from_millis(20));
        }
        let mut waits: Vec<(Duration, i64)> = (0..9)
            .map(|number| {
                let before = statistic(&mut client, "requests");
                let started = Instant::now();
                embed(&mut modest, number).unwrap();
                (started.elapsed(), statistic(&mut client, "requests") - before)
            })
            .collect();
        ended.store(true, Ordering::Relaxed);
        waits.sort_by_key(|(_, requests)| *requests);
        // What ran when it came, what is taken together with it, and a few that end while its answer travels; the queue
        // holds several times as many.
        assert!(waits[4].1 <= 20, "a question waits for the requests of others: {waits:?}");
    });
}

#[test]
fn the_pool_is_back_after_the_server_was_killed_and_after_a_crash_of_a_session() {
    let cluster = with_pool(2);
    let mut client = cluster.create_knowledge_base("base");
    let expected = vectors(&mut client);
    let former = helpers(&cluster, 2);
    cluster.kill();
    let started = Instant::now();
    while former.iter().any(|helper| std::path::Path::new(&format!("/proc/{helper}/exe")).exists()) {
        assert!(started.elapsed() < PATIENCE, "a helper outlives its server");
        sleep(Duration::from_millis(20));
    }
    cluster.start();
    let mut client = cluster.connect("base");
    let vector = embed(&mut client, 3).unwrap();
    assert_same(&mut client, &vector, &expected[3]);
    assert_eq!(statistic(&mut client, "texts"), 1, "the pool did it, and its counters start anew");

    // A backend that is killed makes the server end all processes and recover, with new shared memory.
    let process = process_of(&mut client);
    cluster.kill_process(process as u32);
    let mut client = cluster.recovered("base");
    let vector = embed(&mut client, 4).unwrap();
    assert_same(&mut client, &vector, &expected[4]);
    assert_eq!(statistic(&mut client, "texts"), 1);
    helpers(&cluster, 2);

    // Workers that somebody ends come back, and who asks meanwhile waits.
    let workers = cluster.embedding_workers();
    assert_eq!(workers.len(), 2);
    workers.iter().for_each(|&worker| cluster.signal(worker, "TERM"));
    let vector = embed(&mut client, 5).unwrap();
    assert_same(&mut client, &vector, &expected[5]);
    assert_eq!(statistic(&mut client, "texts"), 2);
    helpers(&cluster, 2);
    assert!(cluster.embedding_workers().iter().all(|worker| !workers.contains(worker)));
}

#[test]
fn a_standby_has_a_pool_of_its_own() {
    let primary = with_pool(1);
    let mut client = primary.create_knowledge_base("base");
    client.batch_execute("SELECT sutra_learn('The market rose on Monday.')").unwrap();
    let expected = vectors(&mut client);
    let standby = primary.replica();
    standby.wait_for(&primary);
    let mut client = standby.connect("base");
    for (number, expected) in expected.iter().enumerate() {
        let vector = embed(&mut client, number).unwrap();
        assert_same(&mut client, &vector, expected);
    }
    assert_eq!(statistic(&mut client, "texts"), TEXTS as i64);
    assert_eq!(client.query_one("SELECT count(*) FROM sutra_search('market')", &[]).unwrap().get::<_, i64>(0), 1);
}

#[test]
fn a_helper_inherits_nothing_and_an_upgrade_starts_none() {
    let cluster = with_pool(1);
    let helper = helpers(&cluster, 1)[0];
    let file = |name: &str| std::fs::read(format!("/proc/{helper}/{name}")).expect("the helper runs");
    assert_eq!(file("environ").split(|&byte| byte == 0).filter(|line| line.starts_with(b"PG")).count(), 0);
    assert!(!String::from_utf8_lossy(&file("environ")).contains("PGDATA"));
    let limits = String::from_utf8(file("limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    for descriptor in std::fs::read_dir(format!("/proc/{helper}/fd")).unwrap() {
        let target = std::fs::read_link(descriptor.unwrap().path()).unwrap().display().to_string();
        let own = ["socket:", "pipe:", "/dev/null"].iter().any(|kind| target.starts_with(kind));
        assert!(own, "a helper has {target} open");
    }
    let maps = String::from_utf8(file("maps")).unwrap();
    assert!(!maps.contains("/dev/zero") && !maps.contains("SYSV"), "no shared memory of the server: {maps}");
    cluster.stop();
    cluster.start_with("-b");
    sleep(Duration::from_millis(500));
    assert_eq!(cluster.embedding_helpers(), [] as [u32; 0], "a binary upgrade has no workers");
}
