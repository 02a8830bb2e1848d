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

fn new_server(major: u32) -> Cluster {
    let setup = Setup::of(major).unwrap_or_else(|| panic!("PostgreSQL {major} is not installed"));
    Cluster::initialised(setup, "")
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
        let new = new_server(18);
        new.start();
        let roles = old.place("roles.sql");
        let dump = old.place("base.dump");
        // With the programs of the newer version, as PostgreSQL's documentation asks for.
        for (program, arguments) in [
            ("pg_dumpall", vec!["--roles-only", "-f", text(&roles)]),
            ("pg_dump", vec!["-Fc", "-d", "base", "-f", text(&dump)]),
        ] {
            let messages = old.client_program_of(new.setup(), program, &arguments);
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
fn pg_upgrade_from_15_or_16_to_18_keeps_data_and_indexes() {
    for major in [15, 16] {
        let Some(old) = learned(major) else { continue };
        let expected = seen(&old);
        let index = "SELECT pg_relation_size('sutra.vector_all_minilm_l6_v2_idx')";
        let size: i64 = old.connect("base").query_one(index, &[]).unwrap().get(0);
        old.stop();
        let new = new_server(18);
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
            output.unwrap_or_else(|error| panic!("line {} of docs/OPERATIONS.md: {error}", block.line));
        }
        new.start();
        assert_eq!(
            new.connect("base").query_one(index, &[]).unwrap().get::<_, i64>(0),
            size,
            "nothing was built again"
        );
        assert_arrived(&new, &expected, &format!("pg_upgrade of {major} to 18"));
        new.verify_checksums();
        let log = fs::read_to_string(new.folder().join("log")).unwrap_or_default();
        assert!(!log.contains("PANIC") && !log.contains("TRAP"), "{log}");
    }
}
