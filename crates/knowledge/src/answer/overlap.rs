//! How much of a question a text holds: its words, pairs of neighbouring words, and words standing close together.
//!
//! Rare words count more; rarity is that among the candidates, so nothing but the candidates is read for it.

use crate::question::token::{self, Token, TokenKind};
use crate::question::words::{self, Cue};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Words within which those of the question stand close together.
const CLOSE: usize = 40;

/// Forms of the irregular verbs that texts and questions about events use, each with its first form.
const IRREGULAR: [(&str, &str); 66] = [
    ("became", "become"),
    ("began", "begin"),
    ("begun", "begin"),
    ("bought", "buy"),
    ("broke", "break"),
    ("broken", "break"),
    ("brought", "bring"),
    ("built", "build"),
    ("came", "come"),
    ("caught", "catch"),
    ("chose", "choose"),
    ("chosen", "choose"),
    ("drawn", "draw"),
    ("drew", "draw"),
    ("driven", "drive"),
    ("drove", "drive"),
    ("fallen", "fall"),
    ("fell", "fall"),
    ("felt", "feel"),
    ("flew", "fly"),
    ("flown", "fly"),
    ("fought", "fight"),
    ("found", "find"),
    ("gave", "give"),
    ("given", "give"),
    ("gone", "go"),
    ("grew", "grow"),
    ("grown", "grow"),
    ("held", "hold"),
    ("kept", "keep"),
    ("knew", "know"),
    ("known", "know"),
    ("laid", "lay"),
    ("led", "lead"),
    ("left", "leave"),
    ("lent", "lend"),
    ("lost", "lose"),
    ("made", "make"),
    ("meant", "mean"),
    ("met", "meet"),
    ("overtook", "overtake"),
    ("paid", "pay"),
    ("ran", "run"),
    ("risen", "rise"),
    ("rose", "rise"),
    ("said", "say"),
    ("sank", "sink"),
    ("sent", "send"),
    ("shown", "show"),
    ("shrank", "shrink"),
    ("sold", "sell"),
    ("spent", "spend"),
    ("spoke", "speak"),
    ("stood", "stand"),
    ("sunk", "sink"),
    ("taken", "take"),
    ("taught", "teach"),
    ("thought", "think"),
    ("threw", "throw"),
    ("told", "tell"),
    ("took", "take"),
    ("understood", "understand"),
    ("went", "go"),
    ("withdrew", "withdraw"),
    ("won", "win"),
    ("wrote", "write"),
];

/// The stem under which forms of a word are the same; as rough as an overlap needs.
pub fn stem(word: &str) -> String {
    let word = IRREGULAR.binary_search_by(|(form, _)| (*form).cmp(word)).map_or(word, |found| IRREGULAR[found].1);
    for ending in ["ing", "ies", "ed", "es", "s", "e", "y"] {
        if let Some(rest) = word.strip_suffix(ending).filter(|rest| rest.chars().count() >= 3) {
            return undoubled(rest).to_owned();
        }
    }
    undoubled(word).to_owned()
}

/// Without the second of two equal consonants at the end: "cancelled" is "cancel", as "sell" and "selling" are one.
fn undoubled(stem: &str) -> &str {
    let mut last = stem.chars().rev();
    match (last.next(), last.next()) {
        (Some(one), Some(other)) if one == other && !"aeiouy".contains(one) && stem.chars().count() > 3 => {
            &stem[..stem.len() - one.len_utf8()]
        }
        _ => stem,
    }
}

/// The stems of a text, in order.
pub fn stems(text: &str) -> Vec<String> {
    token::tokens(text).iter().filter(|token| token.kind != TokenKind::Symbol).map(|token| stem(&token.lower)).collect()
}

/// Whether a word only builds the sentence.
fn structural(token: &Token) -> bool {
    use Cue::{And, Filler, How, HowMuch, Or, What, When, Where, Whether, Which, Why};
    matches!(
        words::cue(&token.lower),
        Some(Filler | What | Which | Whether | How | HowMuch | And | Or | When | Where | Why)
    ) && !token.capitalised()
        || token.initial && words::cue(&token.lower).is_some()
}

/// The question as it is looked for.
pub struct Asked {
    /// The words that mean something, by stem.
    pub words: BTreeSet<String>,
    /// Pairs of neighbours of which at least one means something.
    pairs: BTreeSet<(String, String)>,
}

impl Asked {
    /// Reads a question.
    pub fn new(question: &str) -> Self {
        let tokens: Vec<Token> =
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
pub struct Rarity {
    counts: HashMap<String, usize>,
    total: usize,
}

impl Rarity {
    /// Counts the texts that hold each word; a text is its stems.
    pub fn new(texts: &[Vec<String>]) -> Self {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for text in texts {
            for word in text.iter().collect::<BTreeSet<_>>() {
                *counts.entry(word.clone()).or_default() += 1;
            }
        }
        Rarity { counts, total: texts.len() }
    }

    fn of(&self, word: &str) -> f64 {
        (1.0 + self.total as f64 / (1 + self.counts.get(word).copied().unwrap_or(0)) as f64).ln()
    }
}

/// Shares of the question that a text holds, by weight, each 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    /// Its words.
    pub words: f64,
    /// Its pairs of neighbours.
    pub pairs: f64,
    /// Its words within the best stretch of [`CLOSE`] words.
    pub close: f64,
}

/// What a text, given as its stems, holds of the question.
pub fn shares(asked: &Asked, text: &[String], rarity: &Rarity) -> Shares {
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
    Shares {
        words: share(words, all),
        pairs: share(pairs, asked.pairs.iter().map(weight).sum()),
        close: share(best.clamp(0.0, all), all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_verb_have_one_stem() {
        assert!(IRREGULAR.is_sorted_by(|one, two| one.0 < two.0));
        for (one, two) in
            [("fell", "falls"), ("rose", "rising"), ("sold", "selling"), ("paid", "pays"), ("closes", "closing")]
        {
            assert_eq!(stem(one), stem(two), "{one} and {two}");
        }
    }

    #[test]
    fn a_text_that_holds_more_of_the_question_has_larger_shares() {
        let texts: Vec<Vec<String>> =
            ["the net income was 12 in 2019", "income", "a dog"].iter().map(|text| stems(text)).collect();
        let (asked, rarity) = (Asked::new("What was the net income in 2019?"), Rarity::new(&texts));
        let [all, one, none] = [0, 1, 2].map(|text| shares(&asked, &texts[text], &rarity));
        assert!(all.words > one.words && all.pairs > one.pairs && all.close > one.close);
        assert!(all.words == 1.0 && none.words == 0.0 && none.close == 0.0);
    }
}
