//! Bulk ingestion on real servers: background workers, crashes, roles.

use postgres::Client;
use postgres::error::SqlState;
use postgres::fallible_iterator::FallibleIterator;
use std::time::{Duration, Instant};
use sutra_cluster_tests::Cluster;

const PATIENCE: Duration = Duration::from_secs(180);

fn count(client: &mut Client, query: &str) -> i64 {
    client.query_one(query, &[]).unwrap_or_else(|error| panic!("{query}: {error:?}")).get(0)
}

/// Makes a job of texts that are all different.
fn ingest(client: &mut Client, texts: i32, workers: i32) -> i64 {
    let query = format!("SELECT 'text number ' || n || ' of many' AS content FROM generate_series(1, {texts}) AS n");
    client.query_one("SELECT sutra_ingest($1, workers => $2)", &[&query, &workers]).expect("a job").get(0)
}

fn state(client: &mut Client, job: i64) -> (String, i64, i64) {
    let row = client.query_one("SELECT state, done, failed FROM sutra.jobs WHERE job = $1", &[&job]).expect("the job");
    (row.get(0), row.get(1), row.get(2))
}

fn wait_until(what: &str, mut reached: impl FnMut() -> bool) {
    let started = Instant::now();
    while !reached() {
        assert!(started.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn wait_for(client: &mut Client, job: i64, wanted: &str) {
    wait_until(&format!("job {job} is never {wanted}"), || state(client, job).0 == wanted);
}

/// Every text was learned once, and nothing waits.
fn assert_learned_once(client: &mut Client, texts: i64) {
    assert_eq!(count(client, "SELECT count(*) FROM sutra.concept WHERE kind = 'statement'"), texts);
    assert_eq!(count(client, "SELECT coalesce(max(times_learned), 0)::int8 FROM sutra.concept"), 1, "learned twice");
    assert_eq!(count(client, "SELECT count(*) FROM sutra.inbox"), 0);
}

#[test]
fn a_background_worker_learns_after_the_commit_and_says_when_it_has_ended() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    client.batch_execute("LISTEN sutra_job").unwrap();
    let mut other = cluster.connect("base");
    let mut transaction = other.transaction().unwrap();
    let job: i64 = transaction.query_one("SELECT sutra_ingest('SELECT ''a text'' AS content')", &[]).unwrap().get(0);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(count(&mut client, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'sutra job worker'"), 0);
    transaction.commit().unwrap();
    let heard = client.notifications().timeout_iter(PATIENCE).next().expect("no error").expect("a notification");
    assert_eq!(heard.channel(), "sutra_job");
    assert!(heard.payload().contains(&format!("\"job\" : {job}")), "{}", heard.payload());
    assert!(heard.payload().contains("\"state\" : \"done\""), "{}", heard.payload());
    assert_learned_once(&mut client, 1);

    // One that is rolled back, whole or to a savepoint, starts nothing.
    other.batch_execute("BEGIN; SELECT sutra_ingest('SELECT ''never'' AS content'); ROLLBACK").unwrap();
    other
        .batch_execute("BEGIN; SAVEPOINT s; SELECT sutra_ingest('SELECT ''never'' AS content'); ROLLBACK TO s; COMMIT")
        .unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert_learned_once(&mut client, 1);
}

#[test]
fn kill_9_in_the_middle_loses_nothing_and_learns_nothing_twice() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    let texts = 700;
    let job = ingest(&mut client, texts, 2);
    wait_until("no batch ends", || state(&mut client, job).1 > 0);
    drop(client);
    cluster.kill();
    cluster.start();
    let mut client = cluster.connect("base");
    let (after, done, _) = state(&mut client, job);
    assert_eq!(after, "running");
    assert!(done > 0 && done < texts.into(), "{done}: the crash was not in the middle");
    assert_eq!(count(&mut client, "SELECT count(*) FROM sutra.concept WHERE kind = 'statement'"), done);
    assert_eq!(count(&mut client, "SELECT count(*) FROM sutra.inbox"), i64::from(texts) - done);
    assert_eq!(count(&mut client, "SELECT working FROM sutra.jobs"), 0);

    // Without preload it goes on when it is told to; a second crash, of a worker alone, ends the server's sessions only.
    assert!(client.query_one("SELECT sutra_resume_job($1)", &[&job]).unwrap().get::<_, bool>(0));
    let before = done;
    wait_until("no batch ends", || state(&mut client, job).1 > before);
    let worker = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'sutra job worker' LIMIT 1";
    let pid: i32 = client.query_one(worker, &[]).expect("a worker").get(0);
    cluster.signal(pid as u32, "KILL");
    // A new session may still be let in before the server notices.
    wait_until("the server does not notice", || client.simple_query("SELECT 1").is_err());
    wait_until("the server does not recover", || cluster.try_connect("base").is_ok());
    let mut client = cluster.connect("base");
    client.batch_execute(&format!("CALL sutra_run_job({job})")).expect("it is run to its end in place");
    assert_eq!(state(&mut client, job), ("done".to_owned(), texts.into(), 0));
    assert_learned_once(&mut client, texts.into());
}

#[test]
fn a_preloaded_server_goes_on_by_itself_after_a_crash_but_not_in_a_restored_copy() {
    let cluster = Cluster::with_settings("shared_preload_libraries = 'sutra'\n");
    let mut client = cluster.create_knowledge_base("base");
    let job = ingest(&mut client, 500, 1);
    wait_until("no batch ends", || state(&mut client, job).1 > 0);
    cluster.kill();
    cluster.start();
    let mut client = cluster.connect("base");
    wait_for(&mut client, job, "done");
    assert_learned_once(&mut client, 500);

    // A dump of a database with a job that waits, loaded beside it: nothing starts, until somebody says so.
    client.batch_execute("BEGIN").unwrap();
    let waiting = ingest(&mut client, 501, 1);
    client.query_one("SELECT sutra_pause_job($1)", &[&waiting]).unwrap();
    client.batch_execute("COMMIT; INSERT INTO sutra.inbox (content) VALUES ('nobody''s yet')").unwrap();
    let dump = cluster.dump("base");
    drop(cluster.create_database("copy"));
    cluster.restore("copy", &dump);
    // As if it had run when the dump was made. Not in the first database, where a worker may be on its way since the commit.
    cluster.connect("copy").execute("UPDATE sutra.job SET state = 'running' WHERE id = $1", &[&waiting]).unwrap();
    cluster.restart();
    let mut copy = cluster.connect("copy");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(state(&mut copy, waiting), ("running".to_owned(), 0, 0));
    assert_eq!(count(&mut copy, "SELECT count(*) FROM sutra.inbox WHERE job IS NULL"), 1);
    assert!(copy.query_one("SELECT sutra_resume_job($1)", &[&waiting]).unwrap().get::<_, bool>(0));
    wait_for(&mut copy, waiting, "done");
    assert_eq!(count(&mut copy, "SELECT count(*) FROM sutra.concept WHERE kind = 'statement'"), 501);
}

#[test]
fn a_job_is_paused_resumed_and_cancelled_while_it_runs() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    let job = ingest(&mut client, 1200, 1);
    wait_until("no batch ends", || state(&mut client, job).1 > 0);
    let call = |client: &mut Client, name: &str| -> bool {
        client.query_one(&format!("SELECT {name}($1)"), &[&job]).expect(name).get(0)
    };
    assert!(!call(&mut client, "sutra_resume_job"), "it has its worker");
    assert!(call(&mut client, "sutra_pause_job"));
    wait_until("the worker does not end", || count(&mut client, "SELECT working FROM sutra.jobs") == 0);
    let (paused, done, _) = state(&mut client, job);
    assert_eq!(paused, "paused");
    assert!(done < 1200, "it was paused too late to test anything");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(state(&mut client, job), ("paused".to_owned(), done, 0));
    assert!(call(&mut client, "sutra_resume_job"));
    wait_until("it does not go on", || state(&mut client, job).1 > done);
    assert!(call(&mut client, "sutra_cancel_job"));
    wait_until("the worker does not end", || count(&mut client, "SELECT working FROM sutra.jobs") == 0);
    let (cancelled, done, failed) = state(&mut client, job);
    assert_eq!((cancelled.as_str(), failed), ("cancelled", 0));
    assert!(done < 1200, "it was cancelled too late to test anything");
    assert_learned_once(&mut client, done);
}

#[test]
fn a_job_waits_when_no_worker_is_free_and_says_what_to_do() {
    let cluster = Cluster::with_settings("max_worker_processes = 0\n");
    let mut client = cluster.create_knowledge_base("base");
    let job = ingest(&mut client, 3, 1);
    assert_eq!(state(&mut client, job).0, "waiting");
    let log = cluster.log_text();
    assert!(log.contains("no background worker is free"), "{log}");
    assert!(log.contains(&format!("CALL sutra_run_job({job})")), "{log}");
    client.batch_execute(&format!("CALL sutra_run_job({job})")).unwrap();
    assert_learned_once(&mut client, 3);
}

#[test]
fn rows_put_back_while_a_worker_ends_the_job_are_learned() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    let source = "SELECT 'a text' AS content, '[1]'::jsonb AS metadata";
    let job: i64 = client.query_one("SELECT sutra_ingest($1)", &[&source]).unwrap().get(0);
    wait_for(&mut client, job, "done");
    assert_eq!(count(&mut client, "SELECT count(*) FROM sutra.job_error"), 1);
    // A worker that has found nothing left to do and has not ended the job yet.
    client.batch_execute(&format!("UPDATE sutra.job SET state = 'running' WHERE id = {job}")).unwrap();
    let mut transaction = client.transaction().unwrap();
    assert_eq!(transaction.query_one("SELECT sutra_retry_job($1)", &[&job]).unwrap().get::<_, i64>(0), 1);
    let ender = std::thread::spawn({
        let mut ender = cluster.connect("base");
        move || ender.batch_execute(&format!("CALL sutra_run_job({job})"))
    });
    wait_until("nobody waits for the row of the job", || {
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
        transaction.query_one(waiting, &[]).unwrap().get::<_, i64>(0) > 0
    });
    transaction.commit().unwrap();
    ender.join().unwrap().unwrap();
    assert_eq!(count(&mut client, "SELECT count(*) FROM sutra.inbox"), 0, "a job has ended before its rows");
    assert_eq!(count(&mut client, "SELECT count(*) FROM sutra.job_error"), 1);
    assert_eq!(state(&mut client, job), ("done".to_owned(), 0, 1));
}

#[test]
fn what_stops_the_whole_batch_pauses_the_job_with_the_reason() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    // The role's sessions, workers too, look for models where there are none.
    client
        .batch_execute(
            "CREATE ROLE teller LOGIN SUPERUSER; ALTER ROLE teller SET sutra.runtime_library = '/nowhere/lib.so'",
        )
        .unwrap();
    client.batch_execute("SET ROLE teller").unwrap();
    let job = ingest(&mut client, 3, 1);
    wait_for(&mut client, job, "paused");
    let problem: String = client.query_one("SELECT problem FROM sutra.jobs", &[]).unwrap().get(0);
    assert!(problem.starts_with("58P01"), "{problem}");
    assert_eq!(count(&mut client, "SELECT count(*) FROM sutra.job_error"), 0, "the rows are not at fault");
    client.batch_execute("RESET ROLE; ALTER ROLE teller RESET sutra.runtime_library").unwrap();
    assert!(client.query_one("SELECT sutra_resume_job($1)", &[&job]).unwrap().get::<_, bool>(0));
    wait_for(&mut client, job, "done");
    assert_learned_once(&mut client, 3);
}

#[test]
fn rows_are_learned_with_the_rights_of_the_role_that_put_them_in() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    client
        .batch_execute(
            "SELECT sutra.make_vector_table('all-MiniLM-L6-v2');
             CREATE ROLE loader LOGIN; CREATE ROLE runner LOGIN; CREATE ROLE learning;
             GRANT learning TO loader, runner;
             GRANT INSERT (content, metadata, space) ON sutra.inbox TO learning;
             GRANT SELECT, INSERT, UPDATE, DELETE ON sutra.concept, sutra.association, sutra.observation, sutra.alias TO learning;
             GRANT SELECT ON sutra.metric, sutra.metadata_role, sutra.job, sutra.jobs TO learning;
             GRANT EXECUTE ON FUNCTION sutra_learn_batch(text[], jsonb[], embedding[]) TO learning;
             GRANT EXECUTE ON FUNCTION sutra_ingest(text, text, integer) TO runner;
             GRANT EXECUTE ON PROCEDURE sutra_run_job(bigint) TO runner;
             SELECT sutra.make_vector_table('all-MiniLM-L6-v2');
             INSERT INTO sutra.space_role (space, role_name, may_read, may_learn) VALUES ('books', 'loader', true, true);
             INSERT INTO sutra.space_role (space, role_name, may_read, may_learn) VALUES ('notes', 'runner', true, true)",
        )
        .unwrap();
    let mut loader = cluster.connect_as("base", "loader");
    let mut runner = cluster.connect_as("base", "runner");
    let rows =
        "INSERT INTO sutra.inbox (content, space) VALUES ('of mine in books', 'books'), ('of mine in notes', 'notes')";
    loader.batch_execute(&rows.replace("mine", "loader")).unwrap();
    runner.batch_execute(&rows.replace("mine", "runner")).unwrap();
    let refused = loader.batch_execute("SELECT sutra_ingest()").expect_err("it may not");
    assert_eq!(refused.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    // The runner's job has the runner's rows only; the superuser's all, each with the rights of its role.
    let mine: i64 = runner.query_one("SELECT sutra_ingest()", &[]).unwrap().get(0);
    wait_for(&mut client, mine, "done");
    let all: i64 = client.query_one("SELECT sutra_ingest()", &[]).unwrap().get(0);
    wait_for(&mut client, all, "done");
    let learned: Vec<String> = client
        .query("SELECT space || ': ' || content FROM sutra.concept WHERE kind = 'statement' ORDER BY 1", &[])
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(learned, ["books: of loader in books", "notes: of runner in notes"]);
    let parked: Vec<String> = client
        .query("SELECT job || ' ' || sqlstate || ' ' || content FROM sutra.job_error ORDER BY 1", &[])
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(parked, [format!("{mine} 42501 of runner in books"), format!("{all} 42501 of loader in notes")]);
}

#[test]
fn a_job_ends_with_its_series_linked_whoever_learned_beside_it() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    let bar = |ticker: &str, day: &str| {
        format!(
            "'{ticker} closed on day ' || {day}, jsonb_build_object('ticker', '{ticker}', 'date', date '2019-01-01' + {day}, 'price_close', {day})"
        )
    };
    // Known, so that nobody waits for the session that learns beside the job.
    client.batch_execute(&format!("SELECT sutra_learn({})", bar("ABC", "0"))).unwrap();
    let mut beside = cluster.connect("base");
    beside.batch_execute(&format!("BEGIN; SELECT sutra_learn({})", bar("ABC", "100"))).unwrap();
    let source = format!(
        "SELECT content, metadata FROM generate_series(1, 400) AS day (day),
            LATERAL (VALUES ({}), ({})) AS bar (content, metadata) WHERE day <> 100",
        bar("ABC", "day"),
        bar("XYZ", "day")
    );
    let job: i64 = client.query_one("SELECT sutra_ingest($1, workers => 3)", &[&source]).expect("a job").get(0);
    // The batches with the days around the hundredth.
    wait_until("no batch ends", || state(&mut client, job).1 >= 384);
    assert_eq!(state(&mut client, job).0, "running", "the session beside it must commit before the end");
    beside.batch_execute("COMMIT").unwrap();
    wait_for(&mut client, job, "done");
    let off = count(&mut client, "SELECT count(*) FROM sutra.job WHERE rate NOT BETWEEN 1 AND 5000");
    assert_eq!(off, 0, "its rate is not that of a few hundred rows in a few seconds");
    assert_eq!(count(&mut client, "SELECT count(*) FROM sutra.association WHERE relation = 'next'"), 400 + 398);
    assert_eq!(count(&mut client, "SELECT count(*) FROM sutra.job_series"), 0);
    assert_eq!(count(&mut client, "SELECT sutra.link_series()"), 0, "edges were missing or wrong");

    // What a cancelled job has learned is linked as well.
    let more = source.replace("2019-01-01", "2021-01-01").replace("closed on day", "closed later, on day");
    let job: i64 = client.query_one("SELECT sutra_ingest($1, workers => 3)", &[&more]).expect("a job").get(0);
    wait_until("no batch ends", || state(&mut client, job).1 > 0);
    assert!(client.query_one("SELECT sutra_cancel_job($1)", &[&job]).unwrap().get::<_, bool>(0));
    wait_until("the workers do not end", || {
        count(&mut client, "SELECT working FROM sutra.jobs WHERE state = 'cancelled'") == 0
    });
    assert_eq!(count(&mut client, "SELECT count(*) FROM sutra.job_series"), 0);
    assert_eq!(count(&mut client, "SELECT sutra.link_series()"), 0, "edges were missing or wrong");
}
