//! Changes of a body that are being put together: members that go, each with
//! the comma that is too many, and values that become others.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use domain::edit::{Edit, Edits, Span};

use crate::json::{Kind, Node, Object, object, write_string};

/// Changes of one body.
#[derive(Default)]
pub(super) struct Changes<'a> {
    /// Members that are cut, object by object: those further out come first.
    cuts: BTreeMap<u32, (Node<'a>, HashSet<u32>)>,
    edits: Vec<Edit>,
}

impl<'a> Changes<'a> {
    /// Cuts the member with this key out of its object.
    pub(super) fn cut(&mut self, parent: Node<'a>, key: Span) {
        let object = self.cuts.entry(parent.span().start);
        let (_, keys) = object.or_insert_with(|| (parent, HashSet::new()));
        keys.insert(key.start);
    }

    /// Puts these bytes there instead.
    pub(super) fn put(&mut self, span: Span, with: impl Into<Bytes>) {
        let with = with.into();
        self.edits.push(Edit { span, with });
    }

    /// Puts this string there instead.
    pub(super) fn text(&mut self, span: Span, text: &str) {
        let mut with = Vec::with_capacity(text.len() + 2);
        write_string(&mut with, text);
        self.put(span, with);
    }

    /// Puts members, written without the braces, into an object of which none
    /// is cut.
    pub(super) fn insert(&mut self, object: Node<'_>, mut members: Vec<u8>) {
        if object.kind() != Kind::Object || members.is_empty() {
            return;
        }
        if object.entries().next().is_some() {
            members.push(b',');
        }
        let at = object.inner_span().start;
        self.put(Span::new(at, at), members);
    }

    /// Keeps the first so many items of a list.
    pub(super) fn shorten(&mut self, list: Node<'_>, most: usize) {
        let mut items = list.items();
        let kept = most.checked_sub(1).and_then(|last| items.nth(last));
        let start = kept.map_or(list.inner_span().start, |last| last.span().end);
        let end = list.inner_span().end;
        self.put(Span::new(start, end.max(start)), Bytes::new());
    }

    /// How many values are put somewhere so far.
    pub(super) fn len(&self) -> usize {
        self.edits.len()
    }

    /// All edits. What lies in a member that is cut goes with it.
    pub(super) fn done(self) -> Edits {
        let mut cut = Vec::new();
        for (object, keys) in self.cuts.values() {
            without(*object, keys, &mut cut);
        }
        Edits::fitting(cut.into_iter().chain(self.edits))
    }
}

/// Cuts run by run: up to the next member that stays, or, at the end, from the
/// one before it on.
fn without(object: Node<'_>, keys: &HashSet<u32>, edits: &mut Vec<Edit>) {
    let mut kept = None;
    let mut run: Option<Span> = None;
    let mut cut = |start: u32, end: u32| {
        edits.push(Edit {
            span: Span::new(start, end),
            with: Bytes::new(),
        });
    };
    for (_, key, value) in object.entries() {
        let end = value.span().end;
        if keys.contains(&key.start) {
            run = Some(Span::new(run.map_or(key.start, |run| run.start), end));
        } else {
            if let Some(run) = run.take() {
                cut(run.start, key.start);
            }
            kept = Some(end);
        }
    }
    if let Some(run) = run {
        cut(kept.unwrap_or(run.start), run.end);
    }
}

/// Members without the braces around them.
pub(super) fn members(write: impl FnOnce(&mut Object<'_>)) -> Vec<u8> {
    let whole = object(write);
    let inner = whole.get(1..whole.len().saturating_sub(1));
    inner.unwrap_or_default().to_vec()
}
