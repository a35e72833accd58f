//! Items that are being streamed to a client: what has been said of each, so
//! that its end can say it whole.

use bytes::Bytes;
use domain::canon::Thinking;

use super::super::answer::{Call, Part, call_item, message_item, reasoning_item, write_part};
use super::super::ids;
use super::super::item::{Shown, split_name};
use super::line::Line;
use crate::json::{Object, object};

const ADDED: &str = "response.output_item.added";
const DONE: &str = "response.output_item.done";

/// Says that an item is there, or done; gives it.
fn item(
    line: &mut Line,
    out: &mut Vec<Bytes>,
    kind: &str,
    index: usize,
    write: impl FnOnce(&mut Object<'_>),
) -> Vec<u8> {
    let item = object(write);
    line.event(out, kind, |o| {
        o.number("output_index", index as u64);
        o.raw("item", &String::from_utf8_lossy(&item));
    });
    item
}

/// Where a part stands.
fn place(o: &mut Object<'_>, id: &str, index: usize, name: &str, part: usize) {
    o.string("item_id", id).number("output_index", index as u64);
    o.number(name, part as u64);
}

/// A message.
#[derive(Debug)]
pub(super) struct OpenMessage {
    pub(super) index: usize,
    id: String,
    parts: Vec<Part>,
}

impl OpenMessage {
    pub(super) fn new(index: usize, answer: &str) -> Self {
        Self {
            index,
            id: ids::item("msg", answer, index),
            parts: Vec::new(),
        }
    }

    pub(super) fn begin(&self, line: &mut Line, out: &mut Vec<Bytes>) {
        item(line, out, ADDED, self.index, |o| {
            message_item(o, &self.id, "in_progress", &[]);
        });
    }

    /// A part begins; gives its number.
    pub(super) fn open(&mut self, part: Part, line: &mut Line, out: &mut Vec<Bytes>) -> usize {
        self.end_part(line, out);
        let number = self.parts.len();
        line.event(out, "response.content_part.added", |o| {
            place(o, &self.id, self.index, "content_index", number);
            o.object("part", |o| write_part(o, &part));
        });
        self.parts.push(part);
        number
    }

    /// A part's text so far.
    pub(super) fn text(&self, part: usize) -> &str {
        let part = self.parts.get(part);
        part.map_or("", |part| &part.text)
    }

    pub(super) fn grow(
        &mut self,
        number: usize,
        more: &str,
        line: &mut Line,
        out: &mut Vec<Bytes>,
    ) {
        let Some(part) = self.parts.get_mut(number) else {
            return;
        };
        part.text.push_str(more);
        let is_refusal = part.is_refusal;
        let kind = match is_refusal {
            true => "response.refusal.delta",
            false => "response.output_text.delta",
        };
        line.event(out, kind, |o| {
            place(o, &self.id, self.index, "content_index", number);
            o.string("delta", more);
            if !is_refusal {
                o.array("logprobs", |_| {});
            }
        });
    }

    /// Adds an annotation that is written.
    pub(super) fn cite(
        &mut self,
        number: usize,
        annotation: String,
        line: &mut Line,
        out: &mut Vec<Bytes>,
    ) {
        let Some(part) = self.parts.get_mut(number) else {
            return;
        };
        line.event(out, "response.output_text.annotation.added", |o| {
            place(o, &self.id, self.index, "content_index", number);
            o.number("annotation_index", part.annotations.len() as u64);
            o.raw("annotation", &annotation);
        });
        part.annotations.push(annotation);
    }

    /// Adds log probabilities to the first text.
    pub(super) fn add_tokens(&mut self, tokens: &str) {
        if let Some(part) = self.parts.iter_mut().find(|part| !part.is_refusal) {
            if !part.tokens.is_empty() {
                part.tokens.push(',');
            }
            part.tokens.push_str(tokens);
        }
    }

    /// The last part is done.
    fn end_part(&self, line: &mut Line, out: &mut Vec<Bytes>) {
        let Some((part, before)) = self.parts.split_last() else {
            return;
        };
        let (kind, key) = match part.is_refusal {
            true => ("response.refusal.done", "refusal"),
            false => ("response.output_text.done", "text"),
        };
        line.event(out, kind, |o| {
            place(o, &self.id, self.index, "content_index", before.len());
            o.string(key, &part.text);
            if !part.is_refusal {
                o.raw("logprobs", &format!("[{}]", part.tokens));
            }
        });
        line.event(out, "response.content_part.done", |o| {
            place(o, &self.id, self.index, "content_index", before.len());
            o.object("part", |o| write_part(o, part));
        });
    }

    /// The message is done; gives its item.
    pub(super) fn end(self, status: &str, line: &mut Line, out: &mut Vec<Bytes>) -> Vec<u8> {
        self.end_part(line, out);
        item(line, out, DONE, self.index, |o| {
            message_item(o, &self.id, status, &self.parts);
        })
    }
}

/// A reasoning item.
#[derive(Debug)]
pub(super) struct OpenThought {
    pub(super) index: usize,
    id: String,
    pub(super) thinking: Thinking,
    shown: Shown,
    has_part: bool,
}

/// What events of a summary are called, and those of a thought itself.
struct Words {
    part: &'static str,
    added: &'static str,
    delta: &'static str,
    done: &'static str,
    part_done: &'static str,
    index: &'static str,
}

const SUMMARY: Words = Words {
    part: "summary_text",
    added: "response.reasoning_summary_part.added",
    delta: "response.reasoning_summary_text.delta",
    done: "response.reasoning_summary_text.done",
    part_done: "response.reasoning_summary_part.done",
    index: "summary_index",
};

const CONTENT: Words = Words {
    part: "reasoning_text",
    added: "response.content_part.added",
    delta: "response.reasoning_text.delta",
    done: "response.reasoning_text.done",
    part_done: "response.content_part.done",
    index: "content_index",
};

impl OpenThought {
    pub(super) fn new(index: usize, answer: &str, thinking: &Thinking, shown: Shown) -> Self {
        let given = thinking.id.as_ref().filter(|id| id.starts_with("rs_"));
        Self {
            index,
            id: given.map_or_else(|| ids::reasoning(answer, index), Clone::clone),
            thinking: thinking.clone(),
            shown,
            has_part: false,
        }
    }

    fn words(&self) -> &'static Words {
        match self.shown {
            Shown::Summary => &SUMMARY,
            Shown::Content => &CONTENT,
        }
    }

    /// The item is there; what it came with is said as its first words.
    pub(super) fn begin(mut self, line: &mut Line, out: &mut Vec<Bytes>) -> Self {
        let text = std::mem::take(&mut self.thinking.text);
        item(line, out, ADDED, self.index, |o| {
            reasoning_item(o, &self.id, &Thinking::default(), self.shown);
        });
        if !text.is_empty() {
            self.grow(&text, line, out);
        }
        self
    }

    pub(super) fn grow(&mut self, more: &str, line: &mut Line, out: &mut Vec<Bytes>) {
        let words = self.words();
        if !std::mem::replace(&mut self.has_part, true) {
            self.part(words.added, "", line, out);
        }
        self.thinking.text.push_str(more);
        line.event(out, words.delta, |o| {
            place(o, &self.id, self.index, words.index, 0);
            o.string("delta", more);
        });
    }

    fn part(&self, kind: &str, text: &str, line: &mut Line, out: &mut Vec<Bytes>) {
        let words = self.words();
        line.event(out, kind, |o| {
            place(o, &self.id, self.index, words.index, 0);
            o.object("part", |o| {
                o.string("type", words.part).string("text", text);
            });
        });
    }

    pub(super) fn end(self, line: &mut Line, out: &mut Vec<Bytes>) -> Vec<u8> {
        let words = self.words();
        let text = &self.thinking.text;
        if self.has_part {
            line.event(out, words.done, |o| {
                place(o, &self.id, self.index, words.index, 0);
                o.string("text", text);
            });
            self.part(words.part_done, text, line, out);
        }
        item(line, out, DONE, self.index, |o| {
            reasoning_item(o, &self.id, &self.thinking, self.shown);
        })
    }
}

/// A call.
#[derive(Debug)]
pub(super) struct OpenCall {
    pub(super) index: usize,
    id: String,
    pub(super) call: Call,
}

impl OpenCall {
    pub(super) fn new(index: usize, answer: &str, call: Call) -> Self {
        Self {
            index,
            id: ids::item(call.prefix(), answer, index),
            call,
        }
    }

    pub(super) fn begin(&self, line: &mut Line, out: &mut Vec<Bytes>) {
        item(line, out, ADDED, self.index, |o| {
            call_item(o, &self.id, "in_progress", &self.call);
        });
    }

    pub(super) fn grow(&mut self, more: &str, line: &mut Line, out: &mut Vec<Bytes>) {
        self.call.arguments.push_str(more);
        if self.call.emulated.is_none() {
            self.delta(more, line, out);
        }
    }

    fn delta(&self, more: &str, line: &mut Line, out: &mut Vec<Bytes>) {
        let kind = match self.call.custom {
            true => "response.custom_tool_call_input.delta",
            false => "response.function_call_arguments.delta",
        };
        line.event(out, kind, |o| {
            o.string("item_id", &self.id);
            o.number("output_index", self.index as u64);
            o.string("delta", more);
        });
    }

    pub(super) fn end(mut self, line: &mut Line, out: &mut Vec<Bytes>) -> Vec<u8> {
        let is_said = !self.call.arguments.is_empty();
        self.call = self.call.completed();
        if self.call.emulated.is_some() {
            // Nothing tells of its arguments but the item.
            return item(line, out, DONE, self.index, |o| {
                call_item(o, &self.id, "completed", &self.call);
            });
        }
        if !is_said && !self.call.arguments.is_empty() {
            self.delta(&self.call.arguments, line, out);
        }
        let (kind, key) = match self.call.custom {
            true => ("response.custom_tool_call_input.done", "input"),
            false => ("response.function_call_arguments.done", "arguments"),
        };
        line.event(out, kind, |o| {
            o.string("item_id", &self.id);
            o.number("output_index", self.index as u64);
            if !self.call.custom {
                o.string("name", split_name(&self.call.name).1);
            }
            o.string(key, &self.call.arguments);
        });
        item(line, out, DONE, self.index, |o| {
            call_item(o, &self.id, "completed", &self.call);
        })
    }
}
