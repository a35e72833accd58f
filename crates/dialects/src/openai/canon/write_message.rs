//! One message, written.

use std::borrow::Cow;

use domain::canon::{Block, CacheMark, Dialect, Json, Media, MediaKind, Source};

use super::media;
use super::plan::Line;
use crate::json::{Array, Object};
use crate::translate::Target;

/// The longest name of a speaker that `OpenAI` takes.
const LONGEST_NAME: usize = 64;

/// A piece of a message, as it will be written.
#[derive(Debug)]
pub(super) enum Part<'a> {
    Text {
        text: Cow<'a, str>,
        cache: Option<&'a CacheMark>,
    },
    Image {
        url: String,
        media: &'a Media,
    },
    Sound {
        data: &'a str,
        format: &'static str,
        media: &'a Media,
    },
    FileData {
        data: String,
        media: &'a Media,
    },
    FileId {
        id: &'a str,
        media: &'a Media,
    },
    Raw(&'a Json),
}

impl<'a> Part<'a> {
    pub(super) fn text(text: &'a str) -> Self {
        let (text, cache) = (Cow::Borrowed(text), None);
        Self::Text { text, cache }
    }

    pub(super) fn owned(text: String) -> Self {
        let (text, cache) = (Cow::Owned(text), None);
        Self::Text { text, cache }
    }

    /// Where the prompt cache may end.
    pub(super) fn cache(&self) -> Option<&'a CacheMark> {
        match self {
            Self::Text { cache, .. } => *cache,
            Self::Image { media, .. }
            | Self::Sound { media, .. }
            | Self::FileData { media, .. }
            | Self::FileId { media, .. } => media.cache.as_ref(),
            Self::Raw(_) => None,
        }
    }
}

/// A block as a part of a message; or why it cannot be one.
pub(super) fn part(block: &Block) -> Result<Part<'_>, &'static str> {
    match block {
        Block::Text { text, cache, .. } => Ok(Part::Text {
            text: Cow::Borrowed(text),
            cache: cache.as_ref(),
        }),
        Block::Refusal(text) => Ok(Part::text(text)),
        Block::Media(media) => medium(media),
        Block::Unknown(unknown) if unknown.dialect == Dialect::OpenAi => {
            Ok(Part::Raw(&unknown.raw))
        }
        Block::Unknown(_) => Err("OpenAI has nothing of this kind"),
        Block::Thinking(_) | Block::ToolCall(_) | Block::ToolResult(_) => {
            Err("it cannot stand here")
        }
    }
}

fn medium(media: &Media) -> Result<Part<'_>, &'static str> {
    match (media.kind, &media.source) {
        (_, Source::Text(text)) => Ok(Part::Text {
            text: media::document_text(media, text),
            cache: media.cache.as_ref(),
        }),
        (MediaKind::Image, source) => match media::image_url(media.mime.as_deref(), source) {
            Some(url) => Ok(Part::Image { url, media }),
            None => Err("OpenAI takes images by URL or in base64"),
        },
        (MediaKind::Audio, Source::Base64(data)) => {
            match media::sound_format(media.mime.as_deref()) {
                Some(format) => Ok(Part::Sound {
                    data,
                    format,
                    media,
                }),
                None => Err("OpenAI takes sounds as WAV or MP3"),
            }
        }
        (MediaKind::Audio, _) => Err("OpenAI takes sounds in base64"),
        (MediaKind::Video, _) => Err("OpenAI takes no videos"),
        (MediaKind::Document, Source::Base64(data)) => {
            let mime = media.mime.as_deref().unwrap_or("application/pdf");
            let data = media::data_url(mime, data);
            Ok(Part::FileData { data, media })
        }
        (MediaKind::Document, Source::File(id)) if is_file_id(id) => Ok(Part::FileId { id, media }),
        (MediaKind::Document, Source::File(_)) => Err("the file lies with another provider"),
        (MediaKind::Document, Source::Url(_)) => {
            Err("OpenAI takes documents in base64 or by a file's id")
        }
    }
}

/// Whether an id can be this provider's: Anthropic's begin with `file_`, and
/// Gemini's are paths.
fn is_file_id(id: &str) -> bool {
    !id.starts_with("file_") && !id.contains('/')
}

/// What the written form of a block leaves out without anybody missing it: the
/// member's name, and why.
pub(super) fn unsaid(block: &Block) -> Option<(&'static str, &'static str)> {
    const SIGNED: (&str, &str) = ("signature", "it is of use to another provider only");
    match block {
        Block::Thinking(thinking) if super::thoughts::is_marked(thinking) => Some(SIGNED),
        Block::Text {
            signature: Some(_), ..
        } => Some(SIGNED),
        Block::ToolCall(call) if call.signature.is_some() => Some(SIGNED),
        Block::Text { citations, .. } if !citations.is_empty() => {
            Some(("citations", "OpenAI takes no citations back"))
        }
        Block::Media(media) if media.citations => {
            Some(("citations", "OpenAI does not cite documents"))
        }
        Block::Media(media)
            if media.context.is_some() && !matches!(media.source, Source::Text(_)) =>
        {
            Some((
                "context",
                "OpenAI takes nothing about a document beside its name",
            ))
        }
        _ => None,
    }
}

/// What the writing of messages depends on.
#[derive(Clone, Copy)]
pub(super) struct Manner<'a> {
    pub(super) target: &'a Target<'a>,
    /// Whether marks of the prompt cache are written.
    pub(super) has_marks: bool,
    /// The field in which thoughts are sent back.
    pub(super) thoughts: Option<&'a str>,
}

/// Writes a message.
pub(super) fn write(messages: &mut Array<'_>, line: &Line<'_>, manner: Manner<'_>) {
    messages.object(|message| {
        message.string("role", line.role);
        if let Some(call) = &line.call {
            message.string("tool_call_id", call);
        }
        if let Some(name) = line.name.filter(|name| is_name(name)) {
            message.string("name", name);
        }
        write_content(message, line, manner);
        if let Some(audio) = line.audio {
            message.raw("audio", audio.as_str());
        }
        if let Some(field) = manner.thoughts.filter(|_| !line.thoughts.is_empty()) {
            message.string(field, &line.thoughts);
        }
        if !line.calls.is_empty() {
            message.array("tool_calls", |calls| {
                write_calls(calls, line, manner.target)
            });
        }
    });
}

/// Whether a speaker's name is one that `OpenAI` takes.
pub(super) fn is_name(name: &str) -> bool {
    let is_bad =
        |letter: char| letter.is_whitespace() || matches!(letter, '<' | '|' | '\\' | '/' | '>');
    !name.is_empty() && name.len() <= LONGEST_NAME && !name.contains(is_bad)
}

fn write_content(message: &mut Object<'_>, line: &Line<'_>, manner: Manner<'_>) {
    let has_refusal = !line.refusal.is_empty();
    match line.parts.as_slice() {
        [] if has_refusal => {
            message.null("content").string("refusal", &line.refusal);
        }
        [] if !line.calls.is_empty() || line.audio.is_some() => {
            message.null("content");
        }
        [] => {
            message.string("content", "");
        }
        [Part::Text { text, cache }] if !has_refusal && (cache.is_none() || !manner.has_marks) => {
            message.string("content", text);
        }
        parts => {
            message.array("content", |content| {
                for part in parts {
                    match part {
                        Part::Raw(json) => content.raw(json.as_str()),
                        _ => content.object(|object| write_part(object, part, manner)),
                    };
                }
                if has_refusal {
                    content.object(|object| {
                        object
                            .string("type", "refusal")
                            .string("refusal", &line.refusal);
                    });
                }
            });
        }
    }
}

fn write_part(object: &mut Object<'_>, part: &Part<'_>, manner: Manner<'_>) {
    match part {
        Part::Text { text, .. } => {
            object.string("type", "text").string("text", text);
        }
        Part::Image { url, media } => {
            object.string("type", "image_url");
            object.object("image_url", |image| {
                image.string("url", url);
                if let Some(detail) = &media.detail {
                    image.string("detail", detail);
                }
            });
        }
        Part::Sound { data, format, .. } => {
            object.string("type", "input_audio");
            object.object("input_audio", |sound| {
                sound.string("data", data).string("format", format);
            });
        }
        Part::FileData { data, media } => {
            object.string("type", "file");
            object.object("file", |file| {
                let name = media.name.as_deref();
                file.string("filename", name.unwrap_or("document.pdf"));
                file.string("file_data", data);
            });
        }
        Part::FileId { id, .. } => {
            object.string("type", "file");
            object.object("file", |file| {
                file.string("file_id", id);
            });
        }
        // Written as it is, by the list.
        Part::Raw(_) => return,
    }
    if manner.has_marks && part.cache().is_some() {
        object.object("prompt_cache_breakpoint", |mark| {
            mark.string("mode", "explicit");
        });
    }
}

fn write_calls(calls: &mut Array<'_>, line: &Line<'_>, target: &Target<'_>) {
    for (call, id) in &line.calls {
        calls.object(|object| {
            object.string("id", id);
            let name = target.names.outward(&call.name);
            write_called(object, name, &call.arguments, call.custom);
        });
    }
}

/// Writes what a call says, in a request and in an answer.
#[expect(clippy::fn_params_excessive_bools, reason = "the call's own flag")]
pub(super) fn write_called(object: &mut Object<'_>, name: &str, arguments: &str, custom: bool) {
    if custom {
        object.string("type", "custom");
        object.object("custom", |custom| {
            custom.string("name", name).string("input", arguments);
        });
        return;
    }
    object.string("type", "function");
    object.object("function", |function| {
        function.string("name", name);
        function.string("arguments", arguments_of(arguments));
    });
}

/// A function's arguments, which clients read as JSON.
pub(super) fn arguments_of(arguments: &str) -> &str {
    match arguments.trim() {
        "" => "{}",
        _ => arguments,
    }
}
