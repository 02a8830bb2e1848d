//! From an expression of time to the days it means.

use super::*;

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
        Span::Day(year, ..) | Span::Month(year, _) | Span::Quarter(year, _) | Span::Half(year, _) => year,
        Span::Year(year) => Some(year),
        _ => None,
    }
}

/// The days that an expression means. `anchor` is the day of the newest observation; "last", "current" and spans
/// without a year count from it. `None` when the expression names no day there is.
pub fn resolve(found: &Found, anchor: Date) -> Option<Period> {
    let range = |from: Option<Date>, to: Option<Date>, label: String| Period {
        kind: if from.is_some() && from == to { PeriodKind::Day } else { PeriodKind::Range },
        from,
        to,
        count: 0,
        label,
        assumed: None,
        certainty: 1.0,
    };
    let newest = format!("counted from the newest observation, {}", describe_day(anchor));
    let mut relative = false;
    let mut year_assumed = false;
    let mut period = match found.expression {
        Expression::In(span, part) => {
            let whole = bounds(span, None, anchor)?;
            year_assumed = whole.assumed;
            let length = (whole.to - whole.from).get_days();
            let third = |thirds: i32| whole.from.checked_add((length * thirds / 3).days()).unwrap_or(whole.to);
            let (from, to) = (Some(whole.from), Some(whole.to));
            match part {
                Part::Whole => range(from, to, whole.label),
                Part::Start => {
                    Period { kind: PeriodKind::FirstOf, ..range(from, to, format!("the start of {}", whole.label)) }
                }
                Part::End => {
                    Period { kind: PeriodKind::LastOf, ..range(from, to, format!("the end of {}", whole.label)) }
                }
                Part::Early => range(from, Some(third(1)), format!("early {}", whole.label)),
                Part::Middle => range(Some(third(1)), Some(third(2)), format!("mid {}", whole.label)),
                Part::Late => range(Some(third(2)), to, format!("late {}", whole.label)),
                Part::Week => {
                    let monday = unit_start(whole.from, Unit::Week);
                    range(
                        Some(monday),
                        monday.checked_add(6.days()).ok(),
                        format!("the week of {}", describe_day(monday)),
                    )
                }
            }
        }
        Expression::Between(first, second) => {
            let hint = explicit_year(first).or(explicit_year(second));
            let last = bounds(second, hint, anchor)?;
            let start = bounds(first, explicit_year(first).or(hint).or(Some(last.from.year())), anchor)?;
            year_assumed = last.assumed;
            let (start, last) = if start.from <= last.to { (start, last) } else { (last, start) };
            range(Some(start.from), Some(last.to), format!("{} to {}", start.label, last.label))
        }
        Expression::Since(span) => {
            let start = bounds(span, None, anchor)?;
            year_assumed = start.assumed;
            Period { kind: PeriodKind::Range, ..range(Some(start.from), None, format!("since {}", start.label)) }
        }
        Expression::After(span) => {
            let start = bounds(span, None, anchor)?;
            year_assumed = start.assumed;
            range(start.to.tomorrow().ok(), None, format!("after {}", start.label))
        }
        Expression::Before(span) => {
            let end = bounds(span, None, anchor)?;
            year_assumed = end.assumed;
            range(None, end.from.yesterday().ok(), format!("before {}", end.label))
        }
        Expression::Until(span) => {
            let end = bounds(span, None, anchor)?;
            year_assumed = end.assumed;
            range(None, Some(end.to), format!("until {}", end.label))
        }
        Expression::Last(count, Unit::Observation) => {
            relative = true;
            Period {
                kind: PeriodKind::Observations,
                from: None,
                to: None,
                count,
                label: format!("the last {count} observed days"),
                assumed: None,
                certainty: 1.0,
            }
        }
        Expression::Last(count, unit) => {
            relative = true;
            let from = back(anchor, i32::try_from(count).unwrap_or(i32::MAX), unit).tomorrow().ok();
            let label = if count == 1 {
                format!("the last {}", name(unit).trim_end_matches('s'))
            } else {
                format!("the last {count} {}", name(unit))
            };
            Period { kind: PeriodKind::Range, ..range(from, Some(anchor), label) }
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
    use super::super::super::token::tokens;
    use super::*;
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
