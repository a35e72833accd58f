//! The bytes of request bodies that the process holds are bounded, over all
//! connections and loops: above the bound bodies wait, then are refused. One
//! key's large bodies have a part of it, and small bodies a part of their own,
//! so that nobody's large ones keep others out.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use domain::ids::KeyId;
use domain::refusal::{Reason, Refusal};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::aside;

/// How long a body waits for others to go.
const WAIT: Duration = Duration::from_secs(5);
/// Room is counted in pieces of this size, so that a count fits a semaphore.
const PIECE: usize = 1 << 10;
/// What the machine is taken to have if it does not say.
const UNKNOWN_MEMORY: usize = 2 << 30;
/// However small the machine is, one body of the usual limit fits.
const LEAST: usize = 64 << 20;
/// A body that is announced has room for so many times what has come of it:
/// who announces much and sends little takes little, and who has sent some of
/// it has room for the rest.
const AHEAD: usize = 16;

/// A quarter of the memory that this process may use.
static ROOM: LazyLock<Room> = LazyLock::new(|| {
    let bytes = (memory().unwrap_or(UNKNOWN_MEMORY) / 4).max(LEAST);
    Room::of((bytes / PIECE).min(Semaphore::MAX_PERMITS))
});

/// Room for bodies, in pieces.
#[derive(Debug)]
struct Room {
    /// A quarter of it, for bodies that are not large.
    small: Semaphore,
    /// The rest, for all.
    rest: Semaphore,
    /// How much that is.
    most: usize,
    /// What one key's large bodies may have of it: half of all room.
    share: usize,
    /// What they have left, of the keys that have any.
    shares: Mutex<HashMap<KeyId, Weak<Semaphore>>>,
}

impl Room {
    fn of(pieces: usize) -> Self {
        let small = pieces / 4;
        Self {
            small: Semaphore::new(small),
            rest: Semaphore::new(pieces - small),
            most: pieces - small,
            share: pieces / 2,
            shares: Mutex::default(),
        }
    }

    /// What a key's large bodies have left.
    fn share_of(&self, key: &KeyId) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shares.get(key).and_then(Weak::upgrade) {
            return known;
        }
        shares.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Semaphore::new(self.share));
        shares.insert(key.clone(), Arc::downgrade(&share));
        share
    }
}

/// Takes pieces for good; whether there were so many.
fn try_take(room: &Semaphore, pieces: usize) -> bool {
    let pieces = u32::try_from(pieces).unwrap_or(u32::MAX);
    let taken = room.try_acquire_many(pieces);
    taken.map(tokio::sync::SemaphorePermit::forget).is_ok()
}

/// The same, and waits for them until `due`.
async fn take(room: &Semaphore, pieces: usize, due: Instant) -> Result<(), Refusal> {
    if try_take(room, pieces) {
        return Ok(());
    }
    let busy = || {
        let sentence = "The gateway holds as many request bodies as it may. Try again shortly.";
        Refusal::new(Reason::Busy, sentence).retry_after(Duration::from_secs(1))
    };
    let pieces = u32::try_from(pieces).map_err(|_| busy())?;
    let waited = Box::pin(tokio::time::timeout_at(due, room.acquire_many(pieces))).await;
    let taken = waited.map_err(|_| busy())?.map_err(|_| busy())?;
    taken.forget();
    Ok(())
}

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
    room: &'static Room,
    /// Whose it is; what the gateway fetches by itself is nobody's.
    key: Option<KeyId>,
    /// Pieces of the small bodies' room, and of the rest.
    small: usize,
    rest: usize,
    /// The key's share of the rest, and how much of that was taken.
    share: Option<(Arc<Semaphore>, usize)>,
}

impl Held {
    /// Nothing yet, for what the gateway fetches.
    pub(crate) fn nothing() -> Self {
        Self::of(&ROOM, None)
    }

    /// Nothing yet, for a request with this key.
    pub(crate) fn by(key: &KeyId) -> Self {
        Self::of(&ROOM, Some(key.clone()))
    }

    fn of(room: &'static Room, key: Option<KeyId>) -> Self {
        Self {
            room,
            key,
            small: 0,
            rest: 0,
            share: None,
        }
    }

    fn pieces(&self) -> usize {
        self.small + self.rest
    }

    /// Whether there is room for so many bytes.
    pub(super) fn has(&self, bytes: usize) -> bool {
        bytes.div_ceil(PIECE) <= self.pieces()
    }

    /// Makes it room for `bytes` more.
    pub(super) async fn add(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.grow(self.pieces() * PIECE + bytes).await
    }

    /// Makes it room for a body that `announced` so many bytes, `came` of which
    /// have come.
    pub(crate) async fn follow(
        &mut self,
        came: usize,
        announced: Option<usize>,
    ) -> Result<(), Refusal> {
        let ahead = announced.map_or(0, |all| all.min(came.saturating_mul(AHEAD)));
        self.grow(came.max(ahead)).await
    }

    /// Makes it room for `bytes` in all; whoever wants more than there is for
    /// it waits until it is alone.
    pub(crate) async fn grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        if self.has(bytes) {
            return Ok(());
        }
        let wanted = bytes.div_ceil(PIECE);
        match aside::is_large(bytes) {
            false => self.grow_small(wanted - self.pieces()).await,
            true => self.grow_large(wanted).await,
        }
    }

    /// Takes of the room that no large body takes, or of the rest.
    async fn grow_small(&mut self, more: usize) -> Result<(), Refusal> {
        if !try_take(&self.room.small, more) {
            if try_take(&self.room.rest, more) {
                self.rest += more;
                return Ok(());
            }
            take(&self.room.small, more, Instant::now() + WAIT).await?;
        }
        self.small += more;
        Ok(())
    }

    /// Takes all of it of the rest, within the key's share, and gives back what
    /// it had while it was small.
    async fn grow_large(&mut self, wanted: usize) -> Result<(), Refusal> {
        let due = Instant::now() + WAIT;
        let most = match &self.key {
            Some(_) => self.room.share.min(self.room.most),
            None => self.room.most,
        };
        let wanted = wanted.min(most);
        if let Some(key) = &self.key {
            let share = || (self.room.share_of(key), 0);
            let (share, taken) = self.share.get_or_insert_with(share);
            take(share, wanted.saturating_sub(*taken), due).await?;
            *taken = wanted.max(*taken);
        }
        take(&self.room.rest, wanted.saturating_sub(self.rest), due).await?;
        self.rest = wanted.max(self.rest);
        self.room.small.add_permits(std::mem::take(&mut self.small));
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.small > 0 {
            self.room.small.add_permits(self.small);
        }
        if self.rest > 0 {
            self.room.rest.add_permits(self.rest);
        }
        if let Some((share, taken)) = &self.share {
            share.add_permits(*taken);
        }
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

    /// A large body's least.
    const LARGE: usize = 256;

    /// Room for three large bodies, and as much as one for small ones.
    fn room() -> &'static Room {
        Box::leak(Box::new(Room::of(4 * LARGE)))
    }

    fn of(room: &'static Room, key: &str) -> Held {
        Held::of(room, Some(key.into()))
    }

    fn left(room: &Room) -> (usize, usize) {
        (
            room.small.available_permits(),
            room.rest.available_permits(),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_over_the_bound_wait_for_others_and_are_refused_in_the_end() {
        let room = room();
        let [mut first, mut second] = ["a", "b"].map(|key| of(room, key));
        first.grow(100 * PIECE).await.expect("room");
        first.grow(2 * LARGE * PIECE).await.expect("room for more");
        let refusal = second.grow(2 * LARGE * PIECE).await.expect_err("no room");
        assert_eq!(refusal.reason, Reason::Busy);
        assert!(refusal.retry_after.is_some());
        let (waited, ()) = tokio::join!(second.grow(2 * LARGE * PIECE), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(first);
        });
        waited.expect("the first one's room");
        second
            .grow(100 * LARGE * PIECE)
            .await
            .expect("all that there is for it");
        drop(second);
        assert_eq!(left(room), (LARGE, 3 * LARGE), "all of it is given back");
    }

    #[tokio::test(start_paused = true)]
    async fn one_keys_large_bodies_leave_room_for_others() {
        let room = room();
        let mut many: Vec<Held> = (0..3).map(|_| of(room, "a")).collect();
        for held in &mut many[..2] {
            held.grow(LARGE * PIECE).await.expect("its share");
        }
        let began = Instant::now();
        let third = many[2].grow(LARGE * PIECE);
        let (third, other) = tokio::join!(third, async {
            let mut other = of(room, "b");
            other.grow(LARGE * PIECE).await.map(|()| began.elapsed())
        });
        assert_eq!(
            other.expect("room"),
            Duration::ZERO,
            "others wait for nobody"
        );
        third.expect_err("more than its share");
        drop(many);
        assert_eq!(left(room), (LARGE, 3 * LARGE), "all of it is given back");
        let shares = room.shares.lock().expect("a lock");
        assert!(shares.values().all(|share| share.upgrade().is_none()));
    }

    #[tokio::test(start_paused = true)]
    async fn small_bodies_pass_large_ones_that_wait() {
        let room = room();
        let mut all = [of(room, "a"), of(room, "b")];
        all[0].grow(2 * LARGE * PIECE).await.expect("room");
        let began = Instant::now();
        let (large, small) = tokio::join!(all[1].grow(2 * LARGE * PIECE), async {
            let mut small = of(room, "c");
            small.grow(10 * PIECE).await.map(|()| began.elapsed())
        });
        assert_eq!(small.expect("room"), Duration::ZERO);
        large.expect_err("no room");
    }

    #[tokio::test]
    async fn small_bodies_take_what_is_left_when_their_own_room_is_full() {
        let room = room();
        let mut all: Vec<Held> = (0..6).map(|_| of(room, "a")).collect();
        for held in &mut all {
            held.grow(100 * PIECE).await.expect("room");
        }
        assert_eq!(left(room), (56, 3 * LARGE - 400));
        // One of them turns out to be large.
        all[0].grow(LARGE * PIECE).await.expect("room");
        assert_eq!(left(room), (156, 3 * LARGE - 400 - LARGE));
        drop(all);
        assert_eq!(left(room), (LARGE, 3 * LARGE));
    }

    #[tokio::test]
    async fn who_announces_much_and_sends_little_takes_little() {
        let room = room();
        let mut held = of(room, "a");
        let all = Some(2 * LARGE * PIECE);
        held.follow(PIECE, all).await.expect("room");
        assert_eq!(held.pieces(), AHEAD);
        held.follow(32 * PIECE, all).await.expect("room");
        assert!(held.has(2 * LARGE * PIECE), "there is room for the rest");
        held.follow(33 * PIECE, None).await.expect("room");
        assert_eq!(held.pieces(), 2 * LARGE);
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
