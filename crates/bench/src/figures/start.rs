//! From the start to the first answer.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::Bench;
use crate::load::{Fleet, request};
use crate::machine::gateway::Home;
use crate::machine::pause;
use crate::numbers::real;
use crate::table::{Bound, Row};

/// Starts of each kind.
const STARTS: u32 = 20;
/// Between two tries to connect.
const STEP: Duration = Duration::from_micros(200);
const PATIENCE: Duration = Duration::from_secs(10);
/// After a start, before idle memory is read.
const IDLE: Duration = Duration::from_secs(2);

/// In new homes, in one that was lived in, and what an idle one takes.
pub(super) fn to_first_answer(bench: &Bench) -> Result<Vec<Row>> {
    let setting = bench.setting();
    let (mut new, mut again) = (Vec::new(), Vec::new());
    let lived_in = bench.home(&setting)?;
    start(bench, &lived_in)?;
    let starts = if bench.options.quick {
        STARTS / 4
    } else {
        STARTS
    };
    for number in 1..=starts {
        bench.progress(&format!("start {number} of {starts}"));
        new.push(start(bench, &bench.home(&setting)?)?);
        again.push(start(bench, &lived_in)?);
    }
    bench.progress("idle memory after a start");
    let server = bench.gateway(&setting)?;
    pause(IDLE);
    let memory = real(server.resident()?) / 1e6;
    Ok(vec![
        Row::new("start", "start to first answer, new data folder", "ms")
            .ours(&new)
            .wants(Bound::at_most(150.0, 50.0)),
        Row::new(
            "start.again",
            "start to first answer, used data folder",
            "ms",
        )
        .ours(&again)
        .wants(Bound::at_most(150.0, 50.0)),
        Row::new("start.memory", "  idle memory 2 s after a start", "MB").ours(&[memory]),
    ])
}

/// Milliseconds to the first answer; stopped again then.
fn start(bench: &Bench, home: &Home) -> Result<f64> {
    let request = request::chat("m");
    let begin = Instant::now();
    let server = home.launch(&bench.setting())?;
    let mut fleet = loop {
        match Fleet::open(home.address(), &request, 1) {
            Ok(fleet) => break fleet,
            Err(error) if begin.elapsed() > PATIENCE => return Err(error),
            Err(_) => pause(STEP),
        }
    };
    fleet.warm()?;
    let took = begin.elapsed();
    drop(fleet);
    drop(server);
    if took > PATIENCE {
        bail!("a start took {took:?}");
    }
    Ok(took.as_secs_f64() * 1e3)
}
