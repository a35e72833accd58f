//! A provider's answers and streams, brought into the dialect's own form
//! before anybody looks at them.

mod content;
mod rest;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use domain::quirks::{Quirks, Shown};

use self::content::{entry, parts, rename, split};
use super::changes::{Changes, members};
use super::names::name;
use super::places::first;
use super::tags::Tags;
use crate::json::{Document, Kind, Node};
use crate::sse::Frame;
use crate::translate::Names;

/// Answers are nested at most this deeply.
const MAX_DEPTH: usize = 512;
/// More choices than any server gives, in one answer or in one event. Those
/// behind them stay as they came: what mending costs has a bound, whatever an
/// upstream repeats.
const MOST_CHOICES: usize = 1024;
/// More calls of tools than any server tells in one choice.
const MOST_CALLS: usize = 1024;
/// With so many changes in one event, the choices behind them stay as they
/// came.
const MOST_CHANGES: usize = 16 * 1024;

/// Mends the answer of one request. What needs nothing stays the same bytes.
#[derive(Debug)]
pub struct Mender {
    quirks: Arc<Quirks>,
    names: Names,
    /// Whether the client of a stream asked for usage.
    tells_usage: bool,
    /// What a chunk has in it if it needs anything; `None` if each must be
    /// looked at.
    needles: Option<Vec<String>>,
    choices: BTreeMap<u64, Choice>,
    has_begun: bool,
    /// What was used, until its own chunk is written.
    usage: Option<String>,
    /// The members that all chunks of the stream share.
    head: Option<Vec<(&'static str, String)>>,
}

#[derive(Debug, Default)]
struct Choice {
    has_begun: bool,
    tags: Option<Tags>,
}

/// What becomes of a chunk.
enum Told {
    AsItIs,
    Nothing,
    Edited(Bytes),
}

/// Where a choice stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    Answer,
    Stream,
}

impl Mender {
    /// For the answer to a request in which `names` were told otherwise;
    /// `None` if such an answer needs nothing.
    #[must_use]
    pub fn of(quirks: &Arc<Quirks>, names: Names) -> Option<Self> {
        let is_needed = !quirks.answer.is_plain() || !names.is_empty();
        is_needed.then(|| Self {
            needles: needles(quirks, &names),
            quirks: Arc::clone(quirks),
            names,
            tells_usage: false,
            choices: BTreeMap::new(),
            has_begun: false,
            usage: None,
            head: None,
        })
    }

    /// For a client that reads usage in a stream.
    #[must_use]
    pub fn telling_usage(mut self) -> Self {
        self.tells_usage = true;
        if self.quirks.answer.usage_in_own_chunk {
            self.needles = None;
        }
        self
    }

    /// A whole answer.
    #[must_use]
    pub fn whole(&mut self, body: Bytes) -> Bytes {
        let Ok(document) = Document::parse(body.clone(), MAX_DEPTH) else {
            return body;
        };
        let mut changes = Changes::default();
        let root = document.root();
        let choices = root.get("choices");
        let choices = choices.iter().flat_map(|it| it.items()).enumerate();
        for (at, choice) in choices.take(MOST_CHOICES) {
            self.choice(choice, at, In::Answer, &mut changes);
        }
        self.move_usage(root, &mut changes);
        let edits = changes.done();
        match edits.is_empty() {
            true => body,
            false => edits.apply(&body).concat().into(),
        }
    }

    /// The next frame of a stream.
    pub fn frame(&mut self, frame: Frame, out: &mut Vec<Frame>) {
        let Some(data) = &frame.data else {
            return out.push(frame);
        };
        if frame.is_end_mark() {
            self.last_chunks(out);
            return out.push(frame);
        }
        let is_needed = self.needles.as_ref().is_none_or(|needles| {
            let mut needles = needles.iter();
            needles.any(|needle| memchr::memmem::find(data, needle.as_bytes()).is_some())
        });
        if !is_needed && (self.has_begun || !self.quirks.answer.empty_first_chunks) {
            return out.push(frame);
        }
        match self.chunk(data) {
            Told::AsItIs => out.push(frame),
            Told::Nothing => {}
            Told::Edited(data) => out.push(framed(&data, frame.event)),
        }
    }

    /// The stream is over: what was held, and what was used, if no mark came
    /// before which they should have been told.
    pub fn finish(&mut self, out: &mut Vec<Frame>) {
        self.last_chunks(out);
    }

    fn chunk(&mut self, data: &Bytes) -> Told {
        let Ok(document) = Document::parse(data.clone(), MAX_DEPTH) else {
            return Told::AsItIs;
        };
        let root = document.root();
        if root.get("error").is_some_and(|error| !error.is_null()) {
            return Told::AsItIs;
        }
        let list = root.get("choices");
        let mut choices = list.iter().flat_map(|it| it.items()).enumerate().peekable();
        let is_bare = choices.peek().is_none();
        let used = self.used(root);
        if is_bare && used.is_none() && !self.has_begun && self.quirks.answer.empty_first_chunks {
            return Told::Nothing;
        }
        self.has_begun |= !is_bare;
        let mut changes = Changes::default();
        for (at, choice) in choices.take(MOST_CHOICES) {
            self.choice(choice, at, In::Stream, &mut changes);
        }
        self.remember_head(root);
        if self.tells_usage && self.quirks.answer.usage_in_own_chunk {
            self.remember_usage(used);
            if is_bare && used.is_some() {
                return Told::Nothing;
            }
            if let Some((key, _)) = entry(root, "usage") {
                changes.cut(root, key);
            }
        } else {
            self.move_usage(root, &mut changes);
        }
        let edits = changes.done();
        match edits.is_empty() {
            true => Told::AsItIs,
            false => Told::Edited(edits.apply(data).concat().into()),
        }
    }

    fn choice<'a>(&mut self, choice: Node<'a>, at: usize, place: In, changes: &mut Changes<'a>) {
        if changes.len() >= MOST_CHANGES {
            return;
        }
        let quirks = Arc::clone(&self.quirks);
        let reason = choice.get("finish_reason").filter(|it| !it.is_null());
        if let Some(said) = reason.and_then(Node::str) {
            let mut known = quirks.answer.finish_reasons.iter();
            let own = known.find(|(theirs, _)| *theirs == said);
            if let (Some(reason), Some((_, own))) = (reason, own) {
                changes.text(reason.span(), own);
            }
        }
        let key = match place {
            In::Answer => "message",
            In::Stream => "delta",
        };
        let index = choice.get("index").and_then(Node::u64).unwrap_or(at as u64);
        let Some(message) = choice.get(key).filter(|it| it.kind() == Kind::Object) else {
            if reason.is_some() && place == In::Stream {
                self.rest(choice, index, changes);
            }
            return;
        };
        let calls = message.get("tool_calls");
        let calls = calls.iter().flat_map(|it| it.items()).take(MOST_CALLS);
        for node in calls.filter_map(name) {
            if let Some(said) = node.str()
                && self.names.inward(&said) != said
            {
                changes.text(node.span(), self.names.inward(&said));
            }
        }
        if self.choices.len() >= MOST_CHOICES && !self.choices.contains_key(&index) {
            return;
        }
        let state = self.choices.entry(index).or_default();
        let mut more = Vec::new();
        let is_first = !std::mem::replace(&mut state.has_begun, true);
        if quirks.answer.missing_role && is_first && message.get("role").is_none() {
            more = members(|o| {
                o.string("role", "assistant");
            });
        }
        for shown in &quirks.answer.thoughts {
            match shown {
                Shown::Member(name) => rename(message, name, changes),
                Shown::Parts => parts(message, place, changes),
                Shown::Tags(open, close) => {
                    let tags = state.tags.get_or_insert_with(|| Tags::new(open, close));
                    let is_over = place == In::Answer || reason.is_some();
                    let rest = split(message, (tags, is_over), place, changes);
                    if !more.is_empty() && !rest.is_empty() {
                        more.push(b',');
                    }
                    more.extend(rest);
                }
            }
        }
        changes.insert(message, more);
    }

    /// What was used, wherever it stands.
    fn used<'a>(&self, root: Node<'a>) -> Option<Node<'a>> {
        let is_it = |node: &Node<'_>| node.kind() == Kind::Object;
        let own = root.get("usage").filter(is_it);
        let path = self.quirks.answer.usage_at.as_deref();
        own.or_else(|| first(root, path?).filter(is_it))
    }

    /// Tells what was used where clients look for it.
    fn move_usage<'a>(&self, root: Node<'a>, changes: &mut Changes<'a>) {
        let own = entry(root, "usage").map(|(_, value)| value);
        let Some(used) = self.used(root) else { return };
        match own {
            Some(own) if own.kind() == Kind::Object => {}
            Some(own) => changes.put(own.span(), Bytes::copy_from_slice(used.raw())),
            None => {
                let raw = String::from_utf8_lossy(used.raw());
                changes.insert(
                    root,
                    members(|o| {
                        o.raw("usage", &raw);
                    }),
                );
            }
        }
    }
}

/// What a chunk must have in it to need anything; `None` if that is not known
/// before it is read.
fn needles(quirks: &Quirks, names: &Names) -> Option<Vec<String>> {
    let answer = &quirks.answer;
    let mut needles = Vec::new();
    for shown in &answer.thoughts {
        match shown {
            Shown::Member(name) => needles.push(format!("\"{name}\"")),
            Shown::Parts => needles.push("\"type\"".to_owned()),
            Shown::Tags(..) => return None,
        }
    }
    if answer.missing_role {
        return None;
    }
    let reasons = answer.finish_reasons.iter();
    needles.extend(reasons.map(|(theirs, _)| format!("\"{theirs}\"")));
    needles.extend(answer.usage_at.iter().map(|_| "\"usage\"".to_owned()));
    if !names.is_empty() {
        needles.push("\"tool_calls\"".to_owned());
    }
    Some(needles)
}

/// A frame of this data. Line breaks in it can only be white space.
fn framed(data: &Bytes, event: Option<Bytes>) -> Frame {
    let mut bytes = BytesMut::with_capacity(data.len() + 16);
    if let Some(event) = &event {
        bytes.put_slice(b"event: ");
        bytes.put_slice(event);
        bytes.put_u8(b'\n');
    }
    bytes.put_slice(b"data: ");
    let start = bytes.len();
    for byte in data {
        bytes.put_u8(match byte {
            b'\n' | b'\r' => b' ',
            other => *other,
        });
    }
    let end = bytes.len();
    bytes.put_slice(b"\n\n");
    let bytes = bytes.freeze();
    Frame {
        data: Some(bytes.slice(start..end)),
        data_at: Some(start),
        event,
        bytes,
    }
}

#[cfg(test)]
mod tests;
