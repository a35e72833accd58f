//! What a request costs in CPU time.

use anyhow::Result;

use super::burst::{Burst, Counted, burst, each};
use super::{Asked, Bench};
use crate::load::request;
use crate::machine::server::Server;
use crate::table::{Bound, Row};

/// Connections that keep a server busy.
pub(super) const BUSY: usize = 32;

/// Bursts of each server in turn.
fn bursts<const N: usize>(
    bench: &Bench,
    what: &str,
    request: &std::sync::Arc<[u8]>,
    servers: [Server; N],
) -> Result<Vec<Vec<Burst>>> {
    let asked: Result<Vec<Asked>> = servers
        .into_iter()
        .map(|server| Asked::open(server, request, BUSY))
        .collect();
    bench.interleave(what, bench.rounds(1.0), &mut asked?, |asked| {
        burst(bench, asked, bench.burst(), Counted::Upstream)
    })
}

/// The gateway beside nginx with its log.
pub(super) fn per_request(bench: &Bench) -> Result<Vec<Row>> {
    let servers = [bench.nginx()?, bench.gateway(&bench.setting())?];
    let all = bursts(bench, "cpu", &request::chat("m"), servers)?;
    let [nginx, ours] = all.as_slice() else {
        return Ok(Vec::new());
    };
    let theirs = each(nginx, |burst| burst.way);
    Ok(vec![
        Row::new("cpu", "CPU per request, the way's threads", "µs")
            .pair(&each(ours, |burst| burst.way), &theirs)
            .wants(Bound::ratio_at_most(1.15, 1.0)),
        Row::new(
            "cpu.all",
            "  the same bursts, whole process until carried",
            "µs",
        )
        .pair(&each(ours, |burst| burst.all), &theirs),
        Row::new("cpu.rate", "  the same bursts, requests a second", "/s").pair(
            &each(ours, |burst| burst.rate),
            &each(nginx, |burst| burst.rate),
        ),
    ])
}

/// With a line a request in the gateway's log, and nginx without its own.
pub(super) fn with_and_without_log(bench: &Bench) -> Result<Vec<Row>> {
    let mut logging = bench.setting();
    logging.log = "info";
    logging.name = "gateway with log";
    let servers = [
        bench.nginx()?,
        bench.nginx_without_log()?,
        bench.gateway(&bench.setting())?,
        bench.gateway(&logging)?,
    ];
    let all = bursts(bench, "log", &request::chat("m"), servers)?;
    let way: Vec<Vec<f64>> = all.iter().map(|one| each(one, |b| b.way)).collect();
    let [with, without, ours, ours_with] = way.as_slice() else {
        return Ok(Vec::new());
    };
    Ok(vec![
        Row::new("log.on", "  log level info", "µs").pair(ours_with, with),
        Row::new("log.off", "  beside nginx without log", "µs")
            .pair(ours, without)
            .against("nginx without log"),
    ])
}

/// Longer runs, until the store has all of each: the carrier in its stride.
pub(super) fn whole_process(bench: &Bench) -> Result<Vec<Row>> {
    let request = request::chat("m");
    let mut asked = [
        Asked::open(bench.nginx()?, &request, BUSY)?,
        Asked::open(bench.gateway(&bench.setting())?, &request, BUSY)?,
    ];
    let length = bench.burst() * 4;
    let all = bench.interleave("whole", bench.rounds(0.4), &mut asked, |asked| {
        burst(bench, asked, length, Counted::Upstream)
    })?;
    let [nginx, ours] = all.as_slice() else {
        return Ok(Vec::new());
    };
    let megabytes = each(ours, |burst| burst.journal / 1e6);
    Ok(vec![
        Row::new(
            "whole",
            "CPU per request, whole process with the carrier",
            "µs",
        )
        .pair(
            &each(ours, |burst| burst.all),
            &each(nginx, |burst| burst.all),
        )
        .wants(Bound::ratio_at_most(1.4, 1.25)),
        Row::new(
            "whole.lag",
            "  store's lag after a run at full load",
            "records",
        )
        .ours(&each(ours, |burst| burst.lag)),
        Row::new("whole.carried", "  until the store had them", "s")
            .ours(&each(ours, |burst| burst.carried)),
        Row::new("whole.journal", "  journal on disk then", "MB").ours(&megabytes),
    ])
}

/// A body of 200 KB. Both begin anew for each two rounds: what nginx takes hangs, for
/// the life of a process, on how its heap happens to grow, from 57 to 140 µs.
pub(super) fn long_body(bench: &Bench) -> Result<Vec<Row>> {
    let (mut ours, mut nginx) = (Vec::new(), Vec::new());
    let lives = bench.rounds(0.5);
    for life in 1..=lives {
        let mut asked = [
            Asked::open(bench.nginx()?, &request::long("m"), BUSY)?,
            Asked::open(bench.gateway(&bench.setting())?, &request::long("m"), BUSY)?,
        ];
        let what = format!("body, life {life} of {lives}");
        let all = bench.interleave(&what, 2, &mut asked, |asked| {
            burst(bench, asked, bench.burst(), Counted::Upstream)
        })?;
        let [theirs, own] = all.as_slice() else {
            return Ok(Vec::new());
        };
        nginx.extend(each(theirs, |burst| burst.way));
        ours.extend(each(own, |burst| burst.way));
    }
    Ok(vec![
        Row::new("body", "CPU per request of 200 KB", "µs")
            .pair(&ours, &nginx)
            .wants(Bound::ratio_at_most(1.0, 0.7)),
    ])
}
