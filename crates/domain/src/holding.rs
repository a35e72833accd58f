//! What limits have given out, as one process tells it to the next.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::calendar::{Period, Unit};
use crate::counters::Measure;

/// What the limits of one subject have given out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// Whose limits.
    pub subject: Arc<str>,
    /// Requests running now.
    pub running: u64,
    /// What was taken in each window.
    pub windows: Vec<WindowHolding>,
    /// What was taken in each period of a calendar.
    #[serde(default)]
    pub periods: Vec<PeriodHolding>,
}

/// What was taken in one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodHolding {
    /// What it counts.
    pub measure: Measure,
    /// What kind of period it is.
    pub unit: Unit,
    /// Which one.
    pub period: Period,
    /// How much, what is reserved and not yet used included.
    pub amount: u64,
    /// How much of it is reserved and not yet used.
    pub pending: u64,
}

/// What was taken in one window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowHolding {
    /// What it counts.
    pub measure: Measure,
    /// Its length, in microseconds.
    pub length_us: u64,
    /// What was taken, by sub-window, oldest first.
    pub slots: Vec<SlotHolding>,
}

/// What was taken in one sub-window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotHolding {
    /// Its number since the zero of [`crate::time::Ticks`].
    pub number: u64,
    /// How much.
    pub amount: u64,
    /// When something was last taken, in ticks.
    pub latest: u64,
}
