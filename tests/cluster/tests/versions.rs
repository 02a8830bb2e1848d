//! From one PostgreSQL to another: dumps and pg_upgrade. `scripts/test versions` says where the servers are.

use std::fs;
use std::path::Path;

use sutra_cluster_tests::backup::{assert_same, contents};
use sutra_cluster_tests::load::wholeness;
use sutra_cluster_tests::{Cluster, Setup, runbook, tenants};

fn text(path: &Path) -> &str {
    path.to_str().expect("test folders have plain names")
}

/// A cluster of a version with tenants who have learned, or none where that version is not installed.
fn learned(major: u32) -> Option<Cluster> {
    let Some(setup) = Setup::of(major) else {
        println!("skipped: PostgreSQL {major} is not installed");
        return None;
    };
    let cluster = Cluster::initialised(setup, "");
    cluster.start();
    tenants::make_roles(&mut cluster.connect("postgres"));
    drop(tenants::learn(&cluster));
    let mut client = cluster.connect("postgres");
    client
        .batch_execute("ALTER DATABASE base SET sutra.ef_search = 77; ALTER ROLE tenant_a SET sutra.space = 'fund_a'")
        .unwrap();
    Some(cluster)
}

/// Whether pg_dump of another installation dumps a plain table of a cluster as the table was made. PostgreSQL's releases of
/// November 2026 mark the columns of every table with an option of their own, pg_attver. Their pg_dump leaves it out; an
/// earlier pg_dump writes it, and no server takes it.
fn dumps_plain_tables(old: &Cluster, programs: &Setup) -> bool {
    let mut client = old.connect("template1");
    client.batch_execute("CREATE TABLE plain (number integer)").expect("a table can be made");
    let dump = old.client_program_of(programs, "pg_dump", &["-d", "template1", "-t", "plain"]);
    client.batch_execute("DROP TABLE plain").expect("a table can be dropped");
    !dump.expect("pg_dump succeeds").contains("pg_attver")
}

/// What a database holds and shows to each role.
struct Seen {
    contents: Vec<(String, String)>,
    views: Vec<(String, Vec<String>)>,
}

fn seen(cluster: &Cluster) -> Seen {
    Seen { contents: contents(&mut cluster.connect("base")), views: tenants::views(cluster, "base") }
}

fn assert_arrived(cluster: &Cluster, expected: &Seen, what: &str) {
    let mut client = cluster.connect("base");
    assert_same(&contents(&mut client), &expected.contents, what);
    assert_eq!(tenants::views(cluster, "base"), expected.views, "{what}: somebody sees something else");
    assert_eq!(wholeness(&mut client), Vec::<String>::new(), "{what}");
    for (setting, role, value) in [("sutra.ef_search", "postgres", "77"), ("sutra.space", "tenant_a", "fund_a")] {
        let mut session = cluster.address().connect_as(role, "base").expect("the role may connect");
        let found: String = session.query_one("SELECT current_setting($1)", &[&setting]).expect("a setting").get(0);
        assert_eq!(found, value, "{what}: {setting} of {role}");
    }
    client.batch_execute("SET enable_seqscan = off").expect("the planner can be steered");
    let plan: Vec<String> = client
        .query(
            "EXPLAIN (COSTS OFF) SELECT concept FROM sutra.vector_all_minilm_l6_v2
             ORDER BY embedding <=> (SELECT embedding FROM sutra.vector_all_minilm_l6_v2 LIMIT 1) LIMIT 5",
            &[],
        )
        .expect("a plan")
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert!(plan.join("\n").contains("vector_all_minilm_l6_v2_idx"), "{what}: {plan:?}");
    client
        .batch_execute(
            "SELECT sutra_learn('Station Kew Gardens reported 33 degrees on 2024-07-09.',
            '{\"entity\": \"Kew Gardens\", \"date\": \"2024-07-09\", \"temperature\": 33}')",
        )
        .unwrap_or_else(|error| panic!("{what}: {error:?}"));
    let answer: String = client
        .query_one("SELECT value->>'value' FROM sutra_ask('highest temperature of Kew Gardens in July 2024', 1)", &[])
        .expect("it answers")
        .get(0);
    assert_eq!(answer.parse::<f64>().ok(), Some(33.0), "{what}");
    assert_eq!(wholeness(&mut client), Vec::<String>::new(), "{what}, after learning");
}

#[test]
fn a_dump_of_15_or_16_restores_into_18() {
    for major in [15, 16] {
        let Some(old) = learned(major) else { continue };
        let expected = seen(&old);
        let new = Cluster::initialised(Setup::of(18).expect("PostgreSQL 18 is there"), "");
        new.start();
        let roles = old.place("roles.sql");
        let dump = old.place("base.dump");
        // With the programs of the newer version, as PostgreSQL's documentation asks for, unless they are too old.
        let programs = if dumps_plain_tables(&old, new.setup()) { new.setup() } else { old.setup() };
        println!(
            "PostgreSQL {major} dumped by {}",
            programs.output("pg_dump", ["--version"]).unwrap_or_default().trim()
        );
        for (program, arguments) in [
            ("pg_dumpall", vec!["--roles-only", "-f", text(&roles)]),
            ("pg_dump", vec!["-Fc", "-d", "base", "-f", text(&dump)]),
        ] {
            let messages = old.client_program_of(programs, program, &arguments);
            assert_eq!(messages.unwrap_or_else(|error| panic!("{program}: {error}")), "", "{program} warns");
        }
        // The role postgres is there already.
        new.client_program("psql", &["-X", "-q", "-d", "postgres", "-f", text(&roles)]).expect("the roles are loaded");
        let arguments = ["--exit-on-error", "-C", "-d", "postgres", text(&dump)];
        let messages = new.client_program("pg_restore", &arguments).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(messages, "", "pg_restore warns");
        assert_arrived(&new, &expected, &format!("a dump of {major} in 18"));
    }
}

#[test]
fn pg_upgrade_to_17_and_18_keeps_data_and_indexes() {
    let mut upgraded = Vec::new();
    for (from, to) in [(16, 18), (15, 18), (16, 17), (15, 17)] {
        let Some(setup) = Setup::of(to) else {
            println!("skipped: PostgreSQL {to} is not installed");
            continue;
        };
        let Some(old) = learned(from) else { continue };
        if !dumps_plain_tables(&old, &setup) {
            println!("skipped: pg_upgrade of this {to} takes no table at all of this {from}: its pg_dump is too old");
            continue;
        }
        upgrade(&old, setup, &format!("pg_upgrade of {from} to {to}"));
        upgraded.push((from, to));
    }
    println!("upgraded: {upgraded:?}");
    assert!(!upgraded.is_empty(), "nothing was upgraded");
}

fn upgrade(old: &Cluster, setup: Setup, what: &str) {
    let expected = seen(old);
    let index = "SELECT pg_relation_size('sutra.vector_all_minilm_l6_v2_idx')";
    let size: i64 = old.connect("base").query_one(index, &[]).unwrap().get(0);
    old.stop();
    let new = Cluster::initialised(setup, "");
    let folder = new.place("upgrade");
    new.setup().make_folder(&folder);
    let variables = [
        ("OLD_PROGRAMS", old.setup().programs.display().to_string()),
        ("NEW_PROGRAMS", new.setup().programs.display().to_string()),
        ("OLD_DATA", old.data().display().to_string()),
        ("NEW_DATA", new.data().display().to_string()),
        ("SOCKET", folder.display().to_string()),
    ];
    for block in runbook::blocks().iter().filter(|block| block.kind == "sh versions") {
        let output = runbook::shell(new.setup(), &folder, &variables, &block.text);
        if let Err(error) = output {
            panic!("{what}: line {} of docs/OPERATIONS.md: {error}\n{}", block.line, upgrade_logs(&new));
        }
    }
    new.start();
    let size_now: i64 = new.connect("base").query_one(index, &[]).unwrap().get(0);
    assert_eq!(size_now, size, "{what}: nothing was built again");
    assert_arrived(&new, &expected, what);
    new.verify_checksums();
    let log = fs::read_to_string(new.folder().join("log")).unwrap_or_default();
    assert!(!log.contains("PANIC") && !log.contains("TRAP"), "{log}");
}

/// The ends of the logs that pg_upgrade keeps in the new cluster when it fails.
fn upgrade_logs(new: &Cluster) -> String {
    let mut ends = String::new();
    let mut folders = vec![new.data().join("pg_upgrade_output.d")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(log) = fs::read_to_string(&path) {
                let lines: Vec<&str> = log.lines().collect();
                ends += &format!("{}:\n{}\n", path.display(), lines[lines.len().saturating_sub(30)..].join("\n"));
            }
        }
    }
    ends
}
