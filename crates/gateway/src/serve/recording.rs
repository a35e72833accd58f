//! A stream that is kept for reuse, as it comes.

use bytes::{Bytes, BytesMut};

use crate::reuse::Keep;

/// The largest stream that is kept.
const LARGEST: usize = 4 << 20;

/// What has come of a stream, if it is to be kept.
pub(super) struct Recording(Option<(Keep, BytesMut)>);

impl Recording {
    /// Of a stream that has not begun.
    pub(super) fn of(keep: Option<Keep>) -> Self {
        Self(keep.map(|keep| (keep, BytesMut::new())))
    }

    /// Adds a frame. One too many ends it: nothing is kept.
    pub(super) fn push(&mut self, frame: &Bytes) {
        if let Some((_, whole)) = &mut self.0 {
            whole.extend_from_slice(frame);
            if whole.len() > LARGEST {
                self.0 = None;
            }
        }
    }

    /// Where the whole stream goes, and all of it.
    pub(super) fn take(&mut self) -> Option<(Keep, Bytes)> {
        self.0.take().map(|(keep, whole)| (keep, whole.freeze()))
    }
}
