//! The forms of a time, as a grammar over tokens.
//!
//! Each form is a function from a place to what was read and the place behind it. A form that fits but names no day of
//! the calendar is an error, not a misfit: `2019-02-30` is not the month `2019-02` followed by something.

use super::token::{Kind, Token};
use super::{Found, Precision, Span, Unreadable};
use jiff::civil::Date;

type Reading = Result<Span, Unreadable>;
type Form = fn(&mut Cursor<'_, '_>) -> Option<Reading>;

const FORMS: &[Form] = &[
    year_first_numbers,
    compact_day,
    day_or_month_first_numbers,
    day_month_year,
    month_day_year,
    year_month_name,
    month_year,
    numeric_month,
    quarter_or_half,
    quarter_or_half_in_words,
    year,
];

/// Reads all tokens as one time.
pub fn whole(tokens: &[Token<'_>]) -> Reading {
    let mut outcome = Err(Unreadable::NotATime);
    for (reading, end) in readings(tokens, 0) {
        if end == tokens.len() && (reading.is_ok() || outcome == Err(Unreadable::NotATime)) {
            outcome = reading;
            if outcome.is_ok() {
                break;
            }
        }
    }
    outcome
}

/// Finds times from left to right, the longest first.
pub fn find(tokens: &[Token<'_>]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let best = readings(tokens, at)
            .into_iter()
            .filter(|(reading, end)| stands_alone(tokens, at, *end, reading))
            .max_by_key(|(reading, end)| (*end, reading.is_ok()));
        let Some((reading, end)) = best else {
            at += 1;
            continue;
        };
        if let Ok(span) = reading {
            let last = &tokens[end - 1];
            found.push(Found { range: tokens[at].start..last.start + last.text.len(), span });
        }
        at = end;
    }
    found
}

/// Words that make the number before them an amount and not a year.
const COUNTED: &[&str] = &[
    "billion",
    "cents",
    "dollars",
    "employees",
    "euros",
    "million",
    "people",
    "percent",
    "points",
    "shares",
    "stores",
    "thousand",
    "times",
    "trillion",
    "units",
    "usd",
    "years",
];

fn stands_alone(tokens: &[Token<'_>], start: usize, end: usize, reading: &Reading) -> bool {
    let bare_year = matches!(reading, Ok(Span { precision: Precision::Year, .. }));
    if tokens[start].glued {
        let before = &tokens[start - 1];
        let opening =
            matches!(before.text, "(" | "[" | "\"" | "\u{201c}" | "'" | "," | ";" | ":" | "\u{2014}" | "\u{2013}");
        if before.kind != Kind::Mark || !opening && (bare_year || !matches!(before.text, "." | "-" | "/")) {
            return false;
        }
        // Inside a longer number with separators: 1,2019 or 5:2019.
        if matches!(before.text, "," | ":" | "." | "-" | "/")
            && before.glued
            && start >= 2
            && tokens[start - 2].kind == Kind::Number
        {
            return false;
        }
    }
    match tokens.get(end) {
        Some(next) if next.glued => match next.kind {
            Kind::Mark if matches!(next.text, "." | "," | "-" | "/" | ":") => {
                !tokens.get(end + 1).is_some_and(|after| after.glued && after.kind == Kind::Number)
            }
            Kind::Mark => next.text != "%",
            _ => false,
        },
        Some(next) => !(bare_year && COUNTED.contains(&next.text.to_lowercase().as_str())),
        None => true,
    }
}

/// Everything that can be read at a place: single times and ranges, with the place behind each.
fn readings(tokens: &[Token<'_>], at: usize) -> Vec<(Reading, usize)> {
    let start = Cursor { tokens, at };
    let mut readings = Vec::new();
    let mut opening = start;
    let ranged = opening.word(&["from", "between"]).is_some();
    let between = ranged && opening.previous_is("between");
    for (first, end) in units(opening) {
        if !ranged {
            readings.push((first, end));
        }
        let mut rest = Cursor { tokens, at: end };
        if rest.connector(between) {
            for (second, end) in units(rest) {
                readings.push((join(first, second), end));
            }
        }
    }
    if let Some(reading) = range_with_shared_end(opening, between) {
        readings.push(reading);
    }
    readings
}

fn join(first: Reading, second: Reading) -> Reading {
    let (first, second) = (first?, second?);
    if first.first > second.first || first.last > second.last {
        return Err(Unreadable::Reversed);
    }
    Ok(Span { first: first.first, last: second.last, precision: Precision::Range })
}

/// "January to March 2019", "Q1-Q3 2019", "2 to 8 January 2019", "January 2-8, 2019": what is left out of the first
/// end is that of the second.
fn range_with_shared_end(start: Cursor<'_, '_>, between: bool) -> Option<(Reading, usize)> {
    let tokens = start.tokens;
    let mut first = start;
    if let Some(month) = first.month() {
        let mut after_day = first;
        if let Some(day) = after_day.day_number() {
            let mut second = after_day;
            if second.connector(between) {
                let mut last_day = second;
                let last = last_day.day_number();
                last_day.mark(&[","]);
                if let (Some(last), Some(year)) = (last, last_day.year()) {
                    return Some((join(day_of(year, month, day), day_of(year, month, last)), last_day.at));
                }
                return units(second).into_iter().rev().find_map(|(reading, end)| {
                    let span = reading.ok().filter(|span| span.precision == Precision::Day)?;
                    let year = span.first.year() - i16::from(month > span.first.month() as u8);
                    Some((join(day_of(year, month, day), Ok(span)), end))
                });
            }
        }
        if first.connector(between) {
            return units(first).into_iter().rev().find_map(|(reading, end)| {
                let span = reading.ok().filter(|span| span.precision == Precision::Month)?;
                let year = span.first.year() - i16::from(month > span.first.month() as u8);
                Some((join(Span::month(year, month as i8).ok_or(Unreadable::NoSuchDay), Ok(span)), end))
            });
        }
        return None;
    }
    if let Some(day) = first.day_number() {
        if !first.connector(between) {
            return None;
        }
        let (span, end) = units(Cursor { tokens, at: first.at })
            .into_iter()
            .rev()
            .find_map(|(reading, end)| Some((reading.ok().filter(|span| span.precision == Precision::Day)?, end)))?;
        // Only after a day in words: "2-8 January 2019", not the numbers of "2-8-2019".
        tokens[first.at..end].iter().find(|token| token.kind == Kind::Word)?;
        return Some((join(day_of(span.first.year(), span.first.month() as u8, day), Ok(span)), end));
    }
    let letter = first.word(&["q", "h"])?;
    let part = first.glued_number(1, 1)?;
    if !first.connector(between) {
        return None;
    }
    units(first).into_iter().rev().find_map(|(reading, end)| {
        let wanted = if letter == 0 { Precision::Quarter } else { Precision::Half };
        let span = reading.ok().filter(|span| span.precision == wanted)?;
        Some((join(part_of_year(span.first.year(), letter, part), Ok(span)), end))
    })
}

/// Single times at a place, with or without the weekday before a day.
fn units(start: Cursor<'_, '_>) -> Vec<(Reading, usize)> {
    let mut units: Vec<(Reading, usize)> = Vec::new();
    let mut after = start;
    let weekday = after.weekday();
    for form in FORMS {
        let mut cursor = after;
        if let Some(reading) = form(&mut cursor) {
            let reading = match (weekday, reading) {
                (None, reading) => reading,
                (Some(_), Ok(span)) if span.precision != Precision::Day => continue,
                (Some(weekday), Ok(span)) if span.first.weekday().to_monday_zero_offset() != weekday => {
                    Err(Unreadable::WrongWeekday)
                }
                (Some(_), reading) => reading,
            };
            units.push((reading, cursor.at));
        }
    }
    units.sort_by_key(|(reading, end)| (*end, reading.is_ok()));
    units
}

fn day_of(year: i16, month: u8, day: u8) -> Reading {
    match (i8::try_from(month), i8::try_from(day)) {
        (Ok(month), Ok(day)) => Date::new(year, month, day).map(Span::day).map_err(|_| Unreadable::NoSuchDay),
        _ => Err(Unreadable::NoSuchDay),
    }
}

fn part_of_year(year: i16, letter: usize, part: u16) -> Reading {
    let part = part as i8;
    let span = if letter == 0 { Span::quarter(year, part) } else { Span::half(year, part) };
    span.ok_or(Unreadable::NoSuchDay)
}

/// 2019-01-02, 2019/1/2, 2019.01.02
fn year_first_numbers(cursor: &mut Cursor<'_, '_>) -> Option<Reading> {
    let year = cursor.number(4, 4)?;
    let separator = cursor.glued_mark(&["-", "/", "."])?;
    let month = cursor.glued_number(1, 2)?;
    (cursor.glued_mark(&["-", "/", "."])? == separator).then_some(())?;
    let day = cursor.glued_number(1, 2)?;
    Some(if (1000..=9998).contains(&year) {
        day_of(year as i16, month as u8, day as u8)
    } else {
        Err(Unreadable::NoSuchDay)
    })
}

/// 20190102
fn compact_day(cursor: &mut Cursor<'_, '_>) -> Option<Reading> {
    let token = cursor.tokens.get(cursor.at).filter(|token| token.kind == Kind::Number && token.text.len() == 8)?;
    let (year, month, day) =
        (token.text[..4].parse().ok()?, token.text[4..6].parse().ok()?, token.text[6..].parse().ok()?);
    cursor.at += 1;
    (1900..=2199).contains(&year).then(|| day_of(year, month, day))
}

/// 13/04/2019, 4/13/2019, 13-4-2019; with points the day comes first
fn day_or_month_first_numbers(cursor: &mut Cursor<'_, '_>) -> Option<Reading> {
    let first = cursor.number(1, 2)? as u8;
    let separator = cursor.glued_mark(&["-", "/", "."])?;
    let second = cursor.glued_number(1, 2)? as u8;
    (cursor.glued_mark(&["-", "/", "."])? == separator).then_some(())?;
    let year = cursor.glued_number(4, 4)? as i16;
    if !(1000..=9998).contains(&year) {
        return Some(Err(Unreadable::NoSuchDay));
    }
    let points = separator == 2;
    Some(match (first, second) {
        (day, month) if points || day > 12 || day == month => day_of(year, month, day),
        (month, day) if day > 12 => day_of(year, month, day),
        _ => Err(Unreadable::Ambiguous),
    })
}

/// 2 January 2019, 2nd of January, 2019, 02-Jan-2019
fn day_month_year(cursor: &mut Cursor<'_, '_>) -> Option<Reading> {
    cursor.word(&["the"]);
    let day = cursor.day_number()?;
    cursor.mark(&["-"]);
    cursor.word(&["of"]);
    let month = cursor.month()?;
    let _ = cursor.mark(&[","]) || cursor.mark(&["-"]);
    let year = cursor.year()?;
    Some(day_of(year, month, day))
}

/// January 2, 2019, Jan. 2nd 2019, Jan-02-2019
fn month_day_year(cursor: &mut Cursor<'_, '_>) -> Option<Reading> {
    let month = cursor.month()?;
    cursor.mark(&["-"]);
    cursor.word(&["the"]);
    let day = cursor.day_number()?;
    let _ = cursor.mark(&[","]) || cursor.mark(&["-"]);
    let year = cursor.year()?;
    Some(day_of(year, month, day))
}

/// 2019 January 2, 2019-Jan-02, 2019 January
fn year_month_name(cursor: &mut Cursor<'_, '_>) -> Option<Reading> {
    let year = cursor.year()?;
    let hyphen = cursor.mark(&["-"]);
    let month = cursor.month()?;
    let mut with_day = *cursor;
    if with_day.mark(&["-"]) == hyphen
        && let Some(day) = with_day.day_number()
    {
        *cursor = with_day;
        return Some(day_of(year, month, day));
    }
    Some(Span::month(year, month as i8).ok_or(Unreadable::NoSuchDay))
}

/// January 2019, Jan. '19, January of 2019, the month of January 2019
fn month_year(cursor: &mut Cursor<'_, '_>) -> Option<Reading> {
    cursor.word(&["the"]);
    if cursor.word(&["month"]).is_some() {
        cursor.word(&["of"])?;
    }
    let month = cursor.month()?;
    let _ = cursor.mark(&[","]) || cursor.mark(&["-"]) || cursor.word(&["of"]).is_some();
    let year = cursor.year()?;
    Some(Span::month(year, month as i8).ok_or(Unreadable::NoSuchDay))
}

/// 2019-01, 2019/01, 01/2019
fn numeric_month(cursor: &mut Cursor<'_, '_>) -> Option<Reading> {
    let mut year_first = *cursor;
    let (year, month) = match year_first.number(4, 4) {
        Some(year) => {
            *cursor = year_first;
            cursor.glued_mark(&["-", "/"])?;
            (year, cursor.glued_number(2, 2)?)
        }
        None => {
            let month = cursor.number(1, 2)?;
            cursor.glued_mark(&["/"])?;
            (cursor.glued_number(4, 4)?, month)
        }
    };
    let span = (1000..=9998).contains(&year).then(|| Span::month(year as i16, month as i8)).flatten();
    Some(span.ok_or(Unreadable::NoSuchDay))
}

/// Q1 2019, Q1/2019, Q1'19, 2019Q1, 2019-Q1, 1Q19, 1Q 2019; H for a half
fn quarter_or_half(cursor: &mut Cursor<'_, '_>) -> Option<Reading> {
    if let Some(letter) = cursor.word(&["q", "h"]) {
        let part = cursor.glued_number(1, 1)?;
        let _ = cursor.mark(&[",", "/", "-"]) || cursor.word(&["of"]).is_some();
        return Some(part_of_year(cursor.year()?, letter, part));
    }
    let mut year_first = *cursor;
    if let Some(year) = year_first.year() {
        year_first.mark(&["-", "/", ","]);
        let letter = year_first.word(&["q", "h"])?;
        let part = year_first.glued_number(1, 1)?;
        *cursor = year_first;
        return Some(part_of_year(year, letter, part));
    }
    let part = cursor.number(1, 1)?;
    cursor.tokens.get(cursor.at).filter(|token| token.glued)?;
    let letter = cursor.word(&["q", "h"])?;
    let year = match cursor.glued_number(2, 2) {
        Some(short) => century(short),
        None => {
            cursor.word(&["of"]);
            cursor.year()?
        }
    };
    Some(part_of_year(year, letter, part))
}

/// the first quarter of 2019, second half 2019, 1st quarter of the year 2019
fn quarter_or_half_in_words(cursor: &mut Cursor<'_, '_>) -> Option<Reading> {
    cursor.word(&["the"]);
    let part = match cursor.word(&["first", "second", "third", "fourth", "last"]) {
        Some(4) => 0,
        Some(place) => place as u16 + 1,
        None => {
            let part = cursor.number(1, 1)?;
            cursor.glued_word(&["st", "nd", "rd", "th"])?;
            part
        }
    };
    cursor.mark(&["-"]);
    let letter = cursor.word(&["quarter", "half"])?;
    cursor.mark(&[","]);
    cursor.word(&["of", "in"]);
    let year = cursor.named_year()?;
    Some(part_of_year(year, letter, if part == 0 { 4 - 2 * letter as u16 } else { part }))
}

/// 2019, the year 2019, calendar year 2019
fn year(cursor: &mut Cursor<'_, '_>) -> Option<Reading> {
    let year = cursor.named_year()?;
    (1000..=2999).contains(&year).then(|| Span::year(year).ok_or(Unreadable::NoSuchDay))
}

/// A year of two digits, as PostgreSQL and POSIX read it: 1970 to 2069.
fn century(short: u16) -> i16 {
    short as i16 + if short < 70 { 2000 } else { 1900 }
}

/// A place among the tokens.
#[derive(Clone, Copy)]
struct Cursor<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Cursor<'_, '_> {
    fn take(&mut self, kind: Kind) -> Option<String> {
        let token = self.tokens.get(self.at).filter(|token| token.kind == kind && token.text.len() <= 16)?;
        self.at += 1;
        Some(token.text.to_lowercase())
    }

    /// Takes one of the words and says which; stays where it is otherwise.
    fn word(&mut self, words: &[&str]) -> Option<usize> {
        let mut ahead = *self;
        let text = ahead.take(Kind::Word)?;
        let place = words.iter().position(|word| *word == text)?;
        *self = ahead;
        Some(place)
    }

    fn glued_word(&mut self, words: &[&str]) -> Option<usize> {
        self.tokens.get(self.at).filter(|token| token.glued)?;
        self.word(words)
    }

    fn previous_is(&self, word: &str) -> bool {
        self.at.checked_sub(1).is_some_and(|before| self.tokens[before].text.eq_ignore_ascii_case(word))
    }

    fn mark(&mut self, marks: &[&str]) -> bool {
        let found = self.tokens.get(self.at).is_some_and(|token| marks.contains(&token.text));
        self.at += usize::from(found);
        found
    }

    fn glued_mark(&mut self, marks: &[&str]) -> Option<usize> {
        let token = self.tokens.get(self.at).filter(|token| token.glued)?;
        let place = marks.iter().position(|mark| *mark == token.text)?;
        self.at += 1;
        Some(place)
    }

    /// A number of that many digits.
    fn number(&mut self, fewest: usize, most: usize) -> Option<u16> {
        let mut ahead = *self;
        let text = ahead.take(Kind::Number)?;
        let value = (fewest..=most).contains(&text.len()).then(|| text.parse().ok())??;
        *self = ahead;
        Some(value)
    }

    fn glued_number(&mut self, fewest: usize, most: usize) -> Option<u16> {
        self.tokens.get(self.at).filter(|token| token.glued)?;
        self.number(fewest, most)
    }

    /// 2 or 2nd
    fn day_number(&mut self) -> Option<u8> {
        let day = self.number(1, 2)?;
        self.glued_word(&["st", "nd", "rd", "th"]);
        Some(day as u8)
    }

    /// 2019 or '19
    fn year(&mut self) -> Option<i16> {
        let mut ahead = *self;
        if ahead.mark(&["'", "\u{2019}"]) {
            let short = ahead.glued_number(2, 2)?;
            *self = ahead;
            return Some(century(short));
        }
        let year = ahead.number(4, 4).filter(|year| (1000..=9998).contains(year))?;
        *self = ahead;
        Some(year as i16)
    }

    /// 2019, the year 2019, calendar year 2019
    fn named_year(&mut self) -> Option<i16> {
        self.word(&["the"]);
        self.word(&["calendar"]);
        self.word(&["year"]);
        self.year()
    }

    /// January, Jan, Jan., Sept
    fn month(&mut self) -> Option<u8> {
        let mut ahead = *self;
        let text = ahead.take(Kind::Word)?;
        let month = MONTHS.iter().position(|name| *name == text || (text.len() == 3 && name.starts_with(&text)));
        let month = month.or((text == "sept").then_some(8))?;
        // A point is part of the month when more of the date follows it.
        let mut after_point = ahead;
        if after_point.glued_mark(&["."]).is_some() && after_point.tokens.get(after_point.at).is_some() {
            ahead = after_point;
        }
        *self = ahead;
        Some(month as u8 + 1)
    }

    /// Wednesday, / Wed / Wed.; 0 is Monday
    fn weekday(&mut self) -> Option<i8> {
        let mut ahead = *self;
        let text = ahead.take(Kind::Word)?;
        let day = WEEKDAYS.iter().position(|name| {
            *name == text
                || (text.len() >= 3 && text.len() <= 5 && name.starts_with(&text) && name.len() - text.len() >= 3)
        })?;
        ahead.mark(&["."]);
        ahead.mark(&[","]);
        ahead.word(&["the"]);
        *self = ahead;
        Some(day as i8)
    }

    /// What joins the two ends of a range.
    fn connector(&mut self, between: bool) -> bool {
        if between {
            return self.word(&["and"]).is_some();
        }
        let mut ahead = *self;
        let points = ahead.mark(&["."]) && ahead.mark(&["."]);
        if points {
            *self = ahead;
        }
        points
            || self.word(&["to", "through", "thru", "until", "till"]).is_some()
            || self.mark(&["-", "\u{2013}", "\u{2014}", "/", "\u{2026}"])
    }
}
