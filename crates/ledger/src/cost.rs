//! Usage × price. Each part is rounded once and the total is the sum of the
//! parts, so that an invoice line by line adds up to the invoice.

use domain::model::Price;
use domain::money::{NanoUsd, Rate};
use domain::usage::Usage;

/// How many parts a cost has: the eight of [`Usage`] and the fee per request.
pub const PARTS: usize = 9;

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
/// zero: an unstated discount is no discount. Where the price has tiers, the
/// whole prompt says which one holds, and it holds for every part.
#[must_use]
pub fn itemise(usage: &Usage, price: &Price) -> Cost {
    let price = price.at(usage.prompt());
    let cached = price.cached_input.unwrap_or(price.input);
    let cache_write = price.cache_write.unwrap_or(price.input);
    let written_1h = price.cache_write_1h.unwrap_or(cache_write);
    let heard = price.audio_input.unwrap_or(price.input);
    let thought = price.reasoning.unwrap_or(price.output);
    let spoken = price.audio_output.unwrap_or(price.output);
    let parts = [
        ("input", price.input.times(usage.input)),
        ("cached_input", cached.times(usage.cached_input)),
        ("cache_write", cache_write.times(usage.cache_write)),
        ("cache_write_1h", written_1h.times(usage.cache_write_1h)),
        ("audio_input", heard.times(usage.audio_input)),
        ("output", price.output.times(usage.output)),
        ("reasoning", thought.times(usage.reasoning)),
        ("audio_output", spoken.times(usage.audio_output)),
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

/// What a request costs at most: a prompt of up to so many tokens at the
/// dearest rate of its side, and an answer of up to so many at that of its.
#[must_use]
pub fn most(prompt: u64, answer: u64, price: &Price) -> NanoUsd {
    let tiers = price.tiers.iter().flat_map(|tiers| tiers.iter());
    let reached = tiers.filter(|tier| tier.above < prompt);
    let all = reached.map(|tier| &tier.price).chain([price]);
    let dearest = |price: &Price| {
        let asked = [
            price.cached_input,
            price.cache_write,
            price.cache_write_1h,
            price.audio_input,
        ];
        let said = [price.reasoning, price.audio_output];
        let highest = |plain: Rate, others: &[Option<Rate>]| {
            let others = others.iter().flatten().map(|rate| rate.0);
            Rate(others.fold(plain.0, i64::max))
        };
        let (input, output) = (highest(price.input, &asked), highest(price.output, &said));
        input.times(prompt) + output.times(answer) + price.per_request
    };
    all.map(dearest).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::model::Tier;
    use domain::money::Rate;
    use proptest::prelude::*;

    fn price() -> Price {
        Price {
            input: Rate(2_500_000_000),
            cached_input: Some(Rate(1_250_000_000)),
            cache_write: Some(Rate(3_125_000_000)),
            output: Rate(10_000_000_000),
            per_request: NanoUsd(7),
            ..Price::default()
        }
    }

    fn usage() -> impl Strategy<Value = Usage> {
        prop::array::uniform8(0_u64..50_000_000).prop_map(|n| Usage {
            input: n[0],
            cached_input: n[1],
            cache_write: n[2],
            audio_input: n[3],
            output: n[4],
            reasoning: n[5],
            audio_output: n[6],
            cache_write_1h: n[7],
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
            cache_write_1h: 40,
        };
        let amounts = itemise(&usage, &price()).parts.map(|(_, amount)| amount.0);
        let expected = [
            2_500_000, 2_500_000, 1_250_000, 125_000, 25_000, 1_000_000, 500_000, 200_000, 7,
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

    #[test]
    fn what_has_a_rate_of_its_own_is_paid_at_it() {
        let dear = Price {
            cache_write_1h: Some(Rate(6_000_000_000)),
            audio_input: Some(Rate(40_000_000_000)),
            reasoning: Some(Rate(12_000_000_000)),
            audio_output: Some(Rate(80_000_000_000)),
            ..price()
        };
        let usage = Usage {
            cache_write: 1,
            cache_write_1h: 1,
            audio_input: 1,
            reasoning: 1,
            audio_output: 1,
            ..Usage::default()
        };
        let amounts = itemise(&usage, &dear).parts.map(|(_, amount)| amount.0);
        assert_eq!(amounts, [0, 0, 3_125, 6_000, 40_000, 0, 12_000, 80_000, 7]);
    }

    #[test]
    fn a_long_prompt_is_paid_at_its_tier_from_the_first_token() {
        let double = Price {
            input: Rate(5_000_000_000),
            ..price()
        };
        let triple = Price {
            input: Rate(7_500_000_000),
            ..price()
        };
        let tier = |above, price| Tier { above, price };
        let tiered = Price {
            tiers: Some([tier(100, double), tier(200, triple)].into()),
            ..price()
        };
        let input = |input| {
            itemise(
                &Usage {
                    input,
                    ..Usage::default()
                },
                &tiered,
            )
            .parts[0]
                .1
                .0
        };
        assert_eq!(input(100), 100 * 2_500);
        assert_eq!(input(101), 101 * 5_000);
        assert_eq!(input(201), 201 * 7_500);
        // What the cache read belongs to the prompt's length.
        let usage = Usage {
            input: 1,
            cached_input: 100,
            ..Usage::default()
        };
        assert_eq!(itemise(&usage, &tiered).parts[0].1.0, 5_000);
    }

    #[test]
    fn the_most_is_what_the_dearest_rates_that_can_apply_make() {
        let tier = Tier {
            above: 100,
            price: Price {
                cache_write_1h: Some(Rate(9_000_000_000)),
                ..price()
            },
        };
        let tiered = Price {
            tiers: Some([tier].into()),
            ..price()
        };
        // Written to the cache, every token of the answer spoken or not.
        assert_eq!(most(100, 10, &tiered).0, 100 * 3_125 + 10 * 10_000 + 7);
        assert_eq!(most(101, 10, &tiered).0, 101 * 9_000 + 10 * 10_000 + 7);
    }

    proptest! {
        #[test]
        fn nothing_costs_more_than_the_most(usage in usage(), hour in 0_i64..20_000_000_000) {
            let price = Price { cache_write_1h: Some(Rate(hour)), ..price() };
            let most = most(usage.prompt(), usage.completion(), &price);
            // Each of the nine parts is rounded by itself.
            prop_assert!(cost(&usage, &price).0 <= most.0 + 9);
        }
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
                ..Price::default()
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
