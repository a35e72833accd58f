//! The request that goes to one target: slices of the client's own bytes with
//! this target's edits between, and headers from an allow-list.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use dialects::{Operation, openai};
use domain::credential::{AwsKeys, Credential, Key};
use domain::edit::Edits;
use domain::model::{Auth, Deployment, Provider, WireFormat};
use domain::refusal::{Reason, Refusal};
use http::header::{self, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Uri};
use http1::{Fields, Length};
use hyper::body::{Body, Frame, SizeHint};
use providers::Delivery;

use super::Ask;
use super::prepared::{Lines, Prepared, authority};
use super::shape::{headers, listed, shaped};
use super::signing::{self, Unsigned};
use super::vectors;
use crate::accept;

/// Keys of AWS at a provider that takes none.
pub(super) const UNSIGNED: &str = "this provider takes no signatures";

/// A request on its way to one target.
pub struct Outgoing {
    pub(super) prepared: Rc<Prepared>,
    /// Which of the provider's keys it takes.
    key: Option<usize>,
    operation: Operation,
    method: Method,
    /// Where, if that hangs on the request.
    path: Option<PathAndQuery>,
    /// Headers of this request alone.
    own: Fields,
    parts: Vec<Bytes>,
}

impl Outgoing {
    fn path(&self) -> &PathAndQuery {
        let usual = || self.prepared.path(self.operation);
        self.path.as_ref().unwrap_or_else(usual)
    }

    /// Adds the credential, if it does not stand among the usual headers.
    async fn authenticated(&mut self) -> Result<(), Refusal> {
        let prepared = Rc::clone(&self.prepared);
        match prepared.unready(self.key) {
            Some(key) => self.authenticate(key).await,
            None => Ok(()),
        }
    }

    /// Adds a credential that is renewed now and then.
    async fn authenticate(&mut self, key: &Key) -> Result<(), Refusal> {
        let auth = &self.prepared.provider.auth;
        match add_credential(&mut self.own, auth, key)? {
            None => Ok(()),
            Some(keys) => self.sign(&keys).await?.ok_or_else(|| none(&UNSIGNED)),
        }
    }

    /// Signs it for AWS; `None` where this provider knows no signatures.
    async fn sign(&mut self, keys: &AwsKeys) -> Result<Option<()>, Refusal> {
        let prepared = Rc::clone(&self.prepared);
        let path = self.path().clone();
        let unsigned = Unsigned {
            auth: &prepared.provider.auth,
            method: self.method.as_str(),
            host: &authority(&prepared.provider),
            path: path.path(),
            query: path.query().unwrap_or_default(),
        };
        let is_signed = signing::sign(&mut self.own, &self.parts, &unsigned, keys).await?;
        Ok(is_signed.then_some(()))
    }

    /// Its body's slices, in order.
    pub(super) fn parts(&self) -> &[Bytes] {
        &self.parts
    }

    /// Its head, as HTTP/1 has it.
    pub(super) fn head(&self) -> Bytes {
        let mut out = BytesMut::new();
        let target = self.path().as_str();
        if self.method != Method::POST {
            let mut fields = Fields::from(&self.prepared.lines(self.key).headers);
            fields.remove("content-type");
            for (name, value) in self.own.iter() {
                fields.add(std::str::from_utf8(name).unwrap_or_default(), value);
            }
            http1::write_ask(&mut out, &self.method, target, &fields, &Length::None);
            return out.freeze();
        }
        let length = self.parts.iter().map(|part| part.len() as u64).sum();
        http1::write_post(
            &mut out,
            target,
            &self.prepared.lines(self.key).text,
            &self.own,
            length,
        );
        out.freeze()
    }

    /// The whole of it, for HTTP/2: scheme and authority stand in the URI.
    pub(super) fn request(&self) -> Result<Request<Sliced>, http::Error> {
        let provider = &self.prepared.provider;
        let mut request = Request::new(Sliced::from(self.parts.clone()));
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = self.prepared.lines(self.key).headers.clone();
        let host = request.headers_mut().remove(header::HOST);
        for (name, value) in &self.own.to_map() {
            let mut value = value.clone();
            value.set_sensitive(provider.auth.is_secret(name.as_str()));
            request.headers_mut().append(name, value);
        }
        *request.uri_mut() = Uri::builder()
            .scheme(if provider.tls { "https" } else { "http" })
            .authority(host.as_ref().map_or(&b""[..], HeaderValue::as_bytes))
            .path_and_query(self.path().clone())
            .build()?;
        Ok(request)
    }
}

/// Adds a credential that stands in a header; gives back the keys of one that
/// signs.
///
/// # Errors
/// There is none now.
pub(super) fn add_credential(
    own: &mut Fields,
    auth: &Auth,
    key: &Key,
) -> Result<Option<AwsKeys>, Refusal> {
    let header = match key.current().map_err(|absent| none(&absent))? {
        Credential::Key(secret) => providers::auth_header(auth, &secret),
        Credential::Token(secret) => providers::auth_header(&Auth::Bearer, &secret),
        Credential::Aws(keys) => return Ok(Some(keys)),
    };
    let (name, value) = header.map_err(|error| none(&error))?;
    own.add(name.as_str(), value.as_bytes());
    Ok(None)
}

/// There is no credential, and why.
pub(super) fn none(cause: &dyn std::fmt::Display) -> Refusal {
    let sentence = "The gateway has no credential for the upstream now.";
    Refusal::new(Reason::UpstreamCredential, sentence).because(cause)
}

/// A body in slices whose length is known.
#[derive(Debug)]
pub(super) struct Sliced {
    parts: VecDeque<Bytes>,
    left: u64,
}

impl From<Vec<Bytes>> for Sliced {
    fn from(parts: Vec<Bytes>) -> Self {
        let left = parts.iter().map(|part| part.len() as u64).sum();
        Self {
            parts: parts.into(),
            left,
        }
    }
}

impl Body for Sliced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let part = self.parts.pop_front();
        self.left -= part.as_ref().map_or(0, |part| part.len() as u64);
        Poll::Ready(part.map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.parts.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// Builds the request for `target`, with one of its provider's keys.
///
/// # Errors
/// There is no credential now, or a bug of the gateway.
pub(super) async fn request(
    ask: &Ask,
    translated: Option<Vec<Bytes>>,
    (target, key): (&Deployment, Option<usize>),
    prepared: Rc<Prepared>,
) -> Result<Outgoing, Refusal> {
    let provider = &target.provider;
    let path = match &translated {
        _ if ask.operation == Operation::Embedding => {
            let batch = vectors::batch(ask, target);
            providers::embeddings_path(provider, &target.upstream_model, batch)
        }
        _ if provider.paths.is_none() && provider.format == WireFormat::USUAL => None,
        None if provider.paths.is_none() => None,
        Some(_) | None => Some(conversation(ask, target)),
    };
    let parts = match translated {
        Some(parts) => parts,
        None => same(ask, target)?,
    };
    at(ask, (path, parts), (target, key), prepared).await
}

/// Builds a request of this body to this path, or to the operation's.
///
/// # Errors
/// There is no credential now, or a bug of the gateway.
pub(super) async fn at(
    ask: &Ask,
    (path, parts): (Option<String>, Vec<Bytes>),
    (target, key): (&Deployment, Option<usize>),
    prepared: Rc<Prepared>,
) -> Result<Outgoing, Refusal> {
    let provider = &target.provider;
    let path = path.map(PathAndQuery::try_from).transpose();
    let mut own = own(ask, prepared.lines(key), provider);
    let mut members = Vec::new();
    if is_kin(ask, provider) {
        let (shape, model) = (&provider.shape, target.known_as());
        members = listed(&ask.fields, shape, model);
        for (name, value) in headers(&ask.fields, shape, model) {
            if !prepared.lines(key).headers.contains_key(&name) {
                own.add(&name, &value);
            }
        }
    }
    let mut outgoing = Outgoing {
        path: path.map_err(internal)?,
        operation: ask.operation,
        method: Method::POST,
        own,
        key,
        parts: shaped(parts, &provider.shape, &members)?,
        prepared,
    };
    outgoing.authenticated().await?;
    Ok(outgoing)
}

/// Builds a request without a body that takes away what lies at this path.
///
/// # Errors
/// There is no credential now, or the path is none.
pub(super) async fn deleting(
    path: String,
    key: Option<usize>,
    prepared: Rc<Prepared>,
) -> Result<Outgoing, Refusal> {
    let mut outgoing = Outgoing {
        path: Some(PathAndQuery::try_from(path).map_err(internal)?),
        operation: Operation::Chat,
        method: Method::DELETE,
        own: Fields::default(),
        key,
        parts: Vec::new(),
        prepared,
    };
    outgoing.authenticated().await?;
    Ok(outgoing)
}

/// Whether client and provider speak the same dialect, and none of everybody's.
fn is_kin(ask: &Ask, provider: &Provider) -> bool {
    let foreign = ask.foreign.as_ref().map(|foreign| foreign.codec.dialect);
    foreign.is_some_and(|dialect| provider.format == WireFormat::Dialect(dialect))
}

/// A bug of the gateway.
pub(super) fn internal(cause: impl ToString) -> Refusal {
    let sentence = "The gateway failed to build the upstream request.";
    Refusal::new(Reason::Internal, sentence).because(cause)
}

fn conversation(ask: &Ask, target: &Deployment) -> String {
    let delivery = match ask.view.stream {
        true => Delivery::Streamed,
        false => Delivery::Whole,
    };
    providers::path(&target.provider, &target.upstream_model, delivery)
}

/// The body of a target that speaks the pivot's dialect.
pub(super) fn same(ask: &Ask, target: &Deployment) -> Result<Vec<Bytes>, Refusal> {
    Ok(edits(ask, target)?.apply(ask.document.bytes()))
}

/// What changes in the body for such a target.
pub(super) fn edits(ask: &Ask, target: &Deployment) -> Result<Edits, Refusal> {
    let mut edits = Edits::new();
    if target.upstream_model != ask.view.model {
        let renamed = openai::set_model(&ask.view, &target.upstream_model);
        edits.add(renamed).map_err(internal)?;
    }
    if ask.view.stream
        && target.provider.stream_usage
        && let Some(edit) = openai::ask_usage(ask.operation, &ask.document, &ask.view)
    {
        edits.add(edit).map_err(internal)?;
    }
    Ok(edits)
}

/// The headers of this request alone: those of the client that may go out.
/// `traceparent` by policy, `baggage` never.
fn own(ask: &Ask, lines: &Lines, provider: &Provider) -> Fields {
    let mut out = Fields::with_room(4, 128);
    let accept = if ask.view.stream {
        providers::stream_type(provider.format)
    } else {
        "application/json"
    };
    if !lines.headers.contains_key("accept") {
        out.add("accept", accept);
    }
    let same = ask.foreign.as_ref().map(|foreign| foreign.codec.dialect);
    let may_go = |name: &[u8]| {
        let goes_along = |dialect| providers::goes_along(dialect, provider.format, name);
        providers::goes_upstream(name) || same.is_some_and(goes_along) && !provider.shape.says(name)
    };
    further(&mut out, &ask.fields, (lines, provider), may_go);
    out
}

/// Adds those of the client's headers that may go, and what the gateway says
/// of itself.
pub(super) fn further(
    out: &mut Fields,
    client: &Fields,
    (lines, provider): (&Lines, &Provider),
    may_go: impl Fn(&[u8]) -> bool,
) {
    let hops = accept::hops(client) + 1;
    out.add_number(accept::HOPS, hops.into());
    let is_told_traces = provider.internal || provider.trace;
    for (name, value) in client.iter() {
        let may_go =
            may_go(name) || is_told_traces && matches!(name, b"traceparent" | b"tracestate");
        // What the provider's configuration says stands.
        if may_go
            && let Ok(name) = std::str::from_utf8(name)
            && !lines.headers.contains_key(name)
        {
            out.add(name, value);
        }
    }
    for (name, value) in providers::dialect_headers(provider.format) {
        let is_said = lines.headers.contains_key(*name) || provider.shape.says(name.as_bytes());
        if !out.has(name) && !is_said {
            out.add(name, value);
        }
    }
}
