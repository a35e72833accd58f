//! A provider's stream.

use domain::canon::{Chunk, Delta, Dialect, Opened, Unknown};

use super::super::answer::{Seen, created, joined, others, stop_of, tokens_of};
use super::super::fields::{json, loose, member, type_of, unknown};
use super::super::item::{self, Shown};
use super::super::{Malformed, fault, usage};
use super::lane::{Kind, Lane, Lanes};
use super::thought;
use crate::json::{Document, Kind as Json, Node};
use crate::sse::Frame;
use crate::translate::Names;

/// Deeper than any event.
const MAX_DEPTH: usize = 128;

/// Reads a provider's stream, event by event.
#[derive(Debug)]
pub struct StreamReader {
    names: Names,
    lanes: Lanes,
    seen: Seen,
    has_begun: bool,
    is_over: bool,
}

impl StreamReader {
    /// Of a request whose tools' names are these.
    #[must_use]
    pub fn new(names: Names) -> Self {
        Self {
            names,
            lanes: Lanes::default(),
            seen: Seen::default(),
            has_begun: false,
            is_over: false,
        }
    }

    /// Takes the next frame.
    ///
    /// # Errors
    /// The event is no JSON object.
    pub fn push(&mut self, frame: &Frame, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        let Some(data) = &frame.data else {
            out.push(Chunk::Ping);
            return Ok(());
        };
        if self.is_over || frame.is_end_mark() || data.trim_ascii().is_empty() {
            return Ok(());
        }
        let document = Document::parse(data.clone(), MAX_DEPTH);
        let document = document.map_err(|_| Malformed("an event is not valid JSON"))?;
        let event = document.root();
        if event.kind() != Json::Object {
            return Err(Malformed("an event is not a JSON object"));
        }
        let mut kind = type_of(event);
        if kind.is_empty() {
            let named = frame.event.as_deref().unwrap_or_default();
            kind = String::from_utf8_lossy(named).into_owned();
        }
        self.event(&kind, event, out);
        Ok(())
    }

    fn event(&mut self, kind: &str, event: Node<'_>, out: &mut Vec<Chunk>) {
        let response = member(event, "response").unwrap_or(event);
        match kind {
            "response.created" | "response.in_progress" | "response.queued" => {
                self.begin(response, out);
            }
            "response.completed" | "response.incomplete" => self.end(response, out),
            "response.failed" | "response.cancelled" => self.fail(response, out),
            "error" => self.fail(event, out),
            "" if member(event, "error").is_some() => self.fail(event, out),
            _ if is_progress(kind) => out.push(Chunk::Ping),
            _ => {
                self.begin(event, out);
                if self.content(kind, event) {
                    self.lanes.release(out);
                } else {
                    out.push(Chunk::Unknown(Unknown::new(
                        Dialect::Responses,
                        kind,
                        json(event),
                    )));
                }
            }
        }
    }

    /// The answer begins, with the first event that tells of it.
    fn begin(&mut self, response: Node<'_>, out: &mut Vec<Chunk>) {
        if !std::mem::replace(&mut self.has_begun, true) {
            out.push(Chunk::Start {
                id: loose(response, "id").unwrap_or_default(),
                model: loose(response, "model").unwrap_or_default(),
                created: created(response),
            });
        }
    }

    /// An event about an item; false if it is none that is known.
    fn content(&mut self, kind: &str, event: Node<'_>) -> bool {
        let index = event.get("output_index").and_then(Node::u64);
        let index = index.unwrap_or_else(|| self.lanes.last());
        let part = event.get("content_index").and_then(Node::u64).unwrap_or(0);
        let delta = loose(event, "delta").unwrap_or_default();
        match kind {
            "response.output_item.added" => {
                if let Some(item) = member(event, "item") {
                    self.added(index, item);
                }
            }
            "response.output_item.done" => {
                if let Some(item) = member(event, "item") {
                    self.done(index, item);
                }
            }
            "response.content_part.added" => {
                let kind = member(event, "part").map(type_of);
                match kind.as_deref() {
                    Some("output_text" | "text") => drop(self.said(index, part, Opened::Text)),
                    Some("refusal") => drop(self.said(index, part, Opened::Refusal)),
                    _ => {}
                }
            }
            "response.output_text.delta" => {
                let (lane, track) = self.said(index, part, Opened::Text);
                lane.grow(track, Delta::Text(delta));
            }
            "response.refusal.delta" => {
                let (lane, track) = self.said(index, part, Opened::Refusal);
                lane.grow(track, Delta::Text(delta));
            }
            "response.output_text.annotation.added" => {
                if let Some(annotation) = member(event, "annotation") {
                    let (lane, track) = self.said(index, part, Opened::Text);
                    lane.grow(track, item::cited(annotation));
                }
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                let lane = self.lanes.at(index, Kind::Call);
                if lane.has(0) {
                    lane.grow(0, Delta::Arguments(delta));
                }
            }
            "response.reasoning_summary_text.delta" => {
                let part = event.get("summary_index").and_then(Node::u64);
                let lane = self.lanes.at(index, Kind::Reasoning);
                thought::more(lane, Shown::Summary, part, delta);
            }
            "response.reasoning_text.delta" => {
                let lane = self.lanes.at(index, Kind::Reasoning);
                thought::more(lane, Shown::Content, Some(part), delta);
            }
            _ => return is_repetition(kind),
        }
        true
    }

    /// A part of a message, opened if it was not.
    fn said(&mut self, index: u64, part: u64, opened: Opened) -> (&mut Lane, usize) {
        let lane = self.lanes.at(index, Kind::Message);
        if opened == Opened::Refusal && !lane.has(part) {
            self.seen.refusals += 1;
        }
        let track = lane.open(part, || opened);
        (lane, track)
    }

    /// An item begins.
    fn added(&mut self, index: u64, node: Node<'_>) {
        let kind = type_of(node);
        let lane = self.lanes.at(index, kind_of(&kind));
        if lane.is_done {
            return;
        }
        match lane.kind {
            Kind::Reasoning => lane.id = item::thinking(node).id,
            Kind::Call => {
                if !lane.has(0) {
                    self.seen.calls += 1;
                }
                let names = &self.names;
                lane.open(0, || called(node, &kind, names));
            }
            Kind::Message | Kind::Other => {}
        }
    }

    /// An item is complete: what did not come of it comes now.
    fn done(&mut self, index: u64, node: Node<'_>) {
        self.added(index, node);
        let lane = self.lanes.at(index, kind_of(&type_of(node)));
        if lane.is_done {
            return;
        }
        match lane.kind {
            Kind::Message => {
                let parts = member(node, "content").into_iter().flat_map(Node::items);
                for (part, it) in (0..).zip(parts) {
                    self.part_done(index, part, it);
                }
            }
            Kind::Reasoning => thought::whole(lane, node),
            Kind::Call => {
                let whole = loose(node, "arguments").or_else(|| loose(node, "input"));
                let whole = whole.unwrap_or_default();
                let missing = lane.missing(0, &whole).to_owned();
                lane.grow(0, Delta::Arguments(missing));
            }
            Kind::Other => {
                lane.open(0, || Opened::Unknown(unknown(type_of(node), node)));
            }
        }
        let lane = self.lanes.at(index, Kind::Other);
        lane.tokens = tokens_of(node);
        lane.close();
        lane.is_done = true;
    }

    fn part_done(&mut self, index: u64, part: u64, node: Node<'_>) {
        let kind = type_of(node);
        let (opened, key) = match &*kind {
            "output_text" | "text" => (Opened::Text, "text"),
            "refusal" => (Opened::Refusal, "refusal"),
            _ => (Opened::Unknown(unknown(kind, node)), ""),
        };
        let (lane, track) = self.said(index, part, opened);
        let whole = loose(node, key).unwrap_or_default();
        let missing = lane.missing(track, &whole).to_owned();
        lane.grow(track, Delta::Text(missing));
        let new = item::citations(node).into_iter().skip(lane.cited(track));
        for citation in new {
            lane.grow(track, Delta::Citation(citation));
        }
    }

    /// The stream's own end mark.
    fn end(&mut self, response: Node<'_>, out: &mut Vec<Chunk>) {
        self.begin(response, out);
        let output = member(response, "output").into_iter().flat_map(Node::items);
        let output: Vec<Node<'_>> = output.collect();
        if self.lanes.is_empty() {
            for (index, item) in (0..).zip(&output) {
                self.done(index, *item);
            }
        }
        for index in self.lanes.open() {
            let item = usize::try_from(index).ok().and_then(|at| output.get(at));
            let lane = self.lanes.at(index, Kind::Other);
            match item.filter(|item| kind_of(&type_of(**item)) == lane.kind) {
                Some(item) => self.done(index, *item),
                None => {
                    lane.close();
                    lane.is_done = true;
                }
            }
        }
        self.lanes.release(out);
        if let Some(logprobs) = joined(&self.lanes.tokens()) {
            out.push(Chunk::Logprobs {
                choice: 0,
                logprobs,
            });
        }
        if let Some(stop) = stop_of(response, self.seen) {
            out.push(Chunk::Stop { choice: 0, stop });
        }
        out.extend(
            member(response, "usage")
                .and_then(usage::read)
                .map(Chunk::Usage),
        );
        out.extend(others(response).map(Chunk::Unknown));
        out.push(Chunk::End);
        self.is_over = true;
    }

    /// The provider gave up.
    fn fail(&mut self, node: Node<'_>, out: &mut Vec<Chunk>) {
        out.extend(
            member(node, "usage")
                .and_then(usage::read)
                .map(Chunk::Usage),
        );
        out.push(Chunk::Error(fault::in_stream(node)));
        self.is_over = true;
    }
}

fn kind_of(kind: &str) -> Kind {
    match kind {
        "message" => Kind::Message,
        "reasoning" => Kind::Reasoning,
        "function_call" | "custom_tool_call" => Kind::Call,
        _ => Kind::Other,
    }
}

fn called(node: Node<'_>, kind: &str, names: &Names) -> Opened {
    let name = loose(node, "name").unwrap_or_default();
    let space = loose(node, "namespace");
    let id = loose(node, "call_id").or_else(|| loose(node, "id"));
    Opened::ToolCall {
        id: id.unwrap_or_default(),
        name: item::full_name(space.as_deref(), names.inward(&name)),
        custom: item::call_kind(kind) == Some(true),
        signature: None,
    }
}

/// Events that say again, whole, what has come or comes with the item's end.
fn is_repetition(kind: &str) -> bool {
    let all = [
        "response.content_part.done",
        "response.output_text.done",
        "response.refusal.done",
        "response.function_call_arguments.done",
        "response.custom_tool_call_input.done",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_part.done",
        "response.reasoning_summary_text.done",
        "response.reasoning_text.done",
    ];
    all.contains(&kind)
}

/// Events about what a built-in tool does; its item says it whole in the end.
fn is_progress(kind: &str) -> bool {
    let Some(about) = kind.strip_prefix("response.") else {
        return matches!(kind, "ping" | "keepalive");
    };
    let tools = [
        "apply_patch_call",
        "code_interpreter_call",
        "compaction",
        "computer_call",
        "file_search_call",
        "image_generation_call",
        "local_shell_call",
        "mcp_call",
        "mcp_list_tools",
        "shell_call",
        "tool_search_call",
        "web_search_call",
        "keepalive",
    ];
    tools.iter().any(|tool| about.starts_with(tool))
}
