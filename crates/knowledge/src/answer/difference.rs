//! One number less another, or divided by it: of two metrics of an entity, of one metric of two entities or at two times.

use super::measure::{Figure, evidence_of, figure, for_period, notes, nothing, plan_features, title, value_of};
use super::series::{self, Loaded};
use super::{Row, sentence};
use crate::question::link::MetricLink;
use crate::question::plan::Plan;
use crate::question::time::Period;
use crate::store::{Entity, Scope, Store};
use serde_json::json;

/// The first less the second, or the first over the second.
pub fn difference(plan: &Plan, ratio: bool, store: &dyn Store) -> Vec<Row> {
    let periods = series::periods(plan);
    let period = &periods[0];
    let (Some(metric), Some(link)) = (plan.metrics.first(), plan.entities.first()) else {
        return vec![nothing(plan, None, None, period, store)];
    };
    let sides = [
        (&link.entity, metric, period),
        (
            plan.entities.get(1).map_or(&link.entity, |other| &other.entity),
            plan.metrics.get(1).unwrap_or(metric),
            periods.get(1).unwrap_or(period),
        ),
    ];
    let mut found: Vec<(&Entity, &MetricLink, Figure, Loaded)> = Vec::new();
    let measure = for_period(plan.measure, metric, period);
    for (entity, metric, period) in sides {
        let loaded = series::load(Scope::Entities(&[entity.id]), &metric.metric.name, period, measure, store);
        let one = loaded.into_iter().next().and_then(|one| Some((figure(measure, None, metric, &one)?, one)));
        let Some((figure, one)) = one else { return vec![nothing(plan, Some(metric), Some(entity), period, store)] };
        found.push((entity, metric, figure, one));
    }
    let [(_, _, first, one), (_, _, second, two)] = &found[..] else { return vec![] };
    if ratio && second.value == 0.0 {
        return vec![nothing(plan, Some(metric), Some(&link.entity), period, store)];
    }
    let value = if ratio { first.value / second.value } else { first.value - second.value };
    let unit = if ratio { None } else { first.unit.clone() };
    let when = |figure: &Figure, period: &Period| match &figure.points[..] {
        [one] => format!(" on {}", sentence::day(one.at)),
        _ => format!(" {}", sentence::during(&period.label, false)),
    };
    let one_time = periods.len() < 2;
    let parts: Vec<String> = found
        .iter()
        .zip(sides)
        .map(|((entity, metric, figure, _), (_, _, period))| {
            format!(
                "the {} of {}{} was {}",
                title(measure, metric),
                sentence::entity(entity),
                if one_time { String::new() } else { when(figure, period) },
                sentence::quantity(figure.value, figure.unit.as_deref())
            )
        })
        .collect();
    let during = if one_time { when(first, period) } else { String::new() };
    let text = format!(
        "The {}{during} was {}: {}.",
        if ratio { "ratio" } else { "difference" },
        if ratio { sentence::grouped(value, 4) } else { sentence::quantity(value, unit.as_deref()) },
        parts.join(", ")
    );
    let mut features = plan_features(plan, Some(metric), &periods);
    features.coverage = series::coverage(period, &one.points).min(series::coverage(period, &two.points));
    features.agreement = one.agreement().min(two.agreement());
    let mut keys = value_of(measure, metric, Some(&link.entity), period, first);
    keys.insert("value".into(), json!(value));
    keys.insert("unit".into(), json!(unit));
    keys.insert("measure".into(), json!(if ratio { "ratio" } else { "difference" }));
    keys.insert("operands".into(), json!([first.value, second.value]));
    if plan.entities.len() > 1 {
        keys.insert("entities".into(), json!(plan.entities.iter().map(|link| &link.entity.name).collect::<Vec<_>>()));
    }
    let evidence = evidence_of([(first, one), (second, two)].into_iter());
    let explanation = format!(
        "the first {} the second; {}{}",
        if ratio { "over" } else { "less" },
        first.method,
        notes(plan, period, Some(one))
    );
    let mut row = Row::computed(text, keys, evidence, features, explanation);
    row.concept = Some(link.entity.id);
    vec![row]
}
