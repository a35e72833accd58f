//! Walks a document along the rooms of its dialect.

use super::room::{Reads, Room, Rule};
use super::{Place, Text};
use crate::json::{Items, Kind, Members, Node};

/// How one came to a value, as far as that matters to who reads.
pub(super) trait Trail: Clone {
    /// Into this object, which stands in the place that `self` says.
    fn within(&self, object: Node<'_>) -> Self;
    /// To its member of this name.
    fn to(&self, key: &[u8]) -> Self;
}

impl Trail for () {
    fn within(&self, _: Node<'_>) {}
    fn to(&self, _: &[u8]) {}
}

/// A container whose members are still to be read.
enum Open<'a, T> {
    Array(Items<'a>, Room, Place, T),
    /// Its strings are no text; what else is in it is read.
    Names(Items<'a>, Place, T),
    Object(Members<'a>, Room, Place, T),
}

/// Most texts come with as many values and keys: a message has five.
const PER_TEXT: usize = 4;
/// The most texts for which there is place from the start.
const FIRST: usize = 256;

/// Every text below `root`, in the order of the document.
pub(crate) fn collect(root: Node<'_>, room: Room, place: Place) -> Vec<Text> {
    let mut texts = Vec::with_capacity((root.size() / PER_TEXT).min(FIRST));
    walk(root, (room, place), (), |text, ()| texts.push(text));
    texts
}

/// The same, each with the way to it.
pub(super) fn walk<T: Trail>(
    root: Node<'_>,
    (room, place): (Room, Place),
    trail: T,
    found: impl FnMut(Text, &T),
) {
    let mut reader = Reader {
        // An explicit stack: an answer's depth is its sender's choice.
        open: Vec::with_capacity(8),
        found,
    };
    reader.value(root, (room, place), trail);
    while let Some(open) = reader.open.last_mut() {
        match open {
            Open::Array(items, room, place, trail) => {
                let (at, trail) = ((*room, *place), trail.clone());
                match items.next() {
                    None => drop(reader.open.pop()),
                    Some(item) => reader.value(item, at, trail),
                }
            }
            Open::Names(items, place, trail) => {
                let (at, trail) = ((Room::ANY, *place), trail.clone());
                match items.next() {
                    None => drop(reader.open.pop()),
                    Some(item) if item.kind() == Kind::String => {}
                    Some(item) => reader.value(item, at, trail),
                }
            }
            Open::Object(members, room, place, trail) => {
                let at = (*room, *place);
                match members.next() {
                    None => drop(reader.open.pop()),
                    Some((key, value)) => {
                        let trail = trail.to(&key.name());
                        reader.member((key, value), at, trail);
                    }
                }
            }
        }
    }
}

struct Reader<'a, T, F> {
    open: Vec<Open<'a, T>>,
    found: F,
}

impl<'a, T: Trail, F: FnMut(Text, &T)> Reader<'a, T, F> {
    fn value(&mut self, node: Node<'a>, (room, place): (Room, Place), trail: T) {
        match node.kind() {
            Kind::String => self.text(node, place, &trail),
            Kind::Array => {
                let open = Open::Array(node.items(), room, place, trail);
                self.open.push(open);
            }
            Kind::Object if room.reads() == Reads::Nothing => {}
            Kind::Object => {
                let (room, place) = room.of(node, place);
                let open = Open::Object(node.members(), room, place, trail.within(node));
                self.open.push(open);
            }
            Kind::Number if room.reads() == Reads::All => self.text(node, place, &trail),
            Kind::Null | Kind::Bool | Kind::Number => {}
        }
    }

    fn member(&mut self, (key, value): (Node<'a>, Node<'a>), at: (Room, Place), trail: T) {
        let (room, place) = at;
        if matches!(room.reads(), Reads::Keys | Reads::All) {
            self.text(key, place, &trail);
        }
        match room.rule(&key.name()) {
            Rule::In(room) => self.value(value, (room, place), trail),
            Rule::By(room, place) => self.value(value, (room, place), trail),
            Rule::Echo => {}
            Rule::Url(_) if is_data_url(value) => {}
            Rule::Id(_) if value.kind() == Kind::String => {}
            Rule::Url(room) | Rule::Id(room) => self.value(value, (room, place), trail),
            Rule::Skip => match value.kind() {
                Kind::String => {}
                Kind::Array => self.open.push(Open::Names(value.items(), place, trail)),
                _ => self.value(value, (Room::ANY, place), trail),
            },
        }
    }

    fn text(&mut self, node: Node<'a>, place: Place, trail: &T) {
        let text = Text {
            span: node.inner_span(),
            escaped: node.is_escaped(),
            place,
        };
        (self.found)(text, trail);
    }
}

fn is_data_url(node: Node<'_>) -> bool {
    node.str().is_some_and(|url| {
        url.get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case("data:"))
    })
}
