//! A provider's stream, read.
//!
//! Its end mark is `message-end`, which says why, and what was used. A block
//! of text stays open behind its own end, because citations may follow.

use std::borrow::Cow;
use std::collections::BTreeMap;

use domain::canon::{Chunk, Delta, Dialect, Fault, FaultKind, Opened, Thinking, Unknown};

use super::DEPTH;
use super::called::Called;
use super::said::{Calls, Ending, citation, ending, logprobs, usage};
use crate::json::{Document, Kind, Node};
use crate::sse::Frame;
use crate::translate::fields::{json, member, text, whole};
use crate::translate::functions::ANSWER_TOOL;
use crate::translate::{Malformed, Names, ids};

/// More calls than any model makes at once.
const MOST_CALLS: usize = 1024;

/// Reads a stream frame by frame.
#[derive(Debug)]
pub struct StreamReader {
    names: Names,
    /// The answer's id, once it has begun.
    id: Option<String>,
    /// The number of the next block.
    next: u32,
    open: Option<(u32, Grows)>,
    /// The blocks of calls, by the stream's own numbers; none once closed.
    calls: BTreeMap<u64, Option<Called>>,
    has_calls: Calls,
    is_over: bool,
}

/// The block that grows, other than calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grows {
    Text,
    Thinking,
    Plan,
}

impl StreamReader {
    /// A reader; `names` are those of the request.
    #[must_use]
    pub fn new(names: Names) -> Self {
        Self {
            names,
            id: None,
            next: 0,
            open: None,
            calls: BTreeMap::new(),
            has_calls: Calls::None,
            is_over: false,
        }
    }

    /// Takes the next frame.
    ///
    /// # Errors
    /// [`Malformed`]: the frame is no event of this dialect, or contradicts
    /// those before it. The reader is of no use afterwards.
    pub fn push(&mut self, frame: &Frame, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        if self.is_over || frame.is_end_mark() {
            return Ok(());
        }
        let data = frame.data.as_ref();
        let Some(data) = data.filter(|data| !data.trim_ascii().is_empty()) else {
            out.push(Chunk::Ping);
            return Ok(());
        };
        let document = Document::parse(data.clone(), DEPTH)
            .map_err(|_| Malformed("an event that is not JSON"))?;
        let root = document.root();
        if root.kind() != Kind::Object {
            return Err(Malformed("an event that is not an object"));
        }
        let kind = match text(root, "type") {
            Some(kind) => kind,
            None => frame
                .event
                .as_deref()
                .map_or(Cow::Borrowed(""), String::from_utf8_lossy),
        };
        self.event(&kind, root, out)
    }

    fn event(&mut self, kind: &str, root: Node<'_>, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        let delta = member(root, "delta").filter(|delta| delta.kind() == Kind::Object);
        let message = delta.and_then(|delta| member(delta, "message"));
        match kind {
            "message-start" => self.start(root, out),
            "content-start" | "content-delta" => {
                self.start(root, out);
                if kind == "content-start" {
                    self.close(out);
                }
                if let Some(content) = message.and_then(|message| member(message, "content")) {
                    self.content(content, out);
                }
                if let Some(item) = member(root, "logprobs") {
                    let logprobs = logprobs(std::iter::once(item));
                    out.push(Chunk::Logprobs {
                        choice: 0,
                        logprobs,
                    });
                }
            }
            "tool-plan-delta" => {
                self.start(root, out);
                let plan = message.and_then(|message| text(message, "tool_plan"));
                self.grow(Grows::Plan, &plan.unwrap_or_default(), out);
            }
            "tool-call-start" => {
                self.start(root, out);
                self.call(root, message, out)?;
            }
            "tool-call-delta" => self.arguments(root, message, out)?,
            "tool-call-end" => self.end_call(root, out),
            "citation-start" => self.cite(message, out),
            "message-end" => {
                self.start(root, out);
                self.end(delta, out);
            }
            "content-end" | "citation-end" | "debug" => {}
            _ => self.other(kind, root, out),
        }
        Ok(())
    }

    fn start(&mut self, root: Node<'_>, out: &mut Vec<Chunk>) {
        if self.id.is_none() {
            let id = text(root, "id").unwrap_or_default().into_owned();
            self.id = Some(id.clone());
            out.push(Chunk::Start {
                id,
                model: String::new(),
                created: None,
            });
        }
    }

    /// Closes the block that grows.
    fn close(&mut self, out: &mut Vec<Chunk>) {
        if let Some((block, _)) = self.open.take() {
            out.push(Chunk::Close { choice: 0, block });
        }
    }

    fn close_calls(&mut self, out: &mut Vec<Chunk>) {
        let open = self.calls.values_mut().filter_map(Option::take);
        out.extend(open.map(Called::close));
    }

    fn begin(&mut self, opened: Opened, out: &mut Vec<Chunk>) -> u32 {
        let block = self.next;
        self.next += 1;
        out.push(Chunk::Open {
            choice: 0,
            block,
            opened,
        });
        block
    }

    fn content(&mut self, content: Node<'_>, out: &mut Vec<Chunk>) {
        if let Some(thought) = text(content, "thinking") {
            self.grow(Grows::Thinking, &thought, out);
        }
        if let Some(words) = text(content, "text") {
            self.grow(Grows::Text, &words, out);
        }
    }

    /// The block of this kind grows; a new one if none is open.
    fn grow(&mut self, kind: Grows, more: &str, out: &mut Vec<Chunk>) {
        if more.is_empty() {
            return;
        }
        let block = match self.open {
            Some((block, open)) if open == kind => block,
            _ => {
                self.close(out);
                self.close_calls(out);
                let block = self.begin(
                    match kind {
                        Grows::Text => Opened::Text,
                        Grows::Thinking | Grows::Plan => Opened::Thinking(Thinking::default()),
                    },
                    out,
                );
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

    fn call(
        &mut self,
        root: Node<'_>,
        message: Option<Node<'_>>,
        out: &mut Vec<Chunk>,
    ) -> Result<(), Malformed> {
        let nameless = Malformed("a call without a tool's name");
        let call = message.and_then(call_of).ok_or(nameless)?;
        let function = member(call, "function").ok_or(nameless)?;
        let name = text(function, "name").ok_or(nameless)?;
        let index = whole(root, "index").unwrap_or(self.calls.len() as u64);
        if self.calls.len() >= MOST_CALLS {
            return Err(Malformed("more calls than any model makes"));
        }
        self.close(out);
        let opened = match name == ANSWER_TOOL {
            true => Opened::Text,
            false => Opened::ToolCall {
                id: text(call, "id").map_or_else(|| self.made_id(), Cow::into_owned),
                name: self.names.inward(&name).to_owned(),
                custom: false,
                signature: None,
            },
        };
        let called = match opened {
            Opened::Text => Called::Answer(self.begin(opened, out)),
            _ => {
                self.has_calls = Calls::Some;
                Called::Tool(self.begin(opened, out))
            }
        };
        // A number that comes again is another call.
        let before = self.calls.insert(index, Some(called)).flatten();
        out.extend(before.map(Called::close));
        called.grow(function, out);
        Ok(())
    }

    fn made_id(&self) -> String {
        let answer = self.id.as_deref().unwrap_or_default();
        ids::made(answer, (0, self.calls.len()))
    }

    fn arguments(
        &mut self,
        root: Node<'_>,
        message: Option<Node<'_>>,
        out: &mut Vec<Chunk>,
    ) -> Result<(), Malformed> {
        let function = message
            .and_then(call_of)
            .and_then(|call| member(call, "function"));
        let Some(function) = function else {
            return Ok(());
        };
        let last = self.calls.keys().next_back().copied();
        let index = whole(root, "index").or(last).unwrap_or(0);
        match self.calls.get(&index) {
            Some(Some(called)) => called.grow(function, out),
            _ => return Err(Malformed("arguments of no call that grows")),
        }
        Ok(())
    }

    fn end_call(&mut self, root: Node<'_>, out: &mut Vec<Chunk>) {
        let last = self.calls.keys().next_back().copied();
        let index = whole(root, "index").or(last).unwrap_or(0);
        let ended = self.calls.get_mut(&index).and_then(Option::take);
        out.extend(ended.map(Called::close));
    }

    fn cite(&self, message: Option<Node<'_>>, out: &mut Vec<Chunk>) {
        let citations = message.and_then(|message| member(message, "citations"));
        let (Some(citations), Some((block, Grows::Text))) = (citations, self.open) else {
            return;
        };
        let one = (citations.kind() == Kind::Object).then_some(citations);
        for citation in one
            .into_iter()
            .chain(citations.items())
            .filter_map(citation)
        {
            out.push(Chunk::Grow {
                choice: 0,
                block,
                delta: Delta::Citation(citation),
            });
        }
    }

    fn end(&mut self, delta: Option<Node<'_>>, out: &mut Vec<Chunk>) {
        self.is_over = true;
        let reason = delta.and_then(|delta| text(delta, "finish_reason"));
        let said = delta.and_then(|delta| text(delta, "error"));
        let ending = reason.map(|reason| ending(&reason, self.has_calls));
        match (ending, said) {
            (Some(Ending::Failed(kind)), said) => out.push(failed(kind, said)),
            (_, Some(said)) => out.push(failed(FaultKind::Server, Some(said))),
            // Without a reason it is no end.
            (None, None) => {}
            (Some(Ending::Stop(stop)), None) => {
                self.close(out);
                self.close_calls(out);
                let used = delta.and_then(|delta| member(delta, "usage"));
                out.extend(used.and_then(usage).map(Chunk::Usage));
                out.push(Chunk::Stop { choice: 0, stop });
                out.push(Chunk::End);
            }
        }
    }

    /// An event that is none of Cohere's own: an error, or something new.
    fn other(&mut self, kind: &str, root: Node<'_>, out: &mut Vec<Chunk>) {
        let said = text(root, "message").or_else(|| text(root, "error"));
        if kind == "error" || kind.is_empty() && said.is_some() {
            self.is_over = true;
            out.push(failed(FaultKind::Server, said));
            return;
        }
        let name = if kind.is_empty() { "event" } else { kind };
        let unknown = Unknown::new(Dialect::Cohere, name, json(root));
        out.push(Chunk::Unknown(unknown));
    }
}

/// The call of an event: an object, or with some a list of one.
fn call_of(message: Node<'_>) -> Option<Node<'_>> {
    let calls = member(message, "tool_calls")?;
    match calls.kind() {
        Kind::Array => calls.items().next(),
        _ => Some(calls),
    }
}

fn failed(kind: FaultKind, said: Option<Cow<'_, str>>) -> Chunk {
    let message = said.unwrap_or(Cow::Borrowed("The provider broke the answer off."));
    Chunk::Error(Fault {
        kind,
        message: message.into_owned(),
        code: None,
        field: None,
    })
}
