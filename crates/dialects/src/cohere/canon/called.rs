//! A call that a stream brings: a tool's, or one that gives the answer.

use std::borrow::Cow;

use domain::canon::{Chunk, Delta};

use crate::json::Node;
use crate::translate::fields::text;

/// What a call grows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Called {
    /// A call's arguments.
    Tool(u32),
    /// The answer itself, given by a call.
    Answer(u32),
}

impl Called {
    pub(super) fn block(self) -> u32 {
        match self {
            Self::Tool(block) | Self::Answer(block) => block,
        }
    }

    pub(super) fn close(self) -> Chunk {
        Chunk::Close {
            choice: 0,
            block: self.block(),
        }
    }

    pub(super) fn grow(self, function: Node<'_>, out: &mut Vec<Chunk>) {
        let Some(more) = text(function, "arguments").map(Cow::into_owned) else {
            return;
        };
        out.push(Chunk::Grow {
            choice: 0,
            block: self.block(),
            delta: match self {
                Self::Tool(_) => Delta::Arguments(more),
                Self::Answer(_) => Delta::Text(more),
            },
        });
    }
}
