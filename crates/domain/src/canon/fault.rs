//! What a provider said went wrong.

/// A provider's error, in words that every dialect has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind of error.
    pub kind: FaultKind,
    /// What the provider said; a sentence.
    pub message: String,
    /// The machine's word for it, where the provider has one.
    pub code: Option<String>,
    /// Which field of the request, where the provider says.
    pub field: Option<String>,
}

/// Kinds of errors that clients tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The request is wrong.
    Invalid,
    /// The conversation does not fit into the model's context.
    ContextTooLong,
    /// A filter of the provider refuses the prompt.
    Filtered,
    /// The body is too large.
    TooLarge,
    /// The key is wrong.
    Authentication,
    /// The key may not do this.
    Permission,
    /// The account has no money.
    Billing,
    /// There is no such model.
    NotFound,
    /// Too many requests or tokens.
    RateLimited,
    /// The provider has no capacity.
    Overloaded,
    /// It took too long.
    Timeout,
    /// The provider failed.
    Server,
}

impl FaultKind {
    /// The status that stands for it where the dialect has no other.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Invalid | Self::ContextTooLong | Self::Filtered => 400,
            Self::Authentication => 401,
            Self::Billing => 402,
            Self::Permission => 403,
            Self::NotFound => 404,
            Self::TooLarge => 413,
            Self::RateLimited => 429,
            Self::Server => 500,
            Self::Overloaded => 503,
            Self::Timeout => 504,
        }
    }
}
