//! CREATE EXTENSION and DROP EXTENSION, as a DBA meets them.

use postgres::error::SqlState;
use sutra_cluster_tests::load::wholeness;
use sutra_cluster_tests::{Cluster, sample};

/// What a database holds beside the system's own objects.
const LEFT_OVER: &str = "SELECT (SELECT count(*) FROM pg_class WHERE oid >= 16384)
    + (SELECT count(*) FROM pg_proc WHERE oid >= 16384) + (SELECT count(*) FROM pg_type WHERE oid >= 16384)
    + (SELECT count(*) FROM pg_operator WHERE oid >= 16384) + (SELECT count(*) FROM pg_am WHERE oid >= 16384)
    + (SELECT count(*) FROM pg_namespace WHERE oid >= 16384) + (SELECT count(*) FROM pg_cast WHERE oid >= 16384)
    + (SELECT count(*) FROM pg_opclass WHERE oid >= 16384) + (SELECT count(*) FROM pg_opfamily WHERE oid >= 16384)";

#[test]
fn the_extension_is_created_and_dropped_without_a_trace() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    let version: String =
        client.query_one("SELECT extversion FROM pg_extension WHERE extname = 'sutra'", &[]).expect("one row").get(0);
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    client.batch_execute("DROP EXTENSION sutra").expect("nothing is learned, so nothing refuses");
    assert_eq!(client.query_one(LEFT_OVER, &[]).expect("a count").get::<_, i64>(0), 0);
    client.batch_execute("CREATE EXTENSION sutra").expect("it can be created again");
}

#[test]
fn drop_extension_refuses_while_something_is_learned() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    sample::learn_all(&mut client, &sample::bars("AAPL", 2));
    let error = client.batch_execute("DROP EXTENSION sutra").expect_err("it refuses");
    assert_eq!(error.code(), Some(&SqlState::DEPENDENT_OBJECTS_STILL_EXIST), "{error:?}");
    assert!(!sample::ask(&mut client, "AAPL closing price 2019-01-02").is_empty());
    client.batch_execute("DROP EXTENSION sutra CASCADE").expect("who says CASCADE means it");
    assert_eq!(client.query_one(LEFT_OVER, &[]).expect("a count").get::<_, i64>(0), 0);
}

#[test]
fn the_extension_works_in_a_schema_that_is_not_on_the_search_path() {
    let cluster = Cluster::new();
    let mut client = cluster.create_database("base");
    client
        .batch_execute("CREATE SCHEMA elsewhere; CREATE EXTENSION sutra SCHEMA elsewhere")
        .expect("it can be created");
    client.batch_execute("SET search_path = pg_catalog").expect("a setting");
    for bar in sample::bars("AAPL", 5) {
        let [open, high, low, close, volume] = &bar.numbers;
        client
            .execute(
                "SELECT elsewhere.sutra_learn_ohlcv($1, $2, $3::text::date, $4, $5, $6, $7, $8)",
                &[&bar.company, &bar.ticker, &bar.day, open, high, low, close, volume],
            )
            .unwrap_or_else(|error| panic!("{bar:?}: {error:?}"));
    }
    let row = client
        .query_one(
            "SELECT kind, (value->>'value')::float8 FROM elsewhere.sutra_ask($1) WHERE rank = 1",
            &[&"AAPL closing price 2019-01-03"],
        )
        .expect("it answers");
    assert_eq!((row.get::<_, String>(0), row.get::<_, Option<f64>>(1)), ("computed".to_owned(), Some(142.19)));
}

#[test]
fn names_of_another_schema_do_not_get_in_the_way() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    // What a user who may create objects could put first on the search path.
    client
        .batch_execute(
            "CREATE SCHEMA trap;
             CREATE FUNCTION trap.fail() RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE 'trapped'; END$$;
             CREATE FUNCTION trap.equal(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT trap.fail()';
             CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.equal);
             CREATE FUNCTION trap.lower(text) RETURNS text LANGUAGE sql AS 'SELECT trap.fail()::text';
             CREATE FUNCTION trap.count(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT trap.fail()::int::bigint';
             CREATE TABLE trap.concept (id int);
             CREATE DOMAIN trap.text AS pg_catalog.text CHECK (trap.fail());
             SET search_path = trap, public, pg_catalog",
        )
        .expect("the traps are set");
    for bar in sample::bars("AAPL", 3) {
        let [open, high, low, close, volume] = &bar.numbers;
        client
            .execute(
                "SELECT public.sutra_learn_ohlcv($1, $2, ($3::pg_catalog.text)::pg_catalog.date, $4, $5, $6, $7, $8)",
                &[&bar.company, &bar.ticker, &bar.day, open, high, low, close, volume],
            )
            .unwrap_or_else(|error| panic!("{bar:?}: {error:?}"));
    }
    let row = client
        .query_one("SELECT kind FROM public.sutra_ask('AAPL trend') WHERE rank OPERATOR(pg_catalog.=) 1", &[])
        .expect("it answers");
    assert_eq!(row.get::<_, String>(0), "computed");
}

#[test]
fn a_schema_named_sutra_is_refused_with_what_to_do() {
    let cluster = Cluster::new();
    let mut client = cluster.create_database("base");
    client.batch_execute("CREATE SCHEMA sutra").expect("a schema");
    for statement in ["CREATE EXTENSION sutra", "CREATE EXTENSION sutra SCHEMA sutra"] {
        let error = client.batch_execute(statement).expect_err("the schema is not the extension's");
        let server = error.as_db_error().unwrap_or_else(|| panic!("{error:?}"));
        assert!(
            [SqlState::DUPLICATE_SCHEMA, SqlState::INVALID_SCHEMA_NAME].contains(server.code()),
            "{statement}: {server:?}"
        );
        assert!(server.hint().is_some() && server.detail().is_some(), "{statement}: {server:?}");
    }
    client.batch_execute("DROP SCHEMA sutra; CREATE EXTENSION sutra").expect("without it the extension can be created");
}

#[test]
fn the_extension_stays_in_its_schema() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    sample::learn_all(&mut client, &sample::bars("AAPL", 2));
    let before = sample::ask(&mut client, "AAPL closing price 2019-01-02");
    client.batch_execute("CREATE SCHEMA elsewhere").expect("a schema");
    let error = client.batch_execute("ALTER EXTENSION sutra SET SCHEMA elsewhere").expect_err("it refuses");
    assert_eq!(error.code(), Some(&SqlState::FEATURE_NOT_SUPPORTED), "{error:?}");
    assert_eq!(sample::ask(&mut client, "AAPL closing price 2019-01-02"), before);
}

#[test]
fn databases_of_one_cluster_know_nothing_of_each_other_and_copies_start_alike() {
    let cluster = Cluster::new();
    let mut one = cluster.create_knowledge_base("one");
    let mut two = cluster.create_knowledge_base("two");
    sample::learn_all(&mut one, &sample::bars("AAPL", 4));
    sample::learn_all(&mut two, &sample::bars("MSFT", 4));
    let kinds = |client: &mut postgres::Client, question: &str| -> String {
        client.query_one("SELECT kind FROM sutra_ask($1, 1)", &[&question]).expect("it answers").get(0)
    };
    assert_eq!(
        (kinds(&mut one, "AAPL trend"), kinds(&mut one, "MSFT trend")),
        ("computed".into(), "abstention".into())
    );
    assert_eq!(
        (kinds(&mut two, "MSFT trend"), kinds(&mut two, "AAPL trend")),
        ("computed".into(), "abstention".into())
    );

    // A copy of a database, and a template that comes with the extension.
    let answer = sample::ask(&mut one, "AAPL trend");
    drop(one);
    let mut admin = cluster.connect("postgres");
    for strategy in ["wal_log", "file_copy"] {
        admin
            .batch_execute(&format!("CREATE DATABASE copy_{strategy} TEMPLATE one STRATEGY {strategy}"))
            .expect("a copy");
        let mut copy = cluster.connect(&format!("copy_{strategy}"));
        assert_eq!(sample::ask(&mut copy, "AAPL trend"), answer);
        assert_eq!(wholeness(&mut copy), Vec::<String>::new());
        sample::learn_all(&mut copy, &sample::bars("AAPL", 5)[4..]);
    }
    assert_eq!(sample::ask(&mut cluster.connect("one"), "AAPL trend"), answer, "a copy is a copy");
    let mut template = cluster.connect("template1");
    template.batch_execute("CREATE EXTENSION sutra").expect("in a template too");
    drop(template);
    let mut fresh = cluster.create_database("fresh");
    sample::learn_all(&mut fresh, &sample::bars("AAPL", 4));
    assert_eq!(sample::ask(&mut fresh, "AAPL trend"), answer);
    assert_eq!(kinds(&mut two, "AAPL trend"), "abstention");
}

#[test]
fn drop_owned_and_drop_database_leave_the_others_alone() {
    let cluster = Cluster::new();
    let mut one = cluster.create_knowledge_base("one");
    let two = cluster.create_knowledge_base("two");
    one.batch_execute(
        "CREATE ROLE tenant LOGIN; GRANT SELECT ON sutra.concept TO tenant; GRANT EXECUTE ON FUNCTION sutra_ask(text, integer, jsonb, real) TO tenant;
         INSERT INTO sutra.space_role (space, role_name) VALUES ('fund', 'tenant')",
    )
    .expect("grants");
    sample::learn_all(&mut one, &sample::bars("AAPL", 3));
    one.batch_execute("DROP OWNED BY tenant; DROP ROLE tenant").expect("a role goes with what it was granted");
    assert!(sample::ask(&mut one, "AAPL trend")[0].contains("AAPL"));
    drop(two);
    cluster.connect("postgres").batch_execute("DROP DATABASE two").expect("a database goes");
    assert!(sample::ask(&mut one, "AAPL trend")[0].contains("AAPL"));
}
