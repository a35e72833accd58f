//! What is still to be said when a stream, or one of its choices, ends.

use super::content::{delta, entry};
use super::{Mender, framed};
use crate::json::{Node, object};
use crate::openai::quirks::changes::{Changes, members};
use crate::openai::quirks::tags::{Split, Tags};
use crate::sse::Frame;

impl Mender {
    /// What was held of a choice that ends without a delta to put it into.
    pub(super) fn rest<'a>(&mut self, choice: Node<'a>, index: u64, changes: &mut Changes<'a>) {
        let tags = self.choices.get_mut(&index);
        let tags = tags.and_then(|choice| choice.tags.as_mut());
        let rest = tags.map(Tags::finish).unwrap_or_default();
        if rest.is_empty() {
            return;
        }
        match entry(choice, "delta") {
            Some((_, none)) => changes.put(none.span(), delta(&rest)),
            None => changes.insert(
                choice,
                members(|choice| {
                    choice.raw("delta", &delta(&rest));
                }),
            ),
        }
    }

    /// What the stream's end brings out: text that was held of choices that
    /// never ended, then what was used.
    pub(super) fn last_chunks(&mut self, out: &mut Vec<Frame>) {
        out.extend(self.held_chunk());
        out.extend(self.usage_chunk());
    }

    /// Remembers the members that all chunks share, for those written here.
    pub(super) fn remember_head(&mut self, root: Node<'_>) {
        if self.head.is_some() || root.get("id").is_none() {
            return;
        }
        let shared = ["id", "object", "created", "model"].into_iter();
        let shared = shared.filter_map(|key| Some((key, raw(root.get(key)?))));
        self.head = Some(shared.collect());
    }

    /// Remembers what was used until its own chunk is written.
    pub(super) fn remember_usage(&mut self, used: Option<Node<'_>>) {
        if let Some(used) = used {
            self.usage = Some(raw(used));
        }
    }

    fn held_chunk(&mut self) -> Option<Frame> {
        let mut rests: Vec<(u64, Split)> = Vec::new();
        for (index, choice) in &mut self.choices {
            let rest = choice.tags.as_mut().map(Tags::finish).unwrap_or_default();
            if !rest.is_empty() {
                rests.push((*index, rest));
            }
        }
        if rests.is_empty() {
            return None;
        }
        let data = object(|chunk| {
            for (key, value) in self.head.iter().flatten() {
                chunk.raw(key, value);
            }
            chunk.array("choices", |choices| {
                for (index, rest) in &rests {
                    choices.object(|choice| {
                        choice.number("index", *index);
                        choice.raw("delta", &delta(rest)).null("finish_reason");
                    });
                }
            });
        });
        Some(framed(&data.into(), None))
    }

    fn usage_chunk(&mut self) -> Option<Frame> {
        let usage = self.usage.take()?;
        let data = object(|chunk| {
            for (key, value) in self.head.iter().flatten() {
                chunk.raw(key, value);
            }
            chunk.array("choices", |_| {}).raw("usage", &usage);
        });
        Some(framed(&data.into(), None))
    }
}

fn raw(node: Node<'_>) -> String {
    String::from_utf8_lossy(node.raw()).into_owned()
}
