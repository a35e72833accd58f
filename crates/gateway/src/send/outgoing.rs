//! The request that goes to one target: slices of the client's own bytes with
//! this target's edits between, and headers from an allow-list.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use dialects::openai;
use domain::edit::Edits;
use domain::model::{Deployment, Provider};
use domain::refusal::{Reason, Refusal};
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Request};
use hyper::body::{Body, Frame, SizeHint};

use super::Ask;
use crate::accept;

/// A body in slices whose length is known.
#[derive(Clone, Debug, Default)]
pub struct Outgoing {
    parts: VecDeque<Bytes>,
    left: u64,
}

impl From<Vec<Bytes>> for Outgoing {
    fn from(parts: Vec<Bytes>) -> Self {
        let left = parts.iter().map(|part| part.len() as u64).sum();
        Self {
            parts: parts.into(),
            left,
        }
    }
}

impl Outgoing {
    /// Its length in bytes.
    pub(super) fn len(&self) -> u64 {
        self.left
    }

    /// Its slices, in order.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Bytes> {
        self.parts.iter()
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
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

/// Builds the request for `target`.
pub(super) fn request(ask: &Ask, target: &Deployment) -> Result<Request<Outgoing>, Refusal> {
    let internal = |cause: &dyn std::fmt::Display| {
        Refusal::new(
            Reason::Internal,
            "The gateway failed to build the upstream request.",
        )
        .because(cause)
    };
    let provider = &target.provider;
    let mut edits = Edits::new();
    if target.upstream_model != ask.view.model {
        edits
            .add(openai::set_model(&ask.view, &target.upstream_model))
            .map_err(|e| internal(&e))?;
    }
    if ask.view.stream
        && provider.stream_usage
        && let Some(edit) = openai::ask_usage(ask.operation, &ask.document, &ask.view)
    {
        edits.add(edit).map_err(|e| internal(&e))?;
    }
    let body = Outgoing::from(edits.apply(ask.document.bytes()));
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    let path = providers::url_path(provider, ask.operation.path());
    *request.uri_mut() = path.parse().map_err(|e| internal(&e))?;
    *request.headers_mut() = headers(ask, provider).map_err(|e| internal(&e))?;
    Ok(request)
}

/// The headers: the gateway's own, the provider's, and those of the client
/// that may go out. `traceparent` by policy, `baggage` never.
fn headers(ask: &Ask, provider: &Provider) -> Result<HeaderMap, http::Error> {
    let mut out = HeaderMap::with_capacity(12);
    out.insert(header::HOST, HeaderValue::try_from(authority(provider))?);
    out.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    let accept = if ask.view.stream {
        "text/event-stream"
    } else {
        "application/json"
    };
    out.insert(header::ACCEPT, HeaderValue::from_static(accept));
    out.insert(
        header::ACCEPT_ENCODING,
        HeaderValue::from_static("identity"),
    );
    out.insert(
        header::USER_AGENT,
        HeaderValue::from_static(concat!("portcullis/", env!("CARGO_PKG_VERSION"))),
    );
    let trace: &[&str] = if provider.internal || provider.trace {
        &["traceparent", "tracestate"]
    } else {
        &[]
    };
    for name in providers::FORWARD_TO_UPSTREAM.iter().chain(trace) {
        for value in ask.headers.get_all(*name) {
            out.append(http::HeaderName::from_static(name), value.clone());
        }
    }
    let hops = accept::hops(&ask.headers) + 1;
    out.insert(accept::HOPS, HeaderValue::from(hops));
    for (name, value) in &provider.headers {
        let mut value = HeaderValue::try_from(value.reveal())?;
        value.set_sensitive(true);
        out.insert(http::HeaderName::try_from(name.as_str())?, value);
    }
    for (name, value) in providers::auth_headers(provider)? {
        out.insert(name, value);
    }
    Ok(out)
}

fn authority(provider: &Provider) -> String {
    let usual = if provider.tls { 443 } else { 80 };
    if provider.port == usual {
        provider.host.clone()
    } else {
        format!("{}:{}", provider.host, provider.port)
    }
}
