//! From one dialect into another, through the canonical form.
//!
//! | what | read | written |
//! |---|---|---|
//! | a request | by the client's dialect | by the target's |
//! | an answer, a stream | by the target's dialect | by the client's |

mod allowed;
mod by_url;
pub(crate) mod cited;
mod codec;
#[cfg(test)]
pub(crate) mod counted;
mod customs;
pub(crate) mod distinct;
mod elsewhere;
pub(crate) mod fields;
mod frames;
pub(crate) mod functions;
pub(crate) mod hosted;
pub(crate) mod ids;
pub(crate) mod json_mode;
mod names;
mod native;
pub(crate) mod order;
mod places;
pub mod reasoning;
pub(crate) mod sampling;
pub mod sealed;
mod table;
mod terms;
mod trail;
mod unshown;
pub(crate) mod values;
pub(crate) mod vectors;
mod words;

pub use allowed::{Allowed, allowed};
pub use by_url::is_seen;
pub use codec::{Codec, Head, Malformed, ReadStream, Upstream, WriteStream};
pub use customs::{Customs, without_free_text};
pub(crate) use elsewhere::texts;
pub use elsewhere::with_thoughts;
pub use frames::{Client, Frames};
pub use names::Names;
pub use native::is_native;
pub use table::{codec, upstream};
pub use terms::Terms;
pub use trail::Trail;
pub use unshown::unshown;
pub use values::wrong_value;
pub use vectors::{Embedder, embedder, with_usage};

use domain::traits::Traits;

/// What a request's writer must know of its target.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// The model's name at the provider.
    pub model: &'a str,
    /// The most tokens that it answers with, for dialects that demand a
    /// number; none where nobody knows.
    pub output_limit: Option<u64>,
    /// Whether the model can think.
    pub reasons: bool,
    /// What it takes beyond its dialect.
    pub traits: Traits,
    /// The tools' names as this target has them.
    pub names: &'a Names,
}
