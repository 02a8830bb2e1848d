//! The numbers that answers are made of.

/// Arithmetic mean; `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| total(values) / values.len() as f64)
}

/// Sum, with the rounding errors of the additions carried along (Neumaier's variant of Kahan summation, ZAMM 54, 1974).
pub fn total(values: &[f64]) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0_f64);
    for value in values {
        let next = sum + value;
        lost += if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
        sum = next;
    }
    sum + lost
}

/// Median; the mean of the two in the middle when their number is even.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        count if count % 2 == 1 => Some(sorted[middle]),
        _ => Some(sorted[middle - 1].midpoint(sorted[middle])),
    }
}

/// Change from one value to another, in percent of the first; `None` from 0.
pub fn change_percent(first: f64, last: f64) -> Option<f64> {
    (first != 0.0).then(|| (last - first) / first.abs() * 100.0)
}

/// Sample standard deviation (n - 1); `None` of fewer than two.
pub fn deviation(values: &[f64]) -> Option<f64> {
    let centre = mean(values)?;
    let squares: Vec<f64> = values.iter().map(|value| (value - centre).powi(2)).collect();
    (values.len() > 1).then(|| (total(&squares) / (values.len() - 1) as f64).sqrt())
}

/// Historical volatility: sample standard deviation of the log returns ln(x\[i\] / x\[i-1\]), not annualised (Hull,
/// Options, Futures, and Other Derivatives, "Estimating volatility from historical data"). `None` of fewer than three
/// values or of values that are not positive.
pub fn volatility(values: &[f64]) -> Option<f64> {
    if values.iter().any(|value| *value <= 0.0) {
        return None;
    }
    deviation(&values.windows(2).map(|pair| (pair[1] / pair[0]).ln()).collect::<Vec<_>>())
}

/// A straight line through a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// Change of the line from one observation to the next.
    pub slope: f64,
    /// Share of the variance that the line explains, 0 to 1; 1 for a constant series.
    pub r_squared: f64,
    /// Rise of the line from the first to the last observation, in percent of the mean.
    pub move_percent: f64,
}

/// Least-squares line over 0, 1, 2 ... (Legendre 1805; Montgomery, Peck and Vining, Introduction to Linear Regression
/// Analysis, chapter 2). `None` of fewer than two values or of a mean of 0.
pub fn fit(values: &[f64]) -> Option<Fit> {
    let count = values.len();
    let centre = mean(values).filter(|mean| *mean != 0.0 && count >= 2)?;
    let middle = (count - 1) as f64 / 2.0;
    let (mut cross, mut squares, mut variance) = (0.0, 0.0, 0.0);
    for (index, value) in values.iter().enumerate() {
        let x = index as f64 - middle;
        cross += x * (value - centre);
        squares += x * x;
        variance += (value - centre).powi(2);
    }
    let slope = cross / squares;
    Some(Fit {
        slope,
        r_squared: if variance == 0.0 { 1.0 } else { (slope * slope * squares / variance).min(1.0) },
        move_percent: slope * (count - 1) as f64 / centre.abs() * 100.0,
    })
}

/// Pearson's correlation coefficient; `None` of fewer than three pairs or of a constant series.
pub fn correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    let (first, second): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let (first_mean, second_mean) = (mean(&first)?, mean(&second)?);
    let (mut both, mut one, mut two) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        both += (a - first_mean) * (b - second_mean);
        one += (a - first_mean).powi(2);
        two += (b - second_mean).powi(2);
    }
    (pairs.len() >= 3 && one > 0.0 && two > 0.0).then(|| (both / (one * two).sqrt()).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// AAPL closes of 2019-01-02 to 2019-01-09; the expected figures were computed with Python's statistics module.
    const CLOSES: [f64; 6] = [157.92, 142.19, 148.26, 147.93, 150.75, 153.31];

    #[test]
    fn figures_of_a_real_week() {
        assert!((mean(&CLOSES).unwrap() - 150.06).abs() < 1e-9);
        assert!((median(&CLOSES).unwrap() - 149.505).abs() < 1e-9);
        assert!((volatility(&CLOSES).unwrap() - 0.057_502_632).abs() < 1e-6);
        assert!((change_percent(CLOSES[0], CLOSES[5]).unwrap() + 2.919_199_594).abs() < 1e-6);
        let fit = fit(&CLOSES).unwrap();
        assert!((fit.slope - 0.065_714_286).abs() < 1e-6, "{fit:?}");
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!(mean(&[]), None);
        assert_eq!(median(&[]), None);
        assert_eq!(volatility(&[1.0, 2.0]), None);
        assert_eq!(volatility(&[1.0, -2.0, 3.0, 4.0]), None);
        assert_eq!(fit(&[1.0]), None);
        assert_eq!(change_percent(0.0, 1.0), None);
        assert_eq!(correlation(&[(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]), None);
    }

    proptest! {
        #[test]
        fn a_line_is_fitted_exactly(start in 1.0..100.0_f64, step in -1.0..1.0_f64, count in 3_usize..50) {
            let values: Vec<f64> = (0..count).map(|index| start + 60.0 + step * index as f64).collect();
            let fit = fit(&values).unwrap();
            prop_assert!((fit.slope - step).abs() < 1e-9);
            prop_assert!(step.abs() < 1e-6 || (fit.r_squared - 1.0).abs() < 1e-6);
        }

        #[test]
        fn the_sum_does_not_lose_small_values(small in 0.1..1.0_f64) {
            prop_assert!((total(&[1e16, small, -1e16]) - small).abs() < 1e-12);
        }
    }
}
