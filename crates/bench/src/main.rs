//! The benchmark: gateway, nginx and the bare upstream, side by side on one
//! machine. The server has one core; load and upstream, both of raw sockets,
//! have another. `cargo xtask bench` builds and starts it.
//!
//! | room | what it holds |
//! |---|---|
//! | [`figures`] | what is measured |
//! | [`load`] | who asks: closed loop, open loop, streams |
//! | [`upstream`] | who answers, and counts |
//! | [`machine`] | cores, servers, and what these use |
//! | [`table`], [`report`] | what was measured against what is wanted |
//! | [`numbers`], [`schedule`], [`wire`], [`poll`] | what these stand on |

#![expect(clippy::print_stdout, reason = "a chore talks to the terminal")]

mod figures;
mod load;
mod machine;
mod numbers;
mod options;
mod poll;
mod report;
mod schedule;
mod table;
mod upstream;
mod wire;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser as _;

use figures::Bench;
use machine::host::Host;
use machine::quiet::{Precedence, Ticks};
use options::Options;
use report::{KEPT, PAGE, Report};

/// Every run's table, whole or not.
const LATEST: &str = "target/bench.json";

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\nbench: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether all is as good as it must be, or nobody asked.
fn run(options: Options) -> Result<bool> {
    machine::prepare()?;
    machine::pin_load().context("two cores are needed: one for servers, one for the load")?;
    let host = Host::look()?;
    let _precedence = Precedence::take();
    let before = Ticks::now()?;
    let bench = Bench::new(options)?;
    let rows = bench.run()?;
    let (strangers, stolen) = Ticks::now()?.strangers(before);
    let options = &bench.options;
    let report = Report {
        host,
        command: command(),
        rounds: options.rounds(),
        burst_ms: u64::try_from(options.burst().as_millis())?,
        strangers,
        stolen,
        rows,
    };
    print!("{}", report.text(Report::committed().as_ref()));
    let json = serde_json::to_string_pretty(&report)? + "\n";
    std::fs::write(LATEST, &json).context(LATEST)?;
    println!("{} As JSON: {LATEST}", report.disturbance());
    if options.write {
        let old = std::fs::read_to_string(PAGE).context(PAGE)?;
        std::fs::write(PAGE, report.page(&old)?).context(PAGE)?;
        std::fs::write(KEPT, json).context(KEPT)?;
    }
    let misses = report.misses();
    for row in &misses {
        println!("misses what it must be: {}", row.figure.trim_start());
    }
    Ok(misses.is_empty() || !options.check)
}

/// How people start it.
fn command() -> String {
    let words = std::env::args().skip(1);
    words.fold("cargo xtask bench".to_owned(), |all, word| {
        all + " " + &word
    })
}
