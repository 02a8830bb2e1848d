//! Absolute times as people and systems write them: days, months, quarters, halves, years and ranges of these.
//!
//! [`parse`] reads a text that is one time and nothing else (a metadata value), [`find`] looks for times in running
//! text. Nothing is guessed: `03/04/2019`, which is March or April by country, is refused as ambiguous; `13/04/2019`
//! and `04.03.2019` (a point means day first) are not. Times told by the day of a document ("yesterday") are read by
//! [`relative`].

mod grammar;
pub mod relative;
mod token;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use thiserror::Error;

/// How finely a time was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// One day.
    Day,
    /// A calendar month.
    Month,
    /// A calendar quarter.
    Quarter,
    /// A calendar half-year.
    Half,
    /// A calendar year.
    Year,
    /// From one of these to another.
    Range,
}

/// A period of whole days, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First day.
    pub first: Date,
    /// Last day, not before the first.
    pub last: Date,
    /// How it was written.
    pub precision: Precision,
}

/// A time as it was written: whole days, or one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Whole days.
    Days(Span),
    /// A date with a time of day; without an offset it is taken as UTC.
    Moment(Timestamp),
}

/// A time found in running text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Bytes of the text.
    pub range: std::ops::Range<usize>,
    /// The time.
    pub span: Span,
}

/// Why a text is not a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// It has no form that is known.
    #[error("it has no form of a date, month, quarter, half-year, year or range")]
    NotATime,
    /// It has the form, but the calendar has no such day.
    #[error("the calendar has no such day")]
    NoSuchDay,
    /// Day and month cannot be told apart.
    #[error("day and month cannot be told apart")]
    Ambiguous,
    /// The weekday is not that of the day.
    #[error("the weekday is not that of the day")]
    WrongWeekday,
    /// The end is before the start.
    #[error("it ends before it starts")]
    Reversed,
}

/// Reads a text that is one time: days, or a date with a time of day.
pub fn parse(text: &str) -> Result<When, Unreadable> {
    let text = text.trim();
    if text.contains(':') {
        let in_utc = || text.parse::<DateTime>().and_then(|local| local.to_zoned(TimeZone::UTC));
        return text
            .parse::<Timestamp>()
            .or_else(|_| in_utc().map(|zoned| zoned.timestamp()))
            .map(When::Moment)
            .map_err(|_| Unreadable::NotATime);
    }
    parse_span(text).map(When::Days)
}

/// Reads a text that is one period of whole days.
pub fn parse_span(text: &str) -> Result<Span, Unreadable> {
    // The longest way to write a range has far fewer characters; a longer text is a sentence.
    if text.len() > 128 {
        return Err(Unreadable::NotATime);
    }
    grammar::whole(&token::tokens(text))
}

/// Reads a text that is one day: "2019-01-02", "2 January 2019", "Wed, Jan. 2nd, 2019", "13/01/2019"...
pub fn parse_day(text: &str) -> Option<Date> {
    parse_span(text).ok().filter(|span| span.precision == Precision::Day).map(|span| span.first)
}

/// Finds every time in running text, in order, the longest at each place; what the calendar does not have is skipped.
pub fn find(text: &str) -> Vec<Found> {
    grammar::find(&token::tokens(text))
}

impl Span {
    /// The calendar month.
    pub fn month(year: i16, month: i8) -> Option<Span> {
        Self::months(year, month, month, Precision::Month)
    }

    /// The calendar quarter, 1 to 4.
    pub fn quarter(year: i16, quarter: i8) -> Option<Span> {
        (1..=4).contains(&quarter).then(|| Self::months(year, quarter * 3 - 2, quarter * 3, Precision::Quarter))?
    }

    /// The half of the calendar year, 1 or 2.
    pub fn half(year: i16, half: i8) -> Option<Span> {
        (1..=2).contains(&half).then(|| Self::months(year, half * 6 - 5, half * 6, Precision::Half))?
    }

    /// The calendar year.
    pub fn year(year: i16) -> Option<Span> {
        Self::months(year, 1, 12, Precision::Year)
    }

    /// One day.
    pub fn day(day: Date) -> Span {
        Span { first: day, last: day, precision: Precision::Day }
    }

    fn months(year: i16, first: i8, last: i8, precision: Precision) -> Option<Span> {
        let first = Date::new(year, first, 1).ok()?;
        let last = Date::new(year, last, 1).ok()?.last_of_month();
        Some(Span { first, last, precision })
    }
}

#[cfg(test)]
mod tests;
