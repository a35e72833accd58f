//! Why an answer ends: the words for it.

use domain::canon::{Block, FaultKind, Request, Stop};

/// What a choice says so far, as far as its end depends on it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    /// Whether it says something, in texts.
    pub(super) text: bool,
    /// Whether it calls a tool.
    pub(super) call: bool,
    /// Whether it declines.
    pub(super) refusal: bool,
}

impl Said {
    /// Of a whole choice.
    pub(super) fn of(content: &[Block]) -> Self {
        let mut said = Self::default();
        for block in content {
            match block {
                Block::Text { .. } => said.text = true,
                Block::ToolCall(_) => said.call = true,
                Block::Refusal(_) => said.refusal = true,
                _ => {}
            }
        }
        said
    }
}

/// Reads a `finish_reason`. Servers say `stop` behind calls, too, and say
/// which stop sequence came in a field of their own.
pub(super) fn read(reason: &str, sequence: Option<&str>, said: Said) -> Stop {
    match reason {
        "stop" | "eos" | "eos_token" | "end_turn" | "stop_sequence" | "STOP" if said.call => {
            Stop::ToolCalls
        }
        "stop" | "eos" | "eos_token" | "end_turn" | "STOP" => match sequence {
            Some(sequence) => Stop::Sequence(Some(sequence.to_owned())),
            None if said.refusal && !said.text => Stop::Refused,
            None => Stop::End,
        },
        "stop_sequence" => Stop::Sequence(sequence.map(Into::into)),
        "length" | "max_tokens" | "model_length" | "MAX_TOKENS" => Stop::Length,
        "tool_calls" | "function_call" | "tool_use" if said.call => Stop::ToolCalls,
        // Nothing was called: who waits for a call would wait for ever.
        "tool_calls" | "function_call" | "tool_use" => Stop::End,
        "content_filter" | "SAFETY" => Stop::Filtered,
        other => Stop::Other(other.to_owned()),
    }
}

/// Whether a `finish_reason` says that the provider failed, and how.
pub(super) fn failure(reason: &str) -> Option<FaultKind> {
    match reason {
        "error" => Some(FaultKind::Server),
        "insufficient_system_resource" => Some(FaultKind::Overloaded),
        _ => None,
    }
}

/// The form in which a client knows calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `tool_calls`.
    Several,
    /// `function_call`, as it was before.
    One,
}

impl Form {
    /// Of the client that asked this.
    pub(super) fn of(request: &Request) -> Self {
        match request.knows_one_call {
            true => Self::One,
            false => Self::Several,
        }
    }
}

/// The `finish_reason` for a client: one of the words that the SDKs know.
pub(super) fn word(stop: Option<&Stop>, said: Said, form: Form) -> &'static str {
    let word = word_of_several(stop, said);
    match form {
        Form::One if word == "tool_calls" => "function_call",
        Form::One | Form::Several => word,
    }
}

fn word_of_several(stop: Option<&Stop>, said: Said) -> &'static str {
    match stop {
        Some(Stop::Length | Stop::ContextFull) => "length",
        Some(Stop::Filtered) => "content_filter",
        Some(Stop::Refused) if !said.refusal => "content_filter",
        Some(Stop::ToolCalls) => "tool_calls",
        None | Some(Stop::End) if said.call => "tool_calls",
        _ => "stop",
    }
}
