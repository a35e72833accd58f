//! Where media stand in this dialect: `data:` URLs, and the words for formats.

use std::borrow::Cow;

use domain::canon::{Media, Source};

/// The mime type and the base64 of a `data:` URL; `None` if it is another URL
/// or says its content in another way.
pub(super) fn of_data_url(url: &str) -> Option<(Option<String>, String)> {
    let (head, data) = rest_of_data_url(url)?.split_once(',')?;
    let (mime, coding) = head.rsplit_once(';')?;
    if !coding.trim().eq_ignore_ascii_case("base64") {
        return None;
    }
    // Parameters (`;charset=…`, `;name=…`) say nothing that matters here.
    let mime = mime.split(';').next().unwrap_or_default().trim();
    let mime = (!mime.is_empty()).then(|| mime.to_ascii_lowercase());
    Some((mime, data.to_owned()))
}

/// Whether it is a `data:` URL, in whatever way it says its content.
pub(super) fn is_data_url(url: &str) -> bool {
    rest_of_data_url(url).is_some()
}

fn rest_of_data_url(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_at_checked(5)?;
    scheme.eq_ignore_ascii_case("data:").then_some(rest)
}

/// A `data:` URL.
pub(super) fn data_url(mime: &str, base64: &str) -> String {
    format!("data:{mime};base64,{base64}")
}

/// An image's URL, or its bytes as one; `None` where it is only an id.
pub(crate) fn image_url(mime: Option<&str>, source: &Source) -> Option<String> {
    match source {
        Source::Url(url) => Some(url.clone()),
        Source::Base64(data) => Some(data_url(mime.unwrap_or_else(|| image_mime(data)), data)),
        Source::File(_) | Source::Text(_) => None,
    }
}

/// A document that is plain text, told as such: what it is called and about
/// stands before it.
pub(crate) fn document_text<'a>(media: &Media, text: &'a str) -> Cow<'a, str> {
    let about = [media.name.as_deref(), media.context.as_deref()];
    let mut all = String::new();
    for line in about.into_iter().flatten() {
        all.push_str(line);
        all.push_str("\n\n");
    }
    match all.as_str() {
        "" => Cow::Borrowed(text),
        _ => Cow::Owned(all + text),
    }
}

/// What an image is, by its first bytes.
fn image_mime(base64: &str) -> &'static str {
    match base64.as_bytes() {
        [b'i', b'V', b'B', b'O', ..] => "image/png",
        [b'R', b'0', b'l', b'G', ..] => "image/gif",
        [b'U', b'k', b'l', b'G', ..] => "image/webp",
        _ => "image/jpeg",
    }
}

/// The mime type of a sound whose format is named so.
pub(super) fn mime_of_sound(format: &str) -> String {
    match format {
        "mp3" => "audio/mpeg".to_owned(),
        other => format!("audio/{other}"),
    }
}

/// The format of a sound, if `OpenAI` takes it.
pub(super) fn sound_format(mime: Option<&str>) -> Option<&'static str> {
    match mime? {
        "audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => Some("wav"),
        "audio/mpeg" | "audio/mp3" => Some("mp3"),
        _ => None,
    }
}
