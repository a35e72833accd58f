//! A whole answer, written for a client of this dialect.

use std::collections::BTreeSet;

use domain::canon::{Answer, Block, Choice, Dialect, Media, MediaKind, ToolCall, Unknown};

use super::citations::{self, Range};
use super::stop::{self, Form, Said};
use super::write_message::{arguments_of, write_called};
use super::{Head, ids, media, thoughts, write_usage};
use crate::json::{Object, object};

/// Writes a whole answer.
#[must_use]
pub fn write_answer(answer: &Answer, head: &Head<'_>) -> Vec<u8> {
    let id = if answer.id.is_empty() {
        head.id
    } else {
        &answer.id
    };
    object(|root| {
        root.string("id", id);
        root.string("object", "chat.completion");
        let created = answer.created.unwrap_or(head.created);
        root.raw("created", &created.to_string());
        root.string("model", model(&answer.model, head));
        root.array("choices", |choices| {
            for (index, choice) in answer.choices.iter().enumerate() {
                choices.object(|object| write_choice(object, (index, choice), id, head));
            }
        });
        if let Some(usage) = &answer.usage {
            root.object("usage", |object| write_usage::write(object, usage));
        }
        for member in answer.rest.iter().filter(|member| is_ours(member)) {
            root.raw(&member.name, member.raw.as_str());
        }
    })
}

/// The model that answered, or else the one that was asked.
pub(super) fn model<'a>(model: &'a str, head: &Head<'a>) -> &'a str {
    if model.is_empty() {
        &head.request.model
    } else {
        model
    }
}

/// Whether a member can be given back as it came.
pub(super) fn is_ours(member: &Unknown) -> bool {
    const WRITTEN: &[&str] = &[
        "id", "object", "created", "model", "choices", "usage", "error",
    ];
    member.dialect == Dialect::OpenAi && !WRITTEN.contains(&&*member.name)
}

fn write_choice(
    object: &mut Object<'_>,
    (index, choice): (usize, &Choice),
    answer: &str,
    head: &Head<'_>,
) {
    let form = Form::of(head.request);
    let said = Said::of(&choice.content);
    object.number("index", index as u64);
    object.object("message", |message| {
        message.string("role", "assistant");
        write_said(message, &choice.content, said);
        thoughts::write(message, &thoughts::among(&choice.content));
        let calls = choice.content.iter().filter_map(|block| match block {
            Block::ToolCall(call) => Some(call),
            _ => None,
        });
        let calls: Vec<&ToolCall> = calls.collect();
        match (calls.first(), form) {
            (None, _) => {}
            (Some(call), Form::One) => {
                message.object("function_call", |called| {
                    called.string("name", &call.name);
                    called.string("arguments", arguments_of(&call.arguments));
                });
            }
            (Some(_), Form::Several) => write_calls(message, &calls, index, answer),
        }
    });
    match &choice.logprobs {
        Some(logprobs) => object.raw("logprobs", logprobs.as_str()),
        None => object.null("logprobs"),
    };
    object.string(
        "finish_reason",
        stop::word(choice.stop.as_ref(), said, form),
    );
}

fn write_said(message: &mut Object<'_>, content: &[Block], said: Said) {
    let mut whole = String::new();
    let mut length = 0;
    let mut refusal: Option<String> = None;
    let mut cited: Vec<(&Unknown, Range)> = Vec::new();
    let mut audio = None;
    let mut images: Vec<&Media> = Vec::new();
    for block in content {
        match block {
            Block::Text {
                text, citations, ..
            } => {
                let mut piece = Range::at(length);
                piece.grow(text);
                length = piece.end;
                cited.extend(citations.iter().map(|citation| (citation, piece)));
                whole.push_str(text);
            }
            Block::Refusal(words) => refusal.get_or_insert_default().push_str(words),
            Block::Media(media) if media.kind == MediaKind::Image => images.push(media),
            Block::Unknown(unknown)
                if unknown.dialect == Dialect::OpenAi && unknown.name == "audio" =>
            {
                audio = Some(&unknown.raw);
            }
            _ => {}
        }
    }
    if whole.is_empty() && (said.call || said.refusal || audio.is_some()) {
        message.null("content");
    } else {
        message.string("content", &whole);
    }
    match &refusal {
        Some(words) => message.string("refusal", words),
        None => message.null("refusal"),
    };
    let notes = citations::list(|notes| {
        for (citation, piece) in cited {
            citations::write(notes, citation, piece);
        }
    });
    if let Some(notes) = notes {
        message.raw("annotations", &notes);
    }
    if let Some(audio) = audio {
        message.raw("audio", audio.as_str());
    }
    if !images.is_empty() {
        write_images(message, &images);
    }
}

/// Pictures that the model made, where clients of routers look for them.
fn write_images(message: &mut Object<'_>, images: &[&Media]) {
    message.array("images", |list| {
        for image in images {
            let Some(url) = media::image_url(image.mime.as_deref(), &image.source) else {
                continue;
            };
            list.object(|object| {
                object.string("type", "image_url");
                object.object("image_url", |object| {
                    object.string("url", &url);
                });
            });
        }
    });
}

fn write_calls(message: &mut Object<'_>, calls: &[&ToolCall], choice: usize, answer: &str) {
    let choice = u32::try_from(choice).unwrap_or(u32::MAX);
    let mut used = BTreeSet::new();
    message.array("tool_calls", |list| {
        for (nth, call) in calls.iter().enumerate() {
            list.object(|object| {
                let made = ids::made(answer, choice, nth);
                let is_own = !call.id.is_empty() && used.insert(call.id.as_str());
                object.string("id", if is_own { &call.id } else { &made });
                write_called(object, &call.name, &call.arguments, call.custom);
                thoughts::write_call_signature(object, call.signature.as_ref());
            });
        }
    });
}
