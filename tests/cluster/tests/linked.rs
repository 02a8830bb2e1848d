//! Sessions that learn the same and linked contents at the same time: no deadlock, nothing twice, no edge to nowhere.

use postgres::Client;
use std::thread;
use sutra_cluster_tests::Cluster;

/// Statements that share causes, effects, companies and days.
fn statements(session: usize) -> Vec<(String, String)> {
    let mut statements = Vec::new();
    for day in 1..=20 {
        // The same in every session, but begun at another place.
        let day = (day + 7 * session) % 20 + 1;
        statements.push((
            format!("AAPL on 2019-01-{day:02}: close {day}"),
            format!(r#"{{"company": "AAPL", "date": "2019-01-{day:02}", "close": {day}}}"#),
        ));
        statements.push((format!("Storm {} caused delays and losses.", day % 5), "{}".into()));
        statements.push((format!("Delays led to penalty {} because of contracts.", (day + session) % 5), "{}".into()));
        statements.push((
            format!("Company {} (C{}) owns Beats.", day % 4, day % 4),
            format!(r#"{{"ticker": "C{}", "name": "Company {}", "sector": "Energy"}}"#, day % 4, day % 4),
        ));
    }
    statements
}

const VECTOR: &str = "array_fill(0.1::real, ARRAY[384])::embedding(384)";

fn learn(client: &mut Client, statements: &[(String, String)]) -> Result<(), postgres::Error> {
    let contents: Vec<&str> = statements.iter().map(|(content, _)| content.as_str()).collect();
    let metadata: Vec<&str> = statements.iter().map(|(_, metadata)| metadata.as_str()).collect();
    let sql = format!(
        "SELECT count(*) FROM sutra_learn_batch($1, $2::text[]::jsonb[], array_fill({VECTOR}, ARRAY[{}]))",
        contents.len()
    );
    client.query_one(&sql, &[&contents, &metadata]).map(drop)
}

fn count(client: &mut Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).unwrap_or_else(|error| panic!("{sql}: {error:?}")).get(0)
}

#[test]
fn sessions_that_learn_the_same_and_linked_contents_end_with_one_graph() {
    let cluster = Cluster::new();
    let mut client = cluster.connect("postgres");
    client.batch_execute("CREATE EXTENSION sutra").expect("the extension can be created");
    learn(&mut client, &statements(0)[..1]).expect("the first statement is learned");
    for _ in 0..5 {
        thread::scope(|scope| {
            for session in 0..4 {
                let cluster = &cluster;
                scope.spawn(move || {
                    let mut client = cluster.connect("postgres");
                    for part in statements(session).chunks(8) {
                        learn(&mut client, part).unwrap_or_else(|error| panic!("session {session}: {error:?}"));
                        if session == 3 {
                            // Forgets what the others learn; a causal edge and a day go with it.
                            client
                                .batch_execute(
                                    "SELECT sutra_forget(id) FROM sutra.concept
                                     WHERE content IN ('Storm 3 caused delays and losses.', 'AAPL on 2019-01-09: close 9')",
                                )
                                .unwrap_or_else(|error| panic!("forgetting: {error:?}"));
                        }
                    }
                });
            }
        });
    }
    learn(&mut client, &statements(0)).expect("what was forgotten is learned again");
    assert_eq!(
        count(&mut client, "SELECT count(*) FROM sutra.concept AS c GROUP BY content, kind ORDER BY 1 DESC LIMIT 1"),
        1
    );
    let lost = "SELECT count(*) FROM sutra.association AS a
                WHERE NOT EXISTS (SELECT FROM sutra.concept AS c WHERE c.space = a.space AND c.id = a.source)
                   OR NOT EXISTS (SELECT FROM sutra.concept AS c WHERE c.space = a.space AND c.id = a.target)";
    assert_eq!(count(&mut client, lost), 0);
    assert_eq!(count(&mut client, "SELECT count(*) FROM sutra.concept WHERE content = 'delays'"), 1);
    // Each storm causes delays and losses, once.
    assert_eq!(
        count(
            &mut client,
            "SELECT count(*) FROM sutra.graph_edges WHERE relation = 'causes' AND target_label IN ('delays', 'losses')"
        ),
        10
    );
    // Whatever order the days came in, the rule gives one chain; sessions may have missed each other's days.
    client.batch_execute("SELECT sutra.link_series()").expect("the series are linked");
    assert_eq!(count(&mut client, "SELECT count(*) FROM sutra.association WHERE relation = 'next'"), 19);
    assert_eq!(count(&mut client, "SELECT sutra.link_series()"), 0);
}
