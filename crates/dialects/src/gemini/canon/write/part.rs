//! Writing the parts of a content.

use domain::canon::{Block, Media, Source, Thinking, ToolCall, ToolResult};

use super::super::{FREE_TEXT, MADE_ID, MAX_DEPTH, media as kinds, signature, text_of};
use super::Writing;
use super::turns::own;
use crate::json::{Document, Kind, Object, object};
use crate::translate::functions::UNREADABLE;

/// A text.
pub(in super::super) fn text(text: &str, signature: Option<&str>) -> String {
    text_of(object(|out| {
        out.string("text", text);
        sign(out, signature);
    }))
}

fn sign(out: &mut Object<'_>, signature: Option<&str>) {
    if let Some(signature) = signature {
        out.string("thoughtSignature", signature);
    }
}

/// A thought, unless another model thought it or there is nothing in it.
pub(in super::super) fn thought(thinking: &Thinking) -> Option<String> {
    let signature = own(thinking.signature.as_ref());
    let is_foreign = thinking.signature.is_some() && signature.is_none();
    let is_empty = thinking.text.is_empty() && signature.is_none();
    if is_foreign || is_empty || thinking.redacted {
        return None;
    }
    Some(text_of(object(|out| {
        out.string("text", &thinking.text).bool("thought", true);
        sign(out, signature);
    })))
}

/// A call; Google demands an object. `missing` is what stands where it has no
/// signature of Google's.
pub(super) fn call(
    writing: &mut Writing<'_>,
    field: &str,
    call: &ToolCall,
    missing: Option<&str>,
) -> String {
    let signature = own(call.signature.as_ref());
    let signature = signature.or(missing);
    let args = arguments(call);
    if args.is_none() {
        let why = "the arguments are no JSON object: they stand in one";
        writing.hint(format!("{field}.arguments"), why);
    }
    let args = args.unwrap_or_else(|| wrapped(UNREADABLE, &call.arguments));
    let name = writing.name(&call.name);
    text_of(object(|out| {
        out.object("functionCall", |out| {
            identify(out, &call.id);
            out.string("name", &name).raw("args", &args);
        });
        sign(out, signature);
    }))
}

fn identify(out: &mut Object<'_>, id: &str) {
    if !id.is_empty() && !id.starts_with(MADE_ID) {
        out.string("id", id);
    }
}

/// The arguments as an object; none if they are not one.
pub(in super::super) fn arguments(call: &ToolCall) -> Option<String> {
    if call.custom {
        return Some(wrapped(FREE_TEXT, &call.arguments));
    }
    match call.arguments.trim_ascii() {
        "" => Some("{}".to_owned()),
        text => is_object(text).then(|| text.to_owned()),
    }
}

/// A text as the only member of an object.
pub(in super::super) fn wrapped(key: &str, text: &str) -> String {
    text_of(object(|out| {
        out.string(key, text);
    }))
}

fn is_object(text: &str) -> bool {
    if !text.starts_with('{') {
        return false;
    }
    let bytes = text.as_bytes().to_vec();
    Document::parse(bytes.into(), MAX_DEPTH).is_ok_and(|doc| doc.root().kind() == Kind::Object)
}

/// What a tool said: its texts as one, and its media.
pub(super) fn said(result: &ToolResult) -> (String, Vec<&Media>) {
    let mut texts = Vec::new();
    let mut media = Vec::new();
    for block in &result.content {
        match block {
            Block::Media(medium) => match &medium.source {
                Source::Text(text) => texts.push(text.as_str()),
                _ => media.push(medium),
            },
            Block::Text { text, .. } | Block::Refusal(text) => texts.push(text),
            Block::Unknown(unknown) => texts.push(unknown.raw.as_str()),
            Block::Thinking(_) | Block::ToolCall(_) | Block::ToolResult(_) => {}
        }
    }
    (texts.join("\n"), media)
}

/// A result, and parts that stand beside it because they cannot stand in it.
pub(super) fn result(
    writing: &mut Writing<'_>,
    field: &str,
    call: &ToolCall,
    result: &ToolResult,
) -> (String, Vec<String>) {
    let (text, media) = said(result);
    let response = match (result.is_error == Some(true), is_object(text.trim_ascii())) {
        (true, true) => format!("{{\"error\":{}}}", text.trim_ascii()),
        (true, false) => wrapped("error", &text),
        (false, true) => text.trim_ascii().to_owned(),
        (false, false) if text.is_empty() && !media.is_empty() => "{}".to_owned(),
        (false, false) => wrapped("output", &text),
    };
    let mut within = Vec::new();
    let mut beside = Vec::new();
    for medium in media {
        let is_inline = matches!(medium.source, Source::Base64(_));
        let place = match is_inline && writing.target.traits.media_in_results {
            true => &mut within,
            false => &mut beside,
        };
        place.extend(self::media(writing, field, medium));
    }
    let name = writing.name(&call.name);
    let part = text_of(object(|out| {
        out.object("functionResponse", |out| {
            identify(out, &call.id);
            out.string("name", &name).raw("response", &response);
            if !within.is_empty() {
                super::list(out, "parts", &within);
            }
        });
    }));
    (part, beside)
}

/// The answer to a call that nobody answered.
pub(super) fn unanswered(writing: &Writing<'_>, call: &ToolCall) -> String {
    let name = writing.name(&call.name);
    text_of(object(|out| {
        out.object("functionResponse", |out| {
            identify(out, &call.id);
            out.string("name", &name);
            out.object("response", |out| {
                out.string("error", "The call was not answered.");
            });
        });
    }))
}

/// An image, a sound, a document.
pub(super) fn media(writing: &mut Writing<'_>, field: &str, media: &Media) -> Option<String> {
    let detail = media.detail.as_deref().unwrap_or("auto");
    if detail != "auto" {
        writing.hint(
            format!("{field}.detail"),
            "Gemini decides how closely it looks",
        );
    }
    if media.name.is_some() || media.context.is_some() {
        let why = "Gemini is not told what a file is called";
        writing.hint(format!("{field}.name"), why);
    }
    if media.citations {
        writing.hint(format!("{field}.citations"), "Gemini does not cite files");
    }
    let part = part_of(media);
    if part.is_none() {
        writing.meaning(field, "the file lies with another provider");
    }
    part
}

/// The part that a medium is; none if it lies with another provider.
pub(in super::super) fn part_of(media: &Media) -> Option<String> {
    let mime = kinds::mime(media);
    match &media.source {
        Source::Text(said) => Some(text(said, None)),
        Source::Base64(data) => Some(text_of(object(|out| {
            out.object("inlineData", |out| {
                out.string("mimeType", mime).string("data", data);
            });
        }))),
        Source::File(uri) if !kinds::is_own(uri) => None,
        Source::Url(uri) | Source::File(uri) => Some(text_of(object(|out| {
            out.object("fileData", |out| {
                out.string("mimeType", mime).string("fileUri", uri);
            });
        }))),
    }
}

/// A thought, shown to a client; whoever thought it. Only Google's own
/// signatures go along: what comes back is taken for one of Google's.
pub(in super::super) fn shown(thinking: &Thinking) -> Option<String> {
    let signature = signature::outward(thinking);
    if thinking.text.is_empty() && signature.is_none() {
        return None;
    }
    Some(text_of(object(|out| {
        out.string("text", &thinking.text).bool("thought", true);
        sign(out, signature.as_deref());
    })))
}

/// A call, shown to a client.
pub(in super::super) fn made(call: &ToolCall) -> String {
    let args = arguments(call).unwrap_or_else(|| wrapped(UNREADABLE, &call.arguments));
    text_of(object(|out| {
        out.object("functionCall", |out| {
            identify(out, &call.id);
            out.string("name", &call.name).raw("args", &args);
        });
        sign(out, own(call.signature.as_ref()));
    }))
}
