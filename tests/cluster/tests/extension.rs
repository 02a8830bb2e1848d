//! CREATE EXTENSION and DROP EXTENSION, as a DBA meets them.

use postgres::error::SqlState;
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
