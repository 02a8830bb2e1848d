//! Questions that nobody means: whatever the text, there is an answer or an abstention, in bounded time, without a panic.

#[path = "support/mod.rs"]
mod support;

use proptest::prelude::*;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use support::Memory;
use sutra_knowledge::answer::{Kind, answer};
use sutra_knowledge::question::understand;

/// What makes questions, in any order: names, times, operations, numbers, symbols.
const PIECES: [&str; 72] = [
    "AAPL",
    "Apple",
    "apple's",
    "Bravo",
    "BRVO",
    "Energy",
    "sector",
    "close",
    "closing price",
    "volume",
    "open",
    "high",
    "low",
    "highest",
    "lowest",
    "average",
    "total",
    "median",
    "trend",
    "volatility",
    "correlation",
    "compare",
    "which",
    "company",
    "what",
    "was",
    "when",
    "how many",
    "how much",
    "days",
    "did",
    "above",
    "below",
    "more than",
    "$200",
    "2,000,000",
    "5%",
    "1e308",
    "-1",
    "0",
    "2019-01-02",
    "January 2019",
    "Q1 2019",
    "2019-02-30",
    "31.12.2019",
    "since",
    "before",
    "from",
    "to",
    "between",
    "and",
    "or",
    "not",
    "except",
    "last",
    "5",
    "99999999999999999999",
    "trading days",
    "first half",
    "of",
    "in",
    "on",
    "the",
    "?",
    ",",
    ".",
    "(",
    "'",
    "\u{2019}s",
    "why",
    "related to",
    "top 3",
];

static STORE: LazyLock<Memory> = LazyLock::new(|| {
    let mut store = Memory::new();
    for (name, ticker, sector) in [("Apple Inc.", "AAPL", "Technology"), ("Bravo Oil", "BRVO", "Energy")] {
        let profile =
            format!(r#"{{"company": "{ticker}", "name": "{name}", "sector": "{sector}", "data_type": "profile"}}"#);
        store.learn(&format!("{name} ({ticker}) is a company in the {sector} sector."), &profile);
        for day in 2..30 {
            let price = 100.0 + f64::from(day * day % 17);
            let bar = format!(
                r#"{{"company": "{ticker}", "date": "2019-01-{day:02}", "price_open": {price}, "price_high": {price},
                    "price_low": {price}, "price_close": {price}, "price_volume": {}}}"#,
                day * 1000
            );
            store.learn(&format!("{name} closed at {price} on 2019-01-{day:02}."), &bar);
        }
    }
    store
});

/// Asks, and holds what is true of every answer.
fn ask(question: &str) -> Result<(), TestCaseError> {
    let plan = understand(question, &*STORE);
    let rows = answer(question, &plan, &*STORE, 10, 0.0);
    prop_assert!(!rows.is_empty() && rows.len() <= 10, "{} rows", rows.len());
    prop_assert!((0.0..=1.0).contains(&plan.understood));
    for row in &rows {
        prop_assert!(!row.answer.trim().is_empty());
        prop_assert!((0.0..=1.0).contains(&row.confidence), "confidence {}", row.confidence);
        prop_assert!(row.kind == Kind::Abstention || !row.evidence.is_empty(), "no evidence: {}", row.answer);
    }
    let strict = answer(question, &plan, &*STORE, 10, 0.9);
    for row in strict.iter().filter(|row| row.kind != Kind::Abstention) {
        prop_assert!(row.confidence >= 0.9);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_is_answered_or_declined(question in any::<String>()) {
        ask(&question)?;
    }

    #[test]
    fn any_order_of_the_words_of_questions_is_answered_or_declined(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 1..24), glue in prop::sample::select(vec![" ", "", "\n", ", "]),
    ) {
        ask(&pieces.join(glue))?;
    }

    #[test]
    fn any_script_between_the_words_is_answered_or_declined(
        pieces in prop::collection::vec(prop_oneof![prop::sample::select(&PIECES[..]).prop_map(str::to_owned), "\\PC{1,6}", "[\u{0}-\u{1f}\u{300}-\u{36f}\u{202a}-\u{202e}\u{1f300}-\u{1f64f}]{1,4}"], 1..12),
    ) {
        ask(&pieces.join(" "))?;
    }
}

#[test]
fn the_time_for_a_long_question_grows_with_its_length() {
    let unit = [
        "What did Apple close at on 2019-01-04? ",
        "close above ",
        "(",
        "\u{10d}\u{301}x ",
        "12 ",
        "Apple's ",
        "a.b.c.d.",
    ];
    for unit in unit {
        let time = |repeats: usize| {
            let question = unit.repeat(repeats);
            (0..3)
                .map(|_| {
                    let started = Instant::now();
                    ask(&question).unwrap();
                    started.elapsed()
                })
                .min()
                .unwrap()
        };
        // A hundred times the text takes at most a few hundred times the time: nothing grows with its square.
        let (short, long) = (time(1000), time(100_000));
        assert!(long < short * 300 + Duration::from_millis(250), "{unit:?}: {short:?} and {long:?}");
        assert!(long < Duration::from_secs(10), "{unit:?}: {long:?}");
    }
}

#[test]
fn a_name_of_endless_words_is_no_typing_error() {
    let word = |letter: &str| format!("{}{}", letter.to_uppercase(), letter.repeat(4_000));
    ask(&format!("close of {} {} on 2019-01-04", word("b"), word("\u{17e}"))).unwrap();
    // A copy of the name for each letter that may be missing would be 64 MB, to be sent to the server.
    let asked = STORE.most_asked();
    assert!(asked < 4 << 20, "{asked} bytes of names were looked up at once");
}
