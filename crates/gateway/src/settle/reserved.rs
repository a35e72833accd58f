//! What a request reserves of limits and budgets once it has been let in: for
//! further attempts, and for an answer that grows.

use domain::counters::{Measure, Room, Used};
use domain::money::NanoUsd;

use super::Ticket;
use crate::admit::UNSTATED_OUTPUT;

impl Ticket {
    /// What is left of each limit that the client is told of.
    pub fn room(&self) -> impl Iterator<Item = &Room> + Clone {
        let room = self.taken.as_ref().map_or(&[][..], |taken| taken.room());
        let is_told = |it: &&Room| !(self.hides_budgets && it.measure == Measure::Cost);
        room.iter().filter(is_told)
    }

    /// All is known that the answer uses: limits count that before the client is
    /// told what is left of them.
    pub fn settle_room(&mut self) {
        let used = self.bill().used();
        let account = &mut **self;
        if let Some(taken) = &mut account.taken {
            taken.settle(used, account.plane.shared.moment());
        }
    }

    /// Reserves what another attempt may use, where the last one may be paid too.
    /// Whether there is room for it.
    pub fn reserve_again(&mut self) -> bool {
        self.reserve(self.each)
    }

    /// Notes how many tokens are reserved of an answer that may be longer; `None`
    /// of one that may not, or whose length does not matter any more.
    pub fn grows(&mut self, from: Option<u64>) {
        self.grown = from;
    }

    /// Reserves more for an answer that has this many tokens by now, where it may
    /// be longer than was reserved. Whether there is room for it.
    pub fn reserve_as_it_grows(&mut self, tokens: u64) -> bool {
        let Some(grown) = self.grown.filter(|grown| *grown < tokens) else {
            return true;
        };
        let more = (tokens - grown).next_multiple_of(UNSTATED_OUTPUT);
        let cost = self.price().map_or(0, |price| {
            let cost = ledger::most(0, more, price) + NanoUsd(-price.per_request.0);
            u64::try_from(cost.0).unwrap_or(0)
        });
        let more = Used { tokens: more, cost };
        let has_room = self.reserve(more);
        if has_room {
            self.grown = Some(grown + more.tokens);
        }
        has_room
    }

    fn reserve(&mut self, more: Used) -> bool {
        let now = self.plane.shared.moment();
        let has_room = self.taken.as_mut().is_none_or(|it| it.extend(more, now));
        if has_room {
            let add = |sum: u64, more: u64| if sum > 0 { sum.saturating_add(more) } else { 0 };
            self.reserved = Used {
                tokens: add(self.reserved.tokens, more.tokens),
                cost: add(self.reserved.cost, more.cost),
            };
        }
        has_room
    }
}
