//! Real PostgreSQL clusters for tests: make, start, kill, restart, dump, replicate and remove them.
//!
//! `make test` says in the environment which installation to use and where clusters may live; see [`Setup::get`].
//! A cluster listens on a UNIX socket in its own folder only. When its value is dropped, also by a panic, its server
//! is stopped and its folder removed.

pub mod backup;
pub mod catalog;
mod command;
pub mod crash;
pub mod index;
pub mod load;
pub mod runbook;
pub mod sample;
pub mod tenants;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use postgres::{Client, NoTls};
use rand::Rng;
use rand::rngs::SmallRng;

pub use command::Setup;

/// How long a server may take for what takes a moment: starting, ending, catching up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a server listens, for sessions of other threads.
#[derive(Clone)]
pub struct Address(PathBuf);

impl Address {
    /// Connects as superuser, or says why not.
    pub fn connect(&self, database: &str) -> Result<Client, postgres::Error> {
        self.connect_as("postgres", database)
    }

    /// Connects as a role, or says why not.
    pub fn connect_as(&self, role: &str, database: &str) -> Result<Client, postgres::Error> {
        postgres::Config::new()
            .host_path(&self.0)
            .user(role)
            .dbname(database)
            .connect_timeout(Duration::from_secs(10))
            .connect(NoTls)
    }
}

/// A PostgreSQL cluster with its server; dropped, it is gone.
pub struct Cluster {
    setup: Setup,
    folder: PathBuf,
}

impl Cluster {
    /// Makes a cluster with data checksums and starts it.
    pub fn new() -> Self {
        Self::with_settings("")
    }

    /// Makes a cluster with settings of its own, as lines of postgresql.conf, and starts it.
    pub fn with_settings(settings: &str) -> Self {
        let cluster = Self::initialised(Setup::get(), settings);
        cluster.start();
        cluster
    }

    /// Makes a cluster of an installation, not started.
    pub fn initialised(setup: Setup, settings: &str) -> Self {
        let cluster = Self::in_new_folder(setup);
        let data = cluster.data();
        cluster.setup.run(
            "initdb",
            ["-N", "-U", "postgres", "-A", "trust", "--data-checksums", "-E", "UTF8", "--locale=C", "-D"],
            &data,
        );
        // The default durability, so that a crash test means something; only the memory is small.
        cluster.configure(&format!(
            "listen_addresses = ''\nshared_buffers = '32MB'\nmax_connections = 30\nmax_wal_senders = 4\n\
             log_line_prefix = '%m [%p] '\n{settings}\n"
        ));
        cluster
    }

    /// A cluster without data yet, in a folder of its own.
    pub fn in_new_folder(setup: Setup) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // Short, because the path of a UNIX socket has at most 107 bytes.
        let folder = setup.folder.join(format!("c{}-{number}", std::process::id()));
        setup.make_folder(&folder);
        setup.make_folder(&folder.join("s"));
        Self { setup, folder }
    }

    /// Adds lines to the configuration; the server reads them when it starts.
    pub fn configure(&self, settings: &str) {
        let file = self.data().join("postgresql.auto.conf");
        let mut file = fs::OpenOptions::new().append(true).open(file).expect("the configuration is there");
        writeln!(file, "{settings}").expect("the configuration can be written");
    }

    /// The installation that this cluster is of.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The folder of all that belongs to the cluster.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the server listens.
    pub fn address(&self) -> Address {
        Address(self.socket())
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The folder of the socket: the host to connect to.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("s")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// Starts the server, waiting for what a killed one has left to end.
    pub fn start(&self) {
        self.start_with("");
    }

    /// Starts the server with these options on its command line.
    pub fn start_with(&self, options: &str) {
        let options = format!("-k {} {options}", self.socket().display());
        let started = Instant::now();
        loop {
            let data = self.data();
            let log = self.log();
            let arguments = ["-D", path(&data), "-w", "-t", "60", "-o", &options, "-l", path(&log), "start"];
            match self.setup.output("pg_ctl", arguments) {
                Ok(_) => return,
                // The processes of a killed postmaster end by themselves, but not at once.
                Err(_) if started.elapsed() < PATIENCE => sleep(Duration::from_millis(100)),
                Err(error) => {
                    let log = fs::read_to_string(self.log()).unwrap_or_default();
                    panic!("the server does not start: {error}\nits log:\n{log}");
                }
            }
        }
    }

    /// Stops the server in order: sessions end, a checkpoint is made.
    pub fn stop(&self) {
        self.setup.run("pg_ctl", ["-w", "-m", "fast", "stop", "-D"], &self.data());
    }

    /// Switches data checksums off; the server is stopped.
    pub fn disable_checksums(&self) {
        self.setup.run("pg_checksums", ["--disable", "-D"], &self.data());
    }

    /// Stops and starts the server.
    pub fn restart(&self) {
        self.stop();
        self.start();
    }

    /// The process id of the postmaster.
    pub fn postmaster(&self) -> u32 {
        let text = fs::read_to_string(self.data().join("postmaster.pid")).expect("the server runs");
        text.lines().next().and_then(|line| line.trim().parse().ok()).expect("the first line is a process id")
    }

    /// Kills the postmaster with SIGKILL: no checkpoint, no clean end. [`Cluster::start`] recovers.
    pub fn kill(&self) {
        let postmaster = self.postmaster();
        self.setup.signal(postmaster, "KILL");
        let started = Instant::now();
        while Path::new(&format!("/proc/{postmaster}/exe")).exists() {
            assert!(started.elapsed() < PATIENCE, "the killed postmaster is still there");
            sleep(Duration::from_millis(5));
        }
    }

    /// Sends a signal to a process of the server, or to one that the server has started.
    pub fn signal(&self, process: u32, name: &str) {
        self.setup.signal(process, name);
    }

    /// The process ids of the server's embedding helpers: grandchildren of the postmaster.
    pub fn embedding_helpers(&self) -> Vec<u32> {
        let postmaster = self.postmaster();
        let processes = fs::read_dir("/proc").expect("there is /proc");
        let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
        let is_helper = |process: &u32| {
            let name = fs::read_link(format!("/proc/{process}/exe")).unwrap_or_default();
            name.ends_with("sutra-embedder") && parent(*process).and_then(parent) == Some(postmaster)
        };
        numbers.filter(is_helper).collect()
    }

    /// The process ids of the workers that drive the embedding helpers.
    pub fn embedding_workers(&self) -> Vec<u32> {
        let mut workers: Vec<u32> = self.embedding_helpers().into_iter().filter_map(parent).collect();
        workers.sort_unstable();
        workers
    }

    /// Connects as a role.
    pub fn connect_as(&self, database: &str, role: &str) -> Client {
        let mut config = postgres::Config::new();
        config.host_path(self.socket()).user(role).dbname(database).connect_timeout(Duration::from_secs(10));
        config.connect(NoTls).expect("the server accepts a connection")
    }

    /// Connects as superuser.
    pub fn connect(&self, database: &str) -> Client {
        self.try_connect(database).expect("the server accepts a connection")
    }

    /// Connects as superuser, or says why not.
    pub fn try_connect(&self, database: &str) -> Result<Client, postgres::Error> {
        self.address().connect(database)
    }

    /// Makes a database and connects to it.
    pub fn create_database(&self, name: &str) -> Client {
        self.connect("postgres").batch_execute(&format!("CREATE DATABASE {name}")).expect("a database can be made");
        self.connect(name)
    }

    /// Makes a database with the extension and connects to it.
    pub fn create_knowledge_base(&self, name: &str) -> Client {
        let mut client = self.create_database(name);
        client.batch_execute("CREATE EXTENSION sutra").expect("the extension can be created");
        client
    }

    /// pg_dump of a database, as SQL. A warning is a failure: a dump needs nobody's attention.
    pub fn dump(&self, database: &str) -> String {
        let file = self.folder.join(format!("{database}.dump"));
        let socket = self.socket();
        let arguments = ["-h", path(&socket), "-U", "postgres", "-d", database, "-f", path(&file)];
        let messages = self.setup.output("pg_dump", arguments).unwrap_or_else(|error| panic!("pg_dump fails: {error}"));
        assert_eq!(messages, "", "pg_dump warns");
        fs::read_to_string(&file).expect("the dump is there")
    }

    /// Runs SQL, such as a dump, with psql and stops at the first error.
    pub fn restore(&self, database: &str, sql: &str) {
        let file = self.folder.join(format!("{database}.sql"));
        fs::write(&file, sql).expect("the dump can be written");
        let socket = self.socket();
        let arguments = [
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            path(&socket),
            "-U",
            "postgres",
            "-d",
            database,
            "-f",
            path(&file),
        ];
        self.setup.output("psql", arguments).unwrap_or_else(|error| panic!("the dump does not load: {error}"));
    }

    /// A streaming replica of this cluster, started.
    pub fn replica(&self) -> Self {
        let replica = Self::in_new_folder(self.setup.clone());
        let socket = self.socket();
        let arguments = ["-h", path(&socket), "-U", "postgres", "-R", "-X", "stream", "-c", "fast", "-D"];
        self.setup.run("pg_basebackup", arguments, &replica.data());
        replica.start();
        replica
    }

    /// Waits until this replica has replayed all that its primary has written.
    pub fn wait_for(&self, primary: &Cluster) {
        let position: String = primary
            .connect("postgres")
            .query_one("SELECT pg_current_wal_flush_lsn()::text", &[])
            .expect("the primary answers")
            .get(0);
        let mut client = self.connect("postgres");
        let started = Instant::now();
        let query = "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn";
        while !client.query_one(query, &[&position]).expect("the replica answers").get::<_, bool>(0) {
            assert!(started.elapsed() < PATIENCE, "the replica does not reach {position}");
            sleep(Duration::from_millis(20));
        }
    }

    /// Makes a replica a primary.
    pub fn promote(&self) {
        self.setup.run("pg_ctl", ["-w", "promote", "-D"], &self.data());
    }

    /// The server's log, for a look after a failure.
    pub fn log_text(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }
}

impl Default for Cluster {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log_text();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!(
                "end of the log of {}:\n{}",
                self.folder.display(),
                lines[lines.len().saturating_sub(30)..].join("\n")
            );
        }
        let data = self.data();
        // A server that is already gone is what is wanted.
        let _ = self.setup.output("pg_ctl", ["-w", "-m", "immediate", "-D", path(&data), "stop"]);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The parent of a process, while there is one.
fn parent(process: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

fn path(path: &Path) -> &str {
    path.to_str().expect("test folders have plain names")
}

/// A file of the project. Its checkout is the one that cargo names at run time: one folder of compiled programs may serve several.
pub fn project_file(path: &str) -> PathBuf {
    Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo runs the tests")).join("../..").join(path)
}

/// The table of the active model's vectors.
pub fn vector_table(client: &mut Client) -> String {
    client.query_one("SELECT vector_table::text FROM sutra.models WHERE active", &[]).expect("a model is active").get(0)
}

/// A random vector as text.
pub fn vector(dimension: usize, rng: &mut SmallRng) -> String {
    let numbers: Vec<String> = (0..dimension).map(|_| format!("{:.4}", rng.random_range(-1.0f32..1.0))).collect();
    format!("[{}]", numbers.join(","))
}
