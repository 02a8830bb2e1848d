//! Cause and effect: verbs, prepositions, nouns and compounds that state it, in either voice and either order.

mod nominal;

use super::lexicon::{self, Form};
use super::phrase::{self, Phrase};
use super::token::{Class, Token};
use super::{Relation, relate};
use std::ops::Range;

/// How sure each construction is: the share of what it finds that is a cause and its effect, counted on the half of
/// SemEval-2010 task 8 that the rules were made with (tests/eval/relations.py --by-construction prints it again), in
/// steps of a hundredth, so that each construction has a number of its own.
mod sure {
    /// "caused by", "triggered by".
    pub const PASSIVE: f32 = 0.97;
    /// "causes", "triggered".
    pub const ACTIVE: f32 = 0.94;
    /// "resulted in", "led to", "arose from".
    pub const PHRASAL: f32 = 0.93;
    /// "pain from shingles".
    pub const FROM: f32 = 0.92;
    /// "because of", "due to".
    pub const PREPOSITION: f32 = 0.91;
    /// "is the main cause of".
    pub const NOUN: f32 = 0.9;
    /// "X-induced Y": too rare to be counted there.
    pub const COMPOUND: f32 = 0.89;
    /// "grief after the loss".
    pub const AFTER: f32 = 0.85;
    /// "produced a shock wave": a verb of many uses, with an object that is an effect.
    pub const WEAK: f32 = 0.8;
    /// What "may", "could" or "perhaps" take away.
    pub const HEDGED: f32 = 0.7;
}

const CAUSES: (&str, &str) = ("causes", "causal");
const CONTRIBUTES: (&str, &str) = ("contributes to", "causal");

struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Token],
    found: Vec<Relation>,
}

/// The causes and effects that a sentence states.
pub fn read(text: &str, tokens: &[Token]) -> Vec<Relation> {
    let mut reader = Reader { text, tokens, found: Vec::new() };
    for at in 0..tokens.len() {
        reader.verb(at);
        reader.preposition(at);
        reader.noun(at);
        reader.compound(at);
        reader.loose(at);
    }
    reader.found
}

/// What stands around a verb: where its auxiliaries begin, and what they say.
struct Group {
    start: usize,
    be: bool,
    negated: bool,
    hedged: bool,
}

const HEDGES: &[&str] =
    &["may", "might", "could", "perhaps", "possibly", "probably", "can", "allegedly", "reportedly", "likely"];
/// Words between a subject and "to": "is known to cause", "tends to cause".
const RAISING: &[&str] = &[
    "tend",
    "tends",
    "tended",
    "seem",
    "seems",
    "seemed",
    "appear",
    "appears",
    "appeared",
    "known",
    "likely",
    "believed",
    "thought",
    "said",
    "reported",
    "found",
    "shown",
    "expected",
    "used",
    "going",
    "began",
    "begin",
    "begins",
    "start",
    "started",
    "continue",
    "continues",
    "continued",
    "able",
    "enough",
    "proven",
    "suspected",
    "considered",
    "set",
    "bound",
    "sure",
    "serves",
    "served",
    "help",
    "helps",
    "helped",
    "believed",
    "sufficient",
    "potential",
];

impl Reader<'_> {
    fn token(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at)
    }

    fn is(&self, at: usize, word: &str) -> bool {
        self.token(at).is_some_and(|token| token.is(word))
    }

    fn class(&self, at: usize) -> Option<Class> {
        self.token(at).map(|token| token.class)
    }

    fn before(&self, at: usize) -> Option<&Token> {
        at.checked_sub(1).and_then(|at| self.tokens.get(at))
    }

    /// The words from `at` on, one by one.
    fn are(&self, at: usize, words: &str) -> bool {
        words.split(' ').zip(at..).all(|(word, at)| self.is(at, word))
    }

    /// Where the words end that stand from `at` on, with adverbs between them: "due primarily to".
    fn spread(&self, at: usize, words: &str) -> Option<usize> {
        let mut at = at;
        for (number, word) in words.split(' ').enumerate() {
            if number > 0 {
                at = self.after_adverbs(at);
            }
            if !self.is(at, word) {
                return None;
            }
            at += 1;
        }
        Some(at)
    }

    fn group(&self, verb: usize) -> Group {
        let mut group = Group { start: verb, be: false, negated: false, hedged: false };
        while let Some(token) = self.before(group.start) {
            match token.class {
                Class::Be => group.be = true,
                Class::Negation => group.negated = true,
                Class::Auxiliary | Class::Adverb => {}
                _ if self.is(group.start, "to") && token.among(RAISING) => {}
                // "has since caused"
                Class::Preposition
                    if token.is("since") && self.class(group.start.wrapping_sub(2)) == Some(Class::Auxiliary) => {}
                Class::Nominal if token.is("likely") => {}
                _ => break,
            }
            group.hedged |= token.among(HEDGES);
            group.start -= 1;
        }
        group
    }

    /// Where the words go on after adverbs and after "in part", "in large part".
    fn after_adverbs(&self, mut at: usize) -> usize {
        loop {
            if self.class(at) == Some(Class::Adverb) {
                at += 1;
            } else if self.is(at, "in") && self.is(at + 1, "part") {
                at += 2;
            } else if self.is(at, "in") && self.is(at + 2, "part") {
                at += 3;
            } else if self.is(at, "at") && self.is(at + 1, "least") {
                at += 2;
            } else {
                return at;
            }
        }
    }

    fn push(
        &mut self,
        relation: (&'static str, &'static str),
        cause: Range<usize>,
        effect: Range<usize>,
        confidence: f32,
    ) {
        self.found.extend(relate(self.text, relation, cause, effect, confidence));
    }

    fn push_all(
        &mut self,
        relation: (&'static str, &'static str),
        causes: &[Phrase],
        effects: &[Phrase],
        confidence: f32,
    ) {
        // "Revenue increased by 13%": an amount is no cause; "in fiscal 2018 due to": a time is no effect.
        let head = |phrase: &Phrase| phrase.head(self.tokens).to_owned();
        // "Storm 3" is no amount, although it ends in a number.
        let amount = |phrase: &&Phrase| {
            let counted = lexicon::is_amount(&self.tokens[phrase.first].lower);
            counted && !lexicon::is_effect(&head(phrase)) && !lexicon::is_event(&head(phrase))
        };
        let causes: Vec<&Phrase> = causes.iter().filter(|cause| !amount(cause)).collect();
        let named = |phrase: &&Phrase| {
            phrase.first < phrase.head && head(phrase).len() < 4 && lexicon::is_amount(&head(phrase))
        };
        let open =
            |effect: &&Phrase| named(effect) || !lexicon::is_time(&head(effect)) && !lexicon::is_amount(&head(effect));
        let effects: Vec<&Phrase> = effects.iter().filter(open).collect();
        for cause in causes {
            for effect in &effects {
                self.push(relation, cause.range(self.tokens), effect.range(self.tokens), confidence);
            }
        }
    }

    fn effects_only(&self, phrases: Vec<Phrase>) -> Vec<Phrase> {
        let any = phrases.iter().any(|phrase| lexicon::is_effect(phrase.head(self.tokens)));
        if any { phrases } else { Vec::new() }
    }

    fn no_people(&self, phrases: Vec<Phrase>) -> Vec<Phrase> {
        phrases.into_iter().filter(|phrase| !lexicon::is_people(phrase.head(self.tokens))).collect()
    }

    fn verb(&mut self, at: usize) {
        let Some((lemma, form)) = self.token(at).and_then(|token| lexicon::causal_verb(&token.lower)) else { return };
        let group = self.group(at);
        if group.negated {
            return;
        }
        let doubt = if group.hedged { sure::HEDGED } else { 1.0 };
        let next = self.after_adverbs(at + 1);
        let causing = lexicon::is_strong(lemma) || lexicon::is_weak(lemma);
        if causing
            && form == Form::Past
            && (self.is(next, "by") || self.is(next, "through") && lexicon::is_strong(lemma))
        {
            self.passive(lemma, &group, next + 1, doubt);
            return;
        }
        if self.phrasal(at, lemma, form, &group, doubt) {
            return;
        }
        if causing {
            self.active(at, lemma, form, &group, doubt);
        }
    }

    fn passive(&mut self, lemma: &str, group: &Group, agent: usize, doubt: f32) {
        let strong = lexicon::is_strong(lemma);
        let causes = phrase::objects(self.tokens, agent);
        let effects = phrase::subjects(self.tokens, group.start, group.be);
        if strong {
            self.push_all(CAUSES, &causes, &effects, sure::PASSIVE * doubt);
        } else {
            let causes = self.no_people(causes);
            let effects = self.effects_only(effects);
            self.push_all(CAUSES, &causes, &effects, sure::WEAK * doubt);
        }
    }

    /// Verbs with a preposition or particle: true when there is one here.
    fn phrasal(&mut self, at: usize, lemma: &str, form: Form, group: &Group, doubt: f32) -> bool {
        let next = self.after_adverbs(at + 1);
        let (object, relation, strong) = match lemma {
            "result" | "culminate" if self.is(next, "in") => (next + 1, CAUSES, true),
            "lead" if self.is(next, "to") => (next + 1, CAUSES, true),
            "end" if self.is(next, "in") => (next + 1, CAUSES, false),
            "contribute" if self.is(next, "to") => (next + 1, CONTRIBUTES, true),
            "give" if self.are(next, "rise to") || self.are(next, "birth to") => (next + 2, CAUSES, true),
            "give" | "set" if self.is(next, "off") => (next + 1, CAUSES, false),
            "bring" if self.is(next, "about") || self.is(next, "on") => (next + 1, CAUSES, true),
            "stir" if self.is(next, "up") => (next + 1, CAUSES, false),
            "result" | "arise" | "stem" | "ensue" if self.is(next, "from") => {
                return self.reversed(lemma, group, next + 1, true, doubt);
            }
            "grow" if self.are(next, "out of") => return self.reversed(lemma, group, next + 2, true, doubt),
            "come" | "originate" | "derive" | "emanate" | "spring" | "grow" | "flow" | "develop" | "radiate"
            | "generate" | "start" | "follow" | "issue" | "proceed" | "begin" | "transmit" | "emit" | "release"
                if self.is(next, "from") =>
            {
                return self.reversed(lemma, group, next + 1, false, doubt);
            }
            "follow"
                if form == Form::Present
                    && !group.be
                    && self.class(at + 1).is_some_and(|class| class != Class::Preposition) =>
            {
                return false;
            }
            "attribute" | "blame" if form == Form::Past && (self.is(next, "to") || self.is(next, "on")) => {
                return self.reversed(lemma, group, next + 1, true, doubt);
            }
            "reflect" if form == Form::Gerund && self.before(at).is_some_and(|token| token.class == Class::Comma) => {
                let causes = phrase::objects(self.tokens, at + 1);
                if let Some(effect) = self.clause_before(at - 1) {
                    for cause in causes {
                        self.push(CAUSES, cause.range(self.tokens), effect.clone(), sure::WEAK * doubt);
                    }
                }
                return true;
            }
            _ => return false,
        };
        let mut effects = phrase::objects(self.tokens, object);
        if !strong {
            effects = self.effects_only(effects);
        }
        let causes = self.causes_of(at, form, group);
        self.push_all(relation, &causes, &effects, sure::PHRASAL * doubt);
        true
    }

    /// "The damage resulted from the storm": the effect comes first.
    fn reversed(&mut self, lemma: &str, group: &Group, cause: usize, strong: bool, doubt: f32) -> bool {
        let finite = self.token(group.start).is_some_and(|token| token.class != Class::Gerund);
        let mut effects = phrase::subjects(self.tokens, group.start, finite);
        let mut causes = phrase::objects(self.tokens, cause);
        if !strong {
            effects = self.effects_only(effects);
            causes = self.no_people(causes);
            let events_only = matches!(lemma, "derive" | "start" | "begin" | "issue" | "proceed" | "follow");
            causes.retain(|cause| {
                let head = cause.head(self.tokens);
                !lexicon::is_time(head) && (!events_only || lexicon::is_effect(head) || lexicon::is_event(head))
            });
        }
        self.push_all(CAUSES, &causes, &effects, if strong { sure::PHRASAL } else { sure::WEAK } * doubt);
        true
    }

    /// The subject of a verb of causing; of ", causing" that of the clause before the comma.
    fn causes_of(&self, at: usize, form: Form, group: &Group) -> Vec<Phrase> {
        if form == Form::Gerund && !group.be {
            let before = self.before(at);
            if before.is_some_and(|token| token.class == Class::Comma) {
                return self.first_of_clause(at - 1).into_iter().collect();
            }
            if before.is_some_and(|token| token.class == Class::Preposition) {
                return Vec::new();
            }
            return phrase::subjects(self.tokens, group.start, false);
        }
        phrase::subjects(self.tokens, group.start, true)
    }

    fn active(&mut self, at: usize, lemma: &str, form: Form, group: &Group, doubt: f32) {
        let before = self.before(group.start);
        let next = self.class(at + 1);
        // A noun: "the cause of", "the main cause", "a spark".
        let noun_before = self.before(at).is_some_and(|token| {
            matches!(token.class, Class::Determiner | Class::Preposition) || token.lower.ends_with("'s")
        });
        let verbal = form != Form::Present || !noun_before;
        if !verbal || form == Form::Past && group.be || form == Form::Gerund && noun_before {
            return;
        }
        if matches!(next, None | Some(Class::Mark | Class::Be | Class::Auxiliary | Class::Close)) {
            return;
        }
        if form != Form::Gerund
            && next == Some(Class::Preposition)
            && !self.tokens[at + 1].among(&["up", "out", "over"])
        {
            return;
        }
        if before.is_some_and(|token| token.is("to") || token.is("let")) {
            return;
        }
        let mut causes = self.causes_of(at, form, group);
        let mut effects = phrase::objects(self.tokens, at + 1);
        let strong = lexicon::is_strong(lemma);
        if !strong {
            effects = self.effects_only(effects);
            causes = self.no_people(causes);
        }
        let confidence = if strong { sure::ACTIVE } else { sure::WEAK };
        self.push_all(CAUSES, &causes, &effects, confidence * doubt);
    }

    /// Where the clause that a word stands in begins.
    fn clause_start(&self, at: usize) -> usize {
        let opens = |token: &Token| matches!(token.class, Class::Mark | Class::Clause | Class::Relative);
        self.tokens[..at].iter().rposition(opens).map_or(0, |before| before + 1)
    }

    fn first_of_clause(&self, end: usize) -> Option<Phrase> {
        let mut at = self.clause_start(end);
        while at < end {
            // "In 2019, heavy rain flooded": what is set before the subject ends with a comma.
            if self.class(at) == Some(Class::Preposition)
                && let Some(comma) = self.tokens[at..end].iter().position(|token| token.class == Class::Comma)
            {
                at += comma + 1;
                continue;
            }
            if let Some(phrase) = phrase::starting_at(self.tokens, at).filter(|phrase| phrase.last < end) {
                return Some(phrase);
            }
            at += 1;
        }
        None
    }

    /// The clause that ends before a word, from its subject on, when it has a verb.
    fn clause_before(&self, end: usize) -> Option<Range<usize>> {
        let mut end = end;
        while end > 0 && matches!(self.tokens[end - 1].class, Class::Adverb | Class::Comma) {
            end -= 1;
        }
        let subject = self.first_of_clause(end)?;
        if matches!(self.class(subject.first), Some(Class::Participle | Class::Gerund)) && subject.first == subject.last
        {
            return None;
        }
        let verb = (subject.first..end).any(|at| phrase::finite(self.tokens, at));
        let words = end - subject.first;
        (verb && words <= 18).then(|| self.tokens[subject.first].range.start..self.tokens[end - 1].range.end)
    }

    /// The clause that begins at a word, up to the next mark or the word that opens another.
    fn clause_after(&self, start: usize) -> Option<Range<usize>> {
        self.clause(start, true)
    }

    /// The same where the construction says that it is one, though no verb of it is known.
    fn clause(&self, start: usize, verb_known: bool) -> Option<Range<usize>> {
        let subject = phrase::starting_at(self.tokens, start)?;
        let ends = |token: &Token| matches!(token.class, Class::Mark | Class::Clause | Class::Comma);
        let length = self.tokens[subject.first..].iter().position(ends).unwrap_or(self.tokens.len() - subject.first);
        let end = subject.first + length;
        let verb = (subject.first..end).any(|at| phrase::finite(self.tokens, at));
        ((verb || !verb_known) && length <= 18)
            .then(|| self.tokens[subject.first].range.start..self.tokens[end - 1].range.end)
    }

    /// "because of", "due to", "as a result of", "because".
    fn preposition(&mut self, at: usize) {
        const OPENERS: &[&str] = &[
            "because of",
            "due to",
            "owing to",
            "thanks to",
            "as a result of",
            "as a consequence of",
            "on account of",
            "attributable to",
            "in consequence of",
            "by reason of",
            "in response to",
        ];
        if self.is(at, "because") && !self.is(at + 1, "of") {
            self.because(at);
            return;
        }
        let Some(after) = OPENERS.iter().find_map(|opener| self.spread(at, opener)) else { return };
        let causes = phrase::objects(self.tokens, after);
        let Some(last) = causes.last().map(|cause| cause.last) else { return };
        let group = self.group(at);
        if group.negated {
            return;
        }
        let doubt = if group.hedged { sure::HEDGED } else { 1.0 };
        let confidence = sure::PREPOSITION * doubt;
        let fronted = group.start == 0 || matches!(self.class(group.start - 1), Some(Class::Mark | Class::Clause));
        if fronted {
            let Some(comma) = (last + 1..self.tokens.len()).find(|at| self.class(*at) == Some(Class::Comma)) else {
                return;
            };
            if comma - last > 12 {
                return;
            }
            let effect = self.clause(comma + 1, false);
            for cause in &causes {
                if let Some(effect) = &effect {
                    self.push(CAUSES, cause.range(self.tokens), effect.clone(), confidence);
                }
            }
            return;
        }
        let mut end = group.start;
        // "was caused due to", "is primarily due to": the subject is the effect.
        let caused = self.before(end).is_some_and(|token| {
            lexicon::causal_verb(&token.lower)
                .is_some_and(|(lemma, form)| form == Form::Past && lexicon::is_strong(lemma))
        });
        let mut subject = group.be;
        if caused {
            let verb = self.group(end - 1);
            subject = verb.be;
            end = verb.start;
        }
        // "Net income attributable to shareholders" is what they own of it.
        if self.is(at, "attributable") && !group.be {
            return;
        }
        let effects = phrase::subjects(self.tokens, end, subject);
        let noun = effects.first().is_some_and(|effect| lexicon::is_effect(effect.head(self.tokens)));
        if subject || noun {
            self.push_all(CAUSES, &causes, &effects, confidence);
        } else if let Some(effect) = self.clause_before(end) {
            for cause in &causes {
                self.push(CAUSES, cause.range(self.tokens), effect.clone(), confidence);
            }
        } else {
            self.push_all(CAUSES, &causes, &effects, confidence);
        }
    }

    /// "Shares fell because demand was weak", "Because demand was weak, shares fell".
    fn because(&mut self, at: usize) {
        let group = self.group(at);
        if group.negated {
            return;
        }
        let Some(cause) = self.clause_after(at + 1) else { return };
        let effect = if at == 0 || matches!(self.class(at - 1), Some(Class::Mark | Class::Clause)) {
            let comma = (at + 1..self.tokens.len()).find(|at| self.class(*at) == Some(Class::Comma));
            comma.and_then(|comma| self.clause_after(comma + 1))
        } else {
            self.clause_before(at)
        };
        if let Some(effect) = effect {
            self.push(CAUSES, cause, effect, sure::PREPOSITION);
        }
    }
}
