//! How an answer ends, and what is said about it: the same in a whole answer
//! and, in pieces, in a stream.

use std::collections::BTreeMap;

use domain::canon::{Stop, Unknown};
use domain::usage::Usage;

use super::fields::{raw, unknown, word};
use super::open::member;
use super::usage;
use crate::json::Node;

/// Gathers what stands beside an answer's content.
#[derive(Clone, Debug, Default)]
pub(super) struct Ending {
    pub(super) usage: Option<Usage>,
    kept: Option<Unknown>,
    reason: Option<String>,
    sequence: Option<String>,
    /// Members that the canonical form does not know.
    members: BTreeMap<String, String>,
    /// What was kept of them, in bytes.
    size: usize,
    /// Whether the client's tools are called.
    pub(super) calls: bool,
    /// Whether the answer itself came as a call.
    pub(super) by_tool: bool,
}

impl Ending {
    /// Takes the members of a whole answer, of `messageStop` or of `metadata`.
    pub(super) fn take(&mut self, node: Node<'_>) {
        for (key, _, value) in node.entries() {
            if value.is_null() {
                continue;
            }
            match &*key {
                // `p` pads an event to an arbitrary length.
                "output" | "metrics" | "p" => {}
                "usage" => {
                    self.usage = usage::read(value);
                    self.kept = usage::kept(value);
                }
                "stopReason" => self.reason = value.str().map(std::borrow::Cow::into_owned),
                _ => {
                    if key == "additionalModelResponseFields" {
                        self.sequence = sequence(value);
                    }
                    let value = raw(value);
                    self.size += member(&key, &value);
                    self.members.insert(key.into_owned(), value);
                }
            }
        }
    }

    /// How many bytes it keeps.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Why the answer ends.
    pub(super) fn stop(&self) -> Option<Stop> {
        Some(match self.reason.as_deref()? {
            "end_turn" => Stop::End,
            "max_tokens" => Stop::Length,
            "model_context_window_exceeded" => Stop::ContextFull,
            "stop_sequence" => Stop::Sequence(self.sequence.clone()),
            "tool_use" if self.by_tool && !self.calls => Stop::End,
            "tool_use" => Stop::ToolCalls,
            "guardrail_intervened" | "content_filtered" => Stop::Filtered,
            "refusal" => Stop::Refused,
            "pause_turn" => Stop::Paused,
            other => Stop::Other(other.to_owned()),
        })
    }

    /// What the canonical form does not know, by name.
    pub(super) fn rest(&self) -> Vec<Unknown> {
        let members = self.members.iter();
        let own = members.map(|(name, value)| unknown(name, value.clone()));
        own.chain(self.kept.clone()).collect()
    }
}

/// The stop sequence that the model met, where the request asked for it.
fn sequence(fields: Node<'_>) -> Option<String> {
    let said = ["stop_sequence", "/stop_sequence"].map(|key| word(fields, key));
    said.into_iter().find(|said| !said.is_empty())
}
