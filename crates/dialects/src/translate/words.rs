//! What each dialect calls the settings that all have: the table of names.

use domain::canon::Dialect;

/// A setting by its canonical name, which is `OpenAI`'s, and its names elsewhere;
/// the usual one first.
struct Word {
    canonical: &'static str,
    responses: &'static [&'static str],
    anthropic: &'static [&'static str],
    gemini: &'static [&'static str],
}

macro_rules! words {
    ($($canonical:literal: $responses:expr, $anthropic:expr, $gemini:expr;)*) => {
        const WORDS: &[Word] = &[$(Word {
            canonical: $canonical,
            responses: &$responses,
            anthropic: &$anthropic,
            gemini: &$gemini,
        },)*];
    };
}

words! {
    "max_tokens": ["max_output_tokens"], ["max_tokens"], ["generationConfig.maxOutputTokens"];
    "max_completion_tokens":
        ["max_output_tokens"], ["max_tokens"], ["generationConfig.maxOutputTokens"];
    "temperature": [], [], ["generationConfig.temperature"];
    "top_p": [], [], ["generationConfig.topP"];
    "top_k": [], [], ["generationConfig.topK"];
    "presence_penalty": [], [], ["generationConfig.presencePenalty"];
    "frequency_penalty": [], [], ["generationConfig.frequencyPenalty"];
    "seed": [], [], ["generationConfig.seed"];
    "stop": [], ["stop_sequences"], ["generationConfig.stopSequences"];
    "n": [], [], ["generationConfig.candidateCount"];
    "logprobs": ["include"], [], ["generationConfig.responseLogprobs"];
    "top_logprobs": [], [], ["generationConfig.logprobs"];
    "response_format":
        ["text.format"],
        ["output_config.format", "output_format"],
        ["generationConfig.responseSchema", "generationConfig.responseJsonSchema",
         "generationConfig.responseMimeType"];
    "reasoning":
        ["reasoning"], ["thinking", "output_config.effort"], ["generationConfig.thinkingConfig"];
    "reasoning_effort":
        ["reasoning.effort"], ["output_config.effort", "thinking"],
        ["generationConfig.thinkingConfig"];
    "verbosity": ["text.verbosity"], [], [];
    "tool_choice": [], [], ["toolConfig.functionCallingConfig"];
    "parallel_tool_calls": [], ["tool_choice.disable_parallel_tool_use"], [];
    "user": [], ["metadata.user_id"], [];
    "service_tier": [], [], ["serviceTier"];
    "dimensions": [], [], ["outputDimensionality"];
}

impl Word {
    fn of(&self, dialect: Dialect) -> &'static [&'static str] {
        match dialect {
            Dialect::Responses => self.responses,
            Dialect::Anthropic => self.anthropic,
            Dialect::Gemini => self.gemini,
            Dialect::OpenAi | Dialect::Converse | Dialect::Cohere | Dialect::Ollama => &[],
        }
    }
}

/// What a client's dialect calls a setting; empty where it has no other name.
pub(super) fn of(dialect: Dialect, canonical: &str) -> &'static [&'static str] {
    if dialect == Dialect::OpenAi {
        // Each of them by two names.
        return match canonical {
            "max_tokens" => &["max_completion_tokens", "max_tokens"],
            "reasoning" => &["reasoning_effort"],
            _ => &[],
        };
    }
    let found = WORDS.iter().find(|word| word.canonical == canonical);
    found.map_or(&[], |word| word.of(dialect))
}

/// What the conversation is called.
pub(super) const fn conversation(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Responses => "input",
        Dialect::Gemini => "contents",
        _ => "messages",
    }
}

/// The canonical name of what a provider calls so; the places in its
/// conversation are not the client's.
pub(super) fn canonical(theirs: Dialect, field: &str) -> Option<String> {
    let spelled = match theirs {
        Dialect::Gemini => {
            let field = field.trim_start_matches("GenerateContentRequest.");
            crate::gemini::canon::fields::camel(field.into()).into_owned()
        }
        _ => field.to_owned(),
    };
    let head = spelled.split(['.', '[']).next().unwrap_or_default();
    if head == conversation(theirs) {
        return Some("messages".to_owned());
    }
    let is_it = |word: &&Word| {
        let mut names = word.of(theirs).iter();
        names.any(|name| spelled == *name)
    };
    let found = WORDS.iter().find(is_it);
    let own = || WORDS.iter().find(|word| word.canonical == head);
    found.or_else(own).map(|word| word.canonical.to_owned())
}
