//! What a question asks for: the plan that the answering half carries out.

use super::link::{Ambiguity, Link, MetricLink};
use super::time::Period;
use serde::Serialize;

/// The number that is computed of one entity's observations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The value at one time.
    Value,
    /// Arithmetic mean.
    Mean,
    /// Sum.
    Total,
    /// Median.
    Median,
    /// Highest value.
    Maximum,
    /// Lowest value.
    Minimum,
    /// Highest high less lowest low.
    Range,
    /// From the first to the last value.
    Change,
    /// From one observation to the next: the last one.
    DailyChange,
    /// The greatest change from one observation to the next.
    HighestDailyChange,
    /// The least change from one observation to the next.
    LowestDailyChange,
    /// Arithmetic mean of the changes from one observation to the next.
    MeanDailyChange,
    /// Direction of the fitted line.
    Trend,
    /// Standard deviation of log returns.
    Volatility,
    /// Observations that meet the condition.
    Count,
}

/// Which end of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The greatest first.
    Highest,
    /// The least first.
    Lowest,
}

/// A stretch of the calendar that observations are taken together by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Calendar {
    /// From Monday to Sunday.
    Week,
    /// A month.
    Month,
    /// A quarter.
    Quarter,
    /// A year.
    Year,
}

/// How a value stands to a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Greater.
    Above,
    /// Less.
    Below,
    /// Greater or equal.
    AtLeast,
    /// Less or equal.
    AtMost,
    /// Between two numbers, both included.
    Between,
}

/// A threshold that values are held against.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Condition {
    /// How.
    pub comparison: Comparison,
    /// Against what; the lower of two.
    pub threshold: f64,
    /// The upper of two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upper: Option<f64>,
    /// The threshold is in percent of change from one observation to the next.
    pub percent: bool,
}

impl Condition {
    /// Turns it into what holds exactly where it does not; a range of two numbers stays.
    pub fn negate(&mut self) {
        self.comparison = match self.comparison {
            Comparison::Above => Comparison::AtMost,
            Comparison::Below => Comparison::AtLeast,
            Comparison::AtLeast => Comparison::Below,
            Comparison::AtMost => Comparison::Above,
            Comparison::Between => Comparison::Between,
        };
    }

    /// Whether a value meets it.
    pub fn holds(&self, value: f64) -> bool {
        match self.comparison {
            Comparison::Above => value > self.threshold,
            Comparison::Below => value < self.threshold,
            Comparison::AtLeast => value >= self.threshold,
            Comparison::AtMost => value <= self.threshold,
            Comparison::Between => value >= self.threshold && self.upper.is_none_or(|upper| value <= upper),
        }
    }
}

/// What is done with the entities and their numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Operation {
    /// The measure of each entity named.
    Measure,
    /// The day of an extreme.
    When {
        /// Which extreme.
        order: Order,
        /// How many days.
        count: usize,
        /// From which place on: 1 for the best.
        place: usize,
    },
    /// The measure of each week, month, quarter or year, or the one in which it is at an extreme.
    Calendar {
        /// What observations are taken together by.
        by: Calendar,
        /// Which extreme; none means all.
        order: Option<Order>,
    },
    /// One number less another, or divided by it.
    Difference {
        /// The second divides the first.
        ratio: bool,
    },
    /// The entities whose measure meets the condition.
    Select {
        /// Their number is asked for.
        count: bool,
    },
    /// The first or last day on which the condition holds, or all of them.
    WhenCondition {
        /// The first day rather than the last.
        first: bool,
        /// All days are asked for.
        all: bool,
    },
    /// Entities by their measure.
    Rank {
        /// Which end.
        order: Order,
        /// How many.
        count: usize,
        /// Which place: 1 for the best, 2 for the second best.
        place: usize,
    },
    /// The entities named, against each other.
    Compare {
        /// Which one is asked for.
        order: Order,
        /// The difference is asked for.
        difference: bool,
    },
    /// Two series against each other.
    Correlation,
    /// A fact of an entity.
    Fact {
        /// The relation.
        relation: String,
    },
    /// The ticker of an entity.
    Ticker,
    /// All that is known of an entity.
    Profile,
    /// The entities with a fact.
    Members {
        /// Their number is asked for.
        count: bool,
    },
    /// Whether an entity has a fact.
    IsMember,
    /// The entities that share a fact with the one named.
    Same {
        /// The relation; none means any.
        relation: Option<String>,
        /// Their number is asked for.
        count: bool,
    },
    /// How two entities are related.
    Path,
    /// Why something happened.
    Cause,
    /// What a term means.
    Define {
        /// The term.
        term: String,
    },
    /// Anything else: the best passage.
    Open,
}

/// Words of the question that were not understood.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Unknown {
    /// The words.
    pub text: String,
    /// They look like a name.
    pub name: bool,
    /// They stand beside what is measured or ranked, and so change what is asked.
    pub decisive: bool,
}

/// A further question of a text that holds several.
#[derive(Clone, Debug, Serialize)]
pub struct Further {
    /// Its words.
    pub text: String,
    /// What it asks for.
    pub plan: Plan,
}

/// A question, understood.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// What is done.
    pub operation: Operation,
    /// The number that is computed.
    pub measure: Measure,
    /// The entities that are measured.
    pub entities: Vec<Link>,
    /// Facts that the entities must have: Health Care.
    pub groups: Vec<Link>,
    /// Entities that are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<Link>,
    /// What is measured.
    pub metrics: Vec<MetricLink>,
    /// The times.
    pub periods: Vec<Period>,
    /// The threshold.
    pub condition: Option<Condition>,
    /// A change is asked for in the unit of the metric, not in percent.
    pub absolute: bool,
    /// The share of the days is asked for, not their number.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub share: bool,
    /// Yes or no is asked for: whether there was a gain (1) or a loss (-1), or the condition was met (0).
    pub whether: Option<i8>,
    /// All entities are spoken of.
    pub everything: bool,
    /// Facts that the question asks for beside a number; they are not answered.
    pub also: Vec<String>,
    /// The metric was named, not taken by default.
    pub metric_named: bool,
    /// The question names or implies an operation.
    pub operation_named: bool,
    /// Words with several meanings.
    pub ambiguous: Vec<Ambiguity>,
    /// Times that name no day there is.
    pub impossible_times: Vec<String>,
    /// Words that ask for what is still to come.
    pub future: Option<String>,
    /// Further questions in the text, answered after this one.
    pub further: Vec<Further>,
    /// Words of the language that were read despite a typing error.
    pub guessed: usize,
    /// What was not understood.
    pub not_understood: Vec<Unknown>,
    /// Share of the meaningful words that were understood, 0 to 1.
    pub understood: f64,
}
