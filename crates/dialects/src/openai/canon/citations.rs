//! Citations of any dialect, as `OpenAI` annotates texts.

use domain::canon::{Dialect, Unknown};

use crate::json::{Array, array};
use crate::translate::cited::{self, Extent};

/// Where in a message's text the cited piece stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    /// In characters.
    pub(super) start: u64,
    /// In characters.
    pub(super) end: u64,
    /// How many bytes it has.
    pub(super) bytes: u64,
}

impl Range {
    /// An empty piece at `start`.
    pub(super) fn at(start: u64) -> Self {
        Self {
            start,
            end: start,
            bytes: 0,
        }
    }

    /// The piece goes on with this.
    pub(super) fn grow(&mut self, more: &str) {
        self.end += more.chars().count() as u64;
        self.bytes += more.len() as u64;
    }
}

/// Writes a citation; one that names no page is left out, because `OpenAI`
/// knows no other.
pub(super) fn write(notes: &mut Array<'_>, citation: &Unknown, piece: Range) {
    if citation.dialect == Dialect::OpenAi {
        notes.raw(citation.raw.as_str());
        return;
    }
    let block = Extent {
        letters: piece.end - piece.start,
        bytes: piece.bytes,
    };
    for page in cited::pages(citation, block) {
        // What the dialect says counts from the start of its own block.
        let (start, end) = page.place.map_or((piece.start, piece.end), |(start, end)| {
            (piece.start + start, piece.start + end)
        });
        notes.object(|note| {
            note.string("type", "url_citation");
            note.object("url_citation", |cited| {
                cited.number("start_index", start).number("end_index", end);
                cited.string("url", &page.url);
                cited.string("title", page.title.as_deref().unwrap_or(&page.url));
            });
        });
    }
}

/// A list written by itself; `None` if it has no item.
pub(super) fn list(write: impl FnOnce(&mut Array<'_>)) -> Option<String> {
    let text = array(write);
    let text = String::from_utf8(text).ok()?;
    (text != "[]").then_some(text)
}
