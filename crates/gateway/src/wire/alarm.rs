//! A timer for deadlines that are nearly always met.
//!
//! Setting and clearing a timer of the runtime costs more than anything else
//! that a request does to the clock. Most deadlines move away before they
//! come: so the timer is left where it is when the deadline moves *later*,
//! and looks at the clock only once it rings.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep};

/// A timer that is asked about deadlines; made by the first question.
#[derive(Default)]
pub(crate) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Ready once `due` is past. Each question may name another moment.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, due: Instant) -> Poll<()> {
        let sleep = self
            .0
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if due < sleep.deadline() {
            sleep.as_mut().reset(due);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if due <= sleep.deadline() || due <= Instant::now() {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn later(ms: u64) -> Instant {
        Instant::now() + Duration::from_millis(ms)
    }

    async fn rings(alarm: &mut Alarm, due: Instant) {
        std::future::poll_fn(|cx| alarm.poll(cx, due)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn it_rings_at_the_moment_that_was_asked_for_last() {
        let started = Instant::now();
        let mut alarm = Alarm::default();
        let far = later(1000);
        let near = later(10);
        let asked = std::future::poll_fn(|cx| Poll::Ready(alarm.poll(cx, near))).await;
        assert!(asked.is_pending());
        rings(&mut alarm, far).await;
        assert_eq!(started.elapsed(), Duration::from_secs(1));
        let asked = std::future::poll_fn(|cx| Poll::Ready(alarm.poll(cx, later(5000)))).await;
        assert!(asked.is_pending(), "the old ring does not count");
        let due = later(20);
        rings(&mut alarm, due).await;
        assert!(Instant::now() < due + Duration::from_millis(2));
    }
}
