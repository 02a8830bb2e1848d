//! From words with roles to a plan.

use super::cues::{Cues, link_relations};
use super::link::{self, Link, MetricLink, Role};
use super::plan::*;
use super::time::{self, Found, Period};
use super::token::{self, Token, TokenKind};
use super::words::{self, Cue};
use crate::store::{self, Metric, Store};

/// Tokens that are read of a question; what follows counts as not understood.
const LONGEST: usize = 400;
/// Bytes that are read of a question: far more than that many words have.
const LONGEST_BYTES: usize = 16 << 10;

/// Understands a question.
pub fn understand(question: &str, store: &dyn Store) -> Plan {
    let question = &question[..question.floor_char_boundary(LONGEST_BYTES)];
    let mut tokens = token::tokens(question);
    tokens.truncate(LONGEST);
    let mut roles: Vec<Role> =
        tokens.iter().map(|token| if token.kind == TokenKind::Symbol { Role::Symbol } else { Role::Free }).collect();
    let times = time::scan(&tokens);
    for (index, found) in times.iter().enumerate() {
        roles[found.start..found.end].fill(Role::Time(index));
    }
    let metrics = store.metrics();
    let links = link::link(question, &tokens, &mut roles, store, &metrics);
    let relations = link_relations(&tokens, &mut roles, &store.relations());
    let cues = Cues::read(&tokens, &mut roles);
    let mut composer = Composer { question, tokens: &tokens, roles, cues, links, relations, times };
    composer.compose(store, &metrics)
}

struct Composer<'a> {
    question: &'a str,
    tokens: &'a [Token],
    roles: Vec<Role>,
    cues: Cues,
    links: link::Links,
    relations: Vec<String>,
    times: Vec<Found>,
}

impl Composer<'_> {
    fn compose(&mut self, store: &dyn Store, metrics: &[Metric]) -> Plan {
        let mut condition = self.condition();
        let top = self.top();
        let (entities, groups) = self.split_groups();
        let mut metric_links = std::mem::take(&mut self.links.metrics);
        // "the share price at the open" speaks of the open.
        if metric_links.iter().any(|link| !link.general) {
            metric_links.retain(|link| !link.general);
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
            };
        }
        // "On how many days did it rise?" counts changes above zero.
        if condition.is_none() && self.cues.has(Cue::Count) && self.polarity() != 0 && self.links_days() {
            let comparison = if self.polarity() > 0 { Comparison::Above } else { Comparison::Below };
            condition = Some(Condition { comparison, threshold: 0.0, percent: true });
        }
        let mut measure = self.measure(metric_named, condition.as_ref());
        let operation = self.operation(&entities, &groups, metric_named, &mut measure, order, condition.as_ref(), top);
        let numeric = is_numeric(&operation);
        // "What happened to GE in October?" asks for the change, not for an average.
        if measure == Measure::Value
            && !metric_named
            && operation == Operation::Measure
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
            bars(&mut metric_links, metrics, &mut measure, &operation, averaged);
        }
        // A number for each of several metrics is only given side by side.
        if !matches!(operation, Operation::Measure | Operation::Correlation) {
            metric_links.truncate(1);
        }
        let (periods, impossible_times) = self.periods(store, &entities, &metric_links);
        let not_understood = self.unknown(metric_named && metric_links.iter().any(|link| !link.general));
        let meaningful =
            self.roles.iter().filter(|role| !matches!(role, Role::Symbol | Role::Cue(Cue::Filler))).count();
        let missed = self.roles.iter().filter(|role| **role == Role::Free).count();
        Plan {
            operation_named: measure != Measure::Value || !matches!(operation, Operation::Measure | Operation::Open),
            operation,
            measure,
            entities,
            groups,
            metrics: metric_links,
            periods,
            condition,
            absolute: self.absolute(),
            everything: self.cues.has(Cue::Every),
            also: if numeric { self.relations.clone() } else { vec![] },
            metric_named,
            ambiguous: std::mem::take(&mut self.links.ambiguous),
            impossible_times,
            not_understood,
            understood: if meaningful == 0 { 0.0 } else { 1.0 - missed as f64 / meaningful as f64 },
        }
    }

    /// Whether days are spoken of.
    fn links_days(&self) -> bool {
        self.cues.any(&[Cue::DayNoun, Cue::Daily])
    }

    /// What is measured, apart from what is merely a value: sectors, cities.
    fn split_groups(&mut self) -> (Vec<Link>, Vec<Link>) {
        let mut entities: Vec<Link> = Vec::new();
        let mut groups: Vec<Link> = Vec::new();
        for link in std::mem::take(&mut self.links.entities) {
            let to = if link.observed || link.value_of.is_empty() { &mut entities } else { &mut groups };
            if !to.iter().any(|known| known.entity.id == link.entity.id) {
                to.push(link);
            }
        }
        (entities, groups)
    }

    fn number_at(&self, index: usize) -> Option<(f64, usize)> {
        let token = self.tokens.get(index)?;
        if !matches!(self.roles[index], Role::Free | Role::Cue(Cue::Thing)) {
            return None;
        }
        let number = token.number().or_else(|| words::count_word(&token.lower))?;
        match self.tokens.get(index + 1).and_then(|next| words::multiplier(&next.lower)) {
            Some(factor) => Some((number * factor, index + 2)),
            None => Some((number, index + 1)),
        }
    }

    /// "above $20", "more than 2 million", "$200 or more", "> 20".
    fn condition(&mut self) -> Option<Condition> {
        for index in 0..self.tokens.len() {
            let (comparison, mut at) = match self.roles[index] {
                Role::Cue(Cue::Above) => (Comparison::Above, index + 1),
                Role::Cue(Cue::Below) => (Comparison::Below, index + 1),
                Role::Cue(Cue::AtLeast) => (Comparison::AtLeast, index + 1),
                Role::Cue(Cue::AtMost) => (Comparison::AtMost, index + 1),
                Role::Symbol if self.tokens[index].text == ">" => (Comparison::Above, index + 1),
                Role::Symbol if self.tokens[index].text == "<" => (Comparison::Below, index + 1),
                _ => continue,
            };
            // "200 or more": the number stands before.
            let phrase = self.tokens[index].lower == "or";
            if phrase {
                at = (0..index).rev().find(|at| self.tokens[*at].kind == TokenKind::Number)?;
            }
            while !phrase
                && at < self.tokens.len()
                && at < index + 6
                && (matches!(self.tokens[at].text.as_str(), "$" | "\u{20ac}" | "\u{a3}" | "=")
                    || self.roles[at] == self.roles[index]
                    || matches!(self.roles[at], Role::Cue(Cue::Filler | Cue::Thing))
                        && self.tokens[at].number().is_none())
            {
                at += 1;
            }
            let Some((threshold, end)) = self.number_at(at) else { continue };
            let comparison = match comparison {
                Comparison::Above if self.tokens.get(index + 1).is_some_and(|next| next.text == "=") => {
                    Comparison::AtLeast
                }
                Comparison::Below if self.tokens.get(index + 1).is_some_and(|next| next.text == "=") => {
                    Comparison::AtMost
                }
                other => other,
            };
            let money = at > 0
                && self.tokens[at].marked
                && matches!(self.tokens[at - 1].text.as_str(), "$" | "\u{20ac}" | "\u{a3}");
            let percent =
                !money && self.tokens[at].marked || matches!(self.roles.get(end), Some(Role::Cue(Cue::Percent)));
            self.roles[at..end].fill(Role::Number);
            return Some(Condition { comparison, threshold, percent });
        }
        None
    }

    /// "top 3", "three most volatile".
    fn top(&mut self) -> Option<usize> {
        const RANKING: [Cue; 9] =
            [Cue::Peak, Cue::Bottom, Cue::Top, Cue::Highest, Cue::Lowest, Cue::Best, Cue::Worst, Cue::Gain, Cue::Loss];
        for index in 0..self.tokens.len() {
            if self.tokens[index].marked || !matches!(self.roles[index], Role::Free | Role::Cue(Cue::Thing)) {
                continue;
            }
            let Some((number, end)) = self.number_at(index) else { continue };
            let beside = (index.saturating_sub(2)..(index + 4).min(self.tokens.len()))
                .any(|near| matches!(self.roles[near], Role::Cue(cue) if RANKING.contains(&cue)));
            if beside && (1.0..=1000.0).contains(&number) && number.fract() == 0.0 && self.tokens[index].lower != "one"
            {
                self.roles[index..end].fill(Role::Number);
                return Some(number as usize);
            }
        }
        None
    }

    /// Which end of an order the question asks for, if any.
    fn order(&self) -> Option<Order> {
        let superlative = self.cues.first(&[Cue::Highest, Cue::Lowest, Cue::Best, Cue::Worst]);
        let comparative = self.cues.first(&[Cue::Higher, Cue::Lower]);
        let extreme = self.cues.first(&[Cue::Peak, Cue::Bottom]);
        let (_, cue) = superlative.or(comparative).or(extreme).or_else(|| self.cues.first(&[Cue::Top]))?;
        let up = matches!(cue, Cue::Highest | Cue::Best | Cue::Higher | Cue::Peak | Cue::Top);
        // "lost the most" is the lowest change; "least stable" the highest volatility.
        let turned = match self.polarity() {
            -1 if matches!(cue, Cue::Highest | Cue::Lowest | Cue::Higher | Cue::Lower | Cue::Top) => true,
            _ => self.cues.has(Cue::Stable) && !self.cues.has(Cue::Volatile),
        };
        Some(if up != turned { Order::Highest } else { Order::Lowest })
    }

    /// 1 when only gains are spoken of, -1 when only losses, else 0.
    fn polarity(&self) -> i8 {
        i8::from(self.cues.has(Cue::Gain)) - i8::from(self.cues.has(Cue::Loss))
    }

    fn measure(&self, metric_named: bool, condition: Option<&Condition>) -> Measure {
        let cues = &self.cues;
        if cues.any(&[Cue::Volatile, Cue::Stable]) {
            return Measure::Volatility;
        }
        // "how low did it fall", "how much rain fell": the words ask for the metric itself.
        let before_metric = |cue: Cue, words: usize| {
            cues.found
                .iter()
                .any(|(at, found)| *found == cue && matches!(self.roles.get(at + words), Some(Role::Metric(_))))
        };
        if before_metric(Cue::How, 1) || before_metric(Cue::HowMuch, 2) {
            return Measure::Value;
        }
        let changing = cues.any(&[Cue::Gain, Cue::Loss])
            || cues.found.iter().any(|(index, cue)| *cue == Cue::Change && self.tokens[*index].lower != "did");
        if cues.has(Cue::Count) && (condition.is_some() || changing) {
            return Measure::Count;
        }
        // "Did it close above 45 in August?", "what percentage of days": the days are counted.
        let share_of_days = cues.has(Cue::Percent) && self.links_days();
        let asks_day = cues.any(&[Cue::When, Cue::DayNoun, Cue::First]);
        if condition.is_some_and(|condition| !condition.percent)
            && !changing
            && (share_of_days || cues.has(Cue::Whether) && !asks_day)
        {
            return Measure::Count;
        }
        if condition.is_some() && asks_day && !cues.has(Cue::Which) {
            return Measure::Value;
        }
        if cues.has(Cue::Average) && !changing {
            return Measure::Mean;
        }
        if cues.has(Cue::Total) && !changing {
            return Measure::Total;
        }
        if cues.has(Cue::Median) {
            return Measure::Median;
        }
        let up_or_down = cues.has(Cue::Gain) && cues.has(Cue::Loss) && !cues.any(&[Cue::HowMuch, Cue::Percent]);
        if cues.has(Cue::Trend) || up_or_down && !cues.any(&[Cue::Highest, Cue::Lowest]) {
            return Measure::Trend;
        }
        let daily = cues.any(&[Cue::Daily])
            || cues.any(&[Cue::When, Cue::DayNoun]) && cues.any(&[Cue::Highest, Cue::Lowest, Cue::Best, Cue::Worst]);
        if changing || cues.any(&[Cue::Best, Cue::Worst]) && !metric_named {
            // "move" and "performance" beside a day are the change of that day.
            return if daily { Measure::DailyChange } else { Measure::Change };
        }
        if cues.has(Cue::Percent) && condition.is_none() && metric_named {
            return Measure::Change;
        }
        if cues.has(Cue::Range) {
            return Measure::Range;
        }
        match cues.first(&[Cue::Highest, Cue::Lowest, Cue::Peak, Cue::Bottom, Cue::Best, Cue::Worst]) {
            Some((_, Cue::Highest | Cue::Peak | Cue::Best)) => Measure::Maximum,
            Some(_) => Measure::Minimum,
            None if cues.has(Cue::Top) && metric_named => Measure::Maximum,
            None if cues.has(Cue::How) && !metric_named => Measure::Trend,
            None => Measure::Value,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one decision")]
    fn operation(
        &self,
        entities: &[Link],
        groups: &[Link],
        metric_named: bool,
        measure: &mut Measure,
        order: Option<Order>,
        condition: Option<&Condition>,
        top: Option<usize>,
    ) -> Operation {
        let cues = &self.cues;
        let measured = metric_named || *measure != Measure::Value;
        if cues.has(Cue::Correlate) && entities.len() + usize::from(metric_named) >= 2 {
            return Operation::Correlation;
        }
        if cues.any(&[Cue::Why, Cue::Cause]) && !measured_by_name(metric_named, *measure, cues) {
            return Operation::Cause;
        }
        if cues.has(Cue::Why) {
            return Operation::Cause;
        }
        if cues.has(Cue::Relate) && entities.len() + groups.len() >= 2 {
            return Operation::Path;
        }
        if let Some(operation) = self.fact_operation(entities, groups, metric_named, measured) {
            return operation;
        }
        if entities.is_empty() {
            if (*measure == Measure::Value || *measure == Measure::Trend) && !metric_named
                || self.times.is_empty() && !measured && groups.is_empty()
            {
                return Operation::Open;
            }
            let order = order.or(match self.polarity() {
                1 => Some(Order::Highest),
                -1 => Some(Order::Lowest),
                _ => None,
            });
            if let Some(order) = order {
                // "highest closing price": of each the highest; "lowest": the lowest; a mean or change stays.
                if matches!(measure, Measure::Maximum | Measure::Minimum) {
                    *measure = if order == Order::Highest { Measure::Maximum } else { Measure::Minimum };
                }
                let plural = cues.has(Cue::Top)
                    && cues.found.iter().any(|(at, cue)| *cue == Cue::Thing && self.tokens[*at].lower.ends_with('s'));
                return Operation::Rank { order, count: top.unwrap_or(if plural { 5 } else { 1 }) };
            }
            if *measure == Measure::DailyChange {
                *measure = Measure::Change;
            }
            return Operation::Measure;
        }
        let dated = cues.has(Cue::When)
            || cues.has(Cue::DayNoun) && cues.any(&[Cue::Which, Cue::What, Cue::When]) && !cues.has(Cue::Count);
        if dated && condition.is_some() && *measure != Measure::Count {
            return Operation::WhenCondition {
                first: !cues.found.iter().any(|(at, _)| self.tokens[*at].lower == "last"),
            };
        }
        if dated {
            let extreme = order.or(match self.polarity() {
                1 => Some(Order::Highest),
                -1 => Some(Order::Lowest),
                _ => None,
            });
            if let Some(order) = extreme
                && !matches!(measure, Measure::Trend | Measure::Volatility | Measure::Count)
            {
                return Operation::When { order };
            }
        }
        if entities.len() >= 2 {
            let against = cues.any(&[
                Cue::Compare,
                Cue::Which,
                Cue::Or,
                Cue::Higher,
                Cue::Lower,
                Cue::Best,
                Cue::Worst,
                Cue::Difference,
                Cue::Highest,
                Cue::Lowest,
            ]);
            if against {
                if *measure == Measure::Value && !metric_named {
                    *measure = Measure::Change;
                }
                if matches!(measure, Measure::Maximum | Measure::Minimum)
                    && !cues.any(&[Cue::Peak, Cue::Bottom])
                    && condition.is_none()
                {
                    *measure = if order == Some(Order::Lowest) { Measure::Minimum } else { Measure::Maximum };
                }
                let order = order.unwrap_or(if self.polarity() < 0 { Order::Lowest } else { Order::Highest });
                return Operation::Compare {
                    order,
                    difference: cues.has(Cue::Difference)
                        || cues.has(Cue::HowMuch) && cues.any(&[Cue::Higher, Cue::Lower]),
                };
            }
        }
        if !measured && self.times.is_empty() && !cues.any(&[Cue::Percent, Cue::Daily]) {
            // Nothing but a name: what is known of it.
            return if cues.any(&[Cue::Define, Cue::About, Cue::What, Cue::Which]) || cues.found.is_empty() {
                Operation::Profile
            } else {
                Operation::Open
            };
        }
        Operation::Measure
    }

    /// Questions about facts: "Which sector is X in?", "same industry as X", "Energy companies".
    fn fact_operation(
        &self,
        entities: &[Link],
        groups: &[Link],
        metric_named: bool,
        measured: bool,
    ) -> Option<Operation> {
        let cues = &self.cues;
        let relation = self.relations.first().cloned().or_else(|| {
            let trades = self.tokens.iter().any(|token| token.lower.starts_with("trad"));
            if cues.has(Cue::Headquarters) || cues.has(Cue::Where) && !measured && !trades && self.times.is_empty() {
                Some("headquarters".to_owned())
            } else if cues.has(Cue::Founded) && !metric_named {
                Some("founded".to_owned())
            } else {
                None
            }
        });
        let superlative =
            cues.any(&[Cue::Highest, Cue::Lowest, Cue::Best, Cue::Worst, Cue::Top, Cue::Volatile, Cue::Stable]);
        let sharing =
            cues.has(Cue::Same) || cues.has(Cue::Share) && !measured && (relation.is_some() || entities.len() >= 2);
        // Who founded it is another question than when.
        let who = self.tokens.iter().any(|token| matches!(token.lower.as_str(), "who" | "whom"));
        if who && relation.as_deref() == Some("founded") {
            return Some(Operation::Open);
        }
        if !entities.is_empty() && sharing && !metric_named && !superlative {
            return Some(Operation::Same { relation });
        }
        if !entities.is_empty()
            && groups.is_empty()
            && !metric_named
            && !superlative
            && let Some(relation) = relation
        {
            return Some(Operation::Fact { relation });
        }
        if entities.len() == 1 && !measured && !metric_named {
            let asks_symbol = cues.has(Cue::Ticker)
                || self
                    .tokens
                    .iter()
                    .zip(&self.roles)
                    .any(|(token, role)| *role == Role::Cue(Cue::Thing) && token.lower.starts_with("ticker"));
            if asks_symbol && self.times.is_empty() {
                return Some(Operation::Ticker);
            }
        }
        if entities.len() == 1 && !groups.is_empty() && !metric_named && cues.has(Cue::Whether) {
            return Some(Operation::IsMember);
        }
        if entities.is_empty()
            && !groups.is_empty()
            && !metric_named
            && !superlative
            && (!measured || cues.has(Cue::Count))
        {
            return Some(Operation::Members { count: cues.has(Cue::Count) });
        }
        None
    }

    fn absolute(&self) -> bool {
        let money =
            self.tokens.iter().any(|token| matches!(token.lower.as_str(), "dollar" | "dollars" | "usd" | "cents"));
        let points = self.tokens.iter().any(|token| token.lower == "absolute");
        (money || points) && !self.cues.has(Cue::Percent)
    }

    fn periods(&self, store: &dyn Store, entities: &[Link], metrics: &[MetricLink]) -> (Vec<Period>, Vec<String>) {
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
                None => impossible
                    .push(self.question[self.tokens[found.start].start..self.tokens[found.end - 1].end].to_owned()),
            }
        }
        // "latest" beside a named period adds nothing ("the current closing price on June 5").
        if periods.len() > 1 {
            let named: Vec<Period> =
                periods.iter().filter(|period| period.kind != time::PeriodKind::Latest).cloned().collect();
            if !named.is_empty() {
                periods = named;
            }
        }
        periods.dedup();
        (periods, impossible)
    }

    /// Words left over, neighbours joined.
    fn unknown(&self, metric_exact: bool) -> Vec<Unknown> {
        let mut unknown: Vec<Unknown> = Vec::new();
        let mut index = 0;
        while index < self.tokens.len() {
            if self.roles[index] != Role::Free {
                index += 1;
                continue;
            }
            let start = index;
            while index < self.tokens.len() && self.roles[index] == Role::Free {
                index += 1;
            }
            let tokens = &self.tokens[start..index];
            let name = tokens.iter().any(|token| {
                token.kind == TokenKind::Word
                    && (token.capitalised()
                        || token.text.chars().any(|character| character.is_ascii_digit())
                        || token.possessive)
            });
            let beside = |role: Option<&Role>| {
                matches!(
                    role,
                    Some(Role::Metric(_) | Role::Entity)
                        | Some(Role::Cue(
                            Cue::Thing
                                | Cue::Every
                                | Cue::Average
                                | Cue::Total
                                | Cue::Median
                                | Cue::Volatile
                                | Cue::Trend
                                | Cue::Change
                        ))
                )
            };
            let joint = |at: usize| matches!(self.tokens[at].text.as_str(), "-" | "/" | "&");
            let before = (0..start).rev().find(|at| !joint(*at)).and_then(|before| self.roles.get(before));
            let after = (index..self.tokens.len()).find(|at| !joint(*at));
            // "the beta of Nvidia": what is asked for, by a word that is not known.
            let asked = after.is_some_and(|at| {
                matches!(self.tokens[at].lower.as_str(), "of" | "for")
                    && matches!(self.roles.get(at + 1), Some(Role::Entity | Role::Metric(_)))
            });
            let only_numbers = tokens.iter().all(|token| token.kind == TokenKind::Number);
            unknown.push(Unknown {
                text: tokens.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" "),
                name,
                decisive: only_numbers
                    || (asked || beside(before) || beside(after.and_then(|at| self.roles.get(at))) || !metric_exact),
            });
        }
        unknown
    }
}

fn measured_by_name(metric_named: bool, measure: Measure, cues: &Cues) -> bool {
    metric_named && measure != Measure::Value && !cues.has(Cue::Why)
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
    )
}

/// What a question measures that does not say it: the close where there are prices, else the only metric there is.
fn default_metric(metrics: &[Metric], store: &dyn Store, entities: &[Link]) -> Option<MetricLink> {
    let ids: Vec<u64> = entities.iter().map(|link| link.entity.id).collect();
    let observed = |metric: &Metric| {
        if ids.is_empty() {
            store.newest(&metric.name).is_some()
        } else {
            !store.extents(&ids, &metric.name).is_empty()
        }
    };
    let close = metrics.iter().find(|metric| metric.name == "close");
    let metric = close.filter(|metric| observed(metric)).or_else(|| metrics.iter().find(|metric| observed(metric)))?;
    Some(MetricLink { metric: metric.clone(), text: String::new(), general: true, certainty: 0.93 })
}

/// Price bars: the highest price of a period is the highest high, the lowest the lowest low; the high of a period is
/// the highest, its low the lowest, its open the first.
fn bars(links: &mut [MetricLink], metrics: &[Metric], measure: &mut Measure, operation: &Operation, averaged: bool) {
    let Some(first) = links.first_mut() else { return };
    let named = |name: &str| metrics.iter().find(|metric| metric.name == name).cloned();
    if first.metric.name == "close" && first.general && !averaged {
        let day_question = matches!(operation, Operation::When { .. });
        let extreme = match (&measure, operation) {
            (Measure::Maximum, _) => named("high"),
            (Measure::Minimum, _) => named("low"),
            _ => None,
        };
        if let Some(extreme) = extreme.filter(|_| !day_question || !first.text.is_empty()) {
            first.metric = extreme;
        }
    }
    if *measure == Measure::Value && matches!(operation, Operation::Measure) {
        match first.metric.name.as_str() {
            "high" => *measure = Measure::Maximum,
            "low" => *measure = Measure::Minimum,
            _ => {}
        }
    }
}
