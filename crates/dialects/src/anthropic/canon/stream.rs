//! A provider's stream, event by event.

use bytes::Bytes;
use domain::canon::{Chunk, Delta, Dialect, Json, Opened, Signature, Thinking, Unknown};

use super::answer::thinking;
use super::blocks::{citation, redacted};
use super::ending::Ending;
use super::fields::{raw, unknown, word};
use super::{ANSWER_TOOL, DEPTH, EVENT, Malformed, fault, signature};
use crate::json::{Document, Kind, Node};
use crate::sse::Frame;
use crate::translate::Names;

/// Reads a stream. [`Chunk::End`] comes with `message_stop` alone.
#[derive(Debug)]
pub struct StreamReader {
    names: Names,
    ending: Ending,
    /// The blocks that are open. Anthropic sends them one after the other;
    /// servers that speak its dialect may let calls grow side by side.
    open: Vec<Open>,
    /// How many blocks were opened.
    count: u32,
    has_begun: bool,
    is_over: bool,
}

#[derive(Debug)]
struct Open {
    /// The number that the provider gave it.
    index: u64,
    /// Our own.
    block: u32,
    kind: Slot,
}

#[derive(Debug)]
enum Slot {
    /// Text or thinking.
    Words,
    /// A call whose input came with its beginning, or has not come yet.
    Call { given: String, has_grown: bool },
    /// A call that is the answer itself.
    Answer { given: String, has_grown: bool },
    /// A block that the canonical form does not know, until it is whole.
    Held {
        name: String,
        raw: String,
        input: String,
    },
}

impl StreamReader {
    /// A reader for the answer to a request whose tools have these names.
    #[must_use]
    pub fn new(names: Names) -> Self {
        Self {
            names,
            ending: Ending::default(),
            open: Vec::new(),
            count: 0,
            has_begun: false,
            is_over: false,
        }
    }

    /// Takes the next frame.
    ///
    /// # Errors
    /// The frame says something that this dialect does not allow; the stream
    /// is of no use from there on.
    pub fn push(&mut self, frame: &Frame, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        let Some(data) = frame.data.as_ref().filter(|data| !data.is_empty()) else {
            return Ok(());
        };
        if frame.is_end_mark() || self.is_over {
            return Ok(());
        }
        let document = Document::parse(data.clone(), DEPTH)
            .map_err(|_| Malformed("an event of the stream is no JSON"))?;
        let node = document.root();
        let mut kind = word(node, "type");
        if kind.is_empty() {
            let event = frame.event.as_deref().unwrap_or_default();
            kind = String::from_utf8_lossy(event).into_owned();
        }
        match kind.as_str() {
            "message_start" => self.begin(node, out),
            "content_block_start" => self.open(node, out)?,
            "content_block_delta" => self.grow(node, out)?,
            "content_block_stop" => {
                let index = node.get("index").and_then(Node::u64);
                self.close(|open| index.is_none_or(|index| index == open.index), out);
            }
            "message_delta" => self.amend(node, out),
            "message_stop" => self.end(out)?,
            "ping" => out.push(Chunk::Ping),
            "error" => self.fail(node, out),
            _ if node.get("error").is_some() => self.fail(node, out),
            "" => return Err(Malformed("an event of the stream says no type")),
            other => {
                let name = format!("{EVENT}{other}");
                out.push(Chunk::Unknown(unknown(&name, node)));
            }
        }
        Ok(())
    }

    fn begin(&mut self, node: Node<'_>, out: &mut Vec<Chunk>) {
        self.has_begun = true;
        let Some(message) = node.get("message") else {
            return;
        };
        self.ending.take(message);
        out.push(Chunk::Start {
            id: word(message, "id"),
            model: word(message, "model"),
            created: None,
        });
        out.extend(self.ending.counts.usage().map(Chunk::Usage));
    }

    fn open(&mut self, node: Node<'_>, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        if !self.has_begun {
            return Err(Malformed("the stream has content before its beginning"));
        }
        let block = node.get("content_block");
        let block = block.ok_or(Malformed("a block of the stream has no beginning"))?;
        let index = node.get("index").and_then(Node::u64);
        let index = index.unwrap_or(u64::from(self.count));
        let kind = word(block, "type");
        let goes_on = |open: &Open| {
            kind == "tool_use" && matches!(open.kind, Slot::Call { .. }) && open.index != index
        };
        self.close(|open| !goes_on(open), out);
        let number = self.count;
        let given = || {
            let input = block.get("input").filter(|it| it.kind() == Kind::Object);
            let input = input.filter(|it| it.entries().next().is_some());
            input.map_or_else(String::new, raw)
        };
        let slot = match kind.as_str() {
            "text" => {
                self.announce(Opened::Text, out);
                let text = word(block, "text");
                if !text.is_empty() {
                    add(number, Delta::Text(text), out);
                }
                let citations = block.get("citations").into_iter().flat_map(Node::items);
                for cited in citations {
                    add(number, Delta::Citation(citation(cited)), out);
                }
                Slot::Words
            }
            "thinking" => {
                self.announce(Opened::Thinking(thinking(block)), out);
                Slot::Words
            }
            "redacted_thinking" => {
                if let domain::canon::Block::Thinking(hidden) = redacted(&word(block, "data")) {
                    self.announce(Opened::Thinking(hidden), out);
                }
                Slot::Words
            }
            "tool_use" if word(block, "name") == ANSWER_TOOL => {
                self.ending.by_tool = true;
                self.announce(Opened::Text, out);
                Slot::Answer {
                    given: given(),
                    has_grown: false,
                }
            }
            "tool_use" => {
                self.ending.calls = true;
                let opened = Opened::ToolCall {
                    id: word(block, "id"),
                    name: self.names.inward(&word(block, "name")).to_owned(),
                    custom: false,
                    signature: None,
                };
                self.announce(opened, out);
                Slot::Call {
                    given: given(),
                    has_grown: false,
                }
            }
            _ => Slot::Held {
                name: kind,
                raw: raw(block),
                input: String::new(),
            },
        };
        self.open.push(Open {
            index,
            block: number,
            kind: slot,
        });
        Ok(())
    }

    fn announce(&mut self, opened: Opened, out: &mut Vec<Chunk>) {
        out.push(Chunk::Open {
            choice: 0,
            block: self.count,
            opened,
        });
        self.count += 1;
    }

    fn grow(&mut self, node: Node<'_>, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        let delta = node.get("delta");
        let delta = delta.ok_or(Malformed("a delta of the stream is empty"))?;
        let index = node.get("index").and_then(Node::u64);
        let mut all = self.open.iter_mut().rev();
        let open = all.find(|open| index.is_none_or(|index| index == open.index));
        let open = open.ok_or(Malformed("a delta of the stream belongs to no open block"))?;
        let grown = match word(delta, "type").as_str() {
            "text_delta" => Delta::Text(word(delta, "text")),
            "thinking_delta" => Delta::Text(word(delta, "thinking")),
            "signature_delta" => match signed(&word(delta, "signature")) {
                Some(signature) => Delta::Signature(signature),
                None => return Ok(()),
            },
            "citations_delta" => match delta.get("citation") {
                Some(cited) => Delta::Citation(citation(cited)),
                None => return Ok(()),
            },
            "input_json_delta" => {
                let more = word(delta, "partial_json");
                match &mut open.kind {
                    _ if more.is_empty() => return Ok(()),
                    Slot::Call { has_grown, .. } => {
                        *has_grown = true;
                        Delta::Arguments(more)
                    }
                    Slot::Answer { has_grown, .. } => {
                        *has_grown = true;
                        Delta::Text(more)
                    }
                    Slot::Held { input, .. } => {
                        input.push_str(&more);
                        return Ok(());
                    }
                    Slot::Words => return Ok(()),
                }
            }
            _ => return Ok(()),
        };
        let is_empty = matches!(&grown, Delta::Text(text) if text.is_empty());
        if !is_empty && !matches!(open.kind, Slot::Held { .. }) {
            add(open.block, grown, out);
        }
        Ok(())
    }

    /// Closes the open blocks that `are` such.
    fn close(&mut self, are: impl Fn(&Open) -> bool, out: &mut Vec<Chunk>) {
        for open in self
            .open
            .extract_if(.., |open| are(open))
            .collect::<Vec<_>>()
        {
            self.finish(open, out);
        }
    }

    fn finish(&mut self, open: Open, out: &mut Vec<Chunk>) {
        let whole = |given: String| match given.as_str() {
            "" => "{}".to_owned(),
            _ => given,
        };
        match open.kind {
            Slot::Call {
                given,
                has_grown: false,
            } => add(open.block, Delta::Arguments(whole(given)), out),
            Slot::Answer {
                given,
                has_grown: false,
            } => add(open.block, Delta::Text(whole(given)), out),
            Slot::Held { name, raw, input } => {
                let whole = Json::trusted(with_input(raw, &input));
                let own = Unknown::new(Dialect::Anthropic, name, whole);
                self.announce(Opened::Unknown(own), out);
            }
            _ => {}
        }
        out.push(Chunk::Close {
            choice: 0,
            block: open.block,
        });
    }

    fn amend(&mut self, node: Node<'_>, out: &mut Vec<Chunk>) {
        if let Some(delta) = node.get("delta") {
            self.ending.take(delta);
        }
        if let Some(usage) = node.get("usage") {
            self.ending.counts.take(usage);
            out.extend(self.ending.counts.usage().map(Chunk::Usage));
        }
    }

    fn end(&mut self, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        if !self.has_begun {
            return Err(Malformed("the stream ends before its beginning"));
        }
        self.is_over = true;
        self.close(|_| true, out);
        let stop = self.ending.stop();
        out.extend(stop.map(|stop| Chunk::Stop { choice: 0, stop }));
        out.extend(self.ending.rest().into_iter().map(Chunk::Unknown));
        out.push(Chunk::End);
        Ok(())
    }

    fn fail(&mut self, node: Node<'_>, out: &mut Vec<Chunk>) {
        self.is_over = true;
        out.push(Chunk::Error(fault::in_stream(node)));
    }
}

/// A block grows.
fn add(block: u32, delta: Delta, out: &mut Vec<Chunk>) {
    out.push(Chunk::Grow {
        choice: 0,
        block,
        delta,
    });
}

fn signed(value: &str) -> Option<Signature> {
    let mut thinking = Thinking::default();
    signature::inward(&mut thinking, value);
    thinking.signature
}

/// A block whose `input` came in pieces.
fn with_input(block: String, input: &str) -> String {
    let is_json = Document::parse(Bytes::copy_from_slice(input.as_bytes()), DEPTH).is_ok();
    let read = Document::parse(Bytes::copy_from_slice(block.as_bytes()), DEPTH);
    let (true, Ok(document)) = (is_json, read) else {
        return block;
    };
    let out = crate::json::object(|o| {
        for (key, _, value) in document.root().entries() {
            match &*key {
                "input" => o.raw("input", input),
                _ => o.raw(&key, &raw(value)),
            };
        }
    });
    String::from_utf8(out).unwrap_or(block)
}
