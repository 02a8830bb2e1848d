//! Metrics of one's own whose names are words of the shipped ones or of the language: a `price` or a `stock` that was
//! learned is meant by that word wherever what the word means otherwise was not observed.

use super::compose::Composer;
use super::link::{Link, MetricLink, Role, observed_metric};
use super::token::TokenKind;
use crate::store::{Metric, Store};

impl Composer<'_> {
    /// Gives words that are the very name of an observed metric to it, where the metric they were linked to has no
    /// observation of the entities named.
    pub(super) fn link_own(
        &mut self,
        store: &dyn Store,
        metrics: &[Metric],
        entities: &[Link],
        links: &mut Vec<MetricLink>,
    ) {
        let ids: Vec<u64> = entities.iter().map(|link| link.entity.id).collect();
        let seen = |name: &str| {
            if ids.is_empty() { store.newest(name).is_some() } else { !store.extents(&ids, name).is_empty() }
        };
        if links.iter().any(|link| seen(&link.metric.name)) {
            return;
        }
        let words: Vec<(usize, String)> = self
            .tokens
            .iter()
            .enumerate()
            .filter(|(at, token)| {
                token.kind == TokenKind::Word
                    && token.lower.chars().count() > 2
                    && !matches!(self.roles[*at], Role::Time(_) | Role::Entity | Role::Number)
            })
            .map(|(at, token)| (at, token.lower.clone()))
            .collect();
        let mut names: Vec<String> = words.iter().map(|(_, word)| word.clone()).collect();
        names.sort();
        names.dedup();
        let mut found = store.observed_metrics(&names);
        found.retain(|name| seen(name));
        let Some((at, name)) = words.into_iter().find(|(_, word)| found.contains(word)) else { return };
        links.clear();
        links.push(MetricLink { metric: observed_metric(metrics, &name), text: name, general: false, certainty: 0.97 });
        self.roles[at] = Role::Metric(0);
    }
}
