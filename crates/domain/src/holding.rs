//! What limits have given out, as one process tells it to the next.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

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
