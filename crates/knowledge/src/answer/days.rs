//! The days on which something happened: an extreme, a threshold crossed.

use super::measure::{Figure, condition_words, evidence_of, notes, nothing, plan_features, supporting, value_of};
use super::{Row, confidence, sentence, series, statistics};
use crate::question::plan::{Measure, Order, Plan};
use crate::question::time::PeriodKind;
use crate::store::{Point, Scope, Store};
use serde_json::{Map, json};

/// The day on which a metric, or its change, was at its highest or lowest.
pub fn when(plan: &Plan, order: Order, store: &dyn Store) -> Vec<Row> {
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
    let Some((best, point)) = ranked.first().copied() else {
        return vec![nothing(plan, Some(metric), Some(entity), period, store)];
    };
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
        method: format!(
            "the {} of {} observations",
            if order == Order::Highest { "greatest" } else { "least" },
            ranked.len()
        ),
    };
    let label =
        if moves { format!("daily change of the {}", metric.metric.label) } else { metric.metric.label.clone() };
    let mut text = format!(
        "The {label} of {} was {} {} on {}: {}.",
        sentence::entity(entity),
        if order == Order::Highest { "highest" } else { "lowest" },
        sentence::during(&period.label, period.kind == PeriodKind::Day),
        sentence::day(point.at),
        if moves { sentence::signed_percent(best) } else { sentence::quantity(best, unit.as_deref()) }
    );
    if !tied.is_empty() {
        let days: Vec<String> = tied.iter().take(5).map(|(_, point)| sentence::day(point.at)).collect();
        text.push_str(&format!(" The same value was reached on {}.", sentence::list(&days)));
    }
    let mut features = plan_features(plan, Some(metric), &periods);
    features.coverage = series::coverage(period, &loaded.points);
    features.agreement = loaded.agreement();
    features.margin = if tied.is_empty() { figure.margin.max(0.5) } else { 0.0 };
    let explanation = format!("{}{}", figure.method, notes(plan, period, Some(&loaded)));
    let value = value_of(measure, metric, Some(entity), period, &figure);
    let mut row = Row::computed(text, value, evidence_of([(&figure, &loaded)].into_iter()), features, explanation);
    row.concept = Some(entity.id);
    let confidence = row.confidence;
    let mut rows = vec![row];
    rows.extend(supporting(&[point.concept], confidence, store));
    rows
}

/// The first or last day on which the condition holds.
pub fn when_condition(plan: &Plan, first: bool, store: &dyn Store) -> Vec<Row> {
    let periods = series::periods(plan);
    let period = &periods[0];
    let entity = &plan.entities[0].entity;
    let (Some(metric), Some(condition)) = (plan.metrics.first(), plan.condition.as_ref()) else {
        return vec![nothing(plan, None, Some(entity), period, store)];
    };
    let loaded = series::load(Scope::Entities(&[entity.id]), &metric.metric.name, period, Measure::Maximum, store);
    let Some(loaded) = loaded.into_iter().next() else {
        return vec![nothing(plan, Some(metric), Some(entity), period, store)];
    };
    let held: Vec<Point> = loaded.points.iter().copied().filter(|point| condition.holds(point.value)).collect();
    let who = sentence::entity(entity);
    let words = condition_words(condition, metric.metric.unit.as_deref());
    let during = sentence::during(&period.label, period.kind == PeriodKind::Day);
    let chosen = if first { held.first() } else { held.last() };
    let mut features = plan_features(plan, Some(metric), &periods);
    features.coverage = series::coverage(period, &loaded.points);
    features.agreement = loaded.agreement();
    let figure = Figure {
        value: chosen.map_or(0.0, |point| point.value),
        unit: loaded.unit.clone().or_else(|| metric.metric.unit.clone()),
        points: loaded.points.clone(),
        point: chosen.copied(),
        margin: 1.0,
        more: Map::from_iter([
            ("days".to_owned(), json!(held.len())),
            ("threshold".to_owned(), json!(condition.threshold)),
            ("dates".to_owned(), json!(held.iter().take(100).map(|point| sentence::iso(point.at)).collect::<Vec<_>>())),
        ]),
        method: format!("{} of {} observations meet the condition", held.len(), loaded.points.len()),
    };
    let text = match chosen {
        Some(point) => format!(
            "The {} of {who} was {words} {during} {} on {}: {} ({} days in all).",
            metric.metric.label,
            if first { "first" } else { "last" },
            sentence::day(point.at),
            sentence::quantity(point.value, figure.unit.as_deref()),
            held.len()
        ),
        None => format!("The {} of {who} was never {words} {during}.", metric.metric.label),
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
