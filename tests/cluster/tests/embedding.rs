//! Embedding in a server with several sessions: ends, cancels, first use at once, a standby, unreadable files.

use postgres::error::SqlState;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};
use sutra_cluster_tests::Cluster;

/// Embeds for minutes unless something ends it.
const LONG: &str = "SELECT cardinality(sutra_embed(array(
    SELECT 'text number ' || n || repeat(' of many that are embedded', n % 40) FROM generate_series(1, 20000) AS n)))";

const SHORT: &str = "SELECT vector_dims(sutra_embed('one question'))";

#[test]
fn a_session_that_is_ended_while_it_embeds_takes_no_other_with_it() {
    let cluster = Cluster::new();
    let mut witness = cluster.create_knowledge_base("base");
    let started: String =
        witness.query_one("SELECT pg_postmaster_start_time()::text || pg_backend_pid()", &[]).unwrap().get(0);
    for threads in [1, 2, 3] {
        let mut victim = cluster.connect("base");
        victim.batch_execute(&format!("SET sutra.embedding_threads = {threads}; {SHORT}")).unwrap();
        let pid: i32 = victim.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
        let running = std::thread::spawn(move || victim.query_one(LONG, &[]).map(|_| ()));
        std::thread::sleep(Duration::from_millis(700));
        witness.query_one("SELECT pg_terminate_backend($1, 20000)", &[&pid]).unwrap();
        assert!(running.join().unwrap().is_err(), "{threads} threads");
        let now: String =
            witness.query_one("SELECT pg_postmaster_start_time()::text || pg_backend_pid()", &[]).unwrap().get(0);
        assert_eq!(started, now, "{threads} threads: {}", cluster.log_text());
    }
}

#[test]
fn a_timeout_ends_embedding_soon_and_the_session_goes_on() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    client.batch_execute(SHORT).unwrap();
    let start = Instant::now();
    client.batch_execute("SET statement_timeout = '300ms'").unwrap();
    let error = client.query_one(LONG, &[]).expect_err("it takes minutes");
    assert_eq!(error.code(), Some(&SqlState::QUERY_CANCELED), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    client.batch_execute("RESET statement_timeout").unwrap();
    assert_eq!(client.query_one(SHORT, &[]).unwrap().get::<_, i32>(0), 384);
}

#[test]
fn sessions_that_use_a_model_first_at_once_make_one_table() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    let sessions: Vec<_> = (0..4)
        .map(|_| {
            let mut session = cluster.connect("base");
            std::thread::spawn(move || {
                session
                    .query_one("SELECT sutra.make_vector_table('all-MiniLM-L6-v2')", &[])
                    .unwrap()
                    .get::<_, String>(0)
            })
        })
        .collect();
    for session in sessions {
        assert_eq!(session.join().unwrap(), "sutra.vector_all_minilm_l6_v2");
    }
    assert_eq!(client.query_one("SELECT count(*) FROM sutra.model", &[]).unwrap().get::<_, i64>(0), 1);
}

#[test]
fn a_standby_embeds_as_its_primary_does() {
    let primary = Cluster::new();
    let mut client = primary.create_knowledge_base("base");
    client.batch_execute("SELECT sutra.make_vector_table('all-MiniLM-L6-v2')").unwrap();
    let standby = primary.replica();
    standby.wait_for(&primary);
    let vector = "SELECT sutra_embed('What was the closing price?')::text";
    let expected: String = client.query_one(vector, &[]).unwrap().get(0);
    assert_eq!(standby.connect("base").query_one(vector, &[]).unwrap().get::<_, String>(0), expected);
}

#[test]
fn files_that_the_server_may_not_read_are_named() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    // Beside the cluster's data, where the server's account can look; the files are this account's.
    let models = cluster.socket().join("models");
    let folder = models.join("all-MiniLM-L6-v2");
    std::fs::create_dir_all(&folder).unwrap();
    let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(&models, 0o755);
    mode(&folder, 0o755);
    client.batch_execute(&format!("SET sutra.model_folder = '{}'", models.display())).unwrap();
    let refusal = |client: &mut postgres::Client| {
        let error = client.query_one(SHORT, &[]).expect_err("it cannot be read");
        let error = error.as_db_error().expect("the server says so");
        (error.code().clone(), error.message().to_owned())
    };

    let manifest = folder.join("manifest.json");
    let (code, message) = refusal(&mut client);
    assert_eq!((code, message.contains("manifest.json")), (SqlState::UNDEFINED_FILE, true), "{message}");
    std::fs::write(&manifest, "{}").unwrap();
    mode(&manifest, 0o644);
    let (code, message) = refusal(&mut client);
    assert_eq!((code, message.contains("missing field")), (SqlState::CONFIG_FILE_ERROR, true), "{message}");
    mode(&manifest, 0o000);
    // The server never runs as root, whom no mode would keep out.
    let (code, message) = refusal(&mut client);
    assert_eq!((code, message.contains("Permission denied")), (SqlState::INSUFFICIENT_PRIVILEGE, true), "{message}");
    client.batch_execute("RESET sutra.model_folder").unwrap();
    assert_eq!(client.query_one(SHORT, &[]).unwrap().get::<_, i32>(0), 384);
}
