//! Refusals with the account that they end.

use domain::refusal::Refusal;

use super::Ticket;

/// A refusal on its way to the client, with the ticket if one was open.
pub struct Refused {
    /// What is said.
    pub refusal: Box<Refusal>,
    /// The account it ends.
    pub ticket: Option<Box<Ticket>>,
    /// An upstream's own answer, handed on as it is.
    pub verbatim: Option<Box<Verbatim>>,
    /// What is left of the limits, where one of them was asked.
    pub room: Vec<domain::counters::Room>,
    /// The method that would have been right.
    pub allow: Option<http::Method>,
}

/// An upstream's error that is the client's to read.
pub struct Verbatim {
    /// Its status.
    pub status: u16,
    /// Its body: JSON in `OpenAI`'s dialect.
    pub body: bytes::Bytes,
    /// Its body as it came, where the client speaks the provider's dialect and
    /// that is another one.
    pub own: Option<bytes::Bytes>,
    /// What either body is.
    pub media_type: &'static str,
}

impl Refused {
    /// A refusal after the ticket was opened.
    #[must_use]
    pub fn new(ticket: Ticket, refusal: Refusal) -> Self {
        Self {
            refusal: Box::new(refusal),
            ticket: Some(Box::new(ticket)),
            verbatim: None,
            room: Vec::new(),
            allow: None,
        }
    }
}

impl From<Refusal> for Refused {
    /// A refusal of a stranger: no ticket, no record of its own.
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal: Box::new(refusal),
            ticket: None,
            verbatim: None,
            room: Vec::new(),
            allow: None,
        }
    }
}
