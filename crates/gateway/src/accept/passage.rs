//! The front door of what passes through unread: `/providers/{name}/…`.

use http::Method;
use http::uri::Authority;

use super::Request;

/// What stands before the provider's name.
const DOOR: &str = "/providers/";

/// A request that is to reach a provider as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The provider's name, as the client wrote it.
    pub provider: String,
    /// What is to be done.
    pub method: Method,
    /// Where, behind the name; begins with a slash. Nobody has looked at it.
    pub path: String,
    /// What stands behind the `?`, without the gateway's key.
    pub query: Option<String>,
    /// How the client reached the gateway, as far as it says so:
    /// `https://gateway.example`.
    pub origin: Option<String>,
}

impl Passage {
    /// What a path behind the door leads to.
    pub(super) fn at(path: &str) -> Option<Self> {
        let rest = path.strip_prefix(DOOR)?;
        let (provider, path) = rest.split_at(rest.find('/')?);
        Some(Self {
            provider: provider.to_owned(),
            method: Method::GET,
            path: path.to_owned(),
            query: None,
            origin: None,
        })
    }

    /// The URL that leads to a provider's path through the gateway.
    pub(crate) fn url(origin: &str, provider: &str, path: &str) -> String {
        format!("{origin}{DOOR}{provider}{path}")
    }

    /// Where a request came to. What stands before the gateway says it best; it
    /// is for the eyes of the one who says it only.
    pub(super) fn origin(request: &Request) -> Option<String> {
        let fields = &request.fields;
        let first = |name| {
            let list = fields.text(name)?;
            list.split(',').next().map(str::trim)
        };
        let spoken = match request.body.is_secure() || request.uri.scheme_str() == Some("https") {
            true => "https",
            false => "http",
        };
        let told = first("x-forwarded-proto").filter(|it| matches!(*it, "http" | "https"));
        let own = || {
            let authority = request.uri.authority().map(Authority::as_str);
            authority.or_else(|| fields.text("host"))
        };
        let host = first("x-forwarded-host").or_else(own)?;
        let authority: Authority = host.parse().ok()?;
        Some(format!("{}://{authority}", told.unwrap_or(spoken)))
    }
}
