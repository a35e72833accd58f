//! The tap on a stream: what each frame is, what text it brings, and whether
//! it goes on as it is.
//!
//! Usage that the gateway asked for and the client did not is taken out again:
//! the chunk that brings nothing else, and the member in any other chunk.

use bytes::Bytes;
use domain::edit::Span;
use domain::usage::Usage;

use super::alike::{Alike, Learnt};
use super::answer::{finish_reason, is_error};
use super::delta::{Delta, Field, brings, index, read_choice};
use super::estimate::Estimate;
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
/// More choices than any server gives; what each did is looked up one by one.
const MOST_CHOICES: usize = 1024;

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
    /// The last chunk that others may be like.
    pub(super) alike: Option<Alike>,
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
            alike: None,
        }
    }

    /// Reads the next frame.
    pub fn read(&mut self, frame: &Frame) -> Facts {
        let Some(data) = &frame.data else {
            return plain(FrameClass::Comment);
        };
        if frame.event.is_none()
            && let Some(learnt) = self.alike.as_ref().and_then(|alike| alike.learn(data))
            && let Ok(text) = std::str::from_utf8(learnt.text.of(data))
        {
            return self.again(frame, text, learnt);
        }
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

    /// Reads a chunk that is like the one before but for its text.
    fn again(&mut self, frame: &Frame, text: &str, learnt: Learnt) -> Facts {
        let text = if learnt.escaped {
            crate::json::decode(text.as_bytes()).into_owned()
        } else {
            text.to_owned()
        };
        self.estimate.add(&text);
        let has_content = learnt.brings || !text.is_empty();
        Facts {
            class: if has_content {
                FrameClass::Content
            } else {
                FrameClass::Preamble
            },
            deltas: vec![Delta {
                choice: learnt.choice,
                field: learnt.field,
                text,
            }],
            pass: match learnt.cut {
                Some(cut) => Pass::Replace(frame.with(cut, b"")),
                None => Pass::Keep,
            },
        }
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
        let usage_value = usage.and_then(|(_, value)| read_usage(value));
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
        let mut span = None;
        for (at, choice) in choices
            .iter()
            .flat_map(|choices| choices.items())
            .enumerate()
        {
            let index = index(choice).unwrap_or(u32::try_from(at).unwrap_or(u32::MAX));
            if self.seen.len() > MOST_CHOICES {
                return plain(FrameClass::Malformed);
            }
            let finished = finish_reason(choice).is_some();
            has_finished |= finished;
            *self.ended(index) |= finished;
            span = read_choice(doc, choice, index, &mut deltas).or(span);
            has_content |= brings(choice);
        }
        let brings = has_content;
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
        let (pass, cut) = match usage {
            Some(_) if class == FrameClass::Usage && !self.keeps_usage => (Pass::Drop, None),
            Some((cut, _)) if !self.keeps_usage => (Pass::Replace(frame.with(cut, b"")), Some(cut)),
            _ => (Pass::Keep, None),
        };
        if let (Some(text), [delta]) = (span, &deltas[..])
            && !has_finished
            && usage_value.is_none()
            && delta.field != Field::Other
        {
            let padding = root.get("obfuscation");
            let padding = padding.filter(|node| node.kind() == Kind::String);
            let learnt = Learnt {
                choice: delta.choice,
                field: delta.field,
                text,
                escaped: false,
                padding: padding.map(Node::inner_span),
                cut,
                brings,
            };
            self.alike = Alike::remember(self.alike.take(), doc.bytes(), learnt);
        }
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

/// A frame that passes as it is, and brings no text.
fn plain(class: FrameClass) -> Facts {
    Facts {
        class,
        deltas: Vec::new(),
        pass: Pass::Keep,
    }
}

/// A member, with the comma that belongs to it, and its value.
fn member<'a>(root: Node<'a>, wanted: &str) -> Option<(Span, Node<'a>)> {
    let mut before = None;
    let mut entries = root.entries();
    while let Some((key, span, value)) = entries.next() {
        if key == wanted {
            // With the comma behind it; the last one with the comma before it.
            let (from, to) = match (entries.next(), before) {
                (Some((_, next, _)), _) => (span.start, next.start),
                (None, Some(end)) => (end, value.span().end),
                (None, None) => (span.start, value.span().end),
            };
            return Some((Span::new(from, to), value));
        }
        before = Some(value.span().end);
    }
    None
}
