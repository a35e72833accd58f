//! Images and documents, read and written.

use domain::canon::{Loss, Media, MediaKind, Source};

use super::fields::{Read, cache, flag, needed, object, path, string, text};
use crate::json::{Node, Object};
use crate::translate::texts::{decoded, is_text};

/// Images that Claude looks at.
const IMAGES: &[&str] = &["image/jpeg", "image/png", "image/gif", "image/webp"];

/// Reads an image or a document; none if its source is of a kind that the
/// canonical form does not know.
pub(super) fn read(node: Node<'_>, kind: &str, at: &str) -> Read<Option<Media>> {
    let source = object(node, "source", at)?;
    let source_at = path(at, "source");
    let what = "say where its bytes are";
    let source = source.ok_or_else(|| super::fields::missing(&source_at, what))?;
    let mut mime = string(source, "media_type", &source_at)?;
    let found = match needed(source, "type", &source_at)?.as_str() {
        "base64" => Source::Base64(needed(source, "data", &source_at)?),
        "url" => {
            let url = needed(source, "url", &source_at)?;
            match url.strip_prefix("data:").and_then(data_url) {
                Some((of, data)) => {
                    mime = Some(of.to_owned());
                    Source::Base64(data.to_owned())
                }
                None => Source::Url(url),
            }
        }
        "file" => Source::File(needed(source, "file_id", &source_at)?),
        "text" => Source::Text(needed(source, "data", &source_at)?),
        _ => return Ok(None),
    };
    let citations = match object(node, "citations", at)? {
        Some(citations) => flag(citations, "enabled", &path(at, "citations"))?,
        None => None,
    };
    let kind = match kind {
        "image" => MediaKind::Image,
        _ => MediaKind::Document,
    };
    if mime.is_none() && kind == MediaKind::Document && matches!(found, Source::Url(_)) {
        mime = Some("application/pdf".to_owned());
    }
    Ok(Some(Media {
        kind,
        source: found,
        mime,
        name: string(node, "title", at)?,
        context: string(node, "context", at)?,
        detail: None,
        citations: citations.unwrap_or(false),
        cache: cache(node, at)?,
    }))
}

/// `image/png;base64,…` without its `data:`.
fn data_url(rest: &str) -> Option<(&str, &str)> {
    let (head, data) = rest.split_once(',')?;
    Some((head.strip_suffix(";base64")?, data))
}

/// Writes an image or a document; what Claude cannot see is a loss.
pub(super) fn write(media: &Media, at: &str, losses: &mut Vec<Loss>) -> Option<String> {
    let source = match media.kind {
        MediaKind::Image => image(media),
        MediaKind::Document => document(media),
        MediaKind::Audio => Err("Claude hears no sound".to_owned()),
        MediaKind::Video => Err("Claude sees no moving pictures".to_owned()),
    };
    let source = match source {
        Ok(source) => source,
        Err(why) => {
            losses.push(Loss::meaning(at, why));
            return None;
        }
    };
    if media
        .detail
        .as_deref()
        .is_some_and(|detail| detail != "auto")
    {
        losses.push(Loss::hint(
            format!("{at}.detail"),
            "Claude looks at every image alike",
        ));
    }
    let is_document = media.kind == MediaKind::Document;
    let block = crate::json::object(|o| {
        o.string("type", if is_document { "document" } else { "image" });
        o.raw("source", &source);
        if is_document {
            for (key, value) in [("title", &media.name), ("context", &media.context)] {
                if let Some(value) = value.as_deref().filter(|value| !value.trim().is_empty()) {
                    o.string(key, value);
                }
            }
            if media.citations {
                o.object("citations", |o| {
                    o.bool("enabled", true);
                });
            }
        }
        super::pieces::put_cache(o, media.cache.as_ref());
    });
    Some(text(block))
}

fn source(write: impl FnOnce(&mut Object<'_>)) -> String {
    text(crate::json::object(write))
}

fn image(media: &Media) -> Result<String, String> {
    match &media.source {
        Source::Base64(data) => {
            let said = media.mime.as_deref().map(plain);
            let mime = said.filter(|mime| IMAGES.contains(&mime.as_str()));
            let mime = mime.or_else(|| sniff(data).map(str::to_owned));
            let mime = mime.ok_or_else(|| {
                let mime = media.mime.as_deref().unwrap_or("image of an unknown kind");
                format!("Claude looks at JPEG, PNG, GIF and WebP, not at an {mime}")
            })?;
            Ok(base64_source(&mime, data))
        }
        Source::Url(url) => url_source(url),
        Source::File(id) => file_source(id),
        Source::Text(_) => Err("an image cannot be a text".to_owned()),
    }
}

fn document(media: &Media) -> Result<String, String> {
    let mime = media.mime.as_deref().map(plain);
    match &media.source {
        Source::Base64(data) => match mime.as_deref() {
            Some("application/pdf") => Ok(base64_source("application/pdf", data)),
            None if data.starts_with("JVBER") => Ok(base64_source("application/pdf", data)),
            Some(mime) if is_text(mime) => decoded(data)
                .map(|text| text_source(&text))
                .ok_or_else(|| "the document is no text in UTF-8".to_owned()),
            mime => {
                let mime = mime.unwrap_or("of an unknown kind");
                Err(format!("Claude reads PDF and text, not a document {mime}"))
            }
        },
        Source::Url(url) => match mime.as_deref() {
            None | Some("application/pdf") => url_source(url),
            Some(mime) => Err(format!("Claude fetches PDF by URL, not {mime}")),
        },
        Source::File(id) => file_source(id),
        Source::Text(text) if text.trim().is_empty() => Err("the document is empty".to_owned()),
        Source::Text(text) => Ok(text_source(text)),
    }
}

/// A MIME type without its parameters.
fn plain(mime: &str) -> String {
    let plain = mime.split(';').next().unwrap_or_default();
    let plain = plain.trim().to_ascii_lowercase();
    match plain.as_str() {
        "image/jpg" => "image/jpeg".to_owned(),
        _ => plain,
    }
}

fn base64_source(mime: &str, data: &str) -> String {
    source(|o| {
        o.string("type", "base64").string("media_type", mime);
        o.string("data", data);
    })
}

fn text_source(data: &str) -> String {
    source(|o| {
        o.string("type", "text").string("media_type", "text/plain");
        o.string("data", data);
    })
}

fn url_source(url: &str) -> Result<String, String> {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    if !scheme.is_some_and(|scheme| matches!(scheme, "https" | "http")) {
        return Err("Claude fetches https URLs alone".to_owned());
    }
    Ok(source(|o| {
        o.string("type", "url").string("url", url);
    }))
}

fn file_source(id: &str) -> Result<String, String> {
    // OpenAI's ids begin with `file-`, Gemini's with `files/` or are URLs.
    if !id.starts_with("file_") {
        return Err("the file lies with another provider".to_owned());
    }
    Ok(source(|o| {
        o.string("type", "file").string("file_id", id);
    }))
}

/// What an image is, by its first bytes.
fn sniff(data: &str) -> Option<&'static str> {
    let known = [
        ("/9j/", "image/jpeg"),
        ("iVBORw0KGgo", "image/png"),
        ("R0lGOD", "image/gif"),
        ("UklGR", "image/webp"),
    ];
    let found = known.into_iter().find(|(head, _)| data.starts_with(head));
    found.map(|(_, mime)| mime)
}
