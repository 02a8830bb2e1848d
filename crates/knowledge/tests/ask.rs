//! Questions about the shipped sample, with answers computed here from its CSV by other code than the crate's.
//!
//! tests/ask/build.jsonl is the part the language was built on; tests/ask/check.jsonl was written beside it to check
//! with, and is held to a share.

#[path = "support/csv.rs"]
mod csv;
#[path = "support/sample.rs"]
mod sample;
#[path = "support/mod.rs"]
mod support;

use csv::file;
use sample::{Prices, sample};
use serde_json::{Value, json};
use support::Memory;
use sutra_knowledge::answer::{Kind, Row, answer};
use sutra_knowledge::question::understand;

fn values(prices: &Prices, ticker: &str, gold: &Value) -> Vec<(String, f64)> {
    let from = gold["from"].as_str().unwrap_or("0000");
    let to = gold["to"].as_str().unwrap_or("9999");
    let metric = gold["metric"].as_str().unwrap();
    let days = prices[ticker].iter().filter(|(day, _)| from <= day.as_str() && day.as_str() <= to);
    days.map(|(day, bar)| (day.clone(), bar[metric])).collect()
}

fn measured(kind: &str, series: &[(String, f64)], gold: &Value) -> f64 {
    let plain: Vec<f64> = series.iter().map(|(_, value)| *value).collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    match kind {
        "value" => plain[plain.len() - 1],
        "mean" => mean(&plain),
        "sum" => plain.iter().sum(),
        "median" => {
            let mut sorted = plain;
            sorted.sort_by(f64::total_cmp);
            (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0
        }
        "max" => plain.iter().copied().fold(f64::MIN, f64::max),
        "min" => plain.iter().copied().fold(f64::MAX, f64::min),
        "change" => (plain[plain.len() - 1] / plain[0] - 1.0) * 100.0,
        "volatility" => {
            let returns: Vec<f64> = (1..plain.len()).map(|at| plain[at].ln() - plain[at - 1].ln()).collect();
            let centre = mean(&returns);
            let sum: f64 = returns.iter().map(|one| (one - centre) * (one - centre)).sum();
            (sum / (returns.len() as f64 - 1.0)).sqrt() * 100.0
        }
        "count" => {
            let above = gold["above"].as_f64().unwrap_or(f64::MIN);
            let below = gold["below"].as_f64().unwrap_or(f64::MAX);
            plain.iter().filter(|value| **value > above && **value < below).count() as f64
        }
        other => panic!("no gold answer is known for {other}"),
    }
}

fn best<'a>(scores: impl Iterator<Item = (&'a String, f64)>, highest: bool) -> String {
    let sign = if highest { 1.0 } else { -1.0 };
    scores.max_by(|one, two| (sign * one.1).total_cmp(&(sign * two.1))).unwrap().0.clone()
}

/// Whether an answer is the gold one.
fn right(gold: &Value, row: &Row, prices: &Prices) -> bool {
    let op = gold["op"].as_str().unwrap();
    if op == "abstain" || row.kind == Kind::Abstention {
        return op == "abstain" && row.kind == Kind::Abstention;
    }
    assert!(!row.evidence.is_empty(), "an answer without evidence: {row:?}");
    let value = row.value.clone().unwrap_or_default();
    let tickers: Vec<String> = gold["tickers"]
        .as_array()
        .map(|all| all.iter().map(|one| one.as_str().unwrap().to_owned()).collect())
        .unwrap_or_default();
    let close = |wanted: f64| {
        value["value"].as_f64().is_some_and(|found| (found - wanted).abs() <= 1e-6 * wanted.abs().max(1.0))
    };
    let numeric = |kind: &str| measured(kind, &values(prices, &tickers[0], gold), gold);
    let owned = || value["entity"] == json!(tickers[0]);
    let highest = gold["order"] != json!("min");
    match op {
        "text" => row.answer.contains(gold["text"].as_str().unwrap()),
        "entities" => {
            let mut found: Vec<&str> = value["entities"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            found.sort_unstable();
            found == tickers.iter().map(String::as_str).collect::<Vec<_>>()
        }
        "trend" => {
            let series = values(prices, &tickers[0], gold);
            let mean = series.iter().map(|(_, value)| value).sum::<f64>() / series.len() as f64;
            let middle = (series.len() as f64 - 1.0) / 2.0;
            let cross: f64 = series.iter().enumerate().map(|(at, (_, value))| (at as f64 - middle) * value).sum();
            let squares: f64 = (0..series.len()).map(|at| (at as f64 - middle).powi(2)).sum();
            let percent = cross / squares * 2.0 * middle / mean * 100.0;
            let variance: f64 = series.iter().map(|(_, value)| (value - mean).powi(2)).sum();
            let explained = cross * cross / squares / variance;
            let direction = if explained < 0.1 {
                "sideways"
            } else if percent >= 1.0 {
                "up"
            } else if percent <= -1.0 {
                "down"
            } else {
                "sideways"
            };
            owned() && value["direction"] == json!(direction) && close(numeric("change"))
        }
        "correlation" => {
            let returns = |ticker: &String| -> Vec<f64> {
                values(prices, ticker, gold).windows(2).map(|pair| pair[1].1 / pair[0].1 - 1.0).collect()
            };
            let (one, two) = (returns(&tickers[0]), returns(&tickers[1]));
            let count = one.len() as f64;
            let sum = |pairs: &dyn Fn(usize) -> f64| (0..one.len()).map(pairs).sum::<f64>();
            let (a, b) = (sum(&|at| one[at]) / count, sum(&|at| two[at]) / count);
            let both = sum(&|at| (one[at] - a) * (two[at] - b));
            close(both / (sum(&|at| (one[at] - a).powi(2)) * sum(&|at| (two[at] - b).powi(2))).sqrt())
        }
        "when_max" | "when_min" | "when_daymax" => {
            let mut series = values(prices, &tickers[0], gold);
            if op == "when_daymax" {
                series = series.windows(2).map(|pair| (pair[1].0.clone(), pair[1].1 / pair[0].1)).collect();
            }
            owned() && value["date"] == json!(best(series.iter().map(|(day, value)| (day, *value)), op != "when_min"))
        }
        _ => match op.split_once('_') {
            Some(("rank", kind)) | Some(("cmp", kind)) => {
                let among = prices.keys().filter(|ticker| tickers.is_empty() || tickers.contains(ticker));
                let scores = among.map(|ticker| (ticker, measured(kind, &values(prices, ticker, gold), gold)));
                value["entity"] == json!(best(scores, highest))
            }
            _ => owned() && close(numeric(op)),
        },
    }
}

/// Share of the questions of a set that are answered right; the others are shown.
fn share(set: &str) -> f64 {
    let (store, prices) = sample();
    let (mut good, mut all) = (0, 0);
    for line in file(&format!("tests/ask/{set}.jsonl")).lines() {
        let asked: Value = serde_json::from_str(line).unwrap();
        let question = asked["question"].as_str().unwrap();
        let plan = understand(question, &store);
        let rows = answer(question, &plan, &store, 10, 0.0);
        all += 1;
        if right(&asked["gold"], &rows[0], &prices) {
            good += 1;
        } else {
            println!("{question}\n  wanted {}\n  got {:?}: {}", asked["gold"], rows[0].kind, rows[0].answer);
            println!("  {:?} {:?} {:?}", plan.operation, plan.measure, plan.not_understood);
        }
    }
    println!("{set}: {good} of {all}");
    f64::from(good) / f64::from(all)
}

#[test]
fn questions_the_language_was_built_on_are_answered() {
    assert!(share("build") >= 0.98);
}

#[test]
fn questions_kept_for_checking_are_answered() {
    assert!(share("check") >= 0.9);
}

#[test]
fn the_same_question_has_the_same_answer() {
    let (store, _) = sample();
    for question in
        ["AAPL trend", "Which stock gained the most in May 2019?", "Which companies are in the Energy sector?"]
    {
        let ask = || serde_json::to_string(&answer(question, &understand(question, &store), &store, 10, 0.0)).unwrap();
        assert_eq!(ask(), ask());
    }
}

#[test]
fn a_threshold_filters_and_never_raises() {
    let (store, _) = sample();
    let question = "closing price of Aple on 2019-03-08";
    let plan = understand(question, &store);
    let free = answer(question, &plan, &store, 10, 0.0);
    assert_eq!(free[0].kind, Kind::Computed);
    let strict = answer(question, &plan, &store, 10, 0.999);
    assert_eq!((strict.len(), strict[0].kind), (1, Kind::Abstention));
    let just = answer(question, &plan, &store, 10, free[0].confidence);
    assert_eq!(just[0].confidence, free[0].confidence);
}

/// Weather stations: learned from numeric metadata, asked with no word of finance.
#[test]
fn another_domain_needs_data_only() {
    let mut store = Memory::new();
    store.metric(
        "rainfall_mm",
        &["rain", "rainfall", "precipitation"],
        "rainfall",
        "mm",
        sutra_knowledge::store::Aggregate::Sum,
    );
    for (station, day, temperature, rain) in [
        ("Zugspitze", "2024-07-01", -1.5, 12.0),
        ("Zugspitze", "2024-07-02", 2.5, 0.0),
        ("Zugspitze", "2024-07-03", 5.0, 3.5),
        ("Helgoland", "2024-07-01", 16.5, 0.0),
        ("Helgoland", "2024-07-02", 17.25, 1.5),
        ("Helgoland", "2024-07-03", 15.0, 20.25),
    ] {
        let text = format!("{station} on {day}: {temperature} degrees, {rain} mm of rain.");
        let metadata = json!({ "name": station, "date": day, "temperature": temperature, "rainfall_mm": rain });
        store.learn(&text, &metadata.to_string());
    }
    let ask = |question: &str| answer(question, &understand(question, &store), &store, 3, 0.0).remove(0);
    let number = |question: &str| ask(question).value.and_then(|value| value["value"].as_f64());
    assert_eq!(number("What was the temperature in Zugspitze on 2 July 2024?"), Some(2.5));
    assert_eq!(number("highest temperature of Helgoland in July 2024"), Some(17.25));
    assert_eq!(number("How much rain fell at Helgoland in July 2024?"), Some(21.75));
    assert_eq!(number("average temperature at Zugspitze"), Some(2.0));
    let row = ask("Which station had the most precipitation in July 2024?");
    assert_eq!(row.value.unwrap()["entity"], json!("Helgoland"));
    assert_eq!(ask("temperature of Brocken on 2 July 2024").kind, Kind::Abstention);
}

/// "level" and "reading" say nothing in most questions, and are what is asked for where something is measured under them.
#[test]
fn a_metric_may_have_a_plain_name() {
    let mut store = Memory::new();
    for (name, day, key, value) in [
        ("Tank North", "2024-07-01", "level", 3.5),
        ("Tank North", "2024-07-02", "level", 4.5),
        ("Meter Seven", "2024-07-01", "reading", 120.0),
        ("Meter Seven", "2024-07-02", "reading", 125.0),
    ] {
        store.learn(
            &format!("{name} on {day}: {value}."),
            &json!({ "name": name, "date": day, key: value }).to_string(),
        );
    }
    let ask = |question: &str| answer(question, &understand(question, &store), &store, 3, 0.0).remove(0);
    let number = |question: &str| ask(question).value.and_then(|value| value["value"].as_f64());
    assert_eq!(number("What was the level of Tank North on 2 July 2024?"), Some(4.5));
    assert_eq!(number("average level of Tank North in July 2024"), Some(4.0));
    assert_eq!(number("highest reading of Meter Seven in July 2024"), Some(125.0));
    assert_eq!(ask("level of Meter Seven on 2 July 2024").kind, Kind::Abstention);
}
