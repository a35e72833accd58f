//! The values that a path leads to.

use domain::edit::Span;
use domain::quirks::Step;

use crate::json::{Kind, Node};

/// A value that a path leads to.
pub(super) struct Found<'a> {
    /// The object that it stands in, and its key there, with quotes; none of
    /// an item, and of the whole.
    pub(super) member: Option<(Node<'a>, Span)>,
    /// The value.
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

/// Calls `then` with every value that the path leads to.
pub(super) fn each<'a>(root: Node<'a>, steps: &'a [Step], then: &mut dyn FnMut(&Found<'a>)) {
    let mut way = Way {
        steps,
        items: Vec::new(),
        then,
    };
    way.walk(root, None, 0);
}

/// The first value that the path leads to.
pub(super) fn first<'a>(root: Node<'a>, steps: &[Step]) -> Option<Node<'a>> {
    let Some((step, rest)) = steps.split_first() else {
        return Some(root);
    };
    match step {
        Step::Items => root.items().find_map(|item| first(item, rest)),
        Step::Member(name) => first(root.get(name)?, rest),
    }
}

struct Way<'a, 'f> {
    steps: &'a [Step],
    items: Vec<usize>,
    then: &'f mut dyn FnMut(&Found<'a>),
}

impl<'a> Way<'a, '_> {
    fn walk(&mut self, node: Node<'a>, member: Option<(Node<'a>, Span)>, at: usize) {
        match self.steps.get(at) {
            None => (self.then)(&Found {
                member,
                value: node,
                steps: self.steps,
                items: self.items.clone(),
            }),
            Some(Step::Items) if node.kind() == Kind::Array => {
                for (nth, item) in node.items().enumerate() {
                    self.items.push(nth);
                    self.walk(item, None, at + 1);
                    self.items.pop();
                }
            }
            Some(Step::Member(name)) if node.kind() == Kind::Object => {
                let found = node.entries().find(|(key, _, _)| key == name);
                if let Some((_, key, value)) = found {
                    self.walk(value, Some((node, key)), at + 1);
                }
            }
            Some(_) => {}
        }
    }
}
