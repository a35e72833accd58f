//! One choice of a stream that is read: which block grows, and which begins.

use domain::canon::{Chunk, Delta, Dialect, Json, Opened, Thinking, Unknown};

use super::answer::annotation;
use super::calls::Calls;
use super::fields::{json, member, text};
use super::stop::{self, Said};
use super::{Malformed, thoughts};
use crate::json::{Kind, Node, object};
use crate::translate::Names;

/// Whose pieces they are, and where the chunks go.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// The answer's id.
    pub(super) answer: &'a str,
    /// The choice's number.
    pub(super) number: u32,
    pub(super) names: &'a Names,
    pub(super) out: &'a mut Vec<Chunk>,
}

impl Place<'_> {
    pub(super) fn open(&mut self, block: u32, opened: Opened) {
        self.out.push(Chunk::Open {
            choice: self.number,
            block,
            opened,
        });
    }

    pub(super) fn grow(&mut self, block: u32, delta: Delta) {
        self.out.push(Chunk::Grow {
            choice: self.number,
            block,
            delta,
        });
    }

    pub(super) fn close(&mut self, block: u32) {
        self.out.push(Chunk::Close {
            choice: self.number,
            block,
        });
    }
}

/// A choice, as far as it came.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// The number of the next block.
    next: u32,
    open: Option<Open>,
    calls: Calls,
    /// White space that came between the pieces of calls.
    held: String,
    said: Said,
    /// The sound that the model answers with.
    audio: Option<Audio>,
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

impl Choice {
    /// Whether it said why it ended.
    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Takes what a chunk says of this choice.
    pub(super) fn push(&mut self, node: Node<'_>, to: &mut Place<'_>) -> Result<(), Malformed> {
        if self.is_stopped {
            return Ok(());
        }
        // Some servers give the last chunk's text as a message.
        let delta = member(node, "delta").or_else(|| member(node, "message"));
        if let Some(delta) = delta.filter(|delta| delta.kind() == Kind::Object) {
            self.think(delta, to)?;
            self.say(delta, to)?;
            self.call(delta, to)?;
            if let Some(audio) = member(delta, "audio") {
                self.audio.get_or_insert_default().push(audio);
            }
        }
        if let Some(logprobs) = member(node, "logprobs") {
            to.out.push(Chunk::Logprobs {
                choice: to.number,
                logprobs: json(logprobs),
            });
        }
        let reason = text(node, "finish_reason");
        if let Some(reason) = reason.filter(|reason| stop::failure(reason).is_none()) {
            self.close(to)?;
            if let Some(audio) = self.audio.take() {
                let block = self.begin(Opened::Unknown(audio.block()), to)?;
                to.close(block);
            }
            let sequence = text(node, "stop_reason");
            to.out.push(Chunk::Stop {
                choice: to.number,
                stop: stop::read(&reason, sequence.as_deref(), self.said),
            });
            self.is_stopped = true;
        }
        Ok(())
    }

    /// Closes what is open.
    fn close(&mut self, to: &mut Place<'_>) -> Result<(), Malformed> {
        if let Some(open) = self.open.take() {
            to.close(open.block);
        }
        self.calls.close(to)
    }

    /// Begins a block, and gives its number.
    fn begin(&mut self, opened: Opened, to: &mut Place<'_>) -> Result<u32, Malformed> {
        self.close(to)?;
        let block = self.next;
        self.next += 1;
        to.open(block, opened);
        Ok(block)
    }

    /// The block of this kind that is open; a new one if none is.
    fn block(&mut self, kind: Grows, to: &mut Place<'_>) -> Result<u32, Malformed> {
        if let Some(open) = self.open.filter(|open| open.kind == kind) {
            return Ok(open.block);
        }
        let opened = match kind {
            Grows::Text => Opened::Text,
            Grows::Refusal => Opened::Refusal,
            Grows::Thinking { .. } => Opened::Thinking(Thinking::default()),
        };
        let block = self.begin(opened, to)?;
        self.open = Some(Open { block, kind });
        Ok(block)
    }

    fn grow(&mut self, kind: Grows, more: &str, to: &mut Place<'_>) -> Result<(), Malformed> {
        if !more.is_empty() {
            let block = self.block(kind, to)?;
            to.grow(block, Delta::Text(more.to_owned()));
        }
        Ok(())
    }

    fn think(&mut self, delta: Node<'_>, to: &mut Place<'_>) -> Result<(), Malformed> {
        let plain = thoughts::read_text(delta);
        if let Some(text) = &plain {
            self.grow(Grows::Thinking { plain: true }, text, to)?;
        }
        for key in ["thinking_blocks", "reasoning_details"] {
            for block in member(delta, key).into_iter().flat_map(Node::items) {
                match thoughts::read_block(block) {
                    // Its text came in this delta already.
                    Some(thought) if plain.is_some() => self.sign(thought, to)?,
                    Some(thought) => self.thought(thought, to)?,
                    None => {}
                }
            }
        }
        Ok(())
    }

    /// A piece of thoughts that comes as a block. Its text may have come in
    /// the deltas before.
    fn thought(&mut self, thought: Thinking, to: &mut Place<'_>) -> Result<(), Malformed> {
        let kind = self.open.map(|open| open.kind);
        let is_told = kind == Some(Grows::Thinking { plain: true });
        if !is_told && !thought.redacted {
            self.grow(Grows::Thinking { plain: false }, &thought.text, to)?;
        }
        if is_told && thought.signature.is_none() {
            // The block only says that the thought is complete.
            return self.close(to);
        }
        self.sign(thought, to)
    }

    /// What a block of thoughts says beside the text: it is complete with its
    /// signature.
    fn sign(&mut self, thought: Thinking, to: &mut Place<'_>) -> Result<(), Malformed> {
        if thought.redacted {
            let block = self.begin(Opened::Thinking(thought), to)?;
            to.close(block);
            return Ok(());
        }
        let Some(signature) = thought.signature else {
            return Ok(());
        };
        let kind = match self.open {
            Some(Open { kind, .. }) if kind != Grows::Text && kind != Grows::Refusal => kind,
            _ => Grows::Thinking { plain: false },
        };
        let block = self.block(kind, to)?;
        to.grow(block, Delta::Signature(signature));
        self.close(to)
    }

    fn say(&mut self, delta: Node<'_>, to: &mut Place<'_>) -> Result<(), Malformed> {
        if let Some(content) = member(delta, "content") {
            if let Some(text) = content.str() {
                self.text(&text, to)?;
            }
            for part in content.items() {
                if let Some(thought) = thoughts::read_block(part) {
                    self.thought(thought, to)?;
                } else if let Some(words) = text(part, "text") {
                    self.text(&words, to)?;
                }
            }
        }
        if let Some(words) = text(delta, "refusal") {
            self.said.refusal = true;
            self.grow(Grows::Refusal, &words, to)?;
        }
        if let Some(open) = self.open.filter(|open| open.kind == Grows::Text) {
            for note in member(delta, "annotations")
                .into_iter()
                .flat_map(Node::items)
            {
                to.grow(open.block, Delta::Citation(annotation(note)));
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str, to: &mut Place<'_>) -> Result<(), Malformed> {
        // Between the pieces of calls some servers send line breaks. They are
        // of use only if a text follows.
        if text.trim().is_empty() && self.calls.are_open() {
            self.held.push_str(text);
            return Ok(());
        }
        self.said.text |= !text.is_empty();
        let held = std::mem::take(&mut self.held);
        self.grow(Grows::Text, &held, to)?;
        self.grow(Grows::Text, text, to)
    }

    fn call(&mut self, delta: Node<'_>, to: &mut Place<'_>) -> Result<(), Malformed> {
        let several = member(delta, "tool_calls")
            .into_iter()
            .flat_map(Node::items);
        let calls = several.chain(member(delta, "function_call"));
        for call in calls.filter(|call| call.kind() == Kind::Object) {
            self.said.call = true;
            if let Some(open) = self.open.take() {
                to.close(open.block);
            }
            self.calls.push(call, &mut self.next, to)?;
        }
        Ok(())
    }
}

/// A sound, put together from its pieces: a client of another dialect gets
/// none, one of this gets it whole.
#[derive(Debug, Default)]
struct Audio {
    id: Option<String>,
    data: String,
    transcript: String,
    expires_at: Option<Json>,
}

impl Audio {
    fn push(&mut self, node: Node<'_>) {
        if let Some(id) = text(node, "id") {
            self.id = Some(id.into_owned());
        }
        self.data.push_str(&text(node, "data").unwrap_or_default());
        let words = text(node, "transcript");
        self.transcript.push_str(&words.unwrap_or_default());
        if let Some(at) = member(node, "expires_at") {
            self.expires_at = Some(json(at));
        }
    }

    fn block(&self) -> Unknown {
        let raw = object(|audio| {
            if let Some(id) = &self.id {
                audio.string("id", id);
            }
            if let Some(at) = &self.expires_at {
                audio.raw("expires_at", at.as_str());
            }
            audio.string("data", &self.data);
            audio.string("transcript", &self.transcript);
        });
        let raw = Json::trusted(String::from_utf8_lossy(&raw));
        Unknown::new(Dialect::OpenAi, "audio", raw)
    }
}
