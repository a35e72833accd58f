//! Citations. Only Claude makes them, so they are told in Anthropic's words;
//! what Anthropic has no word for stays as it is.

use domain::canon::{Dialect, Json, Unknown};

use super::fields::{object, raw, text, unknown, word};
use crate::json::{Node, Object};

/// One citation, of a whole answer or of a stream.
pub(super) fn read(node: Node<'_>) -> Unknown {
    let place = object(node, "location");
    let found = PLACES.iter().find_map(|place_of| {
        let inner = object(place?, place_of.own)?;
        Some((place_of, inner))
    });
    let Some((place, inner)) = found else {
        return unknown("citation", raw(node));
    };
    let json = crate::json::object(|o| {
        o.string("type", place.theirs);
        let content = node.get("sourceContent").into_iter().flat_map(Node::items);
        let cited: String = content.map(|piece| word(piece, "text")).collect();
        o.string("cited_text", &cited);
        place.put(o, node, inner);
    });
    let json = Json::trusted(text(json));
    Unknown::new(Dialect::Anthropic, place.theirs, json)
}

/// How a place is called here and there.
struct Place {
    own: &'static str,
    theirs: &'static str,
    /// The names of its index, its start and its end.
    index: (&'static str, &'static str),
    bounds: (&'static str, &'static str),
    /// Whose title it is.
    title: &'static str,
}

const DOCUMENT: (&str, &str) = ("documentIndex", "document_index");

const PLACES: &[Place] = &[
    Place {
        own: "documentChar",
        theirs: "char_location",
        index: DOCUMENT,
        bounds: ("start_char_index", "end_char_index"),
        title: "document_title",
    },
    Place {
        own: "documentPage",
        theirs: "page_location",
        index: DOCUMENT,
        bounds: ("start_page_number", "end_page_number"),
        title: "document_title",
    },
    Place {
        own: "documentChunk",
        theirs: "content_block_location",
        index: DOCUMENT,
        bounds: ("start_block_index", "end_block_index"),
        title: "document_title",
    },
    Place {
        own: "searchResultLocation",
        theirs: "search_result_location",
        index: ("searchResultIndex", "search_result_index"),
        bounds: ("start_block_index", "end_block_index"),
        title: "title",
    },
    Place {
        own: "web",
        theirs: "web_search_result_location",
        index: ("", ""),
        bounds: ("", ""),
        title: "title",
    },
];

impl Place {
    fn put(&self, o: &mut Object<'_>, node: Node<'_>, inner: Node<'_>) {
        let numbers = [self.index, ("start", self.bounds.0), ("end", self.bounds.1)];
        for (own, theirs) in numbers {
            if let Some(number) = inner.get(own).and_then(Node::u64) {
                o.number(theirs, number);
            }
        }
        match node.get("title").and_then(Node::str) {
            Some(title) => o.string(self.title, &title),
            None => o.null(self.title),
        };
        match self.own {
            "web" => {
                o.string("url", &word(inner, "url"));
            }
            "searchResultLocation" => {
                o.string("source", &word(node, "source"));
            }
            _ => {}
        }
    }
}
