//! Writing a streamed answer: each frame a whole `GenerateContentResponse`.

use bytes::Bytes;
use domain::canon::{Chunk, Delta, Dialect, Opened, Signature, Stop, Thinking, ToolCall, Unknown};
use domain::usage::Usage;

use super::answer::{Thoughts, blocks, or, put_citations, put_end, put_tail};
use super::candidate::Growing;
use super::fault::write_fault_event;
use super::write::part;
use super::{Head, logprobs};
use crate::json::{Object, object};

/// Writes a streamed answer, chunk by chunk.
///
/// Calls go out whole, once they are complete. Why the candidates ended goes
/// out with the last frame, beside the usage, and that frame only with
/// [`Chunk::End`]: clients take a reason for the end of the stream.
#[derive(Debug)]
pub struct StreamWriter {
    id: String,
    request_id: String,
    model: String,
    thoughts: Thoughts,
    choices: Vec<Writing>,
    usage: Option<Usage>,
    rest: Vec<Unknown>,
    is_over: bool,
}

/// A candidate that is being written.
#[derive(Debug, Default)]
struct Writing {
    /// The block that is open, if it is not a call.
    open: Option<Open>,
    /// Calls that are not written yet, in their order.
    calls: Vec<Waiting>,
    has_part: bool,
    stop: Option<Stop>,
}

#[derive(Debug)]
struct Open {
    block: u32,
    kind: Growing,
}

#[derive(Debug)]
struct Waiting {
    block: u32,
    call: ToolCall,
    is_closed: bool,
}

impl StreamWriter {
    /// A writer for the client that asked `head.request`.
    #[must_use]
    pub fn new(head: &Head<'_>) -> Self {
        Self {
            id: head.id.to_owned(),
            request_id: head.request_id.to_owned(),
            model: head.request.model.clone(),
            thoughts: Thoughts::of(head.request),
            choices: Vec::new(),
            usage: None,
            rest: Vec::new(),
            is_over: false,
        }
    }

    /// Takes a chunk and adds the frames that it makes. A ping makes none:
    /// Google's SDKs take no comments. An error makes one as
    /// [`write_fault_event`] does.
    pub fn push(&mut self, chunk: &Chunk, out: &mut Vec<Bytes>) {
        if self.is_over {
            return;
        }
        match chunk {
            Chunk::Start { id, model, .. } => {
                self.id = or(id, &self.id).to_owned();
                self.model = or(model, &self.model).to_owned();
            }
            Chunk::Open {
                choice,
                block,
                opened,
            } => self.open((*choice, *block), opened, out),
            Chunk::Grow {
                choice,
                block,
                delta,
            } => self.grow((*choice, *block), delta, out),
            Chunk::Close { choice, block } => self.close(*choice, *block, out),
            Chunk::Logprobs { choice, logprobs } => {
                if let Some(result) = logprobs::write(logprobs) {
                    out.push(self.beside(*choice, |out| {
                        out.raw("logprobsResult", &result);
                    }));
                }
            }
            Chunk::Stop { choice, stop } => {
                self.flush(*choice, out);
                self.choice(*choice).stop = Some(stop.clone());
            }
            Chunk::Usage(usage) => self.usage = Some(*usage),
            Chunk::Unknown(unknown) => self.rest.push(unknown.clone()),
            Chunk::Ping => {}
            Chunk::Error(fault) => {
                self.is_over = true;
                out.push(write_fault_event(fault, &self.request_id));
            }
            Chunk::End => self.end(out),
        }
    }

    fn choice(&mut self, choice: u32) -> &mut Writing {
        let at = (choice as usize).min(127);
        if self.choices.len() <= at {
            self.choices.resize_with(at + 1, Writing::default);
        }
        &mut self.choices[at]
    }

    fn open(&mut self, place: (u32, u32), opened: &Opened, out: &mut Vec<Bytes>) {
        let (choice, block) = place;
        if let Opened::ToolCall {
            id,
            name,
            custom,
            signature,
        } = opened
        {
            self.choice(choice).calls.push(Waiting {
                block,
                call: ToolCall {
                    id: id.clone(),
                    name: name.clone(),
                    arguments: String::new(),
                    custom: *custom,
                    signature: signature.clone(),
                    cache: None,
                },
                is_closed: false,
            });
            return;
        }
        self.flush(choice, out);
        self.choice(choice).open = Some(Open {
            block,
            kind: match opened {
                Opened::Thinking(_) => Growing::Thought,
                _ => Growing::Text,
            },
        });
        match opened {
            Opened::Thinking(thinking) => self.thought(choice, thinking, out),
            Opened::Unknown(unknown) if unknown.dialect == Dialect::Gemini => {
                out.push(self.part(choice, unknown.raw.as_str()));
            }
            _ => {}
        }
    }

    fn thought(&mut self, choice: u32, thinking: &Thinking, out: &mut Vec<Bytes>) {
        let shown = part::shown(thinking).filter(|_| self.thoughts == Thoughts::Shown);
        if let Some(part) = shown {
            out.push(self.part(choice, &part));
        }
    }

    fn grow(&mut self, place: (u32, u32), delta: &Delta, out: &mut Vec<Bytes>) {
        let (choice, block) = place;
        let writing = self.choice(choice);
        let mut calls = writing.calls.iter_mut();
        if let Some(waiting) = calls.find(|waiting| waiting.block == block) {
            match delta {
                Delta::Arguments(more) => waiting.call.arguments.push_str(more),
                Delta::Signature(signature) => waiting.call.signature = Some(signature.clone()),
                Delta::Text(_) | Delta::Citation(_) => {}
            }
            return;
        }
        let open = writing.open.as_ref().filter(|open| open.block == block);
        let Some(kind) = open.map(|open| open.kind) else {
            return;
        };
        match delta {
            Delta::Text(text) => self.said(choice, kind, (text, None), out),
            Delta::Signature(signature) => {
                self.said(choice, kind, ("", Some(signature)), out);
            }
            Delta::Citation(citation) => {
                let frame = self.beside(choice, |out| put_citations(out, &[citation]));
                out.push(frame);
            }
            Delta::Arguments(_) => {}
        }
    }

    /// More of a text or of a thought, or its signature.
    fn said(
        &mut self,
        choice: u32,
        kind: Growing,
        what: (&str, Option<&Signature>),
        out: &mut Vec<Bytes>,
    ) {
        let (text, signature) = what;
        if kind == Growing::Thought {
            let thinking = Thinking {
                text: text.to_owned(),
                signature: signature.cloned(),
                ..Thinking::default()
            };
            self.thought(choice, &thinking, out);
            return;
        }
        let own = signature.filter(|signature| signature.family == Dialect::Gemini);
        if text.is_empty() && own.is_none() {
            return;
        }
        let part = part::text(text, own.map(|signature| signature.value.as_str()));
        out.push(self.part(choice, &part));
    }

    fn close(&mut self, choice: u32, block: u32, out: &mut Vec<Bytes>) {
        let writing = self.choice(choice);
        if writing
            .open
            .as_ref()
            .is_some_and(|open| open.block == block)
        {
            writing.open = None;
        }
        for waiting in &mut writing.calls {
            waiting.is_closed |= waiting.block == block;
        }
        while self
            .choice(choice)
            .calls
            .first()
            .is_some_and(|first| first.is_closed)
        {
            let first = self.choice(choice).calls.remove(0);
            let part = part::made(&first.call);
            out.push(self.part(choice, &part));
        }
    }

    /// Writes the calls that wait, closed or not.
    fn flush(&mut self, choice: u32, out: &mut Vec<Bytes>) {
        for waiting in std::mem::take(&mut self.choice(choice).calls) {
            let part = part::made(&waiting.call);
            out.push(self.part(choice, &part));
        }
    }

    fn end(&mut self, out: &mut Vec<Bytes>) {
        self.is_over = true;
        let choices = std::mem::take(&mut self.choices);
        let is_said = |writing: &Writing| writing.has_part;
        let is_blocked = !choices.iter().any(is_said) && blocks(&self.rest);
        let text = object(|out| {
            if !is_blocked {
                out.array("candidates", |list| {
                    for (at, writing) in choices.iter().enumerate() {
                        list.object(|out| {
                            let is_cut =
                                matches!(writing.stop, Some(Stop::Filtered | Stop::Refused));
                            let is_empty = is_cut && !writing.has_part;
                            let empty = part::text("", None);
                            put_content(out, (!is_empty).then_some(empty.as_str()));
                            put_end(out, at, writing.stop.as_ref(), &self.rest);
                        });
                    }
                });
            }
            let of = (self.model.as_str(), self.id.as_str());
            put_tail(out, self.usage.as_ref(), &self.rest, of);
        });
        out.push(framed(text));
    }

    /// A frame with this part.
    fn part(&mut self, choice: u32, part: &str) -> Bytes {
        self.choice(choice).has_part = true;
        self.frame(choice, part, |_| {})
    }

    /// A frame with something beside the content.
    fn beside(&self, choice: u32, put: impl FnOnce(&mut Object<'_>)) -> Bytes {
        // Google's SDKs take a frame without parts for a broken one.
        self.frame(choice, &part::text("", None), put)
    }

    fn frame(&self, choice: u32, part: &str, put: impl FnOnce(&mut Object<'_>)) -> Bytes {
        let text = object(|out| {
            out.array("candidates", |list| {
                list.object(|out| {
                    put_content(out, Some(part));
                    put(out);
                    out.number("index", u64::from(choice));
                });
            });
            let of = (self.model.as_str(), self.id.as_str());
            put_tail(out, self.usage.as_ref(), &[], of);
        });
        framed(text)
    }
}

fn put_content(out: &mut Object<'_>, part: Option<&str>) {
    out.object("content", |out| {
        if let Some(part) = part {
            out.array("parts", |list| {
                list.raw(part);
            });
        }
        out.string("role", "model");
    });
}

/// One frame. Line ends in JSON stand between its values only, where a space
/// does as well; a frame must not have them.
fn framed(mut json: Vec<u8>) -> Bytes {
    for byte in &mut json {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    Bytes::from([b"data: ", json.as_slice(), b"\r\n\r\n"].concat())
}
