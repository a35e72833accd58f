//! Money as integers: sums are exact in memory, SQL and any order.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount in billionths of a US dollar.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct NanoUsd(pub i64);

impl std::ops::Add for NanoUsd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::iter::Sum for NanoUsd {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self(0), |a, b| a + b)
    }
}

impl fmt::Display for NanoUsd {
    /// Dollars with nine decimals at most, trailing zeros cut: `0.000125`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let all = self.0.unsigned_abs();
        let (whole, part) = (all / 1_000_000_000, all % 1_000_000_000);
        if part == 0 {
            return write!(f, "{sign}{whole}");
        }
        let (mut part, mut width) = (part, 9);
        while part % 10 == 0 {
            part /= 10;
            width -= 1;
        }
        write!(f, "{sign}{whole}.{part:0width$}")
    }
}

/// A price: nano-dollars per million tokens. 2.50 USD per million is
/// `Rate(2_500_000_000)`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Rate(pub i64);

impl Rate {
    /// What `tokens` cost, rounded half to even, once.
    #[must_use]
    pub fn times(self, tokens: u64) -> NanoUsd {
        const MILLION: i128 = 1_000_000;
        let product = i128::from(self.0) * i128::from(tokens);
        let (quotient, rest) = (product.div_euclid(MILLION), product.rem_euclid(MILLION));
        let half = MILLION / 2;
        let up = rest > half || (rest == half && quotient % 2 != 0);
        let rounded = quotient + i128::from(up);
        NanoUsd(i64::try_from(rounded).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_rounded_half_to_even_once() {
        assert_eq!(Rate(500_000).times(1), NanoUsd(0));
        assert_eq!(Rate(500_000).times(3), NanoUsd(2));
        assert_eq!(Rate(2_500_000_000).times(1_000), NanoUsd(2_500_000));
    }

    #[test]
    fn dollars_print_without_trailing_zeros() {
        assert_eq!(NanoUsd(125_000).to_string(), "0.000125");
        assert_eq!(NanoUsd(-2_000_000_000).to_string(), "-2");
    }
}
