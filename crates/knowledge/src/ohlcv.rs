//! A daily price bar as a sentence and its metadata.

use jiff::civil::Date;
use serde_json::{Map, Value, json};
use thiserror::Error;

/// Open, high, low and close price and traded volume of one day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// The day.
    pub day: Date,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Shares traded.
    pub volume: f64,
}

/// What no bar can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Impossible {
    /// NaN or infinite.
    #[error("{0} is not a finite number")]
    NotFinite(&'static str),
    /// Less than zero.
    #[error("{0} is negative")]
    Negative(&'static str),
    /// High and low are exchanged.
    #[error("high is below low")]
    HighBelowLow,
}

impl Bar {
    /// Checks what holds for every bar. An opening or closing price outside the range is let through: real sources
    /// round the four prices apart.
    pub fn check(&self) -> Result<(), Impossible> {
        let fields = [
            ("open", self.open),
            ("high", self.high),
            ("low", self.low),
            ("close", self.close),
            ("volume", self.volume),
        ];
        for (name, value) in fields {
            if !value.is_finite() {
                return Err(Impossible::NotFinite(name));
            }
            if value < 0.0 {
                return Err(Impossible::Negative(name));
            }
        }
        if self.high < self.low {
            return Err(Impossible::HighBelowLow);
        }
        Ok(())
    }

    /// The bar as a sentence.
    pub fn sentence(&self, company: &str, ticker: &str) -> String {
        format!(
            "{company} ({ticker}) financial data for {}: Stock opened at ${}, closed at ${}, with high of ${} and low of \
             ${}. Trading volume was {} shares.",
            self.day,
            price(self.open),
            price(self.close),
            price(self.high),
            price(self.low),
            grouped(&volume(self.volume)),
        )
    }

    /// The bar as metadata.
    pub fn metadata(&self, ticker: &str) -> String {
        Value::Object(self.entries(ticker)).to_string()
    }

    /// The bar as metadata that say of the company that it is a ticker, for one that does not look like one.
    pub fn metadata_with_ticker(&self, ticker: &str) -> String {
        let mut entries = self.entries(ticker);
        entries.insert("ticker".to_owned(), json!(ticker));
        Value::Object(entries).to_string()
    }

    fn entries(&self, ticker: &str) -> Map<String, Value> {
        let mut entries = Map::new();
        for (key, value) in [
            ("source", "financial_market_data".to_owned()),
            ("company", ticker.to_owned()),
            ("date", self.day.to_string()),
            ("data_type", "daily_ohlcv".to_owned()),
            ("price_open", price(self.open)),
            ("price_high", price(self.high)),
            ("price_low", price(self.low)),
            ("price_close", price(self.close)),
            ("price_volume", volume(self.volume)),
        ] {
            entries.insert(key.to_owned(), json!(value));
        }
        entries
    }
}

/// A price with the digits it has, at least two of them after the point.
fn price(value: f64) -> String {
    let exact = value.to_string();
    match exact.split_once('.') {
        Some((_, decimals)) if decimals.len() >= 2 => exact,
        _ => format!("{value:.2}"),
    }
}

/// A volume, without decimals where it is whole.
fn volume(value: f64) -> String {
    // Adding zero turns a negative zero into zero.
    (value + 0.0).to_string()
}

/// Digits with commas between thousands.
fn grouped(number: &str) -> String {
    let (whole, decimals) = number.split_at(number.find('.').unwrap_or(number.len()));
    let mut grouped = String::with_capacity(number.len() * 4 / 3 + 1);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + decimals
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    const BAR: Bar =
        Bar { day: date(2019, 1, 3), open: 143.98, high: 145.72, low: 142.0, close: 142.19, volume: 91_312_200.0 };

    #[test]
    fn a_bar_is_told_as_the_reference_tells_it() {
        assert_eq!(
            BAR.sentence("Apple Inc.", "AAPL"),
            "Apple Inc. (AAPL) financial data for 2019-01-03: Stock opened at $143.98, closed at $142.19, with high of \
             $145.72 and low of $142.00. Trading volume was 91,312,200 shares."
        );
        let metadata: Value = serde_json::from_str(&BAR.metadata("AAPL")).unwrap();
        assert_eq!(
            metadata,
            json!({"source": "financial_market_data", "company": "AAPL", "date": "2019-01-03", "data_type": "daily_ohlcv",
                "price_open": "143.98", "price_high": "145.72", "price_low": "142.00", "price_close": "142.19",
                "price_volume": "91312200"})
        );
    }

    #[test]
    fn digits_are_kept() {
        let told = |value: f64| (price(value), grouped(&volume(value)));
        assert_eq!(told(0.12345), ("0.12345".into(), "0.12345".into()));
        assert_eq!(told(-0.0), ("-0.00".into(), "0".into()));
        assert_eq!(told(1234.5), ("1234.50".into(), "1,234.5".into()));
        assert_eq!(told(100.0), ("100.00".into(), "100".into()));
    }

    #[test]
    fn impossible_bars_are_told_apart() {
        for (bar, expected) in [
            (Bar { open: f64::NAN, ..BAR }, Impossible::NotFinite("open")),
            (Bar { volume: f64::INFINITY, ..BAR }, Impossible::NotFinite("volume")),
            (Bar { low: -1.0, ..BAR }, Impossible::Negative("low")),
            (Bar { high: 1.0, ..BAR }, Impossible::HighBelowLow),
        ] {
            assert_eq!(bar.check(), Err(expected));
        }
        assert_eq!(BAR.check(), Ok(()));
        // Three in 600,000 real bars open or close a cent outside their range; that is the source's rounding.
        assert_eq!(Bar { open: BAR.high + 0.01, ..BAR }.check(), Ok(()));
    }

    proptest! {
        #[test]
        fn a_price_reads_back_as_the_same_number(value in 0.0..1e12_f64) {
            prop_assert_eq!(price(value).parse::<f64>(), Ok(value));
            let shown = crate::number::parse(&grouped(&volume(value))).map(|amount| amount.value);
            prop_assert_eq!(shown, Ok(value));
        }
    }
}
