//! Logical replication: what a publisher learns arrives at a subscriber with the extension, and is found there by words
//! and by vectors. docs/OPERATIONS.md shows the same statements.

use std::thread::sleep;
use std::time::{Duration, Instant};

use postgres::Client;
use sutra_cluster_tests::load::wholeness;
use sutra_cluster_tests::{Cluster, sample};

const PUBLISH: &str = "CREATE PUBLICATION sutra FOR
    TABLE sutra.concept, sutra.association, sutra.observation, sutra.vector_all_minilm_l6_v2, sutra.job, sutra.inbox, sutra.job_error,
    TABLE sutra.alias, TABLE sutra.metric WHERE (NOT builtin), TABLE sutra.metadata_role WHERE (NOT builtin),
    TABLE sutra.space_role WHERE (NOT builtin)";

/// What is compared: every published table and what is derived from them.
fn state(client: &mut Client) -> Vec<String> {
    ["concept", "association", "observation", "alias", "metric", "metadata_role", "space_role", "vector_all_minilm_l6_v2"]
        .iter()
        .map(|table| {
            let query = format!(
                "SELECT '{table} ' || count(*) || ' ' || coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\")), '') FROM sutra.{table} AS t"
            );
            client.query_one(&query, &[]).expect("a table can be read").get(0)
        })
        .collect()
}

fn answers(client: &mut Client) -> Vec<Vec<String>> {
    ["AAPL trend", "highest temperature of Kew Gardens in July 2024", "which turbines ran without a stop?"]
        .iter()
        .map(|question| sample::ask(client, question))
        .collect()
}

fn wait_until_equal(publisher: &mut Client, subscriber: &mut Client) {
    let started = Instant::now();
    loop {
        let (there, here) = (state(publisher), state(subscriber));
        if there == here {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "published {there:#?}\narrived {here:#?}");
        sleep(Duration::from_millis(200));
    }
    assert_eq!(answers(subscriber), answers(publisher));
    assert_eq!(wholeness(subscriber), Vec::<String>::new());
}

fn learn(client: &mut Client, day: i32, temperature: f64) {
    client
        .execute(
            "SELECT sutra_learn('Station Kew Gardens reported on day ' || $1::int4 || ' of the month.',
                 jsonb_build_object('entity', 'Kew Gardens', 'date', ('2024-07-01'::date + $1::int4)::text, 'temperature', $2::float8))",
            &[&day, &temperature],
        )
        .expect("it is learned");
}

#[test]
fn a_subscriber_answers_what_its_publisher_has_learned() {
    let publisher = Cluster::with_settings("wal_level = logical");
    let subscriber = Cluster::new();
    let mut there = publisher.create_knowledge_base("base");
    sample::learn_all(&mut there, &sample::bars("AAPL", 8));
    learn(&mut there, 1, 20.0);
    learn(&mut there, 2, 21.0);
    there
        .batch_execute(
            "INSERT INTO sutra.metric (name, words, label, unit) VALUES ('temperature', '{temp,warm}', 'temperature', 'degrees');
             SELECT sutra_learn('Revenue of the northern plants rose because the new turbines ran without a stop.')",
        )
        .unwrap();
    there.batch_execute(PUBLISH).expect("the tables can be published");

    let mut here = subscriber.create_knowledge_base("base");
    // The table of vectors is made by its own function, which also registers the model.
    here.batch_execute("SELECT sutra.make_vector_table('all-MiniLM-L6-v2')").unwrap();
    let source = format!("host={} user=postgres dbname=base", publisher.socket().display());
    here.batch_execute(&format!("CREATE SUBSCRIPTION sutra CONNECTION '{source}' PUBLICATION sutra")).unwrap();
    wait_until_equal(&mut there, &mut here);

    // Learned, learned again, forgotten and changed on the publisher.
    sample::learn_all(&mut there, &sample::bars("AAPL", 12)[6..]);
    learn(&mut there, 3, 30.5);
    learn(&mut there, 2, 19.0);
    there
        .batch_execute(
            "SELECT sutra_forget(id) FROM sutra.concept WHERE content LIKE 'Station Kew Gardens reported on day 1 %';
             UPDATE sutra.metric SET unit = 'degrees Celsius' WHERE name = 'temperature' AND NOT builtin",
        )
        .unwrap();
    wait_until_equal(&mut there, &mut here);

    // Where concepts were loaded with triggers off, one call makes the inverted index anew.
    here.batch_execute("ALTER SUBSCRIPTION sutra DISABLE; TRUNCATE sutra.posting; SELECT sutra.rebuild_postings()")
        .unwrap();
    assert_eq!(wholeness(&mut here), Vec::<String>::new());
    here.batch_execute("ALTER SUBSCRIPTION sutra ENABLE").unwrap();
    there.batch_execute("TRUNCATE sutra.concept CASCADE").unwrap();
    wait_until_equal(&mut there, &mut here);
    here.batch_execute("DROP SUBSCRIPTION sutra").unwrap();
}
