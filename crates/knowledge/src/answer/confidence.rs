//! How likely an answer is right, from what can be seen of how it came about.

use serde::Serialize;

/// What confidence is computed from; each is the probability that one step was right, given the others were.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Features {
    /// The names mean the entities they were linked to.
    pub linking: f64,
    /// The metric or relation is the one meant.
    pub metric: f64,
    /// The time is the one meant.
    pub time: f64,
    /// Share of the period that observations cover.
    pub coverage: f64,
    /// Share of the meaningful words that were understood.
    pub understood: f64,
    /// How far the answer stands from the next best: 0 for a tie, 1 for far.
    pub margin: f64,
    /// Share of the evidence that no other evidence contradicts.
    pub agreement: f64,
    /// How sure the operation itself is: 1 for what was asked in so many words.
    pub operation: f64,
}

impl Features {
    /// Nothing doubted yet.
    pub fn certain() -> Self {
        Features {
            linking: 1.0,
            metric: 1.0,
            time: 1.0,
            coverage: 1.0,
            understood: 1.0,
            margin: 1.0,
            agreement: 1.0,
            operation: 1.0,
        }
    }

    /// The steps taken together.
    ///
    /// Each step must be right, so probabilities multiply; coverage, margin and the share understood are not
    /// probabilities and are first mapped to one by a line through the point where they say nothing against the answer.
    pub fn confidence(&self) -> f64 {
        let share = |value: f64, floor: f64| floor + (1.0 - floor) * value.clamp(0.0, 1.0);
        let product = self.linking
            * self.metric
            * self.time
            * self.operation
            * share(self.coverage, 0.4)
            * share(self.understood, 0.3)
            * share(self.margin, 0.85)
            * share(self.agreement, 0.5);
        product.clamp(0.0, 0.995)
    }
}

/// How far the best of several stands from the next: their distance by the size of the larger, steep near 0.
pub fn margin(best: f64, next: f64) -> f64 {
    let scale = best.abs().max(next.abs());
    if scale == 0.0 { 0.0 } else { 1.0 - (-20.0 * (best - next).abs() / scale).exp() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_doubt_lowers_confidence() {
        let certain = Features::certain().confidence();
        let doubts: [fn(&mut Features); 8] = [
            |features| features.linking = 0.8,
            |features| features.metric = 0.8,
            |features| features.time = 0.8,
            |features| features.coverage = 0.5,
            |features| features.understood = 0.5,
            |features| features.margin = 0.1,
            |features| features.agreement = 0.5,
            |features| features.operation = 0.8,
        ];
        for doubt in doubts {
            let mut features = Features::certain();
            doubt(&mut features);
            assert!(features.confidence() < certain);
        }
        assert!(margin(2.0, 1.0) > margin(1.1, 1.0));
        assert_eq!(margin(1.0, 1.0), 0.0);
    }
}
