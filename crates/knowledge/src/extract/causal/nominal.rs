//! Cause and effect without a verb of causing: nouns ("the main cause of"), compounds ("stress-induced"), and an effect with
//! its cause after a preposition ("pain from shingles").

use super::{CAUSES, Reader, sure};
use crate::extract::lexicon::{self, Form};
use crate::extract::phrase::{self, Phrase};
use crate::extract::token::{Class, Token};

impl Reader<'_> {
    /// "X is one of the main causes of Y", "the cause of Y was X", "Y is the result of X", "X is responsible for Y".
    pub(super) fn noun(&mut self, at: usize) {
        const CAUSE: &[&str] =
            &["cause", "causes", "reason", "reasons", "trigger", "triggers", "driver", "drivers", "culprit", "factor"];
        const SOURCE: &[&str] = &["source", "sources", "origin", "root"];
        const RESULT: &[&str] =
            &["result", "consequence", "outcome", "results", "consequences", "effect", "by-product", "byproduct"];
        let Some(token) = self.token(at) else { return };
        let responsible = token.among(&["responsible", "accountable", "blamed", "notorious"]) && self.is(at + 1, "for");
        let cause = token.among(CAUSE) || responsible;
        let source = token.among(SOURCE);
        let result = token.among(RESULT);
        let joined = self
            .token(at + 1)
            .is_some_and(|next| next.among(&["of", "for", "behind", "in"]) && (!result || next.is("of")));
        if !(cause || source || result)
            || !joined
            || token.is("factor") && !self.is(at + 1, "in")
            || self.is(at + 1, "in") && !token.is("factor")
        {
            return;
        }
        let mut object = at + 2;
        if self
            .token(object)
            .is_some_and(|next| lexicon::causal_verb(&next.lower).is_some_and(|(_, form)| form == Form::Gerund))
        {
            object += 1;
        }
        let objects = phrase::objects(self.tokens, object);
        let Some(last) = objects.last().map(|object| object.last) else { return };
        // Back over "one of the main" to the verb.
        let mut start = at;
        while let Some(before) = self.before(start) {
            let part_of_noun = matches!(
                before.class,
                Class::Nominal | Class::Determiner | Class::Adverb | Class::Gerund | Class::Participle
            ) || before.is("one")
                || before.is("of")
                    && self
                        .before(start - 1)
                        .is_some_and(|token| token.is("one") || lexicon::is_partitive(&token.lower))
                || before.among(&["among", "and", "as"]);
            if !part_of_noun || before.capital && before.class == Class::Nominal && !responsible || at - start > 10 {
                break;
            }
            start -= 1;
        }
        let confidence = sure::NOUN;
        let group = self.group(start);
        if group.negated {
            return;
        }
        let doubt = if group.hedged { sure::HEDGED } else { 1.0 };
        let apposed = self.before(start).is_some_and(|token| token.class == Class::Comma);
        if group.be || apposed || responsible && self.before(at).is_some_and(Token::nominal) {
            let (end, clause) = if group.be {
                (group.start, true)
            } else if apposed {
                (start - 1, false)
            } else {
                (at, false)
            };
            let subjects = phrase::subjects(self.tokens, end, clause);
            if result {
                self.push_all(CAUSES, &objects, &subjects, confidence * doubt);
            } else {
                let effects = if source { self.effects_only(objects) } else { objects };
                self.push_all(CAUSES, &subjects, &effects, confidence * doubt);
            }
            return;
        }
        // "The main cause of the delay was the storm."
        let verb = self.after_adverbs(last + 1);
        if cause
            && !responsible
            && self.class(verb) == Some(Class::Be)
            && !self.tokens[verb + 1..].first().is_some_and(|token| token.class == Class::Negation)
        {
            let causes = phrase::objects(self.tokens, verb + 1);
            let causes: Vec<Phrase> = causes
                .into_iter()
                .filter(|cause| {
                    !cause.head(self.tokens).starts_with("un")
                        && self.tokens[cause.head].class == Class::Nominal
                        && !self.tokens[cause.head].among(&["clear", "known", "simple"])
                })
                .collect();
            self.push_all(CAUSES, &causes, &objects, confidence * doubt);
        }
    }

    /// "stress-induced illness".
    pub(super) fn compound(&mut self, at: usize) {
        let Some(token) = self.token(at) else { return };
        let Some(cut) = token.lower.rfind('-') else { return };
        let induced =
            ["induced", "caused", "driven", "triggered", "inflicted", "provoked"].contains(&&token.lower[cut + 1..]);
        if !induced || token.lower.len() != token.range.len() || token.lower.starts_with("self-") {
            return;
        }
        let Some(effect) = phrase::starting_at(self.tokens, at + 1) else { return };
        let cause = token.range.start..token.range.start + cut;
        self.push(CAUSES, cause, effect.range(self.tokens), sure::COMPOUND);
    }

    /// "pain from shingles", "grief after the loss": nothing but a preposition between an effect and its cause.
    pub(super) fn loose(&mut self, at: usize) {
        const NO_EFFECT: &[&str] = &[
            "recovery",
            "relief",
            "distance",
            "protection",
            "escape",
            "release",
            "movement",
            "motion",
            "state",
            "growth",
            "change",
            "signal",
            "image",
            "record",
            "increase",
            "decrease",
            "reduction",
            "rise",
            "drop",
            "flight",
            "wave",
            "field",
            "response",
        ];
        let Some(token) = self.token(at) else { return };
        let after = token.among(&["after", "following"]);
        if !(token.is("from") || after) || !self.before(at).is_some_and(|token| token.class != Class::Adverb) {
            return;
        }
        let group = self.group(at);
        let effects = phrase::subjects(self.tokens, group.start, group.be);
        if group.negated || group.start != at && !group.be {
            return;
        }
        let effects: Vec<Phrase> = self
            .effects_only(effects)
            .into_iter()
            .filter(|effect| !NO_EFFECT.contains(&effect.head(self.tokens)))
            .collect();
        let mut causes = self.no_people(phrase::objects(self.tokens, at + 1));
        causes.retain(|cause| !lexicon::is_time(cause.head(self.tokens)));
        let Some(last) = causes.last().map(|cause| cause.last) else { return };
        let way = self.token(last + 1).is_some_and(|next| next.among(&["to", "into", "until"]));
        if way && !causes.iter().any(|cause| lexicon::is_effect(cause.head(self.tokens))) {
            return;
        }
        // Revenue from the sale, but not "revenue from cloud services", which says what is sold.
        let money = effects.iter().any(|effect| lexicon::is_money(effect.head(self.tokens)));
        if after || money {
            causes.retain(|cause| {
                let head = cause.head(self.tokens);
                lexicon::is_effect(head) || lexicon::is_event(head)
            });
        }
        self.push_all(CAUSES, &causes, &effects, if after { sure::AFTER } else { sure::FROM });
    }
}
