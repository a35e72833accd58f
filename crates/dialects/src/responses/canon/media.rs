//! Images, sounds and documents.

use domain::canon::{CacheMark, Loss, Media, MediaKind, Source};
use domain::refusal::Refusal;

use super::fields::{member, missing, object, optional, required, wrong};
use crate::json::{Node, Object};

/// Reads an `input_image`, `input_file` or `input_audio`.
pub(super) fn read(
    part: Node<'_>,
    kind: MediaKind,
    cache: Option<CacheMark>,
    path: &str,
) -> Result<Media, Refusal> {
    let (source, mime) = match kind {
        MediaKind::Image => image(part, path)?,
        MediaKind::Audio => audio(part, path)?,
        MediaKind::Video | MediaKind::Document => file(part, path)?,
    };
    Ok(Media {
        kind,
        source,
        mime,
        name: optional(part, "filename", path)?,
        context: None,
        detail: optional(part, "detail", path)?,
        citations: false,
        cache,
    })
}

type Found = (Source, Option<String>);

fn image(part: Node<'_>, path: &str) -> Result<Found, Refusal> {
    if let Some(url) = optional(part, "image_url", path)? {
        return located(url, &format!("{path}.image_url"));
    }
    let id = optional(part, "file_id", path)?;
    let what = "send the image's URL, or a `file_id`";
    let id = id.ok_or_else(|| missing(&format!("{path}.image_url"), what))?;
    Ok((Source::File(id), None))
}

fn file(part: Node<'_>, path: &str) -> Result<Found, Refusal> {
    if let Some(data) = optional(part, "file_data", path)? {
        if data.starts_with("data:") {
            return located(data, &format!("{path}.file_data"));
        }
        let name = optional(part, "filename", path)?.unwrap_or_default();
        return Ok((Source::Base64(data), mime_of(&name).map(str::to_owned)));
    }
    if let Some(url) = optional(part, "file_url", path)? {
        return located(url, &format!("{path}.file_url"));
    }
    let id = optional(part, "file_id", path)?;
    let what = "send `file_data`, `file_url` or `file_id`";
    let id = id.ok_or_else(|| missing(&format!("{path}.file_data"), what))?;
    Ok((Source::File(id), None))
}

fn audio(part: Node<'_>, path: &str) -> Result<Found, Refusal> {
    let path = &format!("{path}.input_audio");
    let audio = member(part, "input_audio");
    let audio = audio.ok_or_else(|| missing(path, "send `data` and `format`"))?;
    let audio = object(audio, path)?;
    let mime = match &*required(audio, "format", path)? {
        "mp3" => "audio/mpeg".to_owned(),
        other => format!("audio/{other}"),
    };
    Ok((Source::Base64(required(audio, "data", path)?), Some(mime)))
}

/// What a URL says: bytes, or where they are.
fn located(url: String, path: &str) -> Result<Found, Refusal> {
    let Some(data) = url.strip_prefix("data:") else {
        return Ok((Source::Url(url), None));
    };
    let expected = "a `data:` URL in base64, such as `data:image/png;base64,…`";
    let (head, bytes) = data.split_once(',').ok_or_else(|| wrong(path, expected))?;
    let head = head.strip_suffix(";base64");
    let head = head.ok_or_else(|| wrong(path, expected))?;
    let mime = head.split(';').next().filter(|mime| !mime.is_empty());
    Ok((Source::Base64(bytes.to_owned()), mime.map(str::to_owned)))
}

/// What a file's name says of its kind.
fn mime_of(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    Some(match &*ending.to_ascii_lowercase() {
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "md" => "text/markdown",
        "csv" => "text/csv",
        "html" => "text/html",
        "json" => "application/json",
        _ => return None,
    })
}

/// Why a medium cannot be sent, if it cannot.
pub(super) fn loss(media: &Media, field: &str) -> Option<Loss> {
    let why = match (media.kind, &media.source) {
        (MediaKind::Audio, _) => "Responses takes no audio",
        (MediaKind::Video, _) => "Responses takes no video",
        (MediaKind::Image, Source::Text(_)) => "an image is no text",
        _ => return None,
    };
    Some(Loss::meaning(field, why))
}

/// What is lost of a medium that is sent.
pub(super) fn partial_loss(media: &Media, field: &str) -> Option<Loss> {
    let why = "Responses does not cite documents that are sent";
    media
        .citations
        .then(|| Loss::meaning(format!("{field}.citations"), why))
}

/// Writes a medium that [`loss`] does not name; gives what of it lacks.
pub(super) fn write(out: &mut Object<'_>, media: &Media) {
    match (media.kind, &media.source) {
        (_, Source::Text(text)) => written_out(out, media, text),
        (MediaKind::Image, source) => {
            out.string("type", "input_image");
            match source {
                Source::File(id) => out.string("file_id", id),
                Source::Url(url) => out.string("image_url", url),
                Source::Base64(data) | Source::Text(data) => {
                    out.string("image_url", &data_url(media, data, "image/png"))
                }
            };
            out.string("detail", media.detail.as_deref().unwrap_or("auto"));
        }
        (_, source) => {
            out.string("type", "input_file");
            match source {
                Source::File(id) => out.string("file_id", id),
                Source::Url(url) => out.string("file_url", url),
                Source::Base64(data) | Source::Text(data) => {
                    out.string("filename", media.name.as_deref().unwrap_or(unnamed(media)));
                    out.string("file_data", &data_url(media, data, "application/pdf"))
                }
            };
            if let Some(detail) = &media.detail {
                out.string("detail", detail);
            }
        }
    }
}

/// A name for a file that has none: the provider goes by its ending.
fn unnamed(media: &Media) -> &'static str {
    match media.mime.as_deref() {
        Some("text/plain") => "document.txt",
        Some("text/markdown") => "document.md",
        Some("text/csv") => "document.csv",
        Some("text/html") => "document.html",
        Some("application/json") => "document.json",
        _ => "document.pdf",
    }
}

/// A document that is plain text goes as text, under its title.
fn written_out(out: &mut Object<'_>, media: &Media, text: &str) {
    let mut whole = String::new();
    for line in [&media.name, &media.context].into_iter().flatten() {
        whole.push_str(line);
        whole.push_str("\n\n");
    }
    whole.push_str(text);
    out.string("type", "input_text").string("text", &whole);
}

fn data_url(media: &Media, data: &str, usual: &str) -> String {
    let mime = media.mime.as_deref().unwrap_or(usual);
    format!("data:{mime};base64,{data}")
}

/// Reads a part's `prompt_cache_breakpoint`; one without a lifetime has the
/// request's.
pub(super) fn cache_mark(part: Node<'_>, usual: &str) -> Option<CacheMark> {
    let mark = member(part, "prompt_cache_breakpoint")?;
    let ttl = super::fields::loose(mark, "ttl");
    Some(CacheMark {
        ttl: Some(ttl.unwrap_or_else(|| usual.to_owned())),
    })
}

/// The member that says so, where the mark is one of `OpenAI`'s: only there
/// are such lifetimes. Not every model takes marks, and every one caches by
/// itself: those of others are left out.
pub(super) fn write_mark(out: &mut Object<'_>, mark: Option<&CacheMark>) {
    let ttl = mark.and_then(|mark| mark.ttl.as_deref());
    if let Some(ttl @ ("30m" | "12h")) = ttl {
        out.object("prompt_cache_breakpoint", |o| {
            o.string("mode", "explicit").string("ttl", ttl);
        });
    }
}

/// Whether a mark is of a kind that is not written.
pub(super) fn is_foreign(mark: Option<&CacheMark>) -> bool {
    let ttl = mark.map(|mark| mark.ttl.as_deref());
    ttl.is_some_and(|ttl| !matches!(ttl, Some("30m" | "12h")))
}
