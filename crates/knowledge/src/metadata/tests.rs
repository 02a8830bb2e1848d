use super::*;
use proptest::prelude::*;

fn roles() -> Roles {
    let mut keys = HashMap::new();
    for (key, role) in [
        ("company", Role::Company),
        ("ticker", Role::Ticker),
        ("name", Role::Name),
        ("date", Role::Date),
        ("timestamp", Role::Date),
        ("period", Role::Period),
        ("price_close", Role::Metric(Some("close".into()))),
        ("close", Role::Metric(Some("close".into()))),
        ("margin", Role::Metric(None)),
        ("sector", Role::Fact { relation: "sector".into(), kind: "hierarchical".into() }),
        ("source", Role::Ignore),
    ] {
        keys.insert(key.to_owned(), role);
    }
    Roles { keys, units: HashMap::from([("close".to_owned(), "USD".to_owned())]) }
}

fn reading(json: &str) -> Result<Reading, Problem> {
    read("A statement.", &entries(json)?, &roles(), None)
}

fn aliases(subject: &Subject) -> Vec<(&'static str, &str)> {
    subject.aliases.iter().map(|alias| (alias.kind.as_str(), alias.key.as_str())).collect()
}

#[test]
fn a_bar_gives_subject_day_and_numbers() {
    let json = r#"{"company": "AAPL", "date": "2019-01-02", "price_close": "157.92", "margin": "12.5%", "shares_sold": 7,
                   "source": "12", "cik": "0000320193"}"#;
    let reading =
        read("Apple Inc. (AAPL) financial data for 2019-01-02", &entries(json).unwrap(), &roles(), None).unwrap();
    assert_eq!(reading.subjects.len(), 1);
    assert_eq!(reading.subjects[0].canonical, "AAPL");
    assert_eq!(aliases(&reading.subjects[0]), [("ticker", "aapl"), ("name", "apple inc"), ("short", "apple")]);
    let day = |text: &str| text.parse::<Timestamp>().unwrap();
    assert_eq!(reading.observed, Some((day("2019-01-02T00:00:00Z"), day("2019-01-03T00:00:00Z"))));
    assert_eq!(reading.at, Some(day("2019-01-02T00:00:00Z")));
    let told: Vec<_> = reading.observations.iter().map(|o| (o.metric.as_str(), o.value, o.unit.as_deref())).collect();
    assert_eq!(told, [("close", 157.92, Some("USD")), ("margin", 12.5, Some("percent")), ("shares_sold", 7.0, None)]);
}

#[test]
fn subjects_are_told_from_ticker_and_name() {
    let canonical = |json: &str| {
        reading(json).unwrap().subjects.iter().map(|subject| subject.canonical.clone()).collect::<Vec<_>>()
    };
    assert_eq!(canonical(r#"{"company": "AAPL", "name": "Apple Inc."}"#), ["AAPL"]);
    assert_eq!(canonical(r#"{"company": "Apple Inc.", "ticker": "aapl"}"#), ["AAPL"]);
    assert_eq!(canonical(r#"{"company": " Apple  Inc. "}"#), ["Apple Inc."]);
    assert_eq!(canonical(r#"{"company": "Apple Inc.", "name": "Apple"}"#), ["Apple"]);
    assert_eq!(canonical(r#"{"name": "Apple"}"#), ["Apple"]);
    assert_eq!(canonical(r#"{"company": ["AAPL", "MSFT"]}"#), ["AAPL", "MSFT"]);
    assert_eq!(canonical(r#"{"company": ["Apple Inc.", "MSFT"]}"#), ["MSFT", "Apple Inc."]);
    assert_eq!(canonical(r#"{"company": "META", "ticker": "FB"}"#), ["FB"]);
    assert_eq!(canonical(r#"{"company": null, "date": "2019"}"#), [""; 0]);
    let profile = reading(r#"{"company": "AAPL", "name": "Apple Inc.", "sector": "Information Technology"}"#).unwrap();
    assert_eq!(profile.facts.len(), 1);
    assert_eq!(profile.facts[0].value, "Information Technology");
    assert_eq!(profile.subjects[0].name.as_deref(), Some("Apple Inc."));
}

#[test]
fn a_name_known_otherwise_goes_before_the_one_in_the_content() {
    let entries = entries(r#"{"company": "EBAY", "date": "2019-01-02"}"#).unwrap();
    let reading = read("The eBay (EBAY) share", &entries, &roles(), Some("eBay Inc.")).unwrap();
    assert_eq!(aliases(&reading.subjects[0]), [("ticker", "ebay"), ("name", "ebay inc"), ("short", "ebay")]);
}

#[test]
fn the_period_of_a_number_goes_before_its_date() {
    let reading = reading(r#"{"company": "AAPL", "date": "2019-04-25", "period": "Q1 2019", "margin": 3}"#).unwrap();
    assert_eq!(reading.at, Some("2019-03-31T00:00:00Z".parse().unwrap()));
    let start = reading.observed.unwrap().0;
    assert_eq!(start, "2019-01-01T00:00:00Z".parse::<Timestamp>().unwrap());
}

#[test]
fn a_moment_on_the_day_is_the_more_exact_time() {
    let json = r#"{"company": "AAPL", "date": "2019-04-25", "timestamp": "2019-04-25T16:00:00Z", "margin": 3}"#;
    assert_eq!(reading(json).unwrap().at, Some("2019-04-25T16:00:00Z".parse().unwrap()));
}

#[test]
fn numbers_need_a_subject_and_a_time() {
    for json in [r#"{"company": "AAPL", "price_close": 3}"#, r#"{"date": "2019-01-02", "price_close": 3}"#, "{}"] {
        assert_eq!(reading(json).unwrap().observations, [], "{json}");
    }
}

#[test]
fn nothing_unreadable_is_skipped() {
    let key = |key: &str| key.to_owned();
    for (json, problem) in [
        ("[1]", Problem::NotAnObject("array")),
        ("3", Problem::NotAnObject("number")),
        (
            r#"{"date": "soon"}"#,
            Problem::NotATime { key: key("date"), value: "soon".into(), reason: date::Unreadable::NotATime },
        ),
        (
            r#"{"Date": "2019-02-30"}"#,
            Problem::NotATime { key: key("Date"), value: "2019-02-30".into(), reason: date::Unreadable::NoSuchDay },
        ),
        (
            r#"{"date": 20190102}"#,
            Problem::WrongType { key: key("date"), wanted: "a string that is a date", found: "number" },
        ),
        (
            r#"{"price_close": "n/a"}"#,
            Problem::NotANumber {
                key: key("price_close"),
                value: "n/a".into(),
                reason: crate::number::Unreadable::NotANumber,
            },
        ),
        (
            r#"{"price_close": "NaN"}"#,
            Problem::NotANumber {
                key: key("price_close"),
                value: "NaN".into(),
                reason: crate::number::Unreadable::NotFinite,
            },
        ),
        (
            r#"{"price_close": 1e999}"#,
            Problem::NotANumber {
                key: key("price_close"),
                value: "1e999".into(),
                reason: crate::number::Unreadable::NotFinite,
            },
        ),
        (
            r#"{"price_close": true}"#,
            Problem::WrongType {
                key: key("price_close"),
                wanted: "a number, or a string that is one",
                found: "boolean",
            },
        ),
        (r#"{"company": " "}"#, Problem::Blank { key: key("company") }),
        (r#"{"company": ["AAPL", "MSFT"], "price_close": 3}"#, Problem::WhoseNumber { key: key("price_close") }),
        (
            r#"{"date": "2019-01-02", "timestamp": "2019-01-03T00:00:00Z"}"#,
            Problem::TwoTimes { first: key("date"), second: key("timestamp") },
        ),
        (
            r#"{"close": 1, "price_close": 2}"#,
            Problem::TwoValues { first: key("close"), second: key("price_close"), metric: "close".into() },
        ),
    ] {
        assert_eq!(reading(json), Err(problem), "{json}");
    }
    let long = format!(r#"{{"company": "{}"}}"#, "x".repeat(LONGEST_NAME + 1));
    assert_eq!(reading(&long), Err(Problem::TooLong { key: key("company") }));
}

proptest! {
    #[test]
    fn any_object_is_read_or_refused(
        pairs in proptest::collection::btree_map("company|name|date|period|price_close|sector|[a-z]{1,3}", ".*|[0-9]{1,4}", 0..6),
        content in ".*",
    ) {
        let json = serde_json::to_string(&pairs).unwrap();
        if let Ok(reading) = read(&content, &entries(&json).unwrap(), &roles(), None) {
            for observation in &reading.observations {
                prop_assert!(observation.value.is_finite());
            }
            for alias in reading.subjects.iter().flat_map(|subject| &subject.aliases) {
                prop_assert_eq!(&names::key(&alias.text), &alias.key);
                prop_assert!(!alias.key.is_empty());
            }
        }
    }
}
