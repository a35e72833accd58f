//! The bytes of what passes through unread, counted by those who move them, and
//! said in the journal from time to time: nothing else says of a request whose
//! process is killed how much of it has passed. Only while newcomers would be
//! let in: what the journal has promised to those in flight, nobody takes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use domain::record::{Opened, Passed, Record};

use crate::plane::Plane;

/// Bytes between two words in the journal: as many as were said, within these.
const LEAST: u64 = 4 << 10;
const MOST: u64 = 1 << 20;

/// What was moved so far; its ticket looks at it when it ends.
#[derive(Default)]
pub struct Carried {
    passed: Cell<Passed>,
    /// Bytes both ways at which the journal is told next.
    due: Cell<u64>,
    teller: RefCell<Option<Teller>>,
}

/// What the journal is told.
struct Teller {
    plane: Rc<Plane>,
    opened: Opened,
}

impl Carried {
    /// So many bytes of the request went upstream.
    pub(crate) fn upstream(&self, bytes: usize) {
        let mut passed = self.passed.get();
        passed.bytes_in += bytes as u64;
        self.moved(passed);
    }

    /// So many bytes of the answer went out.
    pub(crate) fn out(&self, bytes: usize) {
        let mut passed = self.passed.get();
        passed.bytes_out += bytes as u64;
        self.moved(passed);
    }

    pub(super) fn so_far(&self) -> Passed {
        self.passed.get()
    }

    /// From now on the journal is told, in words like these.
    pub(super) fn tell(&self, plane: &Rc<Plane>, opened: &Opened) {
        let teller = Teller {
            plane: Rc::clone(plane),
            opened: opened.clone(),
        };
        self.due.set(next(self.passed.get()));
        self.teller.replace(Some(teller));
    }

    /// The request has its end: nothing is told behind that.
    pub(super) fn end(&self) {
        self.teller.replace(None);
    }

    fn moved(&self, passed: Passed) {
        self.passed.set(passed);
        if passed.bytes_in + passed.bytes_out < self.due.get() {
            return;
        }
        if let Some(teller) = &mut *self.teller.borrow_mut() {
            self.due.set(next(passed));
            if !teller.plane.shared.journal.is_writable() {
                return;
            }
            if let Some(asked) = &mut teller.opened.asked {
                asked.passed = Some(passed);
            }
            // What is not said now is said the next time, or by its end.
            let _ = teller.plane.record(&Record::Opened(teller.opened.clone()));
        }
    }
}

/// When the journal is told again.
fn next(passed: Passed) -> u64 {
    let said = passed.bytes_in + passed.bytes_out;
    said + said.clamp(LEAST, MOST)
}
