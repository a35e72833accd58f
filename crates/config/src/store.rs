//! The database: a file in the data folder, or a PostgreSQL server.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::Report;
use super::scalars::Span;
use super::secret::SecretRef;

/// Where it is, and how it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// `postgres://user@host/database`; SQLite in the data folder if unset.
    pub url: Option<SecretRef>,
    /// The password, if it does not stand in the address.
    pub password: Option<SecretRef>,
    /// Connections to the server at most.
    pub connections: u32,
    /// How long it may take until there is a connection.
    pub connect_timeout: Span,
    /// How long a statement may take.
    pub statement_timeout: Span,
    /// How long the ledger's rows are kept, one a request; for ever if unset. Sums of
    /// them stay.
    pub keep_requests: Option<Span>,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            url: None,
            password: None,
            connections: 4,
            connect_timeout: Span(Duration::from_secs(5)),
            statement_timeout: Span(Duration::from_secs(10)),
            keep_requests: None,
        }
    }
}

impl Store {
    /// A server is shared, and an answer that is kept waits for it.
    pub fn validate(&self, report: &mut Report<'_>) {
        if let Some(url) = &self.url
            && (!url.is_literal() || url.has_password())
        {
            url.validate("store.url", "PORTCULLIS_DATABASE_URL", report);
        }
        if let Some(password) = &self.password {
            password.validate("store.password", "PGPASSWORD", report);
            if self.url.is_none() {
                let help = "write `url: postgres://user@host/database`, or leave it out";
                report.wrong("store.password", "SQLite has none", help);
            }
        }
        if !(2..=MOST).contains(&self.connections) {
            report.wrong(
                "store.connections",
                format!("`{}` is outside of 2 to {MOST}", self.connections),
                "leave it out for 4: one of them writes the ledger",
            );
        }
        if self.keep_requests.is_some_and(|keep| keep.0 < DAY) {
            report.wrong(
                "store.keep_requests",
                "it is shorter than a day",
                "write `400d`, or leave it out to keep them for ever",
            );
        }
        let timeouts = [
            ("store.connect_timeout", self.connect_timeout),
            ("store.statement_timeout", self.statement_timeout),
        ];
        for (at, timeout) in timeouts {
            if timeout.0 < SHORTEST || timeout.0 > LONGEST {
                report.wrong(
                    at,
                    "it is outside of 100ms to 60s",
                    "leave it out for the default",
                );
            }
        }
    }
}

/// Limits and budgets of a day count from the rows after a restart.
const DAY: Duration = Duration::from_secs(86_400);
/// The most connections of one gateway: a server has a hundred, usually.
const MOST: u32 = 64;
/// A database is never so quick that less would be meant.
const SHORTEST: Duration = Duration::from_millis(100);
/// Clients whose conversation is kept wait for it.
const LONGEST: Duration = Duration::from_secs(60);
