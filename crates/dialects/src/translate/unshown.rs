//! What a model gave that a whole answer in the client's dialect has no place for.

use domain::canon::{Answer, Block, Dialect, Media, MediaKind, Source};

use crate::gemini;
use crate::openai::canon::media::image_url;

/// The names of such blocks, each once: media by their kind, what only one
/// dialect knows as that one calls it.
#[must_use]
pub fn unshown(answer: &Answer, client: Dialect) -> Vec<&str> {
    let mut names = Vec::new();
    let blocks = answer.choices.iter().flat_map(|choice| &choice.content);
    for block in blocks {
        let name = match block {
            Block::Media(media) if !shows(client, media) => word(media.kind),
            Block::Unknown(unknown) if unknown.dialect != client => unknown.name.as_str(),
            _ => continue,
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn shows(client: Dialect, media: &Media) -> bool {
    let is_image = media.kind == MediaKind::Image;
    match client {
        Dialect::Gemini => gemini::canon::shows(media),
        Dialect::OpenAi => is_image && image_url(media.mime.as_deref(), &media.source).is_some(),
        Dialect::Responses => is_image && matches!(media.source, Source::Base64(_)),
        _ => false,
    }
}

const fn word(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "image",
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
        MediaKind::Document => "document",
    }
}
