//! What the server has acknowledged, kept outside of it: in memory, and line by line in a file.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rand::Rng;
use rand::rngs::SmallRng;

/// The state of a statement that is there: how often it was learned and the value that holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// `times_learned`.
    pub times: i32,
    /// The temperature learned last.
    pub value: f64,
}

/// One change of one statement.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// Learned, for the first time or again, with this value.
    Learn(f64),
    /// Forgotten.
    Forget,
}

/// A statement that a session has sent.
#[derive(Clone, Debug)]
pub struct Item {
    /// The text, different for each item.
    pub content: String,
    /// What it speaks of.
    pub entity: String,
    /// The day it speaks of, counted from 2001-01-01; no other item has the same entity and day.
    pub day: i32,
    /// The key of the statements that are forgotten together.
    pub batch: String,
    /// A word that only this item has.
    pub word: String,
    /// Its concept_id, once the server has said so.
    pub id: Option<String>,
    acknowledged: Option<Known>,
    // The change that was sent and not answered, and the transaction that it belongs to.
    open: Option<(u64, Change)>,
    given_away: bool,
    // Acknowledged as a row of the inbox: it will be learned, nobody knows when.
    queued: bool,
    touched: bool,
}

impl Item {
    fn changed(known: Option<Known>, change: Change) -> Option<Known> {
        match change {
            Change::Learn(value) => Some(Known { times: known.map_or(0, |known| known.times) + 1, value }),
            Change::Forget => None,
        }
    }
}

/// The changes of one transaction that was sent.
#[must_use]
pub struct Sent {
    transaction: u64,
    keys: Vec<usize>,
}

/// What the load came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Learns that the server acknowledged.
    pub learned: usize,
    /// Forgotten statements that the server acknowledged.
    pub forgotten: usize,
    /// Transactions that were under way when the server died, and were found whole.
    pub open_kept: usize,
    /// Transactions that were under way when the server died, and had left nothing.
    pub open_gone: usize,
    /// Questions that were asked of what was acknowledged, and answered right.
    pub asked: usize,
    /// Changes that the server refused because of a deadlock: nothing happened, and they were tried again.
    pub deadlocks: usize,
}

struct State {
    items: Vec<Item>,
    owned: HashMap<usize, Vec<usize>>,
    given: Vec<usize>,
    transactions: u64,
    totals: Totals,
    file: File,
}

/// The book of all that was sent and acknowledged; sessions share it.
pub struct Ledger(Mutex<State>);

impl Ledger {
    /// An empty ledger that writes to a file.
    pub fn new(file: &Path) -> Self {
        let file = File::create(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Self(Mutex::new(State {
            items: Vec::new(),
            owned: HashMap::new(),
            given: Vec::new(),
            transactions: 0,
            totals: Totals::default(),
            file,
        }))
    }

    // A session that found a fault panics; the others go on.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new item of a session, not sent yet. `batch` groups items.
    pub fn new_item(&self, owner: usize, batch: &str) -> usize {
        let mut state = self.state();
        let key = state.items.len();
        let owned = state.owned.entry(owner).or_default();
        let number = owned.len();
        owned.push(key);
        let entity = entity(owner, number % ENTITIES);
        let day = (number / ENTITIES) as i32;
        let word = word(key);
        state.items.push(Item {
            content: format!("Station {entity} filed the report {word} about the weather of its day {day}."),
            entity,
            day,
            batch: batch.to_owned(),
            word,
            id: None,
            acknowledged: None,
            open: None,
            given_away: false,
            queued: false,
            touched: false,
        });
        key
    }

    /// A copy of an item.
    pub fn item(&self, key: usize) -> Item {
        self.state().items[key].clone()
    }

    /// Some statement of a session that is there and that nothing is open for.
    pub fn pick_own(&self, owner: usize, rng: &mut SmallRng) -> Option<usize> {
        let state = self.state();
        let owned = state.owned.get(&owner)?;
        (0..8).find_map(|_| {
            let key = *owned.get(rng.random_range(0..owned.len().max(1)))?;
            let item = &state.items[key];
            // One that was under way when the server died has an id that only the server knows.
            (item.acknowledged.is_some() && item.id.is_some() && item.open.is_none() && !item.given_away).then_some(key)
        })
    }

    /// Leaves a statement to whoever forgets.
    pub fn give_away(&self, key: usize) {
        let mut state = self.state();
        state.items[key].given_away = true;
        state.given.push(key);
    }

    /// The oldest statement left to be forgotten.
    pub fn take_given(&self) -> Option<usize> {
        let mut state = self.state();
        (!state.given.is_empty()).then(|| state.given.remove(0))
    }

    /// Notes a transaction before it is sent.
    pub fn send(&self, changes: &[(usize, Change)]) -> Sent {
        let mut state = self.state();
        state.transactions += 1;
        let transaction = state.transactions;
        for &(key, change) in changes {
            let item = &mut state.items[key];
            assert!(item.open.is_none(), "one session changes one item at a time");
            item.open = Some((transaction, change));
            item.touched = true;
            state.write(&format!("{transaction} sent {key} {change:?}"));
        }
        Sent { transaction, keys: changes.iter().map(|&(key, _)| key).collect() }
    }

    /// The server has acknowledged a transaction; `ids` are the concepts of its changes in order, where it gave any.
    pub fn acknowledge(&self, sent: Sent, ids: &[String]) {
        let mut state = self.state();
        for (position, &key) in sent.keys.iter().enumerate() {
            let item = &mut state.items[key];
            if let Some((_, change)) = item.open.take() {
                item.acknowledged = Item::changed(item.acknowledged, change);
                if let Some(id) = ids.get(position) {
                    assert!(item.id.as_ref().is_none_or(|known| known == id), "{item:?} has another id now: {id}");
                    item.id = Some(id.clone());
                }
                match change {
                    Change::Learn(_) => state.totals.learned += 1,
                    Change::Forget => state.totals.forgotten += 1,
                }
            }
        }
        state.write(&format!("{} acknowledged", sent.transaction));
    }

    /// The server has acknowledged rows of the inbox, which a job will learn.
    pub fn acknowledge_queued(&self, sent: Sent) {
        for &key in &sent.keys {
            self.state().items[key].queued = true;
        }
        self.acknowledge(sent, &[]);
    }

    /// The server has refused a transaction or rolled it back: nothing of it may be there.
    pub fn refuse(&self, sent: Sent, deadlock: bool) {
        let mut state = self.state();
        for &key in &sent.keys {
            state.items[key].open = None;
        }
        state.totals.deadlocks += usize::from(deadlock);
        state.write(&format!("{} refused", sent.transaction));
    }

    /// Some statement of any session that is there and that nothing is open for, with what is known of it.
    pub fn pick_settled(&self, rng: &mut SmallRng) -> Option<(usize, Known)> {
        let state = self.state();
        (0..8).find_map(|_| {
            let key = rng.random_range(0..state.items.len().max(1));
            let item = state.items.get(key)?;
            if item.open.is_some() || item.queued { None } else { item.acknowledged.map(|known| (key, known)) }
        })
    }

    /// Whether a statement still is as it was known before a question was asked about it.
    pub fn still(&self, key: usize, known: Known) -> bool {
        let state = self.state();
        state.items[key].open.is_none() && state.items[key].acknowledged == Some(known)
    }

    /// Counts a right answer.
    pub fn count_answer(&self) {
        self.state().totals.asked += 1;
    }

    /// What the load came to up to now.
    pub fn totals(&self) -> Totals {
        self.state().totals
    }

    /// Compares with the statements found in the database, by content, and settles what was open. Returns the faults:
    /// what was acknowledged and is not there as it was, what was never sent, and transactions that are there in part.
    pub fn settle(&self, found: &HashMap<String, Known>) -> Vec<String> {
        let mut state = self.state();
        let mut faults = Vec::new();
        let mut transactions: HashMap<u64, Vec<bool>> = HashMap::new();
        for item in &mut state.items {
            item.queued = false;
            let actual = found.get(&item.content).copied();
            match item.open.take() {
                None if actual == item.acknowledged => {}
                None => faults.push(format!("acknowledged {:?} and found {actual:?}: {item:?}", item.acknowledged)),
                Some((transaction, change)) => {
                    let after = Item::changed(item.acknowledged, change);
                    // A change that changes nothing, as forgetting what is not there, says nothing about its transaction.
                    if actual == item.acknowledged && actual == after {
                    } else if actual == item.acknowledged || actual == after {
                        transactions.entry(transaction).or_default().push(actual == after);
                    } else {
                        faults.push(format!(
                            "acknowledged {:?}, then sent {change:?}, and found {actual:?}: {item:?}",
                            item.acknowledged
                        ));
                    }
                    item.acknowledged = actual;
                }
            }
        }
        let known: std::collections::HashSet<&str> = state.items.iter().map(|item| item.content.as_str()).collect();
        faults.extend(
            found
                .keys()
                .filter(|content| !known.contains(content.as_str()))
                .map(|content| format!("never sent: {content}")),
        );
        for (transaction, kept) in transactions {
            if kept.iter().all(|&kept| kept) {
                state.totals.open_kept += 1;
            } else if kept.iter().any(|&kept| kept) {
                faults.push(format!("transaction {transaction} is there in part: {kept:?}"));
            } else {
                state.totals.open_gone += 1;
            }
        }
        state.write("settled after a recovery");
        faults
    }

    /// The statements that are there and were touched since the last call, up to `limit` of them, and some older ones.
    pub fn sample(&self, limit: usize, rng: &mut SmallRng) -> Vec<Item> {
        let mut state = self.state();
        let mut chosen: Vec<Item> = Vec::new();
        for item in &mut state.items {
            if std::mem::take(&mut item.touched) && item.acknowledged.is_some() && chosen.len() < limit {
                chosen.push(item.clone());
            }
        }
        for _ in 0..limit / 4 {
            let key = rng.random_range(0..state.items.len().max(1));
            chosen.extend(state.items.get(key).filter(|item| item.acknowledged.is_some()).cloned());
        }
        chosen
    }
}

impl State {
    fn write(&mut self, line: &str) {
        writeln!(self.file, "{line}").expect("the ledger can be written");
    }
}

const ENTITIES: usize = 12;

/// Names that no language has: a station of a session.
fn entity(owner: usize, number: usize) -> String {
    const FIRST: [&str; 8] = ["Bakorun", "Velimar", "Todruk", "Zanvik", "Morfath", "Kelgrim", "Ruspeth", "Jodwin"];
    const SECOND: [&str; ENTITIES] = [
        "Arkut", "Bremol", "Culvet", "Dastin", "Elmork", "Fydra", "Gorwen", "Hukmar", "Ismot", "Jarvel", "Kunpat",
        "Lomdur",
    ];
    format!("{} {}", FIRST[owner % FIRST.len()], SECOND[number])
}

/// A word of a number, without a vowel at its end that a stemmer would cut.
fn word(number: usize) -> String {
    let mut digits = number;
    let mut word = String::from("zq");
    for _ in 0..5 {
        word.push(char::from(b"bcdfghjkmn"[digits % 10]));
        digits /= 10;
    }
    word.push('x');
    word
}
