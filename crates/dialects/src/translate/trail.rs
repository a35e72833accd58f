//! How far a stream is that leaves as it came: what ends it, should it break, goes on
//! from there.

use bytes::Bytes;
use domain::canon::{Dialect, Fault};

use crate::responses;
use crate::sse::Frame;

/// What is kept of such a stream: the first event and the last, by which the dialects
/// that number their events know where they are.
#[derive(Debug)]
pub struct Trail {
    dialect: Dialect,
    request_id: String,
    began: Option<Bytes>,
    last: Option<Bytes>,
    /// The event that tells of an error. It may be replaced.
    failing: Option<Bytes>,
}

/// What an event is to the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tells {
    Error,
    Else,
}

impl Trail {
    /// Of a stream that has not begun. `request_id` is for the events that end it.
    #[must_use]
    pub fn new(dialect: Dialect, request_id: &str) -> Self {
        Self {
            dialect,
            request_id: request_id.to_owned(),
            began: None,
            last: None,
            failing: None,
        }
    }

    /// Looks at an event that came.
    pub(super) fn heard(&mut self, frame: &Frame, tells: Tells) {
        let Some(data) = frame
            .data
            .as_ref()
            .filter(|_| self.dialect == Dialect::Responses)
        else {
            return;
        };
        if tells == Tells::Error {
            self.failing = Some(data.clone());
            return;
        }
        self.began.get_or_insert_with(|| data.clone());
        self.last = Some(data.clone());
    }

    /// What ends it instead of the event that tells of an error, or where none came.
    /// Empty where the dialect's events say nothing of one another.
    pub(super) fn fault(&self, fault: &Fault) -> Bytes {
        match (&self.began, &self.last) {
            (Some(began), Some(last)) => {
                responses::canon::write_broken(fault, &self.request_id, (began, last))
            }
            _ => Bytes::new(),
        }
    }

    /// What has to follow the event that told of an error, where the client has it.
    pub(super) fn closing(&self, fault: &Fault) -> Bytes {
        match (&self.began, &self.failing) {
            (Some(began), Some(failing)) => responses::canon::write_failed(fault, (began, failing)),
            _ => Bytes::new(),
        }
    }
}
