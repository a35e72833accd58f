//! An answer in which a provider says that its model gave none. Another attempt
//! may bring one; once none is left, a client of the provider's dialect gets what
//! came, and every other one an error that says why.

use bytes::Bytes;
use domain::canon::Fault;

use super::failure::{BEFORE_CONTENT, Failure};
use super::{Ask, Opening};
use crate::settle::Verbatim;

/// A whole answer without any. `passes` is what came, for a client that may
/// have it as it is; what the model said stays here where guards read.
pub(super) fn answer(fault: &Fault, passes: Option<Bytes>, is_governed: IsGoverned) -> Failure {
    let word = fault.code.as_deref().unwrap_or_default();
    let mut failure = Failure::broken(format!("an answer without content: {word}"));
    failure.refusal.message = match is_governed {
        IsGoverned::No => format!("The upstream gave no answer. {}", fault.message),
        IsGoverned::Yes => format!("The upstream gave no answer: it ended with {word}."),
    };
    failure.verbatim = passes.map(|body| as_it_came(body, "application/json"));
    failure
}

/// A stream that ended so: `failure` is what that means by itself.
pub(super) fn stream(mut failure: Failure, opening: &Opening, ask: &Ask) -> Failure {
    if ask.is_governed {
        BEFORE_CONTENT.clone_into(&mut failure.refusal.message);
    }
    if opening.frames.pass() {
        let held = opening.held.iter().map(|(frame, _)| &frame.bytes[..]);
        let body = held.collect::<Vec<_>>().concat();
        failure.verbatim = Some(as_it_came(body.into(), "text/event-stream; charset=utf-8"));
    }
    failure
}

/// Whether guards read what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IsGoverned {
    Yes,
    No,
}

impl Ask {
    /// Whether guards read what is said.
    pub(super) fn governed(&self) -> IsGoverned {
        match self.is_governed {
            true => IsGoverned::Yes,
            false => IsGoverned::No,
        }
    }
}

fn as_it_came(body: Bytes, media_type: &'static str) -> Box<Verbatim> {
    Box::new(Verbatim {
        status: 200,
        body: Bytes::new(),
        own: Some(body),
        media_type,
    })
}
