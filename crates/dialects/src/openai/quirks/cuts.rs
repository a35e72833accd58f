//! Members taken out of their objects, each with the comma that is too many.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use domain::edit::{Edit, Span};

use crate::json::Node;

/// Members that are cut, object by object: those further out come first.
#[derive(Default)]
pub(super) struct Cuts<'a>(BTreeMap<u32, (Node<'a>, HashSet<u32>)>);

impl<'a> Cuts<'a> {
    /// Cuts the member with this key out of its object.
    pub(super) fn add(&mut self, parent: Node<'a>, key: Span) {
        let object = self.0.entry(parent.span().start);
        let (_, keys) = object.or_insert_with(|| (parent, HashSet::new()));
        keys.insert(key.start);
    }

    /// The edits that cut them.
    pub(super) fn edits(&self) -> Vec<Edit> {
        let mut edits = Vec::new();
        for (object, keys) in self.0.values() {
            cut(*object, keys, &mut edits);
        }
        edits
    }
}

/// Cuts run by run: up to the next member that stays, or, at the end, from the
/// one before it on.
fn cut(object: Node<'_>, keys: &HashSet<u32>, edits: &mut Vec<Edit>) {
    let mut kept = None;
    let mut run: Option<Span> = None;
    for (_, key, value) in object.entries() {
        let end = value.span().end;
        if keys.contains(&key.start) {
            run = Some(Span::new(run.map_or(key.start, |run| run.start), end));
        } else {
            if let Some(run) = run.take() {
                edits.push(without(run.start, key.start));
            }
            kept = Some(end);
        }
    }
    if let Some(run) = run {
        edits.push(without(kept.unwrap_or(run.start), run.end));
    }
}

fn without(start: u32, end: u32) -> Edit {
    Edit {
        span: Span::new(start, end),
        with: Bytes::new(),
    }
}
