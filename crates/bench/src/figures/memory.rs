//! Resident memory, idle and with streams open.

use std::time::Duration;

use anyhow::Result;

use super::Bench;
use crate::load::{Fleet, request};
use crate::machine::pause;
use crate::machine::server::Server;
use crate::numbers::real;
use crate::table::{Bound, Row};

/// Streams open at a time.
const STREAMS: [usize; 2] = [1000, 5000];
/// Between two chunks of a stream.
const INTERVAL: Duration = Duration::from_secs(2);
/// Until every stream has had some chunks.
const SETTLED: Duration = Duration::from_secs(5);
/// After the start.
const IDLE: Duration = Duration::from_secs(2);

/// Bytes, idle and at each number of [`STREAMS`].
struct Memory {
    idle: f64,
    open: [f64; 2],
}

impl Memory {
    /// Kilobytes a stream over idle.
    fn each(&self, index: usize) -> f64 {
        (self.open[index] - self.idle) / real(STREAMS[index] as u64) / 1e3
    }
}

/// Ours and nginx's.
pub(super) fn of_streams(bench: &Bench) -> Result<Vec<Row>> {
    bench.upstream.counts.pace(INTERVAL);
    let nginx = measure(bench, &bench.nginx()?)?;
    let ours = measure(bench, &bench.gateway(&bench.setting())?)?;
    let mut rows = vec![
        Row::new("memory.idle", "idle memory", "MB")
            .pair(&[ours.idle / 1e6], &[nginx.idle / 1e6])
            .wants(Bound::at_most(40.0, 25.0)),
    ];
    for (index, count) in STREAMS.iter().enumerate() {
        let figure = format!("memory a stream, {count} open");
        let row = Row::new(&format!("memory.{count}"), &figure, "KB")
            .pair(&[ours.each(index)], &[nginx.each(index)])
            .note(format!("{:.0} MB in all", ours.open[index] / 1e6));
        rows.push(if *count == STREAMS[1] {
            row.wants(Bound::ratio_at_most(3.0, 2.0))
        } else {
            row
        });
    }
    Ok(rows)
}

fn measure(bench: &Bench, server: &Server) -> Result<Memory> {
    bench.progress(&format!("memory of {}: idle", server.name));
    pause(IDLE);
    let idle = real(server.resident()?);
    let mut fleet = Fleet::open(server.address, &request::stream("paced"), 0)?;
    let mut open = [0.0; 2];
    for (memory, count) in open.iter_mut().zip(STREAMS) {
        bench.progress(&format!("memory of {}: {count} streams", server.name));
        fleet.open_streams(count)?;
        fleet.listen(SETTLED, bench.epoch)?;
        *memory = real(server.resident()?);
    }
    Ok(Memory { idle, open })
}
