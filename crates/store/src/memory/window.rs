//! One limit over a rolling window, exact: never more than its capacity in
//! any span of the window's length.
//!
//! What is taken within a sub-window is kept as one sum, which leaves when the
//! latest of it is older than the window: the error is on the strict side,
//! and room comes back within the window's length.

use std::collections::VecDeque;

use domain::holding::SlotHolding;

/// Sub-windows in a window.
const SLOTS: u64 = 60;

/// What was taken in one sub-window.
#[derive(Clone, Copy, Debug)]
struct Slot {
    number: u64,
    amount: u64,
    /// When something was last taken, in microseconds.
    latest: u64,
}

/// What was taken, by sub-window.
#[derive(Debug)]
pub(super) struct Window {
    /// In microseconds.
    length: u64,
    /// Of a sub-window.
    step: u64,
    /// Oldest first.
    slots: VecDeque<Slot>,
    sum: u64,
}

impl Window {
    pub(super) fn new(length_us: u64) -> Self {
        Self {
            length: length_us.max(1),
            step: (length_us / SLOTS).max(1),
            slots: VecDeque::new(),
            sum: 0,
        }
    }

    /// Whether it is this long.
    pub(super) fn is_of(&self, length_us: u64) -> bool {
        self.length == length_us.max(1)
    }

    /// In microseconds.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    fn forget(&mut self, now: u64) {
        while let Some(slot) = self.slots.front()
            && slot.latest + self.length <= now
        {
            self.sum -= slot.amount;
            self.slots.pop_front();
        }
    }

    /// What counts at `now`.
    pub(super) fn sum(&mut self, now: u64) -> u64 {
        self.forget(now);
        self.sum
    }

    /// Takes `amount`; gives the sub-window it stands in.
    pub(super) fn take(&mut self, amount: u64, now: u64) -> u64 {
        self.forget(now);
        let number = now / self.step;
        match self.slots.back_mut() {
            // Never before what is there: clocks of two cores may differ.
            Some(last) if last.number >= number => {
                last.amount += amount;
                last.latest = last.latest.max(now);
                self.sum += amount;
                return last.number;
            }
            _ => self.slots.push_back(Slot {
                number,
                amount,
                latest: now,
            }),
        }
        self.sum += amount;
        number
    }

    /// Corrects what was taken in sub-window `number`, if that still counts.
    pub(super) fn correct(&mut self, number: u64, took: u64, used: u64) {
        // A request that settles began not long ago, mostly.
        let mut later = self.slots.iter_mut().rev();
        if let Some(slot) = later.find(|slot| slot.number <= number)
            && slot.number == number
        {
            slot.amount = slot.amount.saturating_sub(took).saturating_add(used);
            self.sum = self.sum.saturating_sub(took).saturating_add(used);
        }
    }

    /// Microseconds until nothing counts.
    pub(super) fn until_empty(&self, now: u64) -> u64 {
        let mut later = self.slots.iter().rev();
        let last = later.find(|slot| slot.amount > 0);
        last.map_or(0, |slot| (slot.latest + self.length).saturating_sub(now))
    }

    /// Microseconds until at most `rest` counts.
    pub(super) fn until(&self, rest: u64, now: u64) -> u64 {
        let mut left = self.sum;
        for slot in &self.slots {
            if left <= rest {
                break;
            }
            left -= slot.amount;
            if left <= rest {
                return (slot.latest + self.length).saturating_sub(now);
            }
        }
        0
    }

    /// Its length, and what was taken in it.
    pub(super) fn told(&self) -> (u64, Vec<SlotHolding>) {
        let told = |slot: &Slot| SlotHolding {
            number: slot.number,
            amount: slot.amount,
            latest: slot.latest,
        };
        (self.length, self.slots.iter().map(told).collect())
    }

    /// Adds what another process has taken in a sub-window.
    pub(super) fn add(&mut self, other: SlotHolding) {
        self.sum = self.sum.saturating_add(other.amount);
        let behind = self.slots.iter().rposition(|s| s.number <= other.number);
        if let Some(at) = behind
            && self.slots[at].number == other.number
        {
            let slot = &mut self.slots[at];
            slot.amount = slot.amount.saturating_add(other.amount);
            slot.latest = slot.latest.max(other.latest);
            return;
        }
        let slot = Slot {
            number: other.number,
            amount: other.amount,
            latest: other.latest,
        };
        self.slots.insert(behind.map_or(0, |at| at + 1), slot);
    }

    pub(super) fn is_idle(&mut self, now: u64) -> bool {
        self.sum(now) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_span_of_the_window_ever_holds_more_than_its_capacity(
            steps in prop::collection::vec((0_u64..200_000, 1_u64..5), 1..200)
        ) {
            let (length, capacity) = (1_000_000, 10);
            let mut window = Window::new(length);
            let (mut now, mut all) = (0, Vec::new());
            for (pause, amount) in steps {
                now += pause;
                if window.sum(now) + amount <= capacity {
                    window.take(amount, now);
                    all.push((now, amount));
                } else {
                    let wait = window.until(capacity - amount, now);
                    prop_assert!(wait > 0);
                    prop_assert!(window.sum(now) + amount > capacity);
                }
            }
            for (end, _) in &all {
                let held: u64 = all.iter().filter(|(t, _)| *t <= *end && end - t < length).map(|(_, a)| a).sum();
                prop_assert!(held <= capacity);
            }
        }
    }

    #[test]
    fn room_comes_back_exactly_when_it_was_announced() {
        let mut window = Window::new(60_000_000);
        window.take(5, 0);
        let wait = window.until(4, 1_000_000);
        assert_eq!(window.sum(1_000_000 + wait - 1), 5);
        assert_eq!(window.sum(1_000_000 + wait), 0);
    }

    #[test]
    fn a_correction_counts_where_it_was_taken_and_only_while_that_counts() {
        let mut window = Window::new(60_000_000);
        let slot = window.take(100, 0);
        window.correct(slot, 100, 30);
        assert_eq!(window.sum(10), 30);
        assert_eq!(window.sum(70_000_000), 0);
        window.correct(slot, 30, 900);
        assert_eq!(window.sum(70_000_000), 0);
    }
}
