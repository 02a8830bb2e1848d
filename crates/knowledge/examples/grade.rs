//! Grades the asking half on a labelled set without a server.
//!
//! SUTRA_ASK_SET=folder cargo run --release -p sutra_knowledge --example grade
//!
//! The folder holds statements.jsonl and questions.jsonl (question, category, expect). Prints what is wrong, then the
//! accuracy of each category.

#[path = "../tests/support/mod.rs"]
mod support;

use serde_json::Value;
use std::collections::BTreeMap;
use sutra_knowledge::answer::{Kind, Row, answer};
use sutra_knowledge::question::understand;

fn right(expected: &Value, row: &Row) -> bool {
    let kind = expected["type"].as_str().unwrap_or_default();
    if kind == "abstain" || row.kind == Kind::Abstention {
        return kind == "abstain" && row.kind == Kind::Abstention;
    }
    let value = row.value.clone().unwrap_or_default();
    let wanted = &expected["entity"];
    if matches!(kind, "number" | "direction" | "date") && wanted.is_string() && value["entity"] != *wanted {
        return false;
    }
    let number = |key: &str| expected[key].as_f64().unwrap_or(0.0);
    match kind {
        "number" => value["value"].as_f64().is_some_and(|found| {
            (found - number("value")).abs()
                <= (number("tolerance") * number("value").abs()).max(number("absolute")).max(1e-9)
        }),
        "entity" => value["entity"] == *wanted,
        "entities" => {
            let set = |value: &Value| {
                value.as_array().map(|all| all.iter().map(Value::to_string).collect::<std::collections::BTreeSet<_>>())
            };
            set(&value["entities"]) == set(&expected["entities"])
        }
        "direction" => value["direction"] == expected["direction"],
        "date" => value["date"] == expected["date"],
        "text" => row.answer.to_lowercase().contains(&expected["contains"].as_str().unwrap_or_default().to_lowercase()),
        _ => false,
    }
}

fn main() {
    let folder = std::env::var("SUTRA_ASK_SET").expect("SUTRA_ASK_SET names a folder");
    let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).expect("the file can be read");
    let mut store = support::Memory::new();
    for line in read("statements.jsonl").lines() {
        let statement: Value = serde_json::from_str(line).expect("a line is JSON");
        store.learn(statement["content"].as_str().unwrap_or_default(), &statement["metadata"].to_string());
    }
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for line in read("questions.jsonl").lines() {
        let asked: Value = serde_json::from_str(line).expect("a line is JSON");
        let question = asked["question"].as_str().unwrap_or_default();
        let plan = understand(question, &store);
        let rows = answer(question, &plan, &store, 10, 0.0);
        let correct = rows.first().is_some_and(|row| right(&asked["expect"], row));
        let count = counts.entry(asked["category"].as_str().unwrap_or_default().to_owned()).or_default();
        count.1 += 1;
        count.0 += usize::from(correct);
        let all = std::env::var("SUTRA_ASK_ALL").is_ok();
        if !correct || all {
            println!("{} {question}\n    expected {}", if correct { "+" } else { "-" }, asked["expect"]);
            if let Some(row) = rows.first() {
                println!(
                    "    got {:?} {:.3} {}\n    {}",
                    row.kind,
                    row.confidence,
                    row.answer,
                    row.value.clone().unwrap_or_default()
                );
            }
            if !correct {
                println!("    plan {}", serde_json::to_string(&plan).unwrap_or_default());
            }
        }
    }
    let (right, total) = counts.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    for (category, (right, total)) in counts {
        println!("{category:14} {right:4}/{total}");
    }
    println!("{:14} {right:4}/{total}", "all");
}
