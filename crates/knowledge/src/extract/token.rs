//! The words of a sentence, with what can be said of each without a dictionary of all words.

use super::lexicon;
use crate::chunk::ABBREVIATIONS;
use std::ops::Range;

/// What a word can be in a sentence. Everything that is not a word of grammar counts as nominal: a noun or what stands
/// before one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A noun, an adjective, a number, a name: what noun phrases are made of.
    Nominal,
    /// An article, a demonstrative, a possessive pronoun, a quantifier.
    Determiner,
    /// A personal pronoun.
    Pronoun,
    /// "that", "which", "who".
    Relative,
    /// A preposition.
    Preposition,
    /// "and", "or".
    Coordinator,
    /// A word that opens a clause: "but", "when", "although".
    Clause,
    /// A form of "be".
    Be,
    /// Another auxiliary or modal verb, or "to".
    Auxiliary,
    /// A verb that is hardly ever a noun, in a finite form.
    Verb,
    /// A word ending in "ed", or an irregular participle.
    Participle,
    /// A word ending in "ing".
    Gerund,
    /// An adverb.
    Adverb,
    /// "not", "never", "no".
    Negation,
    /// A comma, a dash.
    Comma,
    /// What opens and closes an aside.
    Open,
    Close,
    /// Any other mark, which nothing reaches over.
    Mark,
}

/// A word or mark.
#[derive(Clone, Debug)]
pub struct Token {
    /// Its bytes in the text.
    pub range: Range<usize>,
    /// The word in lower case.
    pub lower: String,
    /// What it can be.
    pub class: Class,
    /// Whether it is written with a capital.
    pub capital: bool,
}

impl Token {
    /// Whether it is this word.
    pub fn is(&self, word: &str) -> bool {
        self.lower == word
    }

    /// Whether it is one of these words.
    pub fn among(&self, words: &[&str]) -> bool {
        words.contains(&self.lower.as_str())
    }

    /// Whether a noun phrase may hold it.
    pub fn nominal(&self) -> bool {
        matches!(self.class, Class::Nominal | Class::Participle | Class::Gerund)
    }
}

/// The words and marks of a part of a text.
pub fn tokens(text: &str, part: Range<usize>) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = part.start;
    while rest < part.end {
        let Some(first) = text[rest..part.end].chars().next() else { break };
        let length = match first {
            character if character.is_whitespace() => {
                rest += character.len_utf8();
                continue;
            }
            character if character.is_alphanumeric() || matches!(character, '$' | '\u{20ac}' | '\u{a3}') => {
                word_length(&text[rest..part.end])
            }
            // "'s" stands for a word of its own, which ties an owner to what is owned.
            '\'' | '\u{2019}' if possessive(text, rest) => first.len_utf8() + 1,
            character => character.len_utf8(),
        };
        let range = rest..rest + length;
        let written = &text[range.clone()];
        let lower = written.to_lowercase();
        let class = classify(&lower);
        tokens.push(Token { capital: written.chars().next().is_some_and(char::is_uppercase), range, lower, class });
        rest += length;
    }
    // "Tapestry, Inc." is one name.
    for at in 1..tokens.len() {
        if LEGAL_FORMS.contains(&tokens[at].lower.as_str()) && tokens[at - 1].lower == "," {
            tokens[at - 1].class = Class::Nominal;
            tokens[at - 1].capital = true;
        }
    }
    tokens
}

/// What may follow the comma of a company's name.
const LEGAL_FORMS: &[&str] =
    &["inc.", "inc", "corp.", "corp", "ltd.", "ltd", "llc", "l.p.", "plc", "co.", "n.v.", "s.a."];

fn possessive(text: &str, at: usize) -> bool {
    let mut after = text[at..].chars().skip(1);
    text[..at].ends_with(char::is_alphanumeric)
        && after.next() == Some('s')
        && !after.next().is_some_and(char::is_alphanumeric)
}

/// How many bytes the word has that a text begins with. Points, commas, hyphens and apostrophes inside belong to it,
/// as in "U.S.", "1,234.5", "build-up" and "O'Reilly".
fn word_length(text: &str) -> usize {
    let mut end = 0;
    for (at, character) in text.char_indices() {
        let after = text[at + character.len_utf8()..].chars().next();
        let before = text[..at].chars().next_back();
        let inside = match character {
            '-' | '\u{2010}' | '\u{2011}' | '&' | '/' => after.is_some_and(char::is_alphanumeric),
            '.' => {
                after.is_some_and(char::is_alphanumeric)
                    || before.is_some_and(char::is_alphabetic) && text[..at].contains('.') && text[..at].len() <= 5
                    // The point of "Inc." belongs to it, but for the last one of a sentence.
                    || ABBREVIATIONS.contains(&text[..at].to_lowercase().as_str())
                        && text[at + 1..].contains(char::is_alphanumeric)
            }
            ',' => before.is_some_and(|c| c.is_ascii_digit()) && after.is_some_and(|c| c.is_ascii_digit()),
            '\'' | '\u{2019}' => after.is_some_and(char::is_alphabetic) && !possessive(text, at),
            '$' | '\u{20ac}' | '\u{a3}' | '%' => true,
            character => character.is_alphanumeric() || unicode_normalization::char::is_combining_mark(character),
        };
        if !inside {
            break;
        }
        end = at + character.len_utf8();
    }
    end.max(text.chars().next().map_or(1, char::len_utf8))
}

fn classify(lower: &str) -> Class {
    let Some(first) = lower.chars().next() else { return Class::Mark };
    if !first.is_alphanumeric() && !matches!(first, '$' | '\u{20ac}' | '\u{a3}') {
        return match first {
            ',' | '-' | '\u{2013}' | '\u{2014}' => Class::Comma,
            '(' | '[' => Class::Open,
            ')' | ']' => Class::Close,
            '\'' | '\u{2019}' if lower.ends_with('s') => Class::Nominal,
            _ => Class::Mark,
        };
    }
    if let Some(class) = lexicon::class(lower) {
        return class;
    }
    if lexicon::is_adverb(lower) {
        Class::Adverb
    } else if lower.len() > 5 && lower.ends_with("ing") && lexicon::class(lower).is_none() {
        Class::Gerund
    } else if lower.len() > 4 && lower.ends_with("ed") && !lower.ends_with("eed") {
        Class::Participle
    } else {
        Class::Nominal
    }
}
