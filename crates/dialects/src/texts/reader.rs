//! Walks a document along the rooms of its dialect.

use super::{Place, Reads, Room, Rule, Text};
use crate::json::{Items, Kind, Members, Node};

/// A container whose members are still to be read.
enum Open<'a> {
    Array(Items<'a>, Room, Place),
    /// Its strings are no text; what else is in it is read.
    Names(Items<'a>, Place),
    Object(Members<'a>, Room, Place),
}

/// Most texts come with as many values and keys: a message has five.
const PER_TEXT: usize = 4;
/// The most texts for which there is place from the start.
const FIRST: usize = 256;

/// Every text below `root`, in the order of the document.
pub(crate) fn collect(root: Node<'_>, room: Room, place: Place) -> Vec<Text> {
    let mut reader = Reader {
        // An explicit stack: an answer's depth is its sender's choice.
        open: Vec::with_capacity(8),
        texts: Vec::with_capacity((root.size() / PER_TEXT).min(FIRST)),
    };
    reader.value(root, room, place);
    while let Some(open) = reader.open.last_mut() {
        match open {
            Open::Array(items, room, place) => {
                let (room, place) = (*room, *place);
                match items.next() {
                    None => drop(reader.open.pop()),
                    Some(item) => reader.value(item, room, place),
                }
            }
            Open::Names(items, place) => {
                let place = *place;
                match items.next() {
                    None => drop(reader.open.pop()),
                    Some(item) if item.kind() == Kind::String => {}
                    Some(item) => reader.value(item, Room::ANY, place),
                }
            }
            Open::Object(members, room, place) => {
                let (room, place) = (*room, *place);
                match members.next() {
                    None => drop(reader.open.pop()),
                    Some((key, value)) => reader.member(key, value, room, place),
                }
            }
        }
    }
    reader.texts
}

struct Reader<'a> {
    open: Vec<Open<'a>>,
    texts: Vec<Text>,
}

impl<'a> Reader<'a> {
    fn value(&mut self, node: Node<'a>, room: Room, place: Place) {
        match node.kind() {
            Kind::String => self.text(node, place),
            Kind::Array => self.open.push(Open::Array(node.items(), room, place)),
            Kind::Object if room.reads() == Reads::Nothing => {}
            Kind::Object => {
                let (room, place) = room.of(node, place);
                self.open.push(Open::Object(node.members(), room, place));
            }
            Kind::Number if room.reads() == Reads::All => self.text(node, place),
            Kind::Null | Kind::Bool | Kind::Number => {}
        }
    }

    fn member(&mut self, key: Node<'a>, value: Node<'a>, room: Room, place: Place) {
        if matches!(room.reads(), Reads::Keys | Reads::All) {
            self.text(key, place);
        }
        match room.rule(&key.name()) {
            Rule::In(room) => self.value(value, room, place),
            Rule::By(room, place) => self.value(value, room, place),
            Rule::Url(_) if is_data_url(value) => {}
            Rule::Echo => {}
            Rule::Id(_) if value.kind() == Kind::String => {}
            Rule::Url(room) | Rule::Id(room) => self.value(value, room, place),
            Rule::Skip => match value.kind() {
                Kind::String => {}
                Kind::Array => self.open.push(Open::Names(value.items(), place)),
                _ => self.value(value, Room::ANY, place),
            },
        }
    }

    fn text(&mut self, node: Node<'a>, place: Place) {
        self.texts.push(Text {
            span: node.inner_span(),
            escaped: node.is_escaped(),
            place,
        });
    }
}

fn is_data_url(node: Node<'_>) -> bool {
    node.str().is_some_and(|url| {
        url.get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case("data:"))
    })
}
