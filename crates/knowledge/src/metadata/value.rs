//! JSON values as names, times and numbers.

use super::{LONGEST_NAME, Problem};
use crate::number::{self, Amount};

/// The type of a JSON text, as jsonb_typeof calls it.
pub fn json_type(json: &str) -> &'static str {
    match json.trim_start().as_bytes().first() {
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ => "number",
    }
}

/// The start of a value, for a message.
pub fn excerpt(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// A string.
pub fn string(key: &str, json: &str, wanted: &'static str) -> Result<String, Problem> {
    serde_json::from_str(json).map_err(|_| wrong(key, json, wanted))
}

/// A name or several: a string or an array of strings, none of them blank.
pub fn names(key: &str, json: &str) -> Result<Vec<String>, Problem> {
    let wanted = "a string or an array of strings";
    let names: Vec<String> = match json_type(json) {
        "array" => serde_json::from_str(json).map_err(|_| wrong(key, json, wanted))?,
        _ => vec![string(key, json, wanted)?],
    };
    names.into_iter().map(|name| checked(key, &name)).collect()
}

/// What facts lead to: as names, and numbers as they are written ("founded": 1977).
pub fn values(key: &str, json: &str) -> Result<Vec<String>, Problem> {
    match json_type(json) {
        "number" => Ok(vec![checked(key, json)?]),
        _ => names(key, json),
    }
}

fn checked(key: &str, name: &str) -> Result<String, Problem> {
    let name = crate::identity::normalise(name);
    match name.len() {
        0 => Err(Problem::Blank { key: key.to_owned() }),
        length if length > LONGEST_NAME => Err(Problem::TooLong { key: key.to_owned() }),
        _ => Ok(name),
    }
}

/// A number, as JSON number or as a string that [`number::parse`] reads.
pub fn number(key: &str, json: &str) -> Result<Amount, Problem> {
    let text = match json_type(json) {
        "number" => json.to_owned(),
        _ => string(key, json, "a number, or a string that is one")?,
    };
    number::parse(&text).map_err(|reason| Problem::NotANumber { key: key.to_owned(), value: excerpt(&text), reason })
}

/// The number under a key that has no role, if it is one. A string with leading zeros ("0000320193") is an identifier.
pub fn plain_number(json: &str) -> Option<Amount> {
    match json_type(json) {
        "number" => number::parse(json).ok(),
        "string" => {
            let text: String = serde_json::from_str(json).ok()?;
            let text = text.trim();
            let identifier = text.len() > 1 && text.starts_with('0') && !text.starts_with("0.");
            number::parse(text).ok().filter(|_| !identifier)
        }
        _ => None,
    }
}

fn wrong(key: &str, json: &str, wanted: &'static str) -> Problem {
    Problem::WrongType { key: key.to_owned(), wanted, found: json_type(json) }
}
