//! From an expression of time to the days it means.

use super::{Expression, Found, MONTHS, Part, Period, PeriodKind, Span, Stretch, Unit};
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

fn add_months(day: Date, months: i32) -> Date {
    day.checked_add(months.months()).unwrap_or(day)
}

/// A day as answers write it: "28 June 2019".
pub fn describe_day(day: Date) -> String {
    format!("{} {} {}", day.day(), MONTHS[usize::from(day.month().unsigned_abs()).clamp(1, 12) - 1], day.year())
}

fn month_end(year: i16, month: i8) -> Option<Date> {
    Some(Date::new(year, month, 1).ok()?.last_of_month())
}

/// The year of a span whose year is open: the latest that does not begin after the anchor.
fn year_for(year: Option<i16>, month: i8, day: i8, hint: Option<i16>, anchor: Date) -> (i16, bool) {
    match year.or(hint) {
        Some(year) => (year, false),
        None if (month, day) <= (anchor.month(), anchor.day()) => (anchor.year(), true),
        None => (anchor.year() - 1, true),
    }
}

struct Bounds {
    from: Date,
    to: Date,
    label: String,
    assumed: bool,
}

/// The days of a span; `None` when it is no date (30 February).
fn bounds(span: Span, hint: Option<i16>, anchor: Date) -> Option<Bounds> {
    let bounds = match span {
        Span::Day(year, month, day) => {
            let (year, assumed) = year_for(year, month, day, hint, anchor);
            let day = Date::new(year, month, day).ok()?;
            Bounds { from: day, to: day, label: describe_day(day), assumed }
        }
        Span::Month(year, month) => {
            let (year, assumed) = year_for(year, month, 1, hint, anchor);
            Bounds {
                from: Date::new(year, month, 1).ok()?,
                to: month_end(year, month)?,
                label: format!("{} {year}", MONTHS[month as usize - 1]),
                assumed,
            }
        }
        Span::MonthOrDay(year, month, day) => {
            return if year == anchor.year() {
                bounds(Span::Month(Some(year), month), hint, anchor)
            } else {
                bounds(Span::Day(None, month, day), hint, anchor)
            };
        }
        Span::Quarter(year, quarter) => {
            let first = quarter * 3 - 2;
            let (year, assumed) = year_for(year, first, 1, hint, anchor);
            Bounds {
                from: Date::new(year, first, 1).ok()?,
                to: month_end(year, first + 2)?,
                label: format!("Q{quarter} {year}"),
                assumed,
            }
        }
        Span::Half(year, half) => {
            let first = half * 6 - 5;
            let (year, assumed) = year_for(year, first, 1, hint, anchor);
            let name = if half == 1 { "first" } else { "second" };
            Bounds {
                from: Date::new(year, first, 1).ok()?,
                to: month_end(year, first + 5)?,
                label: format!("the {name} half of {year}"),
                assumed,
            }
        }
        Span::Year(year) => Bounds {
            from: Date::new(year, 1, 1).ok()?,
            to: Date::new(year, 12, 31).ok()?,
            label: year.to_string(),
            assumed: false,
        },
        Span::Season(year, season) => {
            let first = season * 3;
            let (year, assumed) = year_for(year, first, 1, hint, anchor);
            let from = Date::new(year, first, 1).ok()?;
            let name = ["spring", "summer", "autumn", "winter"][usize::from(season.unsigned_abs()).clamp(1, 4) - 1];
            Bounds { from, to: add_months(from, 2).last_of_month(), label: format!("{name} {year}"), assumed }
        }
        Span::NthWeekday(year, month, count, weekday) => {
            let (year, assumed) = year_for(year, month, 1, hint, anchor);
            let day = Date::new(year, month, 1).ok()?.nth_weekday_of_month(count, weekday).ok()?;
            Bounds { from: day, to: day, label: describe_day(day), assumed }
        }
        Span::Relative(unit, previous) => {
            let start = unit_start(anchor, unit);
            let (from, to) = if previous {
                let to = start.yesterday().ok()?;
                (unit_start(to, unit), to)
            } else {
                (start, anchor)
            };
            Bounds { from, to, label: format!("{} to {}", describe_day(from), describe_day(to)), assumed: true }
        }
        Span::Ago(count, unit) => {
            let day = back(anchor, count, unit);
            Bounds { from: day, to: day, label: describe_day(day), assumed: true }
        }
        Span::Weekday(weekday) => {
            let back = i32::from(weekday.until(anchor.weekday()));
            let day = anchor.checked_sub(back.days()).ok()?;
            Bounds { from: day, to: day, label: describe_day(day), assumed: true }
        }
        Span::Today(back) => {
            let day = anchor.checked_sub(back.days()).ok()?;
            Bounds { from: day, to: day, label: describe_day(day), assumed: true }
        }
    };
    Some(bounds)
}

/// The first day of the unit that holds a day.
fn unit_start(day: Date, unit: Unit) -> Date {
    match unit {
        Unit::Observation | Unit::Day => day,
        Unit::Week => day.checked_sub(i32::from(day.weekday().to_monday_zero_offset()).days()).unwrap_or(day),
        Unit::Month => day.first_of_month(),
        Unit::Quarter => Date::new(day.year(), (day.month() - 1) / 3 * 3 + 1, 1).unwrap_or(day),
        Unit::Half => Date::new(day.year(), (day.month() - 1) / 6 * 6 + 1, 1).unwrap_or(day),
        Unit::Year => day.first_of_year(),
    }
}

fn back(day: Date, count: i32, unit: Unit) -> Date {
    let span = match unit {
        Unit::Observation | Unit::Day => return day.checked_sub(count.days()).unwrap_or(Date::MIN),
        Unit::Week => return day.checked_sub(count.weeks()).unwrap_or(Date::MIN),
        Unit::Month => 1,
        Unit::Quarter => 3,
        Unit::Half => 6,
        Unit::Year => 12,
    };
    add_months(day, count.saturating_mul(-span))
}

fn name(unit: Unit) -> &'static str {
    match unit {
        Unit::Observation => "observed days",
        Unit::Day => "days",
        Unit::Week => "weeks",
        Unit::Month => "months",
        Unit::Quarter => "quarters",
        Unit::Half => "half years",
        Unit::Year => "years",
    }
}

fn explicit_year(span: Span) -> Option<i16> {
    match span {
        Span::Day(year, ..)
        | Span::Month(year, _)
        | Span::Quarter(year, _)
        | Span::Half(year, _)
        | Span::Season(year, _)
        | Span::NthWeekday(year, ..) => year,
        Span::Year(year) => Some(year),
        _ => None,
    }
}

/// The part of a span: its days and what it is called.
fn part_of(whole: Bounds, part: Part) -> Option<Bounds> {
    let length = (whole.to - whole.from).get_days();
    let at = |share: i32, of: i32| whole.from.checked_add((length * share / of).days()).unwrap_or(whole.to);
    let Bounds { from, to, ref label, assumed } = whole;
    let (from, to, label) = match part {
        Part::Whole => return Some(whole),
        Part::Start => (from, from, format!("the start of {label}")),
        Part::End => (to, to, format!("the end of {label}")),
        Part::Early => (from, at(1, 3), format!("early {label}")),
        Part::Middle => (at(1, 3), at(2, 3), format!("mid {label}")),
        Part::Late => (at(2, 3), to, format!("late {label}")),
        // Of a month the first half ends on the 15th, whatever its length.
        Part::Half(first) => {
            let month = length < 31;
            let middle = if month { from.checked_add(14.days()).ok()? } else { at(1, 2) };
            if first {
                (from, middle, format!("the first half of {label}"))
            } else {
                (middle.tomorrow().ok()?, to, format!("the second half of {label}"))
            }
        }
        Part::First(count, unit) => {
            let end = forward(from, i32::try_from(count).ok()?, unit).yesterday().ok()?;
            (from, end.min(to), format!("the first {} of {label}", amount(count, unit)))
        }
        Part::Last(count, unit) => {
            let begin = back(to.tomorrow().ok()?, i32::try_from(count).ok()?, unit);
            (begin.max(from), to, format!("the last {} of {label}", amount(count, unit)))
        }
        Part::Week => {
            let monday = unit_start(from, Unit::Week);
            (monday, monday.checked_add(6.days()).ok()?, format!("the week of {}", describe_day(monday)))
        }
        Part::WeekFrom => (from, from.checked_add(6.days()).ok()?, format!("the week from {label}")),
        Part::WeekTo => (to.checked_sub(6.days()).ok()?, to, format!("the week to {label}")),
    };
    Some(Bounds { from, to, label, assumed })
}

fn forward(day: Date, count: i32, unit: Unit) -> Date {
    match unit {
        Unit::Observation | Unit::Day => day.checked_add(count.days()).unwrap_or(Date::MAX),
        Unit::Week => day.checked_add(count.weeks()).unwrap_or(Date::MAX),
        _ => back(day, count.saturating_neg(), unit),
    }
}

/// "two weeks" as an answer says it.
fn amount(count: usize, unit: Unit) -> String {
    if count == 1 { name(unit).trim_end_matches('s').to_owned() } else { format!("{count} {}", name(unit)) }
}

fn stretch(stretch: Stretch, hint: Option<i16>, anchor: Date) -> Option<Bounds> {
    part_of(bounds(stretch.0, hint, anchor)?, stretch.1)
}

/// The end of a stretch as the beginning of a period: on a weekend the Friday before, since the period begins with the
/// last value of the stretch.
fn beginning(stretch: Stretch, bounds: &Bounds) -> Date {
    let back = match bounds.from.weekday() {
        Weekday::Saturday => 1,
        Weekday::Sunday => 2,
        _ => 0,
    };
    let moved = if stretch.1 == Part::End { bounds.from.checked_sub(back.days()).ok() } else { None };
    moved.unwrap_or(bounds.from)
}

fn range(from: Option<Date>, to: Option<Date>, label: String) -> Period {
    Period {
        kind: if from.is_some() && from == to { PeriodKind::Day } else { PeriodKind::Range },
        from,
        to,
        count: 0,
        label,
        assumed: None,
        certainty: 1.0,
    }
}

/// The days that an expression means. `anchor` is the day of the newest observation; "last", "current" and spans
/// without a year count from it. `None` when the expression names no day there is, or one that is still to come.
pub fn resolve(found: &Found, anchor: Date) -> Option<Period> {
    let newest = format!("counted from the newest observation, {}", describe_day(anchor));
    let mut relative = false;
    let mut year_assumed = false;
    let mut period = match found.expression {
        Expression::In(span, part) => {
            let whole = bounds(span, None, anchor)?;
            year_assumed = whole.assumed;
            let (from, to) = (Some(whole.from), Some(whole.to));
            let of = whole.label.clone();
            match part {
                Part::Start => Period { kind: PeriodKind::FirstOf, ..range(from, to, format!("the start of {of}")) },
                Part::End => Period { kind: PeriodKind::LastOf, ..range(from, to, format!("the end of {of}")) },
                Part::First(count, Unit::Observation) => Period {
                    kind: PeriodKind::FirstDays,
                    count,
                    ..range(from, to, format!("the first {} of {of}", amount(count, Unit::Observation)))
                },
                Part::Last(count, Unit::Observation) => Period {
                    kind: PeriodKind::LastDays,
                    count,
                    ..range(from, to, format!("the last {} of {of}", amount(count, Unit::Observation)))
                },
                part => {
                    let found = part_of(whole, part)?;
                    range(Some(found.from), Some(found.to), found.label)
                }
            }
        }
        Expression::Between(first, second) => {
            let hint = explicit_year(first.0).or(explicit_year(second.0));
            let last = stretch(second, hint, anchor)?;
            let start = stretch(first, explicit_year(first.0).or(hint).or(Some(last.from.year())), anchor)?;
            year_assumed = last.assumed;
            let label = format!("{} to {}", start.label, last.label);
            let from = beginning(first, &start);
            let (from, to) = if from <= last.to { (from, last.to) } else { (last.from, start.to) };
            range(Some(from), Some(to), label)
        }
        Expression::Since(at) => {
            let start = stretch(at, None, anchor)?;
            year_assumed = start.assumed;
            Period {
                kind: PeriodKind::Range,
                ..range(Some(beginning(at, &start)), None, format!("since {}", start.label))
            }
        }
        Expression::After(at) => {
            let start = stretch(at, None, anchor)?;
            year_assumed = start.assumed;
            range(start.to.tomorrow().ok(), None, format!("after {}", start.label))
        }
        Expression::Before(at) => {
            let end = stretch(at, None, anchor)?;
            year_assumed = end.assumed;
            range(None, end.from.yesterday().ok(), format!("before {}", end.label))
        }
        Expression::Until(at) => {
            let end = stretch(at, None, anchor)?;
            year_assumed = end.assumed;
            range(None, Some(end.to), format!("until {}", end.label))
        }
        Expression::To(count, unit, at) | Expression::Preceding(count, unit, at) => {
            let end = stretch(at, None, anchor)?;
            year_assumed = end.assumed;
            let inside = matches!(found.expression, Expression::To(..));
            let (to, word) = if inside { (end.to, "to") } else { (end.from.yesterday().ok()?, "before") };
            let label = format!("the {} {word} {}", amount(count, unit), end.label);
            if unit == Unit::Observation {
                Period { kind: PeriodKind::LastDays, count, ..range(None, Some(to), label) }
            } else {
                let from = back(to.tomorrow().ok()?, i32::try_from(count).unwrap_or(i32::MAX), unit);
                range(Some(from), Some(to), label)
            }
        }
        Expression::Following(count, unit, at) => {
            let begin = stretch(at, None, anchor)?;
            year_assumed = begin.assumed;
            let from = begin.to.tomorrow().ok()?;
            let label = format!("the {} after {}", amount(count, unit), begin.label);
            if unit == Unit::Observation {
                Period { kind: PeriodKind::FirstDays, count, ..range(Some(from), None, label) }
            } else {
                let to = forward(from, i32::try_from(count).unwrap_or(i32::MAX), unit).yesterday().ok()?;
                range(Some(from), Some(to), label)
            }
        }
        Expression::Last(count, Unit::Observation) => {
            relative = true;
            Period {
                kind: PeriodKind::Observations,
                count,
                ..range(None, None, format!("the last {}", amount(count, Unit::Observation)))
            }
        }
        Expression::Last(count, unit) => {
            relative = true;
            let from = back(anchor, i32::try_from(count).unwrap_or(i32::MAX), unit).tomorrow().ok();
            Period { kind: PeriodKind::Range, ..range(from, Some(anchor), format!("the last {}", amount(count, unit))) }
        }
        Expression::Previous(unit) => {
            relative = true;
            let end = unit_start(anchor, unit).yesterday().ok()?;
            let from = unit_start(end, unit);
            range(Some(from), Some(end), format!("{} to {}", describe_day(from), describe_day(end)))
        }
        Expression::Current(unit) => {
            relative = true;
            let from = unit_start(anchor, unit);
            Period {
                kind: PeriodKind::Range,
                ..range(Some(from), Some(anchor), format!("{} to {}", describe_day(from), describe_day(anchor)))
            }
        }
        Expression::Latest => {
            relative = true;
            Period { kind: PeriodKind::Latest, label: "the newest observation".into(), ..Period::unspecified() }
        }
        Expression::Ever => range(None, None, "everything learned".into()),
        Expression::Future => return None,
    };
    if relative {
        period.assumed = Some(newest);
    } else if year_assumed {
        period.assumed = Some(format!("the year is taken as the latest one; {newest}"));
        period.certainty = 0.95;
    }
    if found.guessed {
        period.assumed = Some("the date in digits is read as month/day/year".into());
        period.certainty = 0.85;
    }
    Some(period)
}

#[cfg(test)]
mod tests {
    use super::super::scan;
    use super::*;
    use crate::question::token::tokens;
    use jiff::civil::date;

    fn read(question: &str) -> (Option<String>, Option<String>) {
        let tokens = tokens(question);
        let found = scan(&tokens);
        assert_eq!(found.len(), 1, "{question}: {found:?}");
        let period = resolve(&found[0], date(2019, 6, 28)).unwrap();
        (period.from.map(|day| day.to_string()), period.to.map(|day| day.to_string()))
    }

    #[test]
    fn absolute_days_in_every_usual_writing() {
        for writing in [
            "2019-03-08",
            "3/8/2019",
            "2019/03/08",
            "8.3.2019",
            "March 8, 2019",
            "March 8 2019",
            "Mar 8, 2019",
            "8 March 2019",
            "8th of March 2019",
            "the 8th of March, 2019",
            "Friday, March 8, 2019",
            "March 8",
            "8 Mar",
            "March 8th, 2019",
            "8-Mar-2019",
        ] {
            assert_eq!(
                read(&format!("close of AAPL on {writing}?")),
                (Some("2019-03-08".into()), Some("2019-03-08".into())),
                "{writing}"
            );
        }
    }

    #[test]
    fn periods_by_name() {
        let cases = [
            ("in May 2019", "2019-05-01", "2019-05-31"),
            ("in 2019-05", "2019-05-01", "2019-05-31"),
            ("May of 2019", "2019-05-01", "2019-05-31"),
            ("Q2 2019", "2019-04-01", "2019-06-30"),
            ("2019 Q2", "2019-04-01", "2019-06-30"),
            ("2Q19", "2019-04-01", "2019-06-30"),
            ("the second quarter of 2019", "2019-04-01", "2019-06-30"),
            ("H1 2019", "2019-01-01", "2019-06-30"),
            ("the first half of 2019", "2019-01-01", "2019-06-30"),
            ("during 2018", "2018-01-01", "2018-12-31"),
            ("in November", "2018-11-01", "2018-11-30"),
            ("from January to March 2019", "2019-01-01", "2019-03-31"),
            ("January-March 2019", "2019-01-01", "2019-03-31"),
            ("between 2019-02-21 and March 19, 2019", "2019-02-21", "2019-03-19"),
            ("from Jan 5 to March 3, 2019", "2019-01-05", "2019-03-03"),
            ("March 4-8, 2019", "2019-03-04", "2019-03-08"),
            ("week of March 6, 2019", "2019-03-04", "2019-03-10"),
            ("last month", "2019-05-01", "2019-05-31"),
            ("this month", "2019-06-01", "2019-06-28"),
            ("year to date", "2019-01-01", "2019-06-28"),
            ("last quarter", "2019-01-01", "2019-03-31"),
            ("past 2 weeks", "2019-06-15", "2019-06-28"),
            ("the last three months", "2019-03-29", "2019-06-28"),
            ("last Tuesday", "2019-06-25", "2019-06-25"),
        ];
        for (writing, from, to) in cases {
            assert_eq!(read(&format!("AAPL {writing}")), (Some(from.into()), Some(to.into())), "{writing}");
        }
    }

    #[test]
    fn parts_of_periods_and_amounts_counted_to_a_day() {
        let cases = [
            ("in 2018Q4", "2018-10-01", "2018-12-31"),
            ("in Q4/2018", "2018-10-01", "2018-12-31"),
            ("in Q4-2018", "2018-10-01", "2018-12-31"),
            ("Q1 19", "2019-01-01", "2019-03-31"),
            ("in the first half of May 2019", "2019-05-01", "2019-05-15"),
            ("in the second half of May 2019", "2019-05-16", "2019-05-31"),
            ("over the last two weeks of May 2019", "2019-05-18", "2019-05-31"),
            ("in the first ten days of May 2019", "2019-05-01", "2019-05-10"),
            ("in the week ending June 7, 2019", "2019-06-01", "2019-06-07"),
            ("in the week beginning 3 June 2019", "2019-06-03", "2019-06-09"),
            ("over the 30 days to March 8, 2019", "2019-02-07", "2019-03-08"),
            ("2019-05-02..2019-05-10", "2019-05-02", "2019-05-10"),
            ("Sep-5-2018", "2018-09-05", "2018-09-05"),
            ("on the first Monday of May 2019", "2019-05-06", "2019-05-06"),
            ("two weeks ago", "2019-06-14", "2019-06-14"),
            ("between the 4th and the 8th of March 2019", "2019-03-04", "2019-03-08"),
            ("from the start of May to the end of May 2019", "2019-05-01", "2019-05-31"),
            ("in summer 2018", "2018-06-01", "2018-08-31"),
            ("20190308", "2019-03-08", "2019-03-08"),
        ];
        for (writing, from, to) in cases {
            assert_eq!(read(&format!("AAPL {writing}")), (Some(from.into()), Some(to.into())), "{writing}");
        }
        assert_eq!(scan(&tokens("AAPL next month"))[0].expression, Expression::Future);
        assert!(scan(&tokens("MAR volume")).is_empty());
        assert!(scan(&tokens("close above the previous day")).is_empty());
    }

    #[test]
    fn open_ends_and_counts() {
        assert_eq!(read("AAPL since March 2019"), (Some("2019-03-01".into()), None));
        assert_eq!(read("AAPL before March 2019"), (None, Some("2019-02-28".into())));
        let found = scan(&tokens("AAPL over the last 5 trading days"));
        assert_eq!(found[0].expression, Expression::Last(5, Unit::Observation));
        assert_eq!(scan(&tokens("52-week high"))[0].expression, Expression::Last(52, Unit::Week));
        assert_eq!(scan(&tokens("most recent close"))[0].expression, Expression::Latest);
    }

    #[test]
    fn words_and_amounts_that_only_look_like_time() {
        assert!(scan(&tokens("may I see the close of PSX?")).is_empty());
        assert!(scan(&tokens("close above 2000")).is_empty());
        assert!(scan(&tokens("close above $1900")).is_empty());
        assert!(scan(&tokens("Phillips 66 closing price")).is_empty());
        assert!(resolve(&scan(&tokens("on February 30, 2019"))[0], date(2019, 6, 28)).is_none());
    }
}
