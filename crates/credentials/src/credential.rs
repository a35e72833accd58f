//! A credential as requests use it, and how long it holds.

use std::time::Duration;

use domain::secret::Secret;
use domain::time::UnixMicros;

use crate::spec::AwsKeys;

/// What a request is sent with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// `Authorization: Bearer …`, or the provider's own header.
    Bearer(Secret),
    /// Keys to sign with, see [`crate::sigv4`].
    Aws(AwsKeys),
}

/// A credential that a source has given.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The credential.
    pub credential: Credential,
    /// When it ends; `None` holds until the next look.
    pub expires: Option<UnixMicros>,
    /// When to look again even though it has no end.
    pub look_again: Option<Duration>,
}

impl Fetched {
    pub(crate) fn until(credential: Credential, expires: UnixMicros) -> Self {
        Self {
            credential,
            expires: Some(expires),
            look_again: None,
        }
    }

    pub(crate) fn bearer(token: &str, expires: UnixMicros) -> Self {
        Self::until(Credential::Bearer(Secret::new(token)), expires)
    }
}

/// There is no credential, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no credential: {reason}")]
pub struct Absent {
    /// What the last attempt came to, without secrets.
    pub reason: String,
}
