//! A credential as requests use it, and how long it holds.

use std::time::Duration;

use domain::credential::Credential;
use domain::secret::Secret;
use domain::time::UnixMicros;

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

    pub(crate) fn token(token: &str, expires: UnixMicros) -> Self {
        Self::until(Credential::Token(Secret::new(token)), expires)
    }
}
