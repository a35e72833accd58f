//! The work on an answer whose client does not wait: the rest of the way, and
//! how it has ended, kept before anybody sees it.

use std::future::poll_fn;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use dialects::responses::kept::{self, Ending, Event, Said};
use dialects::sse::{Frame, Framer};
use domain::canon::Dialect;
use domain::turns::{Finish, Turn, Wanted};
use tokio::sync::oneshot;

use super::super::{AnswerBody, refuse, serve};
use super::job::{Entry, Hand};
use super::{expiry, unkept};
use crate::accept::past;
use crate::aside;
use crate::plane::{self, Plane};
use crate::route::Routed;
use crate::send;
use crate::settle::Refused;

/// How often it is looked whether another process, or its owner there, has
/// ended it.
const AGAIN: Duration = Duration::from_secs(1);
/// The pauses before it is tried again to keep how it has ended: the first,
/// and the longest.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(10);

/// Who is told that the turn is on disk, or why nothing was begun.
pub(super) type Tell = oneshot::Sender<Result<(), Box<Refused>>>;

/// How it ends.
enum End {
    /// With an answer, and the last event where it streamed.
    Answered(Bytes, Option<(u64, Bytes)>),
    /// Without: the error's code and sentence.
    Failed(String, String),
    /// Before.
    Stopped,
}

/// The provider and the deployment that answer.
type Parties = (String, String);

/// What works on one answer.
pub(super) struct Working {
    plane: Rc<Plane>,
    entry: Entry,
    /// As it is kept meanwhile, without its input once that is on disk.
    turn: Turn,
    /// The bytes of the input.
    asked: usize,
    is_stream: bool,
    _hand: Hand,
}

impl Working {
    pub(super) fn new(plane: &Rc<Plane>, entry: Entry, (turn, is_stream): (Turn, bool)) -> Self {
        Self {
            plane: Rc::clone(plane),
            entry,
            asked: turn.input.len(),
            turn,
            is_stream,
            _hand: Hand::of(plane),
        }
    }

    /// Goes the rest of the way, and tells when the client may be answered.
    pub(super) async fn run(mut self, routed: Routed, tell: Tell) {
        let keeping = self.plane.shared.turns.keep(self.turn.clone()).get();
        let kept = tokio::time::timeout(past::PATIENCE, keeping).await;
        if let Err(why) = kept.unwrap_or_else(|_| Err(past::late())) {
            let refused = Refused::new(routed.into_ticket(), unkept(&why));
            // A client that has left needs no answer; its ticket ends here.
            let _ = tell.send(Err(Box::new(refused)));
            // It may be kept all the same, a moment later.
            return self.forget().await;
        }
        self.turn.input = Bytes::new();
        if tell.send(Ok(())).is_err() {
            // Nobody has the id.
            drop(routed);
            return self.forget().await;
        }
        let mut parties = Parties::default();
        let end = tokio::select! {
            biased;
            () = self.stopped() => End::Stopped,
            end = self.answer(routed, &mut parties) => end,
        };
        self.end(end, parties).await;
    }

    async fn forget(&self) {
        let gone = self.plane.shared.turns.forget(self.wanted()).get().await;
        if let Err(why) = gone {
            tracing::debug!(%why, "a response that nobody has the id of is not deleted");
        }
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            owner: self.turn.owner.clone(),
            id: self.turn.id.clone(),
            now: plane::now(),
        }
    }

    /// Returns once it is to stop, or is not wanted any more.
    async fn stopped(&self) {
        let elsewhere = async {
            loop {
                tokio::time::sleep(AGAIN).await;
                let runs = self.plane.shared.turns.runs(self.wanted()).get().await;
                if runs == Ok(false) {
                    return;
                }
            }
        };
        tokio::select! {
            () = self.entry.job.stopped() => {}
            () = elsewhere => {}
        }
    }

    async fn answer(&self, routed: Routed, parties: &mut Parties) -> End {
        let plane = &self.plane;
        let sent = match Box::pin(send::send(plane, routed)).await {
            Ok(sent) => sent,
            Err(refused) => return self.refused(refused).await,
        };
        if let Some((_, provider, deployment)) = sent.ticket.parties() {
            *parties = (provider.to_owned(), deployment.to_owned());
        }
        match Box::pin(serve(plane, sent)).await {
            Ok(served) if self.is_stream => self.stream(served.body).await,
            Ok(mut served) => {
                let whole = next(&mut served.body).await.unwrap_or_default();
                let size = whole.len();
                let read = move || Ending::of(&whole).map(|ending| ending.json());
                match looked(size, read).await {
                    Some(answer) => End::Answered(answer, None),
                    None => broken(),
                }
            }
            Err(refused) => self.refused(refused).await,
        }
    }

    /// The refusal, as an answer that failed.
    async fn refused(&self, refused: Refused) -> End {
        let mut served = refuse(&self.plane, refused, (Dialect::Responses, None));
        let body = next(&mut served.body).await.unwrap_or_default();
        let (code, message) = kept::failure(served.status.as_u16(), &body);
        End::Failed(code, message)
    }

    /// Takes a stream to its end. The last event waits until all is kept.
    async fn stream(&self, mut body: AnswerBody) -> End {
        let (mut framer, mut frames) = (Framer::new(usize::MAX), Vec::new());
        let mut end = None;
        while let Some(bytes) = next(&mut body).await {
            // The gateway wrote it: it is not endless.
            let _ = framer.push(bytes, &mut frames);
            for frame in frames.drain(..) {
                if end.is_none() {
                    end = self.event(frame).await;
                }
            }
        }
        end.unwrap_or_else(broken)
    }

    /// Takes one event: those that look on get it, unless it is the end.
    async fn event(&self, frame: Frame) -> Option<End> {
        let bytes = frame.bytes.clone();
        let read = move || {
            let event = Event::of(&frame)?;
            let ending = match event.said {
                Said::End => Ending::of(&frame.bytes).map(|ending| ending.json()),
                _ => None,
            };
            Some((event, ending))
        };
        let (event, answer) = looked(bytes.len(), read).await?;
        match (event.said, event.number) {
            (Said::More, Some(number)) => self.entry.job.push(number, bytes),
            (Said::End, Some(number)) => {
                return Some(End::Answered(answer?, Some((number, bytes))));
            }
            (Said::Fault(code, message), _) => return Some(End::Failed(code, message)),
            (Said::More | Said::End, None) => {}
        }
        None
    }

    /// Keeps how it has ended, and tells those who look on.
    async fn end(self, end: End, parties: Parties) {
        let most = self.plane.shared.snapshot.load().turns.max_bytes;
        let end = match end {
            End::Answered(answer, _) if self.asked + answer.len() > most => {
                let sentence = "The answer is larger than what is kept of a turn here.";
                End::Failed("server_error".to_owned(), sentence.to_owned())
            }
            end => end,
        };
        let (base, number) = (self.turn.answer.clone(), self.entry.job.next_number());
        let size = end.size();
        let write = move || Some(last(end, &base, number));
        let Some((answer, events)) = looked(size, write).await else {
            return;
        };
        // Its record goes before whoever sees that it is over.
        let _ = self.plane.flush();
        let events = match self.keep(&answer, &events, parties).await {
            true => events,
            // Another process was first, or its owner has deleted it.
            false => last(End::Stopped, &self.turn.answer, number).1,
        };
        self.entry.end(events);
    }

    /// Keeps how it has ended, as soon as that can be; says whether it was
    /// still worked on.
    async fn keep(
        &self,
        answer: &Bytes,
        last: &[(u64, Bytes)],
        (provider, deployment): Parties,
    ) -> bool {
        let mut events = Vec::new();
        if self.is_stream {
            events = self.entry.job.events();
            events.extend(last.iter().flat_map(|(_, event)| event.iter()));
        }
        let events = Bytes::from(events);
        let mut pause = PAUSE;
        loop {
            let finish = Finish {
                owner: self.turn.owner.clone(),
                id: self.turn.id.clone(),
                expires: expiry(&self.plane),
                provider: provider.clone(),
                deployment: deployment.clone(),
                answer: answer.clone(),
                events: events.clone(),
            };
            match self.plane.shared.turns.finish(finish).get().await {
                Ok(was) => return was,
                Err(why) => {
                    let id = &self.turn.id;
                    tracing::warn!(id, %why, "how a response has ended is not kept yet");
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
        }
    }
}

impl End {
    /// The bytes of the answer.
    fn size(&self) -> usize {
        match self {
            Self::Answered(answer, _) => answer.len(),
            Self::Failed(..) | Self::Stopped => 0,
        }
    }
}

/// The answer as it ends, and the events that are still to be told, the next
/// of which has this number. `base` is the answer as it is kept meanwhile.
fn last(end: End, base: &Bytes, number: u64) -> (Bytes, Vec<(u64, Bytes)>) {
    let (status, error) = match &end {
        End::Answered(answer, Some(last)) => return (answer.clone(), vec![last.clone()]),
        End::Answered(answer, None) => {
            let rest = kept::replay(answer, number.checked_sub(1));
            return (answer.clone(), kept::events(&rest));
        }
        End::Failed(code, message) => ("failed", Some((code.as_str(), message.as_str()))),
        End::Stopped => ("cancelled", None),
    };
    let answer = kept::restated(base, status, error);
    let event = kept::told(&format!("response.{status}"), number, &answer);
    (answer, vec![(number, event)])
}

/// What a look at so many bytes finds, beside the loop if they are many.
async fn looked<T: Send + 'static>(
    bytes: usize,
    look: impl FnOnce() -> Option<T> + Send + 'static,
) -> Option<T> {
    match aside::is_large(bytes) {
        true => aside::run(look).await.ok().flatten(),
        false => look(),
    }
}

/// The next bytes of an answer.
async fn next(body: &mut AnswerBody) -> Option<Bytes> {
    poll_fn(|cx| body.poll_next(cx)).await
}

/// The answer is none of its dialect.
fn broken() -> End {
    let sentence = "The upstream's answer broke off before its end.";
    End::Failed("server_error".to_owned(), sentence.to_owned())
}
