//! A streaming replica: it answers as its primary does, takes over with all that was acknowledged, and is joined by the old primary.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use postgres::Client;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use sutra_cluster_tests::backup::{assert_same, contents};
use sutra_cluster_tests::crash::Victim;
use sutra_cluster_tests::load::{self, Ledger, Load, Mix, Notes, wholeness};
use sutra_cluster_tests::{Cluster, sample};

const QUESTIONS: [&str; 5] = [
    "highest temperature of Bakorun Arkut",
    "lowest temperature of Velimar Bremol in January 2001",
    "temperature of Todruk Culvet on 2001-01-02",
    "AAPL trend",
    "which station filed a report about the weather",
];

fn answers(client: &mut Client) -> Vec<Vec<String>> {
    QUESTIONS.iter().map(|question| sample::ask(client, question)).collect()
}

/// A primary with a load's tables and the table of vectors.
fn primary(settings: &str) -> Cluster {
    let cluster = Cluster::with_settings(settings);
    let mut client = cluster.create_knowledge_base("base");
    Load::prepare(&mut client);
    sample::learn_all(&mut client, &sample::bars("AAPL", 12));
    client.batch_execute("DELETE FROM sutra.concept").expect("the table of vectors is left, empty");
    cluster
}

#[test]
fn a_replica_under_load_answers_as_its_primary_does() {
    let rounds = if std::env::var_os("SUTRA_LONG").is_some() { 10 } else { 3 };
    let mut rng = SmallRng::seed_from_u64(11);
    let primary = primary("");
    let replica = primary.replica();
    let ledger = Arc::new(Ledger::new(&primary.folder().join("ledger")));
    let notes = Arc::new(Notes::default());
    // Asked all the time, while WAL of learning, of index builds and of VACUUM is replayed.
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicUsize::new(0));
    let asker = spawn({
        let (stop, asked, address) = (Arc::clone(&stop), Arc::clone(&asked), replica.address());
        move || {
            let mut client = address.connect("base").expect("the replica accepts a session");
            while !stop.load(Ordering::Relaxed) {
                for question in QUESTIONS {
                    match client.query("SELECT answer::text FROM sutra_ask($1) AS answer", &[&question]) {
                        Ok(rows) => assert!(!rows.is_empty(), "{question}"),
                        // A row that VACUUM removed on the primary cancels a query that may still see it, on any table.
                        Err(error) => {
                            let code = error.code().unwrap_or_else(|| panic!("{error:?}"));
                            assert!(["40001", "40P01"].contains(&code.code()), "{question}: {error:?}");
                        }
                    }
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    });
    for round in 0..rounds {
        let running = Load::start(&primary, &ledger, &notes, Mix::Everything, &mut rng);
        sleep(Duration::from_secs(2));
        let faults = running.stop();
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        replica.wait_for(&primary);
        let (mut here, mut there) = (primary.connect("base"), replica.connect("base"));
        assert_same(&contents(&mut there), &contents(&mut here), "the replica");
        assert_eq!(answers(&mut there), answers(&mut here), "round {round}");
        assert_eq!(wholeness(&mut there), Vec::<String>::new());
    }
    stop.store(true, Ordering::Relaxed);
    asker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let totals = ledger.totals();
    println!(
        "learned {} and forgot {} on the primary, asked the replica {} questions meanwhile; every state was the same",
        totals.learned,
        totals.forgotten,
        asked.load(Ordering::Relaxed)
    );
    assert!(totals.learned > 20 && asked.load(Ordering::Relaxed) > 20, "next to nothing was done: {totals:?}");
}

#[test]
fn a_synchronous_replica_takes_over_with_all_that_was_acknowledged_and_the_old_primary_rejoins() {
    let mut rng = SmallRng::seed_from_u64(13);
    let primary = primary("wal_log_hints = on\nwal_keep_size = '512MB'");
    let replica = primary.replica();
    let mut client = primary.connect("postgres");
    for statement in ["ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"] {
        client.batch_execute(statement).expect("a setting");
    }
    let started = Instant::now();
    let synchronous = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
    while client.query_one(synchronous, &[]).expect("a count").get::<_, i64>(0) == 0 {
        assert!(started.elapsed() < Duration::from_secs(60), "the replica does not become synchronous");
        sleep(Duration::from_millis(50));
    }
    drop(client);
    let ledger = Arc::new(Ledger::new(&primary.folder().join("ledger")));
    let notes = Arc::new(Notes::default());
    let running = Load::start(&primary, &ledger, &notes, Mix::Everything, &mut rng);
    sleep(Duration::from_secs(5));
    primary.crash(Victim::Everything, &mut rng);
    let mut faults = running.stop();
    replica.configure("synchronous_standby_names = ''");
    replica.promote();
    replica.restart();
    let mut client = replica.recovered("base");
    faults.extend(load::check(&mut client, &ledger, &notes, &mut rng));
    let totals = ledger.totals();
    assert!(faults.is_empty(), "{totals:?}\n{}", faults.join("\n"));
    println!("promoted with all of {} learns acknowledged, {} forgotten, lost: 0", totals.learned, totals.forgotten);
    assert!(totals.learned > 5, "next to nothing was learned: {totals:?}");

    // The new primary goes on learning; the old one comes back as its replica.
    sample::learn_all(&mut client, &sample::bars("AAPL", 3));
    let socket = replica.socket();
    let source = format!("host={} user=postgres dbname=postgres", socket.display());
    let data = primary.data();
    let configuration = data.join("postgresql.auto.conf");
    let before = fs::read_to_string(&configuration).expect("the configuration is there");
    let arguments = ["--source-server", &source, "-R"].map(str::to_owned).into_iter();
    let target = ["-D".to_owned(), data.display().to_string()];
    replica.setup().output("pg_rewind", arguments.chain(target)).unwrap_or_else(|error| panic!("{error}"));
    // pg_rewind brings the configuration of its source along, which for a replica names the old primary.
    let after = fs::read_to_string(&configuration).expect("the configuration is there");
    fs::write(&configuration, format!("{before}\n{}\nsynchronous_standby_names = ''\n", connection(&after)))
        .expect("it can be written");
    primary.start();
    primary.wait_for(&replica);
    let (mut here, mut there) = (replica.connect("base"), primary.connect("base"));
    assert!(there.query_one("SELECT pg_is_in_recovery()", &[]).expect("it answers").get::<_, bool>(0));
    assert_same(&contents(&mut there), &contents(&mut here), "the old primary");
    assert_eq!(answers(&mut there), answers(&mut here));
    assert_eq!(wholeness(&mut there), Vec::<String>::new());
}

/// The last primary_conninfo of a configuration, which pg_rewind has written.
fn connection(configuration: &str) -> &str {
    configuration
        .lines()
        .rfind(|line| line.starts_with("primary_conninfo"))
        .expect("pg_rewind wrote where the primary is")
}
