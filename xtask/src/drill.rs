//! Long drills, by hand: their short forms are part of the tests. Each run
//! adds a dated row to `docs/drills.md`.

use std::io::Write as _;

use anyhow::{Result, bail};

use crate::shell;

const PAGE: &str = "docs/drills.md";
const KILLS: &str = "100";

/// Runs the drills; whether all went well.
pub(crate) fn run() -> Result<bool> {
    let build = shell::command("cargo", &["build", "--release", "--package", "portcullis"]);
    let (is_built, said) = shell::logged("drill-build", build)?;
    if !is_built {
        bail!("the release build fails:\n{said}");
    }
    println!("[drill] {KILLS} kills under traffic …");
    let arguments = [
        "e2e/run.py",
        "--binary",
        "target/release/portcullis",
        "--only",
        "lifecycle",
    ];
    let mut suite = shell::command("python3", &arguments);
    suite.env("PORTCULLIS_DRILL_KILLS", KILLS);
    let (is_well, said) = shell::logged("drill", suite)?;
    let Some(row) = said.lines().find_map(|line| line.strip_prefix("drill: ")) else {
        bail!("the drill fails:\n{said}");
    };
    let (date, commit) = (
        one_line("date", &["+%F"])?,
        one_line("git", &["rev-parse", "--short", "HEAD"])?,
    );
    let mut page = std::fs::OpenOptions::new()
        .append(true)
        .open(shell::root().join(PAGE))?;
    writeln!(page, "| {date} | {commit} {row}")?;
    println!("[drill] {row}");
    Ok(is_well)
}

fn one_line(program: &str, arguments: &[&str]) -> Result<String> {
    let (_, said) = shell::logged(program, shell::command(program, arguments))?;
    Ok(said.trim().to_owned())
}
