//! Numbers, days and names as answers write them.

use crate::question::link::Link;
use crate::question::time;
use crate::store::{self, Entity};

/// Digits in groups of three, with so many decimals: "1,640.55".
pub fn grouped(value: f64, decimals: usize) -> String {
    let written = format!("{:.*}", decimals, value.abs());
    let (whole, fraction) = written.split_once('.').unwrap_or((&written, ""));
    let mut digits = String::with_capacity(written.len() + whole.len() / 3 + 1);
    // A value that rounds to zero has no sign.
    if value < 0.0 && written.bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
        digits.push('-');
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            digits.push(',');
        }
        digits.push(digit);
    }
    if !fraction.is_empty() {
        digits.push('.');
        digits.push_str(fraction);
    }
    digits
}

/// A number with as many decimals as say something.
pub fn number(value: f64) -> String {
    let decimals = match value.abs() {
        size if value.fract() == 0.0 && size < 1e15 => 0,
        size if size >= 10_000.0 => 0,
        size if size >= 1.0 => 2,
        size if size >= 0.01 => 4,
        _ => 6,
    };
    grouped(value, decimals)
}

/// A value with its unit: "$46.84", "37,039,700 shares", "-12.48%", "21.5 °C".
pub fn quantity(value: f64, unit: Option<&str>) -> String {
    match unit {
        None | Some("") => number(value),
        Some("percent") => format!("{}%", grouped(value, 2)),
        Some("USD") => {
            let decimals = if value != 0.0 && value.abs() < 0.1 { 4 } else { 2 };
            let sign = if value < 0.0 { "-" } else { "" };
            format!("{sign}${}", grouped(value.abs(), decimals))
        }
        Some(unit) => format!("{} {unit}", number(value)),
    }
}

/// A change with its sign: "+3.71%".
pub fn signed_percent(value: f64) -> String {
    let written = grouped(value, 2);
    if value > 0.0 && !written.starts_with('-') { format!("+{written}%") } else { format!("{written}%") }
}

/// The day of a moment: "28 June 2019".
pub fn day(at: i64) -> String {
    time::describe_day(store::day_of(at))
}

/// The day of a moment as `value` holds it: "2019-06-28".
pub fn iso(at: i64) -> String {
    store::day_of(at).to_string()
}

/// An entity as a sentence begins: "Apple Inc. (AAPL)".
pub fn entity(entity: &Entity) -> String {
    match &entity.title {
        Some(title) if *title != entity.name => format!("{title} ({})", entity.name),
        _ => entity.name.clone(),
    }
}

/// "second", "3rd": a place in an order.
pub fn ordinal(place: usize) -> String {
    const WORDS: [&str; 10] =
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
    if let Some(word) = place.checked_sub(1).and_then(|index| WORDS.get(index)) {
        return (*word).to_owned();
    }
    let ending = match (place % 100, place % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{place}{ending}")
}

/// A group by the values that make it up: "Diversified Banks and Regional Banks".
pub fn group(link: &Link) -> String {
    let values: Vec<String> = std::iter::once(&link.entity).chain(&link.also).map(entity).collect();
    list(&values)
}

/// "A", "A and B", "A, B and C".
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// A period as it follows a verb: "in June 2019", "on 3 June 2019", "over the last 5 observed days".
pub fn during(label: &str, one_day: bool) -> String {
    if one_day {
        format!("on {label}")
    } else if ["since ", "before ", "after ", "until "].iter().any(|open| label.starts_with(open)) {
        label.to_owned()
    } else if label.contains(" to ") {
        format!("from {label}")
    } else if label.starts_with("the last") || label.starts_with("everything") {
        format!("over {label}")
    } else {
        format!("in {label}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_grouped_and_carry_their_unit() {
        assert_eq!(quantity(1640.55, Some("USD")), "$1,640.55");
        assert_eq!(quantity(-0.5, Some("USD")), "-$0.50");
        assert_eq!(quantity(37_039_700.0, Some("shares")), "37,039,700 shares");
        assert_eq!(quantity(-12.480_5, Some("percent")), "-12.48%");
        assert_eq!(quantity(21.5, Some("\u{b0}C")), "21.50 \u{b0}C");
        assert_eq!(quantity(999.0, None), "999");
        assert_eq!(signed_percent(3.714), "+3.71%");
        assert_eq!(grouped(-0.001, 2), "0.00");
    }

    #[test]
    fn periods_follow_their_preposition() {
        assert_eq!(during("June 2019", false), "in June 2019");
        assert_eq!(during("3 June 2019", true), "on 3 June 2019");
        assert_eq!(during("since March 2019", false), "since March 2019");
        assert_eq!(list(&["A".into(), "B".into(), "C".into()]), "A, B and C");
    }
}
