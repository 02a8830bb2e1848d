//! The sessions of a load.

use std::sync::PoisonError;

use postgres::error::SqlState;
use postgres::{Client, GenericClient};
use rand::Rng;
use rand::rngs::SmallRng;

use super::ledger::Change;
use super::{KEPT_NOTES, Shared};
use crate::{Address, vector};

/// What a session does.
#[derive(Clone, Copy)]
pub enum Session {
    /// Learns, learns again and forgets statements of its own.
    Learner(usize),
    /// Forgets what learners give away.
    Forgetter,
    /// Asks for numbers that were acknowledged.
    Asker,
    /// Keeps a table with vectors of its own.
    Notes,
    /// Puts rows into the inbox and makes jobs of them, which background workers do.
    Ingest(usize),
    /// VACUUM, REINDEX, CREATE INDEX, checkpoints.
    Maintenance,
}

/// Why a session's statement failed.
enum Failure {
    /// The server is gone, or going; nobody knows what became of the statement.
    Gone,
    /// The server refused for the sake of another session; nothing happened.
    Deadlock,
    /// Anything else is a fault.
    Other(String),
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Self {
        match error.as_db_error() {
            // Without a message of the server the connection broke: closed, or reset in the middle of it.
            None => Self::Gone,
            Some(server) if is_shutdown(server.code()) => Self::Gone,
            Some(server) if *server.code() == SqlState::T_R_DEADLOCK_DETECTED => Self::Deadlock,
            Some(server) => Self::Other(format!("{server:?}")),
        }
    }
}

fn is_shutdown(code: &SqlState) -> bool {
    [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW].contains(code)
}

/// Runs a session until it is stopped or its server is gone.
pub fn run(kind: Session, shared: &Shared, address: &Address, mut rng: SmallRng) {
    let Ok(mut client) = address.connect("base") else { return };
    while !shared.stopped() {
        let step = match kind {
            Session::Learner(owner) => learner(owner, shared, &mut client, &mut rng),
            Session::Forgetter => forgetter(shared, &mut client),
            Session::Asker => asker(shared, &mut client, &mut rng),
            Session::Notes => notes(shared, &mut client, &mut rng),
            Session::Ingest(owner) => ingest(owner, shared, &mut client, &mut rng),
            Session::Maintenance => maintenance(&mut client, &mut rng),
        };
        match step {
            Ok(()) | Err(Failure::Deadlock) => {}
            Err(Failure::Gone) => return,
            Err(Failure::Other(message)) => {
                shared.fault(message);
                return;
            }
        }
    }
}

/// Sends changes, runs `act`, and notes what the server said; `act` returns the ids of what it learned.
fn changing(
    shared: &Shared,
    changes: &[(usize, Change)],
    act: impl FnOnce() -> Result<Vec<String>, postgres::Error>,
) -> Result<(), Failure> {
    let sent = shared.ledger.send(changes);
    match act().map_err(Failure::from) {
        Ok(ids) => shared.ledger.acknowledge(sent, &ids),
        Err(Failure::Gone) => return Err(Failure::Gone),
        Err(failure) => {
            shared.ledger.refuse(sent, matches!(failure, Failure::Deadlock));
            return Err(failure);
        }
    }
    Ok(())
}

const METADATA: &str =
    "pg_catalog.jsonb_build_object('entity', $2::text, 'date', ('2001-01-01'::date + $3::int4)::text,
    'temperature', $4::float8, 'batch', $5::text)";

fn learn(
    client: &mut impl GenericClient,
    shared: &Shared,
    key: usize,
    value: f64,
) -> Result<Vec<String>, postgres::Error> {
    let item = shared.ledger.item(key);
    let query = format!("SELECT sutra_learn($1, {METADATA})::text");
    let row = client.query_one(&query, &[&item.content, &item.entity, &item.day, &value, &item.batch])?;
    Ok(vec![row.get(0)])
}

fn learner(owner: usize, shared: &Shared, client: &mut Client, rng: &mut SmallRng) -> Result<(), Failure> {
    let ledger = &shared.ledger;
    let value = f64::from(rng.random_range(-300..400)) / 10.0;
    match rng.random_range(0..100) {
        0..45 => {
            let key = ledger.new_item(owner, "single");
            changing(shared, &[(key, Change::Learn(value))], || learn(client, shared, key, value))
        }
        45..60 => {
            let Some(key) = ledger.pick_own(owner, rng) else { return Ok(()) };
            changing(shared, &[(key, Change::Learn(value))], || learn(client, shared, key, value))
        }
        60..68 => {
            let Some(key) = ledger.pick_own(owner, rng) else { return Ok(()) };
            let id = ledger.item(key).id;
            changing(shared, &[(key, Change::Forget)], || {
                client.execute("SELECT sutra_forget($1::text::concept_id)", &[&id]).map(|_| Vec::new())
            })
        }
        68..76 => {
            if let Some(key) = ledger.pick_own(owner, rng) {
                ledger.give_away(key);
            }
            Ok(())
        }
        76..88 => {
            let keys = [(); 3].map(|()| ledger.new_item(owner, "transaction"));
            let changes = keys.map(|key| (key, Change::Learn(value)));
            if rng.random_bool(0.3) {
                return rolled_back(shared, client, &changes);
            }
            changing(shared, &changes, || {
                let mut transaction = client.transaction()?;
                let mut ids = Vec::new();
                for key in keys {
                    ids.append(&mut learn(&mut transaction, shared, key, value)?);
                }
                transaction.commit()?;
                Ok(ids)
            })
        }
        _ => batch(owner, shared, client, rng, value),
    }
}

/// A transaction that is rolled back: nothing of it may stay, whenever the server dies.
fn rolled_back(shared: &Shared, client: &mut Client, changes: &[(usize, Change)]) -> Result<(), Failure> {
    // Not noted as sent: found in the database, its statements are a fault.
    let mut transaction = client.transaction()?;
    for &(key, change) in changes {
        if let Change::Learn(value) = change {
            learn(&mut transaction, shared, key, value)?;
        }
    }
    transaction.rollback()?;
    Ok(())
}

/// Eight statements with vectors of their own, in one call; then sometimes all of them are forgotten by their metadata.
fn batch(owner: usize, shared: &Shared, client: &mut Client, rng: &mut SmallRng, value: f64) -> Result<(), Failure> {
    let name = format!("batch-{:016x}", rng.random::<u64>());
    let keys = [(); 8].map(|()| shared.ledger.new_item(owner, &name));
    let items = keys.map(|key| shared.ledger.item(key));
    let contents: Vec<&str> = items.iter().map(|item| item.content.as_str()).collect();
    let entities: Vec<&str> = items.iter().map(|item| item.entity.as_str()).collect();
    let days: Vec<i32> = items.iter().map(|item| item.day).collect();
    let vectors: Vec<String> = items.iter().map(|_| vector(384, rng)).collect();
    let query = "SELECT id::text FROM sutra_learn_batch($1::text[],
        ARRAY(SELECT pg_catalog.jsonb_build_object('entity', e, 'date', ('2001-01-01'::date + d)::text,
                  'temperature', $4::float8, 'batch', $5::text)
              FROM ROWS FROM (unnest($2::text[]), unnest($3::int4[])) WITH ORDINALITY AS u (e, d, n) ORDER BY n),
        $6::text[]::embedding[]) AS id";
    changing(shared, &keys.map(|key| (key, Change::Learn(value))), || {
        let rows = client.query(query, &[&contents, &entities, &days, &value, &name, &vectors])?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    })?;
    if rng.random_bool(0.4) {
        changing(shared, &keys.map(|key| (key, Change::Forget)), || {
            let filter = "SELECT sutra_forget_where(pg_catalog.jsonb_build_object('batch', $1::text))";
            client.execute(filter, &[&name]).map(|_| Vec::new())
        })?;
    }
    Ok(())
}

/// A dozen rows and a job for them in one transaction: once it is acknowledged, all of them are learned some time, once.
fn ingest(owner: usize, shared: &Shared, client: &mut Client, rng: &mut SmallRng) -> Result<(), Failure> {
    let value = f64::from(rng.random_range(-300..400)) / 10.0;
    let keys = [(); 12].map(|()| shared.ledger.new_item(owner, "job"));
    let sent = shared.ledger.send(&keys.map(|key| (key, Change::Learn(value))));
    let queue = |client: &mut Client| -> Result<(), postgres::Error> {
        let mut transaction = client.transaction()?;
        for key in keys {
            let item = shared.ledger.item(key);
            let query = format!("INSERT INTO sutra.inbox (content, metadata) SELECT $1, {METADATA}");
            transaction.execute(&query, &[&item.content, &item.entity, &item.day, &value, &item.batch])?;
        }
        transaction.batch_execute("SELECT sutra_ingest()")?;
        transaction.commit()
    };
    match queue(client).map_err(Failure::from) {
        Ok(()) => shared.ledger.acknowledge_queued(sent),
        Err(Failure::Gone) => return Err(Failure::Gone),
        Err(failure) => {
            shared.ledger.refuse(sent, matches!(failure, Failure::Deadlock));
            return Err(failure);
        }
    }
    std::thread::sleep(std::time::Duration::from_millis(rng.random_range(0..300)));
    Ok(())
}

fn forgetter(shared: &Shared, client: &mut Client) -> Result<(), Failure> {
    let Some(key) = shared.ledger.take_given() else {
        std::thread::sleep(std::time::Duration::from_millis(10));
        return Ok(());
    };
    let id = shared.ledger.item(key).id;
    changing(shared, &[(key, Change::Forget)], || {
        client.execute("SELECT sutra_forget($1::text::concept_id)", &[&id]).map(|_| Vec::new())
    })
}

fn asker(shared: &Shared, client: &mut Client, rng: &mut SmallRng) -> Result<(), Failure> {
    let Some((key, known)) = shared.ledger.pick_settled(rng) else {
        std::thread::sleep(std::time::Duration::from_millis(10));
        return Ok(());
    };
    let item = shared.ledger.item(key);
    let question = "SELECT kind, answer, (value->>'value')::float8
        FROM sutra_ask('What was the temperature of ' || $1::text || ' on ' || ('2001-01-01'::date + $2::int4)::text || '?', 1)";
    let row = client.query_one(question, &[&item.entity, &item.day])?;
    let (kind, answer, value): (String, String, Option<f64>) = (row.get(0), row.get(1), row.get(2));
    // Another session may have changed it in the meantime.
    if shared.ledger.still(key, known) {
        if value == Some(known.value) {
            shared.ledger.count_answer();
        } else {
            shared.fault(format!("asked about {item:?}, known as {known:?}: {kind} {answer}"));
        }
    }
    Ok(())
}

fn notes(shared: &Shared, client: &mut Client, rng: &mut SmallRng) -> Result<(), Failure> {
    let mut last = shared.notes.last.lock().unwrap_or_else(PoisonError::into_inner);
    let next = *last + 1;
    let changed = rng.random_range((next - KEPT_NOTES + 1).max(1)..=next);
    let mut transaction = client.transaction()?;
    transaction.execute("INSERT INTO note VALUES ($1, 'note', $2::text::embedding)", &[&next, &vector(16, rng)])?;
    transaction.execute("UPDATE note SET v = $2::text::embedding WHERE id = $1", &[&changed, &vector(16, rng)])?;
    transaction.execute("UPDATE note SET body = body || '.' WHERE id = $1", &[&changed])?;
    transaction.execute("DELETE FROM note WHERE id = $1", &[&(next - KEPT_NOTES)])?;
    transaction.commit()?;
    *last = next;
    Ok(())
}

fn maintenance(client: &mut Client, rng: &mut SmallRng) -> Result<(), Failure> {
    const STATEMENTS: [&[&str]; 10] = [
        &["VACUUM sutra.concept, sutra.association, sutra.observation, sutra.alias, sutra.posting"],
        &["VACUUM sutra.vector_all_minilm_l6_v2"],
        &["VACUUM sutra.vector_all_minilm_l6_v2"],
        &["VACUUM note"],
        &["VACUUM FULL note"],
        &["REINDEX INDEX sutra.vector_all_minilm_l6_v2_idx"],
        &["REINDEX INDEX CONCURRENTLY note_v_idx"],
        &["REINDEX INDEX CONCURRENTLY sutra.vector_all_minilm_l6_v2_idx"],
        &[
            "CREATE INDEX CONCURRENTLY note_extra_idx ON note USING sutra_hnsw (v embedding_ip_ops)",
            "DROP INDEX note_extra_idx",
        ],
        &["CHECKPOINT", "ANALYZE"],
    ];
    for statement in STATEMENTS[rng.random_range(0..STATEMENTS.len())] {
        client.batch_execute(statement)?;
    }
    std::thread::sleep(std::time::Duration::from_millis(rng.random_range(0..30)));
    Ok(())
}
