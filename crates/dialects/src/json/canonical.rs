//! One form for all spellings of the same JSON value: for cache keys.

use super::{Document, Kind, Node, write_string};

enum Work<'a> {
    Value(Node<'a>),
    Key(std::borrow::Cow<'a, str>),
    Byte(u8),
}

/// The document with its keys sorted (as decoded), without white space, and
/// with every string in one escape form. Numbers keep their spelling: `1` and
/// `1.0` may mean different things to a server. Members of the outermost
/// object that are named in `drop_top_level` are left out.
#[must_use]
pub fn canonical(doc: &Document, drop_top_level: &[&str]) -> Vec<u8> {
    let mut out = Vec::with_capacity(doc.bytes().len());
    // An explicit stack: the depth of a document is the caller's choice.
    let mut work = vec![Work::Value(doc.root())];
    let mut dropped = drop_top_level;
    while let Some(next) = work.pop() {
        match next {
            Work::Byte(byte) => out.push(byte),
            Work::Key(key) => write_string(&mut out, &key),
            Work::Value(node) => {
                value(node, dropped, &mut work, &mut out);
                dropped = &[];
            }
        }
    }
    out
}

fn value<'a>(node: Node<'a>, dropped: &[&str], work: &mut Vec<Work<'a>>, out: &mut Vec<u8>) {
    match node.kind() {
        Kind::String => write_string(out, &node.str().unwrap_or_default()),
        Kind::Array => {
            let items: Vec<_> = node.items().collect();
            out.push(b'[');
            work.push(Work::Byte(b']'));
            for (at, item) in items.into_iter().enumerate().rev() {
                work.push(Work::Value(item));
                if at > 0 {
                    work.push(Work::Byte(b','));
                }
            }
        }
        Kind::Object => {
            let mut members: Vec<_> = node
                .entries()
                .filter(|(key, _, _)| !dropped.contains(&key.as_ref()))
                .map(|(key, _, value)| (key, value))
                .collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            out.push(b'{');
            work.push(Work::Byte(b'}'));
            for (at, (key, value)) in members.into_iter().enumerate().rev() {
                work.push(Work::Value(value));
                work.push(Work::Byte(b':'));
                work.push(Work::Key(key));
                if at > 0 {
                    work.push(Work::Byte(b','));
                }
            }
        }
        Kind::Null | Kind::Bool | Kind::Number => out.extend_from_slice(node.raw()),
    }
}
