//! What is made of many measured values.

use serde::{Deserialize, Serialize};

/// The least and the middle of the rounds' values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    /// The least.
    pub(crate) least: f64,
    /// The median.
    pub(crate) median: f64,
}

impl Spread {
    /// Of at least one value.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let least = values.iter().copied().min_by(f64::total_cmp)?;
        let median = median(values)?;
        Some(Self { least, median })
    }
}

/// The middle value, or the mean of the middle two.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(*sorted.get(middle - 1)?, upper))
}

/// The median of the quotients of values measured one after the other: what
/// drifts slowly, such as a neighbour's load, falls out.
pub(crate) fn paired(ours: &[f64], beside: &[f64]) -> Option<f64> {
    let quotients: Vec<f64> = ours
        .iter()
        .zip(beside)
        .filter(|(_, beside)| **beside > 0.0)
        .map(|(ours, beside)| ours / beside)
        .collect();
    median(&quotients)
}

/// The value that `share` (0 to 1) of the sorted values do not exceed.
pub(crate) fn percentile(sorted: &[u64], share: f64) -> Option<u64> {
    let last = sorted.len().checked_sub(1)?;
    let rank = (share * real(sorted.len() as u64)).ceil();
    let index = (rank as usize).saturating_sub(1).min(last);
    sorted.get(index).copied()
}

/// A count as a real number; exact below 2^53.
pub(crate) fn real(count: u64) -> f64 {
    count as f64
}

/// Microseconds from nanoseconds.
pub(crate) fn micros(nanos: u64) -> f64 {
    real(nanos) / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_between_the_middle_two() {
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let sorted: Vec<u64> = (1..=1000).collect();
        assert_eq!(percentile(&sorted, 0.5), Some(500));
        assert_eq!(percentile(&sorted, 0.99), Some(990));
        assert_eq!(percentile(&sorted, 0.999), Some(999));
        assert_eq!(percentile(&sorted, 1.0), Some(1000));
        assert_eq!(percentile(&[7], 0.5), Some(7));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn a_drift_that_both_see_does_not_show_in_the_paired_quotient() {
        let (ours, beside) = ([10.0, 20.0, 30.0], [20.0, 40.0, 60.0]);
        assert_eq!(paired(&ours, &beside), Some(0.5));
        assert_eq!(paired(&ours, &[0.0, 0.0, 0.0]), None);
    }

    #[test]
    fn a_spread_holds_the_least_and_the_median() {
        let spread = Spread::of(&[3.0, 1.0, 2.0]);
        assert_eq!(
            spread,
            Some(Spread {
                least: 1.0,
                median: 2.0
            })
        );
    }
}
