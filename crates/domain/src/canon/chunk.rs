//! A streamed answer, event by event.

use super::{Fault, Json, Signature, Stop, Thinking, Unknown};
use crate::usage::Usage;

/// One step of a streamed answer.
///
/// Readers give `Start` first, blocks of a choice one after the other (opened,
/// grown, closed; a new one opens only when the one before is closed, except
/// that tool calls may grow side by side), one `Stop` a choice, and `End` only
/// when the dialect's own end marks have come. What is missing at the end of
/// the bytes tells that the stream was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// The answer begins.
    Start {
        /// The provider's id of it.
        id: String,
        /// The model that answers.
        model: String,
        /// When, in seconds since 1970.
        created: Option<i64>,
    },
    /// A block begins.
    Open {
        /// Which choice; 0 where there is one.
        choice: u32,
        /// The block's number in its choice, counted from 0.
        block: u32,
        /// What it is.
        opened: Opened,
    },
    /// A block grows.
    Grow {
        /// Which choice.
        choice: u32,
        /// Which block.
        block: u32,
        /// By what.
        delta: Delta,
    },
    /// A block is complete.
    Close {
        /// Which choice.
        choice: u32,
        /// Which block.
        block: u32,
    },
    /// Log probabilities of what just came, in `OpenAI`'s shape.
    Logprobs {
        /// Which choice.
        choice: u32,
        /// The object.
        logprobs: Json,
    },
    /// A choice ends.
    Stop {
        /// Which choice.
        choice: u32,
        /// Why.
        stop: Stop,
    },
    /// What has been used so far; the last one counts.
    Usage(Usage),
    /// A sign of life.
    Ping,
    /// An event that this form does not know.
    Unknown(Unknown),
    /// The provider gave up in the middle: nothing follows.
    Error(Fault),
    /// All of the dialect's end marks have come.
    End,
}

/// What a block begins as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Text.
    Text,
    /// Thinking; its text comes as deltas.
    Thinking(Thinking),
    /// A call; its arguments come as deltas.
    ToolCall {
        /// The call's id.
        id: String,
        /// The tool's name.
        name: String,
        /// Whether it is a custom tool.
        custom: bool,
        /// What proves that the provider made it.
        signature: Option<Signature>,
    },
    /// A refusal.
    Refusal,
    /// A whole block that this form does not know.
    Unknown(Unknown),
}

/// What a block grows by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta {
    /// More of its text: of text, thinking, a refusal.
    Text(String),
    /// More of a call's arguments.
    Arguments(String),
    /// The block's signature, whole.
    Signature(Signature),
    /// A citation.
    Citation(Unknown),
}
