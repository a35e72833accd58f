//! Time that a proxy adds.

use std::sync::Arc;

use anyhow::Result;

use super::{Asked, Bench};
use crate::load::{Fleet, request};
use crate::machine::process::Cpu;
use crate::machine::server::Server;
use crate::numbers::{micros, percentile, real};
use crate::schedule::Poisson;
use crate::table::{Bound, Row};

/// Requests a second, well below what any of them can do.
const RATE: f64 = 2000.0;
/// Connections for them.
const CONNECTIONS: usize = 64;
/// Streams at a time, few enough that none waits for another.
const STREAMS: usize = 8;
const SHARES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

/// Direct or through a server: what is asked.
struct Path {
    server: Option<Asked>,
    direct: Option<Fleet>,
}

impl Path {
    fn fleet(&mut self) -> Option<&mut Fleet> {
        let through = self.server.as_mut().map(|asked| &mut asked.fleet);
        through.or(self.direct.as_mut())
    }

    /// The journal is carried before another is measured on the same core.
    fn rest(&self) -> Result<()> {
        if let Some(asked) = &self.server {
            asked.server.carried()?;
        }
        Ok(())
    }
}

/// Direct, nginx, gateway.
fn paths(bench: &Bench, request: &Arc<[u8]>, connections: usize) -> Result<[Path; 3]> {
    let mut direct = Fleet::open(bench.upstream.address, request, connections)?;
    direct.warm()?;
    let through = |server: Server| -> Result<Path> {
        Ok(Path {
            server: Some(Asked::open(server, request, connections)?),
            direct: None,
        })
    };
    Ok([
        Path {
            server: None,
            direct: Some(direct),
        },
        through(bench.nginx()?)?,
        through(bench.gateway(&bench.setting())?)?,
    ])
}

/// Microseconds at the shares of [`SHARES`].
fn at_shares(mut nanos: Vec<u64>) -> [f64; 3] {
    nanos.sort_unstable();
    SHARES.map(|(_, share)| percentile(&nanos, share).map_or(0.0, micros))
}

/// What nginx and the gateway add to direct at a share, round by round.
fn added(rounds: &[Vec<[f64; 3]>], share: usize) -> (Vec<f64>, Vec<f64>) {
    let over = |path: usize| -> Vec<f64> {
        let pairs = rounds[path].iter().zip(&rounds[0]);
        pairs
            .map(|(via, direct)| via[share] - direct[share])
            .collect()
    };
    (over(2), over(1))
}

/// CPU-µs per request so far paid by a path's server.
fn cost(path: &Path, before: Option<Cpu>, count: u64) -> Result<f64> {
    let Some((asked, before)) = path.server.as_ref().zip(before) else {
        return Ok(0.0);
    };
    let used = asked.server.cpu()? - before;
    Ok(micros(used.of_way()) / real(count.max(1)))
}

/// Whole answers at a fixed rate.
pub(super) fn open_loop(bench: &Bench) -> Result<Vec<Row>> {
    let mut paths = paths(bench, &request::chat("m"), CONNECTIONS)?;
    let length = bench.burst();
    let rounds = bench.interleave("open", bench.rounds(1.25), &mut paths, |path| {
        let before = path.server.as_ref().map(|asked| asked.server.cpu());
        let plan = Poisson::new(1, RATE, length);
        let outcome = path.fleet().map(|fleet| fleet.ask_at(plan)).transpose()?;
        let outcome = outcome.unwrap_or_default();
        let cost = cost(path, before.transpose()?, outcome.count)?;
        path.rest()?;
        Ok((at_shares(outcome.whole), cost))
    })?;
    let times: Vec<Vec<[f64; 3]>> = rounds
        .iter()
        .map(|path| path.iter().map(|round| round.0).collect())
        .collect();
    let costs = |path: usize| -> Vec<f64> { rounds[path].iter().map(|round| round.1).collect() };
    let mut rows = Vec::new();
    for (index, (name, _)) in SHARES.iter().enumerate() {
        let (ours, nginx) = added(&times, index);
        let figure = format!("{name} added over direct at {RATE} a second");
        let row = Row::new(&format!("open.{name}"), &figure, "µs").pair_of_medians(&ours, &nginx);
        rows.push(if index == 0 {
            row.wants(Bound::ratio_at_most(1.3, 1.05))
        } else {
            row
        });
    }
    rows.push(
        Row::new(
            "open.cpu",
            "  CPU per request, the way's threads, at that rate",
            "µs",
        )
        .pair(&costs(2), &costs(1)),
    );
    Ok(rows)
}

/// The first bytes of a stream.
pub(super) fn first_token(bench: &Bench) -> Result<Vec<Row>> {
    let mut paths = paths(bench, &request::stream("brief"), STREAMS)?;
    let rounds = bench.interleave("first", bench.rounds(0.75), &mut paths, |path| {
        let outcome = path.fleet().map(|fleet| fleet.ask_for(bench.burst()));
        let outcome = outcome.transpose()?.unwrap_or_default();
        path.rest()?;
        Ok(at_shares(outcome.first))
    })?;
    let (ours, nginx) = added(&rounds, 0);
    Ok(vec![
        Row::new("first", "added time to first token, p50", "µs").pair_of_medians(&ours, &nginx),
    ])
}
