//! Images, sounds, films and documents, written.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::canon::{Media, MediaKind, Source};

use crate::json::Object;

/// A medium as Bedrock has it.
#[derive(Debug)]
pub(super) struct Medium<'a> {
    /// The block's name: `image`, `document` …
    pub(super) kind: &'static str,
    /// `png`, `pdf` …
    pub(super) format: &'static str,
    /// Where its bytes are.
    from: From<'a>,
}

#[derive(Debug)]
enum From<'a> {
    /// Here, in base64.
    Bytes(std::borrow::Cow<'a, str>),
    /// In S3.
    S3(&'a str),
}

const IMAGES: &[(&str, &str)] = &[
    ("image/png", "png"),
    ("image/jpeg", "jpeg"),
    ("image/jpg", "jpeg"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
];
const DOCUMENTS: &[(&str, &str)] = &[
    ("application/pdf", "pdf"),
    ("text/csv", "csv"),
    ("application/msword", "doc"),
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "docx",
    ),
    ("application/vnd.ms-excel", "xls"),
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
    ),
    ("text/html", "html"),
    ("text/markdown", "md"),
    ("text/x-markdown", "md"),
    ("application/json", "txt"),
    ("application/xml", "txt"),
    ("application/yaml", "txt"),
    ("application/x-yaml", "txt"),
];
const VIDEOS: &[(&str, &str)] = &[
    ("video/mp4", "mp4"),
    ("video/quicktime", "mov"),
    ("video/x-matroska", "mkv"),
    ("video/webm", "webm"),
    ("video/x-flv", "flv"),
    ("video/mpeg", "mpeg"),
    ("video/x-ms-wmv", "wmv"),
    ("video/3gpp", "three_gp"),
];
const SOUNDS: &[(&str, &str)] = &[
    ("audio/mpeg", "mp3"),
    ("audio/mp3", "mp3"),
    ("audio/wav", "wav"),
    ("audio/x-wav", "wav"),
    ("audio/wave", "wav"),
    ("audio/opus", "opus"),
    ("audio/aac", "aac"),
    ("audio/flac", "flac"),
    ("audio/ogg", "ogg"),
    ("audio/mp4", "mp4"),
    ("audio/x-m4a", "m4a"),
    ("audio/webm", "webm"),
    ("audio/pcm", "pcm"),
];

/// What images and documents begin with, in base64.
const HEADS: &[(&str, &str)] = &[
    ("iVBORw0KGgo", "png"),
    ("/9j/", "jpeg"),
    ("R0lGOD", "gif"),
    ("UklGR", "webp"),
    ("JVBER", "pdf"),
];

impl<'a> Medium<'a> {
    /// Of a medium of the conversation.
    ///
    /// # Errors
    /// Why Bedrock cannot have it.
    pub(super) fn of(media: &'a Media) -> Result<Self, String> {
        let (kind, known) = match media.kind {
            MediaKind::Image => ("image", IMAGES),
            MediaKind::Document => ("document", DOCUMENTS),
            MediaKind::Video => ("video", VIDEOS),
            MediaKind::Audio => ("audio", SOUNDS),
        };
        let from = match &media.source {
            Source::Base64(data) if STANDARD.decode(data).is_ok_and(|it| !it.is_empty()) => {
                From::Bytes(data.as_str().into())
            }
            Source::Base64(_) => return Err("its bytes are no base64".to_owned()),
            Source::Url(uri) | Source::File(uri) if uri.starts_with("s3://") => From::S3(uri),
            Source::Url(_) => return Err("Bedrock fetches nothing but from S3".to_owned()),
            Source::File(_) => return Err("the file lies with another provider".to_owned()),
            Source::Text(text) if text.trim().is_empty() || kind != "document" => {
                return Err("there is nothing to look at".to_owned());
            }
            Source::Text(text) => From::Bytes(STANDARD.encode(text).into()),
        };
        let format = match &media.source {
            Source::Text(_) => Some("txt"),
            _ => None,
        };
        let format = format
            .or_else(|| by_mime(media.mime.as_deref()?, known))
            .or_else(|| by_head(&from, kind))
            .ok_or_else(|| {
                let mime = media.mime.as_deref().unwrap_or("something unknown");
                format!("Bedrock takes no {kind} of {mime}")
            })?;
        Ok(Self { kind, format, from })
    }

    /// Writes `format` and `source`.
    pub(super) fn put(&self, o: &mut Object<'_>) {
        o.string("format", self.format);
        o.object("source", |o| match &self.from {
            From::Bytes(data) => {
                o.string("bytes", data);
            }
            From::S3(uri) => {
                o.object("s3Location", |o| {
                    o.string("uri", uri);
                });
            }
        });
    }
}

fn by_mime(mime: &str, known: &[(&str, &'static str)]) -> Option<&'static str> {
    let plain = mime.split(';').next().unwrap_or_default();
    let plain = plain.trim().to_ascii_lowercase();
    let found = known.iter().find(|(name, _)| *name == plain);
    let is_text = plain.starts_with("text/") && known.iter().any(|(name, _)| *name == "text/csv");
    found
        .map(|(_, format)| *format)
        .or(is_text.then_some("txt"))
}

fn by_head(from: &From<'_>, kind: &str) -> Option<&'static str> {
    let From::Bytes(data) = from else {
        return None;
    };
    let found = HEADS.iter().find(|(head, _)| data.starts_with(head));
    let is_fitting = |format: &&str| (*format == "pdf") == (kind == "document");
    found
        .map(|(_, format)| *format)
        .filter(is_fitting)
        .filter(|_| matches!(kind, "image" | "document"))
}

/// A document's name in the letters that Bedrock takes.
pub(super) fn name(said: Option<&str>) -> String {
    let said = said.unwrap_or_default();
    // The extension says what `format` says; a dot is not taken.
    let stem = said.rsplit_once('.').map_or(said, |(stem, _)| stem);
    let letter = |letter: char| match letter {
        letter if letter.is_ascii_alphanumeric() => letter,
        '-' | '(' | ')' | '[' | ']' => letter,
        letter if letter.is_whitespace() => ' ',
        _ => '-',
    };
    let clean: String = stem.chars().map(letter).take(180).collect();
    let words: Vec<&str> = clean.split_whitespace().collect();
    match words.is_empty() {
        true => "document".to_owned(),
        false => words.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn names_are_in_letters_that_bedrock_takes() {
        assert_eq!(name(None), "document");
        assert_eq!(name(Some("notes.txt")), "notes");
        assert_eq!(name(Some("a  b\t(1) [x]_é.pdf")), "a b (1) [x]--");
        assert_eq!(name(Some(" . ")), "document");
    }
}
