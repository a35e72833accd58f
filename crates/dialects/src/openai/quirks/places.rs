//! The members that a path leads to.

use domain::edit::Span;
use domain::quirks::Step;

use crate::json::{Kind, Node};

/// A member that a path leads to.
pub(super) struct Found<'a> {
    /// The object that it stands in.
    pub(super) parent: Node<'a>,
    /// Its key, with quotes.
    pub(super) key: Span,
    /// Its value.
    pub(super) value: Node<'a>,
    steps: &'a [Step],
    items: Vec<usize>,
}

impl Found<'_> {
    /// Where it stands, as clients read it: `messages[2].name`.
    pub(super) fn path(&self) -> String {
        let mut out = String::new();
        let mut items = self.items.iter();
        for step in self.steps {
            match step {
                Step::Member(name) if out.is_empty() => out.push_str(name),
                Step::Member(name) => {
                    out.push('.');
                    out.push_str(name);
                }
                Step::Items => {
                    let at = items.next().copied().unwrap_or_default();
                    out.push_str(&format!("[{at}]"));
                }
            }
        }
        out
    }
}

/// Calls `then` with every member that the path leads to.
pub(super) fn each<'a>(root: Node<'a>, steps: &'a [Step], then: &mut dyn FnMut(&Found<'a>)) {
    let mut way = Way {
        steps,
        items: Vec::new(),
        then,
    };
    way.walk(root, 0);
}

struct Way<'a, 'f> {
    steps: &'a [Step],
    items: Vec<usize>,
    then: &'f mut dyn FnMut(&Found<'a>),
}

impl<'a> Way<'a, '_> {
    fn walk(&mut self, node: Node<'a>, at: usize) {
        match self.steps.get(at) {
            Some(Step::Items) if node.kind() == Kind::Array => {
                for (nth, item) in node.items().enumerate() {
                    self.items.push(nth);
                    self.walk(item, at + 1);
                    self.items.pop();
                }
            }
            Some(Step::Member(name)) if node.kind() == Kind::Object => {
                let found = node.entries().find(|(key, _, _)| key == name);
                let Some((_, key, value)) = found else {
                    return;
                };
                if at + 1 < self.steps.len() {
                    self.walk(value, at + 1);
                } else {
                    (self.then)(&Found {
                        parent: node,
                        key,
                        value,
                        steps: self.steps,
                        items: self.items.clone(),
                    });
                }
            }
            _ => {}
        }
    }
}
