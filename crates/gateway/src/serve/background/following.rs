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
    /// None once it is over: what is held for it may go.
    source: Option<Source>,
    after: Option<u64>,
    coming: Option<Coming>,
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
            source: Some(source),
            after,
            coming: None,
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
        let Some(source) = &self.source else {
            return Poll::Ready(None);
        };
        let coming = self.coming.get_or_insert_with(|| {
            let (source, after, every) = (source.clone(), self.after, self.keepalive);
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
        if piece.is_last {
            self.source = None;
        }
        Poll::Ready(Some(piece.bytes).filter(|bytes| !bytes.is_empty()))
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn late(&mut self, who: Party) {
        if who == Party::Client {
            // It may come back and go on where it was.
            (self.source, self.coming) = (None, None);
        }
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
/// that streamed in the background are told again as they were; of others, and
/// of more than was held of them, the items whole.
pub(crate) fn replayed(turn: &Turn, after: Option<u64>) -> Bytes {
    let next = after.map_or(0, |after| after.saturating_add(1));
    let events = kept::events(&turn.events);
    if events.first().is_some_and(|(first, _)| *first <= next) {
        let new = events.into_iter().filter(|(number, _)| *number >= next);
        let new: Vec<Bytes> = new.map(|(_, event)| event).collect();
        return new.concat().into();
    }
    let whole = kept::replay(&turn.answer, after);
    if !whole.is_empty() {
        return whole;
    }
    if let Some((number, last)) = events.last() {
        return match *number >= next {
            true => last.clone(),
            false => whole,
        };
    }
    let standing = kept::standing(&turn.answer);
    match standing.status.as_str() {
        // Somebody else ended it than who had got so far with it.
        "failed" | "cancelled" => kept::told(&standing.last_event(), next, &turn.answer),
        _ => whole,
    }
}

#[cfg(test)]
mod tests {
    use domain::time::UnixMicros;
    use domain::turns::Work;

    use super::*;

    /// A turn that ended so, with the events of these numbers.
    fn turn(status: &str, numbers: std::ops::Range<u64>) -> Turn {
        let answer = format!(r#"{{"id":"r","status":"{status}","background":true,"output":[]}}"#);
        let answer = Bytes::from(answer);
        let events = numbers.map(|number| kept::told("response.x", number, &answer));
        Turn {
            id: "r".to_owned(),
            owner: "key_1".into(),
            previous: None,
            created: UnixMicros(0),
            expires: UnixMicros(0),
            provider: String::new(),
            deployment: String::new(),
            is_there: false,
            input: Bytes::new(),
            events: events.collect::<Vec<_>>().concat().into(),
            answer,
            work: Work::Over,
        }
    }

    /// The numbers of the events that are told, and the name of the last.
    fn told(turn: &Turn, after: Option<u64>) -> (Vec<u64>, Option<String>) {
        let bytes = replayed(turn, after);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut names = text.lines().filter_map(|line| line.strip_prefix("event: "));
        let numbers = kept::events(&bytes).into_iter().map(|(number, _)| number);
        (numbers.collect(), names.next_back().map(str::to_owned))
    }

    #[test]
    fn events_are_told_again_as_they_were() {
        let turn = turn("completed", 0..9);
        assert_eq!(told(&turn, None).0, (0..9).collect::<Vec<_>>());
        assert_eq!(told(&turn, Some(6)).0, [7, 8]);
        assert_eq!(told(&turn, Some(8)).0, [0; 0]);
    }

    #[test]
    fn who_wants_more_than_was_held_gets_the_items_whole_or_the_end() {
        let turn = turn("completed", 100..110);
        let completed = Some("response.completed".to_owned());
        assert_eq!(told(&turn, None), (vec![0, 1, 2, 3], completed));
        assert_eq!(told(&turn, Some(50)).0, [109]);
        assert_eq!(told(&turn, Some(105)).0, [106, 107, 108, 109]);
        assert_eq!(told(&turn, Some(109)).0, [0; 0]);
    }

    #[test]
    fn whoever_ended_it_the_end_is_told() {
        for status in ["failed", "cancelled"] {
            let last = Some(format!("response.{status}"));
            assert_eq!(told(&turn(status, 0..0), Some(40)), (vec![41], last));
        }
    }
}
