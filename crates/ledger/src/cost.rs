//! Usage × price. Each part is rounded once and the total is the sum of the
//! parts, so that an invoice line by line adds up to the invoice.

use domain::model::Price;
use domain::money::NanoUsd;
use domain::usage::Usage;

/// How many parts a cost has: the seven of [`Usage`] and the fee per request.
pub const PARTS: usize = 8;

/// A cost, part by part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Each part by the name of its field in [`Usage`], and `per_request`.
    pub parts: [(&'static str, NanoUsd); PARTS],
    /// The sum of the parts.
    pub total: NanoUsd,
}

/// What `usage` costs at `price`, part by part.
///
/// A rate that the price does not state is the plain one of its side, never
/// zero: an unstated discount is no discount.
#[must_use]
pub fn itemise(usage: &Usage, price: &Price) -> Cost {
    let cached = price.cached_input.unwrap_or(price.input);
    let cache_write = price.cache_write.unwrap_or(price.input);
    let parts = [
        ("input", price.input.times(usage.input)),
        ("cached_input", cached.times(usage.cached_input)),
        ("cache_write", cache_write.times(usage.cache_write)),
        ("audio_input", price.input.times(usage.audio_input)),
        ("output", price.output.times(usage.output)),
        ("reasoning", price.output.times(usage.reasoning)),
        ("audio_output", price.output.times(usage.audio_output)),
        ("per_request", price.per_request),
    ];
    let total = parts.iter().map(|(_, amount)| *amount).sum();
    Cost { parts, total }
}

/// What `usage` costs at `price`.
#[must_use]
pub fn cost(usage: &Usage, price: &Price) -> NanoUsd {
    itemise(usage, price).total
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::money::Rate;
    use proptest::prelude::*;

    fn price() -> Price {
        Price {
            input: Rate(2_500_000_000),
            cached_input: Some(Rate(1_250_000_000)),
            cache_write: Some(Rate(3_125_000_000)),
            output: Rate(10_000_000_000),
            per_request: NanoUsd(7),
        }
    }

    fn usage() -> impl Strategy<Value = Usage> {
        prop::array::uniform7(0_u64..50_000_000).prop_map(|n| Usage {
            input: n[0],
            cached_input: n[1],
            cache_write: n[2],
            audio_input: n[3],
            output: n[4],
            reasoning: n[5],
            audio_output: n[6],
        })
    }

    #[test]
    fn each_part_is_paid_at_its_own_rate() {
        let usage = Usage {
            input: 1_000,
            cached_input: 2_000,
            cache_write: 400,
            audio_input: 10,
            output: 100,
            reasoning: 50,
            audio_output: 20,
        };
        let amounts = itemise(&usage, &price()).parts.map(|(_, amount)| amount.0);
        let expected = [
            2_500_000, 2_500_000, 1_250_000, 25_000, 1_000_000, 500_000, 200_000, 7,
        ];
        assert_eq!(amounts, expected);
        assert_eq!(cost(&usage, &price()), NanoUsd(expected.iter().sum()));
    }

    #[test]
    fn an_unstated_cache_rate_is_the_input_rate() {
        let bare = Price {
            cached_input: None,
            cache_write: None,
            ..price()
        };
        let usage = Usage {
            cached_input: 10,
            cache_write: 10,
            ..Usage::default()
        };
        assert_eq!(cost(&usage, &bare), NanoUsd(2 * 25_000 + 7));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn the_parts_sum_to_the_total(usage in usage(), rates in prop::array::uniform4(0_i64..100_000_000_000), fee in 0_i64..1_000_000_000) {
            let price = Price {
                input: Rate(rates[0]),
                cached_input: (rates[1] % 2 == 0).then_some(Rate(rates[1])),
                cache_write: (rates[2] % 2 == 0).then_some(Rate(rates[2])),
                output: Rate(rates[3]),
                per_request: NanoUsd(fee),
            };
            let cost = itemise(&usage, &price);
            prop_assert_eq!(cost.parts.iter().map(|(_, part)| part.0).sum::<i64>(), cost.total.0);
        }

        #[test]
        fn more_tokens_never_cost_less(usage in usage(), more in 0_u64..1_000_000) {
            let larger = Usage { reasoning: usage.reasoning + more, ..usage };
            prop_assert!(cost(&larger, &price()) >= cost(&usage, &price()));
        }
    }
}
