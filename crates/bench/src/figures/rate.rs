//! Requests a second on one core.

use anyhow::Result;

use super::burst::{Counted, burst, each};
use super::{Asked, Bench};
use crate::load::{Fleet, request};
use crate::table::{Bound, Row};

/// How many ask at a time.
const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];
/// Those whose figure is judged.
const JUDGED: usize = 64;

/// At several numbers of connections, and what load and upstream can do alone.
pub(super) fn at_connections(bench: &Bench) -> Result<Vec<Row>> {
    let request = request::chat("m");
    let mut rows = Vec::new();
    for count in CONNECTIONS {
        let mut asked = [
            Asked::open(bench.nginx()?, &request, count)?,
            Asked::open(bench.gateway(&bench.setting())?, &request, count)?,
        ];
        let what = format!("rate with {count} connections");
        let all = bench.interleave(&what, bench.rounds(0.5), &mut asked, |asked| {
            burst(bench, asked, bench.burst(), Counted::Upstream)
        })?;
        let [nginx, ours] = all.as_slice() else {
            continue;
        };
        let figure = format!("requests a second, {count} connections");
        let row = Row::new(&format!("rate.{count}"), &figure, "/s").pair(
            &each(ours, |burst| burst.rate),
            &each(nginx, |burst| burst.rate),
        );
        rows.push(if count == JUDGED {
            row.wants(Bound::ratio_at_least(0.75, 1.0))
        } else {
            row
        });
    }
    bench.progress("rate of load and upstream alone");
    let mut direct = Fleet::open(bench.upstream.address, &request, JUDGED)?;
    direct.warm()?;
    let rate = direct.ask_for(bench.burst())?.rate();
    rows.push(
        Row::new(
            "rate.direct",
            "  load and upstream alone, on their one core",
            "/s",
        )
        .ours(&[rate]),
    );
    Ok(rows)
}
