//! What a chunk of a stream costs.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Asked, Bench};
use crate::load::{Fleet, request};
use crate::machine::pause;
use crate::machine::server::Server;
use crate::numbers::{micros, percentile, real};
use crate::table::{Bound, Row};

/// Streams open at a time, and the time between two chunks of each: 3,200
/// chunks a second.
const STREAMS: usize = 64;
pub(super) const INTERVAL: Duration = Duration::from_millis(20);
/// Connections that read streams as fast as they come.
pub(super) const READERS: usize = 16;

/// CPU-µs a chunk and a chunk's median time under way.
pub(super) struct Chunk {
    pub(super) cost: f64,
    pub(super) transit: f64,
}

/// Paced, as a model speaks, and as fast as it goes.
pub(super) fn per_chunk(bench: &Bench) -> Result<Vec<Row>> {
    bench.upstream.counts.pace(INTERVAL);
    let rounds = bench.rounds(0.75);
    let mut servers = [bench.nginx()?, bench.gateway(&bench.setting())?];
    let paced = bench.interleave("chunk, paced", rounds, &mut servers, |server| {
        paced(bench, server, "paced")
    })?;
    drop(servers);
    let request = request::stream("flood");
    let mut asked = [
        Asked::open(bench.nginx()?, &request, READERS)?,
        Asked::open(bench.gateway(&bench.setting())?, &request, READERS)?,
    ];
    let flood = bench.interleave("chunk, unpaced", rounds, &mut asked, |asked| {
        unpaced(bench, asked)
    })?;
    let ([nginx, ours], [nginx_flood, ours_flood]) = (paced.as_slice(), flood.as_slice()) else {
        return Ok(Vec::new());
    };
    let each = |chunks: &[Chunk], field: fn(&Chunk) -> f64| -> Vec<f64> {
        chunks.iter().map(field).collect()
    };
    Ok(vec![
        Row::new("chunk", "CPU per streamed chunk, paced", "µs")
            .pair(&each(ours, |c| c.cost), &each(nginx, |c| c.cost))
            .wants(Bound::ratio_at_most(1.15, 1.0)),
        Row::new("chunk.transit", "  a chunk's way, p50", "µs")
            .pair(&each(ours, |c| c.transit), &each(nginx, |c| c.transit)),
        Row::new("chunk.flood", "  CPU per chunk, unpaced", "µs").pair(ours_flood, nginx_flood),
    ])
}

/// Between the streams' beginnings and their ends, which are not chunks' cost.
pub(super) fn paced(bench: &Bench, server: &Server, model: &str) -> Result<Chunk> {
    let counts = &bench.upstream.counts;
    let mut fleet = Fleet::open(server.address, &request::stream(model), 0)?;
    fleet.open_streams(STREAMS)?;
    fleet.listen(Duration::from_millis(200), bench.epoch)?;
    let (cpu, chunks) = (server.cpu()?, counts.chunks());
    let mut transits = fleet.listen(bench.burst(), bench.epoch)?;
    let (used, sent) = (server.cpu()? - cpu, counts.chunks() - chunks);
    drop(fleet);
    pause(Duration::from_millis(100));
    server.carried()?;
    transits.sort_unstable();
    Ok(Chunk {
        cost: micros(used.of_way()) / real(sent),
        transit: micros(percentile(&transits, 0.5).context("no chunk came")?),
    })
}

/// Whole streams, beginnings and ends included.
pub(super) fn unpaced(bench: &Bench, asked: &mut Asked) -> Result<f64> {
    let counts = &bench.upstream.counts;
    let (cpu, chunks) = (asked.server.cpu()?, counts.chunks());
    asked.fleet.ask_for(bench.burst())?;
    let (used, sent) = (asked.server.cpu()? - cpu, counts.chunks() - chunks);
    asked.server.carried()?;
    Ok(micros(used.of_way()) / real(sent))
}
