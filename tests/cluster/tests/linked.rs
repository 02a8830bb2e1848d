//! Sessions that learn the same and linked contents at the same time: no deadlock, nothing twice, no edge to nowhere.

use postgres::Client;
use postgres::error::SqlState;
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

fn learned_first() -> (Cluster, Client) {
    let cluster = Cluster::new();
    let mut client = cluster.connect("postgres");
    client.batch_execute("CREATE EXTENSION sutra").expect("the extension can be created");
    learn(&mut client, &statements(0)[..1]).expect("the first statement is learned");
    (cluster, client)
}

fn assert_one_graph(client: &mut Client) {
    let most = "SELECT count(*) FROM sutra.concept AS c GROUP BY content, kind ORDER BY 1 DESC LIMIT 1";
    assert_eq!(count(client, most), 1, "a content or name is there twice");
    let lost = "SELECT count(*) FROM sutra.association AS a
                WHERE NOT EXISTS (SELECT FROM sutra.concept AS c WHERE c.space = a.space AND c.id = a.source)
                   OR NOT EXISTS (SELECT FROM sutra.concept AS c WHERE c.space = a.space AND c.id = a.target)";
    assert_eq!(count(client, lost), 0, "an edge leads nowhere");
    // Each of five storms causes delays and losses, each of four companies owns Beats, once.
    let edges = |relation: &str, label: &str| {
        format!("SELECT count(*) FROM sutra.graph_edges WHERE relation = '{relation}' AND target_label = '{label}'")
    };
    assert_eq!(count(client, &edges("causes", "delays")), 5);
    assert_eq!(count(client, &edges("causes", "losses")), 5);
    assert_eq!(count(client, &edges("owns", "Beats")), 4);
    // Sessions may have missed each other's days; the rule gives one chain of twenty.
    client.batch_execute("SELECT sutra.link_series()").expect("the series are linked");
    assert_eq!(count(client, "SELECT count(*) FROM sutra.association WHERE relation = 'next'"), 19);
    assert_eq!(count(client, "SELECT sutra.link_series()"), 0);
}

#[test]
fn sessions_that_learn_the_same_and_linked_contents_end_with_one_graph() {
    let (cluster, mut client) = learned_first();
    for _ in 0..5 {
        thread::scope(|scope| {
            for session in 0..4 {
                let cluster = &cluster;
                scope.spawn(move || {
                    let mut client = cluster.connect("postgres");
                    for part in statements(session).chunks(8) {
                        // No deadlock, no violated key: learning never fails.
                        learn(&mut client, part).unwrap_or_else(|error| panic!("session {session}: {error:?}"));
                    }
                });
            }
        });
    }
    assert_one_graph(&mut client);
}

#[test]
fn what_one_session_forgets_while_others_learn_it_leaves_no_half_of_it() {
    let (cluster, mut client) = learned_first();
    thread::scope(|scope| {
        for session in 0..4 {
            let cluster = &cluster;
            scope.spawn(move || {
                let mut client = cluster.connect("postgres");
                for part in statements(session).chunks(8) {
                    // One that forgets what another learns may be told of a deadlock, and tries again.
                    while let Err(error) = learn(&mut client, part) {
                        assert_eq!(error.code(), Some(&SqlState::T_R_DEADLOCK_DETECTED), "session {session}: {error:?}");
                    }
                    let forget = "SELECT sutra_forget(id) FROM sutra.concept
                                  WHERE content IN ('Storm 3 caused delays and losses.', 'AAPL on 2019-01-09: close 9')";
                    if session == 3
                        && let Err(error) = client.batch_execute(forget)
                    {
                        assert_eq!(error.code(), Some(&SqlState::T_R_DEADLOCK_DETECTED), "forgetting: {error:?}");
                    }
                }
            });
        }
    });
    learn(&mut client, &statements(0)).expect("what was forgotten is learned again");
    assert_one_graph(&mut client);
}
