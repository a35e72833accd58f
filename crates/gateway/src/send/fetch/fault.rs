//! Why a medium was not fetched. Clients read these sentences, so they say
//! nothing of what the gateway saw: neither content nor addresses, nor whether
//! a name exists that only the gateway can look up.

use domain::refusal::{Reason, Refusal};

use super::super::failure::{Failure, Kind};

/// Why a medium was not fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("its URL is not one of http or https without a user's name")]
    Url,
    #[error("the gateway fetches nothing from that host and port")]
    Host,
    #[error("its host has no public address")]
    Closed,
    #[error("its host cannot be reached")]
    Unreachable,
    #[error("its host showed no certificate that is trusted")]
    Untrusted,
    #[error("its host broke off or spoke no HTTP")]
    Broken,
    #[error("it was redirected too often, or from https to http")]
    Astray,
    #[error("its host answered with status {0}")]
    Status(u16),
    #[error("its `content-type` is not one of {0}")]
    Type(&'static str),
    #[error("its bytes are not what its `content-type` says")]
    Mismatch,
    #[error("it came compressed")]
    Compressed,
    #[error("the request's media have more than {0} bytes")]
    TooLarge(usize),
    #[error("the request's media took more than {0} seconds")]
    Late(u64),
    #[error("the request has more than {0} of them")]
    Many(usize),
    /// The gateway has no room for it.
    #[error("the gateway has no room for it now")]
    Full(Box<Refusal>),
}

impl Fault {
    /// What the failure means: that this target cannot be asked, and that it
    /// is not to blame.
    pub(super) fn into_failure(self, field: &str) -> Failure {
        if let Self::Full(refusal) = self {
            return Failure {
                kind: Kind::Full,
                ..Failure::transient(*refusal)
            };
        }
        let sentence = format!(
            "The model's provider takes no URL here, and the gateway could not fetch what lies \
             at this one: {self}. Send the bytes in base64."
        );
        let refusal = Refusal::new(Reason::MediaNotFetched, sentence).at(field);
        Failure {
            kind: Kind::Media,
            ..Failure::transient(refusal.because(&self))
        }
    }
}
