//! How much of what in which time: limits and budgets, as they are written.
//!
//! ```yaml
//! limits:
//!   - {requests: 600, per: minute}                  # never more in any 60 s
//!   - {tokens: 2000000, per: day, calendar: Europe/Vienna}
//!   - {parallel: 5, by: end_user}
//! budgets:
//!   - {usd: 500, per: month, calendar: Europe/Vienna, alerts: [50, 80, 100]}
//! ```

mod written;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::calendar::{Calendar, Unit};
use crate::counters::Measure;
use crate::money::NanoUsd;
pub use written::Written;
pub(crate) use written::{Begins, Dollars};
use written::{named, spelled};

/// The longest span that a limit may have.
pub const LONGEST: Duration = Duration::from_secs(written::MOST_SECONDS);

/// In which time a limit counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Window {
    /// What runs at this moment.
    Now,
    /// Any span of this length.
    Rolling(Duration),
    /// Periods of a calendar.
    Calendar(Calendar),
}

/// What a limit counts apart, so that each has the whole of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// A model, by the name that was asked for.
    Model,
    /// An end user that the application names.
    EndUser,
    /// A session that the application names.
    Session,
    /// A value of this tag.
    Tag(String),
}

impl FromStr for By {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("tag:")) {
            ("model", _) => Ok(Self::Model),
            ("end_user", _) => Ok(Self::EndUser),
            ("session", _) => Ok(Self::Session),
            (_, Some(tag)) if !tag.is_empty() => Ok(Self::Tag(tag.to_owned())),
            _ => Err(format!(
                "`{text}` is nothing to count by; write `model`, `end_user`, `session` or \
                 `tag:NAME`"
            )),
        }
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model => f.write_str("model"),
            Self::EndUser => f.write_str("end_user"),
            Self::Session => f.write_str("session"),
            Self::Tag(tag) => write!(f, "tag:{tag}"),
        }
    }
}

/// A limit, as somebody has set it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Limit {
    /// What it counts.
    pub measure: Measure,
    /// How much of it: requests, tokens, or nano-dollars.
    pub amount: u64,
    /// In which time.
    pub window: Window,
    /// What is counted apart; `None` is all together.
    pub by: Option<By>,
    /// Models that count, `*` at the end matches any rest; none named is all.
    pub models: Vec<String>,
}

impl Limit {
    /// So many of these in any span of that length.
    #[must_use]
    pub fn rolling(measure: Measure, amount: u64, span: Duration) -> Self {
        Self {
            measure,
            amount,
            window: Window::Rolling(span),
            by: None,
            models: Vec::new(),
        }
    }

    /// So many at the same time.
    #[must_use]
    pub fn parallel(amount: u64) -> Self {
        Self {
            window: Window::Now,
            ..Self::rolling(Measure::Parallel, amount, Duration::ZERO)
        }
    }
}

impl fmt::Display for Limit {
    /// As a sentence has it: `600 requests per minute`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = self.amount;
        match self.measure {
            Measure::Requests => write!(f, "{amount} requests")?,
            Measure::Tokens => write!(f, "{amount} tokens")?,
            Measure::Parallel => write!(f, "{amount} requests at the same time")?,
            Measure::Cost => {
                let nanos = i64::try_from(amount).unwrap_or(i64::MAX);
                write!(f, "{} USD", NanoUsd(nanos))?;
            }
        }
        match &self.window {
            Window::Now => {}
            Window::Calendar(calendar) if calendar.unit == Unit::Ever => f.write_str(" in all")?,
            Window::Calendar(calendar) => write!(f, " per {}", calendar.unit.as_str())?,
            Window::Rolling(span) => match named(*span) {
                Some(unit) => write!(f, " per {}", unit.as_str())?,
                None => write!(f, " per {}", spelled(*span))?,
            },
        }
        match &self.by {
            None => Ok(()),
            Some(By::EndUser) => f.write_str(" and end user"),
            Some(By::Tag(tag)) => write!(f, " and value of the tag `{tag}`"),
            Some(by) => write!(f, " and {by}"),
        }
    }
}
