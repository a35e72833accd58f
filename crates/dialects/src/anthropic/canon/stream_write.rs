//! A stream, written for Anthropic's clients.
//!
//! Its blocks come strictly one after the other. Calls that grow side by side
//! wait for the one before to be complete.

use std::collections::VecDeque;

use bytes::Bytes;
use domain::canon::{Chunk, Delta, Dialect, Opened, Request, Thinking, Unknown};
use domain::usage::Usage;

use super::answer_write::put_head;
use super::ending::Closing;
use super::{EVENT, Head, fault, signature, usage};
use crate::json::{Object, write_escaped};

/// Writes a stream: whole frames.
#[derive(Debug)]
pub struct StreamWriter {
    model: String,
    id: String,
    /// What waits for the usage that often comes right behind it.
    start: Option<(String, String)>,
    has_begun: bool,
    is_over: bool,
    usage: Option<Usage>,
    closing: Closing,
    rest: Vec<Unknown>,
    queue: VecDeque<Pending>,
    /// The next block's index.
    index: u64,
}

/// A block that is open, or waits to be.
#[derive(Debug)]
struct Pending {
    block: u32,
    opened: Opened,
    waiting: Vec<Delta>,
    /// Whether its beginning is written.
    is_written: bool,
    is_closed: bool,
    /// Whether its signature is written.
    is_signed: bool,
}

impl StreamWriter {
    /// A writer for the answer to the request in `head`.
    #[must_use]
    pub fn new(head: &Head<'_>) -> Self {
        Self {
            model: head.request.model.clone(),
            id: head.id.to_owned(),
            start: None,
            has_begun: false,
            is_over: false,
            usage: None,
            closing: Closing::default(),
            rest: Vec::new(),
            queue: VecDeque::new(),
            index: 0,
        }
    }

    /// Takes the next chunk and adds the frames that it amounts to.
    pub fn push(&mut self, chunk: &Chunk, out: &mut Vec<Bytes>) {
        if self.is_over {
            return;
        }
        match chunk {
            Chunk::Start { id, model, .. } => self.start = Some((id.clone(), model.clone())),
            Chunk::Usage(usage) => {
                self.usage = Some(*usage);
                if self.start.is_some() {
                    self.begin(out);
                }
            }
            Chunk::Open {
                choice: 0,
                block,
                opened,
            } => {
                self.begin(out);
                self.open(*block, opened, out);
            }
            Chunk::Grow {
                choice: 0,
                block,
                delta,
            } => self.grow(*block, delta, out),
            Chunk::Close { choice: 0, block } => self.close(*block, out),
            Chunk::Stop { choice: 0, stop } => self.closing.stop = Some(stop.clone()),
            Chunk::Unknown(unknown) => self.unknown(unknown, out),
            Chunk::Ping => out.push(frame("ping", |_| {})),
            Chunk::Error { kind, message } => {
                self.is_over = true;
                out.push(fault::event(kind, message));
            }
            Chunk::End => self.end(out),
            // Anthropic has one choice and no log probabilities.
            Chunk::Open { .. }
            | Chunk::Grow { .. }
            | Chunk::Close { .. }
            | Chunk::Stop { .. }
            | Chunk::Logprobs { .. } => {}
        }
    }

    fn begin(&mut self, out: &mut Vec<Bytes>) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        let (id, model) = self.start.take().unwrap_or_default();
        let request = Request {
            model: self.model.clone(),
            ..Request::default()
        };
        let head = Head {
            request: &request,
            created: 0,
            id: &self.id,
        };
        out.push(frame("message_start", |o| {
            o.object("message", |o| {
                put_head(o, &id, &model, &head);
                o.array("content", |_| {});
                o.null("stop_reason").null("stop_sequence");
                usage::put(o, self.usage, None);
            });
        }));
    }

    fn unknown(&mut self, unknown: &Unknown, out: &mut Vec<Bytes>) {
        if unknown.dialect != Dialect::Anthropic {
            return;
        }
        match unknown.name.strip_prefix(EVENT) {
            Some(event) => out.push(framed(event, unknown.raw.as_str().as_bytes())),
            None => self.rest.push(unknown.clone()),
        }
    }

    fn open(&mut self, block: u32, opened: &Opened, out: &mut Vec<Bytes>) {
        self.queue.push_back(Pending {
            block,
            opened: opened.clone(),
            waiting: Vec::new(),
            is_written: false,
            is_closed: false,
            is_signed: false,
        });
        match opened {
            Opened::ToolCall { .. } => self.closing.calls = true,
            Opened::Refusal => self.closing.refused = true,
            _ => {}
        }
        self.advance(out);
    }

    fn grow(&mut self, block: u32, delta: &Delta, out: &mut Vec<Bytes>) {
        let found = self
            .queue
            .iter_mut()
            .find(|it| it.block == block && !it.is_closed);
        if let Some(pending) = found {
            pending.waiting.push(delta.clone());
            self.advance(out);
        }
    }

    fn close(&mut self, block: u32, out: &mut Vec<Bytes>) {
        let found = self
            .queue
            .iter_mut()
            .find(|it| it.block == block && !it.is_closed);
        if let Some(pending) = found {
            pending.is_closed = true;
            self.advance(out);
        }
    }

    /// Writes what the first block in the queue holds, and goes on to the next
    /// where it is complete.
    fn advance(&mut self, out: &mut Vec<Bytes>) {
        while let Some(pending) = self.queue.front_mut() {
            pending.write(self.index, out);
            if !pending.is_closed {
                return;
            }
            if pending.is_written {
                out.push(frame("content_block_stop", |o| {
                    o.number("index", self.index);
                }));
                self.index += 1;
            }
            self.queue.pop_front();
        }
    }

    fn end(&mut self, out: &mut Vec<Bytes>) {
        self.begin(out);
        for pending in &mut self.queue {
            pending.is_closed = true;
        }
        self.advance(out);
        self.is_over = true;
        out.push(frame("message_delta", |o| {
            o.object("delta", |o| self.closing.put(o, &self.rest));
            usage::put(o, self.usage, usage::others_of(&self.rest));
        }));
        out.push(frame("message_stop", |_| {}));
    }
}

impl Pending {
    fn write(&mut self, index: u64, out: &mut Vec<Bytes>) {
        let deltas = std::mem::take(&mut self.waiting);
        match &mut self.opened {
            Opened::Text | Opened::Refusal => self.words(index, deltas, out),
            Opened::Thinking(thinking) if thinking.redacted => {
                let mut last = deltas.into_iter().filter_map(|delta| match delta {
                    Delta::Signature(signature) => Some(signature),
                    _ => None,
                });
                thinking.signature = last.next_back().or(thinking.signature.take());
                // Its data is all there is of it: it waits until that is sure.
                if self.is_closed {
                    let data = signature::outward(thinking);
                    self.is_written = true;
                    out.push(start(index, |o| {
                        o.string("type", "redacted_thinking").string("data", &data);
                    }));
                }
            }
            Opened::Thinking(thinking) => {
                let thinking = thinking.clone();
                self.thought(&thinking, index, deltas, out);
            }
            Opened::ToolCall { .. } => self.call(index, deltas, out),
            Opened::Unknown(own) => {
                if own.dialect == Dialect::Anthropic && !self.is_written {
                    let block = own.raw.as_str();
                    self.is_written = true;
                    out.push(frame("content_block_start", |o| {
                        o.number("index", index).raw("content_block", block);
                    }));
                }
            }
        }
    }

    /// A text begins with its first letter: Anthropic knows no empty ones.
    fn words(&mut self, index: u64, deltas: Vec<Delta>, out: &mut Vec<Bytes>) {
        for grown in deltas {
            match grown {
                Delta::Text(text) if !text.is_empty() => {
                    if !std::mem::replace(&mut self.is_written, true) {
                        out.push(start(index, |o| {
                            o.string("type", "text").string("text", "");
                        }));
                    }
                    out.push(delta(index, |o| {
                        o.string("type", "text_delta").string("text", &text);
                    }));
                }
                Delta::Citation(cited) if cited.dialect == Dialect::Anthropic => {
                    if self.is_written {
                        out.push(delta(index, |o| {
                            o.string("type", "citations_delta");
                            o.raw("citation", cited.raw.as_str());
                        }));
                    } else {
                        self.waiting.push(Delta::Citation(cited));
                    }
                }
                _ => {}
            }
        }
        if self.is_written && !self.waiting.is_empty() {
            let waiting = std::mem::take(&mut self.waiting);
            self.words(index, waiting, out);
        }
    }

    fn thought(
        &mut self,
        thinking: &Thinking,
        index: u64,
        deltas: Vec<Delta>,
        out: &mut Vec<Bytes>,
    ) {
        let words = |text: &str, out: &mut Vec<Bytes>| {
            if !text.is_empty() {
                out.push(delta(index, |o| {
                    o.string("type", "thinking_delta").string("thinking", text);
                }));
            }
        };
        let sign = |thinking: &Thinking, out: &mut Vec<Bytes>| {
            let signature = signature::outward(thinking);
            if !signature.is_empty() {
                out.push(delta(index, |o| {
                    o.string("type", "signature_delta");
                    o.string("signature", &signature);
                }));
            }
        };
        if !std::mem::replace(&mut self.is_written, true) {
            // The provider's id of it is known from the beginning alone.
            let unsigned = Thinking {
                signature: None,
                ..thinking.clone()
            };
            let begun = signature::outward(&unsigned);
            out.push(start(index, |o| {
                o.string("type", "thinking").string("thinking", "");
                o.string("signature", &begun);
            }));
            words(&thinking.text, out);
        }
        for grown in deltas {
            match grown {
                Delta::Text(text) => words(&text, out),
                Delta::Signature(whole) => {
                    self.is_signed = true;
                    let signed = Thinking {
                        signature: Some(whole),
                        ..thinking.clone()
                    };
                    sign(&signed, out);
                }
                _ => {}
            }
        }
        if self.is_closed && !self.is_signed {
            sign(thinking, out);
        }
    }

    fn call(&mut self, index: u64, deltas: Vec<Delta>, out: &mut Vec<Bytes>) {
        let Opened::ToolCall {
            id, name, custom, ..
        } = &self.opened
        else {
            return;
        };
        let custom = *custom;
        let is_new = !std::mem::replace(&mut self.is_written, true);
        if is_new {
            out.push(start(index, |o| {
                o.string("type", "tool_use").string("id", id);
                o.string("name", name).object("input", |_| {});
            }));
        }
        let mut json = Vec::new();
        if custom && is_new {
            json.extend_from_slice(b"{\"input\":\"");
        }
        for grown in deltas {
            match grown {
                Delta::Arguments(more) if custom => write_escaped(&mut json, &more),
                Delta::Arguments(more) => json.extend_from_slice(more.as_bytes()),
                _ => {}
            }
        }
        if custom && self.is_closed {
            json.extend_from_slice(b"\"}");
        }
        if !json.is_empty() {
            out.push(delta(index, |o| {
                o.string("type", "input_json_delta");
                o.string("partial_json", &String::from_utf8_lossy(&json));
            }));
        }
    }
}

fn framed(event: &str, data: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(event.len() + data.len() + 16);
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(event.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\n\n");
    out.into()
}

fn frame(kind: &str, write: impl FnOnce(&mut Object<'_>)) -> Bytes {
    let data = crate::json::object(|o| {
        o.string("type", kind);
        write(o);
    });
    framed(kind, &data)
}

fn start(index: u64, write: impl FnOnce(&mut Object<'_>)) -> Bytes {
    frame("content_block_start", |o| {
        o.number("index", index).object("content_block", write);
    })
}

fn delta(index: u64, write: impl FnOnce(&mut Object<'_>)) -> Bytes {
    frame("content_block_delta", |o| {
        o.number("index", index).object("delta", write);
    })
}
