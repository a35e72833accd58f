//! The items of an answer, as they stand in it and in its stream.

use domain::canon::{Json, Thinking, Unknown};

use super::super::emulated::Emulated;
use super::super::item::{Shown, is_own};
use super::super::{seal, tool};
use crate::json::{Document, Kind, Object};
use crate::translate::cited::{self, Extent, Page};

/// A part of a message.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Part {
    pub(in super::super) is_refusal: bool,
    pub(in super::super) text: String,
    /// Annotations, each as it is written.
    pub(in super::super) annotations: Vec<String>,
    /// Tokens with log probabilities: an array's items.
    pub(in super::super) tokens: String,
}

/// A call, with its arguments as they are written.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Call {
    pub(in super::super) id: String,
    pub(in super::super) name: String,
    pub(in super::super) arguments: String,
    pub(in super::super) custom: bool,
    /// What built-in tool of the client's it calls.
    pub(in super::super) emulated: Option<&'static Emulated>,
}

/// Writes a message.
pub(in super::super) fn message_item(o: &mut Object<'_>, id: &str, status: &str, parts: &[Part]) {
    o.string("id", id).string("type", "message");
    o.string("status", status).string("role", "assistant");
    o.array("content", |a| {
        for part in parts {
            a.object(|o| write_part(o, part));
        }
    });
}

/// Writes a part of it.
pub(in super::super) fn write_part(o: &mut Object<'_>, part: &Part) {
    if part.is_refusal {
        o.string("type", "refusal").string("refusal", &part.text);
        return;
    }
    o.string("type", "output_text").string("text", &part.text);
    o.array("annotations", |a| {
        for annotation in &part.annotations {
            a.raw(annotation);
        }
    });
    o.raw("logprobs", &format!("[{}]", part.tokens));
}

/// Writes a reasoning item.
pub(in super::super) fn reasoning_item(
    o: &mut Object<'_>,
    id: &str,
    thinking: &Thinking,
    shown: Shown,
) {
    o.string("id", id).string("type", "reasoning");
    thoughts(o, thinking, shown);
}

/// What a reasoning item holds: its text, as a summary or as it is, and what
/// proves it.
pub(in super::super) fn thoughts(o: &mut Object<'_>, thinking: &Thinking, shown: Shown) {
    let text = &thinking.text;
    o.array("summary", |a| {
        if shown == Shown::Summary && !text.is_empty() {
            a.object(|o| {
                o.string("type", "summary_text").string("text", text);
            });
        }
    });
    if shown == Shown::Content && !text.is_empty() {
        o.array("content", |a| {
            a.object(|o| {
                o.string("type", "reasoning_text").string("text", text);
            });
        });
    }
    if let Some(sealed) = seal::sealed(thinking) {
        o.string("encrypted_content", &sealed);
    }
}

/// Writes a call.
pub(in super::super) fn call_item(o: &mut Object<'_>, id: &str, status: &str, call: &Call) {
    let (kind, key) = match call.custom {
        true => ("custom_tool_call", "input"),
        false => ("function_call", "arguments"),
    };
    o.string("id", id);
    if let Some(it) = call.emulated {
        it.write_call(o, status, &call.id, &call.arguments);
        return;
    }
    o.string("type", kind).string("status", status);
    o.string("call_id", &call.id);
    tool::write_name(o, &call.name);
    o.string(key, &call.arguments);
}

impl Call {
    /// What the id of its item begins with.
    pub(in super::super) fn prefix(&self) -> &'static str {
        match (self.custom, self.emulated) {
            (_, Some(it)) => it.prefix(),
            (true, None) => "ctc",
            (false, None) => "fc",
        }
    }

    /// Completes the arguments: none are an empty object.
    pub(in super::super) fn completed(mut self) -> Self {
        if !self.custom && self.arguments.is_empty() {
            "{}".clone_into(&mut self.arguments);
        }
        self
    }
}

/// A citation as the annotations that it makes on a text.
pub(in super::super) fn annotations(citation: &Unknown, text: &str) -> Vec<String> {
    if is_own(citation) {
        return vec![citation.raw.as_str().to_owned()];
    }
    let pages = cited::pages(citation, Extent::of(text));
    pages.iter().map(|page| annotation(page, text)).collect()
}

fn annotation(page: &Page, text: &str) -> String {
    let whole = || (0, text.chars().count() as u64);
    let (start, end) = page.place.unwrap_or_else(whole);
    let title = page.title.as_deref().unwrap_or(&page.url);
    let written = crate::json::object(|o| {
        o.string("type", "url_citation").string("url", &page.url);
        o.string("title", title).number("start_index", start);
        o.number("end_index", end);
    });
    String::from_utf8_lossy(&written).into_owned()
}

/// The tokens of log probabilities in the shape of chat completions: the items
/// of an array.
pub(in super::super) fn tokens(logprobs: &Json) -> Option<String> {
    let bytes = logprobs.as_str().as_bytes().to_vec();
    let document = Document::parse(bytes.into(), 32).ok()?;
    let list = document.root().get("content")?;
    if list.kind() != Kind::Array {
        return None;
    }
    let inner = list.inner_span().of(document.bytes());
    let inner = String::from_utf8_lossy(inner).trim().to_owned();
    (!inner.is_empty()).then_some(inner)
}
