//! What a question says about a stretch of the calendar: in it, since it, the last two weeks of it.

use super::span::Scanner;
use super::{Expression, Found, Part, Span, Stretch, Unit, ordinal, unit, year};
use crate::question::token::{Token, TokenKind};
use std::cell::Cell;

const JOINTS: [&str; 13] =
    ["to", "until", "till", "til", "through", "thru", "and", "-", "\u{2013}", "\u{2014}", "up", "ending", ".."];

/// Words that say nothing between the ends of a period.
const SKIPPED: [&str; 11] = ["the", "on", "from", "period", "close", "closing", "of", "trading", "at", "with", "in"];

/// Whether a day has data is asked of these days, not of the calendar.
fn observed(word: &str) -> bool {
    matches!(word, "trading" | "business" | "market" | "working" | "stock")
}

impl Scanner<'_> {
    /// The index after a word that joins two ends, if there is one.
    fn joint(&self, index: usize) -> Option<usize> {
        if self.word(index) == "." && self.word(index + 1) == "." {
            return Some(self.skip(index, &["."]));
        }
        let at = self.skip(index, &[",", "and"]);
        let at = if JOINTS.contains(&self.word(at)) { at } else { index };
        JOINTS.contains(&self.word(at)).then_some(at + 1)
    }

    /// A number with a unit: "5 trading days", "two weeks", "30-day", "week" (one).
    fn amount(&self, index: usize) -> Option<(usize, Unit, usize)> {
        let dash = |at: usize| if self.word(at) == "-" { at + 1 } else { at };
        let count = self.count(index).filter(|_| !self.tokens[index].marked);
        let at = if count.is_some() { dash(index + 1) } else { index };
        let at = self.skip(at, &["full", "consecutive", "most", "recent", "calendar"]);
        let (at, trading) = if observed(self.word(at)) { (dash(at + 1), true) } else { (at, false) };
        let unit = unit(self.word(at))?;
        // "week 5 trading days" and "day highs" are no amounts.
        let unit = if trading && unit == Unit::Day { Unit::Observation } else { unit };
        Some((count.unwrap_or(1), unit, at + 1))
    }

    /// A whole expression that begins at `index`.
    fn expression(&self, index: usize) -> Option<(Expression, usize)> {
        let here = self.word(index);
        let next = index + 1;
        match here {
            "from" | "between" | "starting" | "beginning" => {
                if let Some(found) = self.from(index) {
                    return Some(found);
                }
            }
            "since" | "after" | "before" | "until" | "till" | "til" | "through" | "by" | "following" | "prior"
            | "up"
                // "all through May" is in May.
                if !(here == "through" && index > 0 && matches!(self.word(index - 1), "all" | "right")) =>
            {
                let at = self.skip(next, &["the", "to", "of", "on", "including", "close"]);
                // "through February to March"
                if here == "through"
                    && let Some((between @ Expression::Between(..), after)) = self.expression(at)
                {
                    return Some((between, after));
                }
                if (here != "up" || at > next)
                    && let Some((stretch, after)) = self.stretch(at)
                {
                    return Some((
                        match here {
                            "since" => Expression::Since(stretch),
                            "after" | "following" => Expression::After(stretch),
                            "before" | "prior" => Expression::Before(stretch),
                            _ => Expression::Until(stretch),
                        },
                        after,
                    ));
                }
            }
            "ever" => return Some((Expression::Ever, next)),
            "all" if matches!(self.word(next), "time" | "history") => return Some((Expression::Ever, next + 1)),
            "all" if self.word(next) == "-" && self.word(next + 1) == "time" => {
                return Some((Expression::Ever, next + 2));
            }
            "ytd" | "mtd" | "qtd" | "wtd" => {
                let unit = match here {
                    "ytd" => Unit::Year,
                    "mtd" => Unit::Month,
                    "qtd" => Unit::Quarter,
                    _ => Unit::Week,
                };
                if let (Unit::Year, (Some(year), after)) = (unit, self.year_at(next)) {
                    return Some((Expression::In(Span::Year(year), Part::Whole), after));
                }
                return Some((Expression::Current(unit), next));
            }
            "latest" | "newest" | "current" | "currently" | "now" | "nowadays" if self.relative(index).is_none() => {
                return Some((Expression::Latest, next));
            }
            "recent" | "recently" | "lately" if self.relative(index).is_none() => {
                return Some((Expression::Last(30, Unit::Observation), next));
            }
            "most" if matches!(self.word(next), "recent" | "recently") && self.relative(index).is_none() => {
                return Some((Expression::Latest, next + 1));
            }
            "at" if matches!(self.word(next), "present" | "moment") => return Some((Expression::Latest, next + 1)),
            "at" if self.word(next) == "the" && self.word(next + 1) == "moment" => {
                return Some((Expression::Latest, next + 2));
            }
            "tomorrow" | "tonight" => return Some((Expression::Future, next)),
            "next" | "coming" | "upcoming" => {
                if let Some((_, _, after)) = self.amount(next) {
                    return Some((Expression::Future, after));
                }
            }
            _ => {}
        }
        if let Some(found) = self.relative(index) {
            return Some(found);
        }
        // "the months January to March", "the period from May until June", "through February to March"
        if matches!(here, "months" | "period")
            && let Some((Expression::Between(first, last), after)) = self.expression(self.skip(next, &["of"]))
        {
            return Some((Expression::Between(first, last), after));
        }
        if self.word(index + 1) != "and"
            && let Some(found) = self.days_of_month(index)
        {
            return Some(found);
        }
        let ((span, part), after) = self.stretch(index)?;
        // "January to March 2019", "Jan 5 - Jan 9".
        if let Some(to) = self.joint(after).filter(|_| self.word(after) != "and") {
            let to = self.skip(to, &["the", "to"]);
            if let Some((second, end)) = self.stretch(to) {
                return Some((Expression::Between((span, part), second), end));
            }
            // "March 4-8, 2019"
            if let Some(found) = self.same_month((span, part), to) {
                return Some(found);
            }
        }
        Some((Expression::In(span, part), after))
    }

    /// The second day of a stretch whose month stands with the first only: "March 4-8, 2019", "March 4 and 8".
    fn same_month(&self, first: Stretch, to: usize) -> Option<(Expression, usize)> {
        let Span::Day(None, month, _) = first.0 else { return None };
        let to = self.skip(to, &["the"]);
        let day = self.tokens.get(to).and_then(super::day_number)?;
        let (year, end) = self.year_at(to + 1);
        Some((Expression::Between(first, (Span::Day(year, month, day), Part::Whole)), end))
    }

    /// "4 to 8 March 2019", "the 4th and the 8th of March": the month stands with the last day only.
    fn days_of_month(&self, at: usize) -> Option<(Expression, usize)> {
        let day = self.tokens.get(at).and_then(super::day_number)?;
        let to = self.skip(self.joint(at + 1)?, &SKIPPED);
        let last = self.tokens.get(to).and_then(super::day_number)?;
        let ((Span::Day(year, month, same), part), end) = self.stretch(to)? else { return None };
        let alone = self.span(at).is_none_or(|(_, after)| after > to);
        (alone && same == last && day <= last).then_some((
            Expression::Between((Span::Day(year, month, day), Part::Whole), (Span::Day(year, month, last), part)),
            end,
        ))
    }

    /// "from A to B", "between A and B", "starting A", "4 to 8 March 2019".
    fn from(&self, index: usize) -> Option<(Expression, usize)> {
        let here = self.word(index);
        let at = self.skip(index + 1, &SKIPPED);
        if let Some(found) = self.days_of_month(at) {
            return Some(found);
        }
        let (first, after) = self.stretch(at)?;
        if let Some(to) = self.joint(after) {
            let to = self.skip(
                to,
                &[
                    "the",
                    "on",
                    "to",
                    "and",
                    "including",
                    "close",
                    "closing",
                    "of",
                    "ending",
                    "until",
                    "through",
                    "trading",
                    "at",
                ],
            );
            if let Some((second, end)) = self.stretch(to) {
                return Some((Expression::Between(first, second), end));
            }
            if matches!(self.word(to), "now" | "today" | "date" | "latest" | "present") {
                // "until the latest day"
                let end = self.skip(to + 1, &["available", "day", "close", "trading", "date", "observation", "bar"]);
                return Some((Expression::Since(first), end));
            }
            if let Some(found) = self.same_month(first, to) {
                return Some(found);
            }
        }
        if here == "between" {
            return None;
        }
        Some((Expression::Since(first), self.skip(after, &["on", "onward", "onwards", "forward", "forwards"])))
    }

    /// A span or a part of one: "end of June", "early May", "week of March 4", "the last two weeks of June".
    fn stretch(&self, index: usize) -> Option<(Stretch, usize)> {
        let index = self.skip(index, &["the"]);
        let joined = |at: usize| self.skip(at, &["of", "the", "-", "in", "for", "to"]);
        let here = self.word(index);
        // "year-end 2018", "month end March"
        if matches!(here, "year" | "month" | "quarter" | "half") {
            let end = if self.word(index + 1) == "-" { index + 2 } else { index + 1 };
            if matches!(self.word(end), "end")
                && let Some((span, after)) = self.span(joined(end + 1))
            {
                return Some(((span, Part::End), after));
            }
        }
        if here == "week" {
            let word = self.word(index + 1);
            let (part, at) = match word {
                "of" | "containing" | "with" | "around" => (Part::Week, index + 2),
                "starting" | "beginning" | "from" | "commencing" => (Part::WeekFrom, index + 2),
                "ending" | "ended" | "to" | "through" => (Part::WeekTo, index + 2),
                _ => (Part::Week, index + 1),
            };
            if let Some((span, after)) = self.span(self.skip(at, &["on", "the", "with", "monday", "friday", ","])) {
                return Some(((span, part), after));
            }
        }
        let named = match here {
            "start" | "beginning" | "onset" => Some((Part::Start, true)),
            "end" => Some((Part::End, true)),
            "early" => Some((Part::Early, false)),
            "mid" => Some((Part::Middle, false)),
            "middle" => Some((Part::Middle, true)),
            "late" => Some((Part::Late, false)),
            _ => None,
        };
        if let Some((part, needs_of)) = named
            && (!needs_of || matches!(self.word(index + 1), "of" | "to" | "in"))
            && let Some((span, after)) = self.span(joined(index + 1))
        {
            return Some(((span, part), after));
        }
        if let Some(found) = self.counted_part(index) {
            return Some(found);
        }
        self.span(index).map(|(span, after)| ((span, Part::Whole), after))
    }

    /// "the first half of July", "the last two weeks of June", "the first trading day of March 2019".
    fn counted_part(&self, index: usize) -> Option<(Stretch, usize)> {
        let count = ordinal(self.tokens.get(index)?).filter(|count| (0..=2).contains(count))?;
        let of = |at: usize| {
            let at = self.skip(at, &["of", "in", "the"]);
            self.span(at)
        };
        let at = index + 1;
        if self.word(at) == "half" && matches!(self.word(at + 1), "of" | "in") {
            let (span, after) = of(at + 1)?;
            let parted = matches!(span, Span::Month(..) | Span::Quarter(..) | Span::Relative(..) | Span::Season(..));
            return parted.then_some(((span, Part::Half(count == 1)), after));
        }
        if count == 2 {
            return None;
        }
        let (amount, unit, after) = self.amount(at)?;
        let (span, after) = of(after).filter(|_| matches!(self.word(after), "of" | "in"))?;
        let single = amount == 1 && matches!(unit, Unit::Day | Unit::Observation);
        // "the first day in October on which it closed over $165" is looked for in October: the clause says which day.
        if single && self.clause(after) {
            return None;
        }
        let part = match (count, single) {
            (1, true) => Part::Start,
            (_, true) => Part::End,
            (1, false) => Part::First(amount, unit),
            (_, false) => Part::Last(amount, unit),
        };
        Some(((span, part), after))
    }

    /// Whether a clause begins that says which day is meant: "on which", "that", "when it".
    fn clause(&self, index: usize) -> bool {
        let at = self.skip(index, &[",", "on", "in", "at", "for"]);
        matches!(self.word(at), "which" | "that" | "when" | "where" | "it" | "they" | "with")
    }

    /// "last 5 trading days", "past month", "this quarter", "52-week", "year to date", "the 30 days to March 8".
    fn relative(&self, index: usize) -> Option<(Expression, usize)> {
        let index = self.skip(index, &["the"]);
        let here = self.word(index);
        let dash = |at: usize| if self.word(at) == "-" { at + 1 } else { at };
        if let Some(unit) = unit(here).filter(|unit| !matches!(unit, Unit::Day | Unit::Observation)) {
            let to = dash(index + 1);
            if self.word(to) == "to" && self.word(dash(to + 1)) == "date" {
                return Some((Expression::Current(unit), dash(to + 1) + 1));
            }
        }
        let backwards = matches!(
            here,
            "last" | "past" | "previous" | "prior" | "latest" | "trailing" | "recent" | "preceding" | "final"
        );
        let most = here == "most" && self.word(index + 1) == "recent";
        if backwards || most {
            let at = self.skip(index + 1 + usize::from(most), &["recent", "few", "couple", "of"]);
            let counted = self.count(at).is_some();
            if let Some((count, unit, after)) = self.amount(at) {
                // "the last two weeks of June" is a part of June; "the last 30 days to June 3" ends there.
                if self.counted_part(index).is_some() || self.span(index).is_some_and(|(_, end)| end > after) {
                    return None;
                }
                if let Some(found) = self.anchored(count, unit, after, counted) {
                    return Some(found);
                }
                if here == "final" {
                    return None;
                }
                // "above the previous day's close" is a step from day to day.
                if matches!(unit, Unit::Observation | Unit::Day)
                    && !counted
                    && matches!(here, "previous" | "prior" | "preceding")
                {
                    return None;
                }
                let several = counted || self.word(index + 1) == "few" || self.word(index + 1) == "couple";
                let count = match self.word(index + 1) {
                    "few" => 3,
                    "couple" => 2,
                    _ => count,
                };
                return Some((
                    match unit {
                        _ if several => Expression::Last(count, unit),
                        Unit::Observation | Unit::Day if here == "past" => Expression::Last(1, Unit::Observation),
                        Unit::Observation | Unit::Day => Expression::Latest,
                        unit if matches!(here, "past" | "trailing" | "recent") || most => Expression::Last(1, unit),
                        unit if here == "latest" => Expression::Current(unit),
                        unit => Expression::Previous(unit),
                    },
                    after,
                ));
            }
            if here == "last"
                && let Some((Span::Weekday(day), after)) = self.span(index + 1)
            {
                return Some((Expression::In(Span::Weekday(day), Part::Whole), after));
            }
            // "last close", "last price": the newest; "came last" is a place.
            let place = index > 0
                && matches!(self.word(index - 1), "dead" | "came" | "come" | "finished" | "ranked" | "placed" | "in");
            if here == "last" && !counted && !place {
                return Some((Expression::Latest, index + 1));
            }
        }
        // "in this month", "the current quarter", "this summer" is a season.
        if matches!(here, "this" | "current")
            && let Some(unit) = unit(self.word(index + 1))
        {
            return Some(match unit {
                Unit::Observation | Unit::Day => (Expression::Latest, index + 2),
                unit => (Expression::Current(unit), index + 2),
            });
        }
        // "20d average": traders count days with an observation.
        if let Some(count) = here.strip_suffix('d').and_then(|digits| digits.parse().ok()).filter(|count| *count > 1) {
            return Some((Expression::Last(count, Unit::Observation), index + 1));
        }
        if let Some(count) = self.count(index).filter(|_| !self.tokens[index].marked) {
            // "52-week high", "30-day average"; one day is not a time but a step.
            if self.word(index + 1) == "-"
                && count > 1
                && let Some(unit) = unit(self.word(index + 2))
            {
                return Some((Expression::Last(count, unit), index + 3));
            }
            // "52 week high"
            if count > 1
                && let Some(unit) = unit(self.word(index + 1))
                && matches!(self.word(index + 2), "high" | "low" | "highs" | "lows" | "range" | "average")
            {
                return Some((Expression::Last(count, unit), index + 2));
            }
            // "the 5 most recent trading days"
            if self.word(index + 1) == "most" && self.word(index + 2) == "recent"
                || matches!(self.word(index + 1), "latest" | "last" | "previous")
            {
                let (_, unit, after) =
                    self.amount(self.skip(index + 1, &["most", "recent", "latest", "last", "previous"]))?;
                return Some((Expression::Last(count, unit), after));
            }
        }
        let (count, unit, after) = self.amount(index)?;
        self.anchored(count, unit, after, self.count(index).is_some())
    }

    /// What an amount is counted to or from: "30 days ending March 8", "two weeks after March 8".
    fn anchored(&self, count: usize, unit: Unit, after: usize, counted: bool) -> Option<(Expression, usize)> {
        let word = self.word(after);
        let at = self.skip(after + 1, &["on", "to", "up", "the", "at", "of"]);
        let to = matches!(word, "ending" | "ended" | "through" | "until")
            // "the year to date" is no end, "three months to June" is.
            || matches!(word, "to" | "up") && !matches!(self.word(at), "date");
        // "the week ending March 8" is a week of its own.
        let whole = matches!(unit, Unit::Week)
            && count == 1
            && (to || matches!(word, "from" | "starting" | "beginning"))
            && matches!(self.word(after - 1), "week");
        let follow = matches!(word, "after" | "following" | "from" | "starting" | "beginning");
        let before = matches!(word, "before" | "preceding" | "prior" | "leading");
        // "the worst day from April 26 on": a unit without a number begins or ends nothing.
        let bare = !counted && !matches!(word, "after" | "following" | "before" | "preceding");
        if whole || bare || !(to || follow || before) {
            return None;
        }
        let (stretch, end) = self.stretch(at)?;
        Some((
            if to {
                Expression::To(count, unit, stretch)
            } else if follow {
                Expression::Following(count, unit, stretch)
            } else {
                Expression::Preceding(count, unit, stretch)
            },
            end,
        ))
    }
}

/// The expressions of time in a question, left to right.
pub fn scan(tokens: &[Token]) -> Vec<Found> {
    let scanner = Scanner { tokens, guessed: Cell::new(false) };
    let mut found = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        scanner.guessed.set(false);
        // A number after "above", "than" and the like is a threshold, "2000" included.
        let threshold = index > 0
            && tokens[index].kind == TokenKind::Number
            && year(&tokens[index]).is_some()
            && matches!(
                tokens[index - 1].lower.as_str(),
                "above"
                    | "below"
                    | "under"
                    | "over"
                    | "than"
                    | "exceed"
                    | "exceeded"
                    | "exceeding"
                    | "least"
                    | "most"
                    | "beyond"
                    | "past"
                    | "of"
                    | "$"
                    | ">"
                    | "<"
                    | "="
            )
            // "the spring of 2019", "over 2019": a number that stands last and is a year that prices seldom are.
            && !(matches!(tokens[index - 1].lower.as_str(), "of" | "over") && (1900..2100).contains(&year(&tokens[index]).unwrap_or(0)));
        match (!threshold).then(|| scanner.expression(index)).flatten() {
            Some((expression, end)) if end > index => {
                found.push(Found { expression, start: index, end, guessed: scanner.guessed.get() });
                index = end;
            }
            _ => index += 1,
        }
    }
    found
}
