//! Expressions of time in a question, and what they mean counted from the newest observation.
//!
//! [`span`] reads a stretch of the calendar, [`expression`] what is said about it ("since", "the last two weeks of"), and
//! [`resolve`] turns both into days.

mod expression;
mod resolve;
mod span;

pub use expression::scan;
pub use resolve::{describe_day, resolve};

use super::token::Token;
use jiff::civil::{Date, Weekday};
use serde::Serialize;

/// A stretch of the calendar, its year open where the question leaves it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// A day.
    Day(Option<i16>, i8, i8),
    /// A month.
    Month(Option<i16>, i8),
    /// A month of that year where the year is that of the newest observation, else that day: "Mar-16".
    MonthOrDay(i16, i8, i8),
    /// A quarter, 1 to 4.
    Quarter(Option<i16>, i8),
    /// A half year, 1 or 2.
    Half(Option<i16>, i8),
    /// A season by whole months, 1 to 4: spring is March to May, winter December to February.
    Season(Option<i16>, i8),
    /// A year.
    Year(i16),
    /// The newest such day of the week.
    Weekday(Weekday),
    /// Such a day of the week in a month, counted from its start, or from its end when negative.
    NthWeekday(Option<i16>, i8, i8, Weekday),
    /// The newest day, or that many days before it.
    Today(i32),
    /// The unit that holds the newest observation, or the one before it.
    Relative(Unit, bool),
    /// So many units before the newest day.
    Ago(i32, Unit),
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
    /// Its first half or, when false, its second.
    Half(bool),
    /// Its first so many units.
    First(usize, Unit),
    /// Its last so many units.
    Last(usize, Unit),
    /// The week from Monday on that holds it.
    Week,
    /// The seven days that begin with it.
    WeekFrom,
    /// The seven days that end with it.
    WeekTo,
}

/// A span and which part of it.
pub type Stretch = (Span, Part);

/// A time as the question expresses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expression {
    /// A span or part of one.
    In(Span, Part),
    /// From the first to the second, both included.
    Between(Stretch, Stretch),
    /// From the start of the stretch on.
    Since(Stretch),
    /// After the end of the stretch.
    After(Stretch),
    /// Before the start of the stretch.
    Before(Stretch),
    /// To the end of the stretch.
    Until(Stretch),
    /// So many units that end with the stretch.
    To(usize, Unit, Stretch),
    /// So many units that begin after the stretch.
    Following(usize, Unit, Stretch),
    /// So many units that end before the stretch.
    Preceding(usize, Unit, Stretch),
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
    /// What is still to come: tomorrow, next month.
    Future,
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
    /// The first so many observed days of a range.
    FirstDays,
    /// The last so many observed days of a range.
    LastDays,
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
    /// For `Observations`, `FirstDays` and `LastDays`: how many.
    pub count: usize,
    /// As an answer calls it: "June 2019".
    pub label: String,
    /// What had to be assumed.
    pub assumed: Option<String>,
    /// How certain the reading is, 0 to 1.
    pub certainty: f64,
}

impl Period {
    /// From the earlier to the later of two days.
    pub fn between(first: &Period, second: &Period) -> Self {
        let (first, second) = if first.from <= second.from { (first, second) } else { (second, first) };
        Period {
            kind: PeriodKind::Range,
            from: first.from,
            to: second.to,
            count: 0,
            label: format!("{} to {}", first.label, second.label),
            assumed: first.assumed.clone().or_else(|| second.assumed.clone()),
            certainty: first.certainty.min(second.certainty) * 0.97,
        }
    }

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
            Expression::In(span, part) => match part {
                Part::Start | Part::End => false,
                Part::Whole => !matches!(
                    span,
                    Span::Day(..)
                        | Span::MonthOrDay(..)
                        | Span::Weekday(_)
                        | Span::NthWeekday(..)
                        | Span::Today(_)
                        | Span::Ago(..)
                ),
                _ => true,
            },
            Expression::Latest | Expression::Future => false,
            _ => true,
        }
    }
}

/// The months by their English names.
pub const MONTHS: [&str; 12] = [
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
    matches!(token.lower.as_str(), "may" | "march" | "mar") && !token.capitalised()
        || token.lower == "may" && token.initial
        // "MAR" may be a ticker.
        || token.text.len() == 3 && token.all_capitals()
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

/// "first", "2nd": which in an order, from 1 on; "last" and "final" are 0.
pub(in crate::question) fn ordinal(token: &Token) -> Option<i8> {
    const WORDS: [&str; 10] =
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
    if matches!(token.lower.as_str(), "last" | "final" | "closing") {
        return Some(0);
    }
    WORDS.iter().position(|word| *word == token.lower).map(|position| position as i8 + 1).or_else(|| {
        let digits = token.lower.trim_end_matches(|character: char| character.is_alphabetic());
        let fits = matches!(&token.lower[digits.len()..], "st" | "nd" | "rd" | "th");
        fits.then(|| digits.parse().ok()).flatten().filter(|number| (1..=31).contains(number))
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

pub(super) fn unit(word: &str) -> Option<Unit> {
    Some(match word {
        "session" | "sessions" | "trading-day" | "trading-days" | "bar" | "bars" | "observation" | "observations"
        | "readings" | "reading" | "closes" => Unit::Observation,
        "day" | "days" | "d" => Unit::Day,
        "week" | "weeks" | "wk" | "wks" => Unit::Week,
        "month" | "months" | "mo" | "mos" => Unit::Month,
        "quarter" | "quarters" | "qtr" | "qtrs" => Unit::Quarter,
        "half" | "halves" | "semester" => Unit::Half,
        "year" | "years" | "yr" | "yrs" => Unit::Year,
        _ => return None,
    })
}
