//! Files of the project that tests read, and lines of CSV.

use std::path::PathBuf;

/// A file of the project.
pub fn file(path: &str) -> String {
    // As cargo says at run time: one folder of compiled programs may serve several checkouts.
    let package = std::env::var("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    let path = PathBuf::from(package).join("../..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The fields of a line of CSV; fields in quotes may hold commas.
pub fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            character => fields.last_mut().unwrap().push(character),
        }
    }
    fields
}
