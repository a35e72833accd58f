//! What a message is made of.

use super::{Json, ToolCall, ToolResult, Unknown};

/// A piece of a message or of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// Its citations or annotations, each as its dialect wrote it.
        citations: Vec<Unknown>,
        /// What Gemini signs texts with.
        signature: Option<Signature>,
        /// Where the provider's prompt cache may end.
        cache: Option<CacheMark>,
    },
    /// An image, a sound, a document.
    Media(Media),
    /// The model thought.
    Thinking(Thinking),
    /// The model calls a tool.
    ToolCall(ToolCall),
    /// A tool answered.
    ToolResult(ToolResult),
    /// The model declined, in these words.
    Refusal(String),
    /// Something that this form does not know.
    Unknown(Unknown),
}

impl Block {
    /// Plain text without anything about it.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text {
            text: text.into(),
            citations: Vec::new(),
            signature: None,
            cache: None,
        }
    }
}

/// An image, a sound, a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// What it is.
    pub kind: MediaKind,
    /// Where its bytes are.
    pub source: Source,
    /// `image/png`, `application/pdf`, `audio/wav` …; none where the wire does
    /// not say.
    pub mime: Option<String>,
    /// A file's name or a document's title.
    pub name: Option<String>,
    /// What the document is about, for the model (Anthropic).
    pub context: Option<String>,
    /// How closely an image is looked at: `low`, `high`, `auto` (`OpenAI`).
    pub detail: Option<String>,
    /// Whether citations of this document are wanted (Anthropic).
    pub citations: bool,
    /// Where the provider's prompt cache may end.
    pub cache: Option<CacheMark>,
}

/// What a medium is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// A moving picture.
    Video,
    /// A PDF, a text: something to read.
    Document,
}

/// Where a medium's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Here, in base64 (standard alphabet, padded).
    Base64(String),
    /// At this URL, which is not a `data:` one.
    Url(String),
    /// With the provider, under this id. It means something only there.
    File(String),
    /// Here, as plain text (Anthropic's text documents).
    Text(String),
}

/// What the model thought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thinking {
    /// The thought, or a summary of it; empty where it is hidden.
    pub text: String,
    /// Whether `text` is a summary and not the thought itself.
    pub summary: bool,
    /// What proves it to the provider, or holds it, sealed.
    pub signature: Option<Signature>,
    /// The provider's id of it (`OpenAI`'s reasoning items).
    pub id: Option<String>,
    /// Whether the provider hid it on purpose (Anthropic's
    /// `redacted_thinking`): `signature` is all there is.
    pub redacted: bool,
}

/// Proof that a provider said something itself; opaque, and of use only with
/// models of the same family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Whose signature: the dialect of the model family that made it.
    pub family: super::Dialect,
    /// The signature as it was.
    pub value: String,
}

/// *The prompt may be cached up to here.*
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheMark {
    /// For how long: `5m`, `1h`; none means the provider's usual.
    pub ttl: Option<String>,
}

/// Convenience: JSON of a block that is unknown.
impl From<Unknown> for Block {
    fn from(unknown: Unknown) -> Self {
        Self::Unknown(unknown)
    }
}

impl Unknown {
    /// A block or member of this dialect.
    #[must_use]
    pub fn new(dialect: super::Dialect, name: impl Into<String>, raw: Json) -> Self {
        Self {
            dialect,
            name: name.into(),
            raw,
        }
    }
}
