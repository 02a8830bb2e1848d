//! Nothing that was acknowledged is lost, and nothing else is there in part, however often and wherever the server is killed.

use std::collections::HashMap;
use std::env;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use sutra_cluster_tests::Cluster;
use sutra_cluster_tests::crash::Victim;
use sutra_cluster_tests::load::{self, Ledger, Load, Mix, Notes};

fn number<T: std::str::FromStr>(name: &str, default: T) -> T {
    env::var(name).ok().map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

#[test]
fn nothing_acknowledged_is_lost_when_the_server_is_killed_at_random_moments() {
    // How many kills there are, how long they may take, and what makes two runs alike (as far as threads are alike).
    let kills: usize = number("SUTRA_CRASH_KILLS", 4);
    let limit = Duration::from_secs(number("SUTRA_CRASH_SECONDS", 840));
    let seed: u64 = number("SUTRA_CRASH_SEED", u64::from(std::process::id()));
    println!("SUTRA_CRASH_SEED={seed}");
    let mut rng = SmallRng::seed_from_u64(seed);
    // Checkpoints and autovacuum come often, so that kills meet them.
    let cluster = Cluster::with_settings(
        "checkpoint_timeout = '30s'\nmax_wal_size = '64MB'\nmin_wal_size = '32MB'\nautovacuum_naptime = '1s'\n\
         autovacuum_vacuum_threshold = 20\nautovacuum_vacuum_cost_delay = 0",
    );
    let mut client = cluster.create_knowledge_base("base");
    Load::prepare(&mut client);
    drop(client);
    let ledger = Arc::new(Ledger::new(&cluster.folder().join("ledger")));
    let notes = Arc::new(Notes::default());
    let started = Instant::now();
    let mut victims: HashMap<String, usize> = HashMap::new();
    let mut heaps_verified = 0;
    for kill in 1..=kills {
        assert!(started.elapsed() < limit, "only {} kills in {:?}", kill - 1, started.elapsed());
        let running = Load::start(&cluster, &ledger, &notes, Mix::WithJobs, &mut rng);
        sleep(Duration::from_millis(rng.random_range(200..3200)));
        let victim = Victim::random(&mut rng);
        cluster.crash(victim, &mut rng);
        let mut faults = running.stop();
        let mut client = cluster.recovered("base");
        faults.extend(load::check(&mut client, &ledger, &notes, &mut rng));
        drop(client);
        // In turns with and without the workers of a preloaded server.
        cluster.configure(&format!("shared_preload_libraries = '{}'", if kill % 2 == 1 { "sutra" } else { "" }));
        cluster.verify_checksums();
        heaps_verified += usize::from(cluster.verify_heaps("base"));
        assert!(faults.is_empty(), "after kill {kill} ({victim:?}, seed {seed}):\n{}", faults.join("\n"));
        *victims.entry(format!("{victim:?}")).or_default() += 1;
    }
    let totals = ledger.totals();
    println!(
        "{kills} kills survived in {:.0} s ({victims:?}); acknowledged: {} learns, {} forgotten, {} notes; lost: 0; \
         under way when the server died: {} transactions whole, {} gone, 0 in part; {} questions answered right; \
         {} deadlocks; checksums verified {kills} times, pg_amcheck {heaps_verified} times",
        started.elapsed().as_secs_f64(),
        totals.learned,
        totals.forgotten,
        notes.last(),
        totals.open_kept,
        totals.open_gone,
        totals.asked,
        totals.deadlocks,
    );
    assert!(totals.learned > kills && totals.asked > kills, "the load did next to nothing: {totals:?}");
}
