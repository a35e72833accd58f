//! Spans of a body and replacements spliced into it.
//!
//! The body that goes out is slices of the original with the replacements
//! between: whatever no edit touches is the same byte, and nothing is copied.

use std::collections::BTreeMap;

use bytes::Bytes;

/// Bytes `start..end` of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span; `start` must not be after `end`.
    #[must_use]
    pub fn new(start: u32, end: u32) -> Self {
        debug_assert!(start <= end);
        Self { start, end }
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether the span holds no byte (an insertion point).
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The bytes of `body` that the span names.
    #[must_use]
    pub fn of(self, body: &[u8]) -> &[u8] {
        &body[self.start as usize..self.end as usize]
    }
}

/// Replace `span` by `with`. An empty span inserts, an empty `with` removes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub span: Span,
    /// What stands there afterwards.
    pub with: Bytes,
}

/// Edits of one body, kept sorted by position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits(Vec<Edit>);

/// Two edits touch the same bytes: a bug of the stage that made the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("edits overlap at byte {at}")]
pub struct Overlap {
    /// Where they meet.
    pub at: u32,
}

impl Edits {
    /// No edits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The edits in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Edit] {
        &self.0
    }

    /// Adds an edit in its place. Insertions at the same point keep the order
    /// in which they were added.
    ///
    /// # Errors
    /// [`Overlap`] if it touches bytes that another edit replaces.
    pub fn add(&mut self, edit: Edit) -> Result<(), Overlap> {
        let at = self
            .0
            .partition_point(|e| (e.span.start, e.span.end) <= (edit.span.start, edit.span.end));
        let clash_before = at > 0 && self.0[at - 1].span.end > edit.span.start;
        let clash_after = self
            .0
            .get(at)
            .is_some_and(|next| next.span.start < edit.span.end);
        if clash_before || clash_after {
            return Err(Overlap {
                at: edit.span.start,
            });
        }
        self.0.insert(at, edit);
        Ok(())
    }

    /// Those of many edits, in any order, that fit together: one that touches
    /// bytes which an earlier one replaces is left out. The same as adding one
    /// by one, but in a time that does not grow with the square of their
    /// number.
    #[must_use]
    pub fn fitting(all: impl IntoIterator<Item = Edit>) -> Self {
        let mut kept: BTreeMap<(u32, u32, usize), Edit> = BTreeMap::new();
        for (nth, edit) in all.into_iter().enumerate() {
            let place = (edit.span.start, edit.span.end, nth);
            let before = kept.range(..place).next_back();
            let after = kept.range(place..).next();
            let is_free = before.is_none_or(|(_, other)| other.span.end <= edit.span.start)
                && after.is_none_or(|(_, other)| other.span.start >= edit.span.end);
            if is_free {
                kept.insert(place, edit);
            }
        }
        Self(kept.into_values().collect())
    }

    /// The edited body as slices, in order, without copying the original.
    #[must_use]
    pub fn apply(&self, body: &Bytes) -> Vec<Bytes> {
        let mut out = Vec::with_capacity(self.0.len() * 2 + 1);
        let mut from = 0;
        for edit in &self.0 {
            let start = edit.span.start as usize;
            if start > from {
                out.push(body.slice(from..start));
            }
            if !edit.with.is_empty() {
                out.push(edit.with.clone());
            }
            from = edit.span.end as usize;
        }
        if from < body.len() {
            out.push(body.slice(from..));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(start: u32, end: u32, with: &'static str) -> Edit {
        Edit {
            span: Span::new(start, end),
            with: Bytes::from_static(with.as_bytes()),
        }
    }

    fn applied(edits: &Edits, body: &'static str) -> String {
        let parts = edits.apply(&Bytes::from_static(body.as_bytes()));
        String::from_utf8(parts.concat()).expect("utf-8")
    }

    #[test]
    fn what_no_edit_touches_is_the_same_byte() {
        let mut edits = Edits::new();
        edits.add(edit(6, 11, "there")).expect("fits");
        edits.add(edit(0, 0, ">")).expect("fits");
        edits.add(edit(0, 0, ">")).expect("fits");
        assert_eq!(applied(&edits, "hello world!"), ">>hello there!");
    }

    #[test]
    fn overlapping_edits_are_refused() {
        let mut edits = Edits::new();
        edits.add(edit(2, 5, "x")).expect("fits");
        assert!(edits.add(edit(4, 6, "y")).is_err());
        assert!(edits.add(edit(0, 3, "y")).is_err());
        edits
            .add(edit(5, 6, "z"))
            .expect("adjacent is not overlapping");
        assert_eq!(applied(&edits, "0123456789"), "01xz6789");
    }
    #[test]
    fn many_edits_fit_as_if_they_were_added_one_by_one() {
        let mut seed: u32 = 1;
        let mut random = |below: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) % below
        };
        for _ in 0..2_000 {
            let mut all = Vec::new();
            for nth in 0..random(12) {
                let start = random(20);
                let end = start + random(4);
                all.push(Edit {
                    span: Span::new(start, end),
                    with: nth.to_string().into(),
                });
            }
            let mut added = Edits::new();
            for edit in &all {
                let _left_out = added.add(edit.clone());
            }
            assert_eq!(Edits::fitting(all), added);
        }
    }
}
