//! What translating costs: the gateway in front of an upstream that speaks
//! Anthropic's dialect, beside the same in front of one that speaks the
//! client's, which is `OpenAI`'s.

use anyhow::Result;

use super::burst::{Counted, burst, each};
use super::chunk::{Chunk, INTERVAL, READERS, paced, unpaced};
use super::cost::BUSY;
use super::{Asked, Bench};
use crate::load::request;
use crate::table::{Bound, Row};

/// What it is compared with.
const BESIDE: &str = "the client's dialect";

/// Requests, and chunks of streams.
pub(super) fn beside_plain(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = requests(bench)?;
    rows.extend(chunks(bench)?);
    Ok(rows)
}

fn requests(bench: &Bench) -> Result<Vec<Row>> {
    let open = |model| {
        Asked::open(
            bench.gateway(&bench.setting())?,
            &request::short(model),
            BUSY,
        )
    };
    let mut asked = [open("m")?, open("claude")?];
    let all = bench.interleave("translate", bench.rounds(1.0), &mut asked, |asked| {
        burst(bench, asked, bench.burst(), Counted::Upstream)
    })?;
    let [same, translated] = all.as_slice() else {
        return Ok(Vec::new());
    };
    Ok(vec![
        Row::new("translate", "CPU per translated request of 1 KB", "µs")
            .pair(
                &each(translated, |burst| burst.way),
                &each(same, |burst| burst.way),
            )
            .against(BESIDE)
            .wants(Bound::ratio_at_most(2.0, 1.5)),
    ])
}

fn chunks(bench: &Bench) -> Result<Vec<Row>> {
    bench.upstream.counts.pace(INTERVAL);
    let rounds = bench.rounds(0.75);
    let mut servers = [
        (bench.gateway(&bench.setting())?, "paced"),
        (bench.gateway(&bench.setting())?, "paced-claude"),
    ];
    let slow = bench.interleave(
        "translated chunk, paced",
        rounds,
        &mut servers,
        |(server, model)| paced(bench, server, model),
    )?;
    drop(servers);
    let open = |model| {
        let server = bench.gateway(&bench.setting())?;
        Asked::open(server, &request::stream(model), READERS)
    };
    let mut asked = [open("flood")?, open("flood-claude")?];
    let fast = bench.interleave("translated chunk, unpaced", rounds, &mut asked, |asked| {
        unpaced(bench, asked)
    })?;
    let ([same, translated], [same_fast, translated_fast]) = (slow.as_slice(), fast.as_slice())
    else {
        return Ok(Vec::new());
    };
    let of = |chunks: &[Chunk], field: fn(&Chunk) -> f64| -> Vec<f64> {
        chunks.iter().map(field).collect()
    };
    Ok(vec![
        Row::new("translate.chunk", "CPU per translated chunk, paced", "µs")
            .pair(&of(translated, |c| c.cost), &of(same, |c| c.cost))
            .against(BESIDE)
            .wants(Bound::ratio_at_most(1.5, 1.2)),
        Row::new("translate.transit", "  a translated chunk's way, p50", "µs")
            .pair(&of(translated, |c| c.transit), &of(same, |c| c.transit))
            .against(BESIDE),
        Row::new(
            "translate.flood",
            "  CPU per translated chunk, unpaced",
            "µs",
        )
        .pair(translated_fast, same_fast)
        .against(BESIDE),
    ])
}
