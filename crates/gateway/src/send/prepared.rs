//! What every request to a provider has in common, worked out once: its
//! header lines, its paths, and where its connections are kept.

use std::rc::Rc;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use dialects::Operation;
use domain::credential::{Key, KeySource};
use domain::model::Provider;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http1::Fields;

use super::bulkhead::Bulkhead;
use super::pool::Origin;

/// What every request to a provider has in common.
pub(super) struct Prepared {
    pub(super) provider: Arc<Provider>,
    pub(super) origin: Rc<Origin>,
    /// Where connections are kept for what passes through.
    pub(super) unread: Rc<Origin>,
    pub(super) bulkhead: Bulkhead,
    /// Headers without a credential.
    bare: Lines,
    /// Those with each of the provider's keys that stays.
    keyed: Vec<Option<Lines>>,
    paths: [PathAndQuery; Operation::ALL.len()],
}

/// The header lines that never change.
pub(super) struct Lines {
    /// For HTTP/1.
    pub(super) text: Bytes,
    /// The same, for HTTP/2.
    pub(super) headers: HeaderMap,
}

impl Lines {
    fn of(headers: HeaderMap) -> Self {
        let mut text = BytesMut::with_capacity(512);
        http1::write_fields(&mut text, &Fields::from(&headers));
        Self {
            text: text.freeze(),
            headers,
        }
    }
}

impl Prepared {
    /// Works it out.
    ///
    /// # Errors
    /// A header or path of the provider has characters that none may have.
    pub(super) fn new(
        provider: &Arc<Provider>,
        (origin, unread): (Rc<Origin>, Rc<Origin>),
        bulkhead: Bulkhead,
    ) -> Result<Self, http::Error> {
        let headers = headers(provider)?;
        let mut keyed = Vec::with_capacity(provider.keys.len());
        for key in &provider.keys {
            let auth = match &key.source {
                KeySource::Fixed(secret) => Some(providers::auth_header(&provider.auth, secret)?),
                KeySource::Renewed(_) => None,
            };
            keyed.push(auth.map(|(name, value)| {
                let mut headers = headers.clone();
                headers.insert(name, value);
                Lines::of(headers)
            }));
        }
        let mut paths = [const { PathAndQuery::from_static("/") }; Operation::ALL.len()];
        for (path, operation) in paths.iter_mut().zip(Operation::ALL) {
            *path = PathAndQuery::try_from(providers::url_path(provider, operation.path()))?;
        }
        Ok(Self {
            provider: Arc::clone(provider),
            origin,
            unread,
            bulkhead,
            bare: Lines::of(headers),
            keyed,
            paths,
        })
    }

    /// The headers of a request that takes this key.
    pub(super) fn lines(&self, key: Option<usize>) -> &Lines {
        let keyed = key.and_then(|at| self.keyed.get(at)?.as_ref());
        keyed.unwrap_or(&self.bare)
    }

    /// The key of a request whose credential is not among its usual headers.
    pub(super) fn unready(&self, key: Option<usize>) -> Option<&Key> {
        let at = key?;
        let is_there = self.keyed.get(at).is_some_and(Option::is_some);
        self.provider.keys.get(at).filter(|_| !is_there)
    }

    /// The path of an operation.
    pub(super) fn path(&self, operation: Operation) -> &PathAndQuery {
        &self.paths[operation as usize]
    }
}

/// The gateway's own headers and the provider's.
fn headers(provider: &Provider) -> Result<HeaderMap, http::Error> {
    let mut out = HeaderMap::with_capacity(12);
    out.insert(header::HOST, HeaderValue::try_from(authority(provider))?);
    out.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    out.insert(
        header::ACCEPT_ENCODING,
        HeaderValue::from_static("identity"),
    );
    out.insert(
        header::USER_AGENT,
        HeaderValue::from_static(concat!("portcullis/", env!("CARGO_PKG_VERSION"))),
    );
    for (name, value) in &provider.headers {
        let mut value = HeaderValue::try_from(value.reveal())?;
        value.set_sensitive(true);
        out.insert(HeaderName::try_from(name.as_str())?, value);
    }
    Ok(out)
}

/// Host and port, as a `host` header says them.
pub(super) fn authority(provider: &Provider) -> String {
    let usual = if provider.tls { 443 } else { 80 };
    if provider.port == usual {
        provider.host.clone()
    } else {
        format!("{}:{}", provider.host, provider.port)
    }
}
