//! Expressions of time in a question, and what they mean counted from the newest observation.

use super::token::{Token, TokenKind};
use super::words;
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use serde::Serialize;
use std::cell::Cell;

/// A stretch of the calendar, its year open where the question leaves it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// A day.
    Day(Option<i16>, i8, i8),
    /// A month.
    Month(Option<i16>, i8),
    /// A quarter, 1 to 4.
    Quarter(Option<i16>, i8),
    /// A half year, 1 or 2.
    Half(Option<i16>, i8),
    /// A year.
    Year(i16),
    /// The newest such day of the week.
    Weekday(Weekday),
    /// The newest day, or that many days before it.
    Today(i32),
}

/// A unit that periods are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Days that have an observation.
    Observation,
    /// Calendar days.
    Day,
    /// Weeks.
    Week,
    /// Months.
    Month,
    /// Quarters.
    Quarter,
    /// Half years.
    Half,
    /// Years.
    Year,
}

/// Which part of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// Its first observed day.
    Start,
    /// Its last observed day.
    End,
    /// Its first third.
    Early,
    /// Its middle third.
    Middle,
    /// Its last third.
    Late,
    /// The week that holds it.
    Week,
}

/// A time as the question expresses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expression {
    /// A span or part of one.
    In(Span, Part),
    /// From the first to the second, both included.
    Between(Span, Span),
    /// From the start of the span on.
    Since(Span),
    /// After the end of the span.
    After(Span),
    /// Before the start of the span.
    Before(Span),
    /// To the end of the span.
    Until(Span),
    /// The newest so many units.
    Last(usize, Unit),
    /// The unit before the current one: last month.
    Previous(Unit),
    /// The unit that holds the newest observation, so far.
    Current(Unit),
    /// The newest observation.
    Latest,
    /// Everything learned.
    Ever,
}

/// How the ends of a period were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PeriodKind {
    /// The question names no time.
    Unspecified,
    /// The newest observation.
    Latest,
    /// One day.
    Day,
    /// From one day to another.
    Range,
    /// The first observed day of a range.
    FirstOf,
    /// The last observed day of a range.
    LastOf,
    /// The newest so many observations.
    Observations,
}

/// A period with its ends.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Period {
    /// How it was found.
    pub kind: PeriodKind,
    /// First day, `None` when open.
    pub from: Option<Date>,
    /// Last day, included, `None` when open.
    pub to: Option<Date>,
    /// For `Observations`: how many.
    pub count: usize,
    /// As an answer calls it: "June 2019".
    pub label: String,
    /// What had to be assumed.
    pub assumed: Option<String>,
    /// How certain the reading is, 0 to 1.
    pub certainty: f64,
}

impl Period {
    /// The period of a question without a time.
    pub fn unspecified() -> Self {
        Period {
            kind: PeriodKind::Unspecified,
            from: None,
            to: None,
            count: 0,
            label: "everything learned".into(),
            assumed: None,
            certainty: 1.0,
        }
    }
}

/// An expression and the tokens that write it.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// What it says.
    pub expression: Expression,
    /// First token.
    pub start: usize,
    /// Token after the last.
    pub end: usize,
    /// The order of day and month in a date of digits is a guess.
    pub guessed: bool,
}

impl Found {
    /// Whether the expression means more than one day.
    pub fn is_long(&self) -> bool {
        match self.expression {
            Expression::In(span, part) => {
                matches!(span, Span::Month(..) | Span::Quarter(..) | Span::Half(..) | Span::Year(_))
                    && !matches!(part, Part::Start | Part::End)
            }
            Expression::Latest => false,
            _ => true,
        }
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn month(token: &Token) -> Option<i8> {
    let word = token.lower.trim_end_matches('.');
    let count = word.chars().count();
    let number = if word == "sept" {
        9
    } else {
        1 + MONTHS.iter().position(|month| {
            let month = month.to_lowercase();
            month == word || (count == 3 && month.starts_with(word))
        })? as i8
    };
    // "may", "march" and "mar" in lower case are months only beside a number; the caller looks.
    Some(number)
}

fn doubtful_month(token: &Token) -> bool {
    matches!(token.lower.as_str(), "may" | "march" | "mar" | "jun" | "sep" | "dec" | "jan") && !token.capitalised()
        || token.lower == "may" && token.initial
}

fn year(token: &Token) -> Option<i16> {
    let text = token.text.as_str();
    let plain = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit()) && !token.marked;
    plain.then(|| text.parse().ok()).flatten().filter(|year| (1800..=2200).contains(year))
}

fn day_number(token: &Token) -> Option<i8> {
    let digits = token.lower.trim_end_matches(|character: char| character.is_alphabetic());
    let ending = &token.lower[digits.len()..];
    let fits = digits.len() <= 2 && matches!(ending, "" | "st" | "nd" | "rd" | "th");
    fits.then(|| digits.parse().ok()).flatten().filter(|day| (1..=31).contains(day) && !token.marked)
}

fn ordinal(token: &Token) -> Option<i8> {
    ["first", "second", "third", "fourth", "fifth"]
        .iter()
        .position(|word| *word == token.lower)
        .map(|position| position as i8 + 1)
        .or(match token.lower.as_str() {
            "1st" => Some(1),
            "2nd" => Some(2),
            "3rd" => Some(3),
            "4th" => Some(4),
            _ => None,
        })
}

fn weekday(word: &str) -> Option<Weekday> {
    const NAMES: [(&str, Weekday); 7] = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    NAMES.iter().find(|(name, _)| *name == word || (word.len() == 3 && name.starts_with(word))).map(|(_, day)| *day)
}

fn unit(word: &str) -> Option<Unit> {
    Some(match word {
        "session" | "sessions" | "bar" | "bars" | "observation" | "observations" | "readings" | "reading"
        | "closes" => Unit::Observation,
        "day" | "days" => Unit::Day,
        "week" | "weeks" => Unit::Week,
        "month" | "months" => Unit::Month,
        "quarter" | "quarters" => Unit::Quarter,
        "half" | "halves" | "semester" => Unit::Half,
        "year" | "years" => Unit::Year,
        _ => return None,
    })
}

struct Scanner<'a> {
    tokens: &'a [Token],
    /// A date of digits was read by a guess.
    guessed: Cell<bool>,
}

impl Scanner<'_> {
    fn word(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", |token| token.lower.as_str())
    }

    fn skip(&self, mut index: usize, words: &[&str]) -> usize {
        while words.contains(&self.word(index)) {
            index += 1;
        }
        index
    }

    /// A year at `index`, after "," "of" "in" "-" or "'"; the index after it.
    fn year_at(&self, index: usize) -> (Option<i16>, usize) {
        let from = self.skip(index, &[",", "of", "in", "-", "the", "year"]);
        match self.tokens.get(from).and_then(year) {
            Some(year) => (Some(year), from + 1),
            None => {
                // "June '19"
                if matches!(self.word(index), "'" | "\u{2019}")
                    && let Some(short) = self.tokens.get(index + 1).filter(|token| token.text.len() == 2)
                    && let Ok(short) = short.text.parse::<i16>()
                {
                    return (Some(if short < 70 { 2000 + short } else { 1900 + short }), index + 2);
                }
                (None, index)
            }
        }
    }

    /// A date written in digits: ISO, with slashes or points.
    fn digits(&self, token: &Token) -> Option<Span> {
        let separator = ['-', '/', '.'].into_iter().find(|separator| token.text.contains(*separator))?;
        let parts: Vec<&str> = token.text.split(separator).collect();
        let numbers: Vec<i16> = parts.iter().map(|part| part.parse().ok()).collect::<Option<_>>()?;
        let valid = |year: i16, month: i16, day: i16| {
            Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?)
                .ok()
                .map(|date| Span::Day(Some(date.year()), date.month(), date.day()))
        };
        match numbers[..] {
            [year, month, day] if parts[0].len() == 4 => valid(year, month, day),
            [first, second, year] if parts[2].len() == 4 || (parts[2].len() == 2 && separator == '/') => {
                let year = if parts[2].len() == 2 { 2000 + year } else { year };
                if separator == '.' {
                    return valid(year, second, first);
                }
                // American order unless only the other is a date.
                self.guessed.set(self.guessed.get() || (first <= 12 && second <= 12 && first != second));
                valid(year, first, second).or_else(|| valid(year, second, first))
            }
            [year, month] if parts[0].len() == 4 && (1..=12).contains(&month) && separator != '.' => {
                Some(Span::Month(Some(year), month as i8))
            }
            [month, year] if parts[1].len() == 4 && (1..=12).contains(&month) && separator == '/' => {
                Some(Span::Month(Some(year), month as i8))
            }
            _ => None,
        }
    }

    /// "Q2", "2Q19", "H1": a quarter or half in one word, with a year when it holds one.
    fn short_form(&self, index: usize) -> Option<(Span, usize)> {
        let word = self.word(index);
        let bytes = word.as_bytes();
        let (letter, number, rest) = match bytes {
            [letter @ (b'q' | b'h'), number @ b'1'..=b'4', ..] => (*letter, *number - b'0', &word[2..]),
            [number @ b'1'..=b'4', letter @ (b'q' | b'h'), ..] => (*letter, *number - b'0', &word[2..]),
            _ => return None,
        };
        let (inner, after) = match rest.trim_start_matches(['\'', '\u{2019}']) {
            "" => self.year_at(index + 1),
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() == 2 => {
                (digits.parse::<i16>().ok().map(|short| 2000 + short), index + 1)
            }
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() == 4 => {
                (digits.parse().ok(), index + 1)
            }
            _ => return None,
        };
        match letter {
            b'q' => Some((Span::Quarter(inner, number as i8), after)),
            _ if number <= 2 => Some((Span::Half(inner, number as i8), after)),
            _ => None,
        }
    }

    /// A span of the calendar that begins at `index`.
    fn span(&self, index: usize) -> Option<(Span, usize)> {
        let index = self.skip(index, &["the"]);
        let token = self.tokens.get(index)?;
        // A day of the week before a date says nothing more.
        if weekday(&token.lower).is_some() {
            let next = self.skip(index + 1, &[",", "the"]);
            if let Some((Span::Day(year, month, day), after)) = self.span(next) {
                return Some((Span::Day(year, month, day), after));
            }
            if token.lower.len() > 3 || token.capitalised() {
                return weekday(&token.lower).map(|day| (Span::Weekday(day), index + 1));
            }
        }
        if token.kind == TokenKind::Number
            && !token.marked
            && let Some(span) = self.digits(token)
        {
            return Some((span, index + 1));
        }
        if let Some(found) = self.short_form(index) {
            return Some(found);
        }
        if let Some(month) = month(token) {
            // "June 28, 2019", "June 28th"; "June 2019"; "June".
            let next = self.skip(index + 1, &["the", "."]);
            if let Some(day) = self.tokens.get(next).and_then(day_number) {
                let (year, after) = self.year_at(next + 1);
                return Some((Span::Day(year, month, day), after));
            }
            let (year, after) = self.year_at(index + 1);
            if year.is_some()
                || !doubtful_month(token)
                || index > 0 && matches!(self.word(index - 1), "in" | "during" | "for" | "of" | "since")
            {
                return Some((Span::Month(year, month), after));
            }
            return None;
        }
        if let Some(day) = day_number(token) {
            // "28 June 2019", "the 28th of June".
            let next = self.skip(index + 1, &["of", "-", "day"]);
            if let Some(month) = self.tokens.get(next).and_then(month) {
                let (year, after) = self.year_at(next + 1);
                return Some((Span::Day(year, month, day), after));
            }
        }
        let count = ordinal(token).or(match token.lower.as_str() {
            "last" | "final" => Some(0),
            _ => None,
        });
        if let Some(count) = count {
            // "second quarter of 2019", "first half".
            let (year, after) = self.year_at(index + 2);
            match self.word(index + 1) {
                "quarter" if (1..=4).contains(&count) => return Some((Span::Quarter(year, count), after)),
                "quarter" if count == 0 && year.is_some() => return Some((Span::Quarter(year, 4), after)),
                "half" if (1..=2).contains(&count) => return Some((Span::Half(year, count), after)),
                "half" if count == 0 && year.is_some() => return Some((Span::Half(year, 2), after)),
                _ => {}
            }
        }
        if token.lower == "quarter"
            && let Some(quarter) = self
                .tokens
                .get(index + 1)
                .and_then(|next| day_number(next).or(words::count_word(&next.lower).map(|n| n as i8)))
            && (1..=4).contains(&quarter)
        {
            let (year, after) = self.year_at(index + 2);
            return Some((Span::Quarter(year, quarter), after));
        }
        if let Some(year) = year(token) {
            // "2019 Q2", "2019 second quarter".
            let next = self.skip(index + 1, &["-", "'s"]);
            if let Some((Span::Quarter(None, quarter), after)) = self.span_after_year(next) {
                return Some((Span::Quarter(Some(year), quarter), after));
            }
            if let Some((Span::Half(None, half), after)) = self.span_after_year(next) {
                return Some((Span::Half(Some(year), half), after));
            }
            if let Some((Span::Month(None, month), after)) = self.span_after_year(next) {
                return Some((Span::Month(Some(year), month), after));
            }
            return Some((Span::Year(year), index + 1));
        }
        match token.lower.as_str() {
            "today" => Some((Span::Today(0), index + 1)),
            "yesterday" => Some((Span::Today(1), index + 1)),
            _ => None,
        }
    }

    fn span_after_year(&self, index: usize) -> Option<(Span, usize)> {
        if self.tokens.get(index).is_some_and(|token| year(token).is_some() || token.kind == TokenKind::Number) {
            return None;
        }
        self.span(index)
    }

    /// A whole expression that begins at `index`.
    fn expression(&self, index: usize) -> Option<(Expression, usize)> {
        let here = self.word(index);
        let next = index + 1;
        match here {
            "from" | "between" | "starting" | "beginning" => {
                let at = self.skip(next, &["the", "on", "from", "period", "close", "closing", "of", "close"]);
                if let Some((first, after)) = self.part(at) {
                    let joint = self.word(after);
                    if matches!(
                        joint,
                        "to" | "until" | "till" | "through" | "thru" | "and" | "-" | "\u{2013}" | "\u{2014}" | "up"
                    ) {
                        let to = self.skip(
                            after + 1,
                            &["the", "on", "to", "and", "including", "close", "closing", "of", "ending"],
                        );
                        if let Some((second, end)) = self.part(to) {
                            return Some((Expression::Between(first.0, second.0), end));
                        }
                        if matches!(self.word(to), "now" | "today" | "date" | "latest" | "present") {
                            return Some((Expression::Since(first.0), to + 1));
                        }
                    }
                    if here != "between" {
                        let onward = self.skip(after, &["on", "onward", "onwards", "forward"]);
                        return Some((Expression::Since(first.0), onward));
                    }
                }
            }
            "since" | "after" | "before" | "until" | "till" | "through" | "by" | "following" | "prior" => {
                let at = self.skip(next, &["the", "to", "of", "on"]);
                if let Some(((span, part), after)) = self.part(at) {
                    let expression = match here {
                        "since" => Expression::Since(span),
                        "after" | "following" => Expression::After(span),
                        "before" | "prior" => Expression::Before(span),
                        _ => Expression::Until(span),
                    };
                    let _ = part;
                    return Some((expression, after));
                }
            }
            "ever" => return Some((Expression::Ever, next)),
            "all" if self.word(next) == "time" || (self.word(next) == "-" && self.word(next + 1) == "time") => {
                return Some((Expression::Ever, if self.word(next) == "time" { next + 1 } else { next + 2 }));
            }
            "ytd" => return Some((Expression::Current(Unit::Year), next)),
            "mtd" => return Some((Expression::Current(Unit::Month), next)),
            "qtd" => return Some((Expression::Current(Unit::Quarter), next)),
            "latest" | "newest" | "current" | "currently" | "now" | "nowadays" => {
                return Some((Expression::Latest, next));
            }
            "recent" | "recently" | "lately" => return Some((Expression::Last(30, Unit::Observation), next)),
            "most" if matches!(self.word(next), "recent" | "recently") => return Some((Expression::Latest, next + 1)),
            _ => {}
        }
        if let Some(found) = self.relative(index) {
            return Some(found);
        }
        let ((span, part), after) = self.part(index)?;
        // "January to March 2019", "Jan 5 - Jan 9".
        if part == Part::Whole
            && matches!(self.word(after), "to" | "-" | "\u{2013}" | "\u{2014}" | "through" | "thru" | "until" | "till")
        {
            let to = self.skip(after + 1, &["the"]);
            if let Some(((second, Part::Whole), end)) = self.part(to) {
                return Some((Expression::Between(span, second), end));
            }
            // "March 4-8, 2019"
            if let Span::Day(None, month, _) = span
                && let Some(day) = self.tokens.get(to).and_then(day_number)
            {
                let (year, end) = self.year_at(to + 1);
                return Some((Expression::Between(span, Span::Day(year, month, day)), end));
            }
        }
        Some((Expression::In(span, part), after))
    }

    /// A span or a part of one: "end of June", "early May", "week of March 4".
    fn part(&self, index: usize) -> Option<((Span, Part), usize)> {
        let index = self.skip(index, &["the"]);
        let named = match self.word(index) {
            "start" | "beginning" => Some(Part::Start),
            "end" => Some(Part::End),
            "early" => Some(Part::Early),
            "mid" | "middle" => Some(Part::Middle),
            "late" => Some(Part::Late),
            "week" => Some(Part::Week),
            _ => None,
        };
        if let Some(part) = named {
            let of = self.word(index + 1) == "of";
            let needs_of = matches!(self.word(index), "start" | "beginning" | "end" | "middle" | "week");
            if of || !needs_of {
                let at = self.skip(index + 1, &["of", "the", "-", "in"]);
                if let Some((span, after)) = self.span(at) {
                    return Some(((span, part), after));
                }
            }
        }
        self.span(index).map(|(span, after)| ((span, Part::Whole), after))
    }

    /// "last 5 trading days", "past month", "this quarter", "52-week", "year to date".
    fn relative(&self, index: usize) -> Option<(Expression, usize)> {
        let here = self.word(index).to_owned();
        let index = if here == "the" { index + 1 } else { index };
        let here = self.word(index).to_owned();
        let dash = |at: usize| if self.word(at) == "-" { at + 1 } else { at };
        if matches!(here.as_str(), "year" | "month" | "quarter" | "week") {
            let to = dash(index + 1);
            if self.word(to) == "to" && self.word(dash(to + 1)) == "date" {
                return unit(&here).map(|unit| (Expression::Current(unit), dash(to + 1) + 1));
            }
        }
        let backwards = matches!(
            here.as_str(),
            "last" | "past" | "previous" | "prior" | "latest" | "trailing" | "recent" | "preceding"
        );
        if backwards || matches!(here.as_str(), "most") && self.word(index + 1) == "recent" {
            let mut at = if here == "most" { index + 2 } else { index + 1 };
            at = self.skip(at, &["recent", "few"]);
            let count = self.count(at);
            let of_count = if count.is_some() { dash(at + 1) } else { at };
            let trading = matches!(self.word(of_count), "trading" | "business" | "market" | "working" | "calendar");
            let observed = trading && self.word(of_count) != "calendar";
            let unit_at = if trading { of_count + 1 } else { of_count };
            if let Some(unit) = unit(self.word(unit_at)) {
                let unit = if observed && unit == Unit::Day { Unit::Observation } else { unit };
                return Some(match (count, unit) {
                    (Some(count), unit) => (Expression::Last(count, unit), unit_at + 1),
                    (None, Unit::Observation | Unit::Day) if here == "past" => {
                        (Expression::Last(1, Unit::Observation), unit_at + 1)
                    }
                    (None, Unit::Observation | Unit::Day) => (Expression::Latest, unit_at + 1),
                    (None, unit) if matches!(here.as_str(), "past" | "trailing" | "recent") => {
                        (Expression::Last(1, unit), unit_at + 1)
                    }
                    (None, unit) if here == "latest" => (Expression::Current(unit), unit_at + 1),
                    (None, unit) => (Expression::Previous(unit), unit_at + 1),
                });
            }
            if here == "last"
                && let Some((Span::Weekday(day), after)) = self.span(index + 1)
            {
                return Some((Expression::In(Span::Weekday(day), Part::Whole), after));
            }
            // "last close", "last price": the newest.
            if here == "last" && count.is_none() {
                return Some((Expression::Latest, index + 1));
            }
        }
        if matches!(here.as_str(), "this" | "current")
            && let Some(unit) = unit(self.word(index + 1))
        {
            return Some(match unit {
                Unit::Observation | Unit::Day => (Expression::Latest, index + 2),
                unit => (Expression::Current(unit), index + 2),
            });
        }
        // "52-week high", "30-day average"
        if let Some(count) = self.count(index)
            && self.word(index + 1) == "-"
            && let Some(unit) = unit(self.word(index + 2))
            && count > 1
        {
            return Some((Expression::Last(count, unit), index + 3));
        }
        None
    }

    fn count(&self, index: usize) -> Option<usize> {
        let token = self.tokens.get(index)?;
        let number = token.number().or_else(|| words::count_word(&token.lower))?;
        (number.fract() == 0.0 && (1.0..=100_000.0).contains(&number)).then_some(number as usize)
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
                "above" | "below" | "under" | "than" | "exceed" | "exceeded" | "least" | "most" | "$"
            );
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

#[path = "time_resolve.rs"]
mod resolve;
pub use resolve::{describe_day, resolve};

fn add_months(day: Date, months: i32) -> Date {
    day.checked_add(months.months()).unwrap_or(day)
}
