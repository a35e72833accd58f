//! A provider's stream, read.
//!
//! The end is decided by the dialect's own marks: every choice said why it
//! ended, and `[DONE]` came. What lacks one of them has no end here.

use std::collections::BTreeMap;

use domain::canon::{Chunk, Delta, Dialect, Opened, Thinking, Unknown};

use super::answer::{annotation, created, index, rest, usage};
use super::calls::{Calls, Place};
use super::fault;
use super::fields::{json, member, text, unknown};
use super::stop::{self, Said};
use super::{Malformed, thoughts};
use crate::json::{Document, Kind, Node};
use crate::sse::Frame;
use crate::translate::Names;

/// Chunks are nested at most this deeply.
const MAX_DEPTH: usize = 128;

/// Reads a stream frame by frame.
#[derive(Debug)]
pub struct StreamReader {
    names: Names,
    /// The answer's id, once it has begun.
    id: Option<String>,
    choices: BTreeMap<u32, Choice>,
    /// Members beside the choices that were told already.
    told: Vec<String>,
    is_over: bool,
}

#[derive(Debug, Default)]
struct Choice {
    /// The number of the next block.
    next: u32,
    open: Option<Open>,
    calls: Calls,
    /// White space that came between the pieces of calls.
    held: String,
    said: Said,
    is_stopped: bool,
}

/// The block that grows, other than calls.
#[derive(Clone, Copy, Debug)]
struct Open {
    block: u32,
    kind: Grows,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grows {
    Text,
    Refusal,
    /// Thoughts; whether their text came in a field of its own.
    Thinking {
        plain: bool,
    },
}

impl StreamReader {
    /// A reader; `names` are those of the request.
    #[must_use]
    pub fn new(names: Names) -> Self {
        Self {
            names,
            id: None,
            choices: BTreeMap::new(),
            told: Vec::new(),
            is_over: false,
        }
    }

    /// Takes the next frame.
    ///
    /// # Errors
    /// [`Malformed`]: the frame is no chunk of this dialect, or contradicts
    /// those before it. The reader is of no use afterwards.
    pub fn push(&mut self, frame: &Frame, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        if self.is_over {
            return Ok(());
        }
        let data = frame
            .data
            .as_ref()
            .filter(|data| !data.trim_ascii().is_empty());
        let Some(data) = data else {
            out.push(Chunk::Ping);
            return Ok(());
        };
        if frame.is_end_mark() {
            self.is_over = true;
            let mut choices = self.choices.values();
            if !self.choices.is_empty() && choices.all(|choice| choice.is_stopped) {
                out.push(Chunk::End);
            }
            return Ok(());
        }
        let document = Document::parse(data.clone(), MAX_DEPTH)
            .map_err(|_| Malformed("an event that is not JSON"))?;
        let root = document.root();
        if root.kind() != Kind::Object {
            return Err(Malformed("an event that is not an object"));
        }
        let is_named = frame.event.as_deref() == Some(b"error");
        if let Some((kind, message)) = fault::in_stream(root, is_named) {
            self.is_over = true;
            out.push(Chunk::Error { kind, message });
            return Ok(());
        }
        self.chunk(root, frame, out)
    }

    fn chunk(
        &mut self,
        root: Node<'_>,
        frame: &Frame,
        out: &mut Vec<Chunk>,
    ) -> Result<(), Malformed> {
        let choices = member(root, "choices").filter(|choices| choices.kind() == Kind::Array);
        let used = usage(root);
        let Some(choices) = choices else {
            match used {
                Some(used) => out.push(Chunk::Usage(used)),
                None => out.push(other(root, frame)),
            }
            return Ok(());
        };
        // What comes before the first choice is not for the client: Azure
        // begins with a chunk that has neither id nor model.
        if self.id.is_none() && choices.items().next().is_none() && used.is_none() {
            return Ok(());
        }
        self.start(root, out);
        for (at, choice) in choices.items().enumerate() {
            self.choice(choice, at, out)?;
        }
        if let Some(used) = used {
            out.push(Chunk::Usage(used));
        }
        Ok(())
    }

    fn start(&mut self, root: Node<'_>, out: &mut Vec<Chunk>) {
        if self.id.is_none() {
            let id = text(root, "id").unwrap_or_default().into_owned();
            out.push(Chunk::Start {
                id: id.clone(),
                model: text(root, "model").unwrap_or_default().into_owned(),
                created: created(root),
            });
            self.id = Some(id);
        }
        for member in rest(root) {
            if !self.told.contains(&member.name) {
                self.told.push(member.name.clone());
                out.push(Chunk::Unknown(member));
            }
        }
    }

    fn choice(&mut self, node: Node<'_>, at: usize, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        let number = index(node, at);
        let answer = self.id.as_deref().unwrap_or_default();
        let choice = self.choices.entry(number).or_default();
        if choice.is_stopped {
            return Ok(());
        }
        // Some servers give the last chunk's text as a message.
        let delta = member(node, "delta").or_else(|| member(node, "message"));
        if let Some(delta) = delta.filter(|delta| delta.kind() == Kind::Object) {
            choice.think(number, delta, out)?;
            choice.say(number, delta, out)?;
            choice.call(number, delta, answer, &self.names, out)?;
        }
        if let Some(logprobs) = member(node, "logprobs") {
            out.push(Chunk::Logprobs {
                choice: number,
                logprobs: json(logprobs),
            });
        }
        if let Some(reason) = text(node, "finish_reason") {
            choice.close(number, out)?;
            let sequence = text(node, "stop_reason");
            out.push(Chunk::Stop {
                choice: number,
                stop: stop::read(&reason, sequence.as_deref(), choice.said),
            });
            choice.is_stopped = true;
        }
        Ok(())
    }
}

impl Choice {
    /// Closes what is open.
    fn close(&mut self, number: u32, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        if let Some(open) = self.open.take() {
            out.push(Chunk::Close {
                choice: number,
                block: open.block,
            });
        }
        self.calls.close(number, out)
    }

    /// Begins a block, and gives its number.
    fn begin(
        &mut self,
        number: u32,
        opened: Opened,
        out: &mut Vec<Chunk>,
    ) -> Result<u32, Malformed> {
        self.close(number, out)?;
        let block = self.next;
        self.next += 1;
        out.push(Chunk::Open {
            choice: number,
            block,
            opened,
        });
        Ok(block)
    }

    /// Lets a block of this kind grow, a new one if none is open.
    fn grow(
        &mut self,
        number: u32,
        kind: Grows,
        more: &str,
        out: &mut Vec<Chunk>,
    ) -> Result<(), Malformed> {
        if more.is_empty() {
            return Ok(());
        }
        let block = match self.open {
            Some(open) if open.kind == kind => open.block,
            _ => {
                let opened = match kind {
                    Grows::Text => Opened::Text,
                    Grows::Refusal => Opened::Refusal,
                    Grows::Thinking { .. } => Opened::Thinking(Thinking::default()),
                };
                let block = self.begin(number, opened, out)?;
                self.open = Some(Open { block, kind });
                block
            }
        };
        out.push(Chunk::Grow {
            choice: number,
            block,
            delta: Delta::Text(more.to_owned()),
        });
        Ok(())
    }

    fn think(
        &mut self,
        number: u32,
        delta: Node<'_>,
        out: &mut Vec<Chunk>,
    ) -> Result<(), Malformed> {
        let plain = thoughts::read_text(delta);
        if let Some(text) = &plain {
            self.grow(number, Grows::Thinking { plain: true }, text, out)?;
        }
        for key in ["thinking_blocks", "reasoning_details"] {
            for block in member(delta, key).into_iter().flat_map(Node::items) {
                if let Some(thought) = thoughts::read_block(block) {
                    self.thought(number, thought, plain.is_some(), out)?;
                }
            }
        }
        Ok(())
    }

    /// A piece of thoughts that comes as a block. Its text may have come
    /// already, in this delta or in those before.
    #[expect(clippy::fn_params_excessive_bools, reason = "said by the delta")]
    fn thought(
        &mut self,
        number: u32,
        thought: Thinking,
        is_told: bool,
        out: &mut Vec<Chunk>,
    ) -> Result<(), Malformed> {
        let kind = self.open.map(|open| open.kind);
        let is_whole = kind == Some(Grows::Thinking { plain: true });
        if thought.redacted {
            let block = self.begin(number, Opened::Thinking(thought), out)?;
            out.push(Chunk::Close {
                choice: number,
                block,
            });
            return Ok(());
        }
        if !is_told && !is_whole {
            self.grow(number, Grows::Thinking { plain: false }, &thought.text, out)?;
        }
        let Some(signature) = thought.signature else {
            // The block says that the thought is complete.
            if !is_told && is_whole {
                self.close(number, out)?;
            }
            return Ok(());
        };
        let block = match self.open {
            Some(Open {
                block,
                kind: Grows::Thinking { .. },
            }) => block,
            _ => {
                let block = self.begin(number, Opened::Thinking(Thinking::default()), out)?;
                let kind = Grows::Thinking { plain: false };
                self.open = Some(Open { block, kind });
                block
            }
        };
        out.push(Chunk::Grow {
            choice: number,
            block,
            delta: Delta::Signature(signature),
        });
        self.close(number, out)
    }

    fn say(&mut self, number: u32, delta: Node<'_>, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        if let Some(content) = member(delta, "content") {
            if let Some(text) = content.str() {
                self.text(number, &text, out)?;
            }
            for part in content.items() {
                if let Some(thought) = thoughts::read_block(part) {
                    self.thought(number, thought, false, out)?;
                } else if let Some(words) = text(part, "text") {
                    self.text(number, &words, out)?;
                }
            }
        }
        if let Some(words) = text(delta, "refusal") {
            self.said.refusal = true;
            self.grow(number, Grows::Refusal, &words, out)?;
        }
        let notes = member(delta, "annotations")
            .into_iter()
            .flat_map(Node::items);
        if let Some(Open {
            block,
            kind: Grows::Text,
        }) = self.open
        {
            out.extend(notes.map(|note| Chunk::Grow {
                choice: number,
                block,
                delta: Delta::Citation(annotation(note)),
            }));
        }
        Ok(())
    }

    fn text(&mut self, number: u32, text: &str, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        // Between the pieces of calls some servers send line breaks. They are
        // of use only if a text follows.
        if text.trim().is_empty() && self.calls.are_open() {
            self.held.push_str(text);
            return Ok(());
        }
        self.said.text |= !text.is_empty();
        let held = std::mem::take(&mut self.held);
        self.grow(number, Grows::Text, &held, out)?;
        self.grow(number, Grows::Text, text, out)
    }

    fn call(
        &mut self,
        number: u32,
        delta: Node<'_>,
        answer: &str,
        names: &Names,
        out: &mut Vec<Chunk>,
    ) -> Result<(), Malformed> {
        let several = member(delta, "tool_calls")
            .into_iter()
            .flat_map(Node::items);
        for call in several.chain(member(delta, "function_call")) {
            if call.kind() != Kind::Object {
                continue;
            }
            self.said.call = true;
            if let Some(open) = self.open.take() {
                out.push(Chunk::Close {
                    choice: number,
                    block: open.block,
                });
            }
            let mut place = Place {
                answer,
                choice: number,
                next: &mut self.next,
                names,
            };
            self.calls.push(call, &mut place, out)?;
        }
        Ok(())
    }
}

/// An event without choices.
fn other(root: Node<'_>, frame: &Frame) -> Chunk {
    let kind = text(root, "type").map(|kind| kind.into_owned());
    let event = frame.event.as_deref().map(String::from_utf8_lossy);
    let name = kind.or_else(|| event.map(|event| event.into_owned()));
    match name.as_deref() {
        Some("ping") => Chunk::Ping,
        Some(name) => Chunk::Unknown(unknown(name, root)),
        None => Chunk::Unknown(Unknown::new(Dialect::OpenAi, "event", json(root))),
    }
}
