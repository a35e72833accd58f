//! The bytes of request bodies that the process holds are bounded, over all
//! connections and loops: above the bound bodies wait, then are refused.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use domain::refusal::{Reason, Refusal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::aside;

/// How long a body waits for others to go.
const WAIT: Duration = Duration::from_secs(5);
/// Room is counted in pieces of this size, so that a count fits a semaphore.
const PIECE: usize = 1 << 10;
/// What the machine is taken to have if it does not say.
const UNKNOWN_MEMORY: usize = 2 << 30;
/// However small the machine is, one body of the usual limit fits.
const LEAST: usize = 64 << 20;

/// A quarter of the memory that this process may use.
static ROOM: LazyLock<(Arc<Semaphore>, usize)> = LazyLock::new(|| {
    let bytes = (memory().unwrap_or(UNKNOWN_MEMORY) / 4).max(LEAST);
    let pieces = (bytes / PIECE).min(Semaphore::MAX_PERMITS);
    (Arc::new(Semaphore::new(pieces)), pieces)
});

/// What a value takes beside its bytes: its place on the tape and in a view.
const VALUE: usize = 48;
/// As many bytes have their marks counted in one byte: none of them overflows.
const LANE: usize = 255;

/// The most that a parsed body takes beside its bytes, by the marks in it
/// that a value may follow; a small one counts as its bytes only.
pub(super) async fn beside(body: &Bytes) -> Result<usize, Refusal> {
    if !aside::is_large(body.len()) {
        return Ok(0);
    }
    let body = body.clone();
    aside::run(move || marks(&body).saturating_mul(VALUE)).await
}

/// Many bytes a step: the compiler makes vectors of a sum of bytes.
fn marks(body: &[u8]) -> usize {
    let of = |lane: &[u8]| {
        let is_mark = |b: &u8| matches!(b, b',' | b':' | b'[' | b'{');
        lane.iter().map(|b| u8::from(is_mark(b))).sum::<u8>()
    };
    body.chunks(LANE).map(|lane| usize::from(of(lane))).sum()
}

/// Room for one request's body; given back when dropped.
#[derive(Debug)]
pub struct Held {
    room: Arc<Semaphore>,
    /// All that there is.
    whole: usize,
    pieces: usize,
    permit: Option<OwnedSemaphorePermit>,
}

impl Held {
    /// Nothing yet, of the process' own room.
    pub(crate) fn nothing() -> Self {
        Self::of(Arc::clone(&ROOM.0), ROOM.1)
    }

    fn of(room: Arc<Semaphore>, whole: usize) -> Self {
        Self {
            room,
            whole,
            pieces: 0,
            permit: None,
        }
    }

    /// Makes it room for `bytes` more.
    pub(super) async fn add(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.grow(self.pieces * PIECE + bytes).await
    }

    /// Makes it room for `bytes` in all; whoever wants more than there is
    /// waits until it is alone.
    pub(crate) async fn grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        let wanted = bytes.div_ceil(PIECE).min(self.whole);
        if wanted <= self.pieces {
            return Ok(());
        }
        let busy = || {
            Refusal::new(
                Reason::Busy,
                "The gateway holds as many request bodies as it may. Try again shortly.",
            )
            .retry_after(Duration::from_secs(1))
        };
        let more = u32::try_from(wanted - self.pieces).map_err(|_| busy())?;
        let taken = match Arc::clone(&self.room).try_acquire_many_owned(more) {
            Ok(taken) => taken,
            Err(_) => {
                let waiting = Arc::clone(&self.room).acquire_many_owned(more);
                let waited = Box::pin(tokio::time::timeout(WAIT, waiting)).await;
                waited.map_err(|_| busy())?.map_err(|_| busy())?
            }
        };
        self.pieces = wanted;
        match &mut self.permit {
            Some(permit) => permit.merge(taken),
            none => *none = Some(taken),
        }
        Ok(())
    }
}

/// The memory of this container, or of this machine.
fn memory() -> Option<usize> {
    let number = |text: &str| text.trim().parse::<usize>().ok();
    let container = std::fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| number(&text));
    let machine = std::fs::read_to_string("/proc/meminfo").ok();
    let machine = machine.and_then(|text| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:"))?;
        Some(number(line.trim().strip_suffix("kB")?)? << 10)
    });
    match (container, machine) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn bodies_over_the_bound_wait_for_others_and_are_refused_in_the_end() {
        let room = Arc::new(Semaphore::new(4));
        let (mut first, mut second) = (Held::of(Arc::clone(&room), 4), Held::of(room, 4));
        first.grow(1000).await.expect("room");
        first.grow(3 * PIECE).await.expect("room for more");
        let refusal = second.grow(2 * PIECE).await.expect_err("no room");
        assert_eq!(refusal.reason, Reason::Busy);
        assert!(refusal.retry_after.is_some());
        let (waited, ()) = tokio::join!(second.grow(2 * PIECE), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(first);
        });
        waited.expect("the first one's room");
        second.grow(100 * PIECE).await.expect("all that there is");
    }

    #[tokio::test]
    async fn a_body_of_many_values_counts_more_than_its_bytes() {
        let few = beside(&Bytes::from_static(b"[0,0,0]")).await;
        assert_eq!(few.expect("counted"), 0);
        let zeros = Bytes::from("0,".repeat(1 << 20));
        let many = beside(&zeros).await.expect("counted");
        assert_eq!(many, VALUE << 20);
    }
}
