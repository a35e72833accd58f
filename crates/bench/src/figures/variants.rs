//! The gateway beside itself: with and without something.

use anyhow::Result;

use super::burst::{Counted, burst, each};
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
    let Some(binary) = bench.options.ungoverned() else {
        bench.progress("governed: there is no ungoverned build");
        return Ok(vec![row.note("there is no ungoverned build")]);
    };
    let request = request::chat("m");
    let mut bare = bench.setting();
    bare.binary = binary;
    bare.name = "ungoverned";
    let mut asked = [
        Asked::open(bench.gateway(&bare)?, &request, CONNECTIONS)?,
        Asked::open(bench.gateway(&bench.setting())?, &request, CONNECTIONS)?,
    ];
    let all = bench.interleave("governed", bench.rounds(0.75), &mut asked, |asked| {
        burst(bench, asked, bench.burst(), Counted::Upstream)
    })?;
    let [bare, ours] = all.as_slice() else {
        return Ok(Vec::new());
    };
    Ok(vec![
        row.pair(
            &each(ours, |burst| burst.rate),
            &each(bare, |burst| burst.rate),
        ),
        Row::new("governed.cpu", "  CPU per request, the way's threads", "µs")
            .pair(
                &each(ours, |burst| burst.way),
                &each(bare, |burst| burst.way),
            )
            .against("ungoverned build"),
    ])
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

/// With the journal beside without: no setting switches it off.
pub(super) fn journal(bench: &Bench) -> Result<Vec<Row>> {
    bench.progress("journal: nothing switches it off");
    Ok(vec![
        Row::new("journal", "CPU per request, journal on", "µs")
            .against("journal off")
            .wants(Bound::ratio_at_most(1.15, 1.05))
            .note("not available: nothing switches the journal off"),
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
