//! Streams that stay open.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::{Fleet, Watch, nanos};

/// Streams that are being opened at a time.
const OPENING: usize = 64;

impl Fleet {
    /// Opens streams, a connection each, until there are `count`, and waits
    /// for the first chunk of each.
    ///
    /// # Errors
    /// A stream was refused, or broke.
    pub(crate) fn open_streams(&mut self, count: usize) -> Result<()> {
        let mut opening = 0;
        let mut watch = Watch::new();
        while self.connections.len() < count || opening > 0 {
            while opening < OPENING && self.connections.len() < count {
                let place = self.connect()?;
                self.send(place, Instant::now())?;
                opening += 1;
            }
            let seen = self.step(Duration::from_secs(1))?;
            watch.saw(&seen, Instant::now())?;
            opening -= seen.iter().filter(|event| event.is_first).count();
            self.keep(seen);
        }
        Ok(())
    }

    /// Reads for `length`: how long each chunk was under way, in nanoseconds;
    /// moments count from `epoch`.
    ///
    /// # Errors
    /// A stream ended or broke.
    pub(crate) fn listen(&mut self, length: Duration, epoch: Instant) -> Result<Vec<u64>> {
        let end = Instant::now() + length;
        let mut transits = Vec::new();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(transits);
            }
            let seen = self.step(left)?;
            let now = nanos(epoch.elapsed());
            for event in &seen {
                if event.is_whole {
                    bail!("a stream ended that should have stayed open");
                }
                transits.extend(event.moment.map(|at| now.saturating_sub(at)));
            }
            self.keep(seen);
        }
    }
}
