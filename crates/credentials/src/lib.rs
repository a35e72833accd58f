//! Providers' credentials that are not a fixed key: fetched and renewed beside
//! the requests' way, which only reads the latest.
//!
//! | room | what it holds |
//! |---|---|
//! | [`spec`] | what configuration says |
//! | [`renewed`] | the task that fetches, renews, backs off; `current` for the event loops |
//! | [`source`] | from a spec to whoever fetches |
//! | [`outlook`](mod@outlook) | what can be said before anybody is asked |
//! | `aws`, `google`, `azure`, `local` | the fetchers |
//! | [`http`] | the small client that they share |
//!
//! Deliberately absent: the vendors' SDKs (see decision 6), AWS SSO, Azure Arc,
//! proxies, and any cache on disk.

mod aws;
mod azure;
mod credential;
mod fault;
mod google;
pub mod http;
mod json;
mod local;
pub mod outlook;
pub mod renewed;
pub mod source;
pub mod spec;
mod surroundings;

pub use credential::Fetched;
pub use fault::Fault;
pub use outlook::{Hopeless, Outlook, outlook};
pub use renewed::Renewed;
pub use source::Source;
pub use spec::Spec;
pub use surroundings::Surroundings;
