//! The words of questions, by what they do. Words for what is measured are not here: they are data (sutra.metric).

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
}

/// Verbs and nouns with regular forms: the stem is written, s, ed, ing, er and their like are made.
const STEMS: &[(Cue, &str)] = &[
    (Cue::Gain, "gain rise climb increase advance grow jump surge soar rally appreciate rebound recover"),
    (Cue::Loss, "lose fall drop decline decrease slide slump plunge tumble shrink sink depreciate dip crash weaken"),
    (Cue::Change, "change move perform return fare shift evolve"),
    (Cue::Trend, "trend head"),
    (Cue::Volatile, "fluctuate swing vary"),
    (Cue::Compare, "compare"),
    (Cue::Correlate, "correlate co-move comove"),
    (Cue::Relate, "relate connect link associate"),
    (Cue::Cause, "cause drive trigger explain"),
    (Cue::Define, "define"),
    (Cue::About, "describe profile"),
    (Cue::Average, "average"),
    (Cue::Total, "total sum"),
    (Cue::Range, "range spread"),
    (Cue::Peak, "peak"),
    (Cue::Bottom, "bottom trough"),
    (Cue::Above, "exceed surpass"),
    (Cue::Founded, "found establish incorporate create form launch"),
    (Cue::Headquarters, "headquarter locate base"),
    (
        Cue::Thing,
        "company stock ticker firm business corporation security equity station sensor store shop product item issuer",
    ),
    (
        Cue::What,
        "list show give tell display report find print name calculate compute get fetch provide return determine identify",
    ),
    (
        Cue::Filler,
        "trade see look record happen reach stand learn know need want help make take use hit post show experience register have do go come end begin start finish belong operate sit run work hold bring turn",
    ),
];

/// Words as they stand.
const WORDS: &[(Cue, &str)] = &[
    (Cue::Highest, "highest biggest largest greatest most max heaviest strongest steepest busiest sharpest hottest"),
    (Cue::Lowest, "lowest smallest least fewest min lightest weakest slightest cheapest quietest coldest"),
    (Cue::Highest, "priciest dearest richest longest tallest"),
    (Cue::Higher, "higher bigger larger greater more stronger heavier busier"),
    (Cue::Lower, "lower smaller less fewer weaker lighter"),
    (Cue::Peak, "maximum maxima zenith"),
    (Cue::Bottom, "minimum minima nadir"),
    (
        Cue::Best,
        "beat beats outperform outperforms outperformed outperforming best better winner winners finest top-performing",
    ),
    (
        Cue::Worst,
        "underperform underperforms underperformed underperforming worst worse loser losers poorest laggard laggards",
    ),
    (
        Cue::Gain,
        "up rose risen grew grown upward upwards growth bullish climbed gainer gainers added upside higher-moving",
    ),
    (Cue::Loss, "down fell fallen lost shrank sank downward downwards loss losses bearish shed downside"),
    (Cue::Change, "performance returns performer performers % movement percentage-change"),
    (Cue::Trend, "uptrend downtrend direction trajectory momentum tendency trendline slope outlook"),
    (
        Cue::Volatile,
        "volatility volatile erratic unstable choppy turbulent variability riskiest risky fluctuation fluctuations",
    ),
    (Cue::Stable, "stable stablest steady steadiest calm calmest calmer steadier"),
    (Cue::Average, "mean avg typical typically"),
    (Cue::Total, "overall-total cumulative altogether combined aggregate summed"),
    (Cue::Median, "median"),
    (Cue::Compare, "versus vs vs. against than comparison compared"),
    (Cue::Difference, "difference gap differ"),
    (Cue::Correlate, "correlation correlations"),
    (Cue::When, "when"),
    (Cue::DayNoun, "date dates day days session sessions dated"),
    (Cue::Daily, "daily intraday single-day one-day per-day"),
    (Cue::Count, "count"),
    (Cue::Above, "above over beyond past topped topping"),
    (Cue::Below, "below under beneath underneath"),
    (Cue::Which, "which who whose whom"),
    (Cue::What, "what what's whats"),
    (Cue::Where, "where"),
    (Cue::How, "how how's"),
    (Cue::Why, "why"),
    (Cue::Whether, "did does is was were are has have had do can could will would"),
    (Cue::Same, "same peers peer"),
    (Cue::Share, "share shares sharing shared"),
    (Cue::Relate, "relation relationship connection path tie ties"),
    (Cue::Cause, "because reason reasons causes"),
    (Cue::Define, "definition meaning means mean?"),
    (Cue::About, "about overview summary details information"),
    (Cue::Percent, "percent percentage pct"),
    (Cue::Every, "every each all both any"),
    (Cue::Other, "other others another else except besides"),
    (Cue::Not, "not never no without isn't wasn't didn't"),
    (Cue::First, "first earliest"),
    (Cue::Ticker, "symbol symbols"),
    (Cue::And, "and plus"),
    (Cue::Or, "or"),
    (Cue::Founded, "founding founder foundation inception born"),
    (Cue::Headquarters, "city town headquarters hq hqs head-office"),
    (Cue::Top, "top leading ranked rank ranking"),
    (Cue::Thing, "companies corporations businesses securities equities one ones entity entities thing things"),
    (
        Cue::Filler,
        "a an the of in on at for to from by with as it its it's their his her that this these those there here be been \
         being am i me my we us our you your he she they them please kindly much many very really just only also then so if \
         into during over within across throughout between after before since until till around near through per between \
         let lets let's would should could can might may must shall us-listed quickly roughly exactly actually \
         approximately precisely given hi hello hey thanks thank ok okay well market markets trading traded trade exchange \
         level levels value values figure figures number numbers data reading readings measured recorded reported official \
         officially end-of-day session's regular amount size quantity whole entire full period time times timeframe window \
         span interval year years month months week weeks quarter quarters half trading-day calendar during inclusive \
         respectively together out off right which's s t kind sort type price-wise terms term relative performance-wise \
         was were is are had has have got gotten went gone came became become saw seen made took ever yet still \
         absolute simple arithmetic net general single like called named known said say says answer question curious wondering wonder among amongst out set universe \
         group list listed lot overall but than however while learned shown ended ending beginning starting started dollars dollar usd cents cent bucks \
         currently exact precise particular specific certain individual sector-wide mark line threshold barrier point points \
         handle total-wise something anything everything got were've i'd i'm what're where's when's who's that's there's",
    ),
];

/// Phrases, longest first where one begins another.
const PHRASES: &[(Cue, &str)] = &[
    (Cue::AtLeast, "no less than"),
    (Cue::AtLeast, "not less than"),
    (Cue::AtMost, "no more than"),
    (Cue::AtMost, "not more than"),
    (Cue::AtLeast, "or more"),
    (Cue::AtMost, "or less"),
    (Cue::AtLeast, "at least"),
    (Cue::AtMost, "at most"),
    (Cue::AtMost, "up to"),
    (Cue::Above, "more than"),
    (Cue::Above, "greater than"),
    (Cue::Above, "higher than"),
    (Cue::Above, "larger than"),
    (Cue::Above, "bigger than"),
    (Cue::Below, "less than"),
    (Cue::Below, "lower than"),
    (Cue::Below, "fewer than"),
    (Cue::Below, "smaller than"),
    (Cue::Count, "how many"),
    (Cue::Count, "how often"),
    (Cue::Count, "number of"),
    (Cue::Change, "how well"),
    (Cue::Gain, "go up"),
    (Cue::Gain, "went up"),
    (Cue::Gain, "going up"),
    (Cue::Gain, "gone up"),
    (Cue::Loss, "go down"),
    (Cue::Loss, "went down"),
    (Cue::Loss, "going down"),
    (Cue::Loss, "gone down"),
    (Cue::Volatile, "standard deviation"),
    (Cue::Volatile, "price swings"),
    (Cue::Correlate, "move together"),
    (Cue::Correlate, "moved together"),
    (Cue::Correlate, "moving together"),
    (Cue::Daily, "single day"),
    (Cue::Daily, "one day"),
    (Cue::Daily, "per day"),
    (Cue::Daily, "a day"),
    (Cue::Daily, "each day"),
    (Cue::Daily, "in a day"),
    (Cue::Daily, "day over day"),
    (Cue::Ticker, "ticker symbol"),
    (Cue::Ticker, "stock symbol"),
    (Cue::Ticker, "trading symbol"),
    (Cue::Same, "in common"),
    (Cue::Headquarters, "head office"),
    (Cue::Headquarters, "main office"),
    (Cue::Headquarters, "home office"),
    (Cue::Founded, "set up in"),
    (Cue::About, "tell me about"),
    (Cue::About, "know about"),
    (Cue::HowMuch, "how much"),
    (Cue::Trend, "which way"),
    (Cue::Trend, "what way"),
    (Cue::Filler, "changed hands"),
    (Cue::Filler, "change hands"),
    (Cue::Filler, "changing hands"),
    (Cue::Filler, "as well as"),
    (Cue::Filler, "amount of"),
    (Cue::Filler, "as of"),
    (Cue::Filler, "out of"),
    (Cue::Which, "out of which"),
];

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

/// Phrases by their first word.
type Phrases = HashMap<&'static str, Vec<(Vec<&'static str>, Cue)>>;

/// Whether the words begin with a phrase whose parts mean something else than the whole, which is not known here.
pub fn foreign(words: &[&str]) -> Option<usize> {
    const FOREIGN: &[&[&str]] =
        &[&["moving", "average"], &["price", "target"], &["market", "cap"], &["market", "capitalization"]];
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
/// Short words are left alone: too many of them lie one letter apart.
pub fn near_cue(word: &str) -> Option<Cue> {
    if word.chars().count() < 6 {
        return None;
    }
    let mut found: Vec<Cue> = near_keys(word)
        .iter()
        // The first letter is rarely mistyped, and "raining" is not "gaining".
        .filter(|near| near.chars().count() >= 6 && near.chars().next() == word.chars().next())
        .filter_map(|near| cue(near))
        .filter(|cue| *cue != Cue::Filler)
        .collect();
    found.dedup();
    let first = *found.first()?;
    found.iter().all(|cue| *cue == first).then_some(first)
}

/// The longest name that may have a typing error. Their number grows with its square, and so does each one's length.
const LONGEST_NEAR: usize = 48;

/// Every text one typing error away: a letter left out, put in, changed, or two neighbours swapped; none for a text
/// of more than [`LONGEST_NEAR`] characters.
pub fn near_keys(key: &str) -> Vec<String> {
    let characters: Vec<char> = key.chars().take(LONGEST_NEAR + 1).collect();
    if characters.len() > LONGEST_NEAR {
        return Vec::new();
    }
    let mut alphabet: Vec<char> = ('a'..='z').chain('0'..='9').chain([' ']).chain(characters.iter().copied()).collect();
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
        assert_eq!(near_cue("volatilty"), Some(Cue::Volatile));
        assert_eq!(near_cue("avrage"), Some(Cue::Average));
    }
}
