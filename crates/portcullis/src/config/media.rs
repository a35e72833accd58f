//! Images and documents that requests name by URL, for providers that take
//! bytes only.

use std::time::Duration;

use domain::fetching::{Fetching, Host};
use serde::{Deserialize, Serialize};

use super::error::Report;
use super::scalars::{Size, Span};
use super::source::index;

/// How they are fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Media {
    /// Whether they are.
    pub(crate) fetch: bool,
    /// The most bytes of all media of a request together.
    pub(crate) max_bytes: Size,
    /// How long all of them together may take.
    pub(crate) timeout: Span,
    /// From where alone they may come: `cdn.example.com`, `*.example.com`, or
    /// with a port; from everywhere public if there is none.
    pub(crate) hosts: Vec<String>,
}

impl Default for Media {
    fn default() -> Self {
        let usual = Fetching::default();
        Self {
            fetch: usual.is_on,
            max_bytes: Size(usual.max_bytes),
            timeout: Span(usual.timeout),
            hosts: Vec::new(),
        }
    }
}

impl Media {
    /// What is fetched is held in memory, and keeps a client waiting.
    pub(crate) fn validate(&self, report: &mut Report<'_>) {
        if self.max_bytes.0 == 0 || self.max_bytes.0 > MOST {
            report.wrong(
                "media.max_bytes",
                "the media of a request may have between 1B and 100MiB",
                "set `media.fetch: false` to fetch none",
            );
        }
        if self.timeout.0.is_zero() || self.timeout.0 > LONGEST {
            report.wrong(
                "media.timeout",
                "fetching may take between 1ms and 60s",
                "set `media.fetch: false` to fetch none",
            );
        }
        for (at, host) in self.hosts.iter().enumerate() {
            if Host::parse(host).is_none() {
                report.wrong(
                    &index("media.hosts", at),
                    format!("`{host}` is no host"),
                    "name one as `cdn.example.com`, `*.example.com` or `cdn.example.com:8443`",
                );
            }
        }
    }

    /// The rules.
    pub(crate) fn fetching(&self) -> Fetching {
        Fetching {
            is_on: self.fetch,
            max_bytes: self.max_bytes.0,
            timeout: self.timeout.0,
            hosts: self
                .hosts
                .iter()
                .filter_map(|host| Host::parse(host))
                .collect(),
        }
    }
}

/// The most bytes of a request's media.
const MOST: usize = 100 << 20;
/// The longest that they may take.
const LONGEST: Duration = Duration::from_secs(60);
