//! Sessions that learn and forget the same and linked contents at the same time: no single call is told of a deadlock, and
//! what is there afterwards hangs together.

use postgres::Client;
use std::env;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;
use sutra_cluster_tests::Cluster;

/// Each session makes this many calls, in an order of its own.
fn rounds() -> usize {
    env::var("SUTRA_CRASH_ROUNDS").ok().and_then(|text| text.parse::<usize>().ok()).map_or(25, |rounds| 10 * rounds)
}

/// Vectors given, so that the time goes into what is tested.
const LEARN: &str = "SELECT count(*) FROM sutra_learn_batch($1::text[], $2::text[]::jsonb[],
    (SELECT array_agg(('[' || repeat('0.05,', 383) || '1]')::embedding) FROM unnest($1::text[])))";

/// Random numbers that are the same at every run of a session.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

const COMPANIES: [(&str, &str); 4] =
    [("AAPL", "Apple Inc."), ("MSFT", "Microsoft Corporation"), ("XOM", "Exxon Mobil"), ("BA", "Boeing Co.")];

/// A bar or a profile; the profile names another sector each time.
fn statement(random: &mut Random) -> (String, String) {
    let (ticker, name) = COMPANIES[random.below(4) as usize];
    let number = random.below(12);
    if number < 3 {
        let sector = ["Technology", "Energy", "Industrials"][random.below(3) as usize];
        let content = format!("{name} ({ticker}) is a company, profile {number}.");
        return (content, format!(r#"{{"company": "{ticker}", "name": "{name}", "sector": "{sector}"}}"#));
    }
    let content = format!("{name} ({ticker}) closed well on day {number}.");
    let metadata = format!(
        r#"{{"company": "{ticker}", "date": "2019-01-{:02}", "price_close": "{}"}}"#,
        number + 1,
        random.below(100)
    );
    (content, metadata)
}

/// Learns up to `most` statements with one call.
fn learn(client: &mut Client, random: &mut Random, most: u64) -> Result<(), postgres::Error> {
    let count = 1 + random.below(most);
    let (contents, metadata): (Vec<String>, Vec<String>) = (0..count).map(|_| statement(random)).unzip();
    client.query(LEARN, &[&contents, &metadata]).map(|_| ())
}

fn forget(client: &mut Client, random: &mut Random) -> Result<(), postgres::Error> {
    let (ticker, _) = COMPANIES[random.below(4) as usize];
    if random.below(2) == 0 {
        let filter = format!(r#"{{"company": "{ticker}", "date": "2019-01-{:02}"}}"#, random.below(12) + 1);
        return client.query("SELECT sutra_forget_where($1::text::jsonb)", &[&filter]).map(|_| ());
    }
    let query = "SELECT sutra_forget(id) FROM (
        SELECT id FROM sutra.concept WHERE kind = 'statement' AND metadata->>'company' = $1 ORDER BY content LIMIT 1) AS one";
    client.query(query, &[&ticker]).map(|_| ())
}

/// Runs sessions against each other, each of which learns in some of its calls and forgets in the others.
fn run_against_each_other(learn_of_ten: [u64; 4], most: u64) {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    learn(&mut client, &mut Random(7), 6).expect("the first call makes the table of vectors");
    thread::scope(|scope| {
        for (session, learns) in learn_of_ten.into_iter().enumerate() {
            let cluster = &cluster;
            scope.spawn(move || {
                let mut client = cluster.connect("base");
                client
                    .batch_execute("SET deadlock_timeout = '50ms'; SET log_lock_waits = on")
                    .expect("a superuser may set it");
                let mut random = Random(session as u64 * 1000 + 1);
                for round in 0..rounds() {
                    let learning = random.below(10) < learns;
                    let outcome =
                        if learning { learn(&mut client, &mut random, most) } else { forget(&mut client, &mut random) };
                    if let Err(error) = outcome {
                        let what = if learning { "learning" } else { "forgetting" };
                        panic!("session {session}, call {round}, {what}: {error:?}\n{}", cluster.log_text());
                    }
                }
            });
        }
    });
    assert_hangs_together(&mut client);
}

/// Statements have vectors and words; nothing is left of what was forgotten, and no entity that nothing refers to.
fn assert_hangs_together(client: &mut Client) {
    let table: String = client
        .query_one("SELECT vector_table::text FROM sutra.models WHERE active", &[])
        .expect("a model is active")
        .get(0);
    let count = |client: &mut Client, query: &str| -> i64 { client.query_one(query, &[]).expect(query).get(0) };
    let statements = count(client, "SELECT count(*) FROM sutra.concept WHERE kind = 'statement'");
    assert_eq!(count(client, &format!("SELECT count(*) FROM {table} WHERE chunk = 0")), statements, "vectors");
    assert_eq!(
        count(client, "SELECT coalesce(sum(documents), 0)::int8 FROM sutra.posting WHERE term = ''"),
        statements,
        "statements in the inverted index"
    );
    let lonely = "SELECT coalesce(string_agg(content, ', '), '') FROM sutra.concept AS c WHERE kind = 'entity'
        AND NOT EXISTS (SELECT FROM sutra.association AS a WHERE a.target = c.id OR a.source = c.id)
        AND NOT EXISTS (SELECT FROM sutra.observation AS o WHERE o.entity = c.id)";
    let left_over: String = client.query_one(lonely, &[]).expect(lonely).get(0);
    assert_eq!(left_over, "", "entities that nothing refers to");
}

#[test]
fn sessions_that_learn_do_not_deadlock() {
    run_against_each_other([10, 10, 10, 10], 6);
}

#[test]
fn sessions_that_learn_and_sessions_that_forget_do_not_deadlock() {
    run_against_each_other([10, 10, 5, 0], 6);
}

/// Of a single statement too the entities are had in their order, however often another session forgets them meanwhile.
#[test]
fn sessions_that_learn_one_statement_at_a_time_do_not_deadlock() {
    run_against_each_other([10, 10, 5, 0], 1);
}

#[test]
fn sessions_that_forget_do_not_deadlock() {
    run_against_each_other([10, 0, 0, 0], 6);
}

/// Each round a session forgets one of the two statements of an entity, and the other session the other one.
#[test]
fn of_sessions_that_forget_at_once_the_last_one_takes_the_entity_along() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    learn(&mut client, &mut Random(7), 6).expect("the first call makes the table of vectors");
    for round in 0..rounds() {
        let contents: Vec<String> = (0..4).map(|n| format!("Round {round}, statement {n}.")).collect();
        let metadata: Vec<String> =
            (0..4).map(|_| format!(r#"{{"ticker": "R{round}", "sector": "Sector {round}"}}"#)).collect();
        client.query(LEARN, &[&contents, &metadata]).expect("they are learned");
        let start = Barrier::new(contents.len());
        thread::scope(|scope| {
            for content in &contents {
                let (cluster, start) = (&cluster, &start);
                scope.spawn(move || {
                    let mut client = cluster.connect("base");
                    start.wait();
                    let forget = "SELECT sutra_forget(id) FROM sutra.concept WHERE content = $1";
                    client.query_one(forget, &[content]).expect("it is forgotten");
                });
            }
        });
    }
    assert_hangs_together(&mut client);
}

/// A session that is about to refer to the entity of the last statement gives up: nobody refers to it then.
#[test]
fn an_entity_that_a_session_would_have_kept_goes_when_that_session_gives_up() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    let one = (vec!["The only one.".to_owned()], vec![r#"{"ticker": "ONE", "sector": "Alone"}"#.to_owned()]);
    let other = (vec!["Another one.".to_owned()], vec![r#"{"ticker": "ONE", "sector": "Alone"}"#.to_owned()]);
    for commits in [true, false] {
        client.query(LEARN, &[&one.0, &one.1]).expect("it is learned");
        let mut second = cluster.connect("base");
        second.batch_execute("BEGIN").expect("a transaction");
        second.query(LEARN, &[&other.0, &other.1]).expect("it is learned too");
        let forgetting = thread::spawn({
            let mut client = cluster.connect("base");
            move || {
                let forget = "SELECT sutra_forget(id) FROM sutra.concept WHERE content = 'The only one.'";
                client.query_one(forget, &[]).expect("it is forgotten");
            }
        });
        // Until it waits for the other, so that it cannot know yet.
        let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted";
        while client.query_one(waits, &[]).expect(waits).get::<_, i64>(0) == 0 {
            assert!(!forgetting.is_finished(), "it did not wait for the session that refers to the entity");
            thread::sleep(Duration::from_millis(10));
        }
        second.batch_execute(if commits { "COMMIT" } else { "ROLLBACK" }).expect("an end");
        forgetting.join().expect("it ends");
        let entities: i64 =
            client.query_one("SELECT count(*) FROM sutra.concept WHERE kind = 'entity'", &[]).expect("a number").get(0);
        assert_eq!(entities, if commits { 2 } else { 0 }, "{commits}");
        client.batch_execute("SELECT sutra_forget(id) FROM sutra.concept WHERE kind = 'statement'").expect("forgotten");
        assert_hangs_together(&mut client);
    }
}

/// Locks are taken in a subtransaction; an ERROR in it must leave the block that catches it where it was.
#[test]
fn a_block_that_catches_a_lock_timeout_goes_on() {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    let two = (vec!["One.".to_owned(), "Two.".to_owned()], vec![r#"{"ticker": "ONE"}"#.to_owned(); 2]);
    client.query(LEARN, &[&two.0, &two.1]).expect("they are learned");
    let mut holder = cluster.connect("base");
    holder
        .batch_execute("BEGIN; SELECT FROM sutra.concept WHERE kind = 'entity' FOR UPDATE")
        .expect("the entity is locked");
    client
        .batch_execute(
            "SET lock_timeout = '50ms';
             DO $$
             DECLARE
                caught integer := 0;
             BEGIN
                FOR n IN 1..2 LOOP
                    BEGIN
                        PERFORM sutra_forget(id) FROM sutra.concept WHERE kind = 'statement';
                    EXCEPTION WHEN lock_not_available THEN
                        caught := caught + 1;
                    END;
                    BEGIN
                        PERFORM sutra_learn_batch(ARRAY['Three.', 'Four.'],
                            array_fill('{\"ticker\": \"ONE\"}'::jsonb, ARRAY[2]),
                            array_fill(array_fill(0.1::real, ARRAY[384])::embedding(384), ARRAY[2]));
                    EXCEPTION WHEN lock_not_available THEN
                        caught := caught + 1;
                    END;
                END LOOP;
                IF caught <> 4 THEN
                    RAISE EXCEPTION '% of 4 were caught', caught;
                END IF;
                PERFORM sutra_learn_batch(ARRAY['Five.', 'Six.'], NULL,
                    array_fill(array_fill(0.1::real, ARRAY[384])::embedding(384), ARRAY[2]));
             END
             $$",
        )
        .expect("each is caught, and the transaction goes on");
    holder.batch_execute("ROLLBACK").expect("an end");
    let learned: String = client
        .query_one("SELECT string_agg(content, ' ' ORDER BY content) FROM sutra.concept WHERE kind = 'statement'", &[])
        .expect("a text")
        .get(0);
    assert_eq!(learned, "Five. One. Six. Two.");
    client.batch_execute("SELECT sutra_forget(id) FROM sutra.concept WHERE kind = 'statement'").expect("forgotten");
    assert_hangs_together(&mut client);
}
