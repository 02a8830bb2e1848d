//! Relations that a text states: what causes what, what something is, who buys, owns, supplies or rivals whom.
//!
//! There is no parser of whole sentences behind it: [`token`] tells words of grammar from the others, [`phrase`] finds
//! the noun phrase before and after a word, [`causal`] and [`statement`] know the words and constructions that state a
//! relation, and which side of them is the source. A sentence that negates a relation, or asks for it, states none.

mod causal;
mod lexicon;
mod phrase;
mod statement;
mod token;

use crate::chunk;
use crate::question::time::MONTHS;
use std::collections::HashSet;
use std::ops::Range;

/// Bytes of a text that relations are read from.
const READ: usize = 64 << 10;
/// Bytes of a source or target at most.
pub const LONGEST: usize = 200;

/// A relation that a text states.
#[derive(Clone, Debug, PartialEq)]
pub struct Relation {
    /// Its name: "causes", "is a", "acquires", "owns", "supplies", "competes with".
    pub relation: &'static str,
    /// The kind of edge, as in sutra.association_kind.
    pub kind: &'static str,
    /// What the relation goes out from: the cause, the buyer.
    pub source: String,
    /// What it goes to: the effect, what is bought.
    pub target: String,
    /// What the concept of the source is called: as written, but with a small letter where only the start of the sentence
    /// gave it a capital.
    pub source_name: String,
    /// The same of the target.
    pub target_name: String,
    /// The bytes of the source in the text.
    pub source_range: Range<usize>,
    /// The bytes of the target in the text.
    pub target_range: Range<usize>,
    /// How far it is believed, 0 to 1.
    pub confidence: f32,
    /// The bytes that state it, from the first word of either end to the last of the other.
    pub span: Range<usize>,
}

/// The names of all relations that are read from text.
pub const RELATIONS: [&str; 8] =
    ["causes", "contributes to", "is a", "acquires", "owns", "part of", "supplies", "competes with"];

impl Relation {
    /// Whether an end says nothing by itself: "the increase" is that of the sentence before. A graph in which all increases
    /// are one concept would lead from everything to everything.
    pub fn is_vague(&self) -> bool {
        let vague = |name: &str| !name.contains(' ') && lexicon::is_change(&name.to_lowercase());
        vague(&self.source) || vague(&self.target)
    }

    /// Whether both ends are names, as of companies.
    pub fn between_names(&self) -> bool {
        matches!(self.relation, "acquires" | "owns" | "part of" | "supplies" | "competes with")
    }
}

/// The names that the concept of a phrase can have, the likeliest first: a question may write it with a capital or not.
pub fn concept_names(phrase: &str) -> Vec<String> {
    let phrase = written(phrase);
    let mut names = vec![phrase.clone(), uncapitalised(&phrase), phrase.to_lowercase()];
    names.dedup();
    names
}

/// The relations that a text states, in the order of their place in it.
pub fn extract(text: &str) -> Vec<Relation> {
    let read = &text[..text.floor_char_boundary(READ)];
    let mut found: Vec<Relation> = Vec::new();
    let mut known = HashSet::new();
    for sentence in chunk::prose(read) {
        let written = read[sentence.clone()].trim_end();
        if written.ends_with('?') {
            continue;
        }
        let tokens = token::tokens(read, sentence);
        let mut stated = causal::read(read, &tokens);
        stated.extend(statement::read(read, &tokens));
        let opening = tokens
            .iter()
            .find(|token| !matches!(token.class, token::Class::Determiner | token::Class::Mark))
            .map_or(0, |token| token.range.start);
        for relation in stated.iter_mut().filter(|relation| !relation.between_names()) {
            // "Garmin is a maker of watches": who makes is called by a name.
            let named = relation.relation == "is a"
                && relation.target.split(' ').any(|word| lexicon::is_people(&word.to_lowercase()));
            if relation.source_range.start == opening && !named {
                relation.source_name = uncapitalised(&relation.source);
            }
            if relation.target_range.start == opening {
                relation.target_name = uncapitalised(&relation.target);
            }
        }
        // What is believed more comes first, so that of two readings of one pair the surer stands.
        stated.sort_by(|left, right| {
            right.confidence.total_cmp(&left.confidence).then(left.span.start.cmp(&right.span.start))
        });
        let start = found.len();
        for relation in stated {
            let key = (relation.kind, relation.relation, relation.source_range.start, relation.target_range.start);
            if known.insert(key) {
                found.push(relation);
            }
        }
        found[start..]
            .sort_by_key(|relation| (relation.span.start, relation.source_range.start, relation.target_range.start));
    }
    found
}

/// Makes a relation of two stretches of a text; none when they overlap or one is no name or thing.
fn relate(
    text: &str,
    (relation, kind): (&'static str, &'static str),
    source: Range<usize>,
    target: Range<usize>,
    confidence: f32,
) -> Option<Relation> {
    let apart = source.end <= target.start || target.end <= source.start;
    let named = |range: &Range<usize>| range.len() <= LONGEST && text[range.clone()].split_whitespace().any(is_word);
    (apart && named(&source) && named(&target)).then(|| Relation {
        relation,
        kind,
        source: written(&text[source.clone()]),
        target: written(&text[target.clone()]),
        source_name: written(&text[source.clone()]),
        target_name: written(&text[target.clone()]),
        span: source.start.min(target.start)..source.end.max(target.end),
        source_range: source,
        target_range: target,
        confidence,
    })
}

/// Whether a word can name something: it has letters and is no month, which only tells when.
fn is_word(word: &str) -> bool {
    let lower = word.trim_matches(|character: char| !character.is_alphanumeric()).to_lowercase();
    lower.contains(char::is_alphabetic) && !MONTHS.iter().any(|month| month.eq_ignore_ascii_case(&lower))
}

/// A phrase with a small first letter, unless it has another capital and so is a name or an abbreviation.
fn uncapitalised(phrase: &str) -> String {
    let mut characters = phrase.chars();
    match characters.next() {
        Some(first) if !characters.as_str().contains(char::is_uppercase) => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => phrase.to_owned(),
    }
}

/// A stretch of a text on one line.
fn written(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
