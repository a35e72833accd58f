//! What a model answered.

use super::{Block, Json, Unknown};
use crate::usage::Usage;

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The provider's id of it.
    pub id: String,
    /// The model that answered.
    pub model: String,
    /// When, in seconds since 1970; none where the wire does not say.
    pub created: Option<i64>,
    /// One, or as many as were asked for.
    pub choices: Vec<Choice>,
    /// What it used.
    pub usage: Option<Usage>,
    /// Members that this form does not know.
    pub rest: Vec<Unknown>,
}

/// One of the answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// What was said, in its order: thinking, text, calls.
    pub content: Vec<Block>,
    /// Why it ends; none where the wire does not say.
    pub stop: Option<Stop>,
    /// Log probabilities of the tokens, in `OpenAI`'s shape.
    pub logprobs: Option<Json>,
}

/// Why an answer ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It is complete.
    End,
    /// It became too long: `max_tokens`.
    Length,
    /// It filled the model's context window.
    ContextFull,
    /// Tools are to be called.
    ToolCalls,
    /// This came, where the client said to stop; Anthropic and some others
    /// tell which it was.
    Sequence(Option<String>),
    /// The provider's filter cut it.
    Filtered,
    /// The model declined.
    Refused,
    /// The provider pauses a long turn: the client sends it back to go on.
    Paused,
    /// A reason that this form does not know.
    Other(String),
}
