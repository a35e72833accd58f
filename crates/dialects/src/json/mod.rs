//! JSON as a view: one pass validates a body and notes where everything is.
//!
//! Nothing is converted: numbers stay text (`1e400` is kept), strings stay
//! where they lie. We differ from other readers on purpose in two points: a
//! key that stands twice in one object is refused at any depth (compared
//! decoded, so that two readers can never see two different requests), and a
//! lone surrogate is kept as it is and viewed as U+FFFD.

mod canonical;
mod cursor;
mod error;
mod keys;
mod node;
mod run;
mod scan;
mod text;
mod unescape;
mod utf8;
mod write;

use bytes::Bytes;

pub use canonical::canonical;
pub use error::{ScanError, ScanErrorKind};
pub(crate) use node::Members;
pub use node::{Entries, Items, Kind, Node};
pub(crate) use text::{decode, escape, plain};
pub use text::{unescaped, write_escaped, write_string};
pub use unescape::{LEVELS, Unescaper, levels};
pub use write::{Array, Object, array, object};

/// One value on the tape. Values stand in the order of the document; a
/// container is followed by its members (key, value, key, value…).
#[derive(Clone, Copy, Debug)]
struct Entry {
    start: u32,
    end: u32,
    /// The tape index behind this value and all that it contains.
    next: u32,
    kind: Kind,
    escaped: bool,
}

/// A string that lies by itself in a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    /// Where its closing quote is.
    pub(crate) end: usize,
    /// Whether it holds escapes.
    pub(crate) is_escaped: bool,
    /// Whether it is all ASCII.
    pub(crate) is_ascii: bool,
}

/// The string whose opening quote is at `at`, if it is a valid one; that it is
/// UTF-8 is not checked.
pub(crate) fn string_at(bytes: &[u8], at: usize) -> Option<Found> {
    let mut cursor = cursor::Cursor::new(bytes);
    cursor.at = at;
    let is_escaped = cursor.string().ok()?;
    Some(Found {
        end: cursor.at - 1,
        is_escaped,
        is_ascii: cursor.is_ascii,
    })
}

/// A validated JSON text and the tape of its values.
#[derive(Clone, Debug)]
pub struct Document {
    bytes: Bytes,
    tape: Vec<Entry>,
}

impl Document {
    /// Validates `bytes`; at most `max_depth` containers may be nested.
    ///
    /// # Errors
    /// The text is not valid JSON (RFC 8259, UTF-8), repeats a key, or is
    /// nested too deeply.
    pub fn parse(bytes: Bytes, max_depth: usize) -> Result<Self, ScanError> {
        let tape = scan::scan(&bytes, max_depth)
            .map_err(|(kind, at)| ScanError::locate(kind, at, &bytes))?;
        Ok(Self { bytes, tape })
    }

    /// The text as it came.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The outermost value.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node::new(self, 0)
    }
}
