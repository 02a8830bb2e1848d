//! The words of questions, by what they do. Words for what is measured are not here: they are data (sutra.metric).

use super::lexicon::{PHRASES, STEMS, WORDS};
use std::collections::HashMap;
use std::sync::OnceLock;

/// What a word or phrase does in a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cue {
    /// Carries no meaning of its own here.
    Filler,
    /// A general noun for what questions are about: company, stock, station.
    Thing,
    /// Superlative upwards: highest, most.
    Highest,
    /// Superlative downwards: lowest, least.
    Lowest,
    /// Comparative upwards.
    Higher,
    /// Comparative downwards.
    Lower,
    /// The extreme itself, upwards: peak, maximum.
    Peak,
    /// The extreme itself, downwards: bottom, minimum.
    Bottom,
    /// best: the highest of what is desirable.
    Best,
    /// worst.
    Worst,
    /// Arithmetic mean.
    Average,
    /// Sum.
    Total,
    /// Median.
    Median,
    /// Change without a direction: change, return, perform.
    Change,
    /// Change upwards.
    Gain,
    /// Change downwards.
    Loss,
    /// Trend, direction.
    Trend,
    /// Volatile.
    Volatile,
    /// The opposite of volatile.
    Stable,
    /// Compare, versus.
    Compare,
    /// Difference between two values.
    Difference,
    /// High minus low.
    Range,
    /// Correlation.
    Correlate,
    /// when.
    When,
    /// date, day: a noun of time.
    DayNoun,
    /// per day, single-day.
    Daily,
    /// how many, number of.
    Count,
    /// More than a number.
    Above,
    /// Less than a number.
    Below,
    /// A number or more.
    AtLeast,
    /// A number or less.
    AtMost,
    /// which, who.
    Which,
    /// what, and verbs of telling.
    What,
    /// where.
    Where,
    /// how.
    How,
    /// why.
    Why,
    /// yes-or-no beginnings: did, is.
    Whether,
    /// same, peers.
    Same,
    /// share, as a verb or as what is traded.
    Share,
    /// how much.
    HowMuch,
    /// related, connected.
    Relate,
    /// cause, because.
    Cause,
    /// means, definition.
    Define,
    /// About one entity in general: describe, profile.
    About,
    /// percent.
    Percent,
    /// every, each, all.
    Every,
    /// other, another, except.
    Other,
    /// not, never.
    Not,
    /// first, earliest.
    First,
    /// ticker, symbol.
    Ticker,
    /// and, plus, comma.
    And,
    /// or.
    Or,
    /// A fact's relation, which the language knows verbs for.
    Founded,
    /// headquartered, based.
    Headquarters,
    /// top, leading: a ranking.
    Top,
    /// traded, changed hands: how much is traded, where a quantity is asked for.
    Trade,
    /// busiest, most active: the highest of what is traded.
    Busiest,
    /// quietest: the lowest of what is traded.
    Quietest,
    /// expensive: a high price.
    Expensive,
    /// cheap: a low price.
    Cheap,
    /// the day before: steps from day to day are spoken of.
    Step,
    /// will, forecast: what is still to come.
    Future,
}

fn forms(stem: &str) -> Vec<String> {
    let mut forms = vec![stem.to_owned()];
    let last = stem.chars().last().unwrap_or('e');
    let root = stem.strip_suffix('e').unwrap_or(stem);
    if let Some(base) = stem.strip_suffix('y').filter(|base| !base.ends_with(['a', 'e', 'o', 'u'])) {
        forms.extend([format!("{base}ies"), format!("{base}ied")]);
    }
    let sibilant = stem.ends_with("sh") || stem.ends_with("ch") || stem.ends_with(['s', 'x']);
    forms.push(format!("{stem}{}", if sibilant { "es" } else { "s" }));
    for ending in ["ed", "ing", "er", "ers"] {
        forms.push(format!("{root}{ending}"));
        if !"aeiouwy".contains(last) {
            forms.push(format!("{root}{last}{ending}"));
        }
    }
    forms
}

fn lexicon() -> &'static HashMap<String, Cue> {
    static LEXICON: OnceLock<HashMap<String, Cue>> = OnceLock::new();
    LEXICON.get_or_init(|| {
        let mut lexicon = HashMap::new();
        // Words written out win over forms made from stems, the earlier row over the later.
        for (cue, words) in WORDS {
            for word in words.split_whitespace() {
                lexicon.entry(word.to_owned()).or_insert(*cue);
            }
        }
        for (cue, stems) in STEMS {
            for form in stems.split_whitespace().flat_map(forms) {
                lexicon.entry(form).or_insert(*cue);
            }
        }
        lexicon
    })
}

/// What a word does, if the language knows it; the word is lower case.
pub fn cue(word: &str) -> Option<Cue> {
    lexicon().get(word).copied()
}

/// Whether a word says how something is done and so does not change what is asked: "roughly", "actively". Words for
/// how often are none of these.
pub fn adverb(word: &str) -> bool {
    const COUNTING: &[&str] = &[
        "annually",
        "biweekly",
        "daily",
        "early",
        "family",
        "fortnightly",
        "hourly",
        "july",
        "monthly",
        "quarterly",
        "weekly",
        "yearly",
        "only",
        "supply",
        "fully",
        "rally",
        "assembly",
        "monopoly",
        "reply",
        "apply",
        "imply",
    ];
    word.len() > 4 && word.ends_with("ly") && !COUNTING.contains(&word)
}

/// Phrases by their first word.
type Phrases = HashMap<&'static str, Vec<(Vec<&'static str>, Cue)>>;

/// Whether the words begin with a phrase whose parts mean something else than the whole, which is not known here.
pub fn foreign(words: &[&str]) -> Option<usize> {
    const FOREIGN: &[&[&str]] = &[
        &["moving", "average"],
        &["rolling", "average"],
        &["price", "target"],
        &["target", "price"],
        &["market", "cap"],
        &["market", "capitalization"],
        &["market", "capitalisation"],
        &["market", "value"],
        &["market", "share"],
        &["book", "value"],
        &["shares", "outstanding"],
        &["outstanding", "shares"],
        &["number", "of", "shares", "outstanding"],
        &["short", "interest"],
        &["credit", "rating"],
        &["price", "to"],
        &["enterprise", "value"],
        &["implied", "volatility"],
        &["return", "on", "equity"],
        &["return", "on", "assets"],
        &["return", "on", "capital"],
        &["returns", "on", "equity"],
        &["profit", "margin"],
        &["profit", "margins"],
        &["net", "profit"],
        &["gross", "profit"],
        &["operating", "profit"],
        &["net", "loss"],
        &["operating", "loss"],
        &["profit", "and", "loss"],
    ];
    FOREIGN.iter().find(|phrase| words.starts_with(phrase)).map(|phrase| phrase.len())
}

/// The longest phrase that the words begin with, and its length in words.
pub fn phrase(words: &[&str]) -> Option<(Cue, usize)> {
    static TABLE: OnceLock<Phrases> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let mut table = Phrases::new();
        for (cue, phrase) in PHRASES {
            let words: Vec<&str> = phrase.split(' ').collect();
            table.entry(words[0]).or_default().push((words, *cue));
        }
        for phrases in table.values_mut() {
            phrases.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
        }
        table
    });
    let candidates = table.get(words.first()?)?;
    candidates.iter().find(|(phrase, _)| words.starts_with(phrase)).map(|(phrase, cue)| (*cue, phrase.len()))
}

/// A word of the language at one typing error from this one, when exactly one thing is meant by all such words.
///
/// Words of three letters are left alone.
pub fn near_cue(word: &str) -> Option<Cue> {
    let length = word.chars().count();
    if length < 4 {
        return None;
    }
    let mut found: Vec<Cue> = near_keys(word)
        .iter()
        // The first letter is rarely mistyped, and "raining" is not "gaining". Of a short word only a letter was left
        // out: too many of them lie one letter apart.
        .filter(|near| {
            let shortest = if length < 6 { length + 1 } else { 6 };
            near.chars().count() >= shortest && near.chars().next() == word.chars().next()
        })
        .filter_map(|near| cue(near))
        .filter(|cue| *cue != Cue::Filler)
        .collect();
    found.dedup();
    let first = *found.first()?;
    found.iter().all(|cue| *cue == first).then_some(first)
}

/// The longest name that may have a typing error. Their number grows with its square, and so does each one's length.
pub const LONGEST_NEAR: usize = 48;

/// Every text one typing error away: a letter left out, put in, changed, or two neighbours swapped; none for a text
/// of more than [`LONGEST_NEAR`] characters.
pub fn near_keys(key: &str) -> Vec<String> {
    let characters: Vec<char> = key.chars().take(LONGEST_NEAR + 1).collect();
    if characters.len() > LONGEST_NEAR {
        return Vec::new();
    }
    // A figure more or less is another name, "Unit 1" and "Unit 2"; in a name with figures one may be mistyped.
    let figures = characters.iter().any(char::is_ascii_digit).then_some('0'..='9').into_iter().flatten();
    let mut alphabet: Vec<char> = ('a'..='z').chain(figures).chain([' ']).chain(characters.iter().copied()).collect();
    alphabet.sort_unstable();
    alphabet.dedup();
    let mut near = std::collections::BTreeSet::new();
    let mut add = |changed: Vec<char>| {
        near.insert(changed.into_iter().collect::<String>());
    };
    for position in 0..=characters.len() {
        for letter in &alphabet {
            let mut inserted = characters.clone();
            inserted.insert(position, *letter);
            add(inserted);
            if position < characters.len() {
                let mut changed = characters.clone();
                changed[position] = *letter;
                add(changed);
            }
        }
        if position < characters.len() {
            let mut shorter = characters.clone();
            shorter.remove(position);
            add(shorter);
        }
        if position + 1 < characters.len() {
            let mut swapped = characters.clone();
            swapped.swap(position, position + 1);
            add(swapped);
        }
    }
    near.remove(key);
    near.into_iter().filter(|near| near.trim() == near && !near.is_empty()).collect()
}

/// Whether two keys are one typing error apart: a letter left out, put in, changed, or two neighbours swapped.
pub fn one_error(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let (short, long) = if one.len() <= other.len() { (&one, &other) } else { (&other, &one) };
    let start = short.iter().zip(long).take_while(|(left, right)| left == right).count();
    let (short, long) = (&short[start..], &long[start..]);
    match long.len() - short.len() {
        0 if !short.is_empty() => {
            short[1..] == long[1..]
                || short.len() > 1 && short[0] == long[1] && short[1] == long[0] && short[2..] == long[2..]
        }
        1 => *short == long[1..],
        _ => false,
    }
}

/// The number that a word counts to: "three", "dozen".
pub fn count_word(word: &str) -> Option<f64> {
    const NUMBERS: &[&str] = &[
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ];
    match word {
        "couple" => Some(2.0),
        "dozen" => Some(12.0),
        "thirty" => Some(30.0),
        "fifty" => Some(50.0),
        "ninety" => Some(90.0),
        "hundred" => Some(100.0),
        _ => NUMBERS.iter().position(|number| *number == word).map(|number| number as f64),
    }
}

/// What a word after a number multiplies it by: "million".
pub fn multiplier(word: &str) -> Option<f64> {
    match word {
        "thousand" | "k" => Some(1e3),
        "million" | "millions" | "mn" | "m" | "mio" => Some(1e6),
        "billion" | "billions" | "bn" | "b" => Some(1e9),
        "trillion" | "trillions" => Some(1e12),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_verb_do_the_same() {
        for word in
            ["drop", "drops", "dropped", "dropping", "decline", "declined", "declining", "fell", "lost", "loser"]
        {
            assert!(matches!(cue(word), Some(Cue::Loss | Cue::Worst)), "{word}");
        }
        for word in ["gain", "gained", "gainers", "rallied", "rose", "climbed", "growing"] {
            assert_eq!(cue(word), Some(Cue::Gain), "{word}");
        }
        assert_eq!(cue("sourdough"), None);
    }

    #[test]
    fn the_longest_phrase_wins() {
        assert_eq!(phrase(&["no", "more", "than", "5"]), Some((Cue::AtMost, 3)));
        assert_eq!(phrase(&["more", "than", "5"]), Some((Cue::Above, 2)));
        assert_eq!(phrase(&["more"]), None);
    }

    #[test]
    fn typing_errors_are_one_letter_away() {
        let near = near_keys("aple");
        assert!(
            near.contains(&"apple".to_owned())
                && near.contains(&"ape".to_owned())
                && near.contains(&"palE".to_lowercase())
        );
        assert!(!near.contains(&"aple".to_owned()));
        let key = "jpmorgan chase";
        assert!(near_keys(key).iter().all(|near| one_error(key, near)));
        assert!(!one_error(key, key) && !one_error(key, "jpmorgan cheese") && !one_error("", "ab"));
        assert_eq!(near_cue("volatilty"), Some(Cue::Volatile));
        assert_eq!(near_cue("avrage"), Some(Cue::Average));
    }
}
