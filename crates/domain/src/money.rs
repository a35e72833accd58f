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

impl std::str::FromStr for NanoUsd {
    type Err = String;

    /// Reads dollars that are not negative: `500`, `0.15`. Digit by digit: a
    /// binary fraction would not be exact.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no amount in US dollars; write it like `0.15`, with nine decimals at \
                 most"
            )
        };
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |it: &str| it.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_number(whole) || !is_number(part) || part.len() > 9 {
            return Err(wrong());
        }
        let nanos = format!("{whole}{part:0<9}").parse();
        nanos.map(Self).map_err(|_| wrong())
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
    fn dollars_are_read_exactly_or_not_at_all() {
        for (text, nanos) in [
            ("500", 500_000_000_000),
            ("0.15", 150_000_000),
            ("1.000000001", 1_000_000_001),
        ] {
            assert_eq!(text.parse(), Ok(NanoUsd(nanos)));
        }
        for text in ["", ".5", "-1", "1e3", "1.0000000001", "9999999999", "1,5"] {
            assert!(text.parse::<NanoUsd>().is_err(), "{text}");
        }
    }

    #[test]
    fn dollars_print_without_trailing_zeros() {
        assert_eq!(NanoUsd(125_000).to_string(), "0.000125");
        assert_eq!(NanoUsd(-2_000_000_000).to_string(), "-2");
    }
}
