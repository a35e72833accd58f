//! What a stream comes to while it grows, and at its end: what is reserved for
//! it, and its tokens where the target does not say them.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use dialects::openai::Delta;
use domain::record::Outcome;
use domain::refusal::{Reason, Refusal};
use domain::snapshot::LongStreams;

use super::stream::Streaming;
use crate::send::Recounted;

/// The last mark, once the answer is counted.
pub(super) type Counting = Pin<Box<dyn Future<Output = (Recounted, Bytes)>>>;

impl Streaming {
    /// Tells the ticket what is known of the tokens.
    pub(super) fn meter(&mut self) {
        let Some(ticket) = &mut self.ticket else {
            return;
        };
        ticket.meter.reported = self.tap.usage();
        ticket.meter.said_so_far = self.cutter.usage();
        ticket.meter.completion_estimate = self.tap.estimated_completion();
    }

    /// Keeps pieces of the answer, should they have to be counted.
    pub(super) fn remember(&mut self, deltas: &[Delta]) {
        if let Some(recount) = &mut self.recount
            && !recount.push(deltas)
        {
            self.recount = None;
        }
    }

    /// Counts the answer before its last mark goes out, if the target has not;
    /// else gives the mark back.
    pub(super) fn count(&mut self, mark: Bytes) -> Option<Bytes> {
        let is_told = self.tap.usage().is_some() || self.cutter.usage().is_some();
        match self.recount.take() {
            Some(recount) if !is_told => {
                let counted = async move { (recount.count().await, mark) };
                self.counting = Some(Box::pin(counted));
                return None;
            }
            Some(recount) => recount.needless(&self.plane),
            None => {}
        }
        Some(mark)
    }

    /// The last mark, once the answer is counted.
    pub(super) fn counted(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        let Some(counting) = &mut self.counting else {
            return Poll::Pending;
        };
        let (counts, mark) = ready!(counting.as_mut().poll(cx));
        self.counting = None;
        if let Some(ticket) = &mut self.ticket {
            ticket.meter.is_recounted(counts);
        }
        Poll::Ready(mark)
    }

    /// Reserves more for an answer that is longer than what is reserved for it;
    /// without room it ends, unless policy lets it finish.
    pub(super) fn pay_as_it_grows(&mut self) {
        let tokens = self.tap.estimated_completion();
        let Some(ticket) = self.ticket.as_mut().filter(|_| self.upstream.is_some()) else {
            return;
        };
        if ticket.reserve_as_it_grows(tokens) {
            return;
        }
        if self.plane.shared.snapshot.load().long_streams == LongStreams::Finish {
            ticket.grows(None);
            return;
        }
        let refusal = Refusal::new(
            Reason::BudgetSpent,
            "A budget or limit has no room for more of this answer, and ends it here. State \
             `max_tokens`, or ask whoever set the budget for more.",
        );
        self.warn(&refusal);
        self.hold.clear();
        self.close(&refusal, Outcome::Refused);
    }
}
