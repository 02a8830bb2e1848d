//! From words with roles to a plan.

use super::asides::{closing_extremes, deny, exchange, set_aside};
use super::cues::{Cues, link_relations};
use super::definition;
use super::leftover::written_as_day;
use super::link::{self, Link, MetricLink, Role};
use super::measured::{bars, default_metric, high_and_low};
use super::operation::Given;
use super::plan::{Comparison, Condition, Further, Measure, Operation, Plan, Unknown};
use super::several;
use super::time::{self, Found, Period};
use super::token::{self, Token, TokenKind};
use super::words::Cue;
use crate::store::{self, Metric, Store};

/// Tokens that are read of a question; what follows counts as not understood.
const LONGEST: usize = 400;
/// A text that holds more questions than this is read as one.
const MOST_QUESTIONS: usize = 5;
/// Bytes that are read of a question: far more than that many words have.
const LONGEST_BYTES: usize = 16 << 10;

/// Understands a question; of a text that holds several, the first that is more than open, with the others as further
/// ones.
pub fn understand(question: &str, store: &dyn Store) -> Plan {
    let question = &question[..question.floor_char_boundary(LONGEST_BYTES)];
    if let Some(rest) = several::without_dismissals(question) {
        return understand(&rest, store);
    }
    let parts = several::questions(question);
    // "It made a loss. Why was that?" is one question.
    if let [first, last] = parts[..]
        && several::only_asks_after(last)
        && !several::asks_itself(first)
    {
        return understand_one(question, store);
    }
    if parts.len() < 2 || parts.len() > MOST_QUESTIONS {
        return understand_one(question, store);
    }
    let mut plans: Vec<Further> =
        parts.iter().map(|part| Further { text: (*part).to_owned(), plan: understand_one(part, store) }).collect();
    // "Give me the correlation." after a question says what that one asks for.
    let own =
        |part: &Further| !part.plan.entities.is_empty() || !part.plan.groups.is_empty() || refers_back(&part.text);
    if plans.iter().skip(1).any(|part| !own(part)) {
        return understand_one(question, store);
    }
    // A greeting or a remark before the question is none.
    let first = plans.iter().position(|part| part.plan.operation != Operation::Open).unwrap_or(0);
    let Further { plan: mut whole, text } = plans.remove(first);
    let before: Vec<Further> = plans.drain(..first).collect();
    // "My neighbour says Apple doubled. What was its return?"
    if whole.entities.is_empty()
        && whole.groups.is_empty()
        && refers_back(&text)
        && let Some(spoken) = before.iter().rev().find(|part| !part.plan.entities.is_empty())
    {
        whole = understand_one(&of_entities(&text, &spoken.plan), store);
    }
    for part in &mut plans {
        // "What was its volume?" speaks of the entity, and without a time of its own of the time, of the first.
        if part.plan.entities.is_empty()
            && part.plan.groups.is_empty()
            && !whole.entities.is_empty()
            && refers_back(&part.text)
        {
            part.plan = understand_one(&of_entities(&part.text, &whole), store);
            if part.plan.periods.is_empty() {
                part.plan.periods.clone_from(&whole.periods);
            }
        }
    }
    plans.retain(|part| part.plan.operation != Operation::Open);
    whole.further = plans;
    whole
}

/// A question that speaks of what was named before, with its names.
fn of_entities(text: &str, plan: &Plan) -> String {
    let named: Vec<&str> = plan.entities.iter().map(|link| link.text.as_str()).collect();
    format!("{} of {}", text.trim_end_matches(['?', '.', '!']), named.join(" and "))
}

/// Whether words speak of what was named before.
fn refers_back(text: &str) -> bool {
    token::tokens(text)
        .iter()
        .any(|token| matches!(token.lower.as_str(), "it" | "its" | "it's" | "they" | "their" | "that"))
        || several::only_asks_after(text)
}

/// Understands a text that holds one question.
fn understand_one(question: &str, store: &dyn Store) -> Plan {
    let mut tokens = token::tokens(question);
    tokens.truncate(LONGEST);
    let mut roles: Vec<Role> =
        tokens.iter().map(|token| if token.kind == TokenKind::Symbol { Role::Symbol } else { Role::Free }).collect();
    let times = time::scan(&tokens);
    for (index, found) in times.iter().enumerate() {
        roles[found.start..found.end].fill(Role::Time(index));
    }
    let metrics = store.metrics();
    let mut links = link::link(question, &tokens, &mut roles, store, &metrics);
    set_aside(&tokens, &mut roles, &mut links);
    exchange(&tokens, &mut roles);
    deny(&tokens, &mut roles, &mut links);
    let extremes = closing_extremes(&tokens, &mut roles, &mut links);
    let relations = link_relations(&tokens, &mut roles, &store.relations());
    let mut cues = Cues::read(&tokens, &mut roles);
    cues.found.extend(extremes);
    cues.found.sort_by_key(|(at, _)| *at);
    let mut composer = Composer { question, tokens: &tokens, roles, cues, links, relations, times };
    composer.compose(store, &metrics)
}

/// The parts of a question while the plan is made of them.
pub(super) struct Composer<'a> {
    pub question: &'a str,
    pub tokens: &'a [Token],
    pub roles: Vec<Role>,
    pub cues: Cues,
    pub links: link::Links,
    pub relations: Vec<String>,
    pub times: Vec<Found>,
}

impl Composer<'_> {
    fn compose(&mut self, store: &dyn Store, metrics: &[Metric]) -> Plan {
        let (entities, groups, excluded) = self.split_groups();
        self.whole_periods();
        self.leaders(&entities);
        let mut metric_links = std::mem::take(&mut self.links.metrics);
        self.link_own(store, metrics, &entities, &mut metric_links);
        self.link_traded(metrics, &mut metric_links);
        let mut condition = self.condition();
        let place = self.place();
        let top = self.top();
        let calendar = self.calendar();
        // "With what price did it start on Monday?" asks for the open.
        if metric_links.iter().all(|link| link.general) && !metric_links.is_empty() && self.starts_a_day() {
            metric_links.extend(metrics.iter().find(|metric| metric.name == "open").map(|metric| MetricLink {
                metric: metric.clone(),
                text: "start".into(),
                general: false,
                certainty: 0.93,
            }));
        }
        // "the share price at the open" speaks of the open.
        if metric_links.iter().any(|link| !link.general) {
            metric_links.retain(|link| !link.general);
        }
        // "the most expensive" is the one with the highest close.
        if metric_links.is_empty() && self.cues.any(&[Cue::Expensive, Cue::Cheap]) {
            let close = metrics.iter().find(|metric| metric.name == "close").cloned();
            metric_links.extend(close.map(|metric| MetricLink {
                metric,
                text: "expensive".into(),
                // Of one company over a time the cheapest is the lowest price, of several the lowest close.
                general: entities.len() == 1,
                certainty: 0.95,
            }));
        }
        // "vol (standard deviation)" is short for volatility there, and so is it in "the highest vol stock"; "adv" is the
        // average daily volume.
        for at in 0..self.tokens.len() {
            let cue = match self.tokens[at].lower.as_str() {
                "vol"
                    if self.roles.get(at + 1) == Some(&Role::Cue(Cue::Thing))
                        || self
                            .tokens
                            .get(at + 1)
                            .is_some_and(|next| matches!(next.lower.as_str(), "name" | "names")) =>
                {
                    Cue::Volatile
                }
                "adv" => Cue::Average,
                _ => continue,
            };
            if matches!(self.roles[at], Role::Metric(_)) {
                self.cues.found.push((at, cue));
            }
        }
        if self.cues.has(Cue::Volatile) {
            metric_links.retain(|link| link.text.to_lowercase() != "vol");
        }
        let metric_named = !metric_links.is_empty();
        let order = self.order();
        // "fell more than 2%" is a change below -2%.
        if let Some(condition) = condition.as_mut().filter(|condition| condition.percent && condition.threshold > 0.0)
            && self.polarity() < 0
        {
            condition.threshold = -condition.threshold;
            condition.comparison = match condition.comparison {
                Comparison::Above => Comparison::Below,
                Comparison::Below => Comparison::Above,
                Comparison::AtLeast => Comparison::AtMost,
                Comparison::AtMost => Comparison::AtLeast,
                Comparison::Between => {
                    let upper = condition.upper.unwrap_or(-condition.threshold);
                    condition.upper = Some(condition.threshold);
                    condition.threshold = -upper;
                    Comparison::Between
                }
            };
        }
        if let Some(condition) = condition.as_mut()
            && self.negated()
        {
            condition.negate();
        }
        // "On how many days did it close above the day before?"
        if condition.is_none() && self.cues.has(Cue::Step) {
            let up = self.cues.any(&[Cue::Above, Cue::Higher, Cue::Gain]);
            let comparison = if up { Comparison::Above } else { Comparison::Below };
            if up != self.cues.any(&[Cue::Below, Cue::Lower, Cue::Loss]) {
                condition = Some(Condition { comparison, threshold: 0.0, upper: None, percent: true });
            }
        }
        // "How many sessions did it end lower?"
        if condition.is_none()
            && !metric_links.iter().any(|link| link.metric.name != "close")
            && self.cues.has(Cue::Count)
            && self.links_days()
            && self.polarity() == 0
            && self.cues.has(Cue::Higher) != self.cues.has(Cue::Lower)
        {
            let up = self.cues.has(Cue::Higher);
            let comparison = if up { Comparison::Above } else { Comparison::Below };
            condition = Some(Condition { comparison, threshold: 0.0, upper: None, percent: true });
        }
        // "On how many days did it rise?" counts changes above zero.
        if condition.is_none()
            && self.polarity() != 0
            && (self.share_of_days()
                || self.days_of_direction()
                || self.cues.has(Cue::Count) && (self.links_days() || self.often()))
        {
            let comparison = if self.polarity() > 0 { Comparison::Above } else { Comparison::Below };
            condition = Some(Condition { comparison, threshold: 0.0, upper: None, percent: true });
        }
        let mut measure = self.measure(metric_named, condition.as_ref());
        let given = Given {
            entities: &entities,
            groups: &groups,
            metrics: metric_links.len(),
            metric_named,
            order,
            condition: condition.as_ref(),
            top,
            place,
            calendar: calendar.map(|(by, _)| by),
        };
        let mut operation = self.operation(&given, &mut measure);
        if let Some((start, end)) = definition::term(self.tokens, &self.roles) {
            let term = self.question[self.tokens[start].start..self.tokens[end - 1].end].to_owned();
            operation = Operation::Define { term };
        }
        if measure == Measure::Mean && operation == Operation::Measure && self.range_of_days() {
            operation = Operation::Difference { ratio: false };
            metric_links.extend(default_metric(metrics, store, &entities).filter(|_| metric_links.is_empty()));
            high_and_low(&mut metric_links, metrics);
        }
        if matches!(operation, Operation::Difference { ratio: true }) {
            for (token, role) in self.tokens.iter().zip(&mut self.roles) {
                if *role == Role::Free && matches!(token.lower.as_str(), "ratio" | "divided") {
                    *role = Role::Cue(Cue::Filler);
                }
            }
        }
        // "Which stocks rose?": those whose change is above zero.
        if matches!(operation, Operation::Select { .. }) && condition.is_none() {
            let comparison = if self.polarity() > 0 { Comparison::Above } else { Comparison::Below };
            condition = Some(Condition { comparison, threshold: 0.0, upper: None, percent: true });
        }
        let numeric = is_numeric(&operation);
        // "What happened to GE in October?" asks for the change, not for an average.
        if measure == Measure::Value
            && !metric_named
            && operation == Operation::Measure
            && !self.cues.has(Cue::Trade)
            && self.times.iter().any(Found::is_long)
        {
            measure = Measure::Change;
        }
        if numeric && metric_links.is_empty() {
            metric_links.extend(default_metric(metrics, store, &entities));
        }
        if numeric {
            // Without a time, the highest of all is the highest now, by the close.
            let timeless =
                self.times.is_empty() && matches!(operation, Operation::Rank { .. } | Operation::Compare { .. });
            let averaged = timeless || self.cues.any(&[Cue::Average, Cue::Total, Cue::Median]);
            if measure == Measure::Range {
                high_and_low(&mut metric_links, metrics);
            }
            bars(&mut metric_links, metrics, &mut measure, &operation, averaged);
        }
        // A number for each of several metrics is only given side by side.
        let metrics_used = match operation {
            Operation::Measure | Operation::Correlation => metric_links.len(),
            Operation::Difference { .. } if entities.len() == 1 => 2,
            _ => 1,
        };
        metric_links.truncate(metrics_used);
        let anchoring: Vec<MetricLink> = match &metric_links[..] {
            [] if !self.times.is_empty() => default_metric(metrics, store, &entities).into_iter().collect(),
            links => links.to_vec(),
        };
        let (mut periods, mut impossible_times) =
            self.periods(store, &entities, &anchoring, measure == Measure::Change);
        // "Which quarter was better, Q1 or Q2?": looked for in both.
        if let (Operation::Calendar { .. }, [first, .., last]) = (&operation, &periods[..]) {
            periods = vec![time::Period::between(first, last)];
        }
        // "the starting price in March": what the period begins with.
        let first = self
            .cues
            .found
            .iter()
            .any(|(at, cue)| *cue == Cue::First && matches!(self.roles.get(at + 1), Some(Role::Metric(_))));
        if measure == Measure::Value
            && (first && operation == Operation::Measure || metric_links.first().is_some_and(|link| begins(&link.text)))
        {
            for period in periods.iter_mut().filter(|period| period.kind == time::PeriodKind::Range) {
                period.kind = time::PeriodKind::FirstOf;
            }
        }
        // "the last close in April": what the period ends with.
        let last = self.times.iter().any(|found| {
            found.expression == time::Expression::Latest
                && self.tokens[found.start].lower == "last"
                && matches!(self.roles.get(found.end), Some(Role::Metric(_)))
        });
        if measure == Measure::Value && last {
            for period in periods.iter_mut().filter(|period| period.kind == time::PeriodKind::Range) {
                period.kind = time::PeriodKind::LastOf;
            }
        }
        let not_understood = self.unknown(metric_named && metric_links.iter().any(|link| !link.general));
        // "Is Amazon above 1900?" asks of now.
        let now = self.tokens.first().is_some_and(|token| matches!(token.lower.as_str(), "is" | "are"));
        if now && periods.is_empty() && measure == Measure::Count && self.yes_or_no() {
            periods.push(Period {
                kind: time::PeriodKind::Latest,
                label: "the newest day".into(),
                ..Period::unspecified()
            });
        }
        // "2019-02-30" is written as a day and is none.
        let (no_days, mut not_understood): (Vec<Unknown>, Vec<Unknown>) =
            not_understood.into_iter().partition(|unknown| written_as_day(&unknown.text));
        impossible_times.extend(no_days.into_iter().map(|unknown| unknown.text));
        not_understood.extend(self.day_of_event(&operation));
        not_understood.extend(self.person(&operation, &entities).filter(|_| not_understood.is_empty()));
        // "the price of gold": a kind of company has no price, its companies have.
        if operation == Operation::Measure
            && measure == Measure::Value
            && entities.is_empty()
            && !self.cues.any(&[Cue::Thing, Cue::Every, Cue::Which])
            && let Some(group) = groups.first()
        {
            not_understood.push(Unknown { text: group.text.clone(), name: false, decisive: true });
        }
        not_understood.extend(self.turned(&operation, measure, condition.as_ref()));
        // A calendar that nothing was made of would be passed over.
        if let Some((_, at)) = calendar.filter(|_| numeric && !matches!(operation, Operation::Calendar { .. })) {
            not_understood.push(Unknown { text: self.tokens[at].text.clone(), name: false, decisive: true });
        }
        // "X vs A", where only X is known: what it is held against is missing. "Compared with its beginning" is a change.
        if let Some((at, _)) = self.cues.first(&[Cue::Compare])
            && !self.against_its_beginning(at)
            && operation == Operation::Measure
            && entities.len() == 1
            && groups.is_empty()
            && periods.len() < 2
            && metric_links.len() < 2
            && condition.is_none()
        {
            let text = self.tokens[at].text.clone();
            not_understood.push(Unknown { text, name: false, decisive: true });
        }
        let meaningful =
            self.roles.iter().filter(|role| !matches!(role, Role::Symbol | Role::Cue(Cue::Filler))).count();
        let missed = self.roles.iter().filter(|role| **role == Role::Free).count();
        Plan {
            operation_named: measure != Measure::Value || !matches!(operation, Operation::Measure | Operation::Open),
            operation,
            measure,
            entities,
            groups,
            excluded,
            metrics: metric_links,
            periods,
            condition,
            absolute: self.absolute(),
            share: measure == Measure::Count && self.share_of_days(),
            whether: self.whether(measure, condition.as_ref()),
            everything: self.cues.has(Cue::Every),
            also: if numeric { self.relations.clone() } else { vec![] },
            metric_named,
            ambiguous: std::mem::take(&mut self.links.ambiguous),
            impossible_times,
            future: self.future(),
            further: vec![],
            guessed: self.cues.guessed,
            not_understood,
            understood: if meaningful == 0 { 0.0 } else { 1.0 - missed as f64 / meaningful as f64 },
        }
    }

    /// "Bought at the start of May and held to the end", "at the end of May compared with its beginning": all of May.
    fn whole_periods(&mut self) {
        use time::{Expression, Part};
        for found in &mut self.times {
            let Expression::In(span, part @ (Part::Start | Part::End)) = found.expression else { continue };
            let other: &[&str] = if part == Part::Start {
                &["end", "ended", "finish", "finished", "close"]
            } else {
                &["beginning", "start", "outset", "began", "started"]
            };
            let joins = |word: &str| matches!(word, "to" | "until" | "till" | "through" | "with" | "than" | "against");
            let rest = &self.tokens[found.end..];
            let joined = rest.iter().position(|token| joins(&token.lower));
            if joined.is_some_and(|at| rest[at..].iter().take(4).any(|token| other.contains(&token.lower.as_str()))) {
                found.expression = Expression::In(span, Part::Whole);
            }
        }
    }

    /// "Who led the sector?" asks for the best, where nobody is named that could be led.
    fn leaders(&mut self, entities: &[Link]) {
        if !entities.is_empty() || self.times.is_empty() {
            return;
        }
        for at in 0..self.tokens.len() {
            if matches!(self.roles[at], Role::Free | Role::Cue(Cue::Filler))
                && matches!(self.tokens[at].lower.as_str(), "led" | "lead" | "leads" | "leading")
            {
                self.roles[at] = Role::Cue(Cue::Best);
                self.cues.found.push((at, Cue::Best));
            }
        }
    }

    /// Whether a day begins: "start" beside a single day, and nothing moves.
    fn starts_a_day(&self) -> bool {
        let starts = self.tokens.iter().zip(&self.roles).any(|(token, role)| {
            matches!(role, Role::Cue(Cue::Filler))
                && matches!(token.lower.as_str(), "start" | "started" | "starts" | "begin" | "began" | "begins")
        });
        starts
            && self.polarity() == 0
            && !self.cues.has(Cue::Change)
            && !self.times.is_empty()
            && !self.times.iter().any(Found::is_long)
    }

    /// "Who is running Apple?": what a person does is asked for, though the word for it says nothing elsewhere.
    fn person(&self, operation: &Operation, entities: &[Link]) -> Option<Unknown> {
        let who = self.tokens.iter().position(|token| matches!(token.lower.as_str(), "who" | "whom" | "who's"))?;
        (*operation == Operation::Open && entities.len() == 1).then_some(())?;
        let verb = self.tokens[who + 1..]
            .iter()
            .zip(&self.roles[who + 1..])
            .find(|(token, role)| **role == Role::Cue(Cue::Filler) && token.lower.len() > 3)?;
        Some(Unknown { text: verb.0.text.clone(), name: false, decisive: false })
    }

    /// "compared with its beginning", "than at the start": a period is held against what it began with.
    fn against_its_beginning(&self, at: usize) -> bool {
        self.tokens[at..].iter().take(5).any(|token| {
            matches!(token.lower.as_str(), "beginning" | "start" | "outset" | "began" | "started" | "begin")
        })
    }

    /// "not above": the word before the comparison turns it.
    fn negated(&self) -> bool {
        let compares = |role: &Role| {
            matches!(role, Role::Cue(Cue::Above | Cue::Below | Cue::AtLeast | Cue::AtMost | Cue::Higher | Cue::Lower))
        };
        self.cues.found.iter().any(|(at, cue)| {
            *cue == Cue::Not
                && !matches!(self.tokens[*at].lower.as_str(), "never" | "no")
                && self.roles[*at + 1..(*at + 5).min(self.roles.len())].iter().any(compares)
        })
    }

    /// Whether days are spoken of.
    pub(super) fn links_days(&self) -> bool {
        self.cues.any(&[Cue::DayNoun, Cue::Daily])
    }

    /// "how often", "how many times": the steps from day to day are counted.
    fn often(&self) -> bool {
        self.tokens.iter().any(|token| matches!(token.lower.as_str(), "often" | "frequently" | "times"))
    }

    /// What yes or no is asked of: a gain (1), a loss (-1) or the condition (0).
    fn whether(&self, measure: Measure, condition: Option<&Condition>) -> Option<i8> {
        if !self.yes_or_no() {
            return None;
        }
        match measure {
            Measure::Count if condition.is_some() => Some(0),
            Measure::Change | Measure::DailyChange | Measure::Trend if self.polarity() != 0 => Some(self.polarity()),
            _ => None,
        }
    }

    /// The words that ask for what is still to come.
    fn future(&self) -> Option<String> {
        let time = self.times.iter().find(|found| found.expression == time::Expression::Future);
        if let Some(found) = time {
            return Some(self.question[self.tokens[found.start].start..self.tokens[found.end - 1].end].to_owned());
        }
        self.cues.first(&[Cue::Future]).map(|(at, _)| self.tokens[at].text.clone())
    }

    /// What is measured, apart from what is merely a value: sectors, cities.
    fn split_groups(&mut self) -> (Vec<Link>, Vec<Link>, Vec<Link>) {
        let (mut entities, mut groups, mut excluded) = (Vec::new(), Vec::new(), Vec::new());
        let mut last_excluded = None;
        // "Who else besides Apple is in its sector?" asks for those like Apple.
        let alone = self.links.entities.len() == 1 && self.cues.has(Cue::Same);
        for link in std::mem::take(&mut self.links.entities) {
            let observed = link.observed || link.value_of.is_empty();
            // "excluding NFLX and ADBE": names that follow one another are left out together. "Not KO, but PEP."
            let before: Vec<usize> = (link.token.saturating_sub(3)..link.token).collect();
            let denied = link.token > 0 && self.tokens[link.token - 1].lower == "not";
            let left_out = denied
                || !alone
                    && before.iter().any(|at| self.roles[*at] == Role::Cue(Cue::Other))
                    && !before.iter().any(|at| matches!(self.roles[*at], Role::Entity | Role::Metric(_)))
                || last_excluded.is_some_and(|last| {
                    (last..link.token).all(|at| {
                        self.tokens[at].lower != "but"
                            && matches!(
                                self.roles[at],
                                Role::Entity | Role::Symbol | Role::Cue(Cue::And | Cue::Or | Cue::Filler)
                            )
                    })
                });
            let to: &mut Vec<Link> = match (observed, left_out) {
                (_, true) => {
                    last_excluded = Some(link.token);
                    &mut excluded
                }
                (true, _) => &mut entities,
                _ => &mut groups,
            };
            if !to.iter().any(|known| known.entity.id == link.entity.id) {
                to.push(link);
            }
        }
        (entities, groups, excluded)
    }

    /// Whether a change is asked for in the unit of the metric.
    pub(super) fn absolute(&self) -> bool {
        let money =
            self.tokens.iter().any(|token| matches!(token.lower.as_str(), "dollar" | "dollars" | "usd" | "cents"));
        let points = self.tokens.iter().any(|token| token.lower == "absolute");
        (money || points) && !self.cues.has(Cue::Percent)
    }

    fn periods(
        &self,
        store: &dyn Store,
        entities: &[Link],
        metrics: &[MetricLink],
        changes: bool,
    ) -> (Vec<Period>, Vec<String>) {
        if self.times.is_empty() {
            return (vec![], vec![]);
        }
        let ids: Vec<u64> = entities.iter().map(|link| link.entity.id).collect();
        let newest = metrics.first().and_then(|link| {
            if ids.is_empty() {
                store.newest(&link.metric.name)
            } else {
                store.extents(&ids, &link.metric.name).iter().map(|extent| extent.last).max()
            }
        });
        // Without an observation there is nothing to count from; whatever is resolved will find nothing.
        let anchor = newest.map_or(jiff::civil::date(1970, 1, 1), store::day_of);
        let mut periods = Vec::new();
        let mut impossible = Vec::new();
        for found in &self.times {
            match time::resolve(found, anchor) {
                Some(period) => periods.push(period),
                None if found.expression == time::Expression::Future => {}
                None => impossible
                    .push(self.question[self.tokens[found.start].start..self.tokens[found.end - 1].end].to_owned()),
            }
        }
        // "latest" and "ever" beside a named period add nothing ("the current closing price on June 5").
        if periods.len() > 1 {
            let ever = |period: &Period| {
                period.from.is_none() && period.to.is_none() && period.kind == time::PeriodKind::Range
            };
            let named: Vec<Period> = periods
                .iter()
                .filter(|period| period.kind != time::PeriodKind::Latest && !ever(period))
                .cloned()
                .collect();
            if !named.is_empty() {
                periods = named;
            }
        }
        periods.dedup();
        // "bought on the 3rd and sold on the 9th": two days of a change are its ends.
        if changes
            && let [first, second] = &periods[..]
            && [first, second].iter().all(|one| one.kind == time::PeriodKind::Day)
        {
            periods = vec![time::Period::between(first, second)];
        }
        (periods, impossible)
    }
}

/// Whether words for a metric speak of what something begins with.
fn begins(text: &str) -> bool {
    matches!(text.to_lowercase().split(' ').next(), Some("first" | "starting" | "initial" | "beginning"))
}

fn is_numeric(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::Measure
            | Operation::When { .. }
            | Operation::WhenCondition { .. }
            | Operation::Rank { .. }
            | Operation::Compare { .. }
            | Operation::Correlation
            | Operation::Calendar { .. }
            | Operation::Difference { .. }
            | Operation::Select { .. }
    )
}
