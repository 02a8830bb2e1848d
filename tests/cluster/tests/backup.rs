//! What was learned comes back from every kind of backup as it was: data, ids, edges, settings, and who sees what.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use postgres::Client;
use sutra_cluster_tests::backup::{self, assert_same, contents};
use sutra_cluster_tests::load::wholeness;
use sutra_cluster_tests::{Cluster, Setup, sample, tenants};

fn text(path: &Path) -> &str {
    path.to_str().expect("test folders have plain names")
}

/// A database that answers as another one did, is whole, and learns.
fn assert_restored(
    cluster: &Cluster,
    database: &str,
    expected: &[(String, String)],
    views: &[(String, Vec<String>)],
    what: &str,
) {
    let mut client = cluster.connect(database);
    assert_same(&contents(&mut client), expected, what);
    assert_eq!(wholeness(&mut client), Vec::<String>::new(), "{what}");
    assert_eq!(tenants::views(cluster, database), views, "{what}: somebody sees something else");
    // The copy is alive: it learns, and knows what it has learned before.
    sample::learn_all(&mut client, &sample::bars("AAPL", 14)[11..]);
    let statements =
        "SELECT count(*) FROM sutra.concept WHERE kind = 'statement' AND content LIKE 'Apple Inc. (AAPL) %'";
    assert_eq!(client.query_one(statements, &[]).expect("a count").get::<_, i64>(0), 14, "{what}");
    assert_eq!(wholeness(&mut client), Vec::<String>::new(), "{what}, after learning");
}

/// A name, the options of pg_dump, and those of each pg_restore; without one, psql loads the dump.
type Format = (&'static str, &'static [&'static str], &'static [&'static [&'static str]]);

#[test]
fn every_format_of_pg_dump_brings_back_data_settings_and_visibility() {
    let cluster = Cluster::new();
    tenants::make_roles(&mut cluster.connect("postgres"));
    let mut client = tenants::learn(&cluster);
    let expected = contents(&mut client);
    let views = tenants::views(&cluster, "base");
    let count = |role: &str, at: &str| {
        let (_, seen) = views.iter().find(|(name, _)| *name == format!("{role} in {at}")).expect("it is there");
        seen[0].chars().take_while(char::is_ascii_digit).collect::<String>()
    };
    assert_ne!(count("tenant_a", "fund_a"), count("reader", "fund_a"), "the tenants would see the same");

    let folder = cluster.place("dumps");
    cluster.setup().make_folder(&folder);
    // pg_dump does not tell pg_restore in which order the tables of an extension are to be loaded, and their foreign keys
    // are there before their rows: of a restore, what runs in parallel is all but the rows.
    let sections: &'static [&'static [&'static str]] =
        &[&["--section=pre-data"], &["--section=data"], &["--section=post-data", "-j", "3"]];
    let formats: [Format; 4] = [
        ("plain", &["-Fp"], &[]),
        ("custom", &["-Fc"], &[&[]]),
        ("directory", &["-Fd", "-j", "3"], sections),
        ("of_one_schema", &["-Fc", "-n", "sutra", "-e", "sutra"], sections),
    ];
    for (name, dump, restores) in formats {
        let file = folder.join(name);
        let arguments = [dump, &["-d", "base", "-f", text(&file)]].concat();
        let messages = cluster.client_program("pg_dump", &arguments).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(messages, "", "{name}: pg_dump warns");
        drop(cluster.create_database(name));
        let load = |program: &str, arguments: &[&str]| {
            let messages = cluster
                .client_program(program, arguments)
                .unwrap_or_else(|error| panic!("{name} does not load: {error}"));
            assert_eq!(messages, "", "{name}: the restore warns");
        };
        if name == "plain" {
            load("psql", &["-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-d", name, "-f", text(&file)]);
        }
        for options in restores {
            load("pg_restore", &[&["--exit-on-error", "-d", name], *options, &[text(&file)]].concat());
        }
        assert_restored(&cluster, name, &expected, &views, name);
    }
}

#[test]
fn a_base_backup_with_wal_goes_back_to_a_point_in_time() {
    let cluster =
        Cluster::with_settings("archive_mode = on\narchive_command = 'cp %p ../archive/%f'\nwal_level = replica");
    let archive = cluster.place("archive");
    cluster.setup().make_folder(&archive);
    tenants::make_roles(&mut cluster.connect("postgres"));
    let mut client = tenants::learn(&cluster);
    let backup = cluster.place("backup");
    cluster.base_backup(&backup, &[]);

    // Learned after the backup, before and after the point.
    sample::learn_all(&mut client, &sample::bars("AAPL", 11)[6..]);
    client
        .batch_execute("SELECT sutra_forget(id) FROM sutra.concept WHERE content LIKE 'Given vector number 3 %'")
        .unwrap();
    client.batch_execute("REINDEX INDEX sutra.vector_all_minilm_l6_v2_idx").unwrap();
    client.batch_execute("VACUUM sutra.vector_all_minilm_l6_v2").unwrap();
    let expected = contents(&mut client);
    let views = tenants::views(&cluster, "base");
    client.batch_execute("SELECT pg_create_restore_point('good')").unwrap();
    client.batch_execute("DELETE FROM sutra.concept").unwrap();
    let last: String = client.query_one("SELECT pg_walfile_name(pg_switch_wal())", &[]).unwrap().get(0);
    let started = Instant::now();
    while !archive.join(&last).exists() {
        assert!(started.elapsed() < Duration::from_secs(60), "{last} is not archived: {}", cluster.log_text());
        std::thread::sleep(Duration::from_millis(50));
    }

    let restored = Cluster::from_data(cluster.setup().clone(), &backup);
    fs::write(restored.data().join("recovery.signal"), "").expect("the signal file can be written");
    restored.configure(&format!(
        "archive_mode = off\nrestore_command = 'cp {}/%f %p'\nrecovery_target_name = 'good'\nrecovery_target_action = 'promote'",
        archive.display()
    ));
    restored.start();
    wait_for_promotion(&mut restored.connect("base"));
    assert_restored(&restored, "base", &expected, &views, "the point in time");
}

fn wait_for_promotion(client: &mut Client) {
    let started = Instant::now();
    while client.query_one("SELECT pg_is_in_recovery()", &[]).expect("the server answers").get(0) {
        assert!(started.elapsed() < Duration::from_secs(60), "the recovery does not end");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn incremental_backups_combine_into_a_cluster_that_answers_the_same() {
    if !Setup::get().programs.join("pg_combinebackup").exists() {
        println!("skipped: incremental backups came with PostgreSQL 17");
        return;
    }
    let cluster = Cluster::with_settings("summarize_wal = on");
    tenants::make_roles(&mut cluster.connect("postgres"));
    let mut client = tenants::learn(&cluster);
    let full = cluster.place("full");
    cluster.base_backup(&full, &[]);
    client
        .batch_execute("SELECT sutra_forget(id) FROM sutra.concept WHERE content LIKE 'Given vector number 5 %'")
        .unwrap();
    client.batch_execute("VACUUM sutra.vector_all_minilm_l6_v2").unwrap();
    let first = cluster.place("first");
    cluster.base_backup(&first, &["--incremental", text(&full.join("backup_manifest"))]);
    client
        .batch_execute(
            "SELECT sutra_learn('Station Kew Gardens reported 30 degrees on 2024-07-02.',
        '{\"entity\": \"Kew Gardens\", \"date\": \"2024-07-02\", \"temperature\": 30}')",
        )
        .unwrap();
    let second = cluster.place("second");
    cluster.base_backup(&second, &["--incremental", text(&first.join("backup_manifest"))]);
    let expected = contents(&mut client);
    let views = tenants::views(&cluster, "base");

    let setup = cluster.setup();
    for backup in [&full, &first, &second] {
        backup::verify(setup, backup);
    }
    let combined = cluster.place("combined");
    let arguments = ["--manifest-checksums=SHA256", "-o", text(&combined), text(&full), text(&first)];
    setup.run("pg_combinebackup", arguments, &second);
    backup::verify(setup, &combined);
    let restored = Cluster::from_data(setup.clone(), &combined);
    restored.start();
    assert_restored(&restored, "base", &expected, &views, "the combined backup");
    restored.verify_checksums();
}

/// The dump loads rows and then builds the vector index in bulk, so it must not be slower than learning was.
#[test]
fn a_restore_takes_at_most_the_time_of_learning() {
    let statements: i32 = if std::env::var_os("SUTRA_LONG").is_some() { 50_000 } else { 3_000 };
    let cluster =
        Cluster::with_settings("shared_buffers = '256MB'\nmaintenance_work_mem = '512MB'\nmax_wal_size = '4GB'");
    let mut client = cluster.create_knowledge_base("base");
    let started = Instant::now();
    for first in (0..statements).step_by(1000) {
        client
            .execute(
                "SELECT count(*) FROM sutra_learn_batch(
                     ARRAY(SELECT format('Station Number%s reported on day %s as message %s.', n % 500, n / 500, n)
                           FROM generate_series($1::int4, $1 + 999) AS n ORDER BY n),
                     ARRAY(SELECT jsonb_build_object('entity', 'Number' || n % 500, 'date', ('2001-01-01'::date + n / 500)::text, 'temperature', n % 37)
                           FROM generate_series($1, $1 + 999) AS n ORDER BY n),
                     ARRAY(SELECT (SELECT array_agg(sin(n * 0.7 + d * (1 + n % 29)) ORDER BY d) FROM generate_series(1, 384) AS d)::embedding
                           FROM generate_series($1, $1 + 999) AS n ORDER BY n))",
                &[&first],
            )
            .expect("statements with vectors are learned");
    }
    let learned = started.elapsed();
    let expected = contents(&mut client);
    let file = cluster.place("base.dump");
    cluster.client_program("pg_dump", &["-Fc", "-d", "base", "-f", text(&file)]).expect("pg_dump succeeds");
    drop(cluster.create_database("restored"));
    let started = Instant::now();
    cluster
        .client_program("pg_restore", &["--exit-on-error", "-d", "restored", text(&file)])
        .expect("pg_restore succeeds");
    let restored = started.elapsed();
    println!(
        "{statements} statements with given vectors: learned in {:.1} s, restored in {:.1} s ({:.2} of it)",
        learned.as_secs_f64(),
        restored.as_secs_f64(),
        restored.as_secs_f64() / learned.as_secs_f64()
    );
    let mut client = cluster.connect("restored");
    // Equal vectors: nothing was embedded again.
    assert_same(&contents(&mut client), &expected, "the restored database");
    assert_eq!(wholeness(&mut client), Vec::<String>::new());
    assert!(restored <= learned, "restored in {restored:?}, learned in {learned:?}");
}
