//! Pages that an answer cites, whichever dialect cites them.

use std::borrow::Cow;

use bytes::Bytes;
use domain::canon::{Dialect, Unknown};

use super::fields::{member, text, whole};
use crate::json::{Document, Node};

/// Deeper citations are of no dialect that we know.
const MAX_DEPTH: usize = 32;

/// A page on the web that an answer names as its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// Its address.
    pub(crate) url: String,
    /// Its title, if the provider gives one.
    pub(crate) title: Option<String>,
    /// What rests on it: from which character of the cited block up to which.
    pub(crate) place: Option<(u64, u64)>,
}

/// How long the cited block is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extent {
    /// In characters.
    pub(crate) letters: u64,
    /// In bytes.
    pub(crate) bytes: u64,
}

impl Extent {
    /// Of this text.
    pub(crate) fn of(text: &str) -> Self {
        Self {
            letters: text.chars().count() as u64,
            bytes: text.len() as u64,
        }
    }

    /// Whether a place that this dialect names is one in characters: Gemini
    /// counts bytes, everybody else characters.
    fn is_counted_by(self, dialect: Dialect) -> bool {
        dialect != Dialect::Gemini || self.letters == self.bytes
    }
}

/// The pages that a citation names, in its order; none where it cites
/// something else, as a document that the client sent.
pub(crate) fn pages(citation: &Unknown, block: Extent) -> Vec<Page> {
    let bytes = Bytes::copy_from_slice(citation.raw.as_str().as_bytes());
    let Ok(document) = Document::parse(bytes, MAX_DEPTH) else {
        return Vec::new();
    };
    let root = document.root();
    let mut pages = match &*citation.name {
        "groundingMetadata" => grounded(root),
        _ => {
            let inner = member(root, "url_citation").unwrap_or(root);
            let found = sources(inner).find_map(|source| named(source, place(inner)));
            found.into_iter().collect()
        }
    };
    if !block.is_counted_by(citation.dialect) {
        pages.iter_mut().for_each(|page| page.place = None);
    }
    pages
}

/// Where a citation may name its page: in itself, or in one of its sources
/// (Cohere's documents and what its tools gave).
fn sources<'a>(root: Node<'a>) -> impl Iterator<Item = Node<'a>> {
    let sources = member(root, "sources").into_iter().flat_map(Node::items);
    let inner = sources.filter_map(|source| {
        let mut keys = ["document", "tool_output"].into_iter();
        keys.find_map(|key| member(source, key))
    });
    std::iter::once(root).chain(inner)
}

/// What Gemini found by a search: each piece of the answer with each page that
/// it rests on, or the pages alone where it names no pieces.
fn grounded(root: Node<'_>) -> Vec<Page> {
    let chunks = member(root, "groundingChunks");
    let chunks: Vec<Node<'_>> = chunks.into_iter().flat_map(Node::items).collect();
    let page = |chunk: Node<'_>, place| {
        let mut keys = ["web", "retrievedContext", "maps"].into_iter();
        named(keys.find_map(|key| member(chunk, key))?, place)
    };
    let supports = member(root, "groundingSupports");
    let pieces: Vec<Page> = supports
        .into_iter()
        .flat_map(Node::items)
        .flat_map(|support| {
            let segment = member(support, "segment");
            let place = segment.and_then(place);
            let which = member(support, "groundingChunkIndices");
            let which = which.into_iter().flat_map(Node::items);
            let chunks = which.filter_map(|at| chunks.get(usize::try_from(at.u64()?).ok()?));
            chunks.filter_map(move |chunk| page(*chunk, place))
        })
        .collect();
    match pieces.is_empty() {
        true => chunks.iter().filter_map(|it| page(*it, None)).collect(),
        false => pieces,
    }
}

/// The page that a source is, if it has an address.
fn named(source: Node<'_>, place: Option<(u64, u64)>) -> Option<Page> {
    let word = |keys: &[&str]| keys.iter().find_map(|key| text(source, key));
    let url = word(&["url", "uri"])?.into_owned();
    let title = word(&["title", "document_title"]).map(Cow::into_owned);
    Some(Page { url, title, place })
}

/// From where up to where a citation says that it holds. Gemini leaves a start
/// of zero out.
fn place(root: Node<'_>) -> Option<(u64, u64)> {
    let number = |keys: &[&str]| keys.iter().find_map(|key| whole(root, key));
    let end = number(&["end_index", "endIndex", "end"])?;
    let start = number(&["start_index", "startIndex", "start"]).unwrap_or(0);
    (start <= end).then_some((start, end))
}
