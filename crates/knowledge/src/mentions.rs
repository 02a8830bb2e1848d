//! Known names in running text.
//!
//! [`candidates`] gives the stretches of a text that could be a name, [`choose`] picks among those that turned out to be
//! one: the longest first, none inside another. Whether a stretch may stand for a name depends on how it is written:
//! a name begins with a capital, a ticker is in capitals as it is known. A ticker of one or two letters, or one that is
//! a word ("IT", "ALL", "NOW"), counts only where it is marked as one: "(IT)", "$IT", "NYSE: IT".

use crate::metadata::AliasKind;
use crate::names;
use std::ops::Range;

/// Words that a name can have.
const LONGEST: usize = 6;
/// Bytes of a text that names are looked for in.
const READ: usize = 64 << 10;

/// A stretch of a text that could be a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its bytes.
    pub range: Range<usize>,
    /// The key to look it up by.
    pub key: String,
    /// Whether it is marked as a ticker.
    marked: bool,
    /// Whether it is one word at the start of a sentence, where any word has a capital.
    opening: bool,
}

/// A known name in a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Mention {
    /// Its bytes.
    pub range: Range<usize>,
    /// What it names.
    pub entity: u64,
    /// How sure it is that it names that.
    pub confidence: f32,
}

struct Word<'a> {
    text: &'a str,
    start: usize,
    // What stands between the word before and this one.
    between: &'a str,
}

/// The stretches of the first 64 kB of a text that could be names.
pub fn candidates(text: &str) -> Vec<Candidate> {
    let words = words(&text[..text.floor_char_boundary(READ)]);
    // In a headline in capitals every word looks like a ticker.
    let capitals = words.iter().filter(|word| is_capitals(word.text) && word.text.len() > 1).count();
    let shouted = words.len() >= 4 && capitals * 2 > words.len();
    let mut candidates = Vec::new();
    for (first, word) in words.iter().enumerate() {
        if !word.text.contains(|character: char| character.is_uppercase()) {
            continue;
        }
        let starts = first == 0 || word.between.contains(['.', '!', '?', '\n', ':', '"', '\u{201c}', '\u{2022}']);
        for (taken, last) in words[first..].iter().take(LONGEST).enumerate() {
            if taken > 0 && !joins(last.between) {
                break;
            }
            let range = word.start..last.start + last.text.len();
            let key = names::key(&text[range.clone()]);
            if key.is_empty() || key.len() > crate::metadata::LONGEST_NAME {
                continue;
            }
            let single = taken == 0;
            candidates.push(Candidate {
                marked: single && is_marked(text, &range),
                opening: single && starts,
                range,
                key,
            });
        }
    }
    if shouted {
        candidates.retain(|candidate| candidate.marked || candidate.key.contains(' '));
    }
    candidates
}

/// The mentions among candidates. `named` gives the ways in which a key names entities: kind, entity, alias as written.
pub fn choose<'k>(
    text: &str,
    candidates: &[Candidate],
    named: impl Fn(&str) -> &'k [(Option<AliasKind>, u64, String)],
) -> Vec<Mention> {
    let mut found: Vec<Mention> = Vec::new();
    let mut order: Vec<&Candidate> = candidates.iter().collect();
    order.sort_by_key(|candidate| (std::cmp::Reverse(candidate.range.len()), candidate.range.start));
    for candidate in order {
        let overlaps =
            |mention: &Mention| mention.range.start < candidate.range.end && candidate.range.start < mention.range.end;
        if found.iter().any(overlaps) {
            continue;
        }
        let written = &text[candidate.range.clone()];
        let known = named(&candidate.key);
        let is_ticker = |(kind, _, alias): &&(_, u64, String)| *kind == Some(AliasKind::Ticker) && written == alias;
        // What is marked as a ticker and is one is no short name of another company ("(FOX)").
        let ticker = candidate.marked && known.iter().any(|name| is_ticker(&name));
        let mut entities: Vec<(u64, f32)> = known
            .iter()
            .filter(|name| !ticker || is_ticker(name))
            .filter_map(|(kind, entity, alias)| Some((*entity, belief(candidate, written, *kind, alias)?)))
            .collect();
        entities.sort_by(|left, right| left.0.cmp(&right.0).then(right.1.total_cmp(&left.1)));
        entities.dedup_by_key(|(entity, _)| *entity);
        // A name of several entities says of none that it is meant.
        if let &[(entity, confidence)] = entities.as_slice() {
            found.push(Mention { range: candidate.range.clone(), entity, confidence });
        }
    }
    found.sort_by_key(|mention| mention.range.start);
    found
}

/// Tickers that are words or common abbreviations.
const WORDLIKE: &[&str] = &[
    "ALL", "AND", "ANY", "ARE", "BEN", "BIG", "CAN", "CAR", "CAT", "CEO", "CFO", "COO", "COST", "DAY", "EPS", "ETF",
    "EUR", "FAST", "FOR", "GAAP", "GDP", "HAS", "HES", "IPO", "KEY", "LOW", "MAR", "NEW", "NOW", "NYSE", "OIL", "ONE",
    "OUT", "PAY", "SEC", "SEE", "SPY", "SUN", "TAP", "THE", "TOP", "USA", "USD", "WELL", "YOU",
];

fn belief(candidate: &Candidate, written: &str, kind: Option<AliasKind>, alias: &str) -> Option<f32> {
    match kind {
        Some(AliasKind::Ticker) if written != alias => None,
        Some(AliasKind::Ticker) if candidate.marked => Some(1.0),
        Some(AliasKind::Ticker) => (alias.len() >= 3 && !WORDLIKE.contains(&alias)).then_some(0.9),
        // A word with its capital only because it opens a sentence may be just that word.
        _ if candidate.opening => Some(0.7),
        Some(AliasKind::Short) if !candidate.key.contains(' ') => Some(0.8),
        _ => Some(0.95),
    }
}

fn is_capitals(word: &str) -> bool {
    word.chars().all(|character| character.is_uppercase() || !character.is_alphabetic())
        && word.chars().any(char::is_uppercase)
}

/// Whether a word stands in brackets: "(AAPL)", "(NASDAQ: AAPL)".
fn is_bracketed(text: &str, range: &Range<usize>) -> bool {
    let before = text[..range.start].trim_end();
    let market = before.strip_suffix(':').map(|before| before.trim_end_matches(char::is_alphabetic));
    text[range.end..].starts_with(')') && (before.ends_with('(') || market.is_some_and(|before| before.ends_with('(')))
}

/// Whether a word is marked as a ticker: "$AAPL", "NYSE: IBM", "(AAPL)".
fn is_marked(text: &str, range: &Range<usize>) -> bool {
    let before = text[..range.start].trim_end();
    let market = before.strip_suffix(':').map(str::trim_end).is_some_and(|before| {
        ["NYSE", "NASDAQ", "Nasdaq", "AMEX", "LSE", "TSE", "ticker", "Ticker", "symbol", "Symbol"]
            .iter()
            .any(|market| before.ends_with(market))
    });
    market || text[..range.start].ends_with('$') || is_bracketed(text, range)
}

/// Whether what stands between two words can stand inside a name.
fn joins(between: &str) -> bool {
    // "Alphabet Inc. (Class A)"; hyphens and dashes of "Brown–Forman".
    matches!(
        between,
        " " | "."
            | ". "
            | ", "
            | "-"
            | "&"
            | " & "
            | "'"
            | "\u{2019}"
            | "\u{2010}"
            | "\u{2011}"
            | "\u{2013}"
            | " ("
            | ". ("
    )
}

fn words(text: &str) -> Vec<Word<'_>> {
    let mut words: Vec<Word<'_>> = Vec::new();
    let mut end = 0;
    let mut start = None;
    for (at, character) in text.char_indices().chain([(text.len(), ' ')]) {
        let inside = character.is_alphanumeric() || unicode_normalization::char::is_combining_mark(character);
        match (inside, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                words.push(Word { text: &text[from..at], start: from, between: &text[end..from] });
                end = at;
                start = None;
            }
            _ => {}
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn found(text: &str) -> Vec<(&str, u64)> {
        let mut known: HashMap<String, Vec<(Option<AliasKind>, u64, String)>> = HashMap::new();
        for (entity, kind, alias) in [
            (1, AliasKind::Ticker, "AAPL"),
            (1, AliasKind::Name, "Apple Inc."),
            (1, AliasKind::Short, "Apple"),
            (2, AliasKind::Ticker, "IT"),
            (2, AliasKind::Name, "Gartner"),
            (3, AliasKind::Ticker, "A"),
            (3, AliasKind::Name, "Agilent Technologies"),
            (4, AliasKind::Ticker, "ALL"),
            (5, AliasKind::Name, "Bank of America"),
            (6, AliasKind::Name, "America"),
            (7, AliasKind::Name, "Procter & Gamble"),
            (8, AliasKind::Name, "AT&T"),
            (9, AliasKind::Short, "Alphabet"),
            (10, AliasKind::Short, "Alphabet"),
            (11, AliasKind::Ticker, "BRK.B"),
            (12, AliasKind::Name, "Brown\u{2013}Forman"),
            (13, AliasKind::Name, "Fox Corporation (Class A)"),
            (13, AliasKind::Short, "Fox"),
            (14, AliasKind::Ticker, "FOX"),
            (14, AliasKind::Name, "Fox Corporation (Class B)"),
            (14, AliasKind::Short, "Fox"),
        ] {
            known.entry(names::key(alias)).or_default().push((Some(kind), entity, alias.to_owned()));
        }
        let mentions = choose(text, &candidates(text), |key| known.get(key).map_or(&[], Vec::as_slice));
        mentions.into_iter().map(|mention| (&text[mention.range], mention.entity)).collect()
    }

    #[test]
    fn the_longest_name_is_found() {
        assert_eq!(found("Yesterday Bank of America fell."), [("Bank of America", 5)]);
        assert_eq!(found("In America, Apple Inc. and AAPL."), [("America", 6), ("Apple Inc", 1), ("AAPL", 1)]);
        assert_eq!(found("We like Procter & Gamble's soap and AT&T."), [("Procter & Gamble", 7), ("AT&T", 8)]);
        assert_eq!(found("Shares of BRK.B rose"), [("BRK.B", 11)]);
        assert_eq!(found("They said Brown\u{2013}Forman's sales rose."), [("Brown\u{2013}Forman", 12)]);
    }

    #[test]
    fn words_that_look_like_tickers_are_not() {
        assert_eq!(found("A good IT budget is ALL we need."), []);
        assert_eq!(found("an apple a day, aapl"), []);
        assert_eq!(
            found("Gartner (IT) and Agilent Technologies (NYSE: A) rose, $ALL too"),
            [("Gartner", 2), ("IT", 2), ("Agilent Technologies", 3), ("A", 3), ("ALL", 4)]
        );
        assert_eq!(found("ALL THE NEWS ABOUT AAPL TODAY"), []);
    }

    #[test]
    fn a_name_of_two_is_a_name_of_none() {
        assert_eq!(found("Then Alphabet rose."), []);
        // A share class and a ticker in brackets tell which.
        assert_eq!(found("We hold Fox and (NYSE: FOX)."), [("FOX", 14)]);
        assert_eq!(
            found("Of Fox Corporation (Class B) and Fox Corporation (Class A)"),
            [("Fox Corporation (Class B", 14), ("Fox Corporation (Class A", 13)]
        );
    }

    #[test]
    fn a_capital_that_opens_a_sentence_is_believed_less() {
        let known = [(Some(AliasKind::Short), 1, "Apple".to_owned())];
        let confidence = |text: &str| {
            let named = |key: &str| if key == "apple" { known.as_slice() } else { &[] };
            choose(text, &candidates(text), named)[0].confidence
        };
        assert!(confidence("Apple rose") < confidence("Today Apple rose"));
    }

    proptest! {
        #[test]
        fn any_text_is_safe(text in ".*|([A-Z][a-z]{0,3}[ .,&'$():-]{0,2}){0,12}") {
            let all = [(None, 1, String::new())];
            let mentions = choose(&text, &candidates(&text), |_| all.as_slice());
            for pair in mentions.windows(2) {
                prop_assert!(pair[0].range.end <= pair[1].range.start);
            }
        }
    }
}
