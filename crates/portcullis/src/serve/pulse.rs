//! How busy the event loops are.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::RuntimeMetrics;
use tokio::time::Instant;

/// Times shorter than this say nothing.
const LEAST: Duration = Duration::from_millis(20);

/// The loops, as their runtimes count them.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    // Asked a few times a second, by the carrier.
    loops: Mutex<Vec<RuntimeMetrics>>,
}

/// A look at the loops, to be compared with the next.
#[derive(Debug)]
pub(super) struct Beat {
    at: Instant,
    worked: Vec<Duration>,
    busy: f64,
}

impl Pulse {
    /// Watches a loop from now on.
    pub(super) fn watch(&self, metrics: RuntimeMetrics) {
        let mut loops = self.loops.lock().unwrap_or_else(PoisonError::into_inner);
        loops.push(metrics);
    }

    /// The first look.
    pub(super) fn beat(&self) -> Beat {
        Beat {
            at: Instant::now(),
            worked: self.worked(),
            busy: 0.0,
        }
    }

    /// The share of its time, from 0 to 1, that the busiest loop worked since
    /// the look before; that look's own answer if it was just now.
    pub(super) fn busy_since(&self, beat: &mut Beat) -> f64 {
        let passed = beat.at.elapsed();
        if passed < LEAST {
            return beat.busy;
        }
        let worked = self.worked();
        let each = worked.iter().enumerate().map(|(at, now)| {
            let before = beat.worked.get(at).copied().unwrap_or_default();
            now.saturating_sub(before).as_secs_f64() / passed.as_secs_f64()
        });
        let busy = each.fold(0.0, f64::max);
        *beat = Beat {
            at: Instant::now(),
            worked,
            busy,
        };
        busy
    }

    fn worked(&self) -> Vec<Duration> {
        let loops = self.loops.lock().unwrap_or_else(PoisonError::into_inner);
        let each = loops
            .iter()
            .map(|metrics| metrics.worker_total_busy_duration(0));
        each.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_works_is_told_from_one_that_waits() {
        let busy_of = |work: fn()| {
            let pulse = Pulse::default();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .expect("a runtime");
            pulse.watch(runtime.metrics());
            let mut beat = pulse.beat();
            runtime.block_on(async {
                let until = Instant::now() + Duration::from_millis(60);
                while Instant::now() < until {
                    work();
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            });
            pulse.busy_since(&mut beat)
        };
        let working = busy_of(|| {
            let until = Instant::now() + Duration::from_millis(20);
            while Instant::now() < until {}
        });
        let waiting = busy_of(|| {});
        assert!(waiting < working, "{waiting} {working}");
    }
}
