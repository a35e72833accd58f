//! An answer in which a provider says that its model gave none. Another attempt
//! may bring one; once none is left, a client of the provider's dialect gets what
//! came, and every other one an error that says why.

use bytes::Bytes;
use domain::canon::Fault;
use domain::usage::Usage;

use super::failure::{BEFORE_CONTENT, Failure, Kind};
use super::{Ask, Opening};
use crate::settle::{Ticket, Verbatim};

/// A whole answer without any, and what the provider has used for it. `passes` is what came, for a client that may
/// have it as it is; what the model said stays here where guards read.
pub(super) fn answer(
    (fault, used): (&Fault, Option<Usage>),
    passes: Option<Bytes>,
    is_governed: IsGoverned,
) -> Failure {
    let word = fault.code.as_deref().unwrap_or_default();
    let mut failure = Failure::broken(format!("an answer without content: {word}"));
    failure.refusal.message = match is_governed {
        IsGoverned::No => format!("The upstream gave no answer. {}", fault.message),
        IsGoverned::Yes => format!("The upstream gave no answer: it ended with {word}."),
    };
    let passes = passes.filter(|_| is_governed == IsGoverned::No);
    failure.verbatim = passes.map(|body| as_it_came(body, "application/json"));
    of_model(failure, used)
}

/// What an error means that a stream begins with: `failure` is what it says. Where
/// the stream has ended so by itself, it is an answer without any; an error that the
/// provider sent stays one, the last event or not.
pub(super) fn stream(mut failure: Failure, opening: &Opening, ask: &Ask) -> Failure {
    if failure.kind != Kind::Transient || !opening.frames.are_empty() {
        return failure;
    }
    if ask.is_governed {
        BEFORE_CONTENT.clone_into(&mut failure.refusal.message);
    }
    if opening.frames.pass() && !ask.is_governed {
        let held = opening.held.iter().map(|(frame, _)| &frame.bytes[..]);
        let body = held.collect::<Vec<_>>().concat();
        failure.verbatim = Some(as_it_came(body.into(), "text/event-stream; charset=utf-8"));
    }
    of_model(failure, opening.frames.usage())
}

/// The model's doing: the deployment is well, and what it has used is paid.
fn of_model(failure: Failure, used: Option<Usage>) -> Failure {
    Failure {
        kind: Kind::Empty,
        used,
        ..failure.owed()
    }
}

impl Failure {
    /// Books what the attempt has cost, as far as that is known.
    pub(super) fn book(&self, ticket: &mut Ticket) {
        match self.used {
            Some(used) => ticket.pay(used),
            None if self.is_owed => ticket.owe_prompt(),
            None => {}
        }
    }
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
