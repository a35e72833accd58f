//! How the carrier stands beside the event loops: answers come first, records
//! are safe in the journal meanwhile. But not for ever.

use std::time::Duration;

/// For how long records may wait for a moment in which nothing else runs.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the scheduler gives the carrier where both want the same core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Nearly nothing: it works while the loops wait.
    Behind,
    /// A fourth: more than the records of a saturated loop need.
    Along,
    /// The same as anybody.
    Equal,
}

impl Rank {
    /// The rank that fits: `late` is how long records have been waiting,
    /// `filled` how much of its bound the journal takes, from 0 to 1.
    pub(super) fn fitting(late: Duration, filled: f64) -> Self {
        if filled > 0.5 {
            Self::Equal
        } else if late > PATIENCE || filled > 0.25 {
            Self::Along
        } else {
            Self::Behind
        }
    }

    /// Gives this thread, and those that it starts from now on, this rank. A
    /// thread can only ever step back, so a higher one needs a new thread.
    #[cfg(target_os = "linux")]
    pub(super) fn take(self) {
        let niceness = match self {
            Self::Behind => 19,
            Self::Along => 5,
            Self::Equal => return,
        };
        // Nobody named means this thread alone, on Linux.
        if let Err(error) = rustix::process::setpriority_process(None, niceness) {
            tracing::debug!(%error, "carrier: keeps its priority");
        }
    }

    /// Elsewhere niceness is the whole process's.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn take(self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_carrier_stands_behind_the_loops_until_records_wait_long_or_fill_the_disk() {
        let second = Duration::from_secs(1);
        assert_eq!(Rank::fitting(second, 0.1), Rank::Behind);
        assert_eq!(Rank::fitting(21 * second, 0.1), Rank::Along);
        assert_eq!(Rank::fitting(second, 0.3), Rank::Along);
        assert_eq!(Rank::fitting(second, 0.6), Rank::Equal);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_rank_is_that_of_one_thread() {
        use rustix::process::getpriority_process;
        let before = getpriority_process(None).unwrap();
        let behind = std::thread::spawn(|| {
            Rank::Behind.take();
            let theirs = std::thread::spawn(|| getpriority_process(None).unwrap());
            (getpriority_process(None).unwrap(), theirs.join().unwrap())
        });
        assert_eq!(behind.join().unwrap(), (19, 19));
        assert_eq!(getpriority_process(None).unwrap(), before);
    }
}
