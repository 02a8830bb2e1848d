//! A measure by week, month, quarter or year: of each, or the one in which it is at an extreme.

use super::measure::{
    Figure, evidence_of, figure, for_period, notes, nothing, plan_features, supporting, title, value_of,
};
use super::series::{self, Loaded};
use super::{Row, confidence, sentence};
use crate::question::link::MetricLink;
use crate::question::plan::{Calendar, Measure, Order, Plan};
use crate::question::time::{MONTHS, Period, PeriodKind, describe_day};
use crate::store::{self, Aggregate, Point, Scope, Store};
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::json;

/// How many stretches an answer names.
const SHOWN: usize = 24;

/// The first and the last day of the stretch that holds a day.
fn bounds(by: Calendar, day: Date) -> (Date, Date) {
    let months = |first: i8, count: i8| {
        let from = Date::new(day.year(), first, 1).unwrap_or(day);
        (from, Date::new(day.year(), first + count - 1, 1).unwrap_or(day).last_of_month())
    };
    match by {
        Calendar::Week => {
            let from = day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days()).unwrap_or(day);
            (from, from.checked_add(6.days()).unwrap_or(day))
        }
        Calendar::Month => months(day.month(), 1),
        Calendar::Quarter => months((day.month() - 1) / 3 * 3 + 1, 3),
        Calendar::Year => months(1, 12),
    }
}

fn label(by: Calendar, from: Date) -> String {
    match by {
        Calendar::Week => format!("the week of {}", describe_day(from)),
        Calendar::Month => format!("{} {}", MONTHS[from.month() as usize - 1], from.year()),
        Calendar::Quarter => format!("Q{} {}", (from.month() - 1) / 3 + 1, from.year()),
        Calendar::Year => from.year().to_string(),
    }
}

struct Stretch {
    period: Period,
    figure: Figure,
}

/// What is measured of each stretch: one value of a long one is what the metric is summed up to.
fn each(measure: Measure, order: Option<Order>, metric: &MetricLink, period: &Period) -> Measure {
    match measure {
        // Totals have the highest month, not the highest day: "the month with the highest volume".
        Measure::Maximum | Measure::Minimum if metric.metric.aggregate == Aggregate::Sum => Measure::Total,
        Measure::Maximum if order == Some(Order::Lowest) => Measure::Minimum,
        Measure::Minimum if order == Some(Order::Highest) => Measure::Maximum,
        other => for_period(other, metric, period),
    }
}

fn said(figure: &Figure) -> String {
    match figure.unit.as_deref() {
        Some("percent") if figure.more.contains_key("direction") => sentence::signed_percent(figure.value),
        unit => sentence::quantity(figure.value, unit),
    }
}

/// The measure of the one entity named by stretches of the calendar.
pub fn by(plan: &Plan, by: Calendar, order: Option<Order>, store: &dyn Store) -> Vec<Row> {
    let periods = series::periods(plan);
    let period = &periods[0];
    let entity = &plan.entities[0].entity;
    let Some(metric) = plan.metrics.first() else { return vec![nothing(plan, None, Some(entity), period, store)] };
    let loaded = series::load(Scope::Entities(&[entity.id]), &metric.metric.name, period, Measure::Change, store);
    let Some(loaded) = loaded.into_iter().next() else {
        return vec![nothing(plan, Some(metric), Some(entity), period, store)];
    };
    let mut measure = plan.measure;
    let mut stretches: Vec<Stretch> = Vec::new();
    for points in
        loaded.points.chunk_by(|one, two| bounds(by, store::day_of(one.at)).0 == bounds(by, store::day_of(two.at)).0)
    {
        let (from, to) = bounds(by, store::day_of(points[0].at));
        let stretch = Period {
            kind: PeriodKind::Range,
            from: Some(from),
            to: Some(to),
            label: label(by, from),
            assumed: None,
            ..period.clone()
        };
        measure = each(plan.measure, order, metric, &stretch);
        let part = Loaded {
            points: points.to_vec(),
            concepts: points.iter().map(|point| point.concept).collect(),
            before: None,
            conflicts: 0,
            ..loaded.clone()
        };
        stretches.extend(
            figure(measure, plan.condition.as_ref(), metric, &part).map(|figure| Stretch { period: stretch, figure }),
        );
    }
    if stretches.is_empty() {
        return vec![nothing(plan, Some(metric), Some(entity), period, store)];
    }
    let listed: serde_json::Value = stretches
        .iter()
        .map(|one| {
            let ends = |end: Option<Date>| end.map(|day| day.to_string());
            json!({ "period": one.period.label, "from": ends(one.period.from), "to": ends(one.period.to), "value": one.figure.value })
        })
        .collect();
    let who = sentence::entity(entity);
    let title = title(measure, metric);
    let during = sentence::during(&period.label, period.kind == PeriodKind::Day);
    let mut features = plan_features(plan, Some(metric), &periods);
    features.coverage = series::coverage(period, &loaded.points);
    features.agreement = loaded.agreement();
    let count = stretches.len();
    let noun = json!(by).as_str().unwrap_or_default().to_owned();
    let (text, best) = match order {
        Some(order) => {
            stretches.sort_by(|one, two| {
                let by_value = one.figure.value.total_cmp(&two.figure.value);
                if order == Order::Highest { by_value.reverse() } else { by_value }
            });
            let best = &stretches[0];
            features.margin =
                stretches.get(1).map_or(1.0, |next| confidence::margin(best.figure.value, next.figure.value));
            let end = if order == Order::Highest { "highest" } else { "lowest" };
            let plain = title.trim_start_matches("highest ").trim_start_matches("lowest ");
            let text = format!(
                "The {plain} of {who} was {end} in {}: {} ({count} {noun}s {during}).",
                best.period.label,
                said(&best.figure)
            );
            (text, best)
        }
        None => {
            let parts: Vec<String> =
                stretches.iter().take(SHOWN).map(|one| format!("{} {}", one.period.label, said(&one.figure))).collect();
            let more = if count > SHOWN { format!(" (the first {SHOWN} of {count} {noun}s)") } else { String::new() };
            (format!("The {title} of {who} by {noun} {during}: {}{more}.", parts.join("; ")), &stretches[0])
        }
    };
    let mut value = value_of(measure, metric, Some(entity), &best.period, &best.figure);
    value.insert("period".into(), json!(best.period.label));
    value.insert("periods".into(), listed);
    let explanation = format!("of each {noun}: {}{}", best.figure.method, notes(plan, period, Some(&loaded)));
    let whole = Figure { points: loaded.points.clone(), ..best.figure.clone() };
    let ends: Vec<Point> = best.figure.points.first().into_iter().chain(best.figure.points.last()).copied().collect();
    let mut row = Row::computed(text, value, evidence_of([(&whole, &loaded)].into_iter()), features, explanation);
    row.concept = Some(entity.id);
    let confidence = row.confidence;
    let mut rows = vec![row];
    rows.extend(supporting(&ends.iter().map(|point| point.concept).collect::<Vec<_>>(), confidence, store));
    rows
}
