//! Thoughts of a stream: told as they come, but for the hidden.

use domain::canon::{Chunk, Delta, Opened, Thinking};

use super::{Malformed, StreamReader, add};
use crate::converse::canon::blocks::signed;
use crate::converse::canon::fields::word;
use crate::converse::canon::open::{Open, Slot};
use crate::json::Node;

impl StreamReader {
    /// A thought begins or goes on.
    pub(super) fn thought(
        &mut self,
        index: u64,
        more: Node<'_>,
        out: &mut Vec<Chunk>,
    ) -> Result<(), Malformed> {
        let hidden = word(more, "redactedContent");
        if !hidden.is_empty() {
            return self.hidden(index, hidden, out);
        }
        let text = word(more, "text");
        let signature = signed(&word(more, "signature"));
        if text.is_empty() && signature.is_none() {
            return Ok(());
        }
        let new = (Slot::Thinking, Opened::Thinking(Thinking::default()));
        let block = self.or_open(index, |slot| matches!(slot, Slot::Thinking), new, out);
        if !text.is_empty() {
            add(block, Delta::Text(text), out);
        }
        if let Some(signature) = signature {
            add(block, Delta::Signature(signature), out);
        }
        Ok(())
    }

    /// A hidden thought is signed by all of it, so it is told once it is whole.
    fn hidden(&mut self, index: u64, more: String, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        let found = self.open.iter_mut().find(|open| open.index == index);
        if let Some(Open {
            kind: Slot::Redacted(before),
            ..
        }) = found
        {
            before.push_str(&more);
            let size = before.len();
            return self.keeps(size);
        }
        self.close(|_| true, out);
        self.keeps(more.len())?;
        self.hold(index, Slot::Redacted(more));
        Ok(())
    }
}
