//! When requests are planned: a Poisson process from a fixed seed, so that
//! every server is asked at the same moments.

use std::time::Duration;

/// Random numbers, the same ones each time (xorshift64*).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice that always roll the same for a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number in 0..1.
    pub(crate) fn roll(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11;
        high as f64 / (1_u64 << 53) as f64
    }
}

/// Planned moments, counted from the start, until `length` is over.
pub(crate) struct Poisson {
    dice: Dice,
    rate: f64,
    at: f64,
    length: f64,
}

impl Poisson {
    /// `rate` moments a second on average.
    pub(crate) fn new(seed: u64, rate: f64, length: Duration) -> Self {
        Self {
            dice: Dice::new(seed),
            rate,
            at: 0.0,
            length: length.as_secs_f64(),
        }
    }
}

impl Iterator for Poisson {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        // 1 - x is never 0, and so never infinitely far away.
        self.at += -(1.0 - self.dice.roll()).ln() / self.rate;
        (self.at < self.length).then(|| Duration::from_secs_f64(self.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(seed: u64) -> Vec<Duration> {
        Poisson::new(seed, 2000.0, Duration::from_secs(10)).collect()
    }

    #[test]
    fn the_same_seed_plans_the_same_moments() {
        assert_eq!(moments(7), moments(7));
        assert_ne!(moments(7), moments(9));
    }

    #[test]
    fn the_moments_are_in_order_and_as_many_as_the_rate_says() {
        let moments = moments(7);
        assert!(moments.is_sorted());
        assert!(moments.len().abs_diff(20_000) < 600, "{}", moments.len());
    }

    #[test]
    fn the_gaps_spread_as_a_poisson_process_does() {
        let moments = moments(7);
        let gaps: Vec<f64> = moments
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).as_secs_f64())
            .collect();
        let mean = 1.0 / 2000.0;
        let longer = gaps.iter().filter(|gap| **gap > mean).count();
        let share = longer as f64 / gaps.len() as f64;
        assert!((share - (-1.0_f64).exp()).abs() < 0.02, "{share}");
    }
}
