//! Whole answers: read as a stream of one frame, and written.

use bytes::Bytes;
use domain::canon::{
    Answer, Block, Choice, Chunk, Dialect, Fault, Fold, Media, Request, Stop, Unknown,
};
use domain::usage::Usage;

use super::fields::member;
use super::write::part;
use super::{Head, MAX_DEPTH, logprobs, media, stops, text_of, usage};
use crate::json::{Document, Kind, Object, object};
use crate::translate::Names;
use crate::translate::cited::{self, Extent, Page};

use super::reader::StreamReader;

/// Reads a provider's whole answer; none if it is no answer of this dialect, or
/// if the model failed to give one.
#[must_use]
pub fn read_answer(document: &Document, names: &Names) -> Option<Answer> {
    folded(chunks(document, StreamReader::new(names.clone()))?)
}

/// Reads an answer for a client of this dialect, who reads itself why it ended; none
/// if it is empty.
#[must_use]
pub fn read_as_said(document: &Document, names: &Names) -> Option<Answer> {
    folded(chunks(document, StreamReader::as_said(names.clone()))?)
}

fn folded(chunks: Vec<Chunk>) -> Option<Answer> {
    if matches!(chunks.last(), Some(Chunk::Error(_))) {
        return None;
    }
    let mut fold = Fold::default();
    chunks.iter().for_each(|chunk| fold.push(chunk));
    let mut answer = fold.finish();
    for choice in &mut answer.choices {
        choice.content.iter_mut().for_each(show);
    }
    Some(answer)
}

/// Why the model gave no answer, in what is otherwise one.
#[must_use]
pub fn read_failure(document: &Document) -> Option<(Fault, Option<Usage>)> {
    let mut chunks = chunks(document, StreamReader::new(Names::default()))?;
    let Chunk::Error(fault) = chunks.pop()? else {
        return None;
    };
    let used = chunks.iter().rev().find_map(|chunk| match chunk {
        Chunk::Usage(usage) => Some(*usage),
        _ => None,
    });
    Some((fault, used))
}

/// An answer as a stream; none if it is none of this dialect.
fn chunks(document: &Document, mut reader: StreamReader) -> Option<Vec<Chunk>> {
    let root = document.root();
    let is_there = |key: &&str| member(root, key).is_some();
    let mut marks = ["candidates", "promptFeedback", "usageMetadata"].iter();
    if root.kind() != Kind::Object || is_there(&"error") || !marks.any(is_there) {
        return None;
    }
    let mut chunks = Vec::new();
    reader.take(root, &mut chunks).ok()?;
    reader.finish(&mut chunks);
    Some(chunks)
}

/// A picture or a sound that the model made. (In streams it stays as it came:
/// chunks do not know media.)
fn show(block: &mut Block) {
    let Block::Unknown(unknown) = &block else {
        return;
    };
    if !matches!(unknown.name.as_str(), "inlineData" | "fileData") {
        return;
    }
    let bytes = Bytes::copy_from_slice(unknown.raw.as_str().as_bytes());
    let Ok(document) = Document::parse(bytes, MAX_DEPTH) else {
        return;
    };
    // A signed picture goes back to its model as it is.
    let is_plain = document.root().entries().count() == 1;
    let medium = media::of_part(document.root()).filter(|_| is_plain);
    if let Some(medium) = medium {
        *block = Block::Media(medium);
    }
}

/// Writes an answer for the client.
#[must_use]
pub fn write_answer(answer: &Answer, head: &Head<'_>) -> Vec<u8> {
    object(|out| {
        if !is_blocked(answer) {
            out.array("candidates", |list| {
                for (at, choice) in answer.choices.iter().enumerate() {
                    list.object(|out| put_choice(out, at, choice, answer, head));
                }
            });
        }
        let model = or(&answer.model, &head.request.model);
        let id = or(&answer.id, head.id);
        put_tail(out, answer.usage.as_ref(), &answer.rest, (model, id));
    })
}

/// The first, or the second where the first is empty.
pub(super) fn or<'a>(first: &'a str, second: &'a str) -> &'a str {
    if first.is_empty() { second } else { first }
}

/// Whether the prompt was blocked: then there are no candidates.
fn is_blocked(answer: &Answer) -> bool {
    let is_empty = |choice: &Choice| choice.content.is_empty();
    answer.choices.iter().all(is_empty) && blocks(&answer.rest)
}

/// Whether `promptFeedback` says that the prompt was blocked.
pub(super) fn blocks(rest: &[Unknown]) -> bool {
    let mut feedback = rest_of(rest, "").into_iter();
    feedback.any(|(name, unknown)| {
        let raw = unknown.raw.as_str();
        let says = raw.contains("\"blockReason\"") || raw.contains("\"block_reason\"");
        name == "promptFeedback" && says
    })
}

fn put_choice(out: &mut Object<'_>, at: usize, choice: &Choice, answer: &Answer, head: &Head<'_>) {
    let thoughts = Thoughts::of(head.request);
    let parts = choice
        .content
        .iter()
        .filter_map(|block| part_of(block, thoughts));
    let mut parts: Vec<_> = parts.collect();
    let is_cut = matches!(choice.stop, Some(Stop::Filtered | Stop::Refused));
    if parts.is_empty() && !is_cut {
        // Google's SDKs take an answer without parts for a broken one.
        parts.push(part::text("", None));
    }
    out.object("content", |out| {
        if !parts.is_empty() {
            out.array("parts", |list| {
                for part in &parts {
                    list.raw(part);
                }
            });
        }
        out.string("role", "model");
    });
    let citations = choice.content.iter().flat_map(|block| match block {
        Block::Text { citations, .. } => citations.as_slice(),
        _ => &[],
    });
    put_citations(out, &citations.collect::<Vec<_>>());
    if let Some(result) = choice.logprobs.as_ref().and_then(logprobs::write) {
        out.raw("logprobsResult", &result);
    }
    put_end(out, at, choice.stop.as_ref(), &answer.rest);
}

/// Whether the client sees thoughts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thoughts {
    Shown,
    Hidden,
}

impl Thoughts {
    /// They are shown to who asked for them: nobody else gets them from
    /// Google, and old clients would take them for the answer.
    pub(super) fn of(request: &Request) -> Self {
        let reasoning = request.reasoning.as_ref();
        let summary = reasoning.and_then(|reasoning| reasoning.summary.as_deref());
        match summary {
            None | Some("none") => Self::Hidden,
            Some(_) => Self::Shown,
        }
    }
}

/// A block as a part; none if there is nothing to show.
fn part_of(block: &Block, thoughts: Thoughts) -> Option<String> {
    match block {
        Block::Text {
            text, signature, ..
        } => {
            let signature = signature.as_ref();
            let signature = signature.filter(|signature| signature.family == Dialect::Gemini);
            let signature = signature.map(|signature| signature.value.as_str());
            let is_empty = text.is_empty() && signature.is_none();
            (!is_empty).then(|| part::text(text, signature))
        }
        Block::Refusal(text) => (!text.is_empty()).then(|| part::text(text, None)),
        Block::Thinking(thinking) if thoughts == Thoughts::Shown => part::shown(thinking),
        Block::ToolCall(call) => Some(part::made(call)),
        Block::Media(media) => part::part_of(media),
        Block::Unknown(unknown) if unknown.dialect == Dialect::Gemini => {
            Some(unknown.raw.as_str().to_owned())
        }
        Block::Thinking(_) | Block::ToolResult(_) | Block::Unknown(_) => None,
    }
}

/// Whether a client sees a medium that the model made.
pub(crate) fn shows(media: &Media) -> bool {
    part::part_of(media).is_some()
}

/// Citations of texts: Google has them beside the content.
pub(super) fn put_citations(out: &mut Object<'_>, citations: &[&Unknown]) {
    let is_own = |citation: &&&Unknown| citation.dialect == Dialect::Gemini;
    let grounding = citations.iter().filter(is_own);
    let mut grounding = grounding.filter(|citation| citation.name == "groundingMetadata");
    if let Some(grounding) = grounding.next_back() {
        out.raw("groundingMetadata", grounding.raw.as_str());
    }
    let list: Vec<_> = citations.iter().flat_map(|one| citation(one)).collect();
    if list.is_empty() {
        return;
    }
    out.object("citationMetadata", |out| {
        out.array("citations", |array| {
            for citation in &list {
                array.raw(citation);
            }
        });
    });
}

/// A citation as Google writes it; of others' the pages that it names.
fn citation(unknown: &Unknown) -> Vec<String> {
    if unknown.dialect == Dialect::Gemini {
        let own = (unknown.name == "citation").then(|| unknown.raw.as_str().to_owned());
        return own.into_iter().collect();
    }
    let pages = cited::pages(unknown, Extent::default());
    pages.iter().map(cite).collect()
}

fn cite(page: &Page) -> String {
    text_of(object(|out| {
        if let Some((start, end)) = page.place {
            out.number("startIndex", start).number("endIndex", end);
        }
        out.string("uri", &page.url);
        if let Some(title) = &page.title {
            out.string("title", title);
        }
    }))
}

/// Why a candidate ends, which it is, and what else was kept of it.
pub(super) fn put_end(out: &mut Object<'_>, at: usize, stop: Option<&Stop>, rest: &[Unknown]) {
    let prefix = format!("candidates[{at}].");
    let rest = rest_of(rest, &prefix);
    let is_told = rest.iter().any(|(name, _)| *name == "finishReason");
    if let Some(stop) = stop.filter(|_| !is_told) {
        out.string("finishReason", stops::write(stop));
    }
    out.number("index", at as u64);
    for (name, unknown) in rest {
        out.raw(name, unknown.raw.as_str());
    }
}

/// What stands behind the candidates. `of` is the model, and the answer's id.
pub(super) fn put_tail(
    out: &mut Object<'_>,
    usage: Option<&Usage>,
    rest: &[Unknown],
    of: (&str, &str),
) {
    if let Some(usage) = usage {
        let rest = rest_of(rest, "usageMetadata.");
        out.object("usageMetadata", |out| usage::write(usage, &rest, out));
    }
    let (model, id) = of;
    out.string("modelVersion", model).string("responseId", id);
    for (name, unknown) in rest_of(rest, "") {
        out.raw(name, unknown.raw.as_str());
    }
}

/// What was kept of this dialect's members below `prefix`, by their names
/// there; of those that stand twice the last.
fn rest_of<'a>(rest: &'a [Unknown], prefix: &str) -> Vec<(&'a str, &'a Unknown)> {
    let mut out: Vec<(&str, &Unknown)> = Vec::new();
    for unknown in rest {
        let name = unknown.name.strip_prefix(prefix);
        let name = name.filter(|name| !name.contains('.'));
        let Some(name) = name.filter(|_| unknown.dialect == Dialect::Gemini) else {
            continue;
        };
        out.retain(|(known, _)| *known != name);
        out.push((name, unknown));
    }
    out
}
