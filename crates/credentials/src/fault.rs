//! Why a credential could not be fetched, in words that hold no secret: what
//! others sent is never repeated, but for a short error code.

/// One sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing of the kind is set up here.
    #[error("{0}")]
    Missing(String),
    /// What is set up cannot be used.
    #[error("{0}")]
    Setup(String),
    /// The other side could not be reached, or was too slow or too long.
    #[error("{host}: {what}")]
    Wire {
        /// Who was asked.
        host: String,
        /// What went wrong.
        what: String,
    },
    /// The other side said no.
    #[error("{host} answered {status}{}", in_brackets(.code.as_ref()))]
    Refused {
        /// Who was asked.
        host: String,
        /// HTTP's status.
        status: u16,
        /// The answer's own word for it.
        code: Option<String>,
    },
    /// The other side said something that is no credential.
    #[error("{host}: {what}")]
    Unreadable {
        /// Who was asked.
        host: String,
        /// What was missing or wrong.
        what: String,
    },
}

impl Fault {
    pub(crate) fn unreadable(host: &str, what: impl Into<String>) -> Self {
        Self::Unreadable {
            host: host.to_owned(),
            what: what.into(),
        }
    }

    /// At a chain's end: that nobody is there means that nothing is set up.
    pub(crate) fn at_the_end_of(self, tried: &str) -> Self {
        match self {
            Self::Wire { .. } => Self::Missing(format!("nothing found in {tried}; {self}")),
            other => other,
        }
    }
}

fn in_brackets(code: Option<&String>) -> String {
    code.map(|code| format!(" ({code})")).unwrap_or_default()
}

/// A word that may stand in a log: an identifier such as `invalid_grant` or
/// `AccessDenied`, nothing that could be a token.
pub(crate) fn word(text: &str) -> Option<String> {
    let is_word = !text.is_empty()
        && text.len() <= 40
        && text.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
    is_word.then(|| text.to_owned())
}
