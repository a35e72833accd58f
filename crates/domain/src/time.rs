//! Points in time as numbers. Pure rooms never read a clock: the caller hands
//! `now` in, so that a test decides what time it is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Wall-clock time: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMicros(pub i64);

impl UnixMicros {
    /// Whole seconds since the epoch.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
}

/// Monotonic time: microseconds since some moment of this process. Limits and
/// deadlines use it, so that a step of the wall clock changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticks(pub u64);

impl Ticks {
    /// Microseconds from `earlier` to here; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Ticks) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// This moment, by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// For spans.
    pub ticks: Ticks,
    /// For calendars.
    pub unix: UnixMicros,
}

/// A point in time as people write it: `2027-01-01T00:00:00Z`, or a day, which
/// starts at midnight UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub UnixMicros);
crate::as_text!(Moment);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let whole = if text.len() == 10 {
            format!("{text}T00:00:00Z")
        } else {
            text.to_owned()
        };
        whole
            .parse::<jiff::Timestamp>()
            .map(|at| Self(UnixMicros(at.as_microsecond())))
            .map_err(|_| {
                format!(
                    "`{text}` is no point in time; write it like `2027-01-01T00:00:00Z` or `2027-01-01`"
                )
            })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0.0) {
            Ok(at) => write!(f, "{at}"),
            Err(_) => write!(f, "{}µs", self.0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_its_midnight() {
        let day: Moment = "2027-01-01".parse().expect("a day");
        assert_eq!(day.to_string(), "2027-01-01T00:00:00Z");
        assert!("tomorrow".parse::<Moment>().is_err());
    }
}
