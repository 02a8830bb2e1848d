//! ALTER EXTENSION sutra UPDATE: a database of an earlier version ends where a new one starts, with all it has learned.

use postgres::Client;
use postgres::error::SqlState;
use sutra_cluster_tests::load::wholeness;
use sutra_cluster_tests::{Cluster, catalog, sample};

/// Released versions before this one, each with its install script in sql/released.
const RELEASED: [&str; 1] = ["0.1.0"];

fn version(client: &mut Client) -> String {
    client.query_one("SELECT extversion FROM pg_extension WHERE extname = 'sutra'", &[]).expect("one row").get(0)
}

#[test]
fn an_upgraded_database_has_the_catalog_of_a_new_one() {
    let cluster = Cluster::new();
    for schema in ["public", "elsewhere"] {
        let mut new = cluster.create_database(&format!("new_{schema}"));
        new.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {schema}; CREATE EXTENSION sutra SCHEMA {schema}"))
            .unwrap();
        let expected = catalog::objects(&mut new);
        assert!(expected.len() > 1000, "only {} lines describe the extension", expected.len());
        for released in RELEASED {
            let mut old = cluster.create_database(&format!("old_{schema}_{}", released.replace('.', "_")));
            // PostgreSQL looks every symbol of the old script up in the library, so this also says that none is missing.
            old.batch_execute(&format!(
                "CREATE SCHEMA IF NOT EXISTS {schema}; CREATE EXTENSION sutra SCHEMA {schema} VERSION '{released}'"
            ))
            .unwrap_or_else(|error| panic!("{released} cannot be created: {error:?}"));
            assert_eq!(version(&mut old), released);
            old.batch_execute("ALTER EXTENSION sutra UPDATE").unwrap_or_else(|error| panic!("{released}: {error:?}"));
            assert_eq!(version(&mut old), env!("CARGO_PKG_VERSION"));
            let found = catalog::objects(&mut old);
            let missing: Vec<_> = expected.difference(&found).map(String::as_str).collect();
            let surplus: Vec<_> = found.difference(&expected).map(String::as_str).collect();
            assert!(
                missing.is_empty() && surplus.is_empty(),
                "upgraded from {released} in schema {schema}\nmissing:\n{}\nnot in a new database:\n{}",
                missing.join("\n"),
                surplus.join("\n")
            );
        }
    }
}

/// What 0.1.0 itself learned and pg_dump wrote.
fn learned_by_0_1_0() -> String {
    let file = sutra_cluster_tests::project_file("tests/cluster/data/learned-by-0.1.0.sql");
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The answers that 0.1.0 gave to what it had learned.
fn assert_answers(client: &mut Client, what: &str) {
    for (question, key, value) in [
        ("highest temperature of Kew Gardens in July 2024", "value", "25.1"),
        ("AAPL closing price on 2019-01-03", "value", "142.19"),
        ("lowest price of Apple in January 2019", "value", "142"),
    ] {
        let row = client
            .query_one("SELECT kind, answer, (value->>$2)::float8 FROM sutra_ask($1, 1)", &[&question, &key])
            .unwrap_or_else(|error| panic!("{what}: {question}: {error:?}"));
        let (kind, answer, found): (String, String, Option<f64>) = (row.get(0), row.get(1), row.get(2));
        assert_eq!((kind.as_str(), found), ("computed", value.parse().ok()), "{what}: {question}: {answer}");
    }
    let found: Vec<String> = client
        .query("SELECT content FROM sutra_search('which turbines ran without a stop?', 3)", &[])
        .unwrap_or_else(|error| panic!("{what}: {error:?}"))
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert!(found[0].contains("new turbines"), "{what}: {found:?}");
    let row = client
        .query_one(
            "SELECT count(*) FILTER (WHERE kind = 'statement'), count(*) FILTER (WHERE space = 'fund_a'), max(times_learned) FILTER (WHERE kind = 'statement')
             FROM sutra.concept",
            &[],
        )
        .expect("the concepts are there");
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1), row.get::<_, i32>(2)), (8, 2, 2), "{what}");
    assert_eq!(wholeness(client), Vec::<String>::new(), "{what}");
}

fn assert_learns(client: &mut Client, what: &str) {
    sample::learn_all(client, &sample::bars("AAPL", 5)[2..]);
    client
        .batch_execute(
            "SELECT sutra_learn('Station Kew Gardens reported 30 degrees on 2024-07-03.', '{\"entity\": \"Kew Gardens\", \"date\": \"2024-07-03\", \"temperature\": 30}');
             SELECT sutra_forget(id) FROM sutra.concept WHERE content LIKE 'The harbour%'",
        )
        .unwrap_or_else(|error| panic!("{what}: {error:?}"));
    let answer = sample::ask(client, "highest temperature of Kew Gardens in July 2024");
    assert!(answer[0].contains("30"), "{what}: {answer:?}");
    assert_eq!(wholeness(client), Vec::<String>::new(), "{what}, after learning");
}

#[test]
fn what_0_1_0_learned_answers_after_the_update() {
    let cluster = Cluster::new();
    cluster.connect("postgres").batch_execute("CREATE ROLE tenant_a LOGIN").unwrap();
    drop(cluster.create_database("base"));
    let dump = learned_by_0_1_0();
    let old = dump.replace(
        "CREATE EXTENSION IF NOT EXISTS sutra WITH SCHEMA public",
        "CREATE EXTENSION sutra WITH SCHEMA public VERSION '0.1.0'",
    );
    assert_ne!(old, dump, "the dump creates the extension otherwise");
    cluster.restore("base", &old);
    let mut client = cluster.connect("base");
    assert_eq!(version(&mut client), "0.1.0");
    client.batch_execute("ALTER EXTENSION sutra UPDATE").unwrap_or_else(|error| panic!("{error:?}"));
    assert_answers(&mut client, "after the update");
    assert_learns(&mut client, "after the update");
    // In the next dump it is like any other.
    let dump = cluster.dump("base");
    drop(cluster.create_database("again"));
    cluster.restore("again", &dump);
    assert_learns(&mut cluster.connect("again"), "after update and dump");
}

#[test]
fn a_dump_of_0_1_0_restores_into_this_version() {
    let cluster = Cluster::new();
    cluster.connect("postgres").batch_execute("CREATE ROLE tenant_a LOGIN").unwrap();
    drop(cluster.create_database("base"));
    cluster.restore("base", &learned_by_0_1_0());
    let mut client = cluster.connect("base");
    assert_eq!(version(&mut client), env!("CARGO_PKG_VERSION"));
    assert_answers(&mut client, "the dump of 0.1.0");
    assert_learns(&mut client, "the dump of 0.1.0");
}

#[test]
fn there_is_no_way_back_and_an_update_that_fails_changes_nothing() {
    let cluster = Cluster::new();
    let mut client = cluster.create_database("base");
    client.batch_execute("CREATE EXTENSION sutra VERSION '0.1.0'").unwrap();
    let before = catalog::objects(&mut client);
    let mut transaction = client.transaction().unwrap();
    transaction.batch_execute("ALTER EXTENSION sutra UPDATE").unwrap();
    transaction.rollback().unwrap();
    assert_eq!(catalog::objects(&mut client), before);
    client.batch_execute("ALTER EXTENSION sutra UPDATE").unwrap();
    let error = client.batch_execute("ALTER EXTENSION sutra UPDATE TO '0.1.0'").expect_err("there is no script for it");
    assert_eq!(error.code(), Some(&SqlState::INVALID_PARAMETER_VALUE), "{error:?}");
}
