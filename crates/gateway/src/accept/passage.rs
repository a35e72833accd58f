//! The front door of what passes through unread: `/providers/{name}/…`.

use http::Method;

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
        })
    }
}
