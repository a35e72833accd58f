//! The audit log: where it is, who signs it, and where its checkpoints go.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::Report;
use super::scalars::Span;
use super::secret::SecretRef;

/// The shortest time that records are kept.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What is said of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// Whether calls and changes are logged.
    pub enabled: bool,
    /// Its folder; `audit` in the data folder if unset.
    pub dir: Option<PathBuf>,
    /// The signing key, `PRIVATE+KEY+…`; a file in the data folder, made at the first
    /// start, if unset.
    pub key: Option<SecretRef>,
    /// Who signs in place of a key that is here.
    pub signer: Option<Signer>,
    /// For how long records are kept; their hashes are for ever. All of it if unset.
    pub keep: Option<Span>,
    /// Whether nothing is deleted, here or in the ledger, whatever its time: a legal
    /// hold.
    pub hold: bool,
    /// Where checkpoints are put.
    pub export: Export,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            enabled: true,
            dir: None,
            key: None,
            signer: None,
            keep: None,
            hold: false,
            export: Export::default(),
        }
    }
}

/// A program that signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// It reads what is to be signed and prints the Ed25519 signature: 64 bytes, or
    /// base64 of them.
    pub command: Vec<String>,
    /// The public key that its signatures are checked with, `name+id+…`.
    pub public_key: String,
}

/// Where checkpoints are put, so that whoever has the gateway's disk cannot take them
/// back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Export {
    /// Files that hold the newest one.
    pub files: Vec<PathBuf>,
    /// An address that each is posted to.
    pub webhook: Option<SecretRef>,
    /// How often it is posted at most.
    pub every: Span,
}

impl Default for Export {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            webhook: None,
            every: Span(Duration::from_secs(60)),
        }
    }
}

impl Audit {
    /// One who signs, and a program that can be run.
    pub fn validate(&self, report: &mut Report<'_>) {
        if let Some(key) = &self.key {
            key.validate("audit.key", "PORTCULLIS_AUDIT_KEY", report);
            if self.signer.is_some() {
                let help = "leave out `key`, or `signer`";
                report.wrong("audit.key", "`signer` signs already", help);
            }
        }
        if let Some(signer) = &self.signer {
            if signer.command.first().is_none_or(String::is_empty) {
                report.wrong("audit.signer.command", "it is empty", "name a program");
            }
            if signer.public_key.splitn(3, '+').count() < 3 {
                let help = "write it as `name+id+base64`, as `portcullis audit key` prints one";
                report.wrong("audit.signer.public_key", "this is no public key", help);
            }
        }
        if self.keep.is_some_and(|keep| keep.0 < DAY) {
            let help = "write `1d` or more, or leave it out for ever";
            report.wrong("audit.keep", "that is less than a day", help);
        }
        if let Some(webhook) = &self.export.webhook {
            // The address may hold a token: then it is one.
            if webhook.has_password() {
                webhook.validate("audit.export.webhook", "PORTCULLIS_AUDIT_WEBHOOK", report);
            }
        }
        if self.export.every.0.is_zero() {
            let help = "write `1s` or more";
            report.wrong("audit.export.every", "that is all the time", help);
        }
    }
}
