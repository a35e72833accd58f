//! What a request used and costs: at the target that answers, and at those that
//! failed in the midst of what they were asked. Where nobody answers, it is the
//! prompt at the last that may have worked on it.

use domain::counters::Used;
use domain::model::Price;
use domain::money::NanoUsd;
use domain::usage::{Usage, UsageSource};

use super::Account;

/// An account's tokens and their cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bill {
    pub(super) usage: Usage,
    pub(super) source: UsageSource,
    /// None where nothing was used, or no price is known.
    pub(super) cost: Option<NanoUsd>,
    /// Whether something was used whose price nobody knows.
    pub(super) price_missing: bool,
}

impl Bill {
    fn of((usage, source): (Usage, UsageSource), price: Option<&Price>) -> Self {
        let is_used = source != UsageSource::None;
        Self {
            usage,
            source,
            cost: price.filter(|_| is_used).map(|it| ledger::cost(&usage, it)),
            price_missing: is_used && price.is_none(),
        }
    }

    /// As limits count it.
    pub(super) fn used(&self) -> Used {
        let cost = self.cost.map_or(0, |it| u64::try_from(it.0).unwrap_or(0));
        Used {
            tokens: self.usage.total(),
            cost,
        }
    }

    /// Both of them.
    fn and(mut self, other: Self) -> Self {
        self.usage += other.usage;
        self.cost = match (self.cost, other.cost) {
            (Some(one), Some(two)) => Some(one + two),
            (one, two) => one.or(two),
        };
        self.price_missing |= other.price_missing;
        self.source = match (self.source, other.source) {
            (UsageSource::None, source) | (source, UsageSource::None) => source,
            (UsageSource::Provider, source) | (source, UsageSource::Provider) => source,
            (one, _) => one,
        };
        self
    }
}

impl Account {
    /// What is owed by what is known now.
    pub(super) fn bill(&self) -> Bill {
        let owed = match self.meter.usage() {
            (_, UsageSource::None) => self.unanswered,
            usage => Bill::of(usage, self.price()),
        };
        owed.and(self.earlier)
    }

    /// The attempt has failed, and its prompt may be paid although no answer
    /// came: it stays booked until somebody answers.
    pub fn owe_prompt(&mut self) {
        self.unanswered = Bill::of(self.meter.asks(), self.price());
    }

    /// The attempt has failed, and the target says what it has used: that is
    /// paid, whoever answers.
    pub fn pay(&mut self, used: Usage) {
        let used = (used, UsageSource::Provider);
        self.earlier = Bill::of(used, self.price()).and(self.earlier);
    }

    /// Another target is asked: what the last one has brought is not asked for
    /// again, and is paid.
    pub(super) fn leave_target(&mut self) {
        if let Some(brought) = self.meter.brought.take() {
            self.earlier = Bill::of(brought, self.price()).and(self.earlier);
        }
    }
}
