//! What something is, and what companies do to each other: who buys, owns, supplies and rivals whom.
//!
//! The ends of a relation between companies are names, so both are written with a capital. Active and passive voice,
//! possessives ("Apple's acquisition of Beats") and appositions ("Beats, a subsidiary of Apple,") are told apart by the
//! words between the two.

use super::lexicon;
use super::phrase::{self, Phrase};
use super::token::{Class, Token};
use super::{Relation, relate};

type Name = (&'static str, &'static str);

const IS_A: Name = ("is a", "hierarchical");
const ACQUIRES: Name = ("acquires", "compositional");
const OWNS: Name = ("owns", "compositional");
const PART_OF: Name = ("part of", "compositional");
const SUPPLIES: Name = ("supplies", "semantic");
const COMPETES: Name = ("competes with", "semantic");

/// Stated as a fact, by a verb or noun made for it.
const STATED: f32 = 0.9;
/// Read from an apposition or from a verb with other uses.
const IMPLIED: f32 = 0.75;
/// Planned, possible or denied by nobody yet.
const PLANNED: f32 = 0.5;

/// Verbs by their forms: how they are used, and what they state of subject and object.
const VERBS: &[(&[&str], Name)] = &[
    (&["acquire", "acquires", "acquired", "acquiring", "bought", "buys", "buying", "purchased", "purchases"], ACQUIRES),
    (&["own", "owns", "owned", "owning", "controls", "controlled"], OWNS),
    (&["supply", "supplies", "supplied", "supplying"], SUPPLIES),
    (&["rivals", "rivaled", "rivalled"], COMPETES),
];

/// Nouns between "is a" or a comma and "of", and what "X, a N of Y" states: X of Y, or Y of X.
const NOUNS: &[(&[&str], Name, bool)] = &[
    (&["subsidiary", "subsidiaries", "brand", "unit"], OWNS, true),
    (&["parent", "owner", "holding"], OWNS, false),
    (&["division", "segment", "part", "arm", "department", "component"], PART_OF, false),
    (&["supplier", "suppliers", "vendor", "vendors", "provider"], SUPPLIES, false),
    (&["customer", "customers", "client"], SUPPLIES, true),
    (&["competitor", "competitors", "rival", "rivals"], COMPETES, false),
];

/// Words that make a plan of what follows: "agreed to acquire".
const PLANS: &[&str] = &[
    "will",
    "would",
    "may",
    "might",
    "could",
    "to",
    "plans",
    "planned",
    "agreed",
    "agrees",
    "offered",
    "intends",
    "wants",
    "hopes",
    "considering",
];

struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Token],
    found: Vec<Relation>,
}

/// The relations other than cause and effect that a sentence states.
pub fn read(text: &str, tokens: &[Token]) -> Vec<Relation> {
    let mut reader = Reader { text, tokens, found: Vec::new() };
    for at in 0..tokens.len() {
        reader.definition(at);
        reader.apposition(at);
        reader.verb(at);
        reader.noun(at);
        reader.deal(at);
    }
    reader.found
}

impl Reader<'_> {
    fn token(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at)
    }

    fn is(&self, at: usize, word: &str) -> bool {
        self.token(at).is_some_and(|token| token.is(word))
    }

    fn among(&self, at: usize, words: &[&str]) -> bool {
        self.token(at).is_some_and(|token| token.among(words))
    }

    fn push(&mut self, name: Name, source: Phrase, target: Phrase, confidence: f32) {
        let (source, target) = (source.range(self.tokens), target.range(self.tokens));
        self.found.extend(relate(self.text, name, source, target, confidence));
    }

    /// Whether a phrase is a name: its last word, or the one before a legal form, has a capital.
    fn is_name(&self, phrase: Phrase) -> bool {
        // "Phillips 66" is a name too.
        let head = &self.tokens[phrase.head];
        let numbered = phrase.head > phrase.first && head.lower.bytes().all(|byte| byte.is_ascii_digit());
        (head.capital || numbered) && (phrase.first..=phrase.last).any(|at| self.tokens[at].capital)
    }

    /// The name that ends before a word, and the name that begins at one.
    fn names_before(&self, end: usize, clause: bool) -> Vec<Phrase> {
        let found = phrase::subjects(self.tokens, end, clause);
        found.into_iter().map(|phrase| self.capitals(phrase)).filter(|phrase| self.is_name(*phrase)).collect()
    }

    fn names_after(&self, start: usize) -> Vec<Phrase> {
        let found = phrase::objects(self.tokens, start);
        found.into_iter().map(|phrase| self.capitals(phrase)).filter(|phrase| self.is_name(*phrase)).collect()
    }

    /// The name in "iPhone maker Apple Inc." and in "Beats Electronics for three billion": the words in capitals
    /// around the head.
    fn capitals(&self, phrase: Phrase) -> Phrase {
        let written = |at: usize| {
            let token = &self.tokens[at];
            token.capital || token.among(&["&", "of", "and", "de", "the"])
        };
        let mut first = phrase.head;
        while first > phrase.first && written(first - 1) {
            first -= 1;
        }
        while first < phrase.head && !self.tokens[first].capital {
            first += 1;
        }
        let last = if phrase.last > phrase.head && (phrase.head..=phrase.last).all(written) {
            phrase.last
        } else {
            phrase.head
        };
        Phrase { first, last, head: phrase.head }
    }

    /// Where the auxiliaries before a verb begin; whether they hold a form of "be", a negation, a plan.
    fn group(&self, verb: usize) -> (usize, bool, bool, bool) {
        let (mut start, mut be, mut negated, mut planned) = (verb, false, false, false);
        while start > 0 {
            let token = &self.tokens[start - 1];
            match token.class {
                Class::Be => be = true,
                Class::Negation => negated = true,
                Class::Auxiliary | Class::Adverb => {}
                _ if token.among(PLANS) => {}
                _ => break,
            }
            planned |= token.among(PLANS);
            start -= 1;
        }
        (start, be, negated, planned)
    }

    /// "A blister is a pocket of fluid", "EBITDA means earnings before interest", "churn is defined as the share of".
    fn definition(&mut self, at: usize) {
        let Some(token) = self.token(at) else { return };
        let defined =
            self.is(at + 1, "defined") && self.is(at + 2, "as") || self.is(at + 1, "known") && self.is(at + 2, "as");
        let (start, sure) = if token.is("means") || token.is("refers") && self.is(at + 1, "to") {
            (at + if token.is("means") { 1 } else { 2 }, STATED)
        } else if !token.among(&["is", "are", "was"]) {
            return;
        } else if defined {
            (at + 3, STATED)
        } else if self.among(at + 1, &["a", "an"]) {
            (at + 1, STATED)
        } else if self.is(at + 1, "one") && self.is(at + 2, "of") {
            (at + 3, IMPLIED)
        } else if self.is(at + 1, "the") {
            // "Apple is the largest maker of phones": a description, so of a name only.
            (at + 1, 0.7)
        } else {
            return;
        };
        let subjects = phrase::subjects(self.tokens, at, true);
        // Of several subjects none is "a" thing alone.
        let &[subject] = subjects.as_slice() else { return };
        // A definition opens its clause: what is inside one is no term.
        let opens = self.opens(subject.first);
        let term = self.is_name(subject) || token.is("means") || opens;
        if !term || self.is(at + 1, "the") && !self.is_name(subject) {
            return;
        }
        let Some(target) = phrase::starting_at(self.tokens, start) else { return };
        let head = target.head(self.tokens);
        let relational = NOUNS.iter().any(|(nouns, _, _)| nouns.contains(&head));
        let causal = ["cause", "causes", "result", "consequence", "source", "reason", "factor", "driver", "outcome"]
            .contains(&head);
        let adjective = target.first == target.last
            && self.token(target.last + 1).is_some_and(|next| matches!(next.class, Class::Determiner | Class::Nominal));
        let vague =
            ["bit", "lot", "must", "matter", "shame", "way", "question", "pity", "mistake", "thing", "fact", "problem"]
                .contains(&head);
        if relational
            || causal
            || adjective
            || vague
            || lexicon::is_partitive(head)
            || self.tokens[subject.head].among(&["answer", "question", "problem"])
        {
            return;
        }
        self.push(IS_A, subject, target, sure);
    }

    /// Whether nothing but articles stands between the opening of a clause and a word.
    fn opens(&self, first: usize) -> bool {
        let mut at = first;
        while at > 0 && self.tokens[at - 1].class == Class::Determiner {
            if !self.among(at - 1, &["a", "an", "the"]) {
                return false;
            }
            at -= 1;
        }
        at == 0 || matches!(self.tokens[at - 1].class, Class::Mark | Class::Clause)
    }

    /// "Apple, a maker of phones,": what stands between the commas says what the name is.
    fn apposition(&mut self, at: usize) {
        if self.token(at).is_none_or(|token| token.class != Class::Comma) || !self.among(at + 1, &["a", "an"]) {
            return;
        }
        let Some(subject) = phrase::ending_at(self.tokens, at).map(|phrase| self.capitals(phrase)) else { return };
        let Some(target) = phrase::starting_at(self.tokens, at + 1) else { return };
        let closed =
            self.token(target.last + 1).is_none_or(|next| !matches!(next.class, Class::Nominal | Class::Coordinator));
        let relational = NOUNS.iter().any(|(nouns, _, _)| nouns.contains(&target.head(self.tokens)));
        if self.is_name(subject) && closed && !relational && !self.tokens[target.head].capital {
            self.push(IS_A, subject, target, IMPLIED);
        }
    }

    /// "Apple acquired Beats", "Beats was acquired by Apple", "Foxconn supplies Apple", "Foxconn supplies parts to Apple".
    fn verb(&mut self, at: usize) {
        let Some(token) = self.token(at) else { return };
        let (start, be, negated, planned) = self.group(at);
        if negated {
            return;
        }
        let sure = if planned { PLANNED } else { STATED };
        if token.among(&["competes", "compete", "competed", "competing"]) && self.among(at + 1, &["with", "against"]) {
            self.pairs(COMPETES, &self.names_before(start, true), &self.names_after(at + 2), sure);
            return;
        }
        if token.is("took") && self.is(at + 1, "over") || token.is("merged") && self.is(at + 1, "with") {
            self.pairs(ACQUIRES, &self.names_before(start, true), &self.names_after(at + 2), sure);
            return;
        }
        let Some((_, name)) = VERBS.iter().find(|(forms, _)| token.among(forms)) else { return };
        let passive = self.is(at + 1, "by");
        if passive {
            self.pairs(*name, &self.names_after(at + 2), &self.names_before(start, be), sure);
            return;
        }
        if be || token.is("own") && start == at && at > 0 && matches!(self.tokens[at - 1].class, Class::Determiner) {
            return;
        }
        let subjects = self.names_before(start, true);
        let objects = self.names_after(at + 1);
        if *name == SUPPLIES {
            // Things are supplied to somebody.
            let thing = phrase::objects(self.tokens, at + 1);
            let after = thing.last().map(|thing| thing.last + 1);
            if let Some(to) = after.filter(|to| self.among(*to, &["to", "for"])) {
                self.pairs(SUPPLIES, &subjects, &self.names_after(to + 1), sure);
                return;
            }
        }
        self.pairs(*name, &subjects, &objects, sure);
    }

    fn pairs(&mut self, name: Name, sources: &[Phrase], targets: &[Phrase], sure: f32) {
        for source in sources {
            for target in targets {
                self.push(name, *source, *target, sure);
            }
        }
    }

    /// "Beats is a subsidiary of Apple", "Beats, a subsidiary of Apple,", "Apple's subsidiary Beats", "Apple's rivals
    /// include Samsung".
    fn noun(&mut self, at: usize) {
        let Some(token) = self.token(at) else { return };
        let Some((_, name, reversed)) = NOUNS.iter().find(|(nouns, _, _)| token.among(nouns)) else { return };
        if self.among(at + 1, &["of", "to", "for"]) || token.among(&["rival", "competitor"]) && self.is(at + 1, "to") {
            let objects = self.names_after(at + 2);
            let mut start = at;
            while start > 0
                && (self.among(start - 1, &["one", "of"])
                    || matches!(
                        self.tokens[start - 1].class,
                        Class::Determiner | Class::Nominal | Class::Adverb | Class::Participle
                    ))
            {
                start -= 1;
                if at - start > 8 {
                    return;
                }
            }
            if start == 0 {
                return;
            }
            let (verb, be, negated, planned) = self.group(start);
            let apposed = self.tokens[start - 1].class == Class::Comma;
            if negated || !(be || apposed) {
                return;
            }
            let subjects = if be { self.names_before(verb, true) } else { self.names_before(start - 1, false) };
            let sure = if planned {
                PLANNED
            } else if be {
                STATED
            } else {
                IMPLIED
            };
            if *reversed {
                self.pairs(*name, &objects, &subjects, sure);
            } else {
                self.pairs(*name, &subjects, &objects, sure);
            }
            return;
        }
        // "Apple's rival Samsung", "Apple's competitors include Samsung and Google".
        let mut owner_end = at;
        while owner_end > 0
            && matches!(self.tokens[owner_end - 1].class, Class::Nominal | Class::Adverb | Class::Participle)
            && !is_possessive(&self.tokens[owner_end - 1])
        {
            owner_end -= 1;
        }
        if owner_end == 0 || !is_possessive(&self.tokens[owner_end - 1]) {
            return;
        }
        let Some(owner) = phrase::ending_at(self.tokens, owner_end - 1).map(|phrase| self.capitals(phrase)) else {
            return;
        };
        let listed = self.among(at + 1, &["include", "includes", "included", "are", "is"]);
        let others = if listed { self.names_after(at + 2) } else { self.names_after(at + 1) };
        if !self.is_name(owner) || !listed && !self.token(at + 1).is_some_and(|next| next.capital) {
            return;
        }
        let sure = if listed { STATED } else { IMPLIED };
        for other in others {
            // "Apple's supplier Foxconn": Foxconn is the supplier of Apple.
            if *reversed { self.push(*name, owner, other, sure) } else { self.push(*name, other, owner, sure) }
        }
    }

    /// "Apple's acquisition of Beats", "the acquisition of Beats by Apple".
    fn deal(&mut self, at: usize) {
        if !self.among(at, &["acquisition", "takeover", "purchase", "buyout"]) || !self.is(at + 1, "of") {
            return;
        }
        let bought = self.names_after(at + 2);
        let Some(last) = bought.last().map(|bought| bought.last) else { return };
        if self.is(last + 1, "by") {
            self.pairs(ACQUIRES, &self.names_after(last + 2), &bought, STATED);
            return;
        }
        let mut end = at;
        while end > 0 && !is_possessive(&self.tokens[end - 1]) && at - end < 3 && self.tokens[end - 1].nominal() {
            end -= 1;
        }
        if end > 0 && is_possessive(&self.tokens[end - 1]) {
            let buyer = phrase::ending_at(self.tokens, end - 1).map(|phrase| self.capitals(phrase));
            let buyer: Vec<Phrase> = buyer.into_iter().filter(|buyer| self.is_name(*buyer)).collect();
            self.pairs(ACQUIRES, &buyer, &bought, STATED);
        }
    }
}

/// "'s", or the apostrophe after a plural, which is part of no word.
fn is_possessive(token: &Token) -> bool {
    token.lower.starts_with(['\'', '\u{2019}'])
}
