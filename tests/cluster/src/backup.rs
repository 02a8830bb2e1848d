//! Dumps and physical backups, and the comparison of what came back.

use std::fs;
use std::path::{Path, PathBuf};

use postgres::Client;

use crate::{Cluster, Setup, path, vector_table};

impl Cluster {
    /// Runs a client program of the installation against this server: its arguments after host and user.
    pub fn client_program(&self, program: &str, arguments: &[&str]) -> Result<String, String> {
        self.client_program_of(&self.setup, program, arguments)
    }

    /// Runs a client program of another installation against this server.
    pub fn client_program_of(&self, setup: &Setup, program: &str, arguments: &[&str]) -> Result<String, String> {
        let socket = self.socket();
        setup.output(program, ["-h", path(&socket), "-U", "postgres"].iter().chain(arguments))
    }

    /// A place for a file or folder that the server's user writes.
    pub fn place(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A base backup with its WAL, as a folder of files; `options` are further arguments of pg_basebackup.
    pub fn base_backup(&self, folder: &Path, options: &[&str]) {
        let fixed = ["-X", "stream", "-c", "fast", "--manifest-checksums=SHA256", "-D", path(folder)];
        let arguments = [&fixed, options].concat();
        self.client_program("pg_basebackup", &arguments).unwrap_or_else(|error| panic!("{error}"));
    }

    /// A cluster of the same installation from a folder of data, not started.
    pub fn from_data(setup: Setup, data: &Path) -> Self {
        let cluster = Self::in_new_folder(setup);
        fs::rename(data, cluster.data()).unwrap_or_else(|error| panic!("{}: {error}", data.display()));
        cluster
    }
}

/// pg_verifybackup of a backup. The pinned wheel's own for 18 does not start: there every file of the manifest is
/// compared by its size and SHA-256, which is the greater part of what pg_verifybackup does.
pub fn verify(setup: &Setup, backup: &Path) {
    if setup.output("pg_verifybackup", ["--version"]).is_ok() {
        return setup.run("pg_verifybackup", [], backup);
    }
    let manifest = fs::read_to_string(backup.join("backup_manifest")).expect("a backup has a manifest");
    let field = |line: &str, name: &str| -> Option<String> {
        let rest = line.split_once(&format!("\"{name}\": "))?.1;
        Some(rest.split([',', '}']).next()?.trim().trim_matches('"').to_owned())
    };
    let mut sums = String::new();
    for line in manifest.lines() {
        if let (Some(file), Some(size), Some(sum)) = (field(line, "Path"), field(line, "Size"), field(line, "Checksum"))
        {
            let file = backup.join(file);
            let length = fs::metadata(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())).len();
            assert_eq!(length.to_string(), size, "{}", file.display());
            sums += &format!("{sum}  {}\n", file.display());
        }
    }
    assert!(sums.lines().count() > 500, "the manifest names few files: {manifest}");
    let list = backup.with_extension("sha256");
    fs::write(&list, sums).expect("the list can be written");
    let status = std::process::Command::new("sha256sum").args(["--check", "--quiet", path(&list)]).status();
    assert!(status.is_ok_and(|status| status.success()), "{} is damaged", backup.display());
}

/// Everything in schema sutra that a user put there or that was derived from it, as one text for each table, and the
/// grants and policies of each.
pub fn contents(client: &mut Client) -> Vec<(String, String)> {
    let tables: Vec<String> = client
        .query(
            // The inverted index is derived and may be cut into other blocks.
            "SELECT c.oid::regclass::text FROM pg_class AS c
             WHERE c.relnamespace = 'sutra'::regnamespace AND c.relkind IN ('r', 'S') AND c.relname <> 'posting' ORDER BY 1",
            &[],
        )
        .expect("the catalog can be read")
        .iter()
        .map(|row| row.get(0))
        .collect();
    let mut found: Vec<(String, String)> = tables
        .iter()
        .map(|table| {
            let query = format!(
                "SELECT count(*) || ' rows ' || coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\")), '') FROM {table} AS t"
            );
            // A sequence also shows how many values are logged ahead, which a crash or a copy changes.
            let query = if table.ends_with("_seq") {
                format!("SELECT last_value || ' ' || is_called FROM {table}")
            } else {
                query
            };
            (table.clone(), client.query_one(&query, &[]).expect("a table can be read").get(0))
        })
        .collect();
    for (what, query) in [
        (
            "grants",
            "SELECT coalesce(string_agg(g, E'\\n' ORDER BY g COLLATE \"C\"), '') FROM (
                 SELECT c.relname || ' ' || a.grantee::regrole || ' ' || a.privilege_type AS g
                 FROM pg_class AS c, aclexplode(c.relacl) AS a
                 -- An owner may do all, which from 17 on is one thing more.
                 WHERE c.relnamespace = 'sutra'::regnamespace AND a.grantee <> 0
                     AND NOT (a.grantee = c.relowner AND a.privilege_type = 'MAINTAIN')
                 UNION ALL
                 SELECT p.proname || ' ' || a.grantee::regrole || ' ' || a.privilege_type
                 FROM pg_proc AS p, aclexplode(p.proacl) AS a
                 WHERE p.oid >= 16384 AND a.grantee <> 0) AS x",
        ),
        (
            "policies",
            "SELECT string_agg(tablename || ' ' || policyname || ' ' || cmd || ' ' || coalesce(qual, '') || ' ' || coalesce(with_check, ''),
                 E'\\n' ORDER BY tablename, policyname) FROM pg_policies WHERE schemaname = 'sutra'",
        ),
        (
            "indexes",
            "SELECT string_agg(indexdef, E'\\n' ORDER BY indexdef) FROM pg_indexes WHERE schemaname = 'sutra'",
        ),
    ] {
        let text: Option<String> = client.query_one(query, &[]).expect("the catalog can be read").get(0);
        found.push((what.to_owned(), text.unwrap_or_default()));
    }
    found
}

/// Panics unless both hold the same, and says where they differ.
pub fn assert_same(found: &[(String, String)], expected: &[(String, String)], what: &str) {
    for ((table, found), (other, expected)) in found.iter().zip(expected) {
        assert_eq!(table, other, "{what}: other tables");
        assert_eq!(found, expected, "{what}: {table} differs");
    }
    assert_eq!(found.len(), expected.len(), "{what}: other tables");
}

/// What a role sees: numbers of rows and their contents, found by an answer, by words and by vectors.
pub fn view(client: &mut Client, space: &str) -> Vec<String> {
    client.execute("SELECT set_config('sutra.space', $1, false)", &[&space]).expect("a setting");
    let table = vector_table(client);
    let mut seen = Vec::new();
    for query in [
        "SELECT count(*) || coalesce(md5(string_agg(c::text, ',' ORDER BY c.space, c.id)), '') FROM sutra.concept AS c",
        "SELECT count(*) || coalesce(md5(string_agg(a::text, ',' ORDER BY a::text COLLATE \"C\")), '') FROM sutra.association AS a",
        "SELECT count(*) || coalesce(md5(string_agg(o::text, ',' ORDER BY o::text COLLATE \"C\")), '') FROM sutra.observation AS o",
        &format!(
            "SELECT count(*) || coalesce(md5(string_agg(v::text, ',' ORDER BY v::text COLLATE \"C\")), '') FROM {table} AS v"
        ),
        "SELECT coalesce(string_agg(s::text, ',' ORDER BY s.score DESC, s.concept_id), '') FROM sutra_search('closing price of the station', 20) AS s",
        "SELECT string_agg(a::text, ',' ORDER BY a.rank) FROM sutra_ask('AAPL trend') AS a",
        "SELECT string_agg(a::text, ',' ORDER BY a.rank) FROM sutra_ask('highest temperature of Kew Gardens in July 2024') AS a",
    ] {
        seen.push(client.query_one(query, &[]).unwrap_or_else(|error| panic!("{query}: {error:?}")).get(0));
    }
    seen
}
