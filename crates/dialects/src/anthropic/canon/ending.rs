//! How an answer ends, and what is said about it: the same in a whole answer
//! and, in pieces, in a stream.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::canon::{Dialect, Json, Stop, Unknown};

use super::DEPTH;
use super::fields::raw;
use super::usage::Counts;
use crate::json::{Document, Node, Object};

/// Gathers what stands beside an answer's content.
#[derive(Clone, Debug, Default)]
pub(super) struct Ending {
    pub(super) counts: Counts,
    reason: Option<String>,
    sequence: Option<String>,
    /// Members that the canonical form does not know.
    members: BTreeMap<String, String>,
    /// Whether the client's tools are called.
    pub(super) calls: bool,
    /// Whether the answer itself came as a call.
    pub(super) by_tool: bool,
}

impl Ending {
    /// Takes the members of a `message`, or of a stream's `delta`.
    pub(super) fn take(&mut self, node: Node<'_>) {
        for (key, _, value) in node.entries() {
            if value.is_null() {
                continue;
            }
            let text = || value.str().map(std::borrow::Cow::into_owned);
            match &*key {
                "id" | "type" | "role" | "model" | "content" => {}
                "usage" => self.counts.take(value),
                "stop_reason" => self.reason = text(),
                "stop_sequence" => self.sequence = text(),
                _ => {
                    self.members.insert(key.into_owned(), raw(value));
                }
            }
        }
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
            "pause_turn" => Stop::Paused,
            "refusal" => Stop::Refused,
            other => Stop::Other(other.to_owned()),
        })
    }

    /// What the canonical form does not know, by name.
    pub(super) fn rest(&self) -> Vec<Unknown> {
        let mut members = self.members.clone();
        members.extend(
            self.counts
                .others()
                .map(|usage| ("usage".to_owned(), usage)),
        );
        let reason = self.reason.as_deref();
        if let (Some(reason), Some(Stop::Other(_))) = (reason, self.stop()) {
            let mut quoted = Vec::new();
            crate::json::write_string(&mut quoted, reason);
            let quoted = String::from_utf8_lossy(&quoted).into_owned();
            members.insert("stop_reason".to_owned(), quoted);
        }
        let own = |(name, raw)| Unknown::new(Dialect::Anthropic, name, Json::trusted(raw));
        members.into_iter().map(own).collect()
    }
}

/// Writes the members of an object that is JSON already.
pub(super) fn put_members(o: &mut Object<'_>, object: &str) {
    let bytes = Bytes::copy_from_slice(object.as_bytes());
    let Ok(document) = Document::parse(bytes, DEPTH) else {
        return;
    };
    for (key, _, value) in document.root().entries() {
        o.raw(&key, &raw(value));
    }
}

/// What an answer that is being written says about its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Closing {
    pub(super) stop: Option<Stop>,
    pub(super) calls: bool,
    pub(super) refused: bool,
}

impl Closing {
    /// Writes `stop_reason`, `stop_sequence` and what Anthropic itself said
    /// beside them.
    pub(super) fn put(&self, o: &mut Object<'_>, rest: &[Unknown]) {
        let own = rest.iter().filter(|it| it.dialect == Dialect::Anthropic);
        let said = own.clone().find(|member| member.name == "stop_reason");
        match said {
            Some(said) => o.raw("stop_reason", said.raw.as_str()),
            None => o.string("stop_reason", self.reason()),
        };
        match &self.stop {
            Some(Stop::Sequence(Some(which))) => o.string("stop_sequence", which),
            _ => o.null("stop_sequence"),
        };
        for member in own {
            let is_apart = matches!(&*member.name, "stop_reason" | "usage");
            if !is_apart && !member.name.starts_with(super::EVENT) {
                o.raw(&member.name, member.raw.as_str());
            }
        }
    }

    fn reason(&self) -> &'static str {
        match &self.stop {
            Some(Stop::Length) => "max_tokens",
            Some(Stop::ContextFull) => "model_context_window_exceeded",
            Some(Stop::Sequence(_)) => "stop_sequence",
            Some(Stop::Filtered | Stop::Refused) => "refusal",
            Some(Stop::Paused) => "pause_turn",
            // Agents go on by this word, whatever the provider called it.
            Some(Stop::ToolCalls) => "tool_use",
            None | Some(Stop::End | Stop::Other(_)) => match (self.calls, self.refused) {
                (true, _) => "tool_use",
                (_, true) => "refusal",
                _ => "end_turn",
            },
        }
    }
}
