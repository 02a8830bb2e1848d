//! The days on which something happened: an extreme, a threshold crossed.

use super::measure::{Figure, condition_words, evidence_of, notes, nothing, plan_features, supporting, value_of};
use super::{Row, confidence, sentence, series, statistics};
use crate::question::plan::{Measure, Order, Plan};
use crate::question::time::PeriodKind;
use crate::store::{Point, Scope, Store};
use serde_json::{Map, json};

/// The day on which a metric, or its change, was at its highest or lowest; or so many such days.
pub fn when(plan: &Plan, order: Order, count: usize, place: usize, store: &dyn Store) -> Vec<Row> {
    let periods = series::periods(plan);
    let period = &periods[0];
    let entity = &plan.entities[0].entity;
    let Some(metric) = plan.metrics.first() else { return vec![nothing(plan, None, Some(entity), period, store)] };
    let moves = matches!(plan.measure, Measure::Change | Measure::DailyChange);
    let load_measure = if moves { Measure::Change } else { Measure::Maximum };
    let loaded = series::load(Scope::Entities(&[entity.id]), &metric.metric.name, period, load_measure, store);
    let Some(mut loaded) = loaded.into_iter().next() else {
        return vec![nothing(plan, Some(metric), Some(entity), period, store)];
    };
    let mut ranked: Vec<(f64, Point)> = if moves {
        series::add_before(std::slice::from_mut(&mut loaded), &metric.metric.name, period, store);
        let change =
            |(before, after): (Point, Point)| Some((statistics::change_percent(before.value, after.value)?, after));
        loaded.steps().filter_map(change).collect()
    } else {
        loaded.points.iter().map(|point| (point.value, *point)).collect()
    };
    ranked.sort_by(|one, two| {
        let by_value = if order == Order::Highest { two.0.total_cmp(&one.0) } else { one.0.total_cmp(&two.0) };
        by_value.then(one.1.at.cmp(&two.1.at))
    });
    // "The second worst day": the one before it is not asked for.
    let all = ranked.len();
    ranked.drain(..(place - 1).min(all));
    let Some((best, point)) = ranked.first().copied() else {
        return vec![nothing(plan, Some(metric), Some(entity), period, store)];
    };
    let end = if order == Order::Highest { "highest" } else { "lowest" };
    let end = if place == 1 { end.to_owned() } else { format!("{} {end}", sentence::ordinal(place)) };
    let unit =
        if moves { Some("percent".to_owned()) } else { loaded.unit.clone().or_else(|| metric.metric.unit.clone()) };
    let measure = if moves {
        Measure::DailyChange
    } else if order == Order::Highest {
        Measure::Maximum
    } else {
        Measure::Minimum
    };
    let tied: Vec<&(f64, Point)> = ranked.iter().skip(1).take_while(|(value, _)| *value == best).collect();
    let figure = Figure {
        value: best,
        unit: unit.clone(),
        points: loaded.points.clone(),
        point: Some(point),
        margin: ranked.get(1).map_or(1.0, |next| confidence::margin(best, next.0)),
        more: Map::new(),
        method: format!("the {} of {} observations", if order == Order::Highest { "greatest" } else { "least" }, all),
    };
    let label =
        if moves { format!("daily change of the {}", metric.metric.label) } else { metric.metric.label.clone() };
    let said = |value: f64| {
        if moves { sentence::signed_percent(value) } else { sentence::quantity(value, unit.as_deref()) }
    };
    let days = &ranked[..count.clamp(1, ranked.len())];
    let listed: Vec<String> =
        days.iter().take(20).map(|(value, point)| format!("{} ({})", sentence::day(point.at), said(*value))).collect();
    let mut text = format!(
        "The {label} of {} was {} {} on {}",
        sentence::entity(entity),
        end,
        sentence::during(&period.label, period.kind == PeriodKind::Day),
        if count == 1 {
            format!("{}: {}.", sentence::day(point.at), said(best))
        } else {
            format!("{}.", sentence::list(&listed))
        }
    );
    if count == 1 && !tied.is_empty() {
        let days: Vec<String> = tied.iter().take(5).map(|(_, point)| sentence::day(point.at)).collect();
        text.push_str(&format!(" The same value was reached on {}.", sentence::list(&days)));
    }
    let mut features = plan_features(plan, Some(metric), &periods);
    features.coverage = series::coverage(period, &loaded.points);
    features.agreement = loaded.agreement();
    let next = match (days.last(), ranked.get(days.len())) {
        (Some(last), Some(next)) => confidence::margin(last.0, next.0),
        _ => 1.0,
    };
    features.margin = if tied.is_empty() || count > 1 { next.max(0.5) } else { 0.0 };
    let explanation = format!("{}{}", figure.method, notes(plan, period, Some(&loaded)));
    let mut value = value_of(measure, metric, Some(entity), period, &figure);
    if count > 1 {
        let days = days.iter().map(|(value, point)| json!({ "date": sentence::iso(point.at), "value": value }));
        value.insert("days".into(), days.collect());
    }
    let shown: Vec<u64> = days.iter().take(20).map(|(_, point)| point.concept).collect();
    let mut row = Row::computed(text, value, evidence_of([(&figure, &loaded)].into_iter()), features, explanation);
    row.concept = Some(entity.id);
    let confidence = row.confidence;
    let mut rows = vec![row];
    rows.extend(supporting(&shown, confidence, store));
    rows
}

/// The first or last day on which the condition holds, or all of them; a condition in percent is one of the changes from
/// one observation to the next.
pub fn when_condition(plan: &Plan, first: bool, all: bool, store: &dyn Store) -> Vec<Row> {
    let periods = series::periods(plan);
    let period = &periods[0];
    let entity = &plan.entities[0].entity;
    let (Some(metric), Some(condition)) = (plan.metrics.first(), plan.condition.as_ref()) else {
        return vec![nothing(plan, None, Some(entity), period, store)];
    };
    let load_measure = if condition.percent { Measure::Change } else { Measure::Maximum };
    let mut loaded = series::load(Scope::Entities(&[entity.id]), &metric.metric.name, period, load_measure, store);
    if condition.percent {
        series::add_before(&mut loaded, &metric.metric.name, period, store);
    }
    let Some(loaded) = loaded.into_iter().next() else {
        return vec![nothing(plan, Some(metric), Some(entity), period, store)];
    };
    let change =
        |(before, at): (Point, Point)| Some(Point { value: statistics::change_percent(before.value, at.value)?, ..at });
    let values: Vec<Point> =
        if condition.percent { loaded.steps().filter_map(change).collect() } else { loaded.points.clone() };
    let held: Vec<Point> = values.iter().copied().filter(|point| condition.holds(point.value)).collect();
    let who = sentence::entity(entity);
    let words = condition_words(condition, metric.metric.unit.as_deref());
    let during = sentence::during(&period.label, period.kind == PeriodKind::Day);
    let chosen = if first { held.first() } else { held.last() };
    let mut features = plan_features(plan, Some(metric), &periods);
    features.coverage = series::coverage(period, &loaded.points);
    features.agreement = loaded.agreement();
    let figure = Figure {
        value: chosen.map_or(0.0, |point| point.value),
        unit: if condition.percent {
            Some("percent".to_owned())
        } else {
            loaded.unit.clone().or_else(|| metric.metric.unit.clone())
        },
        points: loaded.points.clone(),
        point: chosen.copied(),
        margin: 1.0,
        more: Map::from_iter([
            ("days".to_owned(), json!(held.len())),
            ("threshold".to_owned(), json!(condition.threshold)),
            ("dates".to_owned(), json!(held.iter().take(100).map(|point| sentence::iso(point.at)).collect::<Vec<_>>())),
        ]),
        method: format!("{} of {} observations meet the condition", held.len(), values.len()),
    };
    let label = if condition.percent {
        format!("daily change of the {}", metric.metric.label)
    } else {
        metric.metric.label.clone()
    };
    let said = |value: f64| {
        if condition.percent {
            sentence::signed_percent(value)
        } else {
            sentence::quantity(value, figure.unit.as_deref())
        }
    };
    let text = match chosen {
        Some(_) if all && held.len() > 1 => {
            let shown =
                held.iter().take(20).map(|point| format!("{} ({})", sentence::day(point.at), said(point.value)));
            let more = if held.len() > 20 { format!(", and {} more", held.len() - 20) } else { String::new() };
            let days = sentence::list(&shown.collect::<Vec<_>>());
            format!("The {label} of {who} was {words} {during} on {} days: {days}{more}.", held.len())
        }
        Some(point) => format!(
            "The {label} of {who} was {words} {during} {} on {}: {} ({} day{} in all).",
            if first { "first" } else { "last" },
            sentence::day(point.at),
            said(point.value),
            held.len(),
            if held.len() == 1 { "" } else { "s" }
        ),
        None => format!("The {label} of {who} was never {words} {during}."),
    };
    let mut value = value_of(Measure::Value, metric, Some(entity), period, &figure);
    if chosen.is_none() {
        value.remove("value");
    }
    let mut row = Row::computed(
        text,
        value,
        evidence_of([(&figure, &loaded)].into_iter()),
        features,
        format!("{}{}", figure.method, notes(plan, period, Some(&loaded))),
    );
    row.concept = Some(entity.id);
    vec![row]
}
