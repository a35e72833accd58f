//! What a request's message is made of: a string, or parts.

use domain::canon::{Block, CacheMark, Media, MediaKind, Source};
use domain::refusal::Refusal;

use super::fields::{self, Path, items, member, needed, string, unknown, wrong};
use super::{media, thoughts};
use crate::json::{Kind, Node};

/// Reads a message's content. An empty string is no block at all.
pub(super) fn read_content(node: Node<'_>, path: Path<'_>) -> Result<Vec<Block>, Refusal> {
    match node.kind() {
        Kind::Null => Ok(Vec::new()),
        Kind::String => {
            let text = string(node, path)?;
            Ok(match &*text {
                "" => Vec::new(),
                _ => vec![Block::text(text)],
            })
        }
        Kind::Array => {
            let parts = node.items().enumerate();
            parts
                .map(|(at, part)| read_part(part, path.at(at)))
                .collect()
        }
        _ => Err(wrong(path, "a string or an array of parts")),
    }
}

fn read_part(part: Node<'_>, path: Path<'_>) -> Result<Block, Refusal> {
    if let Some(text) = part.str() {
        return Ok(Block::text(text));
    }
    fields::object(part, path)?;
    let kind = needed(part, &path, "type", "say what kind of part it is")?;
    match &*kind {
        "text" | "input_text" | "output_text" => read_text(part, path),
        "refusal" => {
            let words = needed(part, &path, "refusal", "send the refusal")?;
            Ok(Block::Refusal(words.into_owned()))
        }
        "image_url" => read_image(part, path),
        "input_audio" => read_sound(part, path),
        "file" => read_file(part, path),
        "thinking" | "redacted_thinking" | "reasoning" => {
            let thinking = thoughts::read_block(part);
            Ok(thinking.map_or_else(|| unknown(&kind, part).into(), Block::Thinking))
        }
        _ => Ok(unknown(&kind, part).into()),
    }
}

fn read_text(part: Node<'_>, path: Path<'_>) -> Result<Block, Refusal> {
    Ok(Block::Text {
        text: needed(part, &path, "text", "send the text")?.into_owned(),
        citations: Vec::new(),
        signature: None,
        cache: cache_mark(part),
    })
}

/// Where the prompt cache may end: `OpenAI`'s breakpoint, or Anthropic's mark,
/// which many clients of compatible servers send.
pub(super) fn cache_mark(node: Node<'_>) -> Option<CacheMark> {
    if let Some(mark) = member(node, "cache_control").filter(|mark| mark.kind() == Kind::Object) {
        let ttl = fields::text(mark, "ttl").map(Into::into);
        return Some(CacheMark { ttl });
    }
    member(node, "prompt_cache_breakpoint").map(|_| CacheMark::default())
}

fn medium(part: Node<'_>, kind: MediaKind, source: Source, mime: Option<String>) -> Media {
    Media {
        kind,
        source,
        mime,
        name: None,
        context: None,
        detail: None,
        citations: false,
        cache: cache_mark(part),
    }
}

fn read_image(part: Node<'_>, path: Path<'_>) -> Result<Block, Refusal> {
    let at = path.key("image_url");
    let image = member(part, "image_url")
        .ok_or_else(|| fields::missing(at, "send an object with the image's URL"))?;
    // Some clients send the URL itself.
    let (url, at) = match image.str() {
        Some(url) => (url, at),
        None => {
            fields::object(image, at)?;
            (needed(image, &at, "url", "send the image's URL")?, at)
        }
    };
    let (source, mime) = match media::of_data_url(&url) {
        Some((mime, data)) => (Source::Base64(data), mime),
        None if media::is_data_url(&url) => {
            return Err(wrong(at.key("url"), "a `data:` URL in base64"));
        }
        None => (Source::Url(url.into_owned()), None),
    };
    let mut media = medium(part, MediaKind::Image, source, mime);
    media.detail = fields::text(image, "detail").map(Into::into);
    Ok(Block::Media(media))
}

fn read_sound(part: Node<'_>, path: Path<'_>) -> Result<Block, Refusal> {
    let at = path.key("input_audio");
    let sound = member(part, "input_audio")
        .ok_or_else(|| fields::missing(at, "send an object with the sound's data and format"))?;
    fields::object(sound, at)?;
    let data = needed(sound, &at, "data", "send the sound in base64")?;
    let format = needed(sound, &at, "format", "say `wav` or `mp3`")?;
    let data = match media::of_data_url(&data) {
        Some((_, data)) => data,
        None => data.into_owned(),
    };
    let mime = Some(media::mime_of_sound(&format));
    let media = medium(part, MediaKind::Audio, Source::Base64(data), mime);
    Ok(Block::Media(media))
}

fn read_file(part: Node<'_>, path: Path<'_>) -> Result<Block, Refusal> {
    let at = path.key("file");
    let file = member(part, "file")
        .ok_or_else(|| fields::missing(at, "send an object with the file's data or id"))?;
    fields::object(file, at)?;
    let name = member(file, "filename")
        .map(|name| string(name, at.key("filename")))
        .transpose()?;
    let (source, mime) = if let Some(id) = member(file, "file_id") {
        (
            Source::File(string(id, at.key("file_id"))?.into_owned()),
            None,
        )
    } else {
        let data = needed(
            file,
            &at,
            "file_data",
            "send the file in base64, or its `file_id`",
        )?;
        match media::of_data_url(&data) {
            Some((mime, data)) => (Source::Base64(data), mime),
            None if media::is_data_url(&data) => {
                return Err(wrong(at.key("file_data"), "a `data:` URL in base64"));
            }
            None => (Source::Base64(data.into_owned()), mime_of(name.as_deref())),
        }
    };
    let kind = match mime.as_deref().and_then(|mime| mime.split('/').next()) {
        Some("image") => MediaKind::Image,
        Some("audio") => MediaKind::Audio,
        Some("video") => MediaKind::Video,
        _ => MediaKind::Document,
    };
    let mut media = medium(part, kind, source, mime);
    media.name = name.map(Into::into);
    Ok(Block::Media(media))
}

/// A file without a mime type is nearly always a PDF; its name may tell.
fn mime_of(name: Option<&str>) -> Option<String> {
    let end = name?.rsplit_once('.')?.1;
    end.eq_ignore_ascii_case("pdf")
        .then(|| "application/pdf".to_owned())
}

/// Reads the strings of an array, or one that stands alone.
pub(super) fn strings(node: Node<'_>, path: Path<'_>) -> Result<Vec<String>, Refusal> {
    if let Some(one) = node.str() {
        return Ok(vec![one.into_owned()]);
    }
    let all = items(node, path).map_err(|_| wrong(path, "a string or an array of strings"))?;
    let read = |(at, item)| Ok(string(item, path.at(at))?.into_owned());
    all.enumerate().map(read).collect()
}
