//! Where in a client's conversation something of the canonical form came from.
//!
//! Readers do not note where each block stood: hardly anybody ever asks. Who does
//! has the body read again, ever shorter: a block stood in the first item with
//! which it comes.

use domain::canon::{Dialect, Request};

use super::{Codec, words};
use crate::json::{Document, Kind, Node};

/// A client's conversation, to look for places in.
pub(super) struct Places<'a> {
    codec: &'static Codec,
    body: &'a Document,
    items: Vec<Node<'a>>,
    /// What was read of all of it.
    whole: Request,
}

/// A cut: these bytes of the body are replaced.
type Cut = (std::ops::Range<usize>, &'static str);

impl<'a> Places<'a> {
    /// `None` if the body has no conversation of items.
    pub(super) fn of(codec: &'static Codec, body: &'a Document) -> Option<Self> {
        let list = body.root().get(words::conversation(codec.dialect))?;
        Some(Self {
            codec,
            body,
            items: list.items().collect(),
            whole: (codec.read_request)(body).ok()?,
        })
    }

    /// Where a block stood, or a message.
    pub(super) fn find(&self, message: usize, block: Option<usize>) -> Option<String> {
        if let Some(found) = self.in_instructions(message, block) {
            return Some(found);
        }
        let wanted = (message, block);
        let first = first(self.items.len(), |many| {
            self.reaches(&self.until(many), wanted)
        })?;
        let name = words::conversation(self.codec.dialect);
        let path = format!("{name}[{first}]");
        if block.is_none() {
            return Some(path);
        }
        let before = self.until(first + 1);
        let within = self.within(self.items[first], before, wanted);
        Some(format!("{path}{}", within.unwrap_or_default()))
    }

    /// What stands in the system's prompt, which has a place of its own.
    fn in_instructions(&self, message: usize, block: Option<usize>) -> Option<String> {
        let (names, list): (&[&str], _) = match self.codec.dialect {
            Dialect::Responses => (&["instructions"], None),
            Dialect::Anthropic => (&["system"], None),
            Dialect::Gemini => (&["systemInstruction", "system_instruction"], Some("parts")),
            _ => return None,
        };
        let root = self.body.root();
        let (name, node) = names
            .iter()
            .find_map(|name| Some((name, root.get(name)?)))?;
        let without = self.read(vec![(bytes_of(node), "null")])?;
        let instructions = self.whole.messages.len();
        if message >= instructions.saturating_sub(without.messages.len()) {
            return None;
        }
        let (inner, path) = match list {
            Some(list) => (node.get(list)?, format!("{name}.{list}")),
            None => (node, (*name).to_owned()),
        };
        Some(match (inner.kind(), block) {
            (Kind::Array, Some(block)) if message == 0 => format!("{path}[{block}]"),
            _ => path,
        })
    }

    /// Where in an item, which is the last of what `before` leaves.
    fn within(
        &self,
        item: Node<'_>,
        before: Vec<Cut>,
        wanted: (usize, Option<usize>),
    ) -> Option<String> {
        let names: &[&'static str] = match self.codec.dialect {
            Dialect::OpenAi => &["content", "tool_calls"],
            Dialect::Responses => &["content", "output"],
            Dialect::Gemini => &["parts"],
            _ => &["content"],
        };
        let there = |name: &'static str| {
            let node = item.get(name).filter(|node| !node.is_null())?;
            Some((name, node))
        };
        let lists: Vec<_> = names.iter().filter_map(|name| there(name)).collect();
        for (at, (name, list)) in lists.iter().enumerate() {
            let mut cuts = before.clone();
            let later = lists[at + 1..].iter();
            cuts.extend(later.map(|(_, later)| (bytes_of(*later), "null")));
            if !self.reaches(&cuts, wanted) {
                continue;
            }
            let parts: Vec<Node<'_>> = list.items().collect();
            if list.kind() != Kind::Array {
                return Some(format!(".{name}"));
            }
            let cut = |many: usize| [&cuts[..], &until(*list, &parts, many)].concat();
            if self.reaches(&cut(0), wanted) {
                return None;
            }
            let found = first(parts.len(), |many| self.reaches(&cut(many), wanted))?;
            return Some(format!(".{name}[{found}]"));
        }
        None
    }

    /// The cuts that leave so many items of the conversation.
    fn until(&self, many: usize) -> Vec<Cut> {
        let list = self
            .body
            .root()
            .get(words::conversation(self.codec.dialect));
        list.map_or_else(Vec::new, |list| until(list, &self.items, many))
    }

    fn reaches(&self, cuts: &[Cut], (message, block): (usize, Option<usize>)) -> bool {
        let read = self.read(cuts.to_vec());
        let message = read.as_ref().and_then(|read| read.messages.get(message));
        message.is_some_and(|message| block.is_none_or(|block| message.content.len() > block))
    }

    /// What the body says with these cuts; none if that is nothing.
    fn read(&self, mut cuts: Vec<Cut>) -> Option<Request> {
        cuts.sort_by_key(|(range, _)| range.start);
        let bytes = self.body.bytes();
        let mut out = Vec::with_capacity(bytes.len());
        let mut at = 0;
        for (range, with) in cuts.into_iter().filter(|(range, _)| !range.is_empty()) {
            // What stands in something that is cut already is gone.
            if range.start < at {
                continue;
            }
            out.extend_from_slice(&bytes[at..range.start]);
            out.extend_from_slice(with.as_bytes());
            at = range.end;
        }
        out.extend_from_slice(&bytes[at..]);
        let document = Document::parse(out.into(), usize::MAX).ok()?;
        (self.codec.read_request)(&document).ok()
    }
}

/// The cut that leaves the first so many items of a list.
fn until(list: Node<'_>, items: &[Node<'_>], many: usize) -> Vec<Cut> {
    let end = list.inner_span().end as usize;
    let from = match many.checked_sub(1) {
        Some(last) => items.get(last).map_or(end, |item| bytes_of(*item).end),
        None => list.inner_span().start as usize,
    };
    vec![(from..end, "")]
}

fn bytes_of(node: Node<'_>) -> std::ops::Range<usize> {
    node.span().start as usize..node.span().end as usize
}

/// The first of `len` items with which it `comes`, by halving.
fn first(len: usize, comes: impl Fn(usize) -> bool) -> Option<usize> {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = usize::midpoint(low, high);
        match comes(middle + 1) {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    (low < len).then_some(low)
}
