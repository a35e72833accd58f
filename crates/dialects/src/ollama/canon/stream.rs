//! A provider's stream, read: a line is a piece of the answer. The last one
//! says that it is, why, and what was used. Calls come whole.

use domain::canon::{Chunk, Delta, Opened, Thinking};

use super::said::{Call, calls, logprobs, stop, usage};
use super::{DEPTH, fault};
use crate::json::{Document, Kind, Node};
use crate::sse::Frame;
use crate::translate::fields::{member, text};
use crate::translate::{Malformed, Names};

/// Reads a stream line by line.
#[derive(Debug)]
pub struct StreamReader {
    names: Names,
    has_begun: bool,
    /// The number of the next block.
    next: u32,
    open: Option<(u32, Grows)>,
    /// How many calls came.
    calls: usize,
    is_over: bool,
}

/// The block that grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grows {
    Text,
    Thinking,
}

impl StreamReader {
    /// A reader; `names` are those of the request.
    #[must_use]
    pub fn new(names: Names) -> Self {
        Self {
            names,
            has_begun: false,
            next: 0,
            open: None,
            calls: 0,
            is_over: false,
        }
    }

    /// Takes the next frame.
    ///
    /// # Errors
    /// [`Malformed`]: the line is none of this dialect. The reader is of no use
    /// afterwards.
    pub fn push(&mut self, frame: &Frame, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        let data = frame.data.as_ref();
        let Some(data) = data.filter(|data| !self.is_over && !data.trim_ascii().is_empty()) else {
            return Ok(());
        };
        let document = Document::parse(data.clone(), DEPTH)
            .map_err(|_| Malformed("a line that is not JSON"))?;
        let root = document.root();
        if root.kind() != Kind::Object {
            return Err(Malformed("a line that is not an object"));
        }
        if let Some(fault) = fault::in_stream(root) {
            self.is_over = true;
            out.push(Chunk::Error(fault));
            return Ok(());
        }
        self.start(root, out);
        if let Some(message) = member(root, "message").filter(|it| it.kind() == Kind::Object) {
            self.message(root, message, out);
        }
        if let Some(logprobs) = logprobs(root) {
            out.push(Chunk::Logprobs {
                choice: 0,
                logprobs,
            });
        }
        if let Some(stop) = stop(root, self.calls) {
            self.is_over = true;
            self.close(out);
            out.extend(usage(root).map(Chunk::Usage));
            out.push(Chunk::Stop { choice: 0, stop });
            out.push(Chunk::End);
        }
        Ok(())
    }

    fn start(&mut self, root: Node<'_>, out: &mut Vec<Chunk>) {
        if !std::mem::replace(&mut self.has_begun, true) {
            out.push(Chunk::Start {
                id: String::new(),
                model: text(root, "model").unwrap_or_default().into_owned(),
                created: None,
            });
        }
    }

    fn message(&mut self, root: Node<'_>, message: Node<'_>, out: &mut Vec<Chunk>) {
        if let Some(thoughts) = text(message, "thinking") {
            self.grow(Grows::Thinking, &thoughts, out);
        }
        if let Some(words) = text(message, "content") {
            self.grow(Grows::Text, &words, out);
        }
        let came: Vec<Call> = calls(root, message, self.calls, &self.names).collect();
        for call in came {
            self.call(call, out);
        }
    }

    /// Closes the block that grows.
    fn close(&mut self, out: &mut Vec<Chunk>) {
        if let Some((block, _)) = self.open.take() {
            out.push(Chunk::Close { choice: 0, block });
        }
    }

    fn begin(&mut self, opened: Opened, out: &mut Vec<Chunk>) -> u32 {
        self.close(out);
        let block = self.next;
        self.next += 1;
        out.push(Chunk::Open {
            choice: 0,
            block,
            opened,
        });
        block
    }

    fn grow(&mut self, kind: Grows, more: &str, out: &mut Vec<Chunk>) {
        let block = match self.open {
            Some((block, open)) if open == kind => block,
            _ => {
                let opened = match kind {
                    Grows::Text => Opened::Text,
                    Grows::Thinking => Opened::Thinking(Thinking::default()),
                };
                let block = self.begin(opened, out);
                self.open = Some((block, kind));
                block
            }
        };
        out.push(Chunk::Grow {
            choice: 0,
            block,
            delta: Delta::Text(more.to_owned()),
        });
    }

    fn call(&mut self, call: Call, out: &mut Vec<Chunk>) {
        self.calls += 1;
        let opened = Opened::ToolCall {
            id: call.id,
            name: call.name,
            custom: false,
            signature: None,
        };
        let block = self.begin(opened, out);
        if !call.arguments.is_empty() {
            out.push(Chunk::Grow {
                choice: 0,
                block,
                delta: Delta::Arguments(call.arguments),
            });
        }
        out.push(Chunk::Close { choice: 0, block });
    }
}
