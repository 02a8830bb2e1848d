use super::*;
use jiff::civil::date;
use proptest::prelude::*;

fn days(first: (i16, i8, i8), last: (i16, i8, i8)) -> (Date, Date) {
    (date(first.0, first.1, first.2), date(last.0, last.1, last.2))
}

#[test]
fn a_day_is_read_in_every_usual_form() {
    for text in [
        "2019-01-02",
        " 2019/1/2 ",
        "2019.01.02",
        "20190102",
        "2 January 2019",
        "2nd January 2019",
        "the 2nd of January 2019",
        "2nd of January, 2019",
        "02-Jan-2019",
        "2-jan-2019",
        "January 2, 2019",
        "January 2 2019",
        "Jan. 2nd, 2019",
        "JAN 2, 2019",
        "Jan-02-2019",
        "2019 January 2",
        "2019-Jan-02",
        "Wednesday, January 2, 2019",
        "Wed 2 Jan 2019",
        "02.01.2019",
    ] {
        assert_eq!(parse_day(text), Some(date(2019, 1, 2)), "{text:?}");
    }
    assert_eq!(parse_day("13/04/2019"), Some(date(2019, 4, 13)));
    assert_eq!(parse_day("4/13/2019"), Some(date(2019, 4, 13)));
    assert_eq!(parse_day("5/5/2019"), Some(date(2019, 5, 5)));
    assert_eq!(parse_day("Sept 30, 2019"), Some(date(2019, 9, 30)));
    assert_eq!(parse_day("29 February 2020"), Some(date(2020, 2, 29)));
}

#[test]
fn periods_are_read() {
    for (text, span, precision) in [
        ("January 2019", days((2019, 1, 1), (2019, 1, 31)), Precision::Month),
        ("Feb. 2020", days((2020, 2, 1), (2020, 2, 29)), Precision::Month),
        ("Feb '20", days((2020, 2, 1), (2020, 2, 29)), Precision::Month),
        ("the month of March 2019", days((2019, 3, 1), (2019, 3, 31)), Precision::Month),
        ("2019-03", days((2019, 3, 1), (2019, 3, 31)), Precision::Month),
        ("03/2019", days((2019, 3, 1), (2019, 3, 31)), Precision::Month),
        ("Q1 2019", days((2019, 1, 1), (2019, 3, 31)), Precision::Quarter),
        ("q4/2019", days((2019, 10, 1), (2019, 12, 31)), Precision::Quarter),
        ("2019Q2", days((2019, 4, 1), (2019, 6, 30)), Precision::Quarter),
        ("2019-Q2", days((2019, 4, 1), (2019, 6, 30)), Precision::Quarter),
        ("1Q19", days((2019, 1, 1), (2019, 3, 31)), Precision::Quarter),
        ("Q3'19", days((2019, 7, 1), (2019, 9, 30)), Precision::Quarter),
        ("the first quarter of 2019", days((2019, 1, 1), (2019, 3, 31)), Precision::Quarter),
        ("last quarter of 2019", days((2019, 10, 1), (2019, 12, 31)), Precision::Quarter),
        ("3rd quarter of the year 2019", days((2019, 7, 1), (2019, 9, 30)), Precision::Quarter),
        ("H1 2019", days((2019, 1, 1), (2019, 6, 30)), Precision::Half),
        ("second half of 2019", days((2019, 7, 1), (2019, 12, 31)), Precision::Half),
        ("last half of 2019", days((2019, 7, 1), (2019, 12, 31)), Precision::Half),
        ("2019", days((2019, 1, 1), (2019, 12, 31)), Precision::Year),
        ("calendar year 2019", days((2019, 1, 1), (2019, 12, 31)), Precision::Year),
        ("2019-01-02..2019-02-03", days((2019, 1, 2), (2019, 2, 3)), Precision::Range),
        ("2019-01-02/2019-02-03", days((2019, 1, 2), (2019, 2, 3)), Precision::Range),
        ("2019-01-02 to 2019-02-03", days((2019, 1, 2), (2019, 2, 3)), Precision::Range),
        ("from January 2019 until March 2019", days((2019, 1, 1), (2019, 3, 31)), Precision::Range),
        ("between 2018 and 2019", days((2018, 1, 1), (2019, 12, 31)), Precision::Range),
        ("2018-2019", days((2018, 1, 1), (2019, 12, 31)), Precision::Range),
        ("January to March 2019", days((2019, 1, 1), (2019, 3, 31)), Precision::Range),
        ("November to February 2020", days((2019, 11, 1), (2020, 2, 29)), Precision::Range),
        ("January 2 to March 5, 2019", days((2019, 1, 2), (2019, 3, 5)), Precision::Range),
        ("January 2-8, 2019", days((2019, 1, 2), (2019, 1, 8)), Precision::Range),
        ("2 to 8 January 2019", days((2019, 1, 2), (2019, 1, 8)), Precision::Range),
        ("Q1-Q3 2019", days((2019, 1, 1), (2019, 9, 30)), Precision::Range),
    ] {
        assert_eq!(parse_span(text), Ok(Span { first: span.0, last: span.1, precision }), "{text:?}");
    }
}

#[test]
fn what_is_no_time_is_refused_with_its_reason() {
    for (text, reason) in [
        ("", Unreadable::NotATime),
        ("n/a", Unreadable::NotATime),
        ("yesterday", Unreadable::NotATime),
        ("January", Unreadable::NotATime),
        ("not-a-date", Unreadable::NotATime),
        ("1.5", Unreadable::NotATime),
        ("20191", Unreadable::NotATime),
        ("FY2019", Unreadable::NotATime),
        ("2019-01-02 and more", Unreadable::NotATime),
        ("2019-02-30", Unreadable::NoSuchDay),
        ("2019-13-01", Unreadable::NoSuchDay),
        ("2019-13", Unreadable::NoSuchDay),
        ("20190230", Unreadable::NoSuchDay),
        ("31 April 2019", Unreadable::NoSuchDay),
        ("Q5 2019", Unreadable::NoSuchDay),
        ("29.02.2019", Unreadable::NoSuchDay),
        ("0000-01-01", Unreadable::NoSuchDay),
        ("03/04/2019", Unreadable::Ambiguous),
        ("Monday, January 2, 2019", Unreadable::WrongWeekday),
        ("2019-02-01..2019-01-01", Unreadable::Reversed),
    ] {
        assert_eq!(parse_span(text), Err(reason), "{text:?}");
    }
    assert_eq!(parse_span(&"2019 ".repeat(1000)), Err(Unreadable::NotATime));
}

#[test]
fn a_date_with_a_time_is_a_moment() {
    let four = "2019-01-02T16:00:00Z".parse::<Timestamp>().unwrap();
    for text in ["2019-01-02T16:00:00Z", "2019-01-02 16:00:00", "2019-01-02 11:00:00-05:00", "2019-01-02T18:00:00+02"] {
        assert_eq!(parse(text), Ok(When::Moment(four)), "{text:?}");
    }
    assert_eq!(parse("2019-01-02T25:00:00Z"), Err(Unreadable::NotATime));
    assert_eq!(parse("2019-01-02"), Ok(When::Days(Span::day(date(2019, 1, 2)))));
}

#[test]
fn times_are_found_in_running_text() {
    let found = |text: &str| find(text).iter().map(|found| text[found.range.clone()].to_owned()).collect::<Vec<_>>();
    assert_eq!(
        found(
            "Apple Inc. (AAPL) financial data for 2019-01-02: Stock opened at $154.89, volume 2,019 and 2000 shares."
        ),
        ["2019-01-02"]
    );
    assert_eq!(found("What was the close on January 2, 2019?"), ["January 2, 2019"]);
    assert_eq!(found("Compare Q1 2019 with Q2 2019."), ["Q1 2019", "Q2 2019"]);
    assert_eq!(found("from January 2019 to March 2019 it rose"), ["from January 2019 to March 2019"]);
    assert_eq!(found("It rose 2019.5 points, $2019, 2019% and COVID-19; on 2019-02-30 nothing."), Vec::<String>::new());
    assert_eq!(found("In 2018, sales grew (2017: less)."), ["2018", "2017"]);
    assert_eq!(found("He may 2019 march"), ["may 2019"]);
}

proptest! {
    #[test]
    fn every_day_is_read_back_from_every_form(offset in 0_i32..400_000) {
        let day = date(1000, 1, 1).checked_add(jiff::ToSpan::days(offset)).unwrap();
        let month = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
            "November", "December"][day.month() as usize - 1];
        let (year, number) = (day.year(), day.day());
        for text in [
            day.to_string(),
            format!("{number} {month} {year}"),
            format!("{month} {number}, {year}"),
            format!("{number:02}-{}-{year}", &month[..3]),
            format!("{number}.{}.{year}", day.month()),
        ] {
            prop_assert_eq!(parse_day(&text), Some(day), "{}", text);
        }
    }

    #[test]
    fn any_text_is_safe(text in ".*|[0-9QqHh'./ ,a-z-]{0,40}|((jan|march|2019|1|31|q1|to|-|and|between|the|of|first|half) ?){0,8}") {
        let _ = parse(&text);
        for found in find(&text) {
            prop_assert!(found.span.first <= found.span.last);
            prop_assert!(!text[found.range].is_empty());
        }
    }
}
