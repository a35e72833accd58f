//! Names that count how often they are compared, for tests of how work grows.

use std::cell::Cell;
use std::cmp::Ordering;

/// How often names were compared.
pub(crate) type Counter = Cell<usize>;

/// A name that counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted<'a> {
    pub(crate) name: usize,
    pub(crate) compared: &'a Counter,
}

impl Ord for Counted<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.compared.set(self.compared.get() + 1);
        self.name.cmp(&other.name)
    }
}

impl PartialOrd for Counted<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Counted<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Counted<'_> {}
