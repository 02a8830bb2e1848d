//! Learning daily price bars.

use super::batch::{self, Item};
use super::failure::Place;
use super::json::Json;
use super::{check_length, raise_null, reserve};
use crate::error::raise;
use crate::types::concept_id::ConceptId;
use pgrx::datum::Date;
use pgrx::prelude::*;
use sutra_knowledge::names;
use sutra_knowledge::ohlcv::{Bar, Impossible};

/// Learns one bar.
#[pg_extern]
#[allow(clippy::too_many_arguments)]
fn sutra_learn_ohlcv(
    company: Option<&str>,
    ticker: Option<&str>,
    day: Option<Date>,
    open: Option<f64>,
    high: Option<f64>,
    low: Option<f64>,
    close: Option<f64>,
    volume: Option<f64>,
) -> ConceptId {
    let place = Place { position: 1, shown: false };
    let told = Told::new(place, company, ticker, day, [open, high, low, close, volume]);
    learn(&[told]).into_iter().next().unwrap_or_else(|| error!("nothing was learned"))
}

/// Learns many bars, the n-th elements of the arrays being one.
#[pg_extern]
#[allow(clippy::too_many_arguments)]
fn sutra_learn_ohlcv_batch(
    company: Option<Array<'_, &str>>,
    ticker: Option<Array<'_, &str>>,
    day: Option<Array<'_, Date>>,
    open: Option<Array<'_, f64>>,
    high: Option<Array<'_, f64>>,
    low: Option<Array<'_, f64>>,
    close: Option<Array<'_, f64>>,
    volume: Option<Array<'_, f64>>,
) -> SetOfIterator<'static, ConceptId> {
    fn given<T>(array: Option<T>, name: &str) -> T {
        array.unwrap_or_else(|| raise_null(name, Place { position: 1, shown: false }))
    }
    let (company, ticker, day) = (given(company, "company"), given(ticker, "ticker"), given(day, "day"));
    let names = ["open", "high", "low", "close", "volume"];
    let arrays = [open, high, low, close, volume];
    let mut numbers = arrays.into_iter().zip(names).map(|(array, name)| (given(array, name), name)).collect::<Vec<_>>();
    check_length("ticker", Some(ticker.len()), "company", company.len());
    check_length("day", Some(day.len()), "company", company.len());
    for (array, name) in &numbers {
        check_length(name, Some(array.len()), "company", company.len());
    }
    let mut columns: Vec<_> = numbers.iter_mut().map(|(array, _)| array.iter()).collect();
    let mut bars = Vec::new();
    reserve(&mut bars, company.len());
    for (index, ((company, ticker), day)) in company.iter().zip(ticker.iter()).zip(day.iter()).enumerate() {
        let mut values = [None; 5];
        for (value, column) in values.iter_mut().zip(&mut columns) {
            *value = column.next().flatten();
        }
        bars.push(Told::new(Place { position: index + 1, shown: true }, company, ticker, day, values));
    }
    SetOfIterator::new(learn(&bars))
}

/// A bar in words.
struct Told {
    name: String,
    sentence: String,
    metadata: String,
    place: Place,
}

impl Told {
    fn new(
        place: Place,
        company: Option<&str>,
        ticker: Option<&str>,
        day: Option<Date>,
        values: [Option<f64>; 5],
    ) -> Told {
        let (company, ticker) = (checked_name("company", company, place), checked_name("ticker", ticker, place));
        let ticker = ticker.to_uppercase();
        let day = checked_day(day.unwrap_or_else(|| raise_null("day", place)), place);
        let names = ["open", "high", "low", "close", "volume"];
        let mut numbers = [0.0; 5];
        for ((number, value), name) in numbers.iter_mut().zip(values).zip(names) {
            *number = value.unwrap_or_else(|| raise_null(name, place));
        }
        let [open, high, low, close, volume] = numbers;
        let bar = Bar { day, open, high, low, close, volume };
        if let Err(impossible) = bar.check() {
            raise_impossible(impossible, place, &ticker, &bar);
        }
        let metadata = match names::looks_like_ticker(&ticker) {
            true => bar.metadata(&ticker),
            false => bar.metadata_with_ticker(&ticker),
        };
        Told { sentence: bar.sentence(&company, &ticker), metadata, name: company, place }
    }
}

fn learn(bars: &[Told]) -> Vec<ConceptId> {
    let mut items = Vec::new();
    reserve(&mut items, bars.len());
    items.extend(bars.iter().map(|bar| Item {
        content: &bar.sentence,
        metadata: Some(Json::from_text(&bar.metadata)),
        name: Some(&bar.name),
        embedding: None,
        place: bar.place,
    }));
    batch::learn(&items)
}

fn checked_name(what: &str, name: Option<&str>, place: Place) -> String {
    let name = sutra_knowledge::identity::normalise(name.unwrap_or_else(|| raise_null(what, place)));
    let longest = sutra_knowledge::metadata::LONGEST_NAME;
    if name.is_empty() || name.len() > longest {
        raise(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("{what} is {}", if name.is_empty() { "blank" } else { "too long" }),
            &place.detail(&format!("It must have 1 to {longest} bytes.")),
            "Pass the name and the ticker that the bar is known under.",
        );
    }
    name
}

fn checked_day(day: Date, place: Place) -> jiff::civil::Date {
    let civil = || {
        let (year, month) = (i16::try_from(day.year()).ok()?, i8::try_from(day.month()).ok()?);
        jiff::civil::Date::new(year, month, i8::try_from(day.day()).ok()?).ok()
    };
    // The sentence and the metadata write four digits of the year.
    match day.is_finite().then(civil).flatten().filter(|day| (1000..=9998).contains(&day.year())) {
        Some(day) => day,
        None => raise(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "day is out of range",
            &place.detail("A bar is of a day in the years 1000 to 9998."),
            "Pass the day of trading.",
        ),
    }
}

fn raise_impossible(impossible: Impossible, place: Place, ticker: &str, bar: &Bar) -> ! {
    raise(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        format!("no price bar can be so: {impossible}"),
        &place.detail(&format!(
            "{ticker} on {}: open {}, high {}, low {}, close {}, volume {}.",
            bar.day, bar.open, bar.high, bar.low, bar.close, bar.volume
        )),
        "Prices and volume are finite and not negative, and high is not below low.",
    )
}
