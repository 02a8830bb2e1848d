//! Entities against each other: the highest of many, two compared, two correlated, many taken together.

use super::confidence;
use super::measure::{self, Figure};
use super::series::{self, Loaded};
use super::{Row, sentence, statistics};
use crate::question::link::MetricLink;
use crate::question::plan::{Measure, Order, Plan};
use crate::question::time::{Period, PeriodKind};
use crate::store::{Entity, Scope, Store};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// How many places of a ranking `value` shows.
const SHOWN: usize = 20;

struct Place {
    entity: u64,
    figure: Figure,
    loaded: Loaded,
}

/// The measure of every entity that a plan ranges over, best first; ties by entity id.
fn places(
    plan: &Plan,
    metric: &MetricLink,
    period: &Period,
    measure: Measure,
    order: Order,
    store: &dyn Store,
) -> Vec<Place> {
    let members = measure::members(plan, store);
    let ids: Option<Vec<u64>> = members.map(|members| members.iter().map(|entity| entity.id).collect());
    let scope = ids.as_deref().map_or(Scope::Everything, Scope::Entities);
    let mut loaded = series::load(scope, &metric.metric.name, period, measure, store);
    if series::by_steps(measure, plan) {
        series::add_before(&mut loaded, &metric.metric.name, period, store);
    }
    let mut places: Vec<Place> = loaded
        .into_iter()
        .filter(|loaded| !plan.excluded.iter().any(|link| link.entity.id == loaded.entity))
        .filter_map(|loaded| {
            let figure = measure::figure(measure, plan.condition.as_ref(), metric, &loaded)?;
            Some(Place { entity: loaded.entity, figure, loaded })
        })
        .collect();
    places.sort_by(|one, two| {
        let by_value = one.figure.value.total_cmp(&two.figure.value);
        let by_value = if order == Order::Highest { by_value.reverse() } else { by_value };
        by_value.then(one.entity.cmp(&two.entity))
    });
    places
}

/// What is measured of each when entities are held against each other.
fn each(plan: &Plan, metric: &MetricLink, period: &Period, order: Order) -> Measure {
    let measure = measure::for_period(plan.measure, metric, period);
    match measure {
        // Totals have the highest period, not the highest day: "the highest trading volume in June".
        Measure::Maximum | Measure::Minimum
            if matches!(
                period.kind,
                PeriodKind::Range | PeriodKind::Observations | PeriodKind::FirstDays | PeriodKind::LastDays
            ) && metric.metric.aggregate == crate::store::Aggregate::Sum =>
        {
            Measure::Total
        }
        Measure::Maximum | Measure::Minimum
            if matches!(
                period.kind,
                PeriodKind::Day | PeriodKind::Latest | PeriodKind::FirstOf | PeriodKind::LastOf
            ) =>
        {
            Measure::Value
        }
        Measure::Maximum | Measure::Minimum
            if plan.periods.is_empty()
                && plan.metric_named
                && metric.metric.aggregate == crate::store::Aggregate::Sum =>
        {
            Measure::Mean
        }
        // "The cheapest" without a time is the cheapest now.
        Measure::Maximum | Measure::Minimum if plan.periods.is_empty() && metric.text.is_empty() => Measure::Value,
        Measure::Trend => Measure::Change,
        // "the biggest drop on a single day": of each company its own.
        Measure::DailyChange | Measure::MeanDailyChange
            if plan.measure == Measure::DailyChange && !matches!(period.kind, PeriodKind::Day | PeriodKind::Latest) =>
        {
            if order == Order::Highest {
                Measure::HighestDailyChange
            } else {
                Measure::LowestDailyChange
            }
        }
        Measure::Maximum if order == Order::Lowest => Measure::Minimum,
        Measure::Minimum if order == Order::Highest => Measure::Maximum,
        other => other,
    }
}

fn names(places: &[Place], store: &dyn Store) -> HashMap<u64, Entity> {
    let ids: Vec<u64> = places.iter().take(SHOWN.max(1)).map(|place| place.entity).collect();
    store.entities(&ids).into_iter().map(|entity| (entity.id, entity)).collect()
}

fn named(names: &HashMap<u64, Entity>, id: u64) -> Entity {
    names.get(&id).cloned().unwrap_or_else(|| Entity { id, name: format!("{id:016x}"), title: None })
}

fn quantity(place: &Place) -> String {
    match place.figure.unit.as_deref() {
        Some("percent") if !["change", "direction"].iter().any(|key| place.figure.more.contains_key(*key)) => {
            sentence::quantity(place.figure.value, Some("percent"))
        }
        Some("percent") => sentence::signed_percent(place.figure.value),
        unit => sentence::quantity(place.figure.value, unit),
    }
}

fn ranking(places: &[Place], names: &HashMap<u64, Entity>) -> Value {
    let shown = places
        .iter()
        .take(SHOWN)
        .map(|place| json!({ "entity": named(names, place.entity).name, "value": place.figure.value }));
    Value::Array(shown.collect())
}

fn who_of_group(plan: &Plan) -> String {
    let groups: Vec<String> = plan.groups.iter().map(sentence::group).collect();
    if groups.is_empty() { String::new() } else { format!(" in {}", sentence::list(&groups)) }
}

/// Whether a measure is the greatest or the least of many steps.
fn moves(measure: Measure) -> bool {
    matches!(measure, Measure::HighestDailyChange | Measure::LowestDailyChange)
}

/// The highest or lowest of all, or of a group.
pub fn rank(plan: &Plan, order: Order, count: usize, place: usize, store: &dyn Store) -> Vec<Row> {
    let periods = series::periods(plan);
    let period = &periods[0];
    let Some(metric) = plan.metrics.first() else { return vec![measure::nothing(plan, None, None, period, store)] };
    let measure = each(plan, metric, period, order);
    let places = places(plan, metric, period, measure, order, store);
    if places.is_empty() {
        return vec![measure::nothing(plan, Some(metric), None, period, store)];
    }
    let names = names(&places, store);
    if place > places.len() {
        return vec![Row::abstention(
            format!("Only {} entities have the {}.", places.len(), measure::title(measure, metric)),
            json!({ "place": place, "compared": places.len() }),
            "the place asked for lies beyond the last",
        )];
    }
    // From the place asked for on; the best are those before it.
    let above = place - 1;
    let count = count.min(places.len() - above);
    let best = &places[above];
    let entity = named(&names, best.entity);
    let during = sentence::during(&period.label, period.kind == PeriodKind::Day);
    let title = measure::title(
        match measure {
            Measure::Maximum | Measure::Minimum => Measure::Value,
            measure if moves(measure) => Measure::DailyChange,
            other => other,
        },
        metric,
    );
    let end = if order == Order::Highest { "highest" } else { "lowest" };
    let word = if above == 0 { end.to_owned() } else { format!("{} {end}", sentence::ordinal(place)) };
    let text = if count == 1 {
        format!(
            "{} had the {word} {title}{} {during}: {}{}.",
            sentence::entity(&entity),
            who_of_group(plan),
            quantity(best),
            match best.figure.point.filter(|_| moves(measure)) {
                Some(point) => format!(", on {}", sentence::day(point.at)),
                None => String::new(),
            }
        )
    } else {
        let listed: Vec<String> = places
            .iter()
            .skip(above)
            .take(count.min(SHOWN))
            .map(|place| format!("{} ({})", named(&names, place.entity).name, quantity(place)))
            .collect();
        format!("The {word} {title}{} {during}: {}.", who_of_group(plan), sentence::list(&listed))
    };
    let mut features = measure::plan_features(plan, Some(metric), &periods);
    let distance = |one: usize, two: usize| match (places.get(one), places.get(two)) {
        (Some(one), Some(two)) => confidence::margin(one.figure.value, two.figure.value),
        _ => 1.0,
    };
    features.margin = distance(above + count - 1, above + count);
    if let Some(before) = above.checked_sub(1) {
        features.margin = features.margin.min(distance(before, above));
    }
    features.coverage = series::coverage(period, &best.loaded.points);
    features.agreement = places.iter().take(above + count).map(|place| place.loaded.agreement()).fold(1.0, f64::min);
    if plan.groups.is_empty() && plan.periods.is_empty() {
        features.operation *= 0.95;
    }
    let mut value = measure::value_of(measure, metric, Some(&entity), period, &best.figure);
    value.insert("ranking".into(), ranking(&places, &names));
    value.insert("compared".into(), json!(places.len()));
    if count > 1 {
        let entities: Vec<String> =
            places.iter().skip(above).take(count).map(|place| named(&names, place.entity).name).collect();
        value.insert("entities".into(), json!(entities));
    }
    let answering = places.iter().skip(above).take(count);
    let evidence = measure::evidence_of(answering.chain(&places).map(|place| (&place.figure, &place.loaded)));
    let explanation = format!(
        "{title} of each of {} entities: {}{}",
        places.len(),
        best.figure.method,
        measure::notes(plan, period, Some(&best.loaded))
    );
    let mut row = Row::computed(text, value, evidence, features, explanation);
    row.concept = Some(entity.id);
    let confidence = row.confidence;
    let mut rows = vec![row];
    rows.extend(runners_up(
        &places[if above == 0 { count } else { 0 }..],
        &names,
        plan,
        metric,
        period,
        measure,
        confidence,
    ));
    rows
}

fn runners_up(
    places: &[Place],
    names: &HashMap<u64, Entity>,
    plan: &Plan,
    metric: &MetricLink,
    period: &Period,
    measure: Measure,
    confidence: f64,
) -> Vec<Row> {
    let rows = places.iter().take(SHOWN).filter(|place| names.contains_key(&place.entity)).map(|place| {
        let entity = named(names, place.entity);
        let mut features = measure::plan_features(plan, Some(metric), std::slice::from_ref(period));
        features.coverage = series::coverage(period, &place.loaded.points);
        let mut row = Row::computed(
            measure::say(measure, plan, metric, &sentence::entity(&entity), period, &place.figure),
            measure::value_of(measure, metric, Some(&entity), period, &place.figure),
            measure::evidence_of([(&place.figure, &place.loaded)].into_iter()),
            features,
            "a runner-up".into(),
        );
        row.confidence = row.confidence.min(confidence);
        row.concept = Some(entity.id);
        row
    });
    rows.collect()
}

/// The entities named, against each other.
pub fn compare(plan: &Plan, order: Order, difference: bool, store: &dyn Store) -> Vec<Row> {
    let periods = series::periods(plan);
    let period = &periods[0];
    let Some(metric) = plan.metrics.first() else { return vec![measure::nothing(plan, None, None, period, store)] };
    let measure = each(plan, metric, period, order);
    let places = places(plan, metric, period, measure, order, store);
    for link in &plan.entities {
        if !places.iter().any(|place| place.entity == link.entity.id) {
            return vec![measure::nothing(plan, Some(metric), Some(&link.entity), period, store)];
        }
    }
    let names: HashMap<u64, Entity> = plan.entities.iter().map(|link| (link.entity.id, link.entity.clone())).collect();
    let best = &places[0];
    let entity = named(&names, best.entity);
    let title = measure::title(
        match measure {
            Measure::Maximum | Measure::Minimum if metric.metric.name.len() < 5 => Measure::Value,
            measure if moves(measure) => Measure::DailyChange,
            other => other,
        },
        metric,
    );
    let others: Vec<String> = places[1..]
        .iter()
        .map(|place| format!("{} for {}", quantity(place), sentence::entity(&named(&names, place.entity))))
        .collect();
    let word = if order == Order::Highest { "higher" } else { "lower" };
    let mut text = format!(
        "{} had the {word} {title} {}: {}, against {}.",
        sentence::entity(&entity),
        sentence::during(&period.label, period.kind == PeriodKind::Day),
        quantity(best),
        sentence::list(&others)
    );
    let gap = best.figure.value - places[1].figure.value;
    if difference {
        text.push_str(&format!(" The difference is {}.", sentence::quantity(gap.abs(), best.figure.unit.as_deref())));
    }
    let mut features = measure::plan_features(plan, Some(metric), &periods);
    features.margin = confidence::margin(best.figure.value, places[1].figure.value);
    features.coverage = places.iter().map(|place| series::coverage(period, &place.loaded.points)).fold(1.0, f64::min);
    features.agreement = places.iter().map(|place| place.loaded.agreement()).fold(1.0, f64::min);
    let mut value = measure::value_of(measure, metric, Some(&entity), period, &best.figure);
    value.insert("ranking".into(), ranking(&places, &names));
    value.insert("entities".into(), json!(plan.entities.iter().map(|link| &link.entity.name).collect::<Vec<_>>()));
    value.insert("difference".into(), json!(gap.abs()));
    if difference {
        value.insert("value".into(), json!(gap.abs()));
    }
    let evidence = measure::evidence_of(places.iter().map(|place| (&place.figure, &place.loaded)));
    let explanation =
        format!("{title} of each: {}{}", best.figure.method, measure::notes(plan, period, Some(&best.loaded)));
    let mut row = Row::computed(text, value, evidence, features, explanation);
    row.concept = Some(entity.id);
    let confidence = row.confidence;
    let mut rows = vec![row];
    rows.extend(runners_up(&places[1..], &names, plan, metric, period, measure, confidence));
    rows
}

/// Many entities taken together: the average close of all companies, the total volume of a sector.
pub fn pooled(plan: &Plan, store: &dyn Store) -> Vec<Row> {
    let periods = series::periods(plan);
    let period = &periods[0];
    let Some(metric) = plan.metrics.first() else { return vec![measure::nothing(plan, None, None, period, store)] };
    let measure = measure::for_period(plan.measure, metric, period);
    let members = measure::members(plan, store);
    let ids: Option<Vec<u64>> = members.map(|members| members.iter().map(|entity| entity.id).collect());
    if ids.is_none() && !plan.everything && !only_entity(metric, store) {
        return vec![Row::abstention(
            format!("The question does not say whose {} is meant.", metric.metric.label),
            json!({ "entity": Value::Null }),
            "no entity that was learned is named, and more than one has observations",
        )];
    }
    let scope = ids.as_deref().map_or(Scope::Everything, Scope::Entities);
    let loaded = series::load(scope, &metric.metric.name, period, measure, store);
    let count = loaded.len();
    if count == 0 {
        return vec![measure::nothing(plan, Some(metric), None, period, store)];
    }
    if count > 1
        && !matches!(
            measure,
            Measure::Mean | Measure::Total | Measure::Median | Measure::Maximum | Measure::Minimum | Measure::Count
        )
    {
        return vec![Row::abstention(
            format!("The question does not say whose {} is meant; {count} have one.", measure::title(measure, metric)),
            json!({ "entity": Value::Null, "entities": count }),
            "the measure has no meaning for several entities taken together",
        )];
    }
    let agreement = loaded.iter().map(Loaded::agreement).fold(1.0, f64::min);
    let mut points: Vec<_> = loaded.iter().flat_map(|one| one.points.iter().copied()).collect();
    points.sort_by(|one, two| one.at.cmp(&two.at).then(one.concept.cmp(&two.concept)));
    let together = Loaded {
        entity: loaded[0].entity,
        unit: loaded.iter().find_map(|one| one.unit.clone()),
        concepts: points.iter().map(|point| point.concept).collect(),
        points,
        conflicts: 0,
        before: None,
    };
    let Some(figure) = measure::figure(measure, plan.condition.as_ref(), metric, &together) else {
        return vec![measure::nothing(plan, Some(metric), None, period, store)];
    };
    let single = (count == 1).then(|| store.entities(&[together.entity]).into_iter().next()).flatten();
    let who = match &single {
        Some(entity) => sentence::entity(entity),
        None => format!("{count} entities{}", who_of_group(plan)),
    };
    let text = measure::say(measure, plan, metric, &who, period, &figure);
    let mut features = measure::plan_features(plan, Some(metric), &periods);
    features.coverage = series::coverage(period, &together.points);
    features.agreement = agreement;
    features.operation *= if plan.everything || !plan.groups.is_empty() { 0.97 } else { 0.85 };
    let mut value = measure::value_of(measure, metric, single.as_ref(), period, &figure);
    value.insert("compared".into(), json!(count));
    let explanation =
        format!("over {count} entities together: {}{}", figure.method, measure::notes(plan, period, Some(&together)));
    vec![Row::computed(text, value, measure::evidence_of([(&figure, &together)].into_iter()), features, explanation)]
}

/// Whether exactly one entity has the metric at its newest moment.
fn only_entity(metric: &MetricLink, store: &dyn Store) -> bool {
    let Some(newest) = store.newest(&metric.metric.name) else { return false };
    let window = crate::store::Window { from: Some(newest), before: None };
    store.series(Scope::Everything, &metric.metric.name, window).len() == 1
}

/// Two series of returns against each other: Pearson's coefficient of the changes on common days.
pub fn correlation(plan: &Plan, store: &dyn Store) -> Vec<Row> {
    let periods = series::periods(plan);
    let period = &periods[0];
    let Some(metric) = plan.metrics.first() else { return vec![measure::nothing(plan, None, None, period, store)] };
    // Two metrics of one entity, or one metric of two.
    let other_metric = plan.metrics.get(1).unwrap_or(metric);
    let Some(first) = plan.entities.first() else {
        return vec![measure::nothing(plan, Some(metric), None, period, store)];
    };
    let second = plan.entities.get(1).unwrap_or(first);
    if first.entity.id == second.entity.id && metric.metric.name == other_metric.metric.name {
        return vec![Row::abstention(
            "A correlation needs two series: two entities, or two metrics of one.",
            json!({ "entities": 1 }),
            "only one series is named",
        )];
    }
    let load = |entity: u64, metric: &MetricLink| {
        series::load(Scope::Entities(&[entity]), &metric.metric.name, period, Measure::Change, store).into_iter().next()
    };
    let Some(one) = load(first.entity.id, metric) else {
        return vec![measure::nothing(plan, Some(metric), Some(&first.entity), period, store)];
    };
    let Some(two) = load(second.entity.id, other_metric) else {
        return vec![measure::nothing(plan, Some(other_metric), Some(&second.entity), period, store)];
    };
    let by_day: HashMap<i64, f64> = two.points.iter().map(|point| (point.at, point.value)).collect();
    let common: Vec<(f64, f64)> =
        one.points.iter().filter_map(|point| Some((point.value, *by_day.get(&point.at)?))).collect();
    let returns: Vec<(f64, f64)> = common
        .windows(2)
        .filter_map(|pair| {
            Some((statistics::change_percent(pair[0].0, pair[1].0)?, statistics::change_percent(pair[0].1, pair[1].1)?))
        })
        .collect();
    let Some(coefficient) = statistics::correlation(&returns) else {
        return vec![measure::nothing(plan, Some(metric), Some(&first.entity), period, store)];
    };
    let mut features = measure::plan_features(plan, Some(metric), &periods);
    features.coverage = series::coverage(period, &one.points).min(series::coverage(period, &two.points));
    features.agreement = one.agreement().min(two.agreement());
    let mut value = Map::new();
    value.insert("value".into(), json!(coefficient));
    value.insert("metric".into(), json!(metric.metric.name));
    value.insert("measure".into(), json!("correlation"));
    value.insert("entities".into(), json!([first.entity.name, second.entity.name]));
    value.insert("n".into(), json!(returns.len()));
    let text = format!(
        "The correlation of the daily changes of the {} of {} and the {} of {} {} was {coefficient:.3} ({} days).",
        metric.metric.label,
        sentence::entity(&first.entity),
        other_metric.metric.label,
        sentence::entity(&second.entity),
        sentence::during(&period.label, false),
        returns.len()
    );
    let evidence = one.concepts.iter().chain(&two.concepts).copied().collect();
    let explanation =
        format!("Pearson's coefficient of the changes between common days{}", measure::notes(plan, period, Some(&one)));
    let mut row = Row::computed(text, value, evidence, features, explanation);
    row.concept = Some(first.entity.id);
    vec![row]
}
