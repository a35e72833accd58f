//! Images, sounds, films and documents: what kind, of what type, from where.

use domain::canon::{Media, MediaKind, Source};

use super::fields::{member, string};
use crate::json::Node;

/// A medium whose bytes stand in the part (`inlineData`).
pub(super) fn inline(data: Node<'_>) -> Option<Media> {
    let bytes = string(data, "data")?;
    let mime = string(data, "mimeType");
    let kind = kind(mime.as_deref(), "");
    let name = string(data, "displayName");
    Some(media(kind, Source::Base64(standard(&bytes)), mime, name))
}

/// A medium that lies elsewhere (`fileData`).
pub(super) fn file(data: Node<'_>) -> Option<Media> {
    let uri = string(data, "fileUri")?;
    let mime = string(data, "mimeType");
    let kind = kind(mime.as_deref(), &uri);
    let name = string(data, "displayName");
    let source = match is_own(&uri) {
        true => Source::File(uri),
        false => Source::Url(uri),
    };
    Some(media(kind, source, mime, name))
}

/// Whichever of the two a part is.
pub(super) fn of_part(part: Node<'_>) -> Option<Media> {
    let inline = member(part, "inlineData").and_then(self::inline);
    inline.or_else(|| member(part, "fileData").and_then(file))
}

fn media(kind: MediaKind, source: Source, mime: Option<String>, name: Option<String>) -> Media {
    Media {
        kind,
        source,
        mime,
        name,
        context: None,
        detail: None,
        citations: false,
        cache: None,
    }
}

/// Whether Google itself holds the file.
pub(super) fn is_own(uri: &str) -> bool {
    let is_api = uri.starts_with("https://") && uri.contains("googleapis.com/");
    is_api || uri.starts_with("gs://") || uri.starts_with("files/")
}

/// Whether what lies at a URL has to come as bytes: Google fetches from itself
/// and from `YouTube`.
pub(crate) fn wants_bytes(media: &Media) -> bool {
    let Source::Url(uri) = &media.source else {
        return false;
    };
    let is_seen = matches!(media.kind, MediaKind::Image | MediaKind::Document);
    is_seen && !is_own(uri) && !is_film(uri)
}

fn is_film(uri: &str) -> bool {
    let mut hosts = ["youtube.com/", "youtu.be/"].iter();
    hosts.any(|at| uri.contains(at))
}

fn kind(mime: Option<&str>, uri: &str) -> MediaKind {
    let guessed = by_ending(uri);
    let is_film = is_film(uri);
    let mime = mime.unwrap_or(if is_film { "video/mp4" } else { guessed });
    match mime.split('/').next().unwrap_or_default() {
        "image" => MediaKind::Image,
        "audio" => MediaKind::Audio,
        "video" => MediaKind::Video,
        _ => MediaKind::Document,
    }
}

/// The type that is written: Google demands one beside bytes.
pub(super) fn mime(media: &Media) -> &str {
    if let Some(mime) = &media.mime {
        return mime;
    }
    let known = match &media.source {
        Source::Base64(data) => by_beginning(data),
        Source::Url(uri) | Source::File(uri) => by_ending(uri),
        Source::Text(_) => "text/plain",
    };
    match (known, media.kind) {
        ("", MediaKind::Image) => "image/jpeg",
        ("", MediaKind::Audio) => "audio/mp3",
        ("", MediaKind::Video) => "video/mp4",
        ("", MediaKind::Document) => "application/pdf",
        (known, _) => known,
    }
}

/// What base64 begins with, by type.
fn by_beginning(data: &str) -> &'static str {
    const KNOWN: &[(&str, &str)] = &[
        ("iVBORw0K", "image/png"),
        ("/9j/", "image/jpeg"),
        ("R0lGOD", "image/gif"),
        ("JVBERi", "application/pdf"),
        ("SUQz", "audio/mp3"),
        ("T2dnUw", "audio/ogg"),
        ("ZkxhQw", "audio/flac"),
    ];
    let known = KNOWN.iter().find(|(begin, _)| data.starts_with(begin));
    match known {
        Some((_, mime)) => mime,
        // A RIFF file says behind eight bytes what it is.
        None if data.starts_with("UklGR") && data.get(10..16) == Some("XRUJQV") => "image/webp",
        None if data.starts_with("UklGR") && data.contains("V0FWR") => "audio/wav",
        None if data.starts_with("UklGR") => "image/webp",
        None => "",
    }
}

fn by_ending(uri: &str) -> &'static str {
    const KNOWN: &[(&str, &str)] = &[
        ("png", "image/png"),
        ("jpg", "image/jpeg"),
        ("jpeg", "image/jpeg"),
        ("gif", "image/gif"),
        ("webp", "image/webp"),
        ("heic", "image/heic"),
        ("pdf", "application/pdf"),
        ("txt", "text/plain"),
        ("mp3", "audio/mp3"),
        ("wav", "audio/wav"),
        ("flac", "audio/flac"),
        ("ogg", "audio/ogg"),
        ("mp4", "video/mp4"),
        ("webm", "video/webm"),
        ("mov", "video/quicktime"),
    ];
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit(['.', '/']).next().unwrap_or_default();
    let known = KNOWN
        .iter()
        .find(|(known, _)| ending.eq_ignore_ascii_case(known));
    known.map_or("", |(_, mime)| mime)
}

/// The standard alphabet, padded: protocol buffers also take the one for URLs.
fn standard(data: &str) -> String {
    let mut out = data.replace('-', "+").replace('_', "/");
    while !out.len().is_multiple_of(4) {
        out.push('=');
    }
    out
}
