//! A number for each entity named.

use super::confidence::Features;
use super::series::{self, Loaded};
use super::{Row, sentence, statistics};
use crate::question::link::MetricLink;
use crate::question::plan::{Comparison, Condition, Measure, Plan};
use crate::question::time::{Period, PeriodKind};
use crate::store::{Aggregate, Entity, Point, Scope, Store};
use serde_json::{Map, Value, json};

/// A trend is sideways when the fitted line moves less than this over the window, in percent of the mean.
pub const SIDEWAYS_PERCENT: f64 = 1.0;
/// A trend is sideways when the fitted line explains less than this share of the variance.
pub const SIDEWAYS_R_SQUARED: f64 = 0.1;

/// A computed number.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The number.
    pub value: f64,
    /// Its unit.
    pub unit: Option<String>,
    /// The observations it was computed from.
    pub points: Vec<Point>,
    /// The one observation that is the answer, for a value or an extreme.
    pub point: Option<Point>,
    /// How far the answer stands from another answer of its kind, 0 to 1.
    pub margin: f64,
    /// More keys of `value`.
    pub more: Map<String, Value>,
    /// How it was computed.
    pub method: String,
}

fn key(more: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    more.insert(name.to_owned(), value.into());
}

/// Which way a change goes.
fn direction_of(change: f64) -> &'static str {
    match change {
        rise if rise > 0.0 => "up",
        fall if fall < 0.0 => "down",
        _ => "sideways",
    }
}

/// The first of the greatest or of the least observations.
fn extreme(points: &[Point], highest: bool) -> Option<Point> {
    points.iter().copied().reduce(|best, next| {
        if (highest && next.value > best.value) || (!highest && next.value < best.value) { next } else { best }
    })
}

/// Computes a measure; `None` when there are too few observations or the formula has no value for them.
pub fn figure(measure: Measure, condition: Option<&Condition>, metric: &MetricLink, loaded: &Loaded) -> Option<Figure> {
    let values = loaded.values();
    let points = &loaded.points;
    let (first, last) = (*points.first()?, *points.last()?);
    let unit = loaded.unit.clone().or_else(|| metric.metric.unit.clone());
    let mut more = Map::new();
    let ends = |more: &mut Map<String, Value>| {
        key(more, "first", first.value);
        key(more, "last", last.value);
        if let Some(change) = statistics::change_percent(first.value, last.value) {
            key(more, "change_percent", change);
        }
        key(more, "change", last.value - first.value);
    };
    let percent = Some("percent".to_owned());
    let mut margin = 1.0;
    let (value, unit, point, method) = match measure {
        Measure::Value => (last.value, unit, Some(last), "the observation itself".to_owned()),
        Measure::Mean => {
            (statistics::mean(&values)?, unit, None, format!("arithmetic mean of {} observations", values.len()))
        }
        Measure::Total => (statistics::total(&values), unit, None, format!("sum of {} observations", values.len())),
        Measure::Median => {
            (statistics::median(&values)?, unit, None, format!("median of {} observations", values.len()))
        }
        Measure::Maximum | Measure::Minimum => {
            let point = extreme(points, measure == Measure::Maximum)?;
            let word = if measure == Measure::Maximum { "greatest" } else { "least" };
            (point.value, unit, Some(point), format!("{word} of {} observations", values.len()))
        }
        Measure::Range => {
            let (high, low) = (extreme(points, true)?, extreme(points, false)?);
            key(&mut more, "highest", high.value);
            key(&mut more, "lowest", low.value);
            (high.value - low.value, unit, None, format!("greatest less least of {} observations", values.len()))
        }
        Measure::Change => {
            if values.len() < 2 {
                return None;
            }
            ends(&mut more);
            let change = statistics::change_percent(first.value, last.value)?;
            key(&mut more, "direction", direction_of(change));
            (
                change,
                percent,
                None,
                "(last - first) / first, over the first and the last observation inside the period".to_owned(),
            )
        }
        Measure::DailyChange => {
            let (before, last) = loaded.steps().last()?;
            let change = statistics::change_percent(before.value, last.value)?;
            key(&mut more, "previous", before.value);
            key(&mut more, "direction", direction_of(change));
            (change, percent, Some(last), "change from the observation before, in percent".to_owned())
        }
        Measure::HighestDailyChange | Measure::LowestDailyChange => {
            let highest = measure == Measure::HighestDailyChange;
            let (change, before, at) = loaded
                .steps()
                .filter_map(|(before, at)| Some((statistics::change_percent(before.value, at.value)?, before, at)))
                .reduce(|best, next| if (next.0 > best.0) == highest && next.0 != best.0 { next } else { best })?;
            key(&mut more, "previous", before.value);
            key(&mut more, "direction", direction_of(change));
            let word = if highest { "greatest" } else { "least" };
            let method = format!("{word} of {} changes from one observation to the next", loaded.steps().count());
            (change, percent, Some(at), method)
        }
        Measure::MeanDailyChange => {
            let changes: Vec<f64> =
                loaded.steps().filter_map(|(before, at)| statistics::change_percent(before.value, at.value)).collect();
            let mean = statistics::mean(&changes)?;
            key(&mut more, "direction", direction_of(mean));
            key(&mut more, "changes", changes.len());
            let method = format!("arithmetic mean of {} changes from one observation to the next", changes.len());
            (mean, percent, None, method)
        }
        Measure::Trend => {
            let fit = statistics::fit(&values)?;
            ends(&mut more);
            let direction = match fit.move_percent {
                _ if fit.r_squared < SIDEWAYS_R_SQUARED => "sideways",
                rise if rise >= SIDEWAYS_PERCENT => "up",
                rise if rise <= -SIDEWAYS_PERCENT => "down",
                _ => "sideways",
            };
            key(&mut more, "direction", direction);
            key(&mut more, "slope", fit.slope);
            key(&mut more, "r_squared", fit.r_squared);
            key(&mut more, "fitted_move_percent", fit.move_percent);
            let change = statistics::change_percent(first.value, last.value)?;
            // The line and the ends agree, and the line is far from the thresholds: nothing could turn the answer.
            let distance = ((fit.move_percent.abs() - SIDEWAYS_PERCENT).abs() / 4.0).min(1.0)
                * ((fit.r_squared - SIDEWAYS_R_SQUARED).abs() / 0.2).min(1.0);
            let agree = if direction == "sideways" || (change > 0.0) == (fit.move_percent > 0.0) { 1.0 } else { 0.2 };
            margin = distance * agree * (0.5 + 0.5 * fit.r_squared);
            let method = format!(
                "least-squares line over {} observations; sideways when it moves less than {SIDEWAYS_PERCENT}% of the mean or \
                 explains less than {SIDEWAYS_R_SQUARED} of the variance; change from the first to the last",
                values.len()
            );
            (change, percent, None, method)
        }
        Measure::Volatility => {
            let volatility = statistics::volatility(&values)?;
            let method = format!("sample standard deviation of the {} log returns, not annualised", values.len() - 1);
            (volatility * 100.0, percent, None, method)
        }
        Measure::Count => {
            let condition = condition?;
            let (held, of): (Vec<Point>, usize) = if condition.percent {
                let meets = |(before, after): &(Point, Point)| {
                    statistics::change_percent(before.value, after.value).is_some_and(|change| condition.holds(change))
                };
                (loaded.steps().filter(meets).map(|(_, after)| after).collect(), loaded.steps().count())
            } else {
                (points.iter().copied().filter(|point| condition.holds(point.value)).collect(), points.len())
            };
            key(&mut more, "of", of);
            key(&mut more, "share_percent", if of == 0 { 0.0 } else { held.len() as f64 / of as f64 * 100.0 });
            key(&mut more, "threshold", condition.threshold);
            key(&mut more, "upper_threshold", condition.upper);
            more.retain(|_, value| !value.is_null());
            let what = if condition.percent { "steps from one observation to the next" } else { "observations" };
            let method = format!("{} of {of} {what} meet the condition", held.len());
            (held.len() as f64, Some("days".to_owned()), None, method)
        }
    };
    Some(Figure { value, unit, points: points.clone(), point, margin, more, method })
}

/// What a measure of a metric is called: "average closing price".
pub fn title(measure: Measure, metric: &MetricLink) -> String {
    let label = &metric.metric.label;
    match measure {
        Measure::Value => label.clone(),
        Measure::Mean => format!("average {label}"),
        Measure::Total => format!("total {label}"),
        Measure::Median => format!("median {label}"),
        Measure::Maximum => format!("highest {label}"),
        Measure::Minimum => format!("lowest {label}"),
        Measure::Range if label == "high" => "range from the lowest low to the highest high".to_owned(),
        Measure::Range => format!("range of the {label}"),
        Measure::Change => format!("change of the {label}"),
        Measure::DailyChange => format!("daily change of the {label}"),
        Measure::HighestDailyChange => format!("highest daily change of the {label}"),
        Measure::LowestDailyChange => format!("lowest daily change of the {label}"),
        Measure::MeanDailyChange => format!("average daily change of the {label}"),
        Measure::Trend => format!("trend of the {label}"),
        Measure::Volatility => format!("volatility of the {label}"),
        Measure::Count => format!("days by {label}"),
    }
}

/// The measure that a period asks for: one value of a longer period is what the metric is summed up to.
pub fn for_period(measure: Measure, metric: &MetricLink, period: &Period) -> Measure {
    match (measure, period.kind) {
        (
            Measure::Value,
            PeriodKind::Range | PeriodKind::Observations | PeriodKind::FirstDays | PeriodKind::LastDays,
        ) => match metric.metric.aggregate {
            Aggregate::Mean => Measure::Mean,
            Aggregate::Sum => Measure::Total,
            Aggregate::Last => Measure::Value,
        },
        // The trend or change of one day is its change from the day before.
        (Measure::Trend | Measure::Change, PeriodKind::Day | PeriodKind::Latest) => Measure::DailyChange,
        // Of many days the change of one is the average one.
        (
            Measure::DailyChange,
            PeriodKind::Range | PeriodKind::Observations | PeriodKind::FirstDays | PeriodKind::LastDays,
        ) => Measure::MeanDailyChange,
        (measure, _) => measure,
    }
}

/// A condition in words: "above $20".
pub fn condition_words(condition: &Condition, unit: Option<&str>) -> String {
    let word = match condition.comparison {
        Comparison::Above => "above",
        Comparison::Below => "below",
        Comparison::AtLeast => "at or above",
        Comparison::AtMost => "at or below",
        Comparison::Between => "between",
    };
    let unit = if condition.percent { Some("percent") } else { unit };
    let threshold = sentence::quantity(condition.threshold, unit);
    match condition.upper {
        Some(upper) => format!("{word} {threshold} and {}", sentence::quantity(upper, unit)),
        None => format!("{word} {threshold}"),
    }
}

/// "Yes", "No" or nothing before an answer, when that is what was asked.
fn verdict(plan: &Plan, figure: &Figure) -> Option<bool> {
    plan.whether.map(|asked| match asked {
        0 => figure.value > 0.0,
        gain => figure.value * f64::from(gain) > 0.0,
    })
}

/// A sentence about one figure, after yes or no where that was asked.
pub fn say(measure: Measure, plan: &Plan, metric: &MetricLink, who: &str, period: &Period, figure: &Figure) -> String {
    let sentence = say_plainly(measure, plan, metric, who, period, figure);
    match verdict(plan, figure) {
        Some(true) => format!("Yes. {sentence}"),
        Some(false) => format!("No. {sentence}"),
        None => sentence,
    }
}

fn say_plainly(
    measure: Measure,
    plan: &Plan,
    metric: &MetricLink,
    who: &str,
    period: &Period,
    figure: &Figure,
) -> String {
    let label = &metric.metric.label;
    let quantity = sentence::quantity(figure.value, figure.unit.as_deref());
    let one_day = period.kind == PeriodKind::Day;
    let during = sentence::during(&period.label, one_day);
    let (Some(first), Some(last)) = (figure.points.first(), figure.points.last()) else { return String::new() };
    let ends = |figure: &Figure| {
        let unit = metric.metric.unit.as_deref();
        format!(
            "from {} on {} to {} on {}",
            sentence::quantity(figure.points.first().map_or(0.0, |point| point.value), unit),
            sentence::day(first.at),
            sentence::quantity(last.value, unit),
            sentence::day(last.at)
        )
    };
    match measure {
        Measure::Value => format!("The {label} of {who} on {} was {quantity}.", sentence::day(last.at)),
        Measure::Maximum | Measure::Minimum => {
            let word = if measure == Measure::Maximum { "highest" } else { "lowest" };
            let name = if matches!(label.as_str(), "high" | "low") { "price".to_owned() } else { label.clone() };
            let at = figure.point.map(|point| sentence::day(point.at)).unwrap_or_default();
            if one_day {
                format!("The {label} of {who} {during} was {quantity}.")
            } else {
                format!("The {word} {name} of {who} {during} was {quantity}, on {at}.")
            }
        }
        Measure::Change => {
            let verb = if figure.value > 0.0 {
                "rose"
            } else if figure.value < 0.0 {
                "fell"
            } else {
                "did not change:"
            };
            format!(
                "The {label} of {who} {verb} by {} {during}, {}.",
                sentence::quantity(figure.value.abs(), figure.unit.as_deref()),
                ends(figure)
            )
        }
        Measure::DailyChange => {
            let at = figure.point.map(|point| sentence::day(point.at)).unwrap_or_default();
            format!("The {label} of {who} changed by {} on {at}.", sentence::signed_percent(figure.value))
        }
        Measure::HighestDailyChange | Measure::LowestDailyChange | Measure::MeanDailyChange => {
            let of = match (figure.point, figure.more.get("changes").and_then(Value::as_u64)) {
                (Some(point), _) => format!(", on {}", sentence::day(point.at)),
                (None, changes) => format!(" ({} days)", changes.unwrap_or(0)),
            };
            let change = sentence::signed_percent(figure.value);
            format!("The {} of {who} {during} was {change}{of}.", title(measure, metric))
        }
        Measure::Trend => {
            let direction = figure.more.get("direction").and_then(Value::as_str).unwrap_or("sideways");
            let r_squared = figure.more.get("r_squared").and_then(Value::as_f64).unwrap_or(0.0);
            format!(
                "{who} trended {direction} {during}: the {label} went {}, a change of {} (fitted line R\u{b2} {r_squared:.2}).",
                ends(figure),
                sentence::signed_percent(figure.value)
            )
        }
        Measure::Volatility => format!(
            "The volatility of {who} {during} was {quantity}: the standard deviation of {} daily log returns of the {label}.",
            figure.points.len().saturating_sub(1)
        ),
        Measure::Count if plan.condition.is_some_and(|condition| condition.percent) => {
            let condition = plan.condition.map(|condition| condition_words(&condition, None)).unwrap_or_default();
            format!(
                "The daily change of the {label} of {who} was {condition} on {} of {} days {during}.",
                sentence::number(figure.value),
                figure.more.get("of").and_then(Value::as_u64).unwrap_or(0)
            )
        }
        Measure::Count => {
            let condition = plan
                .condition
                .as_ref()
                .map(|condition| condition_words(condition, metric.metric.unit.as_deref()))
                .unwrap_or_default();
            if let [one] = &figure.points[..] {
                let not = if figure.value > 0.0 { "" } else { "not " };
                let quantity = sentence::quantity(one.value, metric.metric.unit.as_deref());
                let day = sentence::day(one.at);
                return format!("The {label} of {who} on {day} was {quantity}, which is {not}{condition}.");
            }
            format!(
                "The {label} of {who} was {condition} on {} of {} days {during}.",
                sentence::number(figure.value),
                figure.points.len()
            )
        }
        _ => {
            let plural = if figure.points.len() == 1 { "" } else { "s" };
            let title = title(measure, metric);
            format!("The {title} of {who} {during} was {quantity} ({} observation{plural}).", figure.points.len())
        }
    }
}

/// Features that the plan alone decides.
pub fn plan_features(plan: &Plan, metric: Option<&MetricLink>, periods: &[Period]) -> Features {
    let mut features = Features::certain();
    for link in plan.entities.iter().chain(&plan.groups) {
        features.linking *= link.certainty;
    }
    if let Some(metric) = metric {
        features.metric = metric.certainty;
        if metric.text.is_empty() && matches!(plan.measure, Measure::Trend | Measure::Change | Measure::Volatility) {
            // These are spoken of the price where nothing else is named.
            features.metric = features.metric.max(0.97);
        }
    }
    for period in periods {
        features.time *= period.certainty;
        if period.kind == PeriodKind::Unspecified {
            features.time *= if plan.measure == Measure::Value { 0.96 } else { 0.92 };
        }
    }
    if !plan.also.is_empty() {
        features.operation *= 0.8;
    }
    features.understood = plan.understood;
    if !plan.operation_named && !plan.metric_named {
        features.operation = 0.7;
    }
    features
}

/// Notes on what was assumed and what is missing, for the explanation.
pub fn notes(plan: &Plan, period: &Period, loaded: Option<&Loaded>) -> String {
    let mut notes = Vec::new();
    for link in plan.entities.iter().chain(&plan.groups).filter(|link| link.distance > 0) {
        notes.push(format!("\"{}\" is read as {}", link.text, sentence::entity(&link.entity)));
    }
    if !plan.excluded.is_empty() {
        let names: Vec<String> = plan.excluded.iter().map(|link| sentence::entity(&link.entity)).collect();
        notes.push(format!("without {}", sentence::list(&names)));
    }
    notes.extend(period.assumed.clone());
    if let Some(loaded) = loaded {
        notes.extend(series::shortfall(period, &loaded.points));
        if loaded.conflicts > 0 {
            notes.push(format!("statements disagree on {} of {} moments", loaded.conflicts, loaded.points.len()));
        }
    }
    if !plan.also.is_empty() {
        notes.push(format!("the question also asks for the {}: ask for it separately", sentence::list(&plan.also)));
    }
    for unknown in &plan.not_understood {
        notes.push(format!("\"{}\" was not understood", unknown.text));
    }
    if notes.is_empty() { String::new() } else { format!("; {}", notes.join("; ")) }
}

/// The keys of `value` for one figure.
pub fn value_of(
    measure: Measure,
    metric: &MetricLink,
    entity: Option<&Entity>,
    period: &Period,
    figure: &Figure,
) -> Map<String, Value> {
    let mut value = Map::new();
    // A number of days is whole.
    key(&mut value, "value", if measure == Measure::Count { json!(figure.value as u64) } else { json!(figure.value) });
    key(&mut value, "unit", figure.unit.clone());
    key(&mut value, "metric", metric.metric.name.clone());
    key(&mut value, "measure", json!(measure));
    if let Some(entity) = entity {
        key(&mut value, "entity", entity.name.clone());
    }
    if let Some(point) = figure.point {
        key(&mut value, "date", sentence::iso(point.at));
    }
    if let (Some(first), Some(last)) = (figure.points.first(), figure.points.last()) {
        key(&mut value, "from", sentence::iso(first.at));
        key(&mut value, "to", sentence::iso(last.at));
        if let Some(from) = period.from {
            key(&mut value, "asked_from", from.to_string());
        }
        if let Some(to) = period.to {
            key(&mut value, "asked_to", to.to_string());
        }
    }
    key(&mut value, "n", figure.points.len());
    // Of more observations than are cited the ends are named, so that the number can be checked against them.
    if figure.points.len() > super::MOST_EVIDENCE {
        let end = |highest: bool| {
            extreme(&figure.points, highest).map(|point| {
                json!({ "value": point.value, "date": sentence::iso(point.at), "concept": format!("{:016x}", point.concept) })
            })
        };
        key(&mut value, "extremes", json!({ "highest": end(true), "lowest": end(false) }));
    }
    value.extend(figure.more.clone());
    value
}

/// Evidence: of each figure the concept of the answer first, then all others that were read. Where that is more than is
/// cited, the answers, the greatest and the least of all come before.
pub fn evidence_of<'a>(figures: impl Iterator<Item = (&'a Figure, &'a Loaded)> + Clone) -> Vec<u64> {
    let read: usize = figures.clone().map(|(_, loaded)| loaded.concepts.len()).sum();
    let telling = figures.clone().filter(|_| read > super::MOST_EVIDENCE).flat_map(|(figure, _)| {
        let ends = [true, false].into_iter().filter_map(|highest| extreme(&figure.points, highest));
        figure.point.into_iter().chain(ends).map(|point| point.concept)
    });
    let all = figures.clone().flat_map(|(figure, loaded)| {
        figure.point.iter().map(|point| point.concept).chain(loaded.concepts.iter().copied())
    });
    telling.chain(all).collect()
}

/// Why there is no number: no observations at all, or none in the period, with the nearest that there are.
pub fn nothing(
    plan: &Plan,
    metric: Option<&MetricLink>,
    entity: Option<&Entity>,
    period: &Period,
    store: &dyn Store,
) -> Row {
    let Some(metric) = metric else {
        return Row::abstention(
            "Nothing that can be measured has been learned.",
            json!({ "observations": "none" }),
            "there are no observations",
        );
    };
    let label = &metric.metric.label;
    let Some(entity) = entity else {
        return Row::abstention(
            format!(
                "There are no observations of the {label} {}.",
                sentence::during(&period.label, period.kind == PeriodKind::Day)
            ),
            json!({ "metric": metric.metric.name, "period": period.label }),
            "no entity has an observation in the period",
        );
    };
    let who = sentence::entity(entity);
    let Some(extent) = store.extents(&[entity.id], &metric.metric.name).first().copied() else {
        return Row::abstention(
            format!("No {label} of {who} has been learned."),
            json!({ "entity": entity.name, "metric": metric.metric.name }),
            "the entity is known, but not by this metric",
        );
    };
    let window = series::window(period);
    let reach = format!("Learned are {} to {}.", sentence::day(extent.first), sentence::day(extent.last));
    let (text, nearest) = if period.kind == PeriodKind::Day {
        let at = window.from.unwrap_or(extent.first);
        let (before, after) = store.neighbours(entity.id, &metric.metric.name, at);
        let near: Vec<i64> = before.into_iter().chain(after).collect();
        let weekday = period.from.map(|day| format!("{:?}", day.weekday())).unwrap_or_default();
        let days: Vec<String> = near.iter().map(|at| sentence::day(*at)).collect();
        (
            format!(
                "There is no {label} of {who} on {}, a {weekday}; the nearest with one: {}.",
                period.label,
                sentence::list(&days)
            ),
            near.iter().map(|at| sentence::iso(*at)).collect(),
        )
    } else {
        (
            format!(
                "There are too few observations of the {label} of {who} {} to answer. {reach}",
                sentence::during(&period.label, false)
            ),
            Vec::<String>::new(),
        )
    };
    Row::abstention(
        text,
        json!({ "entity": entity.name, "metric": metric.metric.name, "period": period.label, "nearest": nearest }),
        format!("no observations where the question looks{}", notes(plan, period, None)),
    )
}

/// The entities a plan measures: those named, the only one there is, or all of a group.
pub fn members(plan: &Plan, store: &dyn Store) -> Option<Vec<Entity>> {
    if !plan.entities.is_empty() {
        return Some(plan.entities.iter().map(|link| link.entity.clone()).collect());
    }
    let mut found: Option<Vec<Entity>> = None;
    for group in &plan.groups {
        let mut members: Vec<Entity> = std::iter::once(&group.entity)
            .chain(&group.also)
            .flat_map(|value| store.members(value.id, None))
            .filter(|fact| fact.relation != "mentions")
            .map(|fact| fact.entity)
            .collect();
        members.sort_by_key(|entity| entity.id);
        members.dedup_by_key(|entity| entity.id);
        found = Some(match found {
            None => members,
            Some(known) => {
                known.into_iter().filter(|entity| members.iter().any(|member| member.id == entity.id)).collect()
            }
        });
    }
    found
}

/// The measure of each entity, metric and period named.
pub fn measure(plan: &Plan, store: &dyn Store) -> Vec<Row> {
    let periods = series::periods(plan);
    let Some(first_metric) = plan.metrics.first() else { return vec![nothing(plan, None, None, &periods[0], store)] };
    let Some(entities) = members(plan, store).filter(|_| !plan.entities.is_empty()) else {
        return super::ranking::pooled(plan, store);
    };
    let ids: Vec<u64> = entities.iter().map(|entity| entity.id).collect();
    // The range of price bars is from the lowest low to the highest high.
    let named = |name: &str| plan.metrics.iter().find(|link| link.metric.name == name);
    let (high, low) = match (plan.measure, named("high"), named("low")) {
        (Measure::Range, Some(high), Some(low)) => (Some(high), Some(low)),
        _ => (None, None),
    };
    let mut found: Vec<(Entity, &MetricLink, &Period, Measure, Figure, Loaded)> = Vec::new();
    let mut absent = None;
    for period in &periods {
        for metric in
            plan.metrics.iter().filter(|metric| high.is_none_or(|high| high.metric.name == metric.metric.name))
        {
            let measure = for_period(plan.measure, metric, period);
            let mut loaded = series::load(Scope::Entities(&ids), &metric.metric.name, period, measure, store);
            if series::by_steps(measure, plan) {
                series::add_before(&mut loaded, &metric.metric.name, period, store);
            }
            if let Some(low) = low.filter(|_| measure == Measure::Range) {
                let lows = series::load(Scope::Entities(&ids), &low.metric.name, period, measure, store);
                series::merge(&mut loaded, lows);
            }
            for entity in &entities {
                let one = loaded.iter().position(|loaded| loaded.entity == entity.id).map(|at| loaded.swap_remove(at));
                let figure = one.as_ref().and_then(|one| figure(measure, plan.condition.as_ref(), metric, one));
                match (figure, one) {
                    (Some(figure), Some(one)) => found.push((entity.clone(), metric, period, measure, figure, one)),
                    _ => absent = absent.or_else(|| Some(nothing(plan, Some(metric), Some(entity), period, store))),
                }
            }
        }
    }
    if let Some(absent) = absent {
        return vec![absent];
    }
    let mut sentences = Vec::new();
    let mut features = plan_features(plan, Some(first_metric), &periods);
    let mut explanation = Vec::new();
    let mut values = Vec::new();
    for (entity, metric, period, measure, figure, loaded) in &found {
        let mut text = say(*measure, plan, metric, &sentence::entity(entity), period, figure);
        if plan.share && *measure == Measure::Count {
            let share = figure.more.get("share_percent").and_then(Value::as_f64).unwrap_or(0.0);
            text = format!("{text} That is {}.", sentence::quantity(share, Some("percent")));
        }
        if plan.absolute && matches!(measure, Measure::Change) {
            let change = figure.more.get("change").and_then(Value::as_f64).unwrap_or(0.0);
            text = format!("{text} That is {}.", sentence::quantity(change, metric.metric.unit.as_deref()));
        }
        sentences.push(text);
        features.coverage = features.coverage.min(series::coverage(period, &loaded.points));
        features.agreement = features.agreement.min(loaded.agreement());
        features.margin = features.margin.min(figure.margin);
        explanation.push(format!(
            "{}: {}{}",
            title(*measure, metric),
            figure.method,
            notes(plan, period, Some(loaded))
        ));
        values.push(Value::Object(value_of(*measure, metric, Some(entity), period, figure)));
    }
    explanation.dedup();
    let evidence = evidence_of(found.iter().map(|(_, _, _, _, figure, loaded)| (figure, loaded)));
    let (entity, metric, period, measure, figure, _) = &found[0];
    let mut value = value_of(*measure, metric, Some(entity), period, figure);
    if plan.absolute && *measure == Measure::Change {
        let change = figure.more.get("change").cloned().unwrap_or(Value::Null);
        value.insert("value".into(), change);
        value.insert("unit".into(), json!(metric.metric.unit));
    }
    if plan.share && *measure == Measure::Count {
        value.insert("days".into(), json!(figure.value as u64));
        value.insert("value".into(), figure.more.get("share_percent").cloned().unwrap_or(Value::Null));
        value.insert("unit".into(), json!("percent"));
    }
    if found.len() > 1 {
        value.insert("values".into(), Value::Array(values));
        if entities.len() > 1 {
            value.insert("entities".into(), json!(entities.iter().map(|entity| &entity.name).collect::<Vec<_>>()));
        }
    }
    let concept = Some(found[0].0.id);
    let support: Vec<u64> = match figure.point {
        Some(point) => vec![point.concept],
        None => figure.points.first().into_iter().chain(figure.points.last()).map(|point| point.concept).collect(),
    };
    sentences.truncate(10);
    let mut row = Row::computed(sentences.join(" "), value, evidence, features, explanation.join(" | "));
    row.concept = concept;
    let confidence = row.confidence;
    let mut rows = vec![row];
    rows.extend(supporting(&support, confidence, store));
    rows
}

/// The statements behind an answer.
pub fn supporting(concepts: &[u64], confidence: f64, store: &dyn Store) -> Vec<Row> {
    let mut unique: Vec<u64> = Vec::new();
    for concept in concepts {
        if !unique.contains(concept) {
            unique.push(*concept);
        }
    }
    let texts = store.statements(&unique);
    let text = |id: u64| texts.iter().find(|(found, _)| *found == id).map(|(_, text)| text.clone());
    unique
        .iter()
        .filter_map(|id| Some(Row::statement(*id, text(*id)?, confidence, "a statement the answer was computed from")))
        .collect()
}
