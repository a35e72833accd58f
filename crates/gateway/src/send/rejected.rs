//! An answer that is no success: what it means, in the pivot's dialect.

use std::time::Duration;

use bytes::Bytes;
use dialects::gemini;
use dialects::json::{Document, Node};
use dialects::translate::{self, Terms, Upstream};
use domain::canon::Dialect;
use domain::edit::{Edit, Edits};
use domain::model::Deployment;
use domain::refusal::{Reason, Refusal};
use http::{StatusCode, Uri};
use http1::Fields;

use super::failure::Failure;
use super::translation::{DEPTH, PIVOT};
use super::{Ask, aws, spoken};
use crate::accept::Foreign;

/// How the provider was asked that gave such an answer.
#[derive(Clone, Copy)]
pub(super) struct Spoken<'a> {
    /// What it speaks, where that is not the pivot's dialect.
    pub(super) theirs: Option<&'a Upstream>,
    /// Whether it was asked in the client's own words, so that what it says of
    /// them is said of what the client sent.
    pub(super) is_clients: bool,
}

/// Reads such an answer; `key` is the one of the provider's keys that was taken.
pub(super) fn rejected(
    (status, fields, body): (StatusCode, &Fields, Bytes),
    spoken: Spoken<'_>,
    (target, key): (&Deployment, Option<usize>),
    ask: &Ask,
) -> Failure {
    let word = aws::word(status, fields, &body);
    let own = own(spoken, &body, ask);
    let is_no_route = spoken::is_no_route(status, &body);
    let (body, wait) = match spoken.theirs {
        Some(theirs) => fault((theirs, spoken.is_clients), status, &body, ask),
        None => (body, None),
    };
    let failure = match word {
        Some(word) => refused(word.status, fields, body).said_by_aws(status, &word),
        None => refused(status, fields, body),
    };
    let failure = failure.in_its_words(own).or_after(wait);
    Failure {
        is_no_route,
        ..failure.of_keys(&target.provider.keys, key)
    }
}

/// The body as it came, if the provider was asked in the client's own words and the
/// client reads it as an error: places in it are places in what the client sent. But
/// for the request's id, which is the gateway's: the provider's says nothing to who
/// asks the gateway's operator. Google may say beside it whose the gateway's account is.
fn own(spoken: Spoken<'_>, body: &Bytes, ask: &Ask) -> Option<Bytes> {
    let client = ask.foreign.as_ref()?.codec.dialect;
    let theirs = spoken.theirs.filter(|_| spoken.is_clients)?;
    if theirs.dialect != client {
        return None;
    }
    let document = Document::parse(body.clone(), DEPTH).ok()?;
    let error = document.root().get("error")?;
    error.get("message")?.str()?;
    let details = error.get("details").into_iter().flat_map(Node::items);
    let mut whose = details.filter_map(|detail| detail.get("metadata")?.get("consumer"));
    if whose.next().is_some() {
        return None;
    }
    let Some(id) = document.root().get("request_id") else {
        return Some(body.clone());
    };
    let mut edits = Edits::new();
    let edit = Edit {
        span: id.span(),
        with: format!("\"{}\"", ask.ticket).into(),
    };
    edits.add(edit).ok()?;
    Some(edits.apply(body).concat().into())
}

/// A provider's error in the pivot's dialect, with the client's names for fields,
/// and when it says to come again, where its body is the place for that. A place in
/// what the client did not write itself is none that it could find.
fn fault(
    (theirs, is_clients): (&Upstream, bool),
    status: StatusCode,
    body: &[u8],
    ask: &Ask,
) -> (Bytes, Option<Duration>) {
    let mut fault = (theirs.read_fault)(status.as_u16(), body);
    let wait = match theirs.dialect {
        Dialect::Gemini => gemini::canon::retry_delay(body),
        _ => None,
    };
    let pivot = translate::codec(PIVOT);
    let own = pivot.map(|codec| Terms {
        codec,
        body: &ask.document,
        is_whole: true,
    });
    let foreign = ask.foreign.as_deref().map(Foreign::terms);
    if let Some(terms) = foreign.or(own)
        && (!is_clients || terms.codec.dialect != theirs.dialect)
    {
        terms.tell(theirs.dialect, &mut fault);
    }
    let told = pivot.map(|pivot| (pivot.write_fault)(&fault, &ask.ticket.to_string()));
    (told.unwrap_or_default().into(), wait)
}

/// Redirects are never followed: an answer that points elsewhere is no answer.
fn refused(status: StatusCode, fields: &Fields, body: Bytes) -> Failure {
    if status.is_redirection() {
        return redirected(status, fields, PathOf::Gateway);
    }
    if status.is_informational() {
        return Failure::broken(format!("status {status}")).unowed();
    }
    Failure::of_status(status, fields, body)
}

/// PathOf the path is that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathOf {
    Client,
    Gateway,
}

/// An answer that lies at another address. Nobody goes there with a key in
/// hand; where it leads is the operator's to read.
pub(super) fn redirected(status: StatusCode, fields: &Fields, path: PathOf) -> Failure {
    let code = status.as_u16();
    let look = match path {
        PathOf::Client => "Check the path, slashes at its end too; or whoever",
        PathOf::Gateway => "Whoever",
    };
    let sentence = format!(
        "The provider answered with a redirect (status {code}), which is neither followed nor \
         handed on: a key would go along. {look} operates the gateway sets the provider's \
         `base_url` to where it really is."
    );
    let location = fields.text("location").map(str::parse::<Uri>);
    let to = location.and_then(Result::ok);
    let to = to.map(|to| format!("{}{}", to.host().unwrap_or_default(), to.path()));
    let cause = format!("status {code} to {}", to.as_deref().unwrap_or("nowhere"));
    Failure::transient(Refusal::new(Reason::UpstreamBroken, sentence).because(cause))
}
