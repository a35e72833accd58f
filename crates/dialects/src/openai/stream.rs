//! The tap on a stream: what each frame is, what text it brings, and whether
//! it goes on as it is.
//!
//! Usage that the gateway asked for and the client did not is taken out again:
//! the chunk that brings nothing else, and the member in any other chunk.

use bytes::{BufMut, Bytes, BytesMut};
use domain::edit::Span;
use domain::usage::Usage;

use super::answer::{finish_reason, is_error};
use super::estimate::Estimate;
use super::rooms::Room;
use super::texts::{Place, collect, decode};
use super::usage::read_usage;
use crate::Operation;
use crate::json::{Document, Kind, Node};
use crate::sse::Frame;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameClass {
    /// No data: a comment, a ping, blank lines.
    Comment,
    /// A chunk that brings nothing yet: the role, empty content, no choices.
    Preamble,
    /// A chunk that brings text, a refusal, reasoning, a tool call or sound.
    Content,
    /// A chunk in which a choice says why it ended.
    Finish,
    /// A chunk that brings usage and nothing else.
    Usage,
    /// `[DONE]`
    Done,
    /// The upstream says that it failed.
    Error,
    /// The data is not a JSON object.
    Malformed,
}

/// The field that a piece of text belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// The answer.
    Content,
    /// The model's refusal.
    Refusal,
    /// Its reasoning, where it is shown.
    Reasoning,
    /// The arguments of the tool call with this index.
    Arguments(u32),
    /// The text of a completion.
    Text,
    /// Text in a field that has no name of its own here.
    Other,
}

/// A piece of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// Which choice.
    pub choice: u32,
    /// Which of its fields.
    pub field: Field,
    /// The piece, decoded.
    pub text: String,
}

/// Whether the frame goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pass {
    /// As it is.
    Keep,
    /// Not at all.
    Drop,
    /// With these bytes instead.
    Replace(Bytes),
}

/// What a frame is and brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What it is.
    pub class: FrameClass,
    /// The pieces of text in it.
    pub deltas: Vec<Delta>,
    /// Whether it goes on.
    pub pass: Pass,
}

/// Chunks are nested at most this deeply; anything deeper is malformed.
const MAX_DEPTH: usize = 128;

/// Reads a stream frame by frame, and sums up.
#[derive(Clone, Debug)]
pub struct Tap {
    op: Operation,
    /// Which choices were seen, and whether each of them ended.
    seen: Vec<(u32, bool)>,
    expected: usize,
    keeps_usage: bool,
    usage: Option<Usage>,
    model: Option<String>,
    is_done: bool,
    estimate: Estimate,
}

impl Tap {
    /// A tap on a stream of `choices` answers.
    #[must_use]
    #[expect(clippy::fn_params_excessive_bools, reason = "the client's own flag")]
    pub fn new(op: Operation, choices: u32, client_wants_usage: bool) -> Self {
        Self {
            op,
            seen: Vec::new(),
            expected: choices.max(1) as usize,
            keeps_usage: client_wants_usage,
            usage: None,
            model: None,
            is_done: false,
            estimate: Estimate::default(),
        }
    }

    /// Reads the next frame.
    pub fn read(&mut self, frame: &Frame) -> Facts {
        let plain = |class| Facts {
            class,
            deltas: Vec::new(),
            pass: Pass::Keep,
        };
        let Some(data) = &frame.data else {
            return plain(FrameClass::Comment);
        };
        let text = data.trim_ascii();
        if frame.is_end_mark() {
            self.is_done = true;
            return plain(FrameClass::Done);
        }
        if text.is_empty() {
            return plain(FrameClass::Comment);
        }
        let is_error_event = frame.event.as_deref() == Some(b"error");
        let doc = match Document::parse(data.clone(), MAX_DEPTH) {
            Ok(doc) if doc.root().kind() == Kind::Object => doc,
            _ if is_error_event => return plain(FrameClass::Error),
            _ => return plain(FrameClass::Malformed),
        };
        let root = doc.root();
        if is_error_event || is_error(root) {
            return plain(FrameClass::Error);
        }
        self.chunk(frame, &doc)
    }

    fn chunk(&mut self, frame: &Frame, doc: &Document) -> Facts {
        let root = doc.root();
        let has_usage = memchr::memmem::find(doc.bytes(), b"\"usage\"").is_some()
            || doc.bytes().contains(&b'\\');
        let usage = if has_usage {
            member(root, "usage")
        } else {
            None
        };
        let usage_value = usage.and_then(|(_, _, value)| read_usage(value));
        if usage_value.is_some() {
            self.usage = usage_value;
        }
        if self.model.is_none() {
            let model = root.get("model").and_then(Node::str);
            self.model = model.filter(|model| !model.is_empty()).map(Into::into);
        }
        let choices = root
            .get("choices")
            .filter(|node| node.kind() == Kind::Array);
        let mut deltas = Vec::new();
        let mut has_finished = false;
        let mut has_content = false;
        for (at, choice) in choices
            .iter()
            .flat_map(|choices| choices.items())
            .enumerate()
        {
            let index = index(choice).unwrap_or(u32::try_from(at).unwrap_or(u32::MAX));
            let finished = finish_reason(choice).is_some();
            has_finished |= finished;
            *self.ended(index) |= finished;
            read_choice(doc, choice, index, &mut deltas);
            has_content |= brings(choice);
        }
        for delta in &deltas {
            self.estimate.add(&delta.text);
        }
        has_content |= deltas.iter().any(|delta| !delta.text.is_empty());
        let is_bare = choices.is_none_or(|choices| choices.items().next().is_none());
        let class = match () {
            () if has_finished => FrameClass::Finish,
            () if has_content => FrameClass::Content,
            () if is_bare && usage_value.is_some() => FrameClass::Usage,
            () => FrameClass::Preamble,
        };
        let pass = match usage {
            Some(_) if class == FrameClass::Usage && !self.keeps_usage => Pass::Drop,
            Some((before, own, _)) if !self.keeps_usage => {
                Pass::Replace(without(frame, doc, before, own))
            }
            _ => Pass::Keep,
        };
        Facts {
            class,
            deltas,
            pass,
        }
    }

    /// The note on whether this choice ended; made when it is first seen.
    fn ended(&mut self, choice: u32) -> &mut bool {
        let known = self.seen.iter().position(|(index, _)| *index == choice);
        let at = known.unwrap_or_else(|| {
            self.seen.push((choice, false));
            self.seen.len() - 1
        });
        &mut self.seen[at].1
    }

    /// The last usage that came.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Whether all end marks came: `[DONE]`, and every choice that began
    /// ended. There may be fewer than were asked for: some servers know no
    /// `n`, and what they send is whole all the same.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.is_done && !self.seen.is_empty() && self.seen.iter().all(|(_, finished)| *finished)
    }

    /// Whether every choice that was asked for said why it ended.
    #[must_use]
    pub fn finish_seen(&self) -> bool {
        self.seen.len() >= self.expected && self.seen.iter().all(|(_, finished)| *finished)
    }

    /// The model that answers, by the provider's own name.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// The operation whose stream this is.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.op
    }

    /// Answer tokens, estimated from the text that passed.
    #[must_use]
    pub fn estimated_completion(&self) -> u64 {
        self.estimate.tokens()
    }
}

fn index(node: Node<'_>) -> Option<u32> {
    node.get("index")
        .and_then(Node::u64)
        .and_then(|at| u32::try_from(at).ok())
}

/// A member, with the comma that belongs to it: (from, to, value).
fn member<'a>(root: Node<'a>, wanted: &str) -> Option<(u32, u32, Node<'a>)> {
    let mut before = None;
    let mut entries = root.entries();
    while let Some((key, span, value)) = entries.next() {
        if key == wanted {
            // With the comma behind it; the last one with the comma before it.
            return Some(match (entries.next(), before) {
                (Some((_, next, _)), _) => (span.start, next.start, value),
                (None, Some(end)) => (end, value.span().end, value),
                (None, None) => (span.start, value.span().end, value),
            });
        }
        before = Some(value.span().end);
    }
    None
}

/// The frame without these bytes of its data.
fn without(frame: &Frame, doc: &Document, from: u32, to: u32) -> Bytes {
    let data = doc.bytes();
    let cut = Span::new(from, to);
    if let Some(at) = frame.data_at {
        let mut out = BytesMut::with_capacity(frame.bytes.len());
        out.put_slice(&frame.bytes[..at + cut.start as usize]);
        out.put_slice(&frame.bytes[at + cut.end as usize..]);
        return out.freeze();
    }
    // Several data lines: written anew, line by line.
    let mut out = BytesMut::with_capacity(frame.bytes.len());
    if let Some(event) = &frame.event {
        out.put_slice(b"event: ");
        out.put_slice(event);
        out.put_u8(b'\n');
    }
    let kept = [&data[..cut.start as usize], &data[cut.end as usize..]].concat();
    for line in kept.split(|byte| *byte == b'\n') {
        out.put_slice(b"data: ");
        out.put_slice(line);
        out.put_u8(b'\n');
    }
    out.put_u8(b'\n');
    out.freeze()
}

/// Whether a choice brings something that is no text: a call, a sound.
fn brings(choice: Node<'_>) -> bool {
    let Some(delta) = choice.get("delta") else {
        return false;
    };
    ["tool_calls", "function_call", "audio"].iter().any(|key| {
        delta.get(key).is_some_and(|value| match value.kind() {
            Kind::Array => value.items().next().is_some(),
            kind => kind == Kind::Object,
        })
    })
}

/// The pieces of text of one choice: the fields that have a name, then, since
/// text is the default, every other string.
fn read_choice(doc: &Document, choice: Node<'_>, index_of: u32, out: &mut Vec<Delta>) {
    let mut named: Vec<(Span, Field)> = Vec::new();
    let mut name = |node: Option<Node<'_>>, field| {
        if let Some(node) = node.filter(|node| node.kind() == Kind::String) {
            named.push((node.inner_span(), field));
        }
    };
    name(choice.get("text"), Field::Text);
    if let Some(delta) = choice.get("delta") {
        name(delta.get("content"), Field::Content);
        name(delta.get("refusal"), Field::Refusal);
        name(delta.get("reasoning_content"), Field::Reasoning);
        name(delta.get("reasoning"), Field::Reasoning);
        let old = delta
            .get("function_call")
            .and_then(|call| call.get("arguments"));
        name(old, Field::Arguments(0));
        for (at, call) in delta
            .get("tool_calls")
            .iter()
            .flat_map(|c| c.items())
            .enumerate()
        {
            let at = index(call).unwrap_or(u32::try_from(at).unwrap_or(u32::MAX));
            let arguments = call.get("function").and_then(|f| f.get("arguments"));
            name(arguments, Field::Arguments(at));
        }
    }
    for text in collect(choice, Room::Choice, Place::Assistant) {
        let field = named.iter().find(|(span, _)| *span == text.span);
        out.push(Delta {
            choice: index_of,
            field: field.map_or(Field::Other, |(_, field)| *field),
            text: decode(doc, &text).into_owned(),
        });
    }
}
