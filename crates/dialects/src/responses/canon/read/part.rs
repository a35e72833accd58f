//! What a message or a tool's result is made of.

use domain::canon::{Block, MediaKind};
use domain::refusal::Refusal;

use super::super::fields::{array, object, required, unknown};
use super::super::{item, media};
use crate::json::Node;

/// Reads a content: a text, or a list of parts.
pub(super) fn content(node: Node<'_>, ttl: &str, path: &str) -> Result<Vec<Block>, Refusal> {
    if let Some(text) = node.str() {
        return Ok(vec![Block::text(text)]);
    }
    let parts = array(node, path)?.items().enumerate();
    parts
        .map(|(at, part)| read(part, ttl, &format!("{path}[{at}]")))
        .collect()
}

fn read(part: Node<'_>, ttl: &str, path: &str) -> Result<Block, Refusal> {
    let part = object(part, path)?;
    let kind = required(part, "type", path)?;
    let cache = media::cache_mark(part, ttl);
    let medium = |kind| media::read(part, kind, cache.clone(), path).map(Block::Media);
    match &*kind {
        "input_text" | "output_text" | "text" => Ok(Block::Text {
            text: required(part, "text", path)?,
            citations: item::citations(part),
            signature: None,
            cache,
        }),
        "refusal" => Ok(Block::Refusal(required(part, "refusal", path)?)),
        "input_image" => medium(MediaKind::Image),
        "input_file" => medium(MediaKind::Document),
        "input_audio" => medium(MediaKind::Audio),
        _ => Ok(Block::Unknown(unknown(kind, part))),
    }
}
