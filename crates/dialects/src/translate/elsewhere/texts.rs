//! What can be read as text, for a provider that takes it as nothing else: files of
//! text beside those who read PDF alone or no files, and Anthropic's search results,
//! documents in pieces and references to tools beside everybody else.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use domain::canon::{Block, Dialect, Loss, Media, MediaKind, Request, Source};

use super::words;

/// The standard alphabet, padded or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The request with such blocks as text in their places, and what that loses.
pub(super) fn told(request: &Request, dialect: Dialect) -> (Cow<'_, Request>, Vec<Loss>) {
    let is_one = |block: &Block| is_one(block, dialect);
    let has_one = |block: &Block| match block {
        Block::ToolResult(result) => result.content.iter().any(is_one),
        block => is_one(block),
    };
    let blocks = request.messages.iter().flat_map(|message| &message.content);
    if !blocks.into_iter().any(has_one) {
        return (Cow::Borrowed(request), Vec::new());
    }
    let (mut request, mut losses) = (request.clone(), Vec::new());
    for (at, message) in request.messages.iter_mut().enumerate() {
        for (nth, block) in message.content.iter_mut().enumerate() {
            let place = format!("messages[{at}].content[{nth}]");
            match block {
                Block::ToolResult(result) => {
                    for (nth, block) in result.content.iter_mut().enumerate() {
                        tell(
                            block,
                            dialect,
                            &format!("{place}.content[{nth}]"),
                            &mut losses,
                        );
                    }
                }
                block => tell(block, dialect, &place, &mut losses),
            }
        }
    }
    (Cow::Owned(request), losses)
}

fn is_one(block: &Block, dialect: Dialect) -> bool {
    match block {
        Block::Media(media) => is_file_of_text(media) && !reads_files(dialect),
        Block::Unknown(unknown) => {
            unknown.dialect == Dialect::Anthropic
                && unknown.dialect != dialect
                && words::is_to_read(&unknown.name)
        }
        _ => false,
    }
}

fn tell(block: &mut Block, dialect: Dialect, place: &str, losses: &mut Vec<Loss>) {
    if !is_one(block, dialect) {
        return;
    }
    match block {
        Block::Media(media) => {
            if let Source::Base64(data) = &media.source
                && let Some(text) = decoded(data)
            {
                media.source = Source::Text(text);
            }
        }
        Block::Unknown(unknown) => {
            if let Some(words) = words::of(unknown) {
                losses.push(Loss::hint(place, "only Anthropic knows it: told as text"));
                *block = Block::text(words);
            }
        }
        _ => {}
    }
}

/// Whether a dialect has a form for files of text.
fn reads_files(dialect: Dialect) -> bool {
    match dialect {
        Dialect::OpenAi | Dialect::Cohere | Dialect::Ollama => false,
        Dialect::Anthropic | Dialect::Gemini | Dialect::Responses | Dialect::Converse => true,
    }
}

fn is_file_of_text(media: &Media) -> bool {
    let mime = media.mime.as_deref().unwrap_or_default();
    let mime = mime.split(';').next().unwrap_or_default().trim();
    let is_text = is_text(&mime.to_ascii_lowercase());
    media.kind == MediaKind::Document && matches!(media.source, Source::Base64(_)) && is_text
}

/// Whether a MIME type, in small letters and without parameters, is of a text.
pub(crate) fn is_text(mime: &str) -> bool {
    mime.starts_with("text/")
        || matches!(
            mime,
            "application/json" | "application/xml" | "application/yaml" | "application/x-yaml"
        )
}

/// The text in base64, if it is one in UTF-8.
pub(crate) fn decoded(data: &str) -> Option<String> {
    String::from_utf8(BASE64.decode(data).ok()?).ok()
}
