//! Sessions that learn, forget, ask, build indexes and vacuum, all at once, until they are stopped or the server dies;
//! and what must hold in the database afterwards.

mod check;
mod ledger;
mod sessions;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

pub use check::{check, wholeness};
pub use ledger::{Change, Item, Known, Ledger, Totals};

use crate::Cluster;

/// How many sessions learn.
const LEARNERS: usize = 3;

/// What all sessions of a load share.
struct Shared {
    ledger: Arc<Ledger>,
    notes: Arc<Notes>,
    stop: AtomicBool,
    faults: Mutex<Vec<String>>,
}

impl Shared {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn fault(&self, fault: String) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }
}

/// The table of a user with an index of its own: at every time the rows `last - 99 ..= last` are there.
#[derive(Default)]
pub struct Notes {
    last: Mutex<i64>,
}

impl Notes {
    /// The row acknowledged last.
    pub fn last(&self) -> i64 {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many rows the user's table keeps.
const KEPT_NOTES: i64 = 100;

/// A running load.
pub struct Load {
    shared: Arc<Shared>,
    sessions: Vec<JoinHandle<()>>,
}

/// Which sessions a load has.
#[derive(Clone, Copy, PartialEq)]
pub enum Mix {
    /// Learners, a forgetter, an asker, a user of vectors of their own, index builds and VACUUM.
    Everything,
    /// These, and a session that fills the inbox for jobs. What jobs do goes on when the load is stopped.
    WithJobs,
}

impl Load {
    /// Makes what the load needs in a database with the extension.
    pub fn prepare(client: &mut postgres::Client) {
        client
            .batch_execute(
                "CREATE TABLE note (id bigint PRIMARY KEY, body text NOT NULL, v embedding(16) NOT NULL);
                 CREATE INDEX note_v_idx ON note USING sutra_hnsw (v embedding_l2_ops);
                 SELECT sutra.make_vector_table('all-MiniLM-L6-v2')",
            )
            .expect("a table of vectors can be made");
    }

    /// Starts the sessions against the database `base`.
    pub fn start(cluster: &Cluster, ledger: &Arc<Ledger>, notes: &Arc<Notes>, mix: Mix, rng: &mut SmallRng) -> Self {
        let shared = Arc::new(Shared {
            ledger: Arc::clone(ledger),
            notes: Arc::clone(notes),
            stop: AtomicBool::new(false),
            faults: Mutex::new(Vec::new()),
        });
        let mut kinds: Vec<sessions::Session> = (0..LEARNERS).map(sessions::Session::Learner).collect();
        use sessions::Session::{Asker, Forgetter, Ingest, Maintenance, Notes};
        kinds.extend([Forgetter, Asker, Notes, Maintenance]);
        if mix == Mix::WithJobs {
            kinds.push(Ingest(LEARNERS));
        }
        let sessions = kinds
            .into_iter()
            .map(|kind| {
                let shared = Arc::clone(&shared);
                let address = cluster.address();
                let rng = SmallRng::seed_from_u64(rng.random());
                std::thread::spawn(move || sessions::run(kind, &shared, &address, rng))
            })
            .collect();
        Self { shared, sessions }
    }

    /// Lets the sessions finish what they do, which for a server that was killed is nothing, and waits for them.
    /// Returns what they found wrong.
    pub fn stop(self) -> Vec<String> {
        self.shared.stop.store(true, Ordering::Relaxed);
        for session in self.sessions {
            if let Err(panic) = session.join() {
                let text = panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "a session panicked".to_owned());
                self.shared.fault(text);
            }
        }
        std::mem::take(&mut *self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
