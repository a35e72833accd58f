//! What a client asks.

use super::{Block, Json, Tool, ToolChoice, Unknown};

/// A request for an answer to a conversation. `None` and empty always mean
/// *the client did not say*: a writer leaves it out, unless its dialect
/// demands it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The model, as the client named it.
    pub model: String,
    /// The conversation in its order. System prompts that a dialect keeps
    /// apart come first.
    pub messages: Vec<Message>,
    /// Tools that may be called.
    pub tools: Vec<Tool>,
    /// Which of them must be.
    pub tool_choice: Option<ToolChoice>,
    /// Whether several may be called at once.
    pub parallel_tools: Option<bool>,
    /// Whether the client knows calls by `function_call` alone, as they were in chat
    /// completions before there were several.
    pub knows_one_call: bool,
    /// Most tokens of the answer, reasoning included.
    pub max_tokens: Option<u64>,
    /// Numbers as they were written.
    pub temperature: Option<Json>,
    /// Nucleus sampling.
    pub top_p: Option<Json>,
    /// The likeliest so many.
    pub top_k: Option<Json>,
    /// What a token costs once it stands in the text.
    pub presence_penalty: Option<Json>,
    /// What a token costs each time it stands in the text.
    pub frequency_penalty: Option<Json>,
    /// For the same answer again.
    pub seed: Option<Json>,
    /// Where the answer stops.
    pub stop: Vec<String>,
    /// How many answers; none is one.
    pub n: Option<u32>,
    /// Whether log probabilities are wanted.
    pub logprobs: Option<bool>,
    /// How many alternatives to each token.
    pub top_logprobs: Option<u32>,
    /// What the answer must look like.
    pub format: Option<Format>,
    /// How much to think.
    pub reasoning: Option<Reasoning>,
    /// How many words: `low`, `medium`, `high`.
    pub verbosity: Option<String>,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether a stream ends with its usage.
    pub stream_usage: bool,
    /// Who the end user is, for the provider's abuse reports.
    pub user: Option<String>,
    /// The client's own notes: an object of strings.
    pub metadata: Option<Json>,
    /// How fast and at which price.
    pub service_tier: Option<String>,
    /// Members that this form does not know.
    pub rest: Vec<Unknown>,
}

/// One turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said. Calls stand in an assistant's message, results in one of
    /// [`Role::Tool`], one after the other where several were called at once.
    pub content: Vec<Block>,
    /// The speaker's name, where there are several of a role.
    pub name: Option<String>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The operator.
    System,
    /// The operator, by the newer name; weaker than `System` at `OpenAI`.
    Developer,
    /// The user.
    User,
    /// The model.
    Assistant,
    /// Tools.
    Tool,
}

/// What the answer must look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// As it likes.
    Text,
    /// Any JSON object.
    Json,
    /// JSON of this schema.
    Schema {
        /// A name for it.
        name: Option<String>,
        /// What it is for.
        description: Option<String>,
        /// JSON Schema.
        schema: Json,
        /// Whether to the letter.
        strict: Option<bool>,
    },
}

/// How much to think. Where only one of effort and budget is given, a writer
/// whose dialect has the other derives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasoning {
    /// In a word.
    pub effort: Option<Effort>,
    /// In tokens.
    pub budget: Option<u64>,
    /// Whether the model decides by itself (Anthropic's adaptive, Gemini's
    /// dynamic thinking).
    pub adaptive: bool,
    /// Whether thoughts or summaries are wanted in the answer: `auto`,
    /// `concise`, `detailed`; `none` for not at all.
    pub summary: Option<String>,
}

/// How much to think, in a word.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// Not at all.
    None,
    /// As little as can be.
    Minimal,
    /// A little.
    Low,
    /// Somewhat.
    Medium,
    /// Much.
    High,
    /// Very much: the strongest but one.
    XHigh,
    /// As much as can be.
    Max,
}

impl Effort {
    /// All of them, the weakest first.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Minimal,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::XHigh,
        Self::Max,
    ];

    /// The word, as `OpenAI` and Anthropic have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::XHigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// The tokens that this effort stands for where a dialect counts them, and
    /// where a number of tokens begins to mean this effort.
    #[must_use]
    pub const fn budget(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Minimal => 512,
            Self::Low => 1024,
            Self::Medium => 8192,
            Self::High => 24_576,
            Self::XHigh => 65_536,
            Self::Max => 131_072,
        }
    }

    /// The effort that a budget stands for.
    #[must_use]
    pub fn of_budget(budget: u64) -> Self {
        let fits = |effort: &Self| effort.budget() <= budget;
        let effort = Self::ALL.into_iter().rfind(fits).unwrap_or(Self::None);
        match budget {
            0 => Self::None,
            _ => effort.max(Self::Minimal),
        }
    }
}

impl Message {
    /// A message without a name.
    #[must_use]
    pub fn new(role: Role, content: Vec<Block>) -> Self {
        Self {
            role,
            content,
            name: None,
        }
    }
}
