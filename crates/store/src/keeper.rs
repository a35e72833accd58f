//! Conversations, as the way sees them: it asks through a channel and waits
//! for the answer; the database is met on the thread that runs [`Keeping`].

use std::sync::Arc;

use domain::counters::Answer;
use domain::turns::{Finish, Reach, Turn, Turns, Unkept, Wanted};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::{Store, StoreError};

/// Turns that may wait to be written, and questions for an answer.
const WAITING: usize = 256;
/// The most that waiting turns may weigh together, in KiB.
const WEIGHT: usize = 64 << 10;
/// Turns that are written in one transaction: one wait for the disk serves all.
const TOGETHER: usize = 32;

type Reply<T> = oneshot::Sender<Result<T, Unkept>>;

/// What waits to be written.
enum Waiting {
    Turn(Turn, Reply<()>, OwnedSemaphorePermit),
    End(Finish, Reply<bool>, OwnedSemaphorePermit),
}

/// A question that needs no transaction of its own.
enum Question {
    Turn(Wanted, Reply<Option<Turn>>),
    Conversation(Wanted, Reach, Reply<Vec<Turn>>),
    Forget(Wanted, Reply<bool>),
    Runs(Wanted, Reply<bool>),
}

impl Question {
    /// Whether whoever asked has given up.
    fn is_stale(&self) -> bool {
        match self {
            Self::Turn(_, reply) => reply.is_closed(),
            Self::Conversation(_, _, reply) => reply.is_closed(),
            Self::Forget(_, reply) | Self::Runs(_, reply) => reply.is_closed(),
        }
    }
}

/// The way's end of the channel.
#[derive(Clone, Debug)]
pub struct Keeper {
    turns: mpsc::Sender<Waiting>,
    questions: mpsc::Sender<Question>,
    room: Arc<Semaphore>,
}

/// The store's end of the channel. Nothing is answered unless it is run.
pub struct Keeping {
    store: Store,
    turns: mpsc::Receiver<Waiting>,
    questions: mpsc::Receiver<Question>,
}

impl Keeper {
    /// Both ends.
    #[must_use]
    pub fn new(store: Store) -> (Arc<Self>, Keeping) {
        let (turns, kept) = mpsc::channel(WAITING);
        let (questions, asked) = mpsc::channel(WAITING);
        let keeping = Keeping {
            store,
            turns: kept,
            questions: asked,
        };
        let keeper = Self {
            turns,
            questions,
            room: Arc::new(Semaphore::new(WEIGHT)),
        };
        (Arc::new(keeper), keeping)
    }

    /// Room for so many bytes that wait to be kept.
    fn room(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let weight = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX);
        Arc::clone(&self.room).try_acquire_many_owned(weight).ok()
    }

    fn write<T: Send + 'static>(
        &self,
        waiting: impl FnOnce(Reply<T>) -> Waiting,
    ) -> Answer<Result<T, Unkept>> {
        let (reply, answer) = oneshot::channel();
        match self.turns.try_send(waiting(reply)) {
            Ok(()) => later(answer),
            Err(error) => Answer::Now(Err(refused(&error))),
        }
    }

    fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(Reply<T>) -> Question,
    ) -> Answer<Result<T, Unkept>> {
        let (reply, answer) = oneshot::channel();
        match self.questions.try_send(question(reply)) {
            Ok(()) => later(answer),
            Err(error) => Answer::Now(Err(refused(&error))),
        }
    }
}

fn later<T: Send + 'static>(
    answer: oneshot::Receiver<Result<T, Unkept>>,
) -> Answer<Result<T, Unkept>> {
    let gone = || Err(Unkept::Failed("the store has ended".to_owned()));
    Answer::Later(Box::pin(
        async move { answer.await.unwrap_or_else(|_| gone()) },
    ))
}

fn refused<T>(error: &mpsc::error::TrySendError<T>) -> Unkept {
    match error {
        mpsc::error::TrySendError::Full(_) => Unkept::Full,
        mpsc::error::TrySendError::Closed(_) => Unkept::Failed("the store has ended".to_owned()),
    }
}

impl Turns for Keeper {
    fn keep(&self, turn: Turn) -> Answer<Result<(), Unkept>> {
        let Some(room) = self.room(turn.input.len() + turn.answer.len()) else {
            return Answer::Now(Err(Unkept::Full));
        };
        self.write(|reply| Waiting::Turn(turn, reply, room))
    }

    fn turn(&self, wanted: Wanted) -> Answer<Result<Option<Turn>, Unkept>> {
        self.ask(|reply| Question::Turn(wanted, reply))
    }

    fn conversation(&self, wanted: Wanted, reach: Reach) -> Answer<Result<Vec<Turn>, Unkept>> {
        self.ask(|reply| Question::Conversation(wanted, reach, reply))
    }

    fn forget(&self, wanted: Wanted) -> Answer<Result<bool, Unkept>> {
        self.ask(|reply| Question::Forget(wanted, reply))
    }

    fn finish(&self, finish: Finish) -> Answer<Result<bool, Unkept>> {
        let Some(room) = self.room(finish.answer.len() + finish.events.len()) else {
            return Answer::Now(Err(Unkept::Full));
        };
        self.write(|reply| Waiting::End(finish, reply, room))
    }

    fn runs(&self, wanted: Wanted) -> Answer<Result<bool, Unkept>> {
        self.ask(|reply| Question::Runs(wanted, reply))
    }
}

impl Keeping {
    /// Answers until nobody is left who could ask.
    pub async fn run(self) {
        let Self {
            store,
            turns,
            questions,
        } = self;
        tokio::join!(keep_all(&store, turns), answer_all(&store, questions));
    }
}

async fn keep_all(store: &Store, mut incoming: mpsc::Receiver<Waiting>) {
    let mut together = Vec::with_capacity(TOGETHER);
    while incoming.recv_many(&mut together, TOGETHER).await > 0 {
        let (mut turns, mut kept) = (Vec::new(), Vec::new());
        let (mut ended, mut ends) = (Vec::new(), Vec::new());
        // Given back once all is written.
        let mut rooms = Vec::new();
        for waiting in together.drain(..) {
            match waiting {
                Waiting::Turn(turn, reply, room) => {
                    turns.push(turn);
                    kept.push(reply);
                    rooms.push(room);
                }
                Waiting::End(finish, reply, room) => {
                    ended.push(finish);
                    ends.push(reply);
                    rooms.push(room);
                }
            }
        }
        let done = store.keep_turns(&turns, &ended).await;
        let done = done.map_err(|error| failed(&error));
        // Whoever asked may have given up waiting.
        for reply in kept {
            let _ = reply.send(done.clone().map(drop));
        }
        for (at, reply) in ends.into_iter().enumerate() {
            let was = done.clone().map(|were| were.get(at) == Some(&true));
            let _ = reply.send(was);
        }
    }
}

async fn answer_all(store: &Store, mut questions: mpsc::Receiver<Question>) {
    while let Some(question) = questions.recv().await {
        match question {
            // Nobody waits for it any more; others do.
            question if question.is_stale() => {}
            Question::Turn(wanted, reply) => {
                let found = store.turn(&wanted).await;
                let _ = reply.send(found.map_err(|error| failed(&error)));
            }
            Question::Conversation(wanted, reach, reply) => {
                let found = store.conversation(&wanted, reach).await;
                let _ = reply.send(found.unwrap_or_else(|error| Err(failed(&error))));
            }
            Question::Forget(wanted, reply) => {
                let gone = store.forget_turn(&wanted).await;
                let _ = reply.send(gone.map_err(|error| failed(&error)));
            }
            Question::Runs(wanted, reply) => {
                let runs = store.turn_runs(&wanted).await;
                let _ = reply.send(runs.map_err(|error| failed(&error)));
            }
        }
    }
}

fn failed(error: &StoreError) -> Unkept {
    Unkept::Failed(error.to_string())
}
