//! When the carrier works: answers come first, records are safe in the journal
//! meanwhile. But not for ever.

use std::time::Duration;

/// For how long records may wait for a loop that rests now and then.
const PATIENCE: Duration = Duration::from_secs(20);
/// A loop that is busy for more of its time than this has none to give away.
const BUSY: f64 = 0.8;

/// How the carrier goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Everything, as fast as it goes.
    Now,
    /// A batch, and then a pause of three times as long: a fourth of a core.
    Gently,
    /// Not yet.
    Later,
}

impl Pace {
    /// The pace that fits: `busy` is the share of its time that the busiest
    /// loop worked, `late` for how long records have been waiting, `filled`
    /// how much of the journal's bound they take; shares from 0 to 1.
    pub(super) fn fitting(busy: f64, late: Duration, filled: f64) -> Self {
        if busy < BUSY || filled > 0.5 {
            Self::Now
        } else if late > PATIENCE || filled > 0.25 {
            Self::Gently
        } else {
            Self::Later
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_wait_for_a_busy_loop_until_they_are_late_or_many() {
        let second = Duration::from_secs(1);
        assert_eq!(Pace::fitting(0.5, second, 0.1), Pace::Now);
        assert_eq!(Pace::fitting(0.99, second, 0.1), Pace::Later);
        assert_eq!(Pace::fitting(0.99, 21 * second, 0.1), Pace::Gently);
        assert_eq!(Pace::fitting(0.99, second, 0.3), Pace::Gently);
        assert_eq!(Pace::fitting(0.99, second, 0.6), Pace::Now);
    }
}
