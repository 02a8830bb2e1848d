//! What a word means, in the words of a statement that defines it.

use super::Row;
use super::confidence::{self, Saying};
use crate::names;
use crate::store::{Passage, Store};
use serde_json::json;
use unicode_segmentation::UnicodeSegmentation;

/// Statements that are looked through.
const CANDIDATES: usize = 30;
/// Words with which a definition goes on after its term.
const VERBS: &[&str] = &[
    "is",
    "are",
    "means",
    "mean",
    "refers",
    "refer",
    "denotes",
    "denote",
    "describes",
    "records",
    "measures",
    "stands",
    "represents",
    "represent",
    "consists",
    "consist",
    "comprises",
    "comprise",
];

/// Whether a sentence defines the term: it begins with it, and goes on with a verb of defining. What stands between,
/// such as "of an airline", is allowed for a few words and lowers the share that is returned.
fn defines(sentence: &str, term: &str) -> Option<f64> {
    // What stands before a colon is a heading or says where the term is used.
    let parts = sentence.rsplit_once(": ").map_or([Some(sentence), None], |(_, rest)| [Some(sentence), Some(rest)]);
    parts.into_iter().flatten().find_map(|part| begins_with(part, term))
}

fn begins_with(sentence: &str, term: &str) -> Option<f64> {
    let key = names::key(sentence);
    let mut words: Vec<&str> = key.split(' ').collect();
    if matches!(words.first(), Some(&"a" | &"an" | &"the")) {
        words.remove(0);
    }
    let wanted: Vec<&str> = term.split(' ').collect();
    let same = |one: &str, other: &str| one == other || format!("{one}s") == other || one == format!("{other}s");
    if words.len() <= wanted.len() || !wanted.iter().zip(&words).all(|(one, other)| same(one, other)) {
        return None;
    }
    let verb = words[wanted.len()..].iter().take(5).position(|word| VERBS.contains(word))?;
    Some(1.0 - 0.1 * verb as f64)
}

/// Whether a text holds a term as a whole, in singular or plural.
pub fn holds(text: &str, term: &str) -> bool {
    let key = names::key(term);
    let key = key.strip_suffix('s').unwrap_or(&key);
    format!(" {}", names::key(text)).contains(&format!(" {key}"))
}

/// The sentence that defines a term, or an abstention.
pub fn define(term: &str, store: &dyn Store, most: usize) -> Vec<Row> {
    let key = names::key(term);
    let mut found: Vec<(f64, u64, String)> = Vec::new();
    let held = |passages: &[Passage]| passages.iter().any(|passage| holds(&passage.content, term));
    for passage in store.passages(&format!("{term} is"), CANDIDATES, &held) {
        let best = passage
            .content
            .split('\n')
            .flat_map(UnicodeSegmentation::unicode_sentences)
            .filter_map(|sentence| Some((defines(sentence, &key)?, sentence.trim())))
            .max_by(|one, two| one.0.total_cmp(&two.0));
        if let Some((share, sentence)) = best {
            found.push((share, passage.concept, sentence.to_owned()));
        }
    }
    found.sort_by(|one, two| two.0.total_cmp(&one.0).then(one.1.cmp(&two.1)));
    if found.is_empty() {
        return vec![Row::abstention(
            format!("No statement that was learned says what \"{term}\" means."),
            json!({ "definition": term }),
            "a definition is quoted from a statement that begins with the term",
        )];
    }
    // Several statements that define a term need not agree.
    let margin = found.get(1).map_or(1.0, |next| confidence::margin(found[0].0, next.0));
    let rows = found.into_iter().take(most).map(|(share, concept, sentence)| {
        let saying = Saying { linking: 1.0, about: 1.0, plain: share, margin };
        Row::stated(concept, sentence, &saying, "a statement that defines the term, quoted, not interpreted")
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_begins_with_its_term() {
        assert!(defines("A stock split is a division of each share.", "stock split").is_some());
        assert!(defines("Catastrophe losses are claims.", "catastrophe loss").is_none());
        assert!(defines("Unit revenue of an airline is the revenue for each seat.", "unit revenue").is_some());
        assert!(defines("Apple announced a stock split.", "stock split").is_none());
        assert!(defines("Dividends rose.", "dividend").is_none());
        assert!(defines("Key figures: Free cash flow represents cash less investments.", "free cash flow").is_some());
        assert!(defines("Deferred revenue primarily consists of advances.", "deferred revenues").is_some());
    }
}
