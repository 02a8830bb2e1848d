//! What was learned and committed is there after a restart, a crash, a dump and on a replica, and answers the same.

use postgres::Client;
use sutra_cluster_tests::sample::{self, Bar};
use sutra_cluster_tests::{Cluster, vector_table};

/// A computed answer of each kind, and an abstention.
const QUESTIONS: [&str; 6] = [
    "AAPL trend",
    "What was the closing price of MSFT on 2019-01-09?",
    "What is the latest price of Apple?",
    "highest price of AAPL in January 2019",
    "lowest price of Microsoft in January 2019",
    "Volkswagen closing price on 2019-01-09",
];

fn sample_bars() -> Vec<Bar> {
    [sample::bars("AAPL", 20), sample::bars("MSFT", 20)].concat()
}

/// A cluster that has learned forty bars.
fn learned() -> (Cluster, Client) {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    sample::learn_all(&mut client, &sample_bars());
    (cluster, client)
}

fn answers(client: &mut Client) -> Vec<Vec<String>> {
    QUESTIONS.iter().map(|question| sample::ask(client, question)).collect()
}

/// The number in the first row of an answer, or none for an abstention.
fn value(client: &mut Client, question: &str, key: &str) -> Option<f64> {
    let row = client
        .query_one("SELECT kind, (value->>$2)::float8 FROM sutra_ask($1) ORDER BY rank LIMIT 1", &[&question, &key])
        .unwrap_or_else(|error| panic!("{question:?}: {error:?}"));
    (row.get::<_, &str>(0) == "computed").then(|| row.get::<_, Option<f64>>(1)).flatten()
}

/// The answers are the numbers of the sample, so that equal answers below are equal and right.
fn assert_right(client: &mut Client) {
    let apple = sample::bars("AAPL", 20);
    let microsoft = sample::bars("MSFT", 20);
    let close = |found: Option<f64>, expected: f64, what: &str| {
        let found = found.unwrap_or_else(|| panic!("{what}: no computed answer"));
        assert!((found - expected).abs() <= 0.005 * expected.abs().max(1.0), "{what}: {found}, expected {expected}");
    };
    let (first, last) = (apple[0].close(), apple[19].close());
    close(value(client, QUESTIONS[0], "change_percent"), (last - first) / first * 100.0, QUESTIONS[0]);
    let on_day = microsoft.iter().find(|bar| bar.day == "2019-01-09").expect("a trading day").close();
    close(value(client, QUESTIONS[1], "value"), on_day, QUESTIONS[1]);
    close(value(client, QUESTIONS[2], "value"), last, QUESTIONS[2]);
    assert_eq!(value(client, QUESTIONS[5], "value"), None, "a company that was never learned");
}

#[test]
fn answers_are_the_same_after_a_restart() {
    let (cluster, mut client) = learned();
    assert_right(&mut client);
    let before = answers(&mut client);
    drop(client);
    cluster.restart();
    assert_eq!(answers(&mut cluster.connect("base")), before);
}

#[test]
fn a_commit_survives_kill_9_that_follows_it_at_once() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    sample::learn_all(&mut client, &sample_bars());
    cluster.kill();
    cluster.start();
    let mut client = cluster.connect("base");
    assert_right(&mut client);
    let after = answers(&mut client);

    // A cluster that was never killed says the same.
    let (_other, mut client) = learned();
    assert_eq!(answers(&mut client), after);
}

#[test]
fn a_transaction_that_was_not_committed_leaves_nothing_after_kill_9() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    let bars = sample_bars();
    sample::learn_all(&mut client, &bars[..5]);
    let mut transaction = client.transaction().expect("a transaction begins");
    for bar in &bars[5..10] {
        sample::learn(&mut transaction, bar).expect("the bar is learned");
    }
    cluster.kill();
    cluster.start();
    let mut client = cluster.connect("base");
    assert_eq!(counts(&mut client), (5, 5, 5));
}

/// Statements, statements with a vector, and days of prices.
fn counts(client: &mut Client) -> (i64, i64, i64) {
    let table = vector_table(client);
    let query = format!(
        "SELECT (SELECT count(*) FROM sutra.concept WHERE kind = 'statement'),
                (SELECT count(*) FROM {table} AS v JOIN sutra.concept AS c ON c.space = v.space AND c.id = v.concept
                  WHERE c.kind = 'statement'),
                (SELECT count(*) FROM sutra.ohlcv)"
    );
    let row = client.query_one(&query, &[]).expect("the tables can be counted");
    (row.get(0), row.get(1), row.get(2))
}

/// Every vector finds itself through the index.
fn assert_index_complete(client: &mut Client) {
    let table = vector_table(client);
    client
        .batch_execute("SET enable_seqscan = off; SET enable_sort = off; SET sutra.ef_search = 200")
        .expect("the planner can be steered");
    let missing: i64 = client
        .query_one(
            &format!(
                "SELECT count(*) FROM {table} AS v
                  WHERE v.concept NOT IN (SELECT n.concept FROM {table} AS n ORDER BY n.embedding <=> v.embedding LIMIT 10)"
            ),
            &[],
        )
        .expect("the index answers")
        .get(0);
    assert_eq!(missing, 0, "vectors that the index does not find");
}

#[test]
fn a_dump_restored_into_a_new_database_answers_the_same() {
    let (cluster, mut client) = learned();
    let before = answers(&mut client);
    let count = counts(&mut client);
    let dump = cluster.dump("base");
    drop(cluster.create_database("restored"));
    cluster.restore("restored", &dump);
    let mut client = cluster.connect("restored");
    assert_eq!(answers(&mut client), before);
    assert_eq!(counts(&mut client), count);
    assert_index_complete(&mut client);

    // The copy is alive: it learns, and knows what it has learned before.
    let bars = sample::bars("AAPL", 21);
    sample::learn_all(&mut client, &bars[19..]);
    assert_eq!(counts(&mut client).0, count.0 + 1);
}

#[test]
fn a_streaming_replica_answers_the_same_and_takes_over() {
    let (primary, mut client) = learned();
    let before = answers(&mut client);
    let replica = primary.replica();
    replica.wait_for(&primary);
    let mut standby = replica.connect("base");
    assert_eq!(answers(&mut standby), before);
    let refused = sample::learn(&mut standby, &sample::bars("AAPL", 1)[0]).expect_err("a standby is read only");
    assert_eq!(refused.code(), Some(&postgres::error::SqlState::READ_ONLY_SQL_TRANSACTION), "{refused:?}");

    // What is learned while the replica follows arrives, index and all.
    let bars = sample::bars("AAPL", 40);
    sample::learn_all(&mut client, &bars[20..]);
    let after = answers(&mut client);
    assert_ne!(after, before);
    replica.wait_for(&primary);
    assert_eq!(answers(&mut standby), after);
    assert_index_complete(&mut standby);

    primary.kill();
    replica.promote();
    assert_eq!(answers(&mut standby), after);
    sample::learn_all(&mut standby, &sample::bars("XOM", 2));
    assert_eq!(counts(&mut standby).0, 62);
}
