//! An answer that is no success: what it means, in the pivot's dialect.

use std::time::Duration;

use bytes::Bytes;
use dialects::gemini;
use dialects::json::{Document, Node};
use dialects::translate::{self, Terms, Upstream};
use domain::canon::Dialect;
use domain::model::Deployment;
use domain::refusal::{Reason, Refusal};
use http::{StatusCode, Uri};
use http1::Fields;

use super::failure::Failure;
use super::translation::{DEPTH, PIVOT};
use super::{Ask, aws, spoken};
use crate::accept::Foreign;

/// Reads such an answer. `theirs` is what the provider speaks, where that is not
/// the pivot's dialect; `key` the one of its keys that was taken.
pub(super) fn rejected(
    (status, fields, body): (StatusCode, &Fields, Bytes),
    theirs: Option<&Upstream>,
    (target, key): (&Deployment, Option<usize>),
    ask: &Ask,
) -> Failure {
    let word = aws::word(status, fields, &body);
    let own = own(theirs, &body, ask);
    let is_no_route = spoken::is_no_route(status, &body);
    let (body, wait) = match theirs {
        Some(theirs) => fault(theirs, status, &body, ask),
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

/// The body as it came, if the client speaks the provider's dialect and reads it
/// as an error. Google may say beside it whose the gateway's account is.
fn own(theirs: Option<&Upstream>, body: &Bytes, ask: &Ask) -> Option<Bytes> {
    let client = ask.foreign.as_ref()?.codec.dialect;
    theirs.filter(|theirs| theirs.dialect == client)?;
    let document = Document::parse(body.clone(), DEPTH).ok()?;
    let error = document.root().get("error")?;
    error.get("message")?.str()?;
    let details = error.get("details").into_iter().flat_map(Node::items);
    let mut whose = details.filter_map(|detail| detail.get("metadata")?.get("consumer"));
    whose.next().is_none().then(|| body.clone())
}

/// A provider's error in the pivot's dialect, with the client's names for fields,
/// and when it says to come again, where its body is the place for that.
fn fault(
    theirs: &Upstream,
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
        && terms.codec.dialect != theirs.dialect
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
