//! Executes docs/OPERATIONS.md: every block of commands, in its order, on one cluster.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use sutra_cluster_tests::{Cluster, runbook};

#[test]
fn every_command_of_the_runbook_works() {
    let cluster = Cluster::new();
    let socket = cluster.socket();
    // What the page takes for granted: the socket is where PGHOST says, for every server that is made from this one.
    cluster.configure(&format!("unix_socket_directories = '{}'", socket.display()));
    cluster.restart();
    let folder = cluster.place("ops");
    cluster.setup().make_folder(&folder);
    let variables = [
        ("PG_CONFIG", std::env::var("SUTRA_PG_CONFIG").expect("scripts/test says so")),
        ("PGDATA", cluster.data().display().to_string()),
        ("PGHOST", socket.display().to_string()),
        ("PGUSER", "postgres".to_owned()),
        ("BACKUPS", folder.display().to_string()),
        ("STANDBY", folder.join("standby").display().to_string()),
    ];
    let blocks = runbook::blocks();
    assert!(blocks.len() > 20, "the runbook has only {} blocks", blocks.len());
    let mut executed = 0;
    for block in &blocks {
        let result = match block.kind.as_str() {
            // Installing is what happened before these tests, by the same script; here is only seen that make knows how.
            "sh make" => dry_run(&block.text, &variables),
            "sh" => runbook::shell(cluster.setup(), &folder, &variables, &block.text),
            "sql" => runbook::sql(cluster.setup(), &folder, &variables, &block.text),
            "sh versions" => continue,
            other => panic!("line {}: a block of kind {other:?} is not executed by anybody", block.line),
        };
        let output = result.unwrap_or_else(|error| {
            panic!("line {} of docs/OPERATIONS.md:\n{}\n{error}\n{}", block.line, block.text, cluster.log_text())
        });
        println!("line {}: {}", block.line, output.lines().next().unwrap_or("ok"));
        executed += 1;
    }
    println!("{executed} of {} blocks executed", blocks.len());
}

fn dry_run(text: &str, variables: &[(&str, String)]) -> Result<String, String> {
    let project = sutra_cluster_tests::project_file("");
    let mut command = Command::new("bash");
    command.arg("-ec").arg(text.replace("make ", "make --dry-run ")).current_dir(project);
    for (name, value) in variables {
        command.env(name, value);
    }
    let output = command.arg0("bash").output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.success() && text.contains("scripts/install") { Ok(text) } else { Err(text) }
}

/// A page that no longer has the blocks would pass by executing nothing of them.
#[test]
fn the_runbook_speaks_of_every_task() {
    let text = fs::read_to_string(runbook::path()).expect("docs/OPERATIONS.md is there");
    for heading in ["Install", "Configure", "Monitor", "Back up", "Restore", "Replicate", "Upgrade", "Size"] {
        let after = text.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no chapter {heading}")).1;
        let chapter = after.split("\n## ").next().unwrap_or_default();
        assert!(chapter.contains("```s"), "the chapter {heading} has no command");
    }
}
