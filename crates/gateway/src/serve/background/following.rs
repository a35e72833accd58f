//! A client that looks on while an answer in the background comes. It may
//! leave and come back; nothing depends on it.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use dialects::responses::kept;
use domain::turns::{Turn, Wanted};
use tokio::time::Instant;

use super::super::AnswerBody;
use super::super::watched::{Flow, Party, Watched};
use super::job::{Job, Next};
use crate::plane::Plane;

/// How long a client may take nothing of what has come.
const PATIENCE: Duration = Duration::from_secs(60 * 60);
/// How often it is looked whether another process is done.
const AGAIN: Duration = Duration::from_secs(1);
/// Between two signs of life where none are configured.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Who works on the answer.
#[derive(Clone)]
enum Source {
    /// This process.
    Here(Arc<Job>),
    /// Another one; this is where its end will be.
    Elsewhere(Rc<Plane>, Wanted),
}

/// What goes out next.
struct Piece {
    bytes: Bytes,
    /// The number of the last event that the client has then.
    after: Option<u64>,
    is_last: bool,
}

type Coming = Pin<Box<dyn Future<Output = Piece>>>;

/// A client that looks on.
pub struct Following {
    source: Source,
    after: Option<u64>,
    coming: Option<Coming>,
    is_over: bool,
    keepalive: Duration,
    deadline: Instant,
}

impl Following {
    /// Of an answer that this process works on, behind the event of this
    /// number.
    pub(crate) fn here(plane: &Rc<Plane>, job: &Arc<Job>, after: Option<u64>) -> Self {
        Self::of(plane, Source::Here(Arc::clone(job)), after)
    }

    /// Of an answer that another process works on: what is next is its end.
    pub(crate) fn elsewhere(plane: &Rc<Plane>, wanted: Wanted, after: Option<u64>) -> Self {
        let source = Source::Elsewhere(Rc::clone(plane), wanted);
        Self::of(plane, source, after)
    }

    fn of(plane: &Rc<Plane>, source: Source, after: Option<u64>) -> Self {
        let keepalive = plane.shared.snapshot.load().keepalive;
        Self {
            source,
            after,
            coming: None,
            is_over: false,
            keepalive: keepalive.unwrap_or(NEVER),
            deadline: Instant::now() + PATIENCE,
        }
    }

    /// As what goes out.
    pub(crate) fn body(self) -> AnswerBody {
        AnswerBody::Followed(Watched::new(self))
    }
}

impl Flow for Following {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let coming = self.coming.get_or_insert_with(|| {
            let (source, after, every) = (self.source.clone(), self.after, self.keepalive);
            Box::pin(async move {
                let next = tokio::time::timeout(every, source.next(after)).await;
                next.unwrap_or_else(|_| Piece {
                    bytes: Bytes::from_static(b": keep-alive\n\n"),
                    after,
                    is_last: false,
                })
            })
        });
        let piece = ready!(coming.as_mut().poll(cx));
        self.coming = None;
        self.after = piece.after;
        self.is_over = piece.is_last;
        Poll::Ready(Some(piece.bytes).filter(|bytes| !bytes.is_empty()))
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn late(&mut self, who: Party) {
        // It may come back and go on where it was.
        self.is_over |= who == Party::Client;
    }

    /// It says itself how it ends; one that does not is asked for again.
    fn is_broken(&self) -> bool {
        false
    }
}

impl Source {
    async fn next(self, after: Option<u64>) -> Piece {
        let over = Piece {
            bytes: Bytes::new(),
            after,
            is_last: true,
        };
        match self {
            Self::Here(job) => match job.next(after).await {
                Next::Events(bytes, last) => Piece {
                    bytes,
                    after: Some(last),
                    is_last: false,
                },
                Next::Later | Next::Over => over,
            },
            Self::Elsewhere(plane, wanted) => {
                let turns = &plane.shared.turns;
                // What cannot be read now is asked for again.
                while turns.runs(wanted.clone()).get().await != Ok(false) {
                    tokio::time::sleep(AGAIN).await;
                }
                match turns.turn(wanted).get().await {
                    Ok(Some(turn)) => Piece {
                        bytes: replayed(&turn, after),
                        ..over
                    },
                    Ok(None) | Err(_) => over,
                }
            }
        }
    }
}

/// The events of an answer that is over, behind the one of this number. Those
/// that streamed in the background are told again as they were; of others, the
/// items whole.
pub(crate) fn replayed(turn: &Turn, after: Option<u64>) -> Bytes {
    let is_new = |number: &u64| after.is_none_or(|after| *number > after);
    let bytes: Bytes = match turn.events.is_empty() {
        true => kept::replay(&turn.answer, after),
        false => {
            let events = kept::events(&turn.events).into_iter();
            let new = events.filter(|(number, _)| is_new(number));
            let new: Vec<Bytes> = new.map(|(_, event)| event).collect();
            new.concat().into()
        }
    };
    let standing = kept::standing(&turn.answer);
    match (standing.status.as_str(), after) {
        // Somebody else ended it than who had got so far with it.
        ("failed" | "cancelled", Some(after)) if bytes.is_empty() => {
            kept::told(&standing.last_event(), after + 1, &turn.answer)
        }
        _ => bytes,
    }
}
