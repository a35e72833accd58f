//! URLs in the headers of what passes back. A provider names its own for the
//! rest of an upload, or for what it has made: the client gets the gateway's way
//! there, or none.

use domain::model::Provider;
use http::Uri;
use http1::Fields;

use crate::accept::Passage;
use crate::admit;

/// Where the pieces of an upload go (Google's resumable protocol). Google's
/// own URL is all that its SDKs send with them, so the gateway's holds the key
/// that the client has sent, as Gemini's clients may write it.
const UPLOAD: &str = "x-goog-upload-url";
/// Where something is that was made.
const LOCATION: &str = "location";

/// What rewriting needs.
pub(super) struct Way<'a> {
    /// How the client reached the gateway.
    pub(super) origin: &'a str,
    /// Whose URLs these are.
    pub(super) provider: &'a Provider,
    /// The client's headers.
    pub(super) asked: &'a Fields,
}

/// Hands on the URLs of an answer.
pub(super) fn urls(out: &mut Fields, answer: &Fields, way: &Way<'_>) {
    let rewritten = |name| way.through(answer.text(name)?);
    if let Some(url) = rewritten(LOCATION) {
        out.set(LOCATION, url.join());
    }
    if let Some(mut url) = rewritten(UPLOAD) {
        let key = admit::key(way.asked).ok().filter(|key| is_plain(key));
        url.query.extend(key.map(|key| format!("key={key}")));
        out.set(UPLOAD, url.join());
    }
}

/// A URL of the gateway.
struct Through {
    path: String,
    query: Vec<String>,
}

impl Through {
    fn join(self) -> String {
        match self.query.is_empty() {
            true => self.path,
            false => format!("{}?{}", self.path, self.query.join("&")),
        }
    }
}

impl Way<'_> {
    /// The gateway's way to a provider's URL; `None` where it leads elsewhere,
    /// or nothing may pass there.
    fn through(&self, url: &str) -> Option<Through> {
        let provider = self.provider;
        let uri: Uri = url.parse().ok()?;
        if let Some(host) = uri.host() {
            let is_tls = uri.scheme_str() == Some("https");
            let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
            let is_theirs = host.eq_ignore_ascii_case(&provider.host);
            if !is_theirs || (is_tls, port) != (provider.tls, provider.port) {
                return None;
            }
        }
        let path = uri.path();
        let joined = providers::joined(&provider.base_path, provider.format, path);
        // Whoever asks for it must get there.
        if joined.ok()? != path || !provider.pass_through.lets(path) {
            return None;
        }
        // No key of anybody's stands in it.
        let query = providers::query(uri.query().unwrap_or_default());
        Some(Through {
            path: Passage::url(self.origin, provider.name.as_str(), path),
            query: Some(query)
                .filter(|it| !it.is_empty())
                .into_iter()
                .collect(),
        })
    }
}

/// Whether a key means the same in a query, as it is.
fn is_plain(key: &str) -> bool {
    let is_unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    key.bytes().all(is_unreserved)
}
