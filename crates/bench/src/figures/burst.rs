//! A burst: as many requests as a server can answer for a while.

use std::time::Duration;

use anyhow::{Result, bail};

use super::{Asked, Bench};
use crate::machine::pause;
use crate::machine::process::Cpu;
use crate::numbers::{micros, real};

/// What a burst cost.
#[derive(Clone, Debug)]
pub(super) struct Burst {
    /// Requests answered a second.
    pub(super) rate: f64,
    /// CPU-µs per request, threads of the way.
    pub(super) way: f64,
    /// CPU-µs per request, everything, until the store has every record.
    pub(super) all: f64,
    /// Records that were in the journal only when the burst was over.
    pub(super) lag: f64,
    /// The journal's bytes on disk then.
    pub(super) journal: f64,
    /// Seconds until they were carried.
    pub(super) carried: f64,
}

/// Who counts the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    /// The upstream: each must have come to it.
    Upstream,
    /// The load: none may have come to the upstream.
    Load,
}

/// Asks for `length`; nothing is under way before or after.
pub(super) fn burst(
    bench: &Bench,
    asked: &mut Asked,
    length: Duration,
    counted: Counted,
) -> Result<Burst> {
    let Asked { server, fleet } = asked;
    let before = server.cpu()?;
    let upstream_before = bench.upstream.counts.requests();
    let outcome = fleet.ask_for(length)?;
    let lag = server.metric("portcullis_journal_lag_records")?;
    let journal = server.metric("portcullis_journal_bytes")?;
    // The last answers are out before the last records are settled.
    pause(Duration::from_millis(3));
    let way: Cpu = server.cpu()? - before.clone();
    let carried = server.carried()?;
    let all = server.cpu()? - before;
    let asked_upstream = bench.upstream.counts.requests() - upstream_before;
    let expected = match counted {
        Counted::Upstream => outcome.count,
        Counted::Load => 0,
    };
    if asked_upstream != expected {
        bail!(
            "{} answered {} requests, the upstream saw {asked_upstream}",
            server.name,
            outcome.count
        );
    }
    let each = |nanos: u64| micros(nanos) / real(outcome.count);
    Ok(Burst {
        rate: outcome.rate(),
        way: each(way.of_way()),
        all: each(all.of_all()),
        lag: lag.unwrap_or(0.0),
        journal: journal.unwrap_or(0.0),
        carried: carried.as_secs_f64(),
    })
}

/// One field of each burst.
pub(super) fn each(bursts: &[Burst], field: impl Fn(&Burst) -> f64) -> Vec<f64> {
    bursts.iter().map(field).collect()
}
