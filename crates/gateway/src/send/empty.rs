//! An answer in which a provider says that its model gave none, or that it failed.
//! Another attempt may bring one, unless it is the client's doing; once none is left, a
//! client of the provider's dialect gets what came, and every other one an error that
//! says why.

use bytes::Bytes;
use dialects::json::Document;
use dialects::sse::Frame;
use dialects::{gemini, openai, responses};
use domain::canon::{Dialect, Fault};
use domain::usage::Usage;

use super::failure::{BEFORE_CONTENT, Failure, Kind};
use super::{Ask, Opening, again};
use crate::settle::{Ticket, Verbatim};

/// What a document is that is no answer of this dialect. The rest is as in [`answer`].
pub(super) fn nothing(
    document: &Document,
    dialect: Dialect,
    (passes, is_governed): (Option<Bytes>, IsGoverned),
) -> Failure {
    let of_model = || gemini::canon::read_failure(document);
    let of_response = || responses::canon::read_failure(document);
    // What guards have not read stays here.
    let passes = passes.filter(|_| is_governed == IsGoverned::No);
    let failure = match dialect {
        Dialect::Gemini => {
            of_model().map(|(fault, used)| answer((&fault, used), passes, is_governed))
        }
        Dialect::Responses => of_response().map(|(fault, used)| failed((&fault, used), passes)),
        _ => None,
    };
    let otherwise = || Failure::broken(format!("no answer of the dialect `{}`", dialect.as_str()));
    failure.unwrap_or_else(otherwise)
}

/// A response that failed: an error status in disguise. What the client is to mend is
/// told as it came to who may have that; of what the provider is, its form is no more
/// than a failed attempt.
fn failed((fault, used): (&Fault, Option<Usage>), passes: Option<Bytes>) -> Failure {
    let mut failure = Failure::of_event(openai::canon::write_fault(fault, "").into());
    if failure.refusal.message.starts_with(BEFORE_CONTENT) {
        failure.refusal.message = format!("The upstream's response failed. {}", fault.message);
    }
    if let Some(body) = passes.filter(|_| is_clients(&failure)) {
        failure.verbatim = Some(as_it_came(body, "application/json"));
    }
    Failure { used, ..failure }
}

/// Whether no other attempt at this model would mend it.
fn is_clients(failure: &Failure) -> bool {
    matches!(failure.kind, Kind::Client | Kind::Elsewhere | Kind::Missing)
}

/// A whole answer without any, and what the provider has used for it. `passes` is what came, for a client that may
/// have it as it is; what the model said stays here where guards read.
fn answer(
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
    failure.verbatim = passes.map(|body| as_it_came(body, "application/json"));
    of_model(failure, used)
}

/// What an error means that a stream begins with: `failure` is what it says. Where
/// the stream has ended so by itself, it is an answer without any; an error that the
/// provider sent stays one, the last event or not; `event` is what told of it. A
/// response that failed by the client's doing is told as it came to who may have that.
pub(super) fn stream(
    mut failure: Failure,
    (opening, event): (&Opening, &Frame),
    ask: &Ask,
) -> Failure {
    // What guards have not read stays here.
    let passes = opening.frames.pass() && !ask.is_governed;
    // Who is asked again, told otherwise, is by what the error itself says.
    let is_asked_again = again::lacks(ask, &failure).is_some_and(|it| !it.get());
    if passes && speaks_responses(ask) && is_clients(&failure) && !is_asked_again {
        let data = event.data.as_deref().unwrap_or_default();
        let fault = openai::canon::read_fault(200, data);
        let closing = opening.frames.closing(&fault);
        let body = [&held(opening)[..], &event.bytes, &closing].concat();
        failure.verbatim = Some(as_it_came(body.into(), EVENTS));
        return failure;
    }
    if failure.kind != Kind::Transient || !opening.frames.are_empty() {
        return failure;
    }
    if ask.is_governed {
        BEFORE_CONTENT.clone_into(&mut failure.refusal.message);
    }
    if passes {
        failure.verbatim = Some(as_it_came(held(opening).into(), EVENTS));
    }
    of_model(failure, opening.frames.usage())
}

/// What came so far.
fn held(opening: &Opening) -> Vec<u8> {
    let held = opening.held.iter().map(|(frame, _)| &frame.bytes[..]);
    held.collect::<Vec<_>>().concat()
}

fn speaks_responses(ask: &Ask) -> bool {
    let foreign = ask.foreign.as_ref();
    foreign.is_some_and(|it| it.codec.dialect == Dialect::Responses)
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

const EVENTS: &str = "text/event-stream; charset=utf-8";

fn as_it_came(body: Bytes, media_type: &'static str) -> Box<Verbatim> {
    Box::new(Verbatim {
        status: 200,
        body: Bytes::new(),
        own: Some(body),
        media_type,
    })
}
