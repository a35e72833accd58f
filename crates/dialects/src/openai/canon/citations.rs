//! Citations of any dialect, as `OpenAI` annotates texts.

use bytes::Bytes;
use domain::canon::{Dialect, Unknown};

use crate::json::{Array, Document, Kind, Node, array};

/// Deeper citations are of no dialect that we know.
const MAX_DEPTH: usize = 32;

/// Where in a message's text the cited piece stands, in characters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    pub(super) start: u64,
    pub(super) end: u64,
}

/// Writes a citation; one that names no page is left out, because `OpenAI`
/// knows no other.
pub(super) fn write(notes: &mut Array<'_>, citation: &Unknown, piece: Range) {
    if citation.dialect == Dialect::OpenAi {
        notes.raw(citation.raw.as_str());
        return;
    }
    let bytes = Bytes::copy_from_slice(citation.raw.as_str().as_bytes());
    let Ok(document) = Document::parse(bytes, MAX_DEPTH) else {
        return;
    };
    let root = document.root();
    if root.kind() != Kind::Object {
        return;
    }
    let Some((page, url)) = pages(root).find_map(|page| {
        let url = words(page, &["url", "uri"])?;
        Some((page, url))
    }) else {
        return;
    };
    // What the dialect says counts from the start of its own block.
    let within = |keys: &[&str]| {
        let place = keys.iter().find_map(|key| root.get(key)?.u64());
        place.map(|place| piece.start + place)
    };
    let start = within(&["start_index", "startIndex", "start"]).unwrap_or(piece.start);
    let end = within(&["end_index", "endIndex", "end"]).unwrap_or(piece.end);
    notes.object(|note| {
        note.string("type", "url_citation");
        note.object("url_citation", |cited| {
            cited.number("start_index", start).number("end_index", end);
            cited.string("url", &url);
            let title = words(page, &["title", "document_title"]);
            cited.string("title", title.as_deref().unwrap_or_default());
        });
    });
}

/// Where a citation may name its page: in itself, or in one of its sources
/// (Cohere's documents and what its tools gave).
fn pages<'a>(root: Node<'a>) -> impl Iterator<Item = Node<'a>> {
    let sources = root.get("sources").into_iter().flat_map(Node::items);
    let inner = sources.filter_map(|source| {
        let mut keys = ["document", "tool_output"].into_iter();
        keys.find_map(|key| source.get(key))
    });
    std::iter::once(root).chain(inner)
}

fn words<'a>(root: Node<'a>, keys: &[&str]) -> Option<std::borrow::Cow<'a, str>> {
    keys.iter().find_map(|key| super::fields::text(root, key))
}

/// A list written by itself; `None` if it has no item.
pub(super) fn list(write: impl FnOnce(&mut Array<'_>)) -> Option<String> {
    let text = array(write);
    let text = String::from_utf8(text).ok()?;
    (text != "[]").then_some(text)
}
