//! Sessions that learn and forget the same and linked contents at the same time: no single call is told of a deadlock, and
//! what is there afterwards hangs together.

use postgres::Client;
use std::env;
use std::thread;
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

fn learn(client: &mut Client, random: &mut Random) -> Result<(), postgres::Error> {
    let count = 1 + random.below(6);
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
fn run_against_each_other(learn_of_ten: [u64; 4]) {
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    learn(&mut client, &mut Random(7)).expect("the first call makes the table of vectors");
    thread::scope(|scope| {
        for (session, learns) in learn_of_ten.into_iter().enumerate() {
            let cluster = &cluster;
            scope.spawn(move || {
                let mut client = cluster.connect("base");
                client.batch_execute("SET deadlock_timeout = '50ms'").expect("a superuser may set it");
                let mut random = Random(session as u64 * 1000 + 1);
                for round in 0..rounds() {
                    let learning = random.below(10) < learns;
                    let outcome =
                        if learning { learn(&mut client, &mut random) } else { forget(&mut client, &mut random) };
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
    // Of sessions that forget at the same moment each may see the other's statement: an entity may then be left over. It
    // has nothing that hangs on it, and is forgotten like any other concept.
    let lonely = "SELECT count(sutra_forget(c.id)) FROM sutra.concept AS c WHERE kind = 'entity'
        AND NOT EXISTS (SELECT FROM sutra.association AS a WHERE a.target = c.id OR a.source = c.id)
        AND NOT EXISTS (SELECT FROM sutra.observation AS o WHERE o.entity = c.id)";
    let left_over = count(client, lonely);
    println!("{left_over} entities were left over");
    assert_eq!(count(client, lonely), 0, "entities that nothing refers to");
}

#[test]
fn sessions_that_learn_do_not_deadlock() {
    run_against_each_other([10, 10, 10, 10]);
}

#[test]
fn sessions_that_learn_and_sessions_that_forget_do_not_deadlock() {
    run_against_each_other([10, 10, 5, 0]);
}

#[test]
fn sessions_that_forget_do_not_deadlock() {
    run_against_each_other([10, 0, 0, 0]);
}
