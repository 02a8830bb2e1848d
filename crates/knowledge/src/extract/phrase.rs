//! Noun phrases beside a word: what stands before it as its subject, and what follows it as its object.

use super::lexicon;
use super::token::{Class, Token};
use std::ops::Range;

/// Words that a phrase has at most.
const LONGEST: usize = 14;
/// Members of an enumeration that are told apart.
const MOST_MEMBERS: usize = 8;

/// A noun phrase, by the numbers of its words. Articles at its start are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// Its first word.
    pub first: usize,
    /// Its last word.
    pub last: usize,
    /// The noun that it is about.
    pub head: usize,
}

impl Phrase {
    /// Its bytes.
    pub fn range(&self, tokens: &[Token]) -> Range<usize> {
        tokens[self.first].range.start..tokens[self.last].range.end
    }

    /// Its head in lower case.
    pub fn head<'t>(&self, tokens: &'t [Token]) -> &'t str {
        &tokens[self.head].lower
    }
}

/// Whether a verb in a finite form stands here: an auxiliary, a known verb, or a form of causing that no "by" follows.
pub fn finite(tokens: &[Token], at: usize) -> bool {
    let Some(token) = tokens.get(at) else { return false };
    let after_noun = at > 0 && matches!(tokens[at - 1].class, Class::Nominal | Class::Pronoun);
    match token.class {
        Class::Be | Class::Verb => true,
        Class::Auxiliary => !token.is("to"),
        Class::Participle => {
            let reduced = tokens.get(at + 1).is_some_and(|next| next.among(&["by"]));
            after_noun && !reduced && !token.capital
        }
        _ => {
            after_noun
                && lexicon::causal_verb(&token.lower).is_some_and(|(lemma, form)| {
                    form != lexicon::Form::Gerund && token.lower != lemma && lexicon::is_strong(lemma)
                })
        }
    }
}

/// The noun phrase whose last word stands right before `end`.
pub fn ending_at(tokens: &[Token], end: usize) -> Option<Phrase> {
    let head = end.checked_sub(1)?;
    if !tokens[head].nominal() {
        return None;
    }
    let mut first = head;
    while first > 0 && head - first < LONGEST {
        let before = &tokens[first - 1];
        let left = first.checked_sub(2).map(|at| tokens[at].class);
        let verb_place = matches!(left, Some(Class::Nominal | Class::Pronoun | Class::Relative));
        let inside = match before.class {
            Class::Nominal => true,
            Class::Participle | Class::Gerund => before.capital || !verb_place,
            Class::Adverb => matches!(left, Some(Class::Determiner | Class::Adverb)),
            // An adverb in "ly" or a verb tells a clause, an article begins the phrase.
            _ => false,
        };
        if !inside {
            break;
        }
        first -= 1;
    }
    // The sign of possession belongs to the word before it.
    while first < head && tokens[first].lower.ends_with('s') && tokens[first].lower.starts_with(['\'', '\u{2019}']) {
        first += 1;
    }
    Some(Phrase { first, last: head, head })
}

/// The word before the articles of a phrase.
fn before(tokens: &[Token], phrase: Phrase) -> Option<usize> {
    let mut at = phrase.first.checked_sub(1)?;
    while matches!(tokens[at].class, Class::Determiner) {
        at = at.checked_sub(1)?;
    }
    Some(at)
}

/// The noun phrase that ends before `end`, with what leads to it: of "damage to the roof of the house" all, when it is
/// the subject of a clause or when the first noun names an effect; else what "of" ties together.
fn chain(tokens: &[Token], end: usize, subject: bool) -> Option<Phrase> {
    let mut phrase = ending_at(tokens, end)?;
    while let Some(at) = before(tokens, phrase) {
        let token = &tokens[at];
        let wider = match token.class {
            _ if leads_on(tokens, at, subject) => {
                let Some(wider) = over_participle(tokens, at, subject) else { break };
                let effect = lexicon::is_effect(wider.head(tokens));
                let tied = token.is("of") && (effect || !lexicon::is_effect(phrase.head(tokens)));
                if !(tied || subject || effect || lexicon::is_partitive(wider.head(tokens))) {
                    break;
                }
                // "a number of people" is about people.
                if tied && lexicon::is_partitive(wider.head(tokens)) {
                    Phrase { head: phrase.head, ..wider }
                } else {
                    wider
                }
            }
            Class::Participle | Class::Gerund if subject && at > 0 && tokens[at - 1].class == Class::Nominal => {
                let Some(wider) = ending_at(tokens, at) else { break };
                wider
            }
            _ => break,
        };
        phrase = Phrase { first: wider.first, last: phrase.last, head: wider.head };
    }
    if phrase.last - phrase.first >= LONGEST {
        let core = ending_at(tokens, phrase.head + 1)?;
        phrase = core;
    }
    Some(phrase)
}

/// Whether a word is a preposition that ties a phrase to the one before it.
fn leads_on(tokens: &[Token], at: usize, subject: bool) -> bool {
    let token = &tokens[at];
    match token.class {
        _ if names_a_cause(tokens, at) => false,
        Class::Preposition => !token.among(&["than", "after", "before", "since", "as"]) && (subject || !token.is("by")),
        Class::Auxiliary => token.is("to"),
        _ => false,
    }
}

/// Whether the word at `to` ends "due to" and the like: what follows is a cause, and these words are no part of its name.
fn names_a_cause(tokens: &[Token], to: usize) -> bool {
    tokens.get(to).is_some_and(|token| token.is("to"))
        && to.checked_sub(1).is_some_and(|at| tokens[at].among(&["due", "attributable", "owing", "thanks"]))
}

/// The phrase before a preposition; over a participle that the preposition goes with, as in "winds pushed to the coast".
fn over_participle(tokens: &[Token], at: usize, subject: bool) -> Option<Phrase> {
    let verbal = at > 1 && matches!(tokens[at - 1].class, Class::Participle | Class::Gerund | Class::Verb);
    if verbal && tokens[at - 2].class == Class::Nominal {
        return if subject { ending_at(tokens, at - 1) } else { None };
    }
    ending_at(tokens, at)
}

/// What stands before a verb as its subject, or before a participle as what it says something of; the members of an
/// enumeration one by one. `end` is the first word of the verb with its auxiliaries.
pub fn subjects(tokens: &[Token], end: usize, clause: bool) -> Vec<Phrase> {
    let Some(end) = skip_back(tokens, end, clause) else { return Vec::new() };
    let relative = end.relative;
    let Some(first) = chain(tokens, end.at, clause && !relative) else { return Vec::new() };
    let mut members = vec![first];
    // "Lymphedema is a build-up of fluid that causes swelling": what is described causes it.
    if relative
        && let Some(be) = before(tokens, first).filter(|at| tokens[*at].class == Class::Be)
        && !tokens[be.saturating_sub(1)].is("it")
    {
        members.extend(subjects(tokens, be, true));
    }
    let mut at = first;
    let mut coordinated = false;
    while members.len() < MOST_MEMBERS {
        let Some(mut join) = before(tokens, at) else { break };
        let token = &tokens[join];
        if token.class == Class::Coordinator {
            coordinated = true;
            if join > 0 && tokens[join - 1].class == Class::Comma {
                join -= 1;
            }
        } else if !(coordinated && token.class == Class::Comma) {
            break;
        }
        let Some(next) = chain(tokens, join, clause && !relative) else { break };
        members.push(next);
        at = next;
    }
    members.reverse();
    members
}

struct End {
    at: usize,
    relative: bool,
}

/// Goes back over what may stand between a subject and its verb: adverbs, asides, a relative pronoun.
fn skip_back(tokens: &[Token], mut end: usize, clause: bool) -> Option<End> {
    let mut relative = false;
    loop {
        let at = end.checked_sub(1)?;
        match tokens[at].class {
            Class::Adverb => end = at,
            Class::Determiner if tokens[at].among(&["all", "both", "each"]) => end = at,
            Class::Nominal if at > 0 && tokens[at].among(&["turn", "fact", "part"]) && tokens[at - 1].is("in") => {
                end = at - 1
            }
            Class::Close => {
                let open = tokens[..at].iter().rposition(|token| token.class == Class::Open)?;
                end = open;
            }
            Class::Relative if !relative && tokens[at].among(&["that", "which", "who"]) => {
                relative = true;
                end = at;
            }
            Class::Comma if relative => end = at,
            Class::Preposition if !clause => return None,
            // "the fumes, a by-product of burning, caused": the aside between commas is passed.
            Class::Comma if clause => {
                let open = tokens[..at].iter().rposition(|token| token.class == Class::Comma);
                match open {
                    Some(open) if at - open <= LONGEST => end = open,
                    _ => end = at,
                }
            }
            Class::Comma => end = at,
            // "the cigarettes he sold had caused"
            Class::Verb | Class::Participle
                if clause && at > 1 && tokens[at - 1].class == Class::Pronoun && tokens[at - 2].nominal() =>
            {
                end = at - 1;
            }
            _ => return Some(End { at: end, relative }),
        }
    }
}

/// The noun phrase that begins at `start`, after articles and adverbs, with what "of" ties to it.
pub fn starting_at(tokens: &[Token], start: usize) -> Option<Phrase> {
    let core = core_from(tokens, start)?;
    let mut phrase = core;
    while tokens.get(phrase.last + 1).is_some_and(|next| {
        // "An increase in prices" says nothing without what increased.
        next.is("of") || next.is("in") && phrase.head == phrase.last && lexicon::is_change(phrase.head(tokens))
    }) && phrase.last - phrase.first < LONGEST
    {
        let Some(tied) = core_from(tokens, phrase.last + 2) else { break };
        let head = if lexicon::is_partitive(phrase.head(tokens)) && phrase.head == phrase.last {
            tied.head
        } else {
            phrase.head
        };
        phrase = Phrase { first: phrase.first, last: tied.last, head };
    }
    Some(phrase)
}

fn core_from(tokens: &[Token], start: usize) -> Option<Phrase> {
    // "because of a lower price and due to fewer sales": the member of an enumeration that says once more that it is a cause.
    let mut at = if names_a_cause(tokens, start + 1) { start + 2 } else { start };
    let mut article = false;
    while let Some(token) = tokens.get(at) {
        match token.class {
            Class::Determiner if token.is("no") => return None,
            Class::Determiner => article = true,
            Class::Adverb => {}
            Class::Pronoun if token.is("one") => {}
            Class::Verb if article => break,
            _ if token.among(&["\"", "\u{201c}", "\u{2018}", "'"]) => {}
            _ => break,
        }
        at += 1;
    }
    // "several of the", "one of the": the quantifier is the partitive.
    if article && tokens.get(at).is_some_and(|token| token.is("of")) {
        return core_from(tokens, at + 1);
    }
    let first = at;
    let action = tokens.get(first).is_some_and(|token| token.class == Class::Gerund) && !article;
    let mut head = None;
    while let Some(token) = tokens.get(at) {
        let next = tokens.get(at + 1);
        let next_nominal = next.is_some_and(Token::nominal);
        let inside = match token.class {
            Class::Determiner | Class::Preposition | Class::Adverb if action && at == first + 1 => {
                core_from(tokens, at).is_some()
            }
            Class::Nominal => !finite(tokens, at) || head.is_none(),
            Class::Determiner if token.is("own") => next_nominal,
            Class::Participle => head.is_none() || next_nominal && !finite(tokens, at),
            Class::Gerund => {
                head.is_none() || !next.is_some_and(|next| matches!(next.class, Class::Determiner | Class::Pronoun))
            }
            Class::Verb => head.is_none() && (article || lexicon::is_participle(&token.lower)) && next_nominal,
            Class::Adverb => next_nominal && head.is_none_or(|head: usize| tokens[head].class != Class::Nominal),
            Class::Comma => {
                // "a loud, sharp noise"; between nouns a comma enumerates.
                article
                    && head == Some(first)
                    && at == first + 1
                    && next_nominal
                    && tokens.get(at + 2).is_some_and(|noun| noun.class == Class::Nominal)
                    && lexicon::is_adjective(&tokens[first].lower)
                    && lexicon::is_adjective(&tokens[at + 1].lower)
            }
            _ => false,
        };
        if !inside || at - first >= LONGEST {
            break;
        }
        if action && at == first + 1 && !token.nominal() {
            let object = core_from(tokens, at)?;
            return Some(Phrase { first, last: object.last, head: first });
        }
        if token.nominal() || token.class == Class::Verb {
            head = Some(at);
        }
        at += 1;
    }
    let last = head?;
    // "taking pills" is about taking them.
    Some(Phrase { first, last, head: if action { first } else { last } })
}

/// The phrases that follow, the members of an enumeration one by one: "delays, losses and deaths". Examples after "such
/// as" count too.
pub fn objects(tokens: &[Token], start: usize) -> Vec<Phrase> {
    let Some(first) = starting_at(tokens, start) else { return Vec::new() };
    let mut members = vec![first];
    let mut coordinated = 1;
    let mut at = first.last + 1;
    while members.len() < MOST_MEMBERS {
        let Some(token) = tokens.get(at) else { break };
        let mut closing;
        let next = if token.among(&["such"]) && tokens.get(at + 1).is_some_and(|next| next.is("as")) {
            closing = true;
            at + 2
        } else if token.class == Class::Comma || token.class == Class::Coordinator {
            let mut next = at + 1;
            closing = token.class == Class::Coordinator;
            if !closing && tokens.get(next).is_some_and(|next| next.class == Class::Coordinator) {
                closing = true;
                next += 1;
            }
            if !closing
                && tokens.get(next).is_some_and(|token| token.is("such"))
                && tokens.get(next + 1).is_some_and(|token| token.is("as"))
            {
                closing = true;
                next += 2;
            }
            next
        } else {
            break;
        };
        let Some(member) = starting_at(tokens, next) else { break };
        if finite(tokens, member.last + 1) {
            break;
        }
        members.push(member);
        if closing {
            coordinated = members.len();
        }
        at = member.last + 1;
    }
    members.truncate(coordinated);
    members
}
