//! A stream for a client.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::canon::{Chunk, Delta, Fault, Opened, Stop, Unknown};
use domain::usage::Usage;

use super::super::answer::{
    Body, Call, Echo, End, Part, Seen, Wish, annotations, end_of, is_background, is_member, shown,
    tokens, write_body,
};
use super::super::emulated::{self, Emulated};
use super::super::item::{is_own, is_part};
use super::super::{Head, fault, ids};
use super::line::Line;
use super::open::{OpenCall, OpenMessage, OpenThought};
use super::order::Order;

/// Events of an answer in the background that its client has before there is
/// anything to write: that it is created, and queued.
const TOLD_BEFORE: u64 = 2;

/// Writes a client's stream: whole frames, chunk by chunk.
#[derive(Debug)]
pub struct StreamWriter {
    head: Told,
    line: Line,
    has_begun: bool,
    is_over: bool,
    /// The items that are complete, by their place.
    output: Vec<Option<Vec<u8>>>,
    message: Option<OpenMessage>,
    blocks: BTreeMap<u32, Slot>,
    order: Order,
    /// What was said that tells why it ends.
    seen: Seen,
    stop: Option<Stop>,
    usage: Option<Usage>,
    rest: Vec<Unknown>,
}

/// What is known of the answer and its request.
#[derive(Debug)]
struct Told {
    id: String,
    fallback: String,
    request_id: String,
    model: String,
    created: i64,
    /// Whether the client was told id and time before.
    is_told: bool,
    echo: Echo,
    wish: Wish,
    /// The built-in tools that the client runs itself.
    emulated: Vec<(String, &'static Emulated)>,
}

/// Where a block of the answer is being written.
#[derive(Debug)]
enum Slot {
    /// In a part of the message that is open.
    Part(usize),
    Thought(OpenThought),
    Call(OpenCall),
}

impl StreamWriter {
    /// For the client that asked this.
    #[must_use]
    pub fn new(head: &Head<'_>) -> Self {
        let emulated = head.request.tools.iter().filter_map(|tool| {
            let (it, _) = emulated::declared(tool)?;
            Some((tool.name.clone(), it))
        });
        let is_told = is_background(head.request);
        Self {
            head: Told {
                id: ids::answer("", head.id),
                fallback: head.id.to_owned(),
                request_id: head.request_id.to_owned(),
                model: head.request.model.clone(),
                created: head.created,
                is_told,
                echo: Echo::of(head.request),
                wish: Wish::of(head.request),
                emulated: emulated.collect(),
            },
            line: Line::behind(if is_told { TOLD_BEFORE } else { 0 }),
            has_begun: false,
            is_over: false,
            output: Vec::new(),
            message: None,
            blocks: BTreeMap::new(),
            order: Order::default(),
            seen: Seen::default(),
            stop: None,
            usage: None,
            rest: Vec::new(),
        }
    }

    /// Takes the next chunk; each of `out` is one whole frame.
    pub fn push(&mut self, chunk: &Chunk, out: &mut Vec<Bytes>) {
        if self.is_over {
            return;
        }
        match chunk {
            Chunk::Start { id, model, created } => {
                if !self.has_begun {
                    self.head.learn(id, model, *created);
                }
                self.begin(out);
            }
            Chunk::Ping => out.push(Bytes::from_static(b": ping\n\n")),
            Chunk::Usage(usage) => self.usage = Some(*usage),
            Chunk::Unknown(unknown) if is_member(unknown) => self.rest.push(unknown.clone()),
            Chunk::Unknown(_) => {}
            Chunk::Error { kind, message } => {
                self.begin(out);
                self.fail(&fault::of_stream(kind, message), out);
            }
            Chunk::End => {
                self.begin(out);
                self.end(out);
            }
            // There is one choice here.
            Chunk::Open { choice: 1.., .. }
            | Chunk::Grow { choice: 1.., .. }
            | Chunk::Close { choice: 1.., .. }
            | Chunk::Logprobs { choice: 1.., .. }
            | Chunk::Stop { choice: 1.., .. } => {}
            Chunk::Open { block, .. } | Chunk::Grow { block, .. } | Chunk::Close { block, .. } => {
                self.begin(out);
                if self.order.admits(*block, chunk) {
                    self.block(chunk, out);
                    self.go_on(out);
                }
            }
            Chunk::Logprobs { logprobs, .. } => {
                if let (Some(message), Some(tokens)) = (&mut self.message, tokens(logprobs)) {
                    message.add_tokens(&tokens);
                }
            }
            Chunk::Stop { stop, .. } => {
                self.stop = Some(stop.clone());
                let end = end_of(Some(stop), self.seen);
                self.end_message(end.of_last_item(), out);
            }
        }
    }

    /// A chunk of the block that is being written.
    fn block(&mut self, chunk: &Chunk, out: &mut Vec<Bytes>) {
        match chunk {
            Chunk::Open { block, opened, .. } => self.open(*block, opened, out),
            Chunk::Grow { block, delta, .. } => self.grow(*block, delta, out),
            Chunk::Close { block, .. } => self.close(*block, out),
            _ => {}
        }
    }

    /// Writes the blocks that waited for one that is complete now.
    fn go_on(&mut self, out: &mut Vec<Bytes>) {
        while let Some(held) = self.order.next() {
            for chunk in &held {
                self.block(chunk, out);
            }
        }
    }

    fn begin(&mut self, out: &mut Vec<Bytes>) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        let kinds = ["response.created", "response.in_progress"];
        for kind in kinds.into_iter().skip(self.head.is_told.into()) {
            let body = self.head.body(End::plain("in_progress"), &[], None);
            self.line.event(out, kind, |o| {
                o.object("response", |o| write_body(o, &body));
            });
        }
    }

    fn open(&mut self, block: u32, opened: &Opened, out: &mut Vec<Bytes>) {
        match opened {
            Opened::Text => self.part(block, Part::default(), out),
            Opened::Refusal => {
                self.seen.refusals += 1;
                let part = Part {
                    is_refusal: true,
                    ..Part::default()
                };
                self.part(block, part, out);
            }
            Opened::Thinking(thinking) => {
                let index = self.place(out);
                let shown = shown(thinking, self.head.wish);
                let id = &self.head.id;
                let thought = OpenThought::new(index, id, thinking, shown);
                let thought = thought.begin(&mut self.line, out);
                self.blocks.insert(block, Slot::Thought(thought));
            }
            Opened::ToolCall {
                id, name, custom, ..
            } => {
                let index = self.place(out);
                let call = Call {
                    id: id.clone(),
                    name: name.clone(),
                    custom: *custom,
                    emulated: self.head.emulated_of(name),
                    ..Call::default()
                };
                let call = OpenCall::new(index, &self.head.id, call);
                call.begin(&mut self.line, out);
                self.blocks.insert(block, Slot::Call(call));
            }
            Opened::Unknown(unknown) if is_own(unknown) && !is_part(unknown) => {
                let index = self.place(out);
                let raw = unknown.raw.as_str();
                for kind in ["response.output_item.added", "response.output_item.done"] {
                    self.line.event(out, kind, |o| {
                        o.number("output_index", index as u64).raw("item", raw);
                    });
                }
                self.done(index, raw.as_bytes().to_vec());
            }
            Opened::Unknown(_) => {}
        }
    }

    /// A part of a message begins: of the one that is open, or of a new one.
    fn part(&mut self, block: u32, part: Part, out: &mut Vec<Bytes>) {
        if self.message.is_none() {
            let index = self.place(out);
            let message = OpenMessage::new(index, &self.head.id);
            message.begin(&mut self.line, out);
            self.message = Some(message);
        }
        if let Some(message) = &mut self.message {
            let part = message.open(part, &mut self.line, out);
            self.blocks.insert(block, Slot::Part(part));
        }
    }

    fn grow(&mut self, block: u32, delta: &Delta, out: &mut Vec<Bytes>) {
        if let Delta::Text(more) | Delta::Arguments(more) = delta
            && more.is_empty()
        {
            return;
        }
        let line = &mut self.line;
        match (self.blocks.get_mut(&block), &mut self.message, delta) {
            (Some(Slot::Part(part)), Some(message), Delta::Text(more)) => {
                message.grow(*part, more, line, out);
            }
            (Some(Slot::Part(part)), Some(message), Delta::Citation(citation)) => {
                for written in annotations(citation, message.text(*part)) {
                    message.cite(*part, written, line, out);
                }
            }
            (Some(Slot::Thought(thought)), _, Delta::Text(more)) => thought.grow(more, line, out),
            (Some(Slot::Thought(thought)), _, Delta::Signature(signature)) => {
                thought.thinking.signature = Some(signature.clone());
            }
            (Some(Slot::Call(call)), _, Delta::Arguments(more)) => call.grow(more, line, out),
            _ => {}
        }
    }

    fn close(&mut self, block: u32, out: &mut Vec<Bytes>) {
        let (index, item) = match self.blocks.remove(&block) {
            Some(Slot::Thought(thought)) => (thought.index, thought.end(&mut self.line, out)),
            Some(Slot::Call(call)) => (call.index, call.end(&mut self.line, out)),
            // A part is done when it is known what follows it: log
            // probabilities may.
            Some(Slot::Part(_)) | None => return,
        };
        self.done(index, item);
    }

    /// The place of the next item. No message stays open before it.
    fn place(&mut self, out: &mut Vec<Bytes>) -> usize {
        self.end_message("completed", out);
        self.output.push(None);
        self.output.len() - 1
    }

    fn end_message(&mut self, status: &str, out: &mut Vec<Bytes>) {
        if let Some(message) = self.message.take() {
            let index = message.index;
            self.blocks.retain(|_, slot| !matches!(slot, Slot::Part(_)));
            let item = message.end(status, &mut self.line, out);
            self.done(index, item);
        }
    }

    fn done(&mut self, index: usize, item: Vec<u8>) {
        if let Some(place) = self.output.get_mut(index) {
            *place = Some(item);
        }
    }

    fn end(&mut self, out: &mut Vec<Bytes>) {
        let end = end_of(self.stop.as_ref(), self.seen);
        self.end_message(end.of_last_item(), out);
        while let Some(block) = self.order.release() {
            self.close(block, out);
            self.go_on(out);
        }
        while let Some((block, _)) = self.blocks.first_key_value() {
            let block = *block;
            self.close(block, out);
        }
        self.is_over = true;
        let kind = match end.status {
            "incomplete" => "response.incomplete",
            _ => "response.completed",
        };
        self.last(kind, end, out);
    }

    /// The provider gave up: an error that SDKs throw, and the response that
    /// failed, by which agents know why.
    fn fail(&mut self, fault: &Fault, out: &mut Vec<Bytes>) {
        self.is_over = true;
        let id = &self.head.request_id;
        self.line
            .event(out, "error", |o| fault::write_event(o, fault, id));
        let end = End {
            error: Some(fault::code_and_message(fault)),
            ..End::plain("failed")
        };
        self.last("response.failed", end, out);
    }

    fn last(&mut self, kind: &str, end: End, out: &mut Vec<Bytes>) {
        let output = std::mem::take(&mut self.output);
        let output: Vec<Vec<u8>> = output.into_iter().flatten().collect();
        let body = self.head.body(end, &output, self.usage.as_ref());
        let rest = &self.rest;
        self.line.event(out, kind, |o| {
            o.object("response", |o| {
                write_body(o, &body);
                for member in rest {
                    o.raw(&member.name, member.raw.as_str());
                }
            });
        });
    }
}

impl Told {
    fn emulated_of(&self, name: &str) -> Option<&'static Emulated> {
        let found = self.emulated.iter().find(|(known, _)| known == name);
        found.map(|(_, it)| *it)
    }

    fn learn(&mut self, id: &str, model: &str, created: Option<i64>) {
        if !self.is_told {
            self.id = ids::answer(id, &self.fallback);
            self.created = created.unwrap_or(self.created);
        }
        if !model.is_empty() {
            model.clone_into(&mut self.model);
        }
    }

    fn body<'a>(&'a self, end: End, output: &'a [Vec<u8>], usage: Option<&'a Usage>) -> Body<'a> {
        Body {
            id: &self.id,
            model: &self.model,
            created: self.created,
            end,
            output,
            usage,
            echo: &self.echo,
        }
    }
}
