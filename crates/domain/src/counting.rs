//! How providers count the tokens of a prompt for nothing, where they do.

use crate::canon::Dialect;
use crate::model_pattern::{Pattern, are_for};

/// How a provider is asked to count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counting {
    /// What is sent and what comes back.
    pub form: CountingForm,
    /// Where, behind the base path; `{model}` stands for the model's name.
    pub path: String,
    /// The models that it counts for; all if there are none.
    pub models: Vec<Pattern>,
}

impl Counting {
    /// Whether it counts for this model.
    #[must_use]
    pub fn is_for(&self, model: &str) -> bool {
        are_for(&self.models, model)
    }
}

/// What such a request looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CountingForm {
    /// Anthropic's `count_tokens`.
    Messages,
    /// `OpenAI`'s `input_tokens`, a request of Responses.
    Responses,
    /// Gemini's `countTokens`, a whole request within.
    GenerateContent,
    /// Vertex AI's `countTokens`, a whole request as it is.
    Contents,
    /// AWS' `CountTokens`, a request of Converse within.
    Converse,
}

impl CountingForm {
    /// Every form, and its name in the catalogue.
    pub const ALL: [(Self, &str); 5] = [
        (Self::Messages, "messages"),
        (Self::Responses, "responses"),
        (Self::GenerateContent, "generate_content"),
        (Self::Contents, "contents"),
        (Self::Converse, "converse"),
    ];

    /// What the prompt is written in.
    #[must_use]
    pub const fn dialect(self) -> Dialect {
        match self {
            Self::Messages => Dialect::Anthropic,
            Self::Responses => Dialect::Responses,
            Self::GenerateContent | Self::Contents => Dialect::Gemini,
            Self::Converse => Dialect::Converse,
        }
    }
}
