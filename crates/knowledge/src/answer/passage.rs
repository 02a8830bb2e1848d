//! Open questions: the best statement that was learned, and the sentence of it that answers, if they are good enough.
//!
//! Search brings up candidates; they are put in order by their search score, by the pairs of neighbouring words they
//! share with the question, and by how many of its words stand close together, the rare words counting more (term
//! proximity: Büttcher, Clarke and Lushman, SIGIR 2006). The weights were chosen on the questions of TAT-QA, where any of
//! 0.5 to 1 does about as well.

use super::confidence::{self, Quotation};
use super::overlap::{self, Asked, Rarity, Shares};
use super::{Kind, Row, measure};
use crate::question::plan::{Operation, Plan};
use crate::question::time::Period;
use crate::question::token::{self, Token, TokenKind};
use crate::store::{Passage, Store};
use serde_json::json;
use std::collections::BTreeSet;
use unicode_segmentation::UnicodeSegmentation;

/// Candidates that search brings up: statements that numbers were read from may crowd out the others.
pub const CANDIDATES: usize = 60;
/// Candidates that are put in order.
const ORDERED: usize = 20;
/// Share of the question's words, by weight, that a statement must hold to be shown.
const LEAST_OVERLAP: f64 = 0.3;
/// Share of the words not understood that it must hold where a number or fact was asked for.
const LEAST_UNKNOWN: f64 = 0.66;
/// A longer statement is quoted by its best sentence.
const WHOLE: usize = 300;
/// What a sentence gains that holds the sort of thing that is asked for, beside its shares of words and pairs.
const SORT: f64 = 0.3;

/// The sort of thing a question asks for, by its question word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Number,
    Name,
    Reason,
    Any,
}

/// Words and phrases that join an effect to its cause.
const REASONS: [&str; 16] = [
    "because",
    "due to",
    "caused",
    "cause of",
    "led to",
    "as a result",
    "result of",
    "resulted",
    "driven by",
    "owing to",
    "thanks to",
    "attributable",
    "after",
    "since",
    "so that",
    "forced",
];

impl Sort {
    fn of(question: &str, plan: &Plan) -> Sort {
        let text = question.to_lowercase();
        let holds = |phrase: &str| text.contains(phrase);
        if plan.operation == Operation::Cause || holds("why ") {
            Sort::Reason
        } else if [
            "how many",
            "how much",
            "how long",
            "how far",
            "what percentage",
            "what amount",
            "when ",
            "which year",
            "what year",
        ]
        .into_iter()
        .any(holds)
        {
            Sort::Number
        } else if ["who ", "whom ", "whose "].into_iter().any(holds) {
            Sort::Name
        } else {
            Sort::Any
        }
    }

    /// Whether a sentence holds something of the sort that the question does not hold itself.
    fn held(self, asked: &[Token], sentence: &str) -> bool {
        let new = |token: &Token| !asked.iter().any(|known| known.lower == token.lower);
        match self {
            Sort::Any => true,
            Sort::Number => token::tokens(sentence).iter().any(|token| {
                new(token)
                    && (token.kind == TokenKind::Number
                        || token.lower.starts_with(|first: char| first.is_ascii_digit()))
            }),
            Sort::Name => token::tokens(sentence)
                .iter()
                .any(|token| new(token) && token.kind == TokenKind::Word && token.capitalised() && !token.initial),
            Sort::Reason => {
                let text = sentence.to_lowercase();
                REASONS.iter().any(|reason| text.contains(reason))
            }
        }
    }
}

/// What the words that were not understood, and the names that were, say about a text.
struct Spoken {
    /// Share of the words not understood that the text holds; 1 when all were understood.
    unknown: f64,
    /// Share of the names of the question that the text holds; 1 when it names nothing.
    named: f64,
    /// A name of the question that is not known is not in the text either, so the text is about something else.
    stranger: bool,
}

impl Spoken {
    fn new(plan: &Plan, content: &str, held: &BTreeSet<&String>) -> Self {
        let written: Vec<Token> = token::tokens(content);
        let there = |token: &Token| {
            if token.all_capitals() {
                written.iter().any(|word| word.text == token.text)
            } else {
                held.contains(&overlap::stem(&token.lower))
            }
        };
        let words = |text: &str| -> Vec<Token> {
            token::tokens(text).into_iter().filter(|token| token.kind != TokenKind::Symbol).collect()
        };
        let (mut all, mut found, mut stranger) = (0, 0, false);
        for unknown in &plan.not_understood {
            for token in words(&unknown.text) {
                all += 1;
                found += usize::from(there(&token));
                stranger |= token.capitalised() && !there(&token);
            }
        }
        // A name is there when its ticker is, or the first word of its longer name, which no legal form is.
        let named = plan.entities.iter().filter(|link| {
            words(&link.entity.name).iter().all(there)
                || link.entity.title.iter().any(|title| words(title).first().is_some_and(there))
                || words(&link.text).iter().all(there)
        });
        let share = |part: usize, whole: usize| if whole == 0 { 1.0 } else { part as f64 / whole as f64 };
        Spoken { unknown: share(found, all), named: share(named.count(), plan.entities.len()), stranger }
    }
}

/// The sentence of a text that holds most of the question, and whether it holds the sort of thing asked for.
fn sentence_of(asked: &Asked, words: &[Token], sort: Sort, content: &str, rarity: &Rarity) -> (String, bool) {
    if content.chars().count() <= WHOLE {
        return (content.trim().to_owned(), sort.held(words, content));
    }
    let mut best: Option<(f64, &str, bool)> = None;
    for sentence in content.split('\n').flat_map(UnicodeSegmentation::unicode_sentences) {
        let Shares { words: held, pairs, .. } = overlap::shares(asked, &overlap::stems(sentence), rarity);
        let of_sort = sort.held(words, sentence);
        let score = held + pairs + if of_sort { SORT } else { 0.0 };
        if best.is_none_or(|(known, _, _)| score > known) {
            best = Some((score, sentence, of_sort));
        }
    }
    best.map_or_else(
        || (content.trim().to_owned(), false),
        |(_, sentence, of_sort)| (sentence.trim().to_owned(), of_sort),
    )
}

/// A candidate with its place in the order.
struct Candidate<'a> {
    passage: &'a Passage,
    shares: Shares,
    spoken: Spoken,
    score: f64,
}

fn ranked<'a>(
    plan: &Plan,
    asked: &Asked,
    passages: &'a [Passage],
    texts: &[Vec<String>],
    rarity: &Rarity,
) -> Vec<Candidate<'a>> {
    let mut ranked: Vec<Candidate> = Vec::new();
    for (passage, text) in passages.iter().zip(texts) {
        let shares = overlap::shares(asked, text, rarity);
        if shares.words < LEAST_OVERLAP {
            continue;
        }
        let spoken = Spoken::new(plan, &passage.content, &text.iter().collect());
        let about = spoken.named > 0.0 && (plan.operation == Operation::Open || spoken.unknown >= LEAST_UNKNOWN);
        if about && !spoken.stranger {
            let score = passage.score.clamp(0.0, 1.0) + 0.75 * shares.pairs + 0.5 * shares.close;
            ranked.push(Candidate { passage, shares, spoken, score });
        }
    }
    ranked.sort_by(|one, two| two.score.total_cmp(&one.score).then(one.passage.concept.cmp(&two.passage.concept)));
    ranked
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
    // What was read as numbers is answered by computing. Such a statement is quoted only where the question asks for no
    // number or reason, and nothing else was found.
    let quotable = |passages: &mut Vec<Passage>| {
        if plan.operation != Operation::Open || passages.iter().any(|passage| !passage.observed) {
            passages.retain(|passage| !passage.observed);
        }
        passages.truncate(ORDERED.max(most));
    };
    let stems = |passages: &[Passage]| -> Vec<Vec<String>> {
        passages.iter().map(|passage| overlap::stems(&passage.content)).collect()
    };
    // Whatever is quoted holds words of the question, so that without a statement by its words there is none at all.
    let worth = |by_words: &[Passage]| {
        let mut passages = by_words.to_vec();
        quotable(&mut passages);
        let texts = stems(&passages);
        !ranked(plan, &asked, &passages, &texts, &Rarity::new(&texts)).is_empty()
    };
    let mut passages = store.passages(question, CANDIDATES.max(most), &worth);
    quotable(&mut passages);
    let texts = stems(&passages);
    let rarity = Rarity::new(&texts);
    let ranked = ranked(plan, &asked, &passages, &texts, &rarity);
    let Some(best) = ranked.first() else { return nothing("no statement holds enough of the question's words") };
    // How far the best stands from the next says how likely it is the answer.
    let margin = ranked.get(1).map_or(1.0, |next| confidence::margin(best.score, next.score));
    let (sort, words) = (Sort::of(question, plan), token::tokens(question));
    let rows = ranked.iter().take(most).map(|candidate| {
        let (answer, of_sort) = sentence_of(&asked, &words, sort, &candidate.passage.content, &rarity);
        let quotation = Quotation {
            words: candidate.shares.words,
            pairs: candidate.shares.pairs,
            close: candidate.shares.close,
            score: candidate.passage.score.clamp(0.0, 1.0),
            margin,
            unknown: candidate.spoken.unknown,
            named: candidate.spoken.named,
            sort: f64::from(u8::from(of_sort)),
            open: f64::from(u8::from(matches!(plan.operation, Operation::Open | Operation::Cause))),
        };
        let signals = confidence::quoted(&quotation);
        Row {
            kind: Kind::Statement,
            answer,
            value: None,
            confidence: confidence::probability(&signals, &confidence::QUOTED) * candidate.score / best.score,
            concept: Some(candidate.passage.concept),
            evidence: vec![candidate.passage.concept],
            path: None,
            explanation: "found by search and quoted, not interpreted".into(),
            features: None,
            signals: confidence::listed(&signals, &confidence::QUOTED),
        }
    });
    let mut rows: Vec<Row> = rows.collect();
    rows[0].explanation.push_str(&measure::notes(plan, &Period::unspecified(), None));
    rows
}
