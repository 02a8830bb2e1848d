//! From a plan's period to the observations in it.

use super::sentence;
use crate::question::plan::{Measure, Plan};
use crate::question::time::{Period, PeriodKind};
use crate::store::{self, Point, Scope, Series, Store, Window};
use jiff::ToSpan;

/// Days that a trend or a figure without a period looks back: the trading days of a year.
pub const DEFAULT_OBSERVATIONS: usize = 252;
/// Days at the ends of a period that may lack observations (weekends, holidays) without lowering coverage.
const SLACK: i32 = 5;

/// The observations of a period, one for each moment.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Whose.
    pub entity: u64,
    /// Unit of the observations.
    pub unit: Option<String>,
    /// One for each moment, oldest first.
    pub points: Vec<Point>,
    /// All concepts that say so.
    pub concepts: Vec<u64>,
    /// Moments for which statements disagree.
    pub conflicts: usize,
    /// The observation before the first, where steps from one to the next are counted.
    pub before: Option<Point>,
}

impl Loaded {
    /// The values, oldest first.
    pub fn values(&self) -> Vec<f64> {
        self.points.iter().map(|point| point.value).collect()
    }

    /// Each observation with the one before it; the first of a period has one when it was asked for.
    pub fn steps(&self) -> impl Iterator<Item = (Point, Point)> + '_ {
        let earlier = self.before.into_iter().chain(self.points.iter().copied());
        earlier.zip(self.points[usize::from(self.before.is_none()).min(self.points.len())..].iter().copied())
    }

    /// Share of the moments on which all statements agree.
    pub fn agreement(&self) -> f64 {
        if self.points.is_empty() { 1.0 } else { 1.0 - self.conflicts as f64 / self.points.len() as f64 }
    }
}

/// The window of days from..to.
pub fn window(period: &Period) -> Window {
    let after = |day: jiff::civil::Date| day.checked_add(1.day()).map(store::start_of).unwrap_or(i64::MAX);
    Window { from: period.from.map(store::start_of), before: period.to.map(after) }
}

/// One observation for each moment. Several statements about a moment are one observation; where they disagree, the
/// one with the lowest concept id is used, so that the answer does not depend on the order of reading.
fn settle(series: Series) -> Loaded {
    let mut points: Vec<Point> = Vec::with_capacity(series.points.len());
    let mut concepts = Vec::with_capacity(series.points.len());
    let mut conflicts = 0;
    let mut conflicting = false;
    for point in series.points {
        concepts.push(point.concept);
        match points.last() {
            Some(last) if last.at == point.at => {
                if !conflicting && (last.value - point.value).abs() > 1e-9 * last.value.abs().max(1.0) {
                    conflicts += 1;
                    conflicting = true;
                }
            }
            _ => {
                points.push(point);
                conflicting = false;
            }
        }
    }
    Loaded { entity: series.entity, unit: series.unit, points, concepts, conflicts, before: None }
}

/// Adds the observations of another metric of the same entities, in the order of time.
pub fn merge(into: &mut [Loaded], others: Vec<Loaded>) {
    for other in others {
        if let Some(one) = into.iter_mut().find(|one| one.entity == other.entity) {
            one.points.extend(other.points);
            one.points.sort_by(|one, two| one.at.cmp(&two.at).then(one.value.total_cmp(&two.value)));
            one.concepts.extend(other.concepts);
            one.conflicts += other.conflicts;
        }
    }
}

/// The observations that a plan's period covers, for the entities given, or for all.
pub fn load(scope: Scope<'_>, metric: &str, period: &Period, measure: Measure, store: &dyn Store) -> Vec<Loaded> {
    let latest = |count: usize| match scope {
        Scope::Entities(ids) => store.last(ids, metric, count, None),
        Scope::Everything => {
            // The newest of everything is the newest day that anything has; so many observed days lie within twice as
            // many of the calendar and some holidays.
            let newest = store.newest(metric);
            let days = if count == 1 { 0 } else { (2 * count as i64 + 10).min(8_000) };
            let from = newest.map(|at| store::start_of(store::day_of(at)) - days * store::DAY);
            store.series(scope, metric, Window { from, before: None })
        }
    };
    let series = match period.kind {
        PeriodKind::Latest => latest(1),
        PeriodKind::Observations => latest(period.count.max(1) + usize::from(measure == Measure::DailyChange)),
        PeriodKind::Unspecified => match measure {
            Measure::Value => latest(1),
            Measure::Trend => latest(DEFAULT_OBSERVATIONS),
            _ => store.series(scope, metric, Window::default()),
        },
        PeriodKind::Day if measure == Measure::DailyChange => match scope {
            // The change of a day needs the observation before it.
            Scope::Entities(ids) => {
                let wanted = window(period);
                let mut series = store.last(ids, metric, 2, wanted.before);
                series.retain(|one| one.points.last().is_some_and(|point| Some(point.at) >= wanted.from));
                series
            }
            Scope::Everything => {
                let mut wanted = window(period);
                wanted.from = wanted.from.map(|from| from - 7 * store::DAY);
                store.series(scope, metric, wanted)
            }
        },
        _ => store.series(scope, metric, window(period)),
    };
    let mut loaded: Vec<Loaded> = series.into_iter().map(settle).filter(|loaded| !loaded.points.is_empty()).collect();
    for one in &mut loaded {
        let (all, count) = (one.points.len(), period.count.max(1));
        let window = match period.kind {
            PeriodKind::FirstDays if all > count => Some(0..count),
            PeriodKind::LastDays if all > count => Some(all - count..all),
            PeriodKind::Observations if all > count + usize::from(measure == Measure::DailyChange) => {
                Some(all - count - usize::from(measure == Measure::DailyChange)..all)
            }
            _ => None,
        };
        if let Some(window) = window {
            one.points = one.points[window].to_vec();
            one.concepts = one.points.iter().map(|point| point.concept).collect();
        }
        let keep = match period.kind {
            PeriodKind::FirstOf if one.points.len() > 1 => one.points.first().copied(),
            PeriodKind::LastOf | PeriodKind::Latest if one.points.len() > 1 => one.points.last().copied(),
            PeriodKind::Unspecified if measure == Measure::Value => one.points.last().copied(),
            _ => None,
        };
        if let Some(point) = keep {
            one.points = vec![point];
            one.concepts = vec![point.concept];
        }
    }
    loaded
}

/// Whether a measure looks at steps from one observation to the next, the first of the period included.
pub fn by_steps(measure: Measure, plan: &Plan) -> bool {
    matches!(
        measure,
        Measure::DailyChange | Measure::HighestDailyChange | Measure::LowestDailyChange | Measure::MeanDailyChange
    ) || measure == Measure::Count && plan.condition.is_some_and(|condition| condition.percent)
}

/// Adds the observation before the first of a period that begins on a day: the step on that day is from there.
pub fn add_before(loaded: &mut [Loaded], metric: &str, period: &Period, store: &dyn Store) {
    if period.kind != PeriodKind::Range || period.from.is_none() {
        return;
    }
    let ids: Vec<u64> = loaded.iter().map(|one| one.entity).collect();
    let before = store.last(&ids, metric, 1, window(period).from);
    for one in loaded {
        let earlier = before.iter().find(|series| series.entity == one.entity).and_then(|series| series.points.last());
        one.before = earlier.copied();
        one.concepts.extend(earlier.map(|point| point.concept));
    }
}

/// Share of a period that observations reach: 1 less the days at its ends, beyond a few, that have none.
pub fn coverage(period: &Period, points: &[Point]) -> f64 {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return 0.0 };
    if matches!(period.kind, PeriodKind::Observations | PeriodKind::FirstDays | PeriodKind::LastDays) {
        return (points.len() as f64 / period.count.max(1) as f64).min(1.0);
    }
    let (first, last) = (store::day_of(first.at), store::day_of(last.at));
    // One end of a period is covered by an observation near that end.
    let near = |days: i32| if days <= SLACK { 1.0 } else { 0.5 };
    match (period.kind, period.from, period.to) {
        (PeriodKind::FirstOf, Some(from), _) => return near((first - from).get_days()),
        (PeriodKind::LastOf, _, Some(to)) => return near((to - last).get_days()),
        _ => {}
    }
    let from = period.from.unwrap_or(first);
    let to = period.to.unwrap_or(last);
    let length = (to - from).get_days() + 1;
    let missing = ((first - from).get_days() - SLACK).max(0) + ((to - last).get_days() - SLACK).max(0);
    if length <= 0 { 1.0 } else { (1.0 - f64::from(missing) / f64::from(length)).max(0.0) }
}

/// What to say about a period that observations do not fill.
pub fn shortfall(period: &Period, points: &[Point]) -> Option<String> {
    let (first, last) = (points.first()?, points.last()?);
    (coverage(period, points) < 0.98).then(|| {
        format!("observations there reach only from {} to {}", sentence::day(first.at), sentence::day(last.at))
    })
}

/// The plan's period, or that of a question without a time.
pub fn periods(plan: &Plan) -> Vec<Period> {
    if plan.periods.is_empty() { vec![Period::unspecified()] } else { plan.periods.clone() }
}
