//! An answer for a client.

use domain::canon::{
    Answer, Block, Choice, Media, MediaKind, Request, Source, Stop, Thinking, Unknown,
};
use domain::usage::Usage;

use super::super::item::{Shown, is_own, is_part};
use super::super::{Head, emulated, ids, usage};
use super::echo::{Echo, is_background};
use super::items::{Call, Part, annotations, call_item, message_item, reasoning_item, tokens};
use super::read::Seen;
use crate::json::{Object, object};

/// Writes an answer.
#[must_use]
pub fn write_answer(answer: &Answer, head: &Head<'_>) -> Vec<u8> {
    let is_told = is_background(head.request);
    let (given, created) = match is_told {
        true => ("", None),
        false => (answer.id.as_str(), answer.created),
    };
    let id = ids::answer(given, head.id);
    let nothing = Choice::default();
    let choice = answer.choices.first().unwrap_or(&nothing);
    let end = end_of(choice.stop.as_ref(), Seen::of(&choice.content));
    let output = output(choice, head, &id, &end);
    let body = Body {
        id: &id,
        model: model_of(&answer.model, head),
        created: created.unwrap_or(head.created),
        end,
        output: &output,
        usage: answer.usage.as_ref(),
        echo: &Echo::of(head.request),
    };
    object(|o| {
        write_body(o, &body);
        for member in answer.rest.iter().filter(|member| is_member(member)) {
            o.raw(&member.name, member.raw.as_str());
        }
    })
}

/// The answer before anybody is asked for it, and its id.
#[must_use]
pub fn write_queued(head: &Head<'_>) -> (String, Vec<u8>) {
    let id = ids::answer("", head.id);
    let body = Body {
        id: &id,
        model: &head.request.model,
        created: head.created,
        end: End::plain("queued"),
        output: &[],
        usage: None,
        echo: &Echo::of(head.request),
    };
    let written = object(|o| write_body(o, &body));
    (id, written)
}

/// Whether it is a member of a response, and not one of its events.
pub(in super::super) fn is_member(unknown: &Unknown) -> bool {
    is_own(unknown) && !unknown.name.contains('.')
}

fn model_of<'a>(model: &'a str, head: &Head<'a>) -> &'a str {
    if model.is_empty() {
        &head.request.model
    } else {
        model
    }
}

/// How a response ends, or that it goes on.
#[derive(Clone, Debug)]
pub(in super::super) struct End {
    /// `completed`, `incomplete`, `failed`, `in_progress`, `queued`.
    pub(in super::super) status: &'static str,
    /// Why it is incomplete.
    pub(in super::super) reason: Option<String>,
    /// The error's code and sentence.
    pub(in super::super) error: Option<(String, String)>,
}

impl End {
    /// Without a reason.
    pub(in super::super) fn plain(status: &'static str) -> Self {
        Self {
            status,
            reason: None,
            error: None,
        }
    }

    /// What the item is that it cut.
    pub(in super::super) fn of_last_item(&self) -> &'static str {
        if self.status == "completed" {
            "completed"
        } else {
            "incomplete"
        }
    }
}

/// How a response with this stop ends.
pub(in super::super) fn end_of(stop: Option<&Stop>, seen: Seen) -> End {
    let incomplete = |reason: &str| End {
        reason: Some(reason.to_owned()),
        ..End::plain("incomplete")
    };
    match stop {
        Some(Stop::Length | Stop::ContextFull) => incomplete("max_output_tokens"),
        Some(Stop::Filtered) => incomplete("content_filter"),
        // A refusal without words would look like an answer.
        Some(Stop::Refused) if seen.refusals == 0 => incomplete("content_filter"),
        Some(Stop::Other(reason)) if matches!(reason.as_str(), "max_messages" | "steered") => {
            incomplete(reason)
        }
        _ => End::plain("completed"),
    }
}

/// A response, ready to be written.
#[derive(Debug)]
pub(in super::super) struct Body<'a> {
    pub(in super::super) id: &'a str,
    pub(in super::super) model: &'a str,
    pub(in super::super) created: i64,
    pub(in super::super) end: End,
    /// Its items, each written.
    pub(in super::super) output: &'a [Vec<u8>],
    pub(in super::super) usage: Option<&'a Usage>,
    pub(in super::super) echo: &'a Echo,
}

/// Writes the members of a response.
pub(in super::super) fn write_body(o: &mut Object<'_>, body: &Body<'_>) {
    o.string("id", body.id).string("object", "response");
    o.raw("created_at", &body.created.to_string());
    o.string("status", body.end.status);
    match &body.end.error {
        Some((code, message)) => o.object("error", |o| {
            o.string("code", code).string("message", message);
        }),
        None => o.null("error"),
    };
    match &body.end.reason {
        Some(reason) => o.object("incomplete_details", |o| {
            o.string("reason", reason);
        }),
        None => o.null("incomplete_details"),
    };
    o.string("model", body.model);
    o.array("output", |a| {
        for item in body.output {
            a.raw(&String::from_utf8_lossy(item));
        }
    });
    match body.usage {
        Some(used) => o.object("usage", |o| usage::write(o, used)),
        None => o.null("usage"),
    };
    for (name, value) in &body.echo.members {
        o.raw(name, value);
    }
}

/// The items of an answer. Texts that follow one another are one message.
fn output(choice: &Choice, head: &Head<'_>, id: &str, end: &End) -> Vec<Vec<u8>> {
    let mut items = Vec::new();
    let mut parts: Vec<Part> = Vec::new();
    let mut logprobs = choice.logprobs.as_ref().and_then(tokens);
    for block in &choice.content {
        match block {
            Block::Text {
                text, citations, ..
            } => {
                let annotations = citations.iter().flat_map(|it| annotations(it, text));
                parts.push(Part {
                    is_refusal: false,
                    text: text.clone(),
                    annotations: annotations.collect(),
                    tokens: logprobs.take().unwrap_or_default(),
                });
            }
            Block::Refusal(text) => parts.push(Part {
                is_refusal: true,
                text: text.clone(),
                ..Part::default()
            }),
            _ => {
                message(&mut items, &mut parts, id, "completed");
                items.extend(other(block, head, id, items.len()));
            }
        }
    }
    message(&mut items, &mut parts, id, end.of_last_item());
    items
}

/// Ends the message that is being gathered.
fn message(items: &mut Vec<Vec<u8>>, parts: &mut Vec<Part>, id: &str, status: &str) {
    if parts.is_empty() {
        return;
    }
    let parts = std::mem::take(parts);
    let id = ids::item("msg", id, items.len());
    items.push(object(|o| message_item(o, &id, status, &parts)));
}

/// The item of a block that is no part of a message.
fn other(block: &Block, head: &Head<'_>, id: &str, number: usize) -> Option<Vec<u8>> {
    match block {
        Block::Thinking(thinking) => {
            let given = thinking.id.as_ref().filter(|id| id.starts_with("rs_"));
            let id = given.map_or_else(|| ids::reasoning(id, number), Clone::clone);
            let shown = shown(thinking, Wish::of(head.request));
            Some(object(|o| reasoning_item(o, &id, thinking, shown)))
        }
        Block::ToolCall(call) => {
            let it = Call {
                id: call.id.clone(),
                name: call.name.clone(),
                arguments: call.arguments.clone(),
                custom: call.custom,
                emulated: emulated::of(head.request, &call.name),
            };
            let it = it.completed();
            let id = ids::item(it.prefix(), id, number);
            Some(object(|o| call_item(o, &id, "completed", &it)))
        }
        Block::Unknown(unknown) if is_own(unknown) && !is_part(unknown) => {
            Some(unknown.raw.as_str().as_bytes().to_vec())
        }
        Block::Media(Media {
            kind: MediaKind::Image,
            source: Source::Base64(data),
            ..
        }) => Some(object(|o| {
            o.string("id", &ids::item("ig", id, number));
            o.string("type", "image_generation_call");
            o.string("status", "completed").string("result", data);
        })),
        _ => None,
    }
}

/// What the client asked for of thoughts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Wish {
    /// A summary.
    Summary,
    /// It did not say.
    Unsaid,
}

impl Wish {
    /// Of this request.
    pub(in super::super) fn of(request: &Request) -> Self {
        let reasoning = request.reasoning.as_ref();
        let summary = reasoning.and_then(|reasoning| reasoning.summary.as_deref());
        match summary.is_some_and(|summary| summary != "none") {
            true => Self::Summary,
            false => Self::Unsaid,
        }
    }
}

/// Where a thought is said. Most clients look for thoughts in the summary
/// alone: those of other providers go there. Those of this dialect, which have
/// ids, stay where they were unless the client asked for a summary.
pub(in super::super) fn shown(thinking: &Thinking, wish: Wish) -> Shown {
    match (wish, &thinking.id) {
        (Wish::Unsaid, Some(_)) => Shown::of(thinking),
        _ => Shown::Summary,
    }
}
