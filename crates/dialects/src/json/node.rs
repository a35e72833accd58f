//! One value of a document, and the ways to look at it.

use std::borrow::Cow;

use domain::edit::Span;

use super::{Document, Entry, keys, text};

/// The kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number, kept as text.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// One value.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    doc: &'a Document,
    index: u32,
}

impl<'a> Node<'a> {
    pub(super) fn new(doc: &'a Document, index: u32) -> Self {
        Self { doc, index }
    }

    #[inline]
    fn entry(self) -> &'a Entry {
        &self.doc.tape[self.index as usize]
    }

    /// Its kind.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.entry().kind
    }

    /// Where it lies, quotes and brackets included.
    #[must_use]
    pub fn span(self) -> Span {
        let entry = self.entry();
        Span::new(entry.start, entry.end)
    }

    /// Where it lies without its quotes or brackets; a scalar's own span.
    #[must_use]
    pub fn inner_span(self) -> Span {
        let span = self.span();
        match self.kind() {
            Kind::String | Kind::Array | Kind::Object => Span::new(span.start + 1, span.end - 1),
            Kind::Null | Kind::Bool | Kind::Number => span,
        }
    }

    /// How many values and keys it is made of, itself included.
    pub(crate) fn size(self) -> usize {
        (self.entry().next - self.index) as usize
    }

    /// Its own bytes.
    #[must_use]
    pub fn raw(self) -> &'a [u8] {
        self.span().of(&self.doc.bytes)
    }

    /// The member with this (decoded) key.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Node<'a>> {
        let found = self
            .members()
            .find(|(name, _)| *name.name() == *key.as_bytes());
        found.map(|(_, value)| value)
    }

    /// The members of an object: key, the key's span with its quotes, value.
    #[must_use]
    pub fn entries(self) -> Entries<'a> {
        Entries(self.members())
    }

    /// The members of an object: key, value.
    pub(crate) fn members(self) -> Members<'a> {
        Members(self.children(Kind::Object))
    }

    /// The bytes of a key, decoded.
    #[inline(always)]
    pub(crate) fn name(self) -> Cow<'a, [u8]> {
        keys::name(&self.doc.bytes, self.entry())
    }

    /// The items of an array.
    #[must_use]
    pub fn items(self) -> Items<'a> {
        self.children(Kind::Array)
    }

    fn children(self, kind: Kind) -> Items<'a> {
        let end = if self.kind() == kind {
            self.entry().next
        } else {
            self.index + 1
        };
        Items {
            doc: self.doc,
            at: self.index + 1,
            end,
        }
    }

    /// A string, decoded; borrowed if it holds no escape.
    #[must_use]
    pub fn str(self) -> Option<Cow<'a, str>> {
        if self.kind() != Kind::String {
            return None;
        }
        let inner = self.inner_span().of(&self.doc.bytes);
        Some(match self.is_escaped() {
            true => text::decode(inner),
            false => text::plain(inner),
        })
    }

    /// Whether a string holds escapes.
    #[must_use]
    pub fn is_escaped(self) -> bool {
        self.entry().escaped
    }

    /// A number that is a whole one and not negative, however it is spelt.
    #[must_use]
    pub fn u64(self) -> Option<u64> {
        /// Above this a double no longer tells whole numbers apart.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if self.kind() != Kind::Number {
            return None;
        }
        let raw = self.raw();
        // Nineteen digits always fit; nearly all numbers are such.
        if raw.len() <= 19
            && let Some(whole) = raw.iter().try_fold(0, |whole, byte| {
                let digit = byte.wrapping_sub(b'0');
                (digit < 10).then(|| whole * 10 + u64::from(digit))
            })
        {
            return Some(whole);
        }
        let number = std::str::from_utf8(raw).ok()?;
        if let Ok(whole) = number.parse() {
            return Some(whole);
        }
        let value: f64 = number.parse().ok()?;
        let is_whole = (0.0..=EXACT).contains(&value) && value.fract() == 0.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked"
        )]
        is_whole.then_some(value as u64)
    }

    /// `true` or `false`.
    #[must_use]
    pub fn bool(self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.raw() == b"true")
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }
}

/// The items of an array.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    doc: &'a Document,
    at: u32,
    end: u32,
}

impl<'a> Iterator for Items<'a> {
    type Item = Node<'a>;

    #[inline]
    fn next(&mut self) -> Option<Node<'a>> {
        if self.at >= self.end {
            return None;
        }
        let node = Node::new(self.doc, self.at);
        self.at = node.entry().next;
        Some(node)
    }
}

/// The members of an object: key, value.
#[derive(Clone, Debug)]
pub(crate) struct Members<'a>(Items<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (Node<'a>, Node<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let Items { doc, at, end } = self.0;
        if at >= end {
            return None;
        }
        // A key is followed by its value at once.
        let value = Node::new(doc, at + 1);
        self.0.at = value.entry().next;
        Some((Node::new(doc, at), value))
    }
}

/// The members of an object.
#[derive(Clone, Debug)]
pub struct Entries<'a>(Members<'a>);

impl<'a> Iterator for Entries<'a> {
    type Item = (Cow<'a, str>, Span, Node<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, value) = self.0.next()?;
        Some((key.str().unwrap_or_default(), key.span(), value))
    }
}
