//! Tools: declared, chosen, called, answered.

use super::{Block, CacheMark, Dialect, Json, Signature, Unknown};

/// A tool that the model may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Its name as the client wrote it. Writers whose target allows less map
    /// it, and the reader of the answer maps it back.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What kind of tool.
    pub kind: ToolKind,
    /// Whether arguments must follow the schema to the letter.
    pub strict: Option<bool>,
    /// Where the provider's prompt cache may end.
    pub cache: Option<CacheMark>,
    /// How the client declared it, if it is a built-in tool of its dialect that the
    /// client runs itself: a function for everybody else, and this for the provider
    /// who knows it.
    pub declared: Option<Unknown>,
    /// Members that this form does not know.
    pub rest: Vec<Unknown>,
}

impl Tool {
    /// One of this name and kind, with nothing else about it.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: ToolKind) -> Self {
        Self {
            name: name.into(),
            description: None,
            kind,
            strict: None,
            cache: None,
            declared: None,
            rest: Vec::new(),
        }
    }
}

impl Tool {
    /// The members that a provider of this dialect cannot be told. The older schema of
    /// a tool of Gemini's is none: everybody gets it as the newer one.
    pub fn unsaid(&self, dialect: Dialect) -> impl Iterator<Item = &Unknown> {
        let is_schema = |it: &Unknown| it.dialect == Dialect::Gemini && it.name == "parameters";
        let others = self.rest.iter().filter(move |it| it.dialect != dialect);
        others.filter(move |it| !is_schema(it))
    }
}

/// The kinds of tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolKind {
    /// Called with a JSON object.
    Function {
        /// JSON Schema of that object; none means no arguments.
        schema: Option<Json>,
    },
    /// Called with free text (`OpenAI`'s *custom* tools).
    Custom {
        /// The text's format: a grammar, or plain text.
        format: Option<Json>,
    },
    /// Run by the provider itself (web search, code execution …).
    BuiltIn(Unknown),
}

/// Which tool the model has to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    /// As it likes.
    Auto,
    /// None.
    None,
    /// At least one, whichever.
    Any,
    /// This one.
    Named(String),
    /// One of these; `must` says whether it has to call one at all.
    Allowed {
        /// Names of tools.
        names: Vec<String>,
        /// Whether one must be called.
        must: bool,
    },
}

/// The model calls a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// Its id, by which the result names it. Gemini may leave ids out; its
    /// reader makes them.
    pub id: String,
    /// The tool's name as the client declared it.
    pub name: String,
    /// The arguments as the model wrote them: nearly always a JSON object, and
    /// of a custom tool free text. Empty means none were given.
    pub arguments: String,
    /// Whether it calls a custom tool.
    pub custom: bool,
    /// What proves to the provider that it made this call itself.
    pub signature: Option<Signature>,
    /// Where the provider's prompt cache may end.
    pub cache: Option<CacheMark>,
}

/// What a tool answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolResult {
    /// The call's id.
    pub call: String,
    /// The tool's name, for dialects that go by names; readers find it by the
    /// call where the wire does not say it.
    pub name: Option<String>,
    /// What it said.
    pub content: Vec<Block>,
    /// Whether it failed.
    pub is_error: Option<bool>,
    /// Whether it answers a custom tool.
    pub custom: bool,
    /// Where the provider's prompt cache may end.
    pub cache: Option<CacheMark>,
}
