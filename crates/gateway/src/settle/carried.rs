//! The bytes of what passes through unread, counted by those who move them.

use std::cell::Cell;

use domain::record::Passed;

/// What was moved so far; its ticket looks at it when it ends.
#[derive(Debug, Default)]
pub struct Carried(Cell<Passed>);

impl Carried {
    /// So many bytes of the request went upstream.
    pub(crate) fn upstream(&self, bytes: usize) {
        let mut passed = self.0.get();
        passed.bytes_in += bytes as u64;
        self.0.set(passed);
    }

    /// So many bytes of the answer went out.
    pub(crate) fn out(&self, bytes: usize) {
        let mut passed = self.0.get();
        passed.bytes_out += bytes as u64;
        self.0.set(passed);
    }

    pub(super) fn so_far(&self) -> Passed {
        self.0.get()
    }
}
