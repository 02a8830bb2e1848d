//! Open questions: the best statement that was learned, and the sentence of it that answers, if they are good enough.
//!
//! Search brings up candidates; they are put in order by their search score, by the pairs of neighbouring words they
//! share with the question, and by how many of its words stand close together, the rare words counting more (term
//! proximity: Büttcher, Clarke and Lushman, SIGIR 2006). The weights were chosen on the questions of TAT-QA, where any of
//! 0.5 to 1 does about as well.

use super::{Kind, Row, confidence, measure};
use crate::question::plan::Plan;
use crate::question::time::Period;
use crate::question::token::{self, TokenKind};
use crate::question::words::{self, Cue};
use crate::store::Store;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use unicode_segmentation::UnicodeSegmentation;

/// Candidates that are put in order.
const CANDIDATES: usize = 20;
/// Words within which those of the question stand close together.
const CLOSE: usize = 40;
/// Share of the question's words, by weight, that a statement must hold to be shown.
const LEAST_OVERLAP: f64 = 0.5;
/// An open answer quotes a statement, it does not compute: confidence stays below this.
const MOST_CONFIDENCE: f64 = 0.85;
/// A longer statement is quoted by its best sentence.
const WHOLE: usize = 300;

/// The stem under which forms of a word are the same; as rough as an overlap needs.
fn stem(word: &str) -> String {
    for ending in ["ing", "ies", "ed", "es", "s", "e", "y"] {
        if let Some(rest) = word.strip_suffix(ending).filter(|rest| rest.chars().count() >= 3) {
            return rest.to_owned();
        }
    }
    word.to_owned()
}

fn stems(text: &str) -> Vec<String> {
    token::tokens(text).iter().filter(|token| token.kind != TokenKind::Symbol).map(|token| stem(&token.lower)).collect()
}

/// Whether a word only builds the sentence.
fn structural(token: &token::Token) -> bool {
    use Cue::{And, Filler, How, HowMuch, Or, What, When, Where, Whether, Which, Why};
    matches!(
        words::cue(&token.lower),
        Some(Filler | What | Which | Whether | How | HowMuch | And | Or | When | Where | Why)
    ) && !token.capitalised()
        || token.initial && words::cue(&token.lower).is_some()
}

/// The question as it is looked for.
struct Asked {
    /// The words that mean something, by stem.
    words: BTreeSet<String>,
    /// Pairs of neighbours of which at least one means something.
    pairs: BTreeSet<(String, String)>,
}

impl Asked {
    fn new(question: &str) -> Self {
        let tokens: Vec<token::Token> =
            token::tokens(question).into_iter().filter(|token| token.kind != TokenKind::Symbol).collect();
        let meaningful: Vec<(String, bool)> =
            tokens.iter().map(|token| (stem(&token.lower), !structural(token))).collect();
        Asked {
            words: meaningful.iter().filter(|(_, meaning)| *meaning).map(|(word, _)| word.clone()).collect(),
            pairs: meaningful
                .windows(2)
                .filter(|pair| pair[0].1 || pair[1].1)
                .map(|pair| (pair[0].0.clone(), pair[1].0.clone()))
                .collect(),
        }
    }
}

/// How rare words are among the candidates.
struct Rarity {
    counts: HashMap<String, usize>,
    total: usize,
}

impl Rarity {
    fn of(&self, word: &str) -> f64 {
        (1.0 + self.total as f64 / (1 + self.counts.get(word).copied().unwrap_or(0)) as f64).ln()
    }
}

/// Shares of the question that a text holds, by weight: words, neighbours, words standing close together.
fn shares(asked: &Asked, text: &[String], rarity: &Rarity) -> (f64, f64, f64) {
    let share = |held: f64, all: f64| if all > 0.0 { held / all } else { 0.0 };
    let all: f64 = asked.words.iter().map(|word| rarity.of(word)).sum();
    let held: BTreeSet<&String> = text.iter().collect();
    let words: f64 = asked.words.iter().filter(|word| held.contains(word)).map(|word| rarity.of(word)).sum();
    let neighbours: BTreeSet<(&String, &String)> = text.windows(2).map(|pair| (&pair[0], &pair[1])).collect();
    let weight = |pair: &(String, String)| rarity.of(&pair.0) + rarity.of(&pair.1);
    let pairs: f64 = asked.pairs.iter().filter(|pair| neighbours.contains(&(&pair.0, &pair.1))).map(weight).sum();
    // The best window, by two ends that move on together.
    let places: Vec<(usize, &String)> =
        text.iter().enumerate().filter(|(_, word)| asked.words.contains(*word)).collect();
    let mut inside: BTreeMap<&String, usize> = BTreeMap::new();
    let (mut first, mut current, mut best) = (0, 0.0, 0.0_f64);
    for (place, word) in &places {
        let count = inside.entry(word).or_default();
        *count += 1;
        if *count == 1 {
            current += rarity.of(word);
        }
        while place - places[first].0 >= CLOSE {
            let left = places[first].1;
            if let Some(count) = inside.get_mut(left) {
                *count -= 1;
                if *count == 0 {
                    current -= rarity.of(left);
                }
            }
            first += 1;
        }
        best = best.max(current);
    }
    (share(words, all), share(pairs, asked.pairs.iter().map(weight).sum()), share(best, all))
}

/// Whether a text holds every word of the question that was not understood: without them it is about something else.
/// A name in capitals must stand there in capitals.
fn speaks_of(plan: &Plan, content: &str, held: &BTreeSet<&String>) -> bool {
    let written: BTreeSet<String> = token::tokens(content).into_iter().map(|token| token.text).collect();
    let (mut all, mut found) = (0, 0);
    for unknown in &plan.not_understood {
        for token in token::tokens(&unknown.text).iter().filter(|token| token.kind != TokenKind::Symbol) {
            let there =
                if token.all_capitals() { written.contains(&token.text) } else { held.contains(&stem(&token.lower)) };
            if !there && token.capitalised() {
                return false;
            }
            all += 1;
            found += usize::from(there);
        }
    }
    // Of ordinary words one in three may be put otherwise.
    found * 3 >= all * 2
}

/// The sentence of a text that holds most of the question.
fn sentence_of(asked: &Asked, content: &str, rarity: &Rarity) -> String {
    if content.chars().count() <= WHOLE {
        return content.trim().to_owned();
    }
    let mut best: Option<(f64, &str)> = None;
    for sentence in content.split('\n').flat_map(UnicodeSegmentation::unicode_sentences) {
        let (words, pairs, _) = shares(asked, &stems(sentence), rarity);
        let score = words + pairs;
        if best.is_none_or(|(known, _)| score > known) {
            best = Some((score, sentence));
        }
    }
    best.map_or_else(|| content.trim().to_owned(), |(_, sentence)| sentence.trim().to_owned())
}

/// The best statements for the question, or an abstention.
pub fn open(question: &str, plan: &Plan, store: &dyn Store, most: usize) -> Vec<Row> {
    let asked = Asked::new(question);
    let nothing = |why: &str| {
        let unknown: Vec<&String> = plan.not_understood.iter().map(|unknown| &unknown.text).collect();
        vec![Row::abstention(
            "Nothing that was learned answers this question.",
            json!({ "not_understood": unknown }),
            why,
        )]
    };
    if asked.words.is_empty() {
        return nothing("the question holds no word that could be looked for");
    }
    let passages = store.passages(question, CANDIDATES.max(most));
    let texts: Vec<Vec<String>> = passages.iter().map(|passage| stems(&passage.content)).collect();
    let mut rarity = Rarity { counts: HashMap::new(), total: texts.len() };
    for text in &texts {
        for word in text.iter().collect::<BTreeSet<_>>() {
            *rarity.counts.entry(word.clone()).or_default() += 1;
        }
    }
    let mut ranked: Vec<(f64, f64, u64, &str)> = Vec::new();
    for (passage, text) in passages.iter().zip(&texts) {
        let (words, pairs, close) = shares(&asked, text, &rarity);
        if words >= LEAST_OVERLAP && speaks_of(plan, &passage.content, &text.iter().collect()) {
            let score = passage.score.clamp(0.0, 1.0) + 0.75 * pairs + 0.5 * close;
            ranked.push((score, words, passage.concept, &passage.content));
        }
    }
    ranked.sort_by(|one, two| two.0.total_cmp(&one.0).then(one.2.cmp(&two.2)));
    let Some(best) = ranked.first() else { return nothing("no statement holds enough of the question's words") };
    // How far the best stands from the next, and how much of the question it holds, say how likely it is the answer.
    let margin = ranked.get(1).map_or(1.0, |next| confidence::margin(best.0, next.0));
    let top = best.0;
    let rows = ranked.iter().take(most).map(|(score, words, concept, content)| {
        let likely =
            MOST_CONFIDENCE * words * (score / 2.25).clamp(0.0, 1.0).sqrt() * (0.6 + 0.4 * margin) * (score / top);
        Row {
            kind: Kind::Statement,
            answer: sentence_of(&asked, content, &rarity),
            value: None,
            confidence: likely.clamp(0.0, MOST_CONFIDENCE),
            concept: Some(*concept),
            evidence: vec![*concept],
            path: None,
            explanation: "found by search and quoted, not interpreted".into(),
            features: None,
        }
    });
    let mut rows: Vec<Row> = rows.collect();
    rows[0].explanation.push_str(&measure::notes(plan, &Period::unspecified(), None));
    rows
}
