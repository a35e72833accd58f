//! System rules within a client's own document: what dialects whose system's
//! prompt is a member of the request have in common.

use bytes::Bytes;
use domain::edit::{Edit, Span};
use domain::policy::SystemRule;
use domain::refusal::Refusal;

use crate::json::{Document, Kind, Node, write_escaped, write_string};

/// Puts a policy's system rules into a client's request, in its own shape.
///
/// # Errors
/// There is no place for them: the refusal names the field.
pub type SystemRules = fn(&Document, &[SystemRule]) -> Result<Vec<Edit>, Refusal>;

/// What stands between two texts.
const BETWEEN: &[u8] = br"\n\n";

/// Rules, by where they go.
pub(crate) struct Rules<'a> {
    /// Those that stand before the client's own words.
    pub(crate) before: Vec<&'a str>,
    /// Those that stand behind them.
    pub(crate) behind: Vec<&'a str>,
}

impl<'a> Rules<'a> {
    pub(crate) fn of(rules: &'a [SystemRule]) -> Self {
        let mut out = Self {
            before: Vec::new(),
            behind: Vec::new(),
        };
        for rule in rules {
            match rule {
                SystemRule::Prepend(text) => out.before.push(text),
                SystemRule::Append(text) => out.behind.push(text),
            }
        }
        out
    }

    /// All of them, where the client has no words of its own.
    pub(crate) fn all(&self) -> Vec<&'a str> {
        [self.before.as_slice(), self.behind.as_slice()].concat()
    }

    /// Around the words of a string.
    pub(crate) fn around_text(&self, text: Node<'_>) -> Vec<Edit> {
        let inner = text.inner_span();
        if inner.is_empty() {
            return vec![replaced(inner, escaped(&self.all()))];
        }
        let mut edits = Vec::new();
        if !self.before.is_empty() {
            let with = [escaped(&self.before).as_slice(), BETWEEN].concat();
            edits.push(inserted(inner.start, with));
        }
        if !self.behind.is_empty() {
            let with = [BETWEEN, &escaped(&self.behind)].concat();
            edits.push(inserted(inner.end, with));
        }
        edits
    }

    /// Around the items of an array, each in an item of its own.
    pub(crate) fn around_items(&self, list: Node<'_>, item: impl Fn(&str) -> Vec<u8>) -> Vec<Edit> {
        let inner = list.inner_span();
        let items = |texts: &[&str]| {
            let items: Vec<Vec<u8>> = texts.iter().map(|text| item(text)).collect();
            items.join(&b","[..])
        };
        if list.items().next().is_none() {
            return vec![replaced(inner, items(&self.all()))];
        }
        let mut edits = Vec::new();
        if !self.before.is_empty() {
            let with = [items(&self.before).as_slice(), b","].concat();
            edits.push(inserted(inner.start, with));
        }
        if !self.behind.is_empty() {
            let with = [b",", items(&self.behind).as_slice()].concat();
            edits.push(inserted(inner.end, with));
        }
        edits
    }

    /// All of them as one string.
    pub(crate) fn string(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write_string(&mut out, &self.all().join("\n\n"));
        out
    }
}

/// Texts within a string, one behind the other.
fn escaped(texts: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(BETWEEN);
        }
        write_escaped(&mut out, text);
    }
    out
}

/// A member with this value, first in an object.
pub(crate) fn member(object: Node<'_>, key: &str, value: &[u8]) -> Edit {
    let mut with = Vec::new();
    write_string(&mut with, key);
    with.push(b':');
    with.extend_from_slice(value);
    if object.kind() == Kind::Object && object.entries().next().is_some() {
        with.push(b',');
    }
    inserted(object.inner_span().start, with)
}

/// Other bytes in a span's place.
pub(crate) fn replaced(span: Span, with: Vec<u8>) -> Edit {
    Edit {
        span,
        with: Bytes::from(with),
    }
}

fn inserted(at: u32, with: Vec<u8>) -> Edit {
    replaced(Span::new(at, at), with)
}
