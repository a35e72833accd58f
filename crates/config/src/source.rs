//! Where everything stands in the file: a path such as
//! `models[0].deployments[1].price` to its line and column, and back.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::bounds;
use super::error::{Problem, Report};

/// A line and a column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
}

/// Which of the two is meant where a mapping and its first key start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The name of a field.
    Key,
    /// What stands there.
    Value,
    /// The mapping in which something stands.
    Around,
}

/// The file a configuration came from.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// Its name as the user gave it; empty for the embedded defaults.
    pub file: String,
    keys: BTreeMap<String, Spot>,
    values: BTreeMap<String, Spot>,
}

impl Source {
    /// Reads the places out of `text`. Text that is no YAML has no places.
    pub fn of(file: &str, text: &str) -> Self {
        let mut source = Self {
            file: file.to_owned(),
            ..Self::default()
        };
        let options = bounds::options();
        if let Ok(root) = serde_saphyr::from_str_with_options::<Spanned<Node>>(text, options) {
            source.walk("", &root, &mut { bounds::PATHS });
        }
        source
    }

    /// Notes the places of `node` and of what stands in it, until there is no
    /// `room` for more: what is around them is told then.
    fn walk(&mut self, path: &str, node: &Spanned<Node>, room: &mut usize) {
        let Some(left) = room.checked_sub(2 * path.len()) else {
            return;
        };
        *room = left;
        self.values.insert(path.to_owned(), spot(node.referenced));
        match &node.value {
            Node::Leaf => {}
            Node::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.walk(&index(path, at), item, room);
                }
            }
            Node::Map(entries) => {
                for (name, value) in entries {
                    let inner = key(path, &name.value);
                    self.keys.insert(inner.clone(), spot(name.referenced));
                    self.walk(&inner, value, room);
                }
            }
        }
    }

    /// The path of what stands at `at`: exactly there, on the side that is
    /// meant, else the last thing that starts before it on the same line.
    pub fn path_at(&self, at: Spot, side: Side) -> Option<&str> {
        // A mapping starts where its first key does, and a list where its first
        // item does: the outermost value is the one that has the wrong form.
        fn exact(places: &BTreeMap<String, Spot>, at: Spot) -> Option<&str> {
            let here = places
                .iter()
                .filter(|(path, spot)| **spot == at && !path.is_empty());
            here.map(|(path, _)| path.as_str())
                .min_by_key(|path| path.len())
        }
        let found = match side {
            Side::Key => exact(&self.keys, at).or_else(|| exact(&self.values, at)),
            Side::Value => exact(&self.values, at).or_else(|| exact(&self.keys, at)),
            // Braces stand before the first key, and it is the key that the
            // parser points at.
            Side::Around => {
                exact(&self.values, at).or_else(|| exact(&self.keys, at).and_then(parent))
            }
        };
        let near = || {
            let all = self.keys.iter().chain(&self.values);
            all.filter(|(_, spot)| spot.line == at.line && **spot <= at)
                .max_by_key(|(path, spot)| (**spot, path.len()))
                .map(|(path, _)| path.as_str())
        };
        found.or_else(near)
    }

    /// Where `path` stands, or the nearest thing around it.
    pub fn spot(&self, path: &str) -> Option<Spot> {
        let mut path = path;
        loop {
            // The value's own place says most; a block's value starts below
            // its key, so the key is what the reader looks for.
            match (self.keys.get(path), self.values.get(path)) {
                (Some(key), Some(value)) if key.line == value.line => return Some(*value),
                (Some(spot), _) | (None, Some(spot)) => return Some(*spot),
                (None, None) => path = parent(path)?,
            }
        }
    }

    /// A report to which the rooms add their problems.
    pub fn report(&self) -> Report<'_> {
        Report::new(self)
    }

    /// A problem at `path`.
    pub fn problem(&self, path: &str, message: impl Into<String>) -> Problem {
        Problem {
            file: self.file.clone(),
            spot: self.spot(path),
            path: path.to_owned(),
            message: message.into(),
            help: None,
        }
    }
}

/// `base` and the name of a field in it.
pub fn key(base: &str, name: &str) -> String {
    let plain = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    match (base.is_empty(), plain) {
        (true, true) => name.to_owned(),
        (false, true) => format!("{base}.{name}"),
        (_, false) => format!("{base}[{name:?}]"),
    }
}

/// `base` and a position in it.
pub fn index(base: &str, at: usize) -> String {
    format!("{base}[{at}]")
}

pub(crate) fn parent(path: &str) -> Option<&str> {
    if path.is_empty() {
        return None;
    }
    if let Some(quoted) = path.strip_suffix("\"]") {
        return Some(quoted.rfind("[\"").map_or("", |at| &path[..at]));
    }
    Some(path.rfind(['.', '[']).map_or("", |at| &path[..at]))
}

fn spot(location: Location) -> Spot {
    Spot {
        line: location.line(),
        column: location.column(),
    }
}

/// The shape of a document; its scalars do not matter here.
enum Node {
    Leaf,
    List(Vec<Spanned<Node>>),
    Map(Vec<(Spanned<String>, Spanned<Node>)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Leaf)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Leaf)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Leaf)
    }
    fn visit_i128<E>(self, _: i128) -> Result<Node, E> {
        Ok(Node::Leaf)
    }
    fn visit_u128<E>(self, _: u128) -> Result<Node, E> {
        Ok(Node::Leaf)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Leaf)
    }
    fn visit_str<E>(self, _: &str) -> Result<Node, E> {
        Ok(Node::Leaf)
    }
    fn visit_bytes<E>(self, _: &[u8]) -> Result<Node, E> {
        Ok(Node::Leaf)
    }
    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf)
    }
    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf)
    }
    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Node, D::Error> {
        Node::deserialize(inner)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_its_line_and_column() {
        let source = Source::of("f", "a: 1\nb:\n  - c: x\n    gpt-4.1: y\n  - {d: 2}\n");
        let at = |path: &str| source.spot(path).map(|s| (s.line, s.column));
        assert_eq!(at("a"), Some((1, 4)));
        assert_eq!(at("b"), Some((2, 1)));
        assert_eq!(at("b[0].c"), Some((3, 8)));
        assert_eq!(at("b[0][\"gpt-4.1\"]"), Some((4, 14)));
        assert_eq!(at("b[1].d"), Some((5, 9)));
    }

    #[test]
    fn what_is_missing_stands_where_its_parent_stands() {
        let source = Source::of("f", "a:\n  b: 1\n");
        assert_eq!(source.spot("a.nope[3].x"), source.spot("a"));
        assert_eq!(source.spot("a[\"no.pe\"]"), source.spot("a"));
    }

    #[test]
    fn a_place_leads_back_to_its_path() {
        let source = Source::of("f", "a:\n  b: 1\n");
        assert_eq!(
            source.path_at(Spot { line: 2, column: 3 }, Side::Key),
            Some("a.b"),
        );
    }
}
