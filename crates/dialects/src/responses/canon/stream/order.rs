//! One item after the other: clients of Responses take a delta to be of the
//! item that began last, and some providers let calls grow side by side.

use std::collections::VecDeque;

use domain::canon::Chunk;

/// Which block is being written, and what waits for its end.
#[derive(Debug, Default)]
pub(super) struct Order {
    front: Option<u32>,
    waiting: VecDeque<(u32, Vec<Chunk>)>,
}

impl Order {
    /// Whether this chunk of a block is written now; else it is held.
    pub(super) fn admits(&mut self, block: u32, chunk: &Chunk) -> bool {
        match self.front {
            None => {
                if matches!(chunk, Chunk::Open { .. }) {
                    self.front = Some(block);
                }
                true
            }
            Some(front) if front == block => {
                if matches!(chunk, Chunk::Close { .. }) {
                    self.front = None;
                }
                true
            }
            Some(_) => {
                let known = self.waiting.iter_mut().rfind(|(of, _)| *of == block);
                match known {
                    Some((_, held)) => held.push(chunk.clone()),
                    None => self.waiting.push_back((block, vec![chunk.clone()])),
                }
                false
            }
        }
    }

    /// What was held of the next block, once none is being written.
    pub(super) fn next(&mut self) -> Option<Vec<Chunk>> {
        if self.front.is_some() {
            return None;
        }
        let (block, held) = self.waiting.pop_front()?;
        let is_complete = matches!(held.last(), Some(Chunk::Close { .. }));
        self.front = (!is_complete).then_some(block);
        Some(held)
    }

    /// The block that is being written ends here, whether it was closed or not.
    pub(super) fn release(&mut self) -> Option<u32> {
        self.front.take()
    }
}
