//! The closed loop: a connection asks again as soon as it has its answer.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Fleet, Outcome, Watch, nanos};

impl Fleet {
    /// Asks for `length`, then waits for what is still open: nothing is under
    /// way before and after.
    ///
    /// # Errors
    /// A connection broke, or an answer was no 200.
    pub(crate) fn ask_for(&mut self, length: Duration) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let begin = Instant::now();
        let end = begin + length;
        for place in 0..self.connections.len() {
            self.send(place, Instant::now())?;
        }
        let mut open = self.connections.len();
        let mut watch = Watch::new();
        while open > 0 {
            let seen = self.step(Duration::from_secs(1))?;
            let now = Instant::now();
            watch.saw(&seen, now)?;
            for event in &seen {
                let took = nanos(now.duration_since(self.connections[event.place].since));
                if event.is_first {
                    outcome.first.push(took);
                }
                if event.is_whole {
                    outcome.count += 1;
                    outcome.whole.push(took);
                    if now < end {
                        self.send(event.place, now)?;
                    } else {
                        open -= 1;
                    }
                }
            }
            self.keep(seen);
        }
        outcome.elapsed = begin.elapsed();
        Ok(outcome)
    }

    /// Every connection asks once, so that all that is made at a first
    /// request is made.
    ///
    /// # Errors
    /// As [`Self::ask_for`].
    pub(crate) fn warm(&mut self) -> Result<()> {
        self.ask_for(Duration::ZERO).map(drop)
    }
}
