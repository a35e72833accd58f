//! A provider's stream, event by event.

mod thoughts;

use domain::canon::{Chunk, Delta, Opened};

use super::blocks::{is_servers, redacted};
use super::ending::Ending;
use super::fields::{object, raw, unknown, word};
use super::open::{Held, Open, Slot};
use super::{ANSWER_TOOL, DEPTH, EVENT, Malformed, citations, fault};
use crate::eventstream::{CUT, EXCEPTION};
use crate::json::{Document, Kind, Node};
use crate::sse::Frame;
use crate::translate::Names;

/// The most bytes that are kept until they can be told: those of the largest
/// event, as a block may come in one.
const MOST_KEPT: usize = 8 << 20;

/// More calls than any model makes at once.
const MOST_CALLS: usize = 1024;

/// Reads a stream. [`Chunk::End`] comes when both `messageStop` and `metadata`
/// have come; a stream that ends cleanly without the latter is told by
/// [`StreamReader::finish`].
#[derive(Debug, Default)]
pub struct StreamReader {
    names: Names,
    ending: Ending,
    /// The blocks that are open: one after the other, as far as is known.
    open: Vec<Open>,
    /// How many blocks were opened.
    count: u32,
    has_begun: bool,
    has_stopped: bool,
    has_metadata: bool,
    is_over: bool,
}

impl StreamReader {
    /// A reader for the answer to a request whose tools have these names.
    #[must_use]
    pub fn new(names: Names) -> Self {
        Self {
            names,
            ..Self::default()
        }
    }

    /// Takes the next message.
    ///
    /// # Errors
    /// It says something that this dialect does not allow; the stream is of no
    /// use from there on.
    pub fn push(&mut self, frame: &Frame, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        if self.is_over {
            return Ok(());
        }
        let event = frame.event.as_deref().unwrap_or_default();
        let event = String::from_utf8_lossy(event);
        if event == CUT {
            return Err(Malformed("the stream was cut in the middle of a message"));
        }
        let data = frame.data.clone().unwrap_or_default();
        let document = Document::parse(data, DEPTH);
        if let Some(exception) = event.strip_prefix(EXCEPTION) {
            self.is_over = true;
            let payload = document.as_ref().ok().map(Document::root);
            out.push(Chunk::Error(fault::of_exception(exception, payload)));
            return Ok(());
        }
        if event == "initial-response" {
            return Ok(());
        }
        let document = document.map_err(|_| Malformed("an event of the stream is no JSON"))?;
        let node = document.root();
        if node.kind() != Kind::Object {
            return Err(Malformed("an event of the stream is no JSON object"));
        }
        self.take(&event, node, out)
    }

    /// The bytes ended cleanly. A stream whose message stopped is complete
    /// even if its metadata never came.
    pub fn finish(&mut self, out: &mut Vec<Chunk>) {
        if self.has_stopped && !self.is_over {
            self.end(out);
        }
    }

    fn take(&mut self, event: &str, node: Node<'_>, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        match event {
            "messageStart" => self.begin(out),
            "contentBlockStart" => self.start(node, out)?,
            "contentBlockDelta" => self.grow(node, out)?,
            "contentBlockStop" => {
                let index = node.get("contentBlockIndex").and_then(Node::u64);
                self.close(|open| index.is_none_or(|index| index == open.index), out);
            }
            "messageStop" => self.stop(node, out)?,
            "metadata" => {
                self.ending.take(node);
                self.keeps(0)?;
                out.extend(self.ending.usage.map(Chunk::Usage));
                self.has_metadata = true;
                if self.has_stopped {
                    self.end(out);
                }
            }
            "" => return Err(Malformed("an event of the stream says no type")),
            other => {
                let name = format!("{EVENT}{other}");
                out.push(Chunk::Unknown(unknown(&name, raw(node))));
            }
        }
        Ok(())
    }

    fn begin(&mut self, out: &mut Vec<Chunk>) {
        if !std::mem::replace(&mut self.has_begun, true) {
            out.push(Chunk::Start {
                id: String::new(),
                model: String::new(),
                created: None,
            });
        }
    }

    /// The block's number at the provider; nothing comes before the beginning
    /// or behind the end.
    fn index(&self, node: Node<'_>) -> Result<u64, Malformed> {
        if !self.has_begun || self.has_stopped {
            return Err(Malformed("the stream has content outside of its message"));
        }
        let index = node.get("contentBlockIndex").and_then(Node::u64);
        Ok(index.unwrap_or(0))
    }

    fn start(&mut self, node: Node<'_>, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        let index = self.index(node)?;
        let start = object(node, "start");
        let Some((name, _, begun)) = start.and_then(|start| start.entries().next()) else {
            return Ok(());
        };
        match &*name {
            "toolUse" if !is_servers(begun) => self.call(index, begun, out)?,
            "toolUse" | "toolResult" | "image" => {
                self.close(|_| true, out);
                let held = Held::of(&name, begun);
                self.keeps(held.size())?;
                self.hold(index, Slot::Held(held));
            }
            // A text begins with its first words.
            _ => {}
        }
        Ok(())
    }

    fn call(&mut self, index: u64, begun: Node<'_>, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        // Calls may grow side by side.
        self.close(
            |open| open.index == index || !matches!(open.kind, Slot::Call { .. }),
            out,
        );
        if self.open.len() >= MOST_CALLS {
            return Err(Malformed("more calls at once than any model makes"));
        }
        let name = word(begun, "name");
        let is_answer = name == ANSWER_TOOL;
        let opened = match is_answer {
            true => {
                self.ending.by_tool = true;
                Opened::Text
            }
            false => {
                self.ending.calls = true;
                Opened::ToolCall {
                    id: word(begun, "toolUseId"),
                    name: self.names.inward(&name).to_owned(),
                    custom: false,
                    signature: None,
                }
            }
        };
        let has_grown = false;
        self.hold(
            index,
            Slot::Call {
                is_answer,
                has_grown,
            },
        );
        self.announce(opened, out);
        Ok(())
    }

    /// Whether what is kept, with the open block's `size`, is within the bound.
    /// What is kept is of one block at most: it is closed before another opens.
    fn keeps(&self, size: usize) -> Result<(), Malformed> {
        match self.ending.size().saturating_add(size) > MOST_KEPT {
            true => Err(Malformed("more than is kept until it can be told")),
            false => Ok(()),
        }
    }

    /// A block is open from here on, under the next number.
    fn hold(&mut self, index: u64, kind: Slot) {
        self.open.push(Open {
            index,
            block: self.count,
            kind,
        });
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
        let index = self.index(node)?;
        let delta = object(node, "delta");
        let delta = delta.ok_or(Malformed("a delta of the stream is empty"))?;
        let Some((name, _, more)) = delta.entries().next() else {
            return Ok(());
        };
        if let Some(Open {
            kind: Slot::Held(held),
            ..
        }) = self.open.iter_mut().find(|open| open.index == index)
        {
            held.grow(more);
            let size = held.size();
            return self.keeps(size);
        }
        match &*name {
            "text" => {
                let words = more.str().unwrap_or_default().into_owned();
                self.words(index, words, out);
            }
            "toolUse" => self.arguments(index, word(more, "input"), out)?,
            "reasoningContent" => self.thought(index, more, out)?,
            "citation" => {
                let block = self.text(index, out);
                add(block, Delta::Citation(citations::read(more)), out);
            }
            _ => {}
        }
        Ok(())
    }

    /// The open text of this number; opened if there is none.
    fn text(&mut self, index: u64, out: &mut Vec<Chunk>) -> u32 {
        self.or_open(
            index,
            |slot| matches!(slot, Slot::Text),
            (Slot::Text, Opened::Text),
            out,
        )
    }

    /// The open block of this number and kind; `new` if there is none.
    fn or_open(
        &mut self,
        index: u64,
        is_such: fn(&Slot) -> bool,
        new: (Slot, Opened),
        out: &mut Vec<Chunk>,
    ) -> u32 {
        let found = self.open.iter().find(|open| open.index == index);
        if let Some(open) = found.filter(|open| is_such(&open.kind)) {
            return open.block;
        }
        self.close(|_| true, out);
        let block = self.count;
        self.hold(index, new.0);
        self.announce(new.1, out);
        block
    }

    fn words(&mut self, index: u64, words: String, out: &mut Vec<Chunk>) {
        if !words.is_empty() {
            let block = self.text(index, out);
            add(block, Delta::Text(words), out);
        }
    }

    fn arguments(
        &mut self,
        index: u64,
        more: String,
        out: &mut Vec<Chunk>,
    ) -> Result<(), Malformed> {
        let found = self.open.iter_mut().find(|open| open.index == index);
        let Some(Open {
            block,
            kind: Slot::Call {
                is_answer,
                has_grown,
            },
            ..
        }) = found
        else {
            return Err(Malformed("a call of the stream grows before it begins"));
        };
        if !more.is_empty() {
            *has_grown = true;
            let delta = match is_answer {
                true => Delta::Text(more),
                false => Delta::Arguments(more),
            };
            add(*block, delta, out);
        }
        Ok(())
    }

    /// Closes the open blocks that `are` such.
    fn close(&mut self, are: impl Fn(&Open) -> bool, out: &mut Vec<Chunk>) {
        let closed: Vec<Open> = self.open.extract_if(.., |open| are(open)).collect();
        for open in closed {
            let mut block = open.block;
            match open.kind {
                Slot::Call {
                    is_answer,
                    has_grown: false,
                } => {
                    let nothing = "{}".to_owned();
                    let delta = match is_answer {
                        true => Delta::Text(nothing),
                        false => Delta::Arguments(nothing),
                    };
                    add(block, delta, out);
                }
                Slot::Held(held) => {
                    block = self.count;
                    self.announce(Opened::Unknown(held.whole()), out);
                }
                Slot::Redacted(whole) => {
                    block = self.count;
                    self.announce(Opened::Thinking(redacted(&whole)), out);
                }
                _ => {}
            }
            out.push(Chunk::Close { choice: 0, block });
        }
    }

    fn stop(&mut self, node: Node<'_>, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        if !self.has_begun || self.has_stopped {
            return Err(Malformed("the stream stops outside of its message"));
        }
        self.has_stopped = true;
        self.ending.take(node);
        self.keeps(0)?;
        self.close(|_| true, out);
        let stop = self.ending.stop();
        out.extend(stop.map(|stop| Chunk::Stop { choice: 0, stop }));
        if self.has_metadata {
            self.end(out);
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<Chunk>) {
        self.is_over = true;
        out.extend(self.ending.rest().into_iter().map(Chunk::Unknown));
        out.push(Chunk::End);
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
