//! The canonical form: what every dialect can be read into and written from.
//!
//! With N dialects there are 2N translators and not N². A request, an answer
//! or a stream in one dialect is read into this form and written from it into
//! another. It is the union of what the dialects can say, not what they have
//! in common: who writes says what its dialect could not carry ([`Loss`]), and
//! policy decides what becomes of that. What the form does not know stays
//! beside it, as it was ([`Unknown`]), for a way back into the same dialect.
//!
//! Only translated requests come through here. Where client and target speak
//! the same dialect, bytes pass as they are.

mod answer;
mod block;
mod chunk;
mod fault;
mod fold;
mod hints;
mod joined;
mod json;
mod loss;
mod request;
mod tool;

pub use answer::{Answer, Choice, Stop};
pub use block::{Block, CacheMark, Media, MediaKind, Signature, Source, Thinking};
pub use chunk::{Chunk, Delta, Opened};
pub use fault::{Fault, FaultKind};
pub use fold::Fold;
pub use json::{Json, Unknown};
pub use loss::{Loss, Weight, Written};
pub use request::{Effort, Format, Message, Reasoning, Request, Role};
pub use tool::{Tool, ToolCall, ToolChoice, ToolKind, ToolResult};

use serde::{Deserialize, Serialize};

/// A wire format of conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// `OpenAI`'s chat completions, and whoever speaks them.
    #[serde(rename = "openai")]
    OpenAi,
    /// `OpenAI`'s Responses.
    Responses,
    /// Anthropic's Messages.
    Anthropic,
    /// Google's `generateContent`.
    Gemini,
    /// AWS Bedrock's Converse.
    Converse,
    /// Cohere's chat, version 2.
    Cohere,
    /// Ollama's own.
    Ollama,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 7] = [
        Self::OpenAi,
        Self::Responses,
        Self::Anthropic,
        Self::Gemini,
        Self::Converse,
        Self::Cohere,
        Self::Ollama,
    ];
    /// Those that clients may speak; the others are providers' only.
    pub const CLIENTS: [Self; 4] = [Self::OpenAi, Self::Responses, Self::Anthropic, Self::Gemini];

    /// The name in configuration, records and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Responses => "responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Converse => "converse",
            Self::Cohere => "cohere",
            Self::Ollama => "ollama",
        }
    }
}
