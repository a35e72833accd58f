//! A streamed answer: upstream bytes → frames → meter → guards → client.
//!
//! Frames pass as their own bytes; only usage that the client did not ask for
//! is cut out. The stream is complete only with all of the dialect's end
//! marks; the record is in the journal before the last of them goes out.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use dialects::framing::Cutter;
use dialects::openai::{Facts, FrameClass, Pass, Tap};
use dialects::sse::Frame;
use dialects::texts::Form;
use dialects::translate::Frames;
use domain::guard::Finding;
use domain::record::Outcome;
use domain::refusal::{Reason, Refusal};
use tokio::time::Instant;

use super::growing::Counting;
use super::hold::Hold;
use super::keep::{self, Keeping};
use super::recording::Recording;
use super::rest::{Rest, drain};
use super::watched::{Flow, Party, Watched};
use super::{AnswerBody, Served, fault, headers, shelved, stream_head};
use crate::guard::judge;
use crate::plane::Plane;
use crate::send::upstream::UpstreamBody;
use crate::send::{Client, LARGEST_EVENT, Opening, PIVOT, Recount, Serving, Told};
use crate::settle::Ticket;
use crate::wire::Alarm;

/// A stream on its way to the client. Dropping it means that the client left.
pub struct Streaming {
    pub(super) plane: Rc<Plane>,
    pub(super) ticket: Option<Ticket>,
    pub(super) upstream: Option<UpstreamBody>,
    pub(super) cutter: Frames,
    pub(super) client: Option<Client>,
    pub(super) tap: Tap,
    pub(super) hold: Hold,
    pub(super) ready: VecDeque<Bytes>,
    /// Kept for its capacity.
    frames: Vec<Frame>,
    record: Recording,
    /// What counts it, should the target not say its usage.
    pub(super) recount: Option<Recount>,
    /// Waits with the last mark until the answer is counted.
    pub(super) counting: Option<Counting>,
    /// Waits with the last mark until the answer is kept.
    keeping: Option<Keeping>,
    pub(super) silence: Duration,
    pub(super) keepalive: Option<Duration>,
    pub(super) deadline: Instant,
    /// When the upstream, or the client's patience, runs out.
    pub(super) due: Instant,
    alarm: Alarm,
    pub(super) last: Instant,
}

/// Starts a stream: the held frames go out first.
pub(super) fn start(
    plane: &Rc<Plane>,
    mut ticket: Ticket,
    serving: Serving,
    opening: Opening,
) -> Served {
    let model = opening.tap.model().map(str::to_owned);
    ticket.note(|facts| facts.answered_model = model);
    let mut served = stream_head(Served::new(AnswerBody::whole(Bytes::new())));
    if let Some(client) = &serving.client {
        served = served.of_type(client.stream_type());
    }
    headers::upstream(&mut served.fields, &opening.fields);
    headers::about(&mut served.fields, &ticket, &serving);
    let form = serving.client.as_ref().map(Client::form);
    let hold = Hold::new(serving.guards, form.unwrap_or((PIVOT, Form::Events)));
    let now = Instant::now();
    let mut streaming = Streaming {
        plane: Rc::clone(plane),
        ticket: Some(ticket),
        upstream: Some(opening.upstream),
        cutter: opening.frames,
        client: serving.client,
        tap: opening.tap,
        hold,
        ready: VecDeque::new(),
        frames: Vec::new(),
        record: Recording::of(serving.keep),
        recount: opening.recount,
        counting: None,
        keeping: None,
        silence: opening.timeouts.between_chunks,
        keepalive: plane.shared.snapshot.load().keepalive,
        deadline: opening.deadline,
        due: now,
        alarm: Alarm::default(),
        last: now,
    };
    for (frame, facts) in opening.held {
        streaming.frame(frame, facts);
    }
    streaming.wind();
    served.body = AnswerBody::Stream(Watched::new(streaming));
    served
}

impl Flow for Streaming {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Poll::Ready(Some(bytes));
            }
            if self.counting.is_some() {
                let mark = ready!(self.counted(cx));
                self.keep(mark);
                continue;
            }
            if let Some(keeping) = &mut self.keeping {
                let mark = ready!(keeping.as_mut().poll(cx));
                self.keeping = None;
                self.complete(mark);
                continue;
            }
            let Some(upstream) = &mut self.upstream else {
                return Poll::Ready(None);
            };
            match upstream.poll_data(cx) {
                Poll::Ready(Some(Ok(data))) => {
                    self.last = Instant::now();
                    if self.last >= self.deadline {
                        self.broke("timeout: total");
                        continue;
                    }
                    let mut frames = std::mem::take(&mut self.frames);
                    let cut = self.cutter.push(data, &mut frames);
                    for frame in frames.drain(..) {
                        let facts = self.tap.read(&frame);
                        self.frame(frame, facts);
                    }
                    self.frames = frames;
                    if let Err(unreadable) = cut {
                        self.broke(unreadable);
                    }
                    self.pay_as_it_grows();
                    self.wind();
                }
                Poll::Ready(Some(Err(error))) => self.broke(error),
                Poll::Ready(None) => self.over(),
                Poll::Pending => {
                    ready!(self.alarm.poll(cx, self.due));
                    self.rang();
                }
            }
        }
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn late(&mut self, who: Party) {
        if self.upstream.is_none() {
            return;
        }
        if who == Party::Upstream {
            return self.rang();
        }
        let refusal = Refusal::new(Reason::BodyTimeout, "The answer was not read in time.");
        self.hold.clear();
        self.close(&refusal, Outcome::ClientLeft);
    }

    /// An event within it says what went wrong.
    fn is_broken(&self) -> bool {
        false
    }
}

impl Streaming {
    /// The upstream's connection ended cleanly. Some servers leave out the
    /// blank line behind their last event.
    fn over(&mut self) {
        let mut frames = Vec::new();
        let finished = self.cutter.finish(&mut frames);
        for frame in frames {
            let facts = self.tap.read(&frame);
            self.frame(frame, facts);
        }
        if self.upstream.is_some() {
            match finished {
                Ok(()) => self.broke("the stream ended without its end mark"),
                Err(unreadable) => self.broke(unreadable),
            }
        }
    }

    /// One frame: metered by the tap, screened, released in order.
    fn frame(&mut self, frame: Frame, facts: Facts) {
        if self.upstream.is_none() {
            return;
        }
        self.record.push(&frame.bytes);
        match facts.class {
            FrameClass::Done => return self.end(frame.bytes),
            FrameClass::Error => return self.failed(frame),
            FrameClass::Malformed => return self.broke("a malformed event"),
            _ => {}
        }
        let bytes = match facts.pass {
            Pass::Keep => frame.bytes,
            Pass::Replace(bytes) => bytes,
            Pass::Drop => Bytes::new(),
        };
        self.remember(&facts.deltas);
        let mut findings = self.hold.push(bytes);
        // Frames of other dialects may leave behind those that tell of the end.
        let is_all = self.client.is_none() && self.tap.finish_seen();
        if is_all && facts.class == FrameClass::Finish {
            findings.extend(self.hold.finish());
        }
        if self.blocked(&findings) {
            return;
        }
        while let Some(bytes) = self.hold.pop() {
            self.ready.push_back(bytes);
        }
        if self.hold.is_full() {
            self.broke("guards hold more of the answer than they may");
        }
    }

    /// Ends the stream if a guard blocks; what was held never leaves.
    fn blocked(&mut self, findings: &[Finding]) -> bool {
        let Some(ticket) = self.ticket.as_mut().filter(|_| !findings.is_empty()) else {
            return false;
        };
        let Some(refusal) = judge(ticket, findings) else {
            return false;
        };
        self.hold.clear();
        self.close(&refusal, Outcome::GuardEnded);
        true
    }

    /// The dialect's last mark has come.
    fn end(&mut self, mark: Bytes) {
        let mut findings = self.hold.last(&mark);
        findings.extend(self.hold.finish());
        if self.blocked(&findings) {
            return;
        }
        if !self.tap.is_complete() {
            return self.broke("the end mark came without a finish reason");
        }
        while let Some(bytes) = self.hold.pop() {
            self.ready.push_back(bytes);
        }
        self.shelve();
        self.meter();
        if let Some(upstream) = self.upstream.take() {
            tokio::task::spawn_local(drain(upstream));
        }
        if let Some(mark) = self.count(mark) {
            self.keep(mark);
        }
    }

    /// All of the answer has come, and is counted: it is kept where it is to be.
    fn keep(&mut self, mark: Bytes) {
        let ticket = self.ticket.as_ref();
        self.keeping =
            ticket.and_then(|it| keep::keeping(&self.plane, it, self.client.as_ref(), &mark));
        if self.keeping.is_none() {
            self.complete(mark);
        }
    }

    /// All of the answer has come, and is kept where it is to be.
    fn complete(&mut self, mark: Bytes) {
        if let Some(ticket) = self.ticket.take() {
            ticket.settle(Outcome::Complete, 200);
        }
        self.ready.push_back(mark);
    }

    /// The upstream broke off: the client gets an error event, never a clean
    /// end. What guards hold stays held.
    pub(super) fn broke(&mut self, cause: impl ToString) {
        let refusal = Refusal::new(
            Reason::UpstreamBroken,
            "The upstream broke off in the middle of the answer; what came so far is incomplete.",
        )
        .because(cause);
        self.warn(&refusal);
        self.close(&refusal, Outcome::UpstreamBroke);
    }

    /// The provider's stream says that it failed, and so the client's does.
    fn failed(&mut self, frame: Frame) {
        let findings = self.hold.last(&frame.bytes);
        if self.blocked(&findings) {
            return;
        }
        let told = Told::of(frame.data.unwrap_or_default());
        self.warn(&told.refusal);
        let id = self.id();
        let client = self.client.as_ref().map(Client::codec);
        let event = fault::told(&told, frame.bytes, (&mut self.cutter, client), &id);
        self.close_with(event, &told.refusal, Outcome::UpstreamBroke);
    }

    fn id(&self) -> String {
        let ticket = self.ticket.as_ref();
        ticket.map_or_else(String::new, |it| it.id().to_string())
    }

    pub(super) fn warn(&self, refusal: &Refusal) {
        let (id, cause) = (self.id(), &refusal.cause);
        tracing::warn!(request_id = id, cause, "stream broke");
    }

    pub(super) fn close(&mut self, refusal: &Refusal, outcome: Outcome) {
        let event = self.cutter.fault(&fault::of(refusal));
        self.close_with(event, refusal, outcome);
    }

    /// Ends the client's stream with this event; with the gateway's own if it
    /// is empty.
    fn close_with(&mut self, mut event: Bytes, refusal: &Refusal, outcome: Outcome) {
        self.meter();
        if let Some(mut ticket) = self.ticket.take() {
            ticket.note(|facts| facts.error = Some(refusal.reason.code().to_owned()));
            let id = ticket.id().to_string();
            let status = match outcome {
                Outcome::ClientLeft => 499,
                _ => 200,
            };
            ticket.settle(outcome, status);
            if event.is_empty() {
                event = fault::event(refusal, self.client.as_ref().map(Client::codec), &id);
            }
            self.ready.push_back(event);
        }
        self.upstream = None;
    }

    fn shelve(&mut self) {
        let (Some((keep, body)), Some(ticket)) = (self.record.take(), &mut self.ticket) else {
            return;
        };
        ticket.meter.reported = self.tap.usage();
        let (shared, usage) = (&self.plane.shared, self.tap.usage());
        let shelved = shelved(ticket, usage, (body, true), keep.ttl, shared.ticks());
        shared.shelf.put(keep.key, Arc::new(shelved));
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        // The ticket's own drop settles it as *client left*.
        self.meter();
        let is_worth_it = self.tap.finish_seen() && self.tap.usage().is_none();
        if !is_worth_it || self.plane.shared.is_draining() {
            return;
        }
        if let (Some(ticket), Some(upstream)) = (self.ticket.take(), self.upstream.take()) {
            let nothing = Tap::new(self.tap.operation(), 1, false);
            let rest = Rest {
                frames: std::mem::replace(
                    &mut self.cutter,
                    Frames::same(Cutter::events(LARGEST_EVENT)),
                ),
                tap: std::mem::replace(&mut self.tap, nothing),
                upstream,
                ticket,
            };
            tokio::task::spawn_local(rest.settle());
        }
    }
}
