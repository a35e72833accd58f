//! The gateway beside itself: with and without something.

use std::path::PathBuf;

use anyhow::Result;

use super::burst::{Burst, Counted, burst, each};
use super::{Asked, Bench};
use crate::load::request;
use crate::machine::{Cores, pin_load, unpin_load};
use crate::schedule::Poisson;
use crate::table::{Bound, Row};

/// Connections, so many that every event loop has some.
const CONNECTIONS: usize = 64;
/// Requests a second that leave event loops time to rest.
const UNHURRIED: f64 = 4000.0;

/// Beside a build that governs nothing.
pub(super) fn governed(bench: &Bench) -> Result<Vec<Row>> {
    let row = Row::new("governed", "requests a second, governed", "/s")
        .against("ungoverned build")
        .wants(Bound::ratio_at_least(0.85, 0.92));
    let Some(binary) = bench.options.without("ungoverned") else {
        return Ok(vec![row.note("there is no ungoverned build")]);
    };
    let (ours, bare) = beside(bench, "ungoverned", binary)?;
    let rates = |bursts: &[Burst]| each(bursts, |burst| burst.rate);
    let costs = |bursts: &[Burst]| each(bursts, |burst| burst.way);
    Ok(vec![
        row.pair(&rates(&ours), &rates(&bare)),
        Row::new("governed.cpu", "  CPU per request, the way's threads", "µs")
            .pair(&costs(&ours), &costs(&bare))
            .against("ungoverned build"),
    ])
}

/// Beside a build that writes no journal.
pub(super) fn journal(bench: &Bench) -> Result<Vec<Row>> {
    let row = Row::new("journal", "CPU per request, journal on", "µs")
        .against("journal off")
        .wants(Bound::ratio_at_most(1.15, 1.05));
    let Some(binary) = bench.options.without("unjournaled") else {
        return Ok(vec![row.note("there is no unjournaled build")]);
    };
    let (ours, bare) = beside(bench, "unjournaled", binary)?;
    let costs = |bursts: &[Burst]| each(bursts, |burst| burst.way);
    Ok(vec![row.pair(&costs(&ours), &costs(&bare))])
}

/// Bursts of the gateway and of another build, in turn.
fn beside(bench: &Bench, name: &'static str, binary: PathBuf) -> Result<(Vec<Burst>, Vec<Burst>)> {
    let request = request::chat("m");
    let mut other = bench.setting();
    other.binary = binary;
    other.name = name;
    let mut asked = [
        Asked::open(bench.gateway(&bench.setting())?, &request, CONNECTIONS)?,
        Asked::open(bench.gateway(&other)?, &request, CONNECTIONS)?,
    ];
    let all = bench.interleave(name, bench.rounds(0.75), &mut asked, |asked| {
        burst(bench, asked, bench.burst(), Counted::Upstream)
    })?;
    let mut all = all.into_iter();
    Ok((
        all.next().unwrap_or_default(),
        all.next().unwrap_or_default(),
    ))
}

/// An exact hit beside a request that goes upstream.
pub(super) fn cache(bench: &Bench) -> Result<Vec<Row>> {
    let hit = Asked::open(
        bench.gateway(&bench.setting())?,
        &request::chat("cached"),
        CONNECTIONS,
    )?;
    let forwarded = Asked::open(
        bench.gateway(&bench.setting())?,
        &request::chat("m"),
        CONNECTIONS,
    )?;
    let mut asked = [(forwarded, Counted::Upstream), (hit, Counted::Load)];
    let all = bench.interleave(
        "cache",
        bench.rounds(0.5),
        &mut asked,
        |(asked, counted)| burst(bench, asked, bench.burst(), *counted),
    )?;
    let [forwarded, hit] = all.as_slice() else {
        return Ok(Vec::new());
    };
    Ok(vec![
        Row::new("cache", "CPU per exact cache hit", "µs")
            .pair(
                &each(hit, |burst| burst.way),
                &each(forwarded, |burst| burst.way),
            )
            .against("forwarded")
            .wants(Bound::ratio_at_most(1.0, 1.0)),
    ])
}

/// Two event loops beside one, all on both cores, load and upstream too.
pub(super) fn two_workers(bench: &Bench) -> Result<Vec<Row>> {
    let request = request::chat("m");
    let mut one = bench.setting();
    one.cores = Cores::Both;
    let mut two = one.clone();
    two.workers = 2;
    let mut asked = [
        Asked::open(bench.gateway(&one)?, &request, CONNECTIONS)?,
        Asked::open(bench.gateway(&two)?, &request, CONNECTIONS)?,
    ];
    unpin_load()?;
    let all = bench.interleave("workers", bench.rounds(0.75), &mut asked, |asked| {
        // The kernel deals connections out by chance: once is no sample.
        asked.reopen(&request, CONNECTIONS)?;
        let cost = burst(bench, asked, bench.burst(), Counted::Upstream)?.way;
        Ok((cost, busiest(bench, asked)?))
    });
    pin_load()?;
    let all = all?;
    let [one, two] = all.as_slice() else {
        return Ok(Vec::new());
    };
    let costs = |rounds: &[(f64, f64)]| -> Vec<f64> { rounds.iter().map(|r| r.0).collect() };
    let shares: Vec<f64> = two.iter().map(|round| round.1 * 100.0).collect();
    let worst = shares.iter().copied().fold(0.0, f64::max);
    Ok(vec![
        Row::new("workers", "CPU per request, two workers", "µs")
            .pair(&costs(two), &costs(one))
            .against("one worker")
            .wants(Bound::ratio_at_most(1.15, 1.05)),
        Row::new("workers.busiest", "  the busiest worker's share", "%")
            .ours(&shares)
            .wants(Bound::at_most(60.0, 60.0))
            .note(format!("{worst:.0} % in the worst round")),
    ])
}

/// The busiest loop's share of the CPU time at a rate that none is busy at:
/// loops with all hands full work alike, however the connections lie.
fn busiest(bench: &Bench, asked: &mut Asked) -> Result<f64> {
    let before = asked.server.cpu()?;
    let plan = Poisson::new(3, UNHURRIED, bench.burst() / 2);
    asked.fleet.ask_at(plan)?;
    let share = (asked.server.cpu()? - before).busiest();
    asked.server.carried()?;
    Ok(share)
}
