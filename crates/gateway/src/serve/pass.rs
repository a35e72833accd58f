//! What passes back through unread: the provider's bytes as they come. They
//! are counted, and an account of tokens is gleaned from JSON and events;
//! one that breaks off is cut off for the client too.

use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use dialects::{EventGleaner, Gleaner};
use domain::model::{Provider, WireFormat};
use domain::record::Outcome;
use domain::refusal::Reason;
use domain::usage::Usage;
use http::{Method, StatusCode};
use http1::Fields;
use tokio::time::Instant;

use super::upload::{Way, urls};
use super::watched::{Flow, Party, Watched};
use super::{AnswerBody, Served, headers};
use crate::send::Passed;
use crate::send::upstream::UpstreamBody;
use crate::settle::{Carried, Ticket};
use crate::wire::Alarm;

/// Serves what passes back. It settles with its last byte.
#[must_use]
pub fn pass(passed: Passed) -> Served {
    let Passed {
        mut ticket,
        method,
        target,
        origin,
        asked,
        provider,
        answer,
        deadline,
    } = passed;
    let status = answer.status;
    let is_stream = kind(&answer.fields) == "text/event-stream";
    ticket.note(|facts| facts.streamed = is_stream);
    let is_error = status.is_client_error() || status.is_server_error();
    if is_error {
        // Nobody pays for those.
        ticket.meter.asked = false;
    } else {
        ticket.first_content();
    }
    let carried = Rc::clone(ticket.carried.get_or_insert_default());
    let mut served = Served::new(AnswerBody::whole(Bytes::new()));
    served.status = status;
    headers::unread(&mut served.fields, &answer.fields);
    if let Some(origin) = &origin {
        let way = Way {
            origin,
            provider: &provider,
            asked: &asked,
        };
        urls(&mut served.fields, &answer.fields, &way);
    }
    headers::of(&mut served.fields, &ticket);
    if is_stream {
        // nginx and its kin would hold pieces back without this.
        served.fields.add("x-accel-buffering", "no");
    }
    let reader = reader(&provider, &answer.fields);
    let reader = reader.filter(|_| !is_error && makes(&method, &target));
    let held: usize = answer.held.iter().map(Bytes::len).sum();
    let length = match &answer.body {
        Some(body) => body.left().map(|left| left + held as u64),
        None => Some(held as u64),
    };
    let now = Instant::now();
    let mut passing = Passing {
        status,
        ticket: Some(ticket),
        held: answer.held,
        upstream: answer.body,
        carried,
        reader,
        silence: provider.timeouts.between_chunks,
        deadline,
        last: now,
        alarm: Alarm::default(),
        is_broken: false,
    };
    let is_bare = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    served.body = if method == Method::HEAD || is_bare || length == Some(0) {
        passing.complete();
        let announced = answer.fields.text("content-length");
        match method == Method::HEAD {
            true => AnswerBody::Unsent(announced.and_then(|length| length.parse().ok())),
            false => AnswerBody::whole(Bytes::new()),
        }
    } else {
        AnswerBody::Passed(Watched::new(passing), length)
    };
    served
}

/// What an answer says that it is, without parameters.
fn kind(fields: &Fields) -> String {
    let said = fields.text("content-type").unwrap_or_default();
    let kind = said.split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

/// Whether a request makes what it answers with. To look at a batch or an answer
/// of before, or to cancel it, costs nothing again.
fn makes(method: &Method, target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default();
    *method == Method::POST && !path.trim_end_matches('/').ends_with("/cancel")
}

/// Who reads over an answer for its tokens.
enum Reader {
    Whole(Gleaner),
    Events(EventGleaner),
}

impl Reader {
    fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Whole(gleaner) => gleaner.push(bytes),
            Self::Events(gleaner) => gleaner.push(bytes),
        }
    }

    fn usage(&self) -> Option<Usage> {
        match self {
            Self::Whole(gleaner) => gleaner.usage(),
            Self::Events(gleaner) => gleaner.usage(),
        }
    }
}

/// The reader of this answer, where somebody can read it.
fn reader(provider: &Provider, fields: &Fields) -> Option<Reader> {
    let is_plain = fields
        .get("content-encoding")
        .is_none_or(|coding| coding == b"identity");
    let WireFormat::Dialect(dialect) = provider.format else {
        return None;
    };
    match &*kind(fields) {
        "application/json" if is_plain => Some(Reader::Whole(Gleaner::new(dialect))),
        "text/event-stream" if is_plain => Some(Reader::Events(EventGleaner::new(dialect))),
        _ => None,
    }
}

/// An answer on its way back. Dropping it means that the client left.
pub struct Passing {
    status: StatusCode,
    ticket: Option<Ticket>,
    held: VecDeque<Bytes>,
    upstream: Option<UpstreamBody>,
    carried: Rc<Carried>,
    reader: Option<Reader>,
    silence: Duration,
    deadline: Instant,
    last: Instant,
    alarm: Alarm,
    is_broken: bool,
}

impl Passing {
    /// Counts bytes that go out. With the last of them it is over.
    fn hand_on(&mut self, bytes: Bytes) -> Bytes {
        self.carried.out(bytes.len());
        if let Some(reader) = &mut self.reader {
            reader.push(&bytes);
        }
        let left = self.upstream.as_ref().map_or(Some(0), UpstreamBody::left);
        if left == Some(0) && self.held.is_empty() {
            self.complete();
        }
        bytes
    }

    /// All of it has come.
    fn complete(&mut self) {
        let outcome = match self.status.is_client_error() || self.status.is_server_error() {
            true => Outcome::UpstreamFailed,
            false => Outcome::Complete,
        };
        self.settle(outcome, self.status.as_u16());
    }

    fn settle(&mut self, outcome: Outcome, status: u16) {
        self.meter();
        if let Some(ticket) = self.ticket.take() {
            ticket.settle(outcome, status);
        }
    }

    fn meter(&mut self) {
        let usage = self.reader.as_ref().and_then(Reader::usage);
        if let Some(ticket) = &mut self.ticket {
            ticket.meter.reported = usage;
        }
    }

    /// It breaks off, and so does what the client gets: the head has promised
    /// more, and nothing else could say it in whatever this is.
    fn broke(&mut self, cause: impl ToString) {
        let id = self.ticket.as_ref().map(|ticket| ticket.id().to_string());
        tracing::warn!(
            request_id = id,
            cause = cause.to_string(),
            "passing answer broke"
        );
        self.cut(
            Outcome::UpstreamBroke,
            (Reason::UpstreamBroken, self.status.as_u16()),
        );
    }

    fn cut(&mut self, outcome: Outcome, (reason, status): (Reason, u16)) {
        if let Some(ticket) = &mut self.ticket {
            ticket.note(|facts| facts.error = Some(reason.code().to_owned()));
        }
        self.settle(outcome, status);
        self.upstream = None;
        self.held.clear();
        self.is_broken = true;
    }
}

impl Flow for Passing {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(bytes) = self.held.pop_front() {
                return Poll::Ready(Some(self.hand_on(bytes)));
            }
            let Some(upstream) = &mut self.upstream else {
                return Poll::Ready(None);
            };
            match upstream.poll_data(cx) {
                Poll::Ready(Some(Ok(data))) => {
                    self.last = Instant::now();
                    if self.last < self.deadline {
                        return Poll::Ready(Some(self.hand_on(data)));
                    }
                    self.broke("timeout: total");
                }
                Poll::Ready(Some(Err(error))) => self.broke(error),
                Poll::Ready(None) => {
                    self.complete();
                    self.upstream = None;
                }
                Poll::Pending => {
                    let silent = self.last + self.silence;
                    ready!(self.alarm.poll(cx, silent.min(self.deadline)));
                    match silent < self.deadline {
                        true => self.broke("timeout: between_chunks"),
                        false => self.broke("timeout: total"),
                    }
                }
            }
        }
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn late(&mut self, who: Party) {
        match who {
            _ if self.ticket.is_none() => {}
            Party::Upstream => self.broke("timeout: total"),
            Party::Client => self.cut(Outcome::ClientLeft, (Reason::BodyTimeout, 499)),
        }
    }

    fn is_broken(&self) -> bool {
        self.is_broken
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        // The ticket's own drop settles it as *client left*.
        self.meter();
    }
}
