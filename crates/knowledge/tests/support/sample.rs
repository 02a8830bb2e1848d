//! The shipped sample, learned into a store in memory.

use super::csv::{fields, file};
use super::support::Memory;
use serde_json::json;
use std::collections::BTreeMap;
use sutra_knowledge::ohlcv::Bar;

/// Prices by ticker, day and metric.
pub type Prices = BTreeMap<String, BTreeMap<String, BTreeMap<String, f64>>>;

/// The sample, learned, and its prices by ticker, day and metric.
pub fn sample() -> (Memory, Prices) {
    let mut store = Memory::new();
    let mut prices = Prices::new();
    for line in file("data/sample/profiles.csv").lines().skip(1) {
        let row = fields(line);
        let metadata = json!({ "company": row[0], "name": row[1], "sector": row[2], "industry": row[3],
            "headquarters": row[4], "founded": row[5], "data_type": "profile" });
        let text = format!("{} ({}) is a company in the {} sector.", row[1], row[0], row[2]);
        store.learn(&text, &metadata.to_string());
    }
    for line in file("data/sample/bars.csv").lines().skip(1) {
        let row = fields(line);
        let number = |index: usize| row[index].parse::<f64>().unwrap();
        let bar = Bar {
            day: row[2].parse().unwrap(),
            open: number(3),
            high: number(4),
            low: number(5),
            close: number(6),
            volume: number(7),
        };
        store.learn(&bar.sentence(&row[0], &row[1]), &bar.metadata(&row[1]));
        let day = prices.entry(row[1].clone()).or_default().entry(row[2].clone()).or_default();
        for (metric, index) in [("open", 3), ("high", 4), ("low", 5), ("close", 6), ("volume", 7)] {
            day.insert(metric.to_owned(), number(index));
        }
    }
    (store, prices)
}
