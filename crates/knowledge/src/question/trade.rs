//! What is traded: "most traded", "how many shares changed hands", "busiest day" ask for the volume without its name.

use super::compose::Composer;
use super::link::{MetricLink, Role};
use super::words::{self, Cue};
use crate::store::Metric;

/// Words that compare quantities, not prices.
const QUANTITIES: &[&str] = &[
    "most", "more", "least", "less", "fewest", "fewer", "heaviest", "heavier", "lightest", "lighter", "many", "number",
    "much", "heavily", "actively", "total", "average",
];
/// Words between which a quantity and what is traded still belong together.
const NEAR: usize = 5;

impl Composer<'_> {
    /// Links the metric that is counted in the unit spoken of, or the volume, when the question asks how much of it was
    /// traded and names no metric of its own.
    pub(super) fn link_traded(&mut self, metrics: &[Metric], links: &mut Vec<MetricLink>) {
        if !links.is_empty() {
            return;
        }
        let moves =
            self.cues.any(&[Cue::Gain, Cue::Loss, Cue::Volatile, Cue::Stable, Cue::Expensive, Cue::Cheap, Cue::Trend])
                || self.cues.found.iter().any(|(at, cue)| *cue == Cue::Change && self.tokens[*at].lower != "did");
        let quantity = |index: usize| {
            (index.saturating_sub(NEAR)..(index + NEAR).min(self.tokens.len())).any(|near| {
                QUANTITIES.contains(&self.tokens[near].lower.as_str())
                    || matches!(self.roles[near], Role::Cue(Cue::Above | Cue::Below | Cue::AtLeast | Cue::AtMost))
            })
        };
        let volume = metrics.iter().find(|metric| metric.name == "volume");
        let mut found = None;
        for index in 0..self.tokens.len() {
            let token = &self.tokens[index];
            match self.roles[index] {
                Role::Cue(Cue::Busiest | Cue::Quietest) if !moves => found = volume.map(|metric| (metric, index)),
                // "how many shares", "the fewest shares", "more than 2 million shares": the unit of a metric.
                Role::Cue(Cue::Share) | Role::Free if quantity(index) && !moves => {
                    let unit = metrics.iter().find(|metric| metric.unit.as_deref() == Some(token.lower.as_str()));
                    found = unit.map(|metric| (metric, index)).or(found);
                }
                Role::Cue(Cue::Trade) if found.is_none() && !moves => {
                    // "What was it trading at" asks for a price, "trading days" are days.
                    let price = self.tokens.get(index + 1).is_some_and(|next| {
                        matches!(
                            next.lower.as_str(),
                            "at" | "for"
                                | "above"
                                | "below"
                                | "between"
                                | "under"
                                | "over"
                                | "day"
                                | "days"
                                | "session"
                                | "sessions"
                                | "date"
                        )
                    });
                    if quantity(index) && !price {
                        found = volume.map(|metric| (metric, index));
                    }
                }
                _ => {}
            }
        }
        let Some((metric, index)) = found else { return };
        let text = self.tokens[index].text.clone();
        links.push(MetricLink { metric: metric.clone(), text, general: false, certainty: 0.96 });
        if matches!(self.roles[index], Role::Free) || words::cue(&self.tokens[index].lower) == Some(Cue::Share) {
            self.roles[index] = Role::Metric(0);
        }
    }
}
