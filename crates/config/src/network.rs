//! Where the gateway listens: the admin listener and TLS.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::Report;
use super::scalars::Listen;

/// The listener for health and metrics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// Its address.
    pub listen: Listen,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            listen: Listen::loopback(4001),
        }
    }
}

impl Admin {
    /// Two listeners cannot share an address.
    pub fn validate(&self, data: Listen, report: &mut Report<'_>) {
        if self.listen == data && data.0.port() != 0 {
            report.wrong(
                "admin.listen",
                format!("`{data}` is the address of the data listener too"),
                "give it a port of its own, like `127.0.0.1:4001`",
            );
        }
    }
}

/// TLS of the data listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM file: the certificate, and those between it and its root.
    pub certificate: PathBuf,
    /// PEM file: the private key.
    pub key: PathBuf,
}

impl Tls {
    /// Both files must be there.
    pub fn files(&self, report: &mut Report<'_>) {
        file("tls.certificate", &self.certificate, report);
        file("tls.key", &self.key, report);
    }
}

/// A file that must be readable.
pub fn file(path: &str, file: &Path, report: &mut Report<'_>) {
    if let Err(error) = std::fs::File::open(file) {
        report.wrong(
            path,
            format!("the file `{}` cannot be read: {error}", file.display()),
            "check the path, and that this user may read it",
        );
    }
}
