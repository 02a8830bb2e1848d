//! Reading one stretch of the calendar.

use super::{Span, Unit, day_number, doubtful_month, month, ordinal, unit, weekday, year};
use crate::question::token::{Token, TokenKind};
use crate::question::words;
use jiff::civil::Date;
use std::cell::Cell;

/// Reads the expressions of time of a question.
pub(super) struct Scanner<'a> {
    pub tokens: &'a [Token],
    /// A date of digits was read by a guess.
    pub guessed: Cell<bool>,
}

/// A year of two digits: 1970 to 2069.
fn century(short: i16) -> i16 {
    if short < 70 { 2000 + short } else { 1900 + short }
}

/// A year in two or four digits.
fn short_year(digits: &str) -> Option<i16> {
    let number: i16 = digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    match digits.len() {
        2 => Some(century(number)),
        4 if (1800..=2200).contains(&number) => Some(number),
        _ => None,
    }
}

impl Scanner<'_> {
    pub fn word(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", |token| token.lower.as_str())
    }

    pub fn skip(&self, mut index: usize, words: &[&str]) -> usize {
        while words.contains(&self.word(index)) {
            index += 1;
        }
        index
    }

    pub fn count(&self, index: usize) -> Option<usize> {
        let token = self.tokens.get(index)?;
        let number = token.number().or_else(|| words::count_word(&token.lower))?;
        (number.fract() == 0.0 && (1.0..=100_000.0).contains(&number)).then_some(number as usize)
    }

    /// A year at `index`, after "," "of" "in" "-" or "'"; the index after it.
    pub fn year_at(&self, index: usize) -> (Option<i16>, usize) {
        let from = self.skip(index, &[",", ".", "of", "in", "-", "/", "the", "year"]);
        match self.tokens.get(from).and_then(year) {
            Some(year) => (Some(year), from + 1),
            None => {
                // "June '19"
                if matches!(self.word(index), "'" | "\u{2019}" | "\u{2018}")
                    && let Some(short) = self.tokens.get(index + 1).filter(|token| token.text.len() == 2)
                    && let Ok(short) = short.text.parse::<i16>()
                {
                    return (Some(century(short)), index + 2);
                }
                (None, index)
            }
        }
    }

    /// A date written in digits: ISO, with slashes or points, or eight digits.
    fn digits(&self, token: &Token) -> Option<Span> {
        let valid = |year: i16, month: i16, day: i16| {
            Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?)
                .ok()
                .map(|date| Span::Day(Some(date.year()), date.month(), date.day()))
        };
        if token.text.len() == 8 && token.text.bytes().all(|byte| byte.is_ascii_digit()) {
            let part = |from: usize, to: usize| token.text[from..to].parse::<i16>().ok();
            return part(0, 4)
                .filter(|year| (1900..2100).contains(year))
                .and_then(|year| valid(year, part(4, 6)?, part(6, 8)?));
        }
        let separator = ['-', '/', '.'].into_iter().find(|separator| token.text.contains(*separator))?;
        let parts: Vec<&str> = token.text.split(separator).collect();
        let numbers: Vec<i16> = parts.iter().map(|part| part.parse().ok()).collect::<Option<_>>()?;
        match numbers[..] {
            [year, month, day] if parts[0].len() == 4 => valid(year, month, day),
            [first, second, year] if parts[2].len() == 4 || (parts[2].len() == 2 && separator != '.') => {
                let year = if parts[2].len() == 2 { century(year) } else { year };
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
            [month, year] if parts[1].len() == 4 && (1..=12).contains(&month) && separator != '.' => {
                Some(Span::Month(Some(year), month as i8))
            }
            _ => None,
        }
    }

    /// "Q2", "2Q19", "H1", "Q3-2017", "2017Q3": a quarter or half in one word, with a year when it holds one.
    fn short_form(&self, index: usize) -> Option<(Span, usize)> {
        let word = self.word(index);
        let of = |letter: u8, number: u8, year: Option<i16>| match letter {
            b'q' if (b'1'..=b'4').contains(&number) => Some(Span::Quarter(year, (number - b'0') as i8)),
            b'h' if matches!(number, b'1' | b'2') => Some(Span::Half(year, (number - b'0') as i8)),
            _ => None,
        };
        // "2017q3", "2017-q3"
        if let Some((head, [letter, number])) = word.as_bytes().split_last_chunk::<2>()
            && head.len() >= 4
            && let Some(year) =
                std::str::from_utf8(head).ok().and_then(|head| short_year(head.trim_end_matches(['-', '/'])))
            && let Some(span) = of(*letter, *number, Some(year)).or_else(|| of(*number, *letter, Some(year)))
        {
            return Some((span, index + 1));
        }
        let (letter, number) = match word.as_bytes() {
            [letter @ (b'q' | b'h'), number @ b'1'..=b'4', ..] => (*letter, *number),
            [number @ b'1'..=b'4', letter @ (b'q' | b'h'), ..] => (*letter, *number),
            _ => return None,
        };
        let (inner, after) = match word[2..].trim_start_matches(['\'', '\u{2019}', '-', '/']) {
            "" => match self.year_at(index + 1) {
                // "Q1 19": two digits that count nothing.
                (None, after) => match self.tokens.get(index + 1) {
                    Some(next)
                        if next.kind == TokenKind::Number
                            && next.text.len() == 2
                            && !next.marked
                            && matches!(
                                self.word(index + 2),
                                "" | "?" | "." | "," | "to" | "and" | "vs" | "for" | "of"
                            ) =>
                    {
                        (short_year(&next.text), index + 2)
                    }
                    _ => (None, after),
                },
                found => found,
            },
            digits => (Some(short_year(digits)?), index + 1),
        };
        of(letter, number, inner).map(|span| (span, after))
    }

    /// "June 28, 2019", "June 28th"; "June 2019"; "June".
    fn month_first(&self, index: usize, month: i8) -> Option<(Span, usize)> {
        let token = &self.tokens[index];
        let next = self.skip(index + 1, &["the", ".", "-", "/"]);
        if let Some(number) = self.tokens.get(next)
            && let Some(day) = day_number(number)
        {
            let (year, after) = self.year_at(next + 1);
            // "Mar-16": a month of 2016 or the 16th, whichever the newest observation makes of it.
            let dashed = self.word(index + 1) == "-" && next == index + 2 && number.text.len() == 2;
            if year.is_none()
                && dashed
                && number.kind == TokenKind::Number
                && let Some(short) = short_year(&number.text)
            {
                return Some((Span::MonthOrDay(short, month, day), after));
            }
            return Some((Span::Day(year, month, day), after));
        }
        // "Mar-99"
        if self.word(index + 1) == "-"
            && let Some(short) = self.tokens.get(index + 2).filter(|token| token.text.len() == 2)
            && let Some(year) = short_year(&short.text)
        {
            return Some((Span::Month(Some(year), month), index + 3));
        }
        let (year, after) = self.year_at(index + 1);
        let capitals = token.text.len() == 3 && token.all_capitals();
        // "may to june", "volume may": a range of months begins, or the question ends.
        let ranged = matches!(self.word(index + 1), "to" | "through" | "thru" | "until" | "till" | "-")
            && self.tokens.get(index + 2).and_then(super::month).is_some();
        let last = self.tokens[index + 1..].iter().all(|token| token.kind == TokenKind::Symbol);
        let spoken = !token.marked
            && index > 0
            && (ranged
                || last && !capitals
                || matches!(
                    self.word(index - 1),
                    "in" | "during" | "since" | "late" | "early" | "mid" | "over" | "across" | "throughout" | "within"
                )
                || !capitals && matches!(self.word(index - 1), "for" | "of" | "to" | "through" | "until" | "and"));
        (year.is_some() || !doubtful_month(token) || spoken).then_some((Span::Month(year, month), after))
    }

    /// "second quarter of 2019", "first half", "first Monday of May".
    fn counted(&self, index: usize) -> Option<(Span, usize)> {
        let count = ordinal(self.tokens.get(index)?)?;
        let next = self.skip(index + 1, &["-", "fiscal", "calendar"]);
        let (year, after) = self.year_at(next + 1);
        // "the last quarter" is the one before, "the last quarter of 2018" the fourth.
        let of_year = |whole: i8| if count == 0 { year.map(|_| whole) } else { Some(count) };
        match self.word(next) {
            "quarter" | "qtr" => {
                of_year(4).filter(|count| *count <= 4).map(|count| (Span::Quarter(year, count), after))
            }
            "half" => {
                // "the first half of July" is part of a month.
                let part = matches!(self.word(next + 1), "of" | "in")
                    && year.is_none()
                    && self.span(self.skip(next + 2, &["the"])).is_some();
                let half = of_year(2).filter(|count| *count <= 2 && !part)?;
                Some((Span::Half(year, half), after))
            }
            name => {
                let day = weekday(name).filter(|_| (0..=5).contains(&count))?;
                let at = self.skip(next + 1, &["of", "in", "the"]);
                if let Some((Span::Month(year, month), after)) = self.span(at) {
                    return Some((Span::NthWeekday(year, month, if count == 0 { -1 } else { count }, day), after));
                }
                None
            }
        }
    }

    /// A span of the calendar that begins at `index`.
    pub fn span(&self, index: usize) -> Option<(Span, usize)> {
        let index = self.skip(index, &["the"]);
        let token = self.tokens.get(index)?;
        // A day of the week before a date says nothing more.
        if weekday(&token.lower).is_some() {
            let next = self.skip(index + 1, &[",", "the", ".", "on"]);
            if let Some((Span::Day(year, month, day), after)) = self.span(next) {
                return Some((Span::Day(year, month, day), after));
            }
            if token.lower.len() > 3 || token.capitalised() && !token.all_capitals() {
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
            return self.month_first(index, month);
        }
        if let Some(day) = day_number(token) {
            // "28 June 2019", "the 28th of June".
            let next = self.skip(index + 1, &["of", "-", "day", "/"]);
            if let Some(month) = self.tokens.get(next).and_then(month) {
                let (year, after) = self.year_at(next + 1);
                return Some((Span::Day(year, month, day), after));
            }
        }
        // "9/15": month and day, where a date is spoken of.
        if token.kind == TokenKind::Number
            && let Some((month, day)) = token.text.split_once('/')
            && let (Ok(month @ 1..=12), Ok(day @ 1..=31)) = (month.parse::<i8>(), day.parse::<i8>())
        {
            self.guessed.set(true);
            return Some((Span::Day(None, month, day), index + 1));
        }
        if let Some(found) = self.counted(index) {
            return Some(found);
        }
        if let Some(season) = ["spring", "summer", "fall", "winter"]
            .iter()
            .position(|season| *season == token.lower || token.lower == "autumn" && *season == "fall")
        {
            let (year, after) = self.year_at(index + 1);
            // "fall" is a season beside a year only.
            let spoken = year.is_some()
                || token.lower != "fall"
                    && matches!(self.word(index.wrapping_sub(1)), "in" | "the" | "during" | "this");
            return spoken.then_some((Span::Season(year, season as i8 + 1), after));
        }
        if matches!(token.lower.as_str(), "quarter" | "qtr")
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
            return Some(self.year_first(index, year));
        }
        // "this month", "last week" as an end of something: "the end of last week".
        if matches!(token.lower.as_str(), "this" | "current" | "last" | "previous" | "prior")
            && let Some(unit) = unit(self.word(index + 1))
            && !matches!(unit, Unit::Observation | Unit::Day)
        {
            return Some((Span::Relative(unit, !matches!(token.lower.as_str(), "this" | "current")), index + 2));
        }
        // "two weeks ago"
        let count = self.count(index).or_else(|| matches!(token.lower.as_str(), "a" | "an").then_some(1));
        if let Some(count) = count
            && let Some(unit) = unit(self.word(index + 1))
            && matches!(self.word(index + 2), "ago" | "back")
        {
            return Some((Span::Ago(i32::try_from(count).ok()?, unit), index + 3));
        }
        match token.lower.as_str() {
            "today" => Some((Span::Today(0), index + 1)),
            "yesterday" => Some((Span::Today(1), index + 1)),
            _ => None,
        }
    }

    /// "2019", "2019 Q2", "2019 second quarter", "2019 March 5".
    fn year_first(&self, index: usize, year: i16) -> (Span, usize) {
        let next = self.skip(index + 1, &["-", "/", ",", "'s"]);
        if self.tokens.get(next).is_none_or(|token| super::year(token).is_some() || token.kind == TokenKind::Number) {
            return (Span::Year(year), index + 1);
        }
        match self.span(next) {
            Some((Span::Quarter(None, quarter), after)) => (Span::Quarter(Some(year), quarter), after),
            Some((Span::Half(None, half), after)) => (Span::Half(Some(year), half), after),
            Some((Span::Month(None, month), after)) => (Span::Month(Some(year), month), after),
            Some((Span::Day(None, month, day), after)) if next <= index + 2 => {
                (Span::Day(Some(year), month, day), after)
            }
            _ => (Span::Year(year), index + 1),
        }
    }
}
