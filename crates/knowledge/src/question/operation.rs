//! What a question asks to be done: which measure, which end of an order, which operation.

use super::compose::Composer;
use super::link::{Link, Role};
use super::plan::{Calendar, Condition, Measure, Operation, Order};
use super::words::Cue;

/// What deciding on an operation needs to know beside the cues.
pub(super) struct Given<'a> {
    pub entities: &'a [Link],
    pub groups: &'a [Link],
    pub metrics: usize,
    pub metric_named: bool,
    pub order: Option<Order>,
    pub condition: Option<&'a Condition>,
    pub top: Option<usize>,
    pub place: Option<usize>,
    pub calendar: Option<Calendar>,
}

impl Composer<'_> {
    /// Which end of an order the question asks for, if any.
    pub(super) fn order(&self) -> Option<Order> {
        let cues = &self.cues;
        let least = cues.any(&[Cue::Lowest, Cue::Lower]);
        // "biggest loser" is the lowest, "smallest loser" the highest.
        if cues.has(Cue::Worst) {
            return Some(if least { Order::Highest } else { Order::Lowest });
        }
        if cues.has(Cue::Best) && !least {
            return Some(Order::Highest);
        }
        let (_, cue) = cues
            .first(&[Cue::Highest, Cue::Lowest])
            .or_else(|| cues.first(&[Cue::Higher, Cue::Lower]))
            .or_else(|| cues.first(&[Cue::Peak, Cue::Bottom]))
            .or_else(|| cues.first(&[Cue::Busiest, Cue::Quietest]))
            .or_else(|| cues.first(&[Cue::Expensive, Cue::Cheap]))
            .or_else(|| cues.first(&[Cue::Top]))?;
        let up = matches!(cue, Cue::Highest | Cue::Higher | Cue::Peak | Cue::Top | Cue::Busiest | Cue::Expensive);
        let degree = matches!(cue, Cue::Highest | Cue::Lowest | Cue::Higher | Cue::Lower | Cue::Top);
        // "lost the most" is the lowest change, "least stable" the highest volatility, "least cheap" the highest price.
        let mut turned = self.polarity() < 0 && degree;
        turned ^= self.calm();
        turned ^= cues.has(Cue::Cheap) && degree;
        Some(if up != turned { Order::Highest } else { Order::Lowest })
    }

    /// Whether little of it is wanted: "the steadiest", "safer by volatility".
    fn calm(&self) -> bool {
        let named = |at: &usize| {
            self.tokens[*at].lower == "volatility"
                && *at > 0
                && matches!(self.tokens[at - 1].lower.as_str(), "of" | "by")
        };
        let asked = |cue: Cue| self.cues.found.iter().any(|(at, found)| *found == cue && !named(at));
        self.cues.has(Cue::Stable) && !asked(Cue::Volatile)
    }

    /// 1 when only gains are spoken of, -1 when only losses, else 0.
    pub(super) fn polarity(&self) -> i8 {
        i8::from(self.cues.has(Cue::Gain)) - i8::from(self.cues.has(Cue::Loss))
    }

    /// Whether yes or no is an answer: it begins with a verb and asks for no number, name or day.
    pub(super) fn yes_or_no(&self) -> bool {
        let begins = |cue: &Cue| !matches!(cue, Cue::Filler | Cue::Every | Cue::First);
        let first = self.cues.found.iter().find(|(_, cue)| begins(cue));
        if self.indirect_whether() {
            let asks = [Cue::Which, Cue::How, Cue::HowMuch, Cue::Count, Cue::Where, Cue::Why, Cue::Or];
            return !self.cues.any(&asks);
        }
        let asks = [Cue::What, Cue::Which, Cue::How, Cue::HowMuch, Cue::Count, Cue::Where, Cue::Why, Cue::Or];
        let there = self.tokens.windows(2).any(|pair| pair[0].lower == "was" && pair[1].lower == "there");
        first.is_some_and(|(_, cue)| *cue == Cue::Whether)
            && !self.cues.any(&asks)
            && (there || !self.cues.has(Cue::When))
    }

    /// "tell me if", "check whether": yes or no is asked for by a request.
    pub(super) fn indirect_whether(&self) -> bool {
        self.tokens.windows(2).any(|pair| {
            matches!(pair[0].lower.as_str(), "me" | "us" | "know" | "see" | "check" | "say" | "tell")
                && matches!(pair[1].lower.as_str(), "if" | "whether")
        })
    }

    /// "up days", "losing sessions": days that are told by their direction, to be counted unless they are asked for.
    pub(super) fn days_of_direction(&self) -> bool {
        let days = |at: usize| matches!(self.tokens.get(at).map_or("", |token| &token.lower), "days" | "sessions");
        !self.cues.any(&[Cue::When, Cue::Which, Cue::What])
            && self.cues.found.iter().any(|(at, cue)| matches!(cue, Cue::Gain | Cue::Loss) && days(at + 1))
    }

    /// "to what price did it fall": the extreme that a move ends at.
    fn end_of_move(&self) -> Option<Measure> {
        let asked = self.tokens.windows(2).position(|pair| {
            matches!(pair[0].lower.as_str(), "to" | "until") && matches!(pair[1].lower.as_str(), "what" | "which")
        })?;
        matches!(self.roles.get(asked + 2), Some(Role::Metric(_))).then_some(())?;
        match self.polarity() {
            1 => Some(Measure::Maximum),
            -1 => Some(Measure::Minimum),
            _ => None,
        }
    }

    /// "the lowest price it fell to": the extreme belongs to the metric, whatever moved. "The biggest price drop" does not.
    fn extreme_of_metric(&self) -> Option<Measure> {
        self.cues.found.iter().find_map(|(at, cue)| {
            // "to what price did it climb at most"
            if matches!(cue, Cue::AtMost | Cue::AtLeast)
                && self.roles.iter().any(|role| matches!(role, Role::Metric(_)))
            {
                let free = !self.roles.contains(&Role::Number);
                return free.then_some(if *cue == Cue::AtMost { Measure::Maximum } else { Measure::Minimum });
            }
            let measure = match cue {
                Cue::Highest | Cue::Peak => Measure::Maximum,
                Cue::Lowest | Cue::Bottom => Measure::Minimum,
                _ => return None,
            };
            let role = |index: usize| self.roles.get(index);
            let mut after = at + 1;
            matches!(role(after), Some(Role::Metric(_))).then_some(())?;
            while matches!(role(after), Some(Role::Metric(_))) {
                after += 1;
            }
            let moves = matches!(
                role(after),
                Some(Role::Cue(Cue::Gain | Cue::Loss | Cue::Change | Cue::Volatile | Cue::Trend))
            );
            (!moves).then_some(measure)
        })
    }

    /// Whether a change is spoken of.
    fn changing(&self) -> bool {
        let cues = &self.cues;
        let of_strength =
            |at: &usize| matches!(self.tokens[*at].lower.as_str(), "strongest" | "weakest" | "stronger" | "weaker");
        cues.any(&[Cue::Gain, Cue::Loss])
            || cues.found.iter().any(|(at, cue)| {
                *cue == Cue::Change && self.tokens[*at].lower != "did"
                    || matches!(cue, Cue::Highest | Cue::Lowest | Cue::Higher | Cue::Lower)
                        && of_strength(at)
                        && !self.roles.iter().any(|role| matches!(role, Role::Metric(_)))
            })
    }

    /// "X days above $20": the days are what is counted.
    fn counts_days(&self) -> bool {
        let plural = |at: &usize| matches!(self.tokens[*at].lower.as_str(), "days" | "sessions" | "closes" | "times");
        self.cues.found.iter().any(|(at, cue)| *cue == Cue::DayNoun && plural(at))
            && !self.cues.any(&[Cue::When, Cue::Which, Cue::First])
    }

    pub(super) fn measure(&self, metric_named: bool, condition: Option<&Condition>) -> Measure {
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
        let changing = self.changing();
        if (cues.has(Cue::Count) || self.share_of_days() || self.days_of_direction())
            && (condition.is_some() || changing)
        {
            return Measure::Count;
        }
        // "Did it close above 45 in August?", "what percentage of days": the days are counted.
        let share_of_days = cues.has(Cue::Percent) && self.links_days();
        let asks_day = cues.any(&[Cue::When, Cue::DayNoun, Cue::First]) && !self.yes_or_no();
        if condition.is_some_and(|condition| !condition.percent)
            && !changing
            && (share_of_days || self.counts_days() || (cues.has(Cue::Whether) || self.indirect_whether()) && !asks_day)
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
        // "the range between the highest and the lowest price", "high minus low"
        let exceeds = cues.has(Cue::HowMuch)
            && condition.is_none()
            && self.tokens.iter().any(|token| token.lower.starts_with("exceed"));
        let between = (exceeds || cues.any(&[Cue::Range, Cue::Difference]))
            && cues.any(&[Cue::Highest, Cue::Peak])
            && cues.any(&[Cue::Lowest, Cue::Bottom]);
        if cues.has(Cue::Range) || between {
            return Measure::Range;
        }
        let up_or_down =
            cues.has(Cue::Gain) && cues.has(Cue::Loss) && !cues.any(&[Cue::HowMuch, Cue::Percent]) && !self.absolute();
        if cues.has(Cue::Trend) || up_or_down && !cues.any(&[Cue::Highest, Cue::Lowest]) {
            return Measure::Trend;
        }
        if let Some(extreme) = self.extreme_of_metric().or_else(|| self.end_of_move()) {
            return extreme;
        }
        let daily = cues.any(&[Cue::Daily])
            || cues.any(&[Cue::When, Cue::DayNoun]) && cues.any(&[Cue::Highest, Cue::Lowest, Cue::Best, Cue::Worst]);
        if changing || cues.any(&[Cue::Best, Cue::Worst]) && !metric_named {
            // "move" and "performance" beside a day are the change of that day.
            return match (daily, cues.has(Cue::Average)) {
                (true, true) => Measure::MeanDailyChange,
                (true, false) => Measure::DailyChange,
                (false, _) => Measure::Change,
            };
        }
        if cues.has(Cue::Percent) && condition.is_none() && (metric_named || !self.times.is_empty()) {
            return Measure::Change;
        }
        let extreme = cues
            .first(&[Cue::Highest, Cue::Lowest, Cue::Peak, Cue::Bottom, Cue::Best, Cue::Worst])
            .or_else(|| cues.first(&[Cue::Busiest, Cue::Quietest, Cue::Expensive, Cue::Cheap]));
        match extreme {
            Some((_, Cue::Highest | Cue::Peak | Cue::Best | Cue::Busiest | Cue::Expensive)) => Measure::Maximum,
            Some(_) => Measure::Minimum,
            None if cues.has(Cue::Top) && metric_named => Measure::Maximum,
            None if cues.has(Cue::How) && !metric_named => Measure::Trend,
            None => Measure::Value,
        }
    }

    /// The order that is meant where the question names none: the highest of gains and of volatility.
    fn implied_order(&self, measure: Measure) -> Option<Order> {
        match self.polarity() {
            1 => Some(Order::Highest),
            -1 => Some(Order::Lowest),
            _ if measure == Measure::Volatility => Some(if self.calm() { Order::Lowest } else { Order::Highest }),
            _ => None,
        }
    }

    pub(super) fn operation(&self, given: &Given<'_>, measure: &mut Measure) -> Operation {
        let cues = &self.cues;
        let (entities, groups) = (given.entities, given.groups);
        let measured = given.metric_named || *measure != Measure::Value;
        let returns = cues.has(Cue::Relate)
            && cues.found.iter().any(|(at, cue)| {
                *cue == Cue::Change && matches!(self.tokens[*at].lower.as_str(), "returns" | "moves" | "changes")
            });
        if (cues.has(Cue::Correlate) || returns) && entities.len() + usize::from(given.metric_named) >= 2 {
            return Operation::Correlation;
        }
        if cues.any(&[Cue::Why, Cue::Cause]) {
            return Operation::Cause;
        }
        if cues.has(Cue::Relate)
            && entities.len() + groups.len() >= 2
            && !given.metric_named
            && matches!(measure, Measure::Value | Measure::Trend)
        {
            return Operation::Path;
        }
        if let Some(operation) = self.fact_operation(entities, groups, given.metric_named, measured) {
            return operation;
        }
        if entities.is_empty() {
            return self.over_many(given, measure, measured);
        }
        if let Some(operation) = self.by_calendar(given, measure).or_else(|| self.dated(given, *measure)) {
            return operation;
        }
        let ratio = self.divides();
        // "high-low range" is the range of the period.
        let less = *measure != Measure::Range && self.subtracts_metrics();
        let two_times = given.metrics < 2 && self.times.len() == 2 && self.cues.has(Cue::Difference);
        let level = matches!(measure, Measure::Value | Measure::Mean | Measure::Total | Measure::Median);
        let one = entities.len() == 1 && (given.metrics == 2 && (ratio || less) || two_times && level);
        if one || entities.len() == 2 && ratio {
            return Operation::Difference { ratio };
        }
        let gap = entities.len() == 2 && self.gap_between(*measure);
        if gap {
            *measure = Measure::Value;
        }
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
            Cue::Top,
            Cue::Busiest,
            Cue::Quietest,
            Cue::Expensive,
            Cue::Cheap,
        ]);
        // "Did it close above Apple?"
        let beyond = given.condition.is_none() && given.metric_named && cues.any(&[Cue::Above, Cue::Below]);
        if entities.len() >= 2 && (against || gap || beyond) {
            if *measure == Measure::Value && !given.metric_named {
                *measure = Measure::Change;
            }
            if matches!(measure, Measure::Maximum | Measure::Minimum)
                && !cues.any(&[Cue::Peak, Cue::Bottom])
                && given.condition.is_none()
            {
                *measure = if given.order == Some(Order::Lowest) { Measure::Minimum } else { Measure::Maximum };
            }
            let under = beyond && cues.has(Cue::Below);
            let order = given.order.or_else(|| self.implied_order(*measure)).unwrap_or(if under {
                Order::Lowest
            } else {
                Order::Highest
            });
            return Operation::Compare {
                order,
                difference: gap
                    || cues.has(Cue::Difference)
                    || cues.has(Cue::HowMuch) && cues.any(&[Cue::Higher, Cue::Lower]),
            };
        }
        if !measured && self.times.is_empty() && !cues.any(&[Cue::Percent, Cue::Daily]) {
            // Nothing but a name: what is known of it. Who runs it is another question.
            let person = self.tokens.iter().any(|token| matches!(token.lower.as_str(), "who" | "whom" | "who's"));
            // "What products does it sell?"
            let things = cues.found.iter().any(|(at, cue)| {
                let next = self.tokens.get(at + 1).map_or("", |next| &next.lower);
                matches!(cue, Cue::What | Cue::Which)
                    && self.roles.get(at + 1) == Some(&Role::Cue(Cue::Thing))
                    && next.ends_with('s')
                    && next != "business"
            });
            let named = cues.found.is_empty() || cues.any(&[Cue::Define, Cue::About, Cue::What, Cue::Which]);
            return if named && !person && !things { Operation::Profile } else { Operation::Open };
        }
        Operation::Measure
    }

    /// The operation of a question that names no entity: a ranking, many taken together, or an open question.
    fn over_many(&self, given: &Given<'_>, measure: &mut Measure, measured: bool) -> Operation {
        let cues = &self.cues;
        let ranked = given.top.is_some() || given.place.is_some();
        if let Some(operation) = self.selects(given.condition, given.order, ranked, measure) {
            return operation;
        }
        if (*measure == Measure::Value || *measure == Measure::Trend) && !given.metric_named
            || self.times.is_empty() && !measured && given.groups.is_empty()
        {
            return Operation::Open;
        }
        let asked = cues.any(&[Cue::Which, Cue::What, Cue::Top, Cue::Thing]) || given.place.is_some();
        let order = given
            .order
            .or_else(|| given.place.map(|_| Order::Highest))
            .or_else(|| self.implied_order(*measure).filter(|_| *measure != Measure::Volatility || asked));
        if let Some(order) = order {
            // "highest closing price": of each the highest; "lowest": the lowest; a mean or change stays.
            if matches!(measure, Measure::Maximum | Measure::Minimum) {
                *measure = if order == Order::Highest { Measure::Maximum } else { Measure::Minimum };
            }
            let plural = cues.has(Cue::Top)
                && cues.found.iter().any(|(at, cue)| *cue == Cue::Thing && self.tokens[*at].lower.ends_with('s'));
            return Operation::Rank {
                order,
                count: given.top.unwrap_or(if plural { 5 } else { 1 }),
                place: given.place.unwrap_or(1),
            };
        }
        if *measure == Measure::DailyChange {
            *measure = Measure::Change;
        }
        Operation::Measure
    }

    /// A question for each month, or for the one of an extreme.
    fn by_calendar(&self, given: &Given<'_>, measure: &mut Measure) -> Option<Operation> {
        let by = given.calendar.filter(|_| given.entities.len() == 1 && given.condition.is_none())?;
        if matches!(measure, Measure::DailyChange | Measure::MeanDailyChange | Measure::Trend) {
            *measure = Measure::Change;
        }
        let order = given.order.or_else(|| self.implied_order(*measure).filter(|_| self.cues.has(Cue::Which)));
        Some(Operation::Calendar { by, order })
    }

    /// A question for a day: that of an extreme, or the first on which a condition holds.
    fn dated(&self, given: &Given<'_>, measure: Measure) -> Option<Operation> {
        let cues = &self.cues;
        let one_day = |at: &usize| matches!(self.tokens[*at].lower.as_str(), "date" | "day" | "session");
        let extreme = given.order.or(match self.polarity() {
            1 => Some(Order::Highest),
            -1 => Some(Order::Lowest),
            _ => None,
        });
        let noun = cues.has(Cue::DayNoun) && !cues.has(Cue::Count);
        let dated = cues.has(Cue::When)
            || noun && cues.any(&[Cue::Which, Cue::What, Cue::When])
            // "list the days it fell more than 5%"
            || noun && given.condition.is_some() && measure != Measure::Count
            // "date of the highest close", "highest volume day"
            || noun
                && given.order.is_some()
                && !cues.has(Cue::Average)
                && (given.top.is_some() || cues.found.iter().any(|(at, cue)| *cue == Cue::DayNoun && one_day(at)))
            // "biggest daily gain"
            || given.entities.len() == 1
                && measure == Measure::DailyChange
                && cues.any(&[Cue::Highest, Cue::Lowest, Cue::Best, Cue::Worst, Cue::Peak, Cue::Bottom, Cue::Top]);
        if !dated || self.yes_or_no() {
            return None;
        }
        if given.condition.is_some() && measure != Measure::Count {
            let last = cues.found.iter().any(|(at, _)| self.tokens[*at].lower == "last");
            let days = cues.found.iter().any(|(at, cue)| *cue == Cue::DayNoun && self.tokens[*at].lower.ends_with('s'));
            return Some(Operation::WhenCondition { first: !last, all: days && !last && !cues.has(Cue::First) });
        }
        let order = extreme?;
        let count = given.top.unwrap_or(1);
        (!matches!(measure, Measure::Trend | Measure::Volatility | Measure::Count | Measure::MeanDailyChange))
            .then_some(Operation::When { order, count, place: given.place.unwrap_or(1) })
    }

    /// The relation that a question about a fact speaks of, by its name or by a verb.
    fn relation(&self, metric_named: bool, measured: bool) -> Option<String> {
        let cues = &self.cues;
        let word = |words: &[&str]| self.tokens.iter().any(|token| words.contains(&token.lower.as_str()));
        if let Some(relation) = self.relations.first() {
            return Some(relation.clone());
        }
        let trades = self.tokens.iter().any(|token| token.lower.starts_with("trad"));
        if cues.has(Cue::Headquarters) || cues.has(Cue::Where) && !measured && !trades && self.times.is_empty() {
            return Some("headquarters".to_owned());
        }
        let began = !measured
            && self.times.is_empty()
            && (cues.has(Cue::When) || word(&["year"]))
            && word(&["start", "started", "begin", "began", "begun", "start", "exist", "existed", "exists", "opened"]);
        if (cues.has(Cue::Founded) || began || word(&["exist", "exists"]) && word(&["since"])) && !metric_named {
            return Some("founded".to_owned());
        }
        // "What line of business is it in?"
        (!measured && self.times.is_empty() && word(&["business"])).then(|| "industry".to_owned())
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
        let relation = self.relation(metric_named, measured);
        let superlative =
            cues.any(&[Cue::Highest, Cue::Lowest, Cue::Best, Cue::Worst, Cue::Top, Cue::Volatile, Cue::Stable]);
        let several = self.cues.found.iter().any(|(at, cue)| {
            *cue == Cue::Thing && self.tokens[*at].lower.ends_with('s') && self.tokens[*at].lower != "business"
        });
        let who =
            self.tokens.iter().any(|token| matches!(token.lower.as_str(), "who" | "whom" | "everyone" | "everybody"));
        let sharing = cues.has(Cue::Same)
            || cues.has(Cue::Share) && (relation.is_some() || entities.len() >= 2)
            // "Which companies are in Apple's sector?"
            || (several || who) && entities.len() == 1 && !self.relations.is_empty();
        // Who founded it is another question than when.
        if who && relation.as_deref() == Some("founded") {
            return Some(Operation::Open);
        }
        if !entities.is_empty() && sharing && !metric_named && !superlative && !measured {
            return Some(Operation::Same { relation, count: cues.has(Cue::Count) });
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
}
