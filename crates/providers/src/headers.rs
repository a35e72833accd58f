//! The credential's header, and which headers may cross the gateway.
//!
//! Both directions are lists of what may pass: a header that nobody thought of
//! stays, so neither side's credentials or cookies reach the other.

use domain::canon::Dialect;
use domain::model::{Auth, WireFormat};
use domain::secret::Secret;
use http::{HeaderName, HeaderValue, header};

/// Headers of the client that go to an upstream of `OpenAI`'s dialect.
///
/// Not here: `user-agent`, `accept` (the gateway is the upstream's client and
/// sends its own), `openai-organization` and `openai-project` (they belong to
/// the provider's key, which is not the client's), trace headers (by policy).
pub const FORWARD_TO_UPSTREAM: &[&str] = &["idempotency-key", "openai-beta", "x-client-request-id"];

/// Headers of the upstream that go to the client.
///
/// Not here: `x-ratelimit-*` and `openai-organization` (they tell about the
/// gateway's own account), `set-cookie`, `server`, and whatever says how the
/// body was framed (the gateway frames its own).
pub const FORWARD_TO_CLIENT: &[&str] = &[
    "content-type",
    "openai-model",
    "openai-processing-ms",
    "openai-version",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
];

/// Further headers of the client that go along with a body that nobody reads:
/// what they say of it, and of the part that is wanted.
pub const PASS_TO_UPSTREAM: &[&str] = &[
    "accept",
    "accept-language",
    "anthropic-beta",
    "anthropic-version",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-range",
    "content-type",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "last-event-id",
    "prefer",
    "range",
    "x-goog-fieldmask",
    "x-goog-upload-command",
    "x-goog-upload-file-name",
    "x-goog-upload-header-content-length",
    "x-goog-upload-header-content-type",
    "x-goog-upload-offset",
    "x-goog-upload-protocol",
];

/// Further headers of the upstream that come back with such a body. Not
/// here: `location` and `x-goog-upload-url`, which lead by the gateway or
/// nowhere: clients follow them with their key in hand. No word of caches:
/// what one key may read is for no cache between it and the gateway.
pub const PASS_TO_CLIENT: &[&str] = &[
    "accept-ranges",
    "allow",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-range",
    "etag",
    "last-modified",
    "vary",
    "x-goog-upload-chunk-granularity",
    "x-goog-upload-size-received",
    "x-goog-upload-status",
];

/// Whether a client's header, its name in lower case, goes to an upstream
/// with a body that passes through.
#[must_use]
pub fn passes_upstream(name: &[u8]) -> bool {
    goes_upstream(name) || is_one_of(PASS_TO_UPSTREAM, name)
}

/// Whether an upstream's header, its name in lower case, goes to a client
/// with a body that passes through.
#[must_use]
pub fn passes_to_client(name: &[u8]) -> bool {
    goes_to_client(name) || is_one_of(PASS_TO_CLIENT, name)
}

/// Whether a client's header, its name in lower case, goes to an upstream.
#[must_use]
pub fn goes_upstream(name: &[u8]) -> bool {
    is_one_of(FORWARD_TO_UPSTREAM, name)
}

/// Whether an upstream's header, its name in lower case, goes to a client.
#[must_use]
pub fn goes_to_client(name: &[u8]) -> bool {
    is_one_of(FORWARD_TO_CLIENT, name)
}

/// What a provider's streams are: for `accept`.
#[must_use]
pub fn stream_type(format: WireFormat) -> &'static str {
    match format {
        WireFormat::Dialect(Dialect::Converse) => "application/vnd.amazon.eventstream",
        WireFormat::Dialect(Dialect::Ollama) => "application/x-ndjson",
        WireFormat::Dialect(_) | WireFormat::Demo => "text/event-stream",
    }
}

/// Whether a header of a client that speaks `dialect` goes to a provider that
/// speaks the same: what its own SDKs send beside the body.
#[must_use]
pub fn goes_along(dialect: Dialect, format: WireFormat, name: &[u8]) -> bool {
    const ANTHROPIC: &[&str] = &["anthropic-beta", "anthropic-version"];
    format == WireFormat::Dialect(dialect)
        && dialect == Dialect::Anthropic
        && is_one_of(ANTHROPIC, name)
}

fn is_one_of(list: &[&str], name: &[u8]) -> bool {
    list.iter().any(|known| known.as_bytes() == name)
}

/// The header that carries a provider's key, marked so that no log prints it.
/// Where requests are signed, a key is one that stands for a signature.
///
/// # Errors
/// If the key or the header's name has characters that no header may have.
pub fn auth_header(auth: &Auth, key: &Secret) -> Result<(HeaderName, HeaderValue), http::Error> {
    let (name, mut value) = match auth {
        Auth::Bearer | Auth::SigV4 { .. } => {
            let value = HeaderValue::try_from(format!("Bearer {}", key.reveal()))?;
            (header::AUTHORIZATION, value)
        }
        Auth::Header(name) => (
            HeaderName::try_from(name.as_str())?,
            HeaderValue::try_from(key.reveal())?,
        ),
    };
    value.set_sensitive(true);
    Ok((name, value))
}

/// Headers that every server of a dialect wants; the configuration may set
/// others.
#[must_use]
pub fn dialect_headers(format: WireFormat) -> &'static [(&'static str, &'static str)] {
    match format {
        WireFormat::Dialect(Dialect::Anthropic) => &[("anthropic-version", "2023-06-01")],
        WireFormat::Dialect(_) | WireFormat::Demo => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_into_its_header_and_never_prints() {
        let key = Secret::new("sk-up");
        let header = |auth: Auth| auth_header(&auth, &key).expect("header");
        let bearer = header(Auth::Bearer);
        assert_eq!(bearer.0, "authorization");
        assert_eq!(bearer.1, "Bearer sk-up");
        assert!(!format!("{bearer:?}").contains("sk-up"));
        let named = header(Auth::Header("api-key".into()));
        assert_eq!(named.0, "api-key");
        assert!(named.1.is_sensitive());
    }

    #[test]
    fn a_key_that_no_header_can_carry_is_an_error_without_the_key() {
        let error = auth_header(&Auth::Bearer, &Secret::new("sk\nup")).expect_err("newline");
        assert!(!error.to_string().contains("sk"));
    }

    #[test]
    fn no_credential_cookie_or_frame_may_cross() {
        let read = FORWARD_TO_UPSTREAM.iter().chain(FORWARD_TO_CLIENT);
        let unread = PASS_TO_UPSTREAM.iter().chain(PASS_TO_CLIENT);
        // A body that nobody reads keeps its encoding.
        let unread = unread.filter(|name| **name != "content-encoding");
        for name in read.chain(unread) {
            assert_eq!(HeaderName::from_static(name).as_str(), *name);
            for never in ["auth", "key", "cookie", "encoding", "length", "connection"] {
                // These speak of a file in its upload.
                let harmless = *name == "idempotency-key" || name.starts_with("x-goog-upload-");
                assert!(harmless || !name.contains(never), "{name}");
            }
        }
    }
}
