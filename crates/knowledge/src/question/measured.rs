//! What is measured where a question names no metric, or only the price: of price bars the close, the high or the low.

use super::link::{Link, MetricLink};
use super::plan::{Measure, Operation};
use crate::store::{Metric, Store};

/// The close, where nothing else is named, ranges from the lowest low to the highest high.
pub(super) fn high_and_low(links: &mut Vec<MetricLink>, metrics: &[Metric]) {
    let ends = ["high", "low"].map(|name| metrics.iter().find(|metric| metric.name == name));
    if links.iter().all(|link| link.metric.name == "close" && link.general)
        && let ([Some(high), Some(low)], Some(link)) = (ends, links.first().cloned())
    {
        *links = [high, low].map(|metric| MetricLink { metric: metric.clone(), ..link.clone() }).to_vec();
    }
}

/// What a question measures that does not say it: the close where there are prices, else the only metric there is.
pub(super) fn default_metric(metrics: &[Metric], store: &dyn Store, entities: &[Link]) -> Option<MetricLink> {
    let ids: Vec<u64> = entities.iter().map(|link| link.entity.id).collect();
    let observed = |metric: &Metric| {
        if ids.is_empty() {
            store.newest(&metric.name).is_some()
        } else {
            !store.extents(&ids, &metric.name).is_empty()
        }
    };
    let close = metrics.iter().find(|metric| metric.name == "close");
    let metric = close.filter(|metric| observed(metric)).or_else(|| metrics.iter().find(|metric| observed(metric)))?;
    Some(MetricLink { metric: metric.clone(), text: String::new(), general: true, certainty: 0.93 })
}

/// Price bars: the highest price of a period is the highest high, the lowest the lowest low; the high of a period is
/// the highest, its low the lowest, its open the first.
pub(super) fn bars(
    links: &mut [MetricLink],
    metrics: &[Metric],
    measure: &mut Measure,
    operation: &Operation,
    averaged: bool,
) {
    let Some(first) = links.first_mut() else { return };
    let named = |name: &str| metrics.iter().find(|metric| metric.name == name).cloned();
    if first.metric.name == "close" && first.general && !averaged {
        let day_question = matches!(operation, Operation::When { .. });
        let extreme = match (&measure, operation) {
            (Measure::Maximum, _) => named("high"),
            (Measure::Minimum, _) => named("low"),
            _ => None,
        };
        if let Some(extreme) = extreme.filter(|_| !day_question || !first.text.is_empty()) {
            first.metric = extreme;
        }
    }
    if *measure == Measure::Value && matches!(operation, Operation::Measure) {
        match first.metric.name.as_str() {
            "high" => *measure = Measure::Maximum,
            "low" => *measure = Measure::Minimum,
            _ => {}
        }
    }
}
