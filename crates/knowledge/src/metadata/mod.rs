//! What metadata says: who a statement is about, when, which numbers it gives and which facts.
//!
//! What a key means comes from [`Roles`]. A key that has a meaning must have a value that can be read, or JSON null for
//! "no value": nothing is skipped in silence. A key without a role whose value is a number is an observation of that
//! name when the statement has one subject and a time. Keys are matched in lower case.

mod value;

use crate::date::{self, When};
use crate::names;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};
use thiserror::Error;

/// The longest name of an entity, metric or fact, in bytes; a longer one would not fit into an index entry.
pub const LONGEST_NAME: usize = 512;

/// What a metadata key means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// The subject: a ticker or a name.
    Company,
    /// The subject's ticker.
    Ticker,
    /// The subject's name.
    Name,
    /// When: a day, a moment or a longer time.
    Date,
    /// The time that the numbers are about, where it is not that of the date.
    Period,
    /// A number, of this metric; `None` means of the key's own name.
    Metric(Option<String>),
    /// An edge from the subject to what the value names.
    Fact {
        /// Its relation.
        relation: String,
        /// Its kind, as in `sutra.association_kind`.
        kind: String,
    },
    /// Nothing of these.
    Ignore,
}

/// The meaning of keys and the units of metrics.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    /// Roles by key, lower case.
    pub keys: HashMap<String, Role>,
    /// Units of metrics whose values come without one.
    pub units: HashMap<String, String>,
}

/// How an alias names an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AliasKind {
    /// By its ticker.
    Ticker,
    /// By its name as given.
    Name,
    /// By its name without legal form.
    Short,
}

impl AliasKind {
    /// As `sutra.alias.kind` writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            AliasKind::Ticker => "ticker",
            AliasKind::Name => "name",
            AliasKind::Short => "short",
        }
    }
}

/// One way to name an entity.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Alias {
    /// How it names.
    pub kind: AliasKind,
    /// As it was written.
    pub text: String,
    /// As it is looked up, see [`names::key`].
    pub key: String,
}

/// A subject as the metadata (and the text before its ticker) name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    /// The canonical name: the ticker in capitals where there is one, else the name as given.
    pub canonical: String,
    /// The ticker, in capitals.
    pub ticker: Option<String>,
    /// The name, as given first.
    pub name: Option<String>,
    /// Every way it is named here, without repetition.
    pub aliases: Vec<Alias>,
}

/// A number about the subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// Of what.
    pub metric: String,
    /// How much, finite.
    pub value: f64,
    /// In what.
    pub unit: Option<String>,
}

/// An edge from the subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Its relation.
    pub relation: String,
    /// Its kind.
    pub kind: String,
    /// What it leads to, as given.
    pub value: String,
}

/// All that the metadata of one statement say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Who it is about.
    pub subjects: Vec<Subject>,
    /// The time it speaks of, end excluded.
    pub observed: Option<(Timestamp, Timestamp)>,
    /// When its numbers were measured: midnight UTC of the day, of the last day of a longer time, or the moment given.
    pub at: Option<Timestamp>,
    /// Its numbers; empty without a time or without exactly one subject.
    pub observations: Vec<Observation>,
    /// Its facts; empty without exactly one subject.
    pub facts: Vec<Fact>,
}

/// Why metadata cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// The metadata are not an object but this JSON type.
    #[error("metadata must be a JSON object")]
    NotAnObject(&'static str),
    /// A value of the wrong JSON type: what is wanted, what is there.
    #[error("metadata key \"{key}\" must be {wanted}")]
    WrongType {
        /// The key as given.
        key: String,
        /// What it must be.
        wanted: &'static str,
        /// The JSON type it has.
        found: &'static str,
    },
    /// A blank name.
    #[error("metadata key \"{key}\" is blank")]
    Blank {
        /// The key as given.
        key: String,
    },
    /// A name longer than [`LONGEST_NAME`] bytes.
    #[error("the value of metadata key \"{key}\" is too long")]
    TooLong {
        /// The key as given.
        key: String,
    },
    /// A time that is none.
    #[error("metadata key \"{key}\" is not a date: \"{value}\"")]
    NotATime {
        /// The key as given.
        key: String,
        /// The value as given.
        value: String,
        /// Why.
        reason: date::Unreadable,
    },
    /// Two keys name different days.
    #[error("metadata keys \"{first}\" and \"{second}\" name different times")]
    TwoTimes {
        /// One key.
        first: String,
        /// The other.
        second: String,
    },
    /// A number that is none.
    #[error("metadata key \"{key}\" is not a number: \"{value}\"")]
    NotANumber {
        /// The key as given.
        key: String,
        /// The value as given.
        value: String,
        /// Why.
        reason: crate::number::Unreadable,
    },
    /// Two keys give the same metric different values.
    #[error("metadata keys \"{first}\" and \"{second}\" give the metric \"{metric}\" different values")]
    TwoValues {
        /// One key.
        first: String,
        /// The other.
        second: String,
        /// What both give.
        metric: String,
    },
    /// Numbers, but more than one subject that they could be about.
    #[error("metadata key \"{key}\" is a number about one of several companies")]
    WhoseNumber {
        /// The key of the number.
        key: String,
    },
}

/// Metadata as their keys and the JSON text of each value; numbers keep every digit.
pub type Entries = BTreeMap<String, Box<RawValue>>;

/// Splits a JSON text into its entries.
pub fn entries(json: &str) -> Result<Entries, Problem> {
    serde_json::from_str(json).map_err(|_| Problem::NotAnObject(value::json_type(json)))
}

/// Reads metadata and, for the name before a ticker, the content that they belong to. A `name` of the subject that is
/// known otherwise is taken instead of the one in the content.
pub fn read(content: &str, entries: &Entries, roles: &Roles, name: Option<&str>) -> Result<Reading, Problem> {
    let mut gathered = Gathered::default();
    let content = if name.is_some() { "" } else { content };
    gathered.names.extend(name.map(str::to_owned));
    for (key, raw) in entries {
        gathered.entry(key, raw.get(), roles)?;
    }
    gathered.finish(content, roles)
}

#[derive(Default)]
struct Gathered {
    companies: Vec<String>,
    tickers: Vec<String>,
    names: Vec<String>,
    date: Option<(String, Period)>,
    period: Option<(String, Period)>,
    metrics: BTreeMap<String, (String, crate::number::Amount)>,
    numbers: BTreeMap<String, crate::number::Amount>,
    facts: Vec<Fact>,
}

/// A time read from metadata: the range, end excluded, and when its numbers were measured.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Period {
    start: Timestamp,
    end: Timestamp,
    at: Timestamp,
}

impl Gathered {
    fn entry(&mut self, key: &str, json: &str, roles: &Roles) -> Result<(), Problem> {
        if json == "null" {
            return Ok(());
        }
        let lower = key.to_lowercase();
        match roles.keys.get(&lower) {
            Some(Role::Ignore) => {}
            Some(Role::Company) => self.companies.extend(value::names(key, json)?),
            Some(Role::Ticker) => self.tickers.extend(value::names(key, json)?.iter().map(|name| name.to_uppercase())),
            Some(Role::Name) => self.names.extend(value::names(key, json)?),
            Some(Role::Date) => merge_time(&mut self.date, key, time(key, json)?)?,
            Some(Role::Period) => merge_time(&mut self.period, key, time(key, json)?)?,
            Some(Role::Metric(metric)) => {
                let amount = value::number(key, json)?;
                let metric = metric.clone().unwrap_or(lower);
                if let Some((first, known)) = self.metrics.get(&metric)
                    && known.value != amount.value
                {
                    return Err(Problem::TwoValues { first: first.clone(), second: key.to_owned(), metric });
                }
                self.metrics.insert(metric, (key.to_owned(), amount));
            }
            Some(Role::Fact { relation, kind }) => {
                self.facts.extend(value::values(key, json)?.into_iter().map(|value| Fact {
                    relation: relation.clone(),
                    kind: kind.clone(),
                    value,
                }));
            }
            None => {
                if lower.len() <= LONGEST_NAME
                    && !lower.is_empty()
                    && let Some(amount) = value::plain_number(json)
                {
                    self.numbers.insert(lower, amount);
                }
            }
        }
        Ok(())
    }

    fn finish(self, content: &str, roles: &Roles) -> Result<Reading, Problem> {
        let subjects = subjects(content, self.companies, self.tickers, self.names);
        let time = self.period.or(self.date).map(|(_, time)| time);
        if subjects.len() > 1
            && let Some((key, _)) = self.metrics.values().next()
        {
            return Err(Problem::WhoseNumber { key: key.clone() });
        }
        let mut reading = Reading {
            observed: time.map(|time| (time.start, time.end)),
            at: time.map(|time| time.at),
            ..Reading::default()
        };
        if subjects.len() == 1 {
            reading.facts = self.facts;
        }
        if subjects.len() == 1 && time.is_some() {
            let mut numbers = self.numbers;
            numbers.extend(self.metrics.into_iter().map(|(metric, (_, amount))| (metric, amount)));
            reading.observations = numbers
                .into_iter()
                .map(|(metric, amount)| Observation {
                    value: amount.value,
                    unit: amount.unit.map(str::to_owned).or_else(|| roles.units.get(&metric).cloned()),
                    metric,
                })
                .collect();
        }
        reading.subjects = subjects;
        Ok(reading)
    }
}

fn subjects(
    content: &str,
    mut companies: Vec<String>,
    mut tickers: Vec<String>,
    mut names: Vec<String>,
) -> Vec<Subject> {
    if companies.len() <= 1 && tickers.len() <= 1 {
        // One subject, whatever it is called. A company in the form of a ticker is one, unless a ticker stands beside it.
        let company = companies.pop();
        let ticker = tickers.pop().or_else(|| company.clone().filter(|company| names::looks_like_ticker(company)));
        names.extend(company.filter(|company| Some(company) != ticker.as_ref()));
        let named = ticker.is_some() || !names.is_empty();
        return if named { vec![Subject::new(content, ticker, names)] } else { Vec::new() };
    }
    let (more_tickers, named): (Vec<_>, Vec<_>) =
        companies.into_iter().partition(|name| names::looks_like_ticker(name));
    let by_ticker =
        tickers.into_iter().chain(more_tickers).map(|ticker| Subject::new(content, Some(ticker), Vec::new()));
    let by_name = named.into_iter().chain(names).map(|name| Subject::new(content, None, vec![name]));
    let mut subjects: Vec<Subject> = Vec::new();
    for subject in by_ticker.chain(by_name) {
        if subjects.iter().all(|known| known.canonical != subject.canonical) {
            subjects.push(subject);
        }
    }
    subjects
}

impl Subject {
    fn new(content: &str, ticker: Option<String>, names: Vec<String>) -> Subject {
        let mut aliases = Vec::new();
        if let Some(ticker) = &ticker {
            push_alias(&mut aliases, AliasKind::Ticker, ticker);
        }
        let before = ticker.as_deref().and_then(|ticker| names::before_ticker(content, ticker));
        let before = before.filter(|name| name.len() <= LONGEST_NAME).map(str::to_owned);
        let all: Vec<String> = names.into_iter().chain(before).collect();
        for name in &all {
            push_alias(&mut aliases, AliasKind::Name, name);
        }
        for name in &all {
            if let Some(short) = names::short(name) {
                push_alias(&mut aliases, AliasKind::Short, &short);
            }
        }
        let name = all.into_iter().next();
        let canonical = ticker.clone().or_else(|| name.clone()).unwrap_or_default();
        Subject { canonical, ticker, name, aliases }
    }
}

fn push_alias(aliases: &mut Vec<Alias>, kind: AliasKind, text: &str) {
    let key = names::key(text);
    // A short name that is also a name given is that name. One with the letters of the ticker is not the ticker: "Dow", "Fox".
    let same = |alias: &Alias| alias.kind == kind || alias.kind == AliasKind::Name && kind == AliasKind::Short;
    let known = |alias: &Alias| alias.key == key && same(alias);
    if !key.is_empty() && !aliases.iter().any(known) {
        aliases.push(Alias { kind, text: text.to_owned(), key });
    }
}

fn merge_time(slot: &mut Option<(String, Period)>, key: &str, time: Period) -> Result<(), Problem> {
    match slot {
        None => *slot = Some((key.to_owned(), time)),
        // A moment inside the days that the other key names, or the reverse, is the same time, told more exactly.
        Some((_, known)) if known.start <= time.start && time.end <= known.end => *slot = Some((key.to_owned(), time)),
        Some((_, known)) if time.start <= known.start && known.end <= time.end => {}
        Some((first, _)) => return Err(Problem::TwoTimes { first: first.clone(), second: key.to_owned() }),
    }
    Ok(())
}

fn time(key: &str, json: &str) -> Result<Period, Problem> {
    let text = value::string(key, json, "a string that is a date")?;
    let unreadable = |reason| Problem::NotATime { key: key.to_owned(), value: value::excerpt(&text), reason };
    match date::parse(&text).map_err(unreadable)? {
        When::Moment(moment) => {
            let end = moment.checked_add(jiff::SignedDuration::from_micros(1));
            let end = end.map_err(|_| unreadable(date::Unreadable::NoSuchDay))?;
            Ok(Period { start: moment, end, at: moment })
        }
        When::Days(span) => {
            let after = span.last.tomorrow().ok();
            let (Some(start), Some(at), Some(end)) =
                (midnight(span.first), midnight(span.last), after.and_then(midnight))
            else {
                return Err(unreadable(date::Unreadable::NoSuchDay));
            };
            Ok(Period { start, end, at })
        }
    }
}

/// Midnight UTC of a day.
pub fn midnight(day: Date) -> Option<Timestamp> {
    day.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests;
