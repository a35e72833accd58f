//! A stream, written for Anthropic's clients.
//!
//! Its blocks come strictly one after the other. Calls that grow side by side
//! wait for the one before to be complete.

use std::collections::VecDeque;

use bytes::Bytes;
use domain::canon::{Chunk, Delta, Dialect, Opened, Request, Unknown};
use domain::usage::Usage;

use super::answer_write::put_head;
use super::ending::Closing;
use super::fault::write_fault_event;
use super::pending::{Pending, frame, framed};
use super::{EVENT, Head, usage};

/// Writes a stream: whole frames.
#[derive(Debug)]
pub struct StreamWriter {
    model: String,
    id: String,
    request_id: String,
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

impl StreamWriter {
    /// A writer for the answer to the request in `head`.
    #[must_use]
    pub fn new(head: &Head<'_>) -> Self {
        Self {
            model: head.request.model.clone(),
            id: head.id.to_owned(),
            request_id: head.request_id.to_owned(),
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
            Chunk::Error(fault) => {
                self.is_over = true;
                out.push(write_fault_event(fault, &self.request_id));
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
            request_id: &self.request_id,
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
        if let Opened::ToolCall { signature, .. } = opened {
            self.queue.extend(Pending::before_call(signature.as_ref()));
        }
        self.queue.push_back(Pending::new(block, opened));
        self.closing.calls |= matches!(opened, Opened::ToolCall { .. });
        self.advance(out);
    }

    fn grow(&mut self, block: u32, delta: &Delta, out: &mut Vec<Bytes>) {
        let found = self
            .queue
            .iter_mut()
            .find(|it| it.block == block && !it.is_closed);
        if let Some(pending) = found {
            let says = matches!(delta, Delta::Text(text) if !text.is_empty());
            self.closing.refused |= says && pending.opened == Opened::Refusal;
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
