//! Times in running text that are told by the day of the document: "yesterday", "last quarter", "three months ago".
//!
//! They mean something only where that day is known; without it none is read. Words that leave the time open are not read
//! either: a weekday, a month without a year, a fiscal period, "recently".

use super::token::{Kind, Token, tokens};
use super::{Found, Precision, Span};
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

/// A time that a text states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// Its bytes, without "as of".
    pub range: std::ops::Range<usize>,
    /// The days.
    pub span: Span,
    /// Whether it was told by the day of the document.
    pub relative: bool,
    /// Whether the text says what holds as of then.
    pub as_of: bool,
}

/// The times that a text states, in order; those told by the day of the document when that is given.
pub fn stated(text: &str, document: Option<Date>) -> Vec<Stated> {
    let tokens = tokens(text);
    let absolute = super::grammar::find(&tokens);
    let mut found: Vec<Stated> = Vec::new();
    let as_of = |start: usize| {
        let before = &tokens[..tokens.partition_point(|token| token.start < start)];
        let [.., one, other] = before else { return false };
        one.text.eq_ignore_ascii_case("as")
            && (other.text.eq_ignore_ascii_case("of") || other.text.eq_ignore_ascii_case("at"))
    };
    let mut add = |Found { range, span }: Found, relative| {
        let as_of = as_of(range.start);
        found.push(Stated { range, span, relative, as_of });
    };
    if let Some(document) = document {
        let mut at = 0;
        while at < tokens.len() {
            let Some((span, end)) = reading(&tokens, at, document) else {
                at += 1;
                continue;
            };
            let last = &tokens[end - 1];
            let range = tokens[at].start..last.start + last.text.len();
            // "The last quarter of 2019" is a time of its own.
            let after = absolute.partition_point(|other| other.range.end <= range.start);
            if absolute.get(after).is_none_or(|other| range.end <= other.range.start) {
                add(Found { range, span }, true);
            }
            at = end;
        }
    }
    absolute.into_iter().for_each(|time| add(time, false));
    found.sort_by_key(|time| time.range.start);
    found
}

/// The time that a text as a whole speaks of: what it says holds "as of" when it says so of one time, else from the first
/// to the last of the times it states.
pub fn whole(stated: &[Stated]) -> Option<(Date, Date)> {
    let mut as_of = stated.iter().filter(|time| time.as_of).map(|time| (time.span.first, time.span.last));
    if let Some(first) = as_of.next()
        && as_of.all(|other| other == first)
    {
        return Some(first);
    }
    let first = stated.iter().map(|time| time.span.first).min()?;
    let last = stated.iter().map(|time| time.span.last).max()?;
    Some((first, last))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Day,
    Week,
    Month,
    Quarter,
    Half,
    Year,
}

fn unit(word: &str) -> Option<Unit> {
    Some(match word.strip_suffix('s').unwrap_or(word) {
        "day" => Unit::Day,
        "week" => Unit::Week,
        "month" => Unit::Month,
        "quarter" => Unit::Quarter,
        "half" => Unit::Half,
        "year" => Unit::Year,
        _ => return None,
    })
}

fn count(token: &Token<'_>) -> Option<i32> {
    const WORDS: [&str; 13] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    let number = match token.kind {
        Kind::Number => token.text.parse().ok()?,
        Kind::Word => {
            let word = token.text.to_lowercase();
            if word == "a" || word == "an" { 1 } else { WORDS.iter().position(|known| *known == word)? as i32 }
        }
        Kind::Mark => return None,
    };
    (1..=1000).contains(&number).then_some(number)
}

/// Some units after a day; before it when the number is negative.
fn moved(day: Date, unit: Unit, number: i32) -> Option<Date> {
    let moved = match unit {
        Unit::Day => day.checked_add(number.days()),
        Unit::Week => day.checked_add(number.weeks()),
        Unit::Month => day.checked_add(number.months()),
        Unit::Quarter => day.checked_add((number * 3).months()),
        Unit::Half => day.checked_add((number * 6).months()),
        Unit::Year => day.checked_add(number.years()),
    };
    moved.ok()
}

/// The calendar unit that a day lies in; a week is from Monday to Sunday.
fn around(day: Date, unit: Unit) -> Option<Span> {
    let month = day.month();
    match unit {
        Unit::Day => Some(Span::day(day)),
        Unit::Week => {
            let first =
                if day.weekday() == Weekday::Monday { day } else { day.nth_weekday(-1, Weekday::Monday).ok()? };
            Some(Span { first, last: first.checked_add(6.days()).ok()?, precision: Precision::Range })
        }
        Unit::Month => Span::month(day.year(), month),
        Unit::Quarter => Span::quarter(day.year(), (month - 1) / 3 + 1),
        Unit::Half => Span::half(day.year(), (month - 1) / 6 + 1),
        Unit::Year => Span::year(day.year()),
    }
}

/// A time at a place, and the place behind it.
fn reading(tokens: &[Token<'_>], at: usize, document: Date) -> Option<(Span, usize)> {
    let word =
        |at: usize| tokens.get(at).filter(|token| token.kind == Kind::Word).map(|token| token.text.to_lowercase());
    let is = |at: usize, wanted: &str| word(at).is_some_and(|word| word == wanted);
    let first = word(at).or_else(|| tokens.get(at).map(|token| token.text.to_owned()))?;
    // A fiscal period is not a calendar one, "the last month of the strike" not the last month.
    let plain = |end: usize| !is(end, "of") && !is(end, "fiscal");
    match first.as_str() {
        "today" => return Some((Span::day(document), at + 1)),
        "yesterday" => return Some((Span::day(document.yesterday().ok()?), at + 1)),
        "tomorrow" => return Some((Span::day(document.tomorrow().ok()?), at + 1)),
        "ytd" => return Some((to_date(document)?, at + 1)),
        "year" if is(at + 1, "to") && is(at + 2, "date") => return Some((to_date(document)?, at + 3)),
        "year" if tokens.get(at + 1).is_some_and(|mark| mark.text == "-") && is(at + 2, "to") && is(at + 4, "date") => {
            return Some((to_date(document)?, at + 5));
        }
        _ => {}
    }
    let place = match first.as_str() {
        "last" | "previous" | "prior" | "past" | "preceding" => -1,
        "this" | "current" => 0,
        "next" | "coming" | "following" => 1,
        _ => {
            // "three months ago", "a year earlier" is told by another time.
            let number = count(&tokens[at])?;
            let unit = unit(&word(at + 1)?)?;
            let day = is(at + 2, "ago").then(|| moved(document, unit, -number))??;
            let span = match unit {
                Unit::Day | Unit::Week => Span::day(day),
                unit => around(day, unit)?,
            };
            return Some((span, at + 3));
        }
    };
    if let Some(unit) =
        word(at + 1).as_deref().and_then(unit).filter(|_| !word(at + 1).is_some_and(|word| word.ends_with('s')))
    {
        let end = at + 2;
        // "This half" and "last day" are told by something else; "this day" is no time of a report.
        let told = matches!(unit, Unit::Day) || !plain(end);
        return (!told).then(|| Some((around(moved(document, unit, place)?, unit)?, end)))?;
    }
    // "the last three months" end on the day of the document, "the next two weeks" begin after it.
    let number = tokens.get(at + 1).and_then(count)?;
    let unit = unit(&word(at + 2)?)?;
    let end = at + 3;
    if place == 0 || !plain(end) {
        return None;
    }
    let far = moved(document, unit, place * number)?;
    let span = if place < 0 {
        Span { first: far.tomorrow().ok()?, last: document, precision: Precision::Range }
    } else {
        Span { first: document.tomorrow().ok()?, last: far, precision: Precision::Range }
    };
    Some((span, end))
}

fn to_date(document: Date) -> Option<Span> {
    Some(Span { first: Date::new(document.year(), 1, 1).ok()?, last: document, precision: Precision::Range })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<(String, String, String)> {
        // A Thursday.
        stated(text, Some(date(2019, 4, 25)))
            .into_iter()
            .map(|time| (text[time.range].to_owned(), time.span.first.to_string(), time.span.last.to_string()))
            .collect()
    }

    #[track_caller]
    fn reads(text: &str, expected: &[(&str, &str, &str)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(words, first, last)| ((*words).to_owned(), (*first).to_owned(), (*last).to_owned()))
            .collect();
        assert_eq!(read(text), expected, "{text:?}");
    }

    #[test]
    fn times_are_told_by_the_day_of_the_document() {
        reads(
            "It fell yesterday and rose today.",
            &[("yesterday", "2019-04-24", "2019-04-24"), ("today", "2019-04-25", "2019-04-25")],
        );
        reads("Revenue of last quarter", &[("last quarter", "2019-01-01", "2019-03-31")]);
        reads(
            "sales this year and next year",
            &[("this year", "2019-01-01", "2019-12-31"), ("next year", "2020-01-01", "2020-12-31")],
        );
        reads("last week", &[("last week", "2019-04-15", "2019-04-21")]);
        reads("this month", &[("this month", "2019-04-01", "2019-04-30")]);
        reads("three months ago", &[("three months ago", "2019-01-01", "2019-01-31")]);
        reads("10 days ago", &[("10 days ago", "2019-04-15", "2019-04-15")]);
        reads("over the last three months", &[("last three months", "2019-01-26", "2019-04-25")]);
        reads("in the next 2 weeks", &[("next 2 weeks", "2019-04-26", "2019-05-09")]);
        reads("up 5% year to date", &[("year to date", "2019-01-01", "2019-04-25")]);
    }

    #[test]
    fn nothing_is_guessed() {
        for text in [
            "on Monday",
            "in March",
            "recently",
            "last fiscal year",
            "the last day",
            "a year earlier",
            "the last month of the strike",
            "next to it",
            "may",
        ] {
            reads(text, &[]);
        }
        assert!(stated("It fell yesterday, last quarter and three months ago.", None).is_empty());
    }

    #[test]
    fn what_is_written_out_goes_before() {
        reads("the last quarter of 2018", &[("the last quarter of 2018", "2018-10-01", "2018-12-31")]);
        reads(
            "from January 2, 2019 to March 3, 2019",
            &[("from January 2, 2019 to March 3, 2019", "2019-01-02", "2019-03-03")],
        );
    }

    #[test]
    fn as_of_says_which_time_holds() {
        let text = "Debt was $3 million as of December 31, 2018, after 2017.";
        let times = stated(text, None);
        assert_eq!(times.iter().map(|time| time.as_of).collect::<Vec<_>>(), [true, false]);
        assert_eq!(whole(&times), Some((date(2018, 12, 31), date(2018, 12, 31))));
        assert_eq!(whole(&stated("In 2017 and in March 2019", None)), Some((date(2017, 1, 1), date(2019, 3, 31))));
        assert_eq!(whole(&[]), None);
    }

    proptest! {
        #[test]
        fn any_text_is_safe(text in ".*|((last|next|this|three|9999|months|years|ago|of|2019|as|yesterday) ){0,12}", year in 1i16..9999) {
            for time in stated(&text, Date::new(year, 6, 15).ok()) {
                prop_assert!(time.span.first <= time.span.last);
                prop_assert!(text.get(time.range).is_some());
            }
        }
    }
}
