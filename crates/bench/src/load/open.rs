//! The open loop: requests at planned moments, however long answers take.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Fleet, Outcome, Watch, nanos};
use crate::schedule::Poisson;

impl Fleet {
    /// Asks at the plan's moments. Time counts from there: a server that
    /// stalls does not hide it by keeping later requests waiting.
    ///
    /// # Errors
    /// As [`Self::ask_for`].
    pub(crate) fn ask_at(&mut self, plan: Poisson) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let begin = Instant::now();
        let mut plan = plan.peekable();
        // In turn, so that every connection has its share.
        let mut idle: VecDeque<usize> = (0..self.connections.len()).collect();
        let mut late: VecDeque<Instant> = VecDeque::new();
        let mut open = 0_usize;
        let mut watch = Watch::new();
        while open > 0 || !late.is_empty() || plan.peek().is_some() {
            let now = Instant::now();
            while let Some(at) = plan.next_if(|at| begin + *at <= now) {
                late.push_back(begin + at);
            }
            while let Some(since) = late.front().copied() {
                let Some(place) = idle.pop_front() else { break };
                late.pop_front();
                self.send(place, since)?;
                open += 1;
            }
            let seen = self.step(Duration::ZERO)?;
            if seen.is_empty() {
                // Not asleep: how long a core takes to wake differs from second to
                // second by more than what is measured. The upstream has the same one.
                std::thread::yield_now();
            }
            let now = Instant::now();
            if open > 0 {
                watch.saw(&seen, now)?;
            }
            for event in &seen {
                let took = nanos(now.duration_since(self.connections[event.place].since));
                if event.is_first {
                    outcome.first.push(took);
                }
                if event.is_whole {
                    outcome.count += 1;
                    outcome.whole.push(took);
                    idle.push_back(event.place);
                    open -= 1;
                }
            }
            self.keep(seen);
        }
        outcome.elapsed = begin.elapsed();
        Ok(outcome)
    }
}
