//! Why something happened: what statements say about causes, by their words for cause and effect, and edges of kind
//! causal. Nothing is concluded from numbers, and nothing is invented: without such a statement there is no answer.

use super::confidence::{self, Saying};
use super::{Kind, Row, measure, passage, sentence, series};
use crate::extract;
use crate::names;
use crate::question::link::Link;
use crate::question::plan::Plan;
use crate::question::time::Period;
use crate::question::token::{self, Token, TokenKind};
use crate::question::words::{self, Cue};
use crate::store::{DAY, Fact, Passage, Store};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use unicode_segmentation::UnicodeSegmentation;

/// Statements that are looked through by the words for a cause.
const CANDIDATES: usize = 30;
/// Share of what is asked about that the effect in a statement must speak of.
const LEAST_SHARE: f64 = 0.5;

/// Words after which the cause stands, the effect before them.
const CAUSE_AFTER: &[&str] = &[
    "because of",
    "because",
    "due to",
    "owing to",
    "thanks to",
    "as a result of",
    "caused by",
    "driven by",
    "triggered by",
    "attributed to",
    "on news",
    "on concerns",
    "on fears",
    "on the back of",
    "in response to",
    "amid",
    "after",
    "following",
];
/// Words after which the effect stands, the cause before them.
const EFFECT_AFTER: &[&str] = &[
    "caused",
    "causes",
    "led to",
    "leads to",
    "resulted in",
    "results in",
    "triggered",
    "forced",
    "drove",
    "sparked",
    "prompted",
    "which helped",
    "contributed to",
    "disrupted",
    "brought about",
    "boosted",
    "weighed on",
];

/// The two sides of a sentence that speaks of a cause, and how plainly it does.
struct Sides<'a> {
    effect: &'a str,
    cause: &'a str,
    plain: f64,
}

/// A sentence that says why.
struct Stated {
    /// Share of what is asked about that its effect speaks of.
    share: f64,
    plain: f64,
    concept: u64,
    text: String,
    value: Value,
}

impl Stated {
    fn score(&self) -> f64 {
        self.share * self.plain
    }
}

fn find_word(text: &str, phrase: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].find(phrase).map(|at| from + at) {
        let edge = |character: Option<char>| character.is_none_or(|character| !character.is_alphanumeric());
        if edge(text[..at].chars().next_back()) && edge(text[at + phrase.len()..].chars().next()) {
            return Some(at);
        }
        from = at + phrase.len();
    }
    None
}

fn sides(sentence: &str) -> Option<Sides<'_>> {
    let lower = sentence.to_lowercase();
    // Lower case may change the length of a text in a few scripts; its offsets are then of no use.
    if lower.len() != sentence.len() {
        return None;
    }
    for phrase in CAUSE_AFTER {
        if let Some(at) = find_word(&lower, phrase) {
            let plain = if matches!(*phrase, "after" | "following" | "amid") { 0.6 } else { 1.0 };
            let (before, rest) = (sentence.get(..at)?, sentence.get(at + phrase.len()..)?);
            // "Because yields rose, shares fell": the effect follows the comma.
            if before.trim().is_empty() {
                let (cause, effect) = rest.split_once(',')?;
                return Some(Sides { effect, cause, plain });
            }
            return Some(Sides { effect: before, cause: rest, plain });
        }
    }
    for phrase in EFFECT_AFTER {
        if let Some(at) = find_word(&lower, phrase) {
            return Some(Sides { effect: sentence.get(at + phrase.len()..)?, cause: sentence.get(..at)?, plain: 0.9 });
        }
    }
    None
}

/// A word by what it means here: all words for a rise are one, and all for a fall.
fn meaning(token: &Token) -> Option<String> {
    use Cue::{And, Cause, Filler, How, HowMuch, Or, Other, Share, Thing, What, When, Where, Whether, Which, Why};
    match words::cue(&token.lower) {
        Some(Cue::Gain) => Some("+".to_owned()),
        Some(Cue::Loss) => Some("-".to_owned()),
        Some(
            Filler | What | Which | Whether | How | HowMuch | And | Or | When | Where | Why | Cause | Other | Share
            | Thing,
        ) if !token.capitalised() || token.initial => None,
        _ => Some(super::overlap::stem(&token.lower)),
    }
}

fn meanings(text: &str) -> BTreeSet<String> {
    token::tokens(text).iter().filter(|token| token.kind != TokenKind::Symbol).filter_map(meaning).collect()
}

/// Whether a text names an entity by the question's words, its name or its title.
pub fn names_entity(text: &str, link: &Link) -> bool {
    let padded = format!(" {} ", names::key(text));
    let short = link.entity.title.as_deref().and_then(names::short);
    [Some(link.text.clone()), link.entity.title.clone(), short]
        .into_iter()
        .flatten()
        .map(|name| names::key(&name))
        .filter(|key| !key.is_empty())
        .any(|key| padded.contains(&format!(" {key} ")))
        || token::tokens(text).iter().any(|token| token.text == link.entity.name)
}

/// What the question asks the cause of: its words without names and times.
fn asked(question: &str, plan: &Plan) -> BTreeSet<String> {
    let names: BTreeSet<String> = plan
        .entities
        .iter()
        .flat_map(|link| names::key(&link.text).split(' ').map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let tokens = token::tokens(question);
    let times = crate::question::time::scan(&tokens);
    let kept = tokens.iter().enumerate().filter(|(index, token)| {
        token.kind != TokenKind::Symbol
            && !times.iter().any(|found| (found.start..found.end).contains(index))
            && !names.contains(&names::key(&token.text))
            && !matches!(
                token.lower.as_str(),
                "behind" | "made" | "lead" | "led" | "force" | "forced" | "price" | "prices"
            )
    });
    kept.filter_map(|(_, token)| meaning(token)).collect()
}

/// Days after a longer time in which what happened in it is still told.
const TOLD: i64 = 45;

/// Whether a text names a period: its year, and the month of a shorter one.
fn names_period(text: &str, period: &Period) -> bool {
    let (Some(from), Some(to)) = (period.from, period.to) else { return false };
    let written: Vec<Token> = token::tokens(text);
    let year = |year: i16| written.iter().any(|token| token.text == year.to_string());
    let month = || {
        let name = from.strftime("%B").to_string();
        written.iter().any(|token| token.capitalised() && (token.text == name || token.text == name[..3]))
    };
    let months = i32::from(to.year() - from.year()) * 12 + i32::from(to.month() - from.month());
    (from.year()..=to.year()).take(100).any(year) && (months > 1 || month())
}

/// Whether a statement may speak of the time asked about: what happened is told on its day, or soon after a longer time;
/// a statement that was learned without a time must name the period.
fn in_time(passage: &Passage, periods: &[Period]) -> bool {
    let Some(at) = passage.at else {
        return periods.is_empty() || periods.iter().any(|period| names_period(&passage.content, period));
    };
    periods.is_empty()
        || periods.iter().any(|period| {
            let window = series::window(period);
            let long = window.from.zip(window.before).is_some_and(|(from, before)| before - from > 27 * DAY);
            let told = if long { TOLD * DAY } else { 0 };
            window.from.is_none_or(|from| at >= from) && window.before.is_none_or(|before| at < before + told)
        })
}

/// What is known of the cause of something.
pub fn cause(question: &str, plan: &Plan, store: &dyn Store, most: usize) -> Vec<Row> {
    let wanted = asked(question, plan);
    // "What did the hurricane lead to" asks for the effect of a cause.
    let forward = {
        let key = format!(" {} ", names::key(question));
        [" lead to ", " result in ", " leads to ", " effect of ", " consequence of ", " consequences of "]
            .iter()
            .any(|words| key.contains(words))
    };
    let names: Vec<String> = plan.entities.iter().map(|link| sentence::entity(&link.entity)).collect();
    let speaks = |passage: &Passage| {
        in_time(passage, &plan.periods) && plan.entities.iter().all(|link| names_entity(&passage.content, link))
    };
    let worth = |passages: &[Passage]| passages.iter().any(speaks);
    let mut passages = store.passages(question, passage::CANDIDATES.max(most), &worth);
    // The words for a cause are rare; beside the names they bring up what says why.
    let spoken: Vec<&str> = plan.entities.iter().map(|link| link.text.as_str()).collect();
    let with_words = format!("{} because due to caused led to", spoken.join(" "));
    for passage in store.passages(&with_words, CANDIDATES, &worth) {
        if !passages.iter().any(|known| known.concept == passage.concept) {
            passages.push(passage);
        }
    }
    let mut found: Vec<Stated> = Vec::new();
    for passage in passages.iter().filter(|passage| speaks(passage)) {
        for text in passage.content.split('\n').flat_map(UnicodeSegmentation::unicode_sentences) {
            let fit = |sides: &Sides| {
                let held = meanings(if forward { sides.cause } else { sides.effect });
                let direction_fits = ["+", "-"].iter().all(|sign| {
                    let sign = (*sign).to_owned();
                    forward || !wanted.contains(&sign) || held.contains(&sign)
                });
                let common = wanted.intersection(&held).count();
                let share = if wanted.is_empty() { LEAST_SHARE } else { common as f64 / wanted.len() as f64 };
                (direction_fits && share >= LEAST_SHARE).then_some((share, sides.plain))
            };
            let by_words = sides(text).and_then(|sides| Some((fit(&sides)?, sides.cause, sides.effect)));
            let stated = || {
                // Other constructions, such as "the main driver of X was Y", are known to the reading of relations.
                let about = wanted.intersection(&meanings(text)).count() * 2 >= wanted.len().max(1);
                let read = if about { extract::extract(text) } else { Vec::new() };
                read.into_iter().filter(|relation| relation.kind == "causal").find_map(|relation| {
                    let (cause, effect) = (text.get(relation.source_range)?, text.get(relation.target_range)?);
                    Some((fit(&Sides { effect, cause, plain: f64::from(relation.confidence) })?, cause, effect))
                })
            };
            if let Some(((share, plain), cause, effect)) = by_words.or_else(stated) {
                let plainly = |side: &str| side.trim().trim_end_matches('.').to_owned();
                let value = json!({ "cause": plainly(cause), "effect": plainly(effect) });
                found.push(Stated { share, plain, concept: passage.concept, text: text.trim().to_owned(), value });
            }
        }
    }
    found.sort_by(|one, two| {
        let order = two.score().total_cmp(&one.score()).then(one.concept.cmp(&two.concept));
        order.then(one.text.cmp(&two.text))
    });
    found.dedup_by_key(|stated| stated.concept);
    if found.is_empty() {
        return edges(plan, &wanted, store).unwrap_or_else(|| {
            vec![Row::abstention(
                "No statement that was learned says why.",
                json!({ "cause": names }),
                format!(
                    "neither a statement with a word for cause speaks of it, nor an edge of kind causal{}",
                    measure::notes(plan, &Period::unspecified(), None)
                ),
            )]
        });
    }
    let margin = found.get(1).map_or(1.0, |next| confidence::margin(found[0].score(), next.score()));
    let linking: f64 = plan.entities.iter().map(|link| link.certainty).product();
    let rows = found.into_iter().take(most).map(|Stated { share, plain, concept, text, value }| {
        let saying = Saying { linking, about: share, plain, margin };
        let mut row = Row::stated(concept, text, &saying, "a statement that names the cause, quoted, not interpreted");
        row.value = Some(value);
        row
    });
    rows.collect()
}

/// Whether a sentence that states no cause in so many words may still answer why: it must not speak of the other
/// direction, and of the numbers of something that was learned only a stated cause says why they moved.
pub fn may_answer(question: &str, plan: &Plan, sentence: &str) -> bool {
    let (wanted, held) = (asked(question, plan), meanings(sentence));
    let moves = ["+", "-"].iter().any(|sign| wanted.contains(*sign));
    let turned = [("+", "-"), ("-", "+")].iter().any(|(asked, other)| {
        wanted.contains(*asked) && !wanted.contains(*other) && held.contains(*other) && !held.contains(*asked)
    });
    !turned && (!moves || plan.entities.is_empty())
}

/// Edges of kind causal at the entities named, when no statement answers by its words.
fn edges(plan: &Plan, wanted: &BTreeSet<String>, store: &dyn Store) -> Option<Vec<Row>> {
    let mut found: Vec<Fact> = Vec::new();
    for link in &plan.entities {
        found.extend(store.facts(&[link.entity.id], None));
        found.extend(store.members(link.entity.id, None));
    }
    found.retain(|fact| fact.kind == "causal");
    // Of a rise or a fall an edge between two names says nothing.
    if found.is_empty() || wanted.contains("+") || wanted.contains("-") || !plan.periods.is_empty() {
        return None;
    }
    let said: Vec<String> = found
        .iter()
        .map(|fact| format!("{} {} {}", sentence::entity(&fact.entity), fact.relation, sentence::entity(&fact.target)))
        .collect();
    let used: Vec<&Fact> = found.iter().collect();
    let mut row = super::facts::computed(
        plan,
        format!("{}.", sentence::list(&said)),
        serde_json::Map::from_iter([("n".to_owned(), json!(found.len()))]),
        &used,
        "edges of kind causal",
    );
    row.kind = Kind::Path;
    Some(super::facts::with_support(row, store))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cause_and_effect_are_told_apart() {
        let shares = sides("Equifax shares fell because the company disclosed a breach.").unwrap();
        assert!(shares.effect.contains("fell") && shares.cause.contains("breach"));
        let storm = sides("Hurricane Harvey led to the shutdown of refineries.").unwrap();
        assert!(storm.effect.contains("shutdown") && storm.cause.contains("Harvey"));
        let first = sides("Because yields rose, shares fell.").unwrap();
        assert!(first.effect.contains("fell") && first.cause.contains("yields"));
        assert!(sides("Apple closed at $157.92.").is_none());
        assert!(sides("Afterwards shares fell.").is_none());
    }
}
