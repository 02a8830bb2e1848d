//! Numbers as people and systems write them: "180.99", "$1,234.5", "12.3%", "1.2M", "(3.5)", "-4e-3", "USD 5 million".

use thiserror::Error;

/// A number and the unit written with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amount {
    /// The number, finite; of "12.3%" it is 12.3.
    pub value: f64,
    /// "USD", "percent"...; `None` when nothing was written.
    pub unit: Option<&'static str>,
}

/// Why a text is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// It has no form of a number.
    #[error("it is not a number")]
    NotANumber,
    /// It says NaN or infinity, or is too large.
    #[error("it is not a finite number")]
    NotFinite,
}

const CURRENCIES: &[(&str, &str)] = &[
    ("US$", "USD"),
    ("$", "USD"),
    ("\u{20ac}", "EUR"),
    ("\u{a3}", "GBP"),
    ("\u{20b9}", "INR"),
    ("USD", "USD"),
    ("EUR", "EUR"),
    ("GBP", "GBP"),
    ("INR", "INR"),
    ("JPY", "JPY"),
    ("CHF", "CHF"),
    ("CNY", "CNY"),
    ("CAD", "CAD"),
    ("AUD", "AUD"),
];

const UNITS: &[(&str, &str)] = &[
    ("%", "percent"),
    ("percent", "percent"),
    ("per cent", "percent"),
    ("pct", "percent"),
    ("bps", "basis points"),
    ("basis points", "basis points"),
    ("shares", "shares"),
    ("dollars", "USD"),
    ("euros", "EUR"),
];

/// Powers of ten by the words for them; the longest come first, so that "million" is not "m" and a rest.
const SCALES: &[(&str, i32)] = &[
    ("thousand", 3),
    ("trillion", 12),
    ("million", 6),
    ("billion", 9),
    ("mln", 6),
    ("bn", 9),
    ("tn", 12),
    ("mm", 6),
    ("k", 3),
    ("m", 6),
    ("b", 9),
    ("t", 12),
];

/// Reads a text that is one number. Commas (or apostrophes) must stand before groups of three digits, so that a decimal
/// comma is refused and not misread: "1,5" is no number, "1,500" is 1500.
pub fn parse(text: &str) -> Result<Amount, Unreadable> {
    let text = text.trim();
    if text.len() > 512 {
        return Err(Unreadable::NotANumber);
    }
    let (text, in_brackets) = match text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        Some(inner) => (inner.trim(), true),
        None => (text, false),
    };
    let (text, sign_before) = strip_sign(text);
    let (text, currency_before) = strip_currency(text);
    let (text, sign_after) = strip_sign(text);
    if (sign_before.is_some() && sign_after.is_some()) || (in_brackets && (sign_before.or(sign_after)).is_some()) {
        return Err(Unreadable::NotANumber);
    }
    if ["nan", "inf", "infinity", "\u{221e}"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Err(Unreadable::NotFinite);
    }
    let (digits, rest) = mantissa(text).ok_or(Unreadable::NotANumber)?;
    let (power, rest) = scale(rest);
    if power != 0 && digits.contains('e') {
        return Err(Unreadable::NotANumber);
    }
    let unit_after = match rest.trim() {
        "" => None,
        rest => Some(unit(rest).ok_or(Unreadable::NotANumber)?),
    };
    if currency_before.is_some() && unit_after.is_some() && currency_before != unit_after {
        return Err(Unreadable::NotANumber);
    }
    let decimal = if power == 0 { digits } else { format!("{digits}e{power}") };
    let magnitude: f64 = decimal.parse().map_err(|_| Unreadable::NotANumber)?;
    if !magnitude.is_finite() {
        return Err(Unreadable::NotFinite);
    }
    let negative = in_brackets || sign_before.or(sign_after) == Some(true);
    // A zero has no sign, however it was written.
    let value = if negative && magnitude != 0.0 { -magnitude } else { magnitude };
    Ok(Amount { value, unit: currency_before.or(unit_after) })
}

/// The text without a sign, and whether the sign was a minus.
fn strip_sign(text: &str) -> (&str, Option<bool>) {
    if let Some(rest) = text.strip_prefix(['-', '\u{2212}']) {
        (rest.trim_start(), Some(true))
    } else if let Some(rest) = text.strip_prefix('+') {
        (rest.trim_start(), Some(false))
    } else {
        (text, None)
    }
}

fn strip_currency(text: &str) -> (&str, Option<&'static str>) {
    CURRENCIES
        .iter()
        .find_map(|(symbol, unit)| Some((text.strip_prefix(symbol)?.trim_start(), Some(*unit))))
        .unwrap_or((text, None))
}

/// The digits at the start of a text in the form that Rust parses, and the rest of the text.
fn mantissa(text: &str) -> Option<(String, &str)> {
    let bytes = text.as_bytes();
    let digits_from = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = digits_from(0);
    let mut number = text[..at].to_owned();
    if let Some(&separator @ (b',' | b'\'')) = bytes.get(at)
        && (1..=3).contains(&at)
    {
        while bytes.get(at) == Some(&separator) {
            if digits_from(at + 1) != 3 {
                return None;
            }
            number.push_str(&text[at + 1..at + 4]);
            at += 4;
        }
    }
    if bytes.get(at) == Some(&b'.') {
        let decimals = digits_from(at + 1);
        number.push_str(&text[at..at + 1 + decimals]);
        at += 1 + decimals;
    }
    if !number.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent =
            bytes.get(at + 1 + sign..).map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_digit()).count());
        if exponent > 0 {
            let end = at + 1 + sign + exponent;
            number.push_str(&text[at..end].to_ascii_lowercase());
            at = end;
        }
    }
    Some((number, &text[at..]))
}

fn scale(rest: &str) -> (i32, &str) {
    let trimmed = rest.trim_start();
    for (word, power) in SCALES {
        if let Some(head) = trimmed.get(..word.len())
            && head.eq_ignore_ascii_case(word)
            && !trimmed[word.len()..].starts_with(char::is_alphanumeric)
        {
            return (*power, &trimmed[word.len()..]);
        }
    }
    (0, rest)
}

fn unit(text: &str) -> Option<&'static str> {
    let symbol = CURRENCIES.iter().find(|(symbol, _)| *symbol == text);
    symbol.or_else(|| UNITS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text))).map(|(_, unit)| *unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for (text, value, unit) in [
            ("180.99", 180.99, None),
            (" 37039700 ", 37_039_700.0, None),
            ("$1,234.5", 1234.5, Some("USD")),
            ("US$ 1,234,567.89", 1_234_567.89, Some("USD")),
            ("-$3", -3.0, Some("USD")),
            ("$-3", -3.0, Some("USD")),
            ("($3.50)", -3.5, Some("USD")),
            ("(3.5)", -3.5, None),
            ("\u{2212}4", -4.0, None),
            ("+7", 7.0, None),
            ("12.3%", 12.3, Some("percent")),
            ("12.3 percent", 12.3, Some("percent")),
            ("25 bps", 25.0, Some("basis points")),
            ("1.2M", 1_200_000.0, None),
            ("1.1m", 1_100_000.0, None),
            ("$4.56 billion", 4_560_000_000.0, Some("USD")),
            ("3bn EUR", 3_000_000_000.0, Some("EUR")),
            ("USD 5 million", 5_000_000.0, Some("USD")),
            ("2K shares", 2000.0, Some("shares")),
            ("1'234.5", 1234.5, None),
            (".5", 0.5, None),
            ("5.", 5.0, None),
            ("1e3", 1000.0, None),
            ("-4E-3", -0.004, None),
            ("-0", 0.0, None),
        ] {
            assert_eq!(parse(text), Ok(Amount { value, unit }), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "n/a",
            "N/A",
            "-",
            "--5",
            "-(5)",
            "+-5",
            "1,5",
            "1,50",
            "12,34,567",
            "1,2345",
            "1.2.3",
            "1 2",
            "abc",
            "$",
            "%",
            "5 apples",
            "0x10",
            "1e",
            "1e3M",
            "$5%",
            "five",
            ".",
            "1_000",
            "5 EUR USD",
        ] {
            assert_eq!(parse(text), Err(Unreadable::NotANumber), "{text:?}");
        }
        for text in ["NaN", "nan", "inf", "-Infinity", "1e999", "-1e400"] {
            assert_eq!(parse(text), Err(Unreadable::NotFinite), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_finite_number_is_read_back(value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO) {
            prop_assert_eq!(parse(&value.to_string()).map(|amount| amount.value), Ok(value));
            prop_assert_eq!(parse(&format!("{value:e}")).map(|amount| amount.value), Ok(value));
        }

        #[test]
        fn groups_and_brackets_change_nothing_else(whole in 0_u64..1_000_000_000_000, cents in 0_u32..100) {
            let plain = format!("{whole}.{cents:02}");
            let digits = whole.to_string();
            let mut grouped = String::new();
            for (place, digit) in digits.chars().enumerate() {
                if place > 0 && (digits.len() - place) % 3 == 0 {
                    grouped.push(',');
                }
                grouped.push(digit);
            }
            let value = plain.parse::<f64>().unwrap();
            prop_assert_eq!(parse(&format!("${grouped}.{cents:02}")), Ok(Amount { value, unit: Some("USD") }));
            let bracketed = parse(&format!("({grouped}.{cents:02})")).unwrap().value;
            prop_assert_eq!(bracketed.abs(), value);
            prop_assert!(bracketed <= 0.0);
        }

        #[test]
        fn any_text_is_safe(text in ".*|[-+($€0-9.,'eE)%MKbn ]{0,24}") {
            if let Ok(amount) = parse(&text) {
                prop_assert!(amount.value.is_finite());
            }
        }
    }
}
