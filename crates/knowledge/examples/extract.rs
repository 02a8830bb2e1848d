//! Prints the relations that each line of the standard input states, one JSON array a line.
//!
//! cargo run --release -p sutra_knowledge --example extract < sentences.txt

use serde_json::json;
use std::io::BufRead;
use sutra_knowledge::extract::extract;

fn main() {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let relations: Vec<_> = extract(&line)
            .into_iter()
            .map(|found| {
                json!({"relation": found.relation, "kind": found.kind, "source": found.source, "target": found.target,
                       "confidence": found.confidence,
                       "span": [line[..found.span.start].chars().count(), line[..found.span.end].chars().count()]})
            })
            .collect();
        println!("{}", json!(relations));
    }
}
