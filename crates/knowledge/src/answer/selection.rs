//! Which entities meet a condition, and how many.

use super::measure::{
    Figure, condition_words, evidence_of, figure, for_period, members, notes, nothing, plan_features, title,
};
use super::series::{self, Loaded};
use super::{Row, sentence};
use crate::question::plan::{Measure, Plan};
use crate::question::time::PeriodKind;
use crate::store::{Entity, Scope, Store};
use serde_json::{Map, json};

/// How many entities an answer names.
const SHOWN: usize = 20;

/// The entities, of all or of a group, whose value meets the condition in the period, or whose change does.
pub fn select(plan: &Plan, count: bool, store: &dyn Store) -> Vec<Row> {
    let periods = series::periods(plan);
    let period = &periods[0];
    let (Some(metric), Some(condition)) = (plan.metrics.first(), plan.condition.as_ref()) else {
        return vec![nothing(plan, None, None, period, store)];
    };
    let ids: Option<Vec<u64>> = members(plan, store).map(|members| members.iter().map(|entity| entity.id).collect());
    let scope = ids.as_deref().map_or(Scope::Everything, Scope::Entities);
    let changes = plan.measure == Measure::Change;
    // A value meets it on any day of a period.
    let measure = if changes { for_period(Measure::Change, metric, period) } else { Measure::Maximum };
    let single = matches!(period.kind, PeriodKind::Unspecified) && !changes;
    let load_measure = if single { Measure::Value } else { measure };
    let mut loaded = series::load(scope, &metric.metric.name, period, load_measure, store);
    loaded.retain(|one| !plan.excluded.iter().any(|link| link.entity.id == one.entity));
    let of = loaded.len();
    let met = |one: &Loaded| -> Option<Figure> {
        let mut figure = figure(measure, None, metric, one)?;
        if changes {
            return condition.holds(figure.value).then_some(figure);
        }
        let point = one.points.iter().rev().find(|point| condition.holds(point.value))?;
        (figure.value, figure.point) = (point.value, Some(*point));
        Some(figure)
    };
    let mut met: Vec<(Figure, Loaded)> = loaded.iter().filter_map(|one| Some((met(one)?, one.clone()))).collect();
    if of == 0 {
        return vec![nothing(plan, Some(metric), None, period, store)];
    }
    met.sort_by(|(one, first), (two, second)| two.value.total_cmp(&one.value).then(first.entity.cmp(&second.entity)));
    if condition.holds(f64::NEG_INFINITY) {
        met.reverse();
    }
    let ids: Vec<u64> = met.iter().map(|(_, loaded)| loaded.entity).collect();
    let named: Vec<Entity> = store.entities(&ids);
    let name = |id: u64| {
        named.iter().find(|entity| entity.id == id).map_or_else(|| format!("{id:016x}"), |entity| entity.name.clone())
    };
    let said = |figure: &Figure| {
        if changes {
            sentence::signed_percent(figure.value)
        } else {
            sentence::quantity(figure.value, figure.unit.as_deref())
        }
    };
    let listed: Vec<String> =
        met.iter().take(SHOWN).map(|(figure, loaded)| format!("{} ({})", name(loaded.entity), said(figure))).collect();
    let condition = condition_words(condition, metric.metric.unit.as_deref());
    let during = match (&met[..], single) {
        // The newest day that anything has.
        ([(figure, _), ..], true) => figure.point.map(|point| format!("on {}", sentence::day(point.at))),
        _ => None,
    }
    .unwrap_or_else(|| sentence::during(&period.label, period.kind == PeriodKind::Day));
    let title = if changes { title(measure, metric) } else { metric.metric.label.clone() };
    let head = match met.len() {
        0 => format!("None of {of} entities had"),
        1 => format!("One of {of} entities had"),
        some => format!("{some} of {of} entities had"),
    };
    let tail = match met.len() {
        0 => String::new(),
        some if some > SHOWN => format!(": {} and {} more", listed.join(", "), some - SHOWN),
        _ => format!(": {}", sentence::list(&listed)),
    };
    let text = format!("{head} a {title} {condition} {during}{tail}.");
    let mut features = plan_features(plan, Some(metric), &periods);
    let whole = |one: &Loaded| series::coverage(period, &one.points);
    features.coverage = met.iter().map(|(_, one)| whole(one)).fold(1.0, f64::min);
    features.agreement = met.iter().map(|(_, one)| one.agreement()).fold(1.0, f64::min);
    let names: Vec<String> = met.iter().map(|(_, loaded)| name(loaded.entity)).collect();
    let mut value = Map::new();
    value.insert("value".into(), json!(met.len()));
    value.insert("metric".into(), json!(metric.metric.name));
    value.insert("measure".into(), json!(if count { "count_of_entities" } else { "entities" }));
    value.insert("entities".into(), json!(names));
    value.insert("compared".into(), json!(of));
    let values: Vec<_> = met
        .iter()
        .take(SHOWN)
        .map(|(figure, loaded)| json!({ "entity": name(loaded.entity), "value": figure.value }))
        .collect();
    value.insert("ranking".into(), json!(values));
    // Where none meets it, what was looked at is the evidence.
    let none: Vec<(Figure, Loaded)> = if met.is_empty() {
        loaded.iter().filter_map(|one| Some((figure(measure, None, metric, one)?, one.clone()))).collect()
    } else {
        vec![]
    };
    let evidence = evidence_of(met.iter().chain(&none).map(|(figure, loaded)| (figure, loaded)));
    let method = if changes { "the change of each" } else { "a value of each" };
    let explanation = format!("{method} was held against the condition{}", notes(plan, period, None));
    let mut row = Row::computed(text, value, evidence, features, explanation);
    row.concept = ids.first().copied();
    vec![row]
}
