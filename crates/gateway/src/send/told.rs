//! What a client is told of an error that comes in the middle of a stream.

use bytes::Bytes;
use dialects::openai;
use domain::canon::Fault;
use domain::refusal::{Reason, Refusal};

use super::failure::{Failure, is_error_body, may_tell};

/// An error event behind the first content: nothing else can be tried, and what
/// may be said of it is what may be said of one before.
pub struct Told {
    /// What the gateway says of it, for its books, and for the client where
    /// `fault` is none.
    pub refusal: Refusal,
    /// What the provider said, if the client may read it.
    pub fault: Option<Fault>,
    /// Whether clients of `OpenAI`'s dialect take the event for an error as it
    /// came.
    pub is_error: bool,
}

impl Told {
    /// Of an event with this data, in `OpenAI`'s dialect.
    #[must_use]
    pub fn of(data: Bytes) -> Self {
        let mut refusal = *Failure::of_event(data.clone()).refusal;
        let sentence = match refusal.reason {
            Reason::UpstreamLimit => "The upstream's rate limit was reached",
            Reason::UpstreamCredential => "The upstream refused the gateway's own account",
            Reason::UpstreamOverloaded => "The upstream became overloaded",
            _ => "The upstream failed",
        };
        refusal.message =
            format!("{sentence} in the middle of the answer; what came so far is incomplete.");
        let cause = refusal.cause.take().unwrap_or_default();
        Self {
            fault: may_tell(refusal.reason).then(|| openai::canon::read_fault(200, &data)),
            refusal: refusal.because(format_args!("an error event in the stream: {cause}")),
            is_error: is_error_body(&data),
        }
    }
}
