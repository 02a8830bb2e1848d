//! Killing servers with SIGKILL, and what comes after.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use postgres::Client;
use rand::Rng;
use rand::rngs::SmallRng;

use crate::{Cluster, PATIENCE};

/// What is killed.
#[derive(Clone, Copy, Debug)]
pub enum Victim {
    /// The postmaster: the others notice and end.
    Postmaster,
    /// Any one process of the server: the postmaster ends the others and recovers by itself.
    OneProcess,
    /// All processes at once, as when the power fails (but what the operating system holds is still written).
    Everything,
}

impl Victim {
    /// Any of the three.
    pub fn random(rng: &mut SmallRng) -> Self {
        match rng.random_range(0..3) {
            0 => Self::Postmaster,
            1 => Self::OneProcess,
            _ => Self::Everything,
        }
    }
}

impl Cluster {
    /// The processes of the server but the postmaster.
    pub fn processes(&self) -> Vec<u32> {
        let postmaster = self.postmaster();
        let tasks = fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children")).unwrap_or_default();
        tasks.split_whitespace().filter_map(|process| process.parse().ok()).collect()
    }

    /// Kills and recovers; returns once sessions are accepted. What runs must end when its session does.
    pub fn crash(&self, victim: Victim, rng: &mut SmallRng) {
        match victim {
            Victim::Postmaster => self.kill(),
            Victim::Everything => self.kill_everything(),
            Victim::OneProcess => {
                let processes = self.processes();
                self.kill_process(processes[rng.random_range(0..processes.len())]);
            }
        }
    }

    /// Kills all processes of the server with SIGKILL at one blow: what they were doing stays as far as it was.
    pub fn kill_everything(&self) {
        // The postmaster first: it would answer the end of another by recovering.
        let all: Vec<u32> = [self.postmaster()].into_iter().chain(self.processes()).collect();
        self.setup.signal_all(&all, "KILL");
        let started = Instant::now();
        while all.iter().any(|process| Path::new(&format!("/proc/{process}/exe")).exists()) {
            assert!(started.elapsed() < PATIENCE, "a killed process is still there");
            sleep(Duration::from_millis(5));
        }
    }

    /// Kills one process of the server, and returns once the postmaster has ended the others: a session made before
    /// that would be ended with them.
    pub fn kill_process(&self, process: u32) {
        let seen = self.log_text().matches("all server processes terminated; reinitializing").count();
        if !self.setup.try_signal(process, "KILL") {
            return;
        }
        let started = Instant::now();
        // A process that had ended before the signal came has taken nobody with it.
        while self.log_text().matches("all server processes terminated; reinitializing").count() == seen {
            if started.elapsed() > Duration::from_secs(20) {
                return;
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// Starts the server if it was killed whole, and connects once it accepts sessions.
    pub fn recovered(&self, database: &str) -> Client {
        let alive = fs::read_to_string(self.data().join("postmaster.pid"))
            .ok()
            .and_then(|text| text.lines().next()?.trim().parse::<u32>().ok())
            .is_some_and(|process| Path::new(&format!("/proc/{process}/exe")).exists());
        if !alive {
            self.start();
        }
        let started = Instant::now();
        loop {
            match self.try_connect(database) {
                Ok(client) => return client,
                Err(error) if started.elapsed() > PATIENCE => {
                    panic!("no session after the crash: {error:?}\n{}", self.log_text())
                }
                Err(_) => sleep(Duration::from_millis(20)),
            }
        }
    }

    /// Stops the server, verifies the checksum of every page, and starts it again.
    pub fn verify_checksums(&self) {
        self.stop();
        self.setup.run("pg_checksums", ["--check", "-D"], &self.data());
        self.start();
    }

    /// pg_amcheck of a database, where its extension amcheck is installed: heaps and their btree indexes, every block.
    /// Returns whether it ran.
    pub fn verify_heaps(&self, database: &str) -> bool {
        let mut client = self.connect(database);
        let query = "SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck'";
        if client.query_one(query, &[]).expect("the list of extensions").get::<_, i64>(0) == 0 {
            return false;
        }
        let socket = self.socket();
        let socket = socket.to_str().expect("test folders have plain names");
        let arguments = ["-h", socket, "-U", "postgres", "-d", database, "--install-missing", "--heapallindexed"];
        self.setup.output("pg_amcheck", arguments).unwrap_or_else(|error| panic!("{error}"));
        true
    }
}
