//! Tables with vectors for tests of the index, and what must hold of every index whatever happened to it.

use std::thread::sleep;
use std::time::{Duration, Instant};

use postgres::{Client, Error};

use crate::PATIENCE;

/// A reproducible stream of numbers (xorshift64*).
pub struct Random(u64);

impl Random {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw() % bound
    }
}

/// A vector around one of some centres, as text: real data is clustered.
pub fn vector(random: &mut Random, dimensions: usize) -> String {
    let mut centre = Random::new(1 + random.below(50));
    let numbers: Vec<String> = (0..dimensions)
        .map(|_| {
            let base = centre.below(1000) as f64 / 1000.0;
            format!("{:.4}", base + random.below(1000) as f64 / 2500.0)
        })
        .collect();
    format!("[{}]", numbers.join(","))
}

/// Runs `sql` and returns its first column of its first row, a number.
pub fn number(client: &mut Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).unwrap_or_else(|error| panic!("{sql}: {error:?}")).get(0)
}

/// A number of sutra_index_stats.
pub fn part(client: &mut Client, index: &str, name: &str) -> i64 {
    number(client, &format!("SELECT value FROM sutra_index_stats('{index}') WHERE name = '{name}'"))
}

/// The faults that sutra_index_check names.
pub fn faults(client: &mut Client, index: &str) -> Vec<String> {
    client
        .query(
            "SELECT part || ' ' || identifier || ': ' || fault FROM sutra_index_check($1::text::regclass)",
            &[&index],
        )
        .unwrap_or_else(|error| panic!("the check of {index}: {error:?}"))
        .iter()
        .map(|row| row.get(0))
        .collect()
}

/// The faults that a VACUUM must not find either: all but the one that a VACUUM leaves which was stopped before it chose another entry point.
pub fn lasting_faults(client: &mut Client, index: &str) -> Vec<String> {
    let mut found = faults(client, index);
    found.retain(|fault| fault != "meta 0: the entry point is dead");
    found
}

/// Asks again and again until `sql`, one boolean, is true; false where `over` says first that nothing more will come.
pub fn seen(client: &mut Client, sql: &str, over: impl Fn() -> bool) -> bool {
    let query = client.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let started = Instant::now();
    while !client.query_one(&query, &[]).unwrap_or_else(|error| panic!("{sql}: {error:?}")).get::<_, bool>(0) {
        if over() {
            return false;
        }
        assert!(started.elapsed() < PATIENCE, "it does not come to: {sql}");
        sleep(Duration::from_millis(1));
    }
    true
}

/// Live rows of `table` whose own vector the index does not answer with distance 0 at rank 1, at the default ef_search.
pub fn lost_rows(client: &mut Client, table: &str, column: &str) -> Result<i64, Error> {
    let query = format!(
        "SELECT count(*) FROM {table} AS one WHERE one.{column} IS NOT NULL AND (SELECT near.{column} <-> one.{column}
            FROM {table} AS near ORDER BY near.{column} <-> one.{column} LIMIT 1) IS DISTINCT FROM 0"
    );
    client.batch_execute("SET enable_seqscan = off; SET enable_sort = off")?;
    let plan: String = client
        .query(&format!("EXPLAIN {query}"), &[])?
        .iter()
        .map(|row| row.get::<_, String>(0))
        .collect::<Vec<_>>()
        .join("\n");
    assert!(plan.contains("Order By: ("), "the rows are not sought by an index:\n{plan}");
    let lost = client.query_one(&query, &[])?.get(0);
    client.batch_execute("RESET enable_seqscan; RESET enable_sort")?;
    Ok(lost)
}

/// Recall@10 of an index at the default ef_search.
pub fn recall(client: &mut Client, index: &str) -> f64 {
    client
        .query_one("SELECT sutra_index_recall($1::text::regclass, 10, 300)", &[&index])
        .unwrap_or_else(|error| panic!("the recall of {index}: {error:?}"))
        .get::<_, Option<f64>>(0)
        .unwrap_or(1.0)
}
