//! The blocks of commands of docs/OPERATIONS.md, and running them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Setup;

/// A fenced block.
pub struct Block {
    /// The line that it begins on.
    pub line: usize,
    /// What stands after the fence: the language and who executes it.
    pub kind: String,
    /// Its lines.
    pub text: String,
}

/// Where the runbook is.
pub fn path() -> PathBuf {
    crate::project_file("docs/OPERATIONS.md")
}

/// The fenced blocks of the runbook in their order.
pub fn blocks() -> Vec<Block> {
    let text = fs::read_to_string(path()).expect("docs/OPERATIONS.md is there");
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(kind), None) => open = Some(Block { line: number + 1, kind: kind.to_owned(), text: String::new() }),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    blocks
}

/// Runs commands with bash as the user of the servers, the installation's programs first on the PATH.
pub fn shell(setup: &Setup, folder: &Path, variables: &[(&str, String)], text: &str) -> Result<String, String> {
    let mut script = format!("set -euo pipefail\nexport PATH='{}':\"$PATH\"\n", setup.programs.display());
    for (name, value) in variables {
        script += &format!("export {name}='{value}'\n");
    }
    let file = folder.join("block.sh");
    fs::write(&file, script + text).map_err(|error| error.to_string())?;
    setup.output_in(folder, "/bin/bash", [file])
}

/// Runs SQL with psql, one statement a transaction, in the database `knowledge`.
pub fn sql(setup: &Setup, folder: &Path, variables: &[(&str, String)], text: &str) -> Result<String, String> {
    let file = folder.join("block.sql");
    fs::write(&file, text).map_err(|error| error.to_string())?;
    let command = format!("psql -X -At -v ON_ERROR_STOP=1 -d knowledge -f '{}'\n", file.display());
    shell(setup, folder, variables, &command)
}
