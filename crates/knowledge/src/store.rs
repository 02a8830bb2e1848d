//! What the asking half reads, as a trait: served by SQL inside PostgreSQL and by plain vectors in tests.
//!
//! Every method takes a set and answers for the whole set, so that one question costs a handful of calls whatever
//! it ranges over. Times are microseconds since 1970-01-01 00:00 UTC; a day is its midnight.

use crate::graph::paths;
use jiff::civil::Date;
use serde::Serialize;

/// Microseconds of a day.
pub const DAY: i64 = 86_400_000_000;

/// Midnight UTC of a day, in microseconds since 1970.
pub fn start_of(day: Date) -> i64 {
    let days = day.since(jiff::civil::date(1970, 1, 1)).map(|span| i64::from(span.get_days())).unwrap_or(0);
    days * DAY
}

/// The day (in UTC) that a moment lies in.
pub fn day_of(at: i64) -> Date {
    jiff::Timestamp::from_microsecond(at)
        .map(|moment| jiff::tz::Offset::UTC.to_datetime(moment).date())
        .unwrap_or(if at < 0 { Date::MIN } else { Date::MAX })
}

/// Something that statements speak of: a company, a sector, a weather station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entity {
    /// Its concept.
    pub id: u64,
    /// Its canonical name, which is what `value.entity` shows: the ticker for a company that has one.
    pub name: String,
    /// A longer name, when one is known.
    pub title: Option<String>,
}

/// How an alias names its entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AliasKind {
    /// Added by hand.
    User,
    /// The ticker.
    Ticker,
    /// The name as given.
    Name,
    /// The name without its legal form.
    Short,
}

/// An alias that was found by its key.
#[derive(Clone, Debug)]
pub struct Alias {
    /// The key it was found by.
    pub key: String,
    /// As it was written when it was learned.
    pub alias: String,
    /// What kind of alias it is.
    pub kind: AliasKind,
    /// What it names.
    pub entity: Entity,
    /// Whether there are observations of the entity.
    pub observed: bool,
    /// The relations that lead to the entity as a value: `sector` for Health Care.
    pub value_of: Vec<String>,
}

/// What one number for a period is, when the question does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Aggregate {
    /// The arithmetic mean.
    Mean,
    /// The total.
    Sum,
    /// The newest.
    Last,
}

/// Something that is measured, and the words for it.
#[derive(Clone, Debug, Serialize)]
pub struct Metric {
    /// Its name in the observations.
    pub name: String,
    /// Words and phrases that mean it, lower case.
    #[serde(skip)]
    pub words: Vec<String>,
    /// How an answer calls it.
    pub label: String,
    /// The unit of values that come without one.
    pub unit: Option<String>,
    /// What a period is summed up to by default.
    pub aggregate: Aggregate,
}

/// One observation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When it was measured.
    pub at: i64,
    /// The number.
    pub value: f64,
    /// The statement that says so.
    pub concept: u64,
}

/// The observations of one metric of one entity, by time, then concept.
#[derive(Clone, Debug)]
pub struct Series {
    /// Whose observations.
    pub entity: u64,
    /// Their unit, as observed.
    pub unit: Option<String>,
    /// The observations.
    pub points: Vec<Point>,
}

/// Which entities.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// These.
    Entities(&'a [u64]),
    /// All that have the metric.
    Everything,
}

/// A half-open stretch of time; `None` is unbounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Window {
    /// From this moment on.
    pub from: Option<i64>,
    /// Before this moment.
    pub before: Option<i64>,
}

/// The first and the last moment at which an entity was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Whose.
    pub entity: u64,
    /// The oldest observation.
    pub first: i64,
    /// The newest observation.
    pub last: i64,
}

/// An edge that states a fact: Apple -sector-> Information Technology.
#[derive(Clone, Debug)]
pub struct Fact {
    /// What it is a fact of.
    pub entity: Entity,
    /// The relation.
    pub relation: String,
    /// The kind of edge.
    pub kind: String,
    /// The value.
    pub target: Entity,
    /// How far it is believed.
    pub confidence: f64,
    /// The statement it was read from.
    pub evidence: Option<u64>,
}

/// A statement found by search.
#[derive(Clone, Debug)]
pub struct Passage {
    /// The statement.
    pub concept: u64,
    /// Its text.
    pub content: String,
    /// The score of the search, 0 to 1; higher is better.
    pub score: f64,
    /// Whether numbers were read from it as observations.
    pub observed: bool,
    /// When what it says was observed, where it says so.
    pub at: Option<i64>,
}

/// Everything the pipeline reads. Implementations read only, and answer in a total order.
pub trait Store {
    /// The aliases with one of these keys.
    fn aliases(&self, keys: &[String]) -> Vec<Alias>;
    /// The aliases of several words of which the first or the last is one of these, at most a few thousand, by key.
    fn names_with(&self, words: &[String]) -> Vec<Alias>;
    /// The metrics there are words for; a row of the space stands for the shipped one.
    fn metrics(&self) -> Vec<Metric>;
    /// Which of these names are metrics that were observed.
    fn observed_metrics(&self, names: &[String]) -> Vec<String>;
    /// The relations that facts are learned under.
    fn relations(&self) -> Vec<String>;
    /// The entities with these ids; unknown ids are left out.
    fn entities(&self, ids: &[u64]) -> Vec<Entity>;
    /// First and last observation of a metric; entities without any are left out.
    fn extents(&self, entities: &[u64], metric: &str) -> Vec<Extent>;
    /// The newest observation of a metric over all entities.
    fn newest(&self, metric: &str) -> Option<i64>;
    /// The observations of a metric within a window, by entity, time and concept.
    fn series(&self, scope: Scope<'_>, metric: &str, window: Window) -> Vec<Series>;
    /// The observations at the newest `count` moments before `before`, by entity, time and concept.
    fn last(&self, entities: &[u64], metric: &str, count: usize, before: Option<i64>) -> Vec<Series>;
    /// The nearest moments with an observation: before `at`, and after it.
    fn neighbours(&self, entity: u64, metric: &str, at: i64) -> (Option<i64>, Option<i64>);
    /// The facts of these entities, of one relation or of all.
    fn facts(&self, entities: &[u64], relation: Option<&str>) -> Vec<Fact>;
    /// The facts whose value is this entity, of one relation or of all.
    fn members(&self, value: u64, relation: Option<&str>) -> Vec<Fact>;
    /// The surest ways from one concept to another over edges of these kinds, within the budget of such walks.
    fn ways(&self, query: paths::Query, kinds: &[&str]) -> paths::Found;
    /// The text of these statements; unknown ids are left out.
    fn statements(&self, ids: &[u64]) -> Vec<(u64, String)>;
    /// The best statements for an open question. `worth` is shown those that hold its words; where it says no, the dearer
    /// search for its meaning is left out and these are the result.
    fn passages(&self, question: &str, count: usize, worth: &dyn Fn(&[Passage]) -> bool) -> Vec<Passage>;
}
