//! The log.

use serde::{Deserialize, Serialize};

use super::error::Report;

/// What the log looks like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// JSON or for people.
    pub format: Format,
    /// The least level that is written; `RUST_LOG` wins.
    pub level: String,
}

/// The log's form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Human,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: Format::Auto,
            level: "info".to_owned(),
        }
    }
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

impl Log {
    /// A level, or a filter such as `info,gateway=debug`.
    pub fn validate(&self, report: &mut Report<'_>) {
        for part in self.level.split(',') {
            let level = part.rsplit('=').next().unwrap_or(part).trim();
            if !LEVELS.contains(&level.to_ascii_lowercase().as_str()) {
                report.wrong(
                    "log.level",
                    format!("`{level}` is no level"),
                    domain::suggest::help(level, LEVELS),
                );
            }
        }
    }
}
