//! The suite `fire` in its long form, a file a drill.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use anyhow::{Context as _, Result};

use super::{BINARY, page};
use crate::shell;

/// The files of the suite.
pub(super) const NAMES: &[&str] = &[
    "smuggling",
    "http2",
    "upstreams",
    "goaway",
    "dialects",
    "disconnects",
    "leaving",
    "killed",
    "secrets",
    "bombs",
    "slow",
    "overload",
];

/// Runs one, shows its figures as they come and writes them down; whether it
/// found nothing.
pub(super) fn run(name: &str) -> Result<bool> {
    println!("[drill] {name} …");
    let arguments = ["e2e/run.py", "--binary", BINARY, "--only", "fire"];
    let mut suite = shell::command("python3", &arguments);
    suite.env("PORTCULLIS_DRILL", "long");
    suite.env("PORTCULLIS_DRILL_PARTS", name);
    let mut child = suite
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start python3")?;
    let said = child.stdout.take().context("its output is piped")?;
    let mut rows = Vec::new();
    for line in BufReader::new(said).lines() {
        let line = line?;
        match line.strip_prefix("drill: ") {
            Some(row) => {
                println!("[drill] {row}");
                rows.push(row.to_owned());
            }
            None => println!("        {line}"),
        }
    }
    page::add("## Under fire", &rows)?;
    Ok(child.wait()?.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_drill_is_a_file_of_the_suite() {
        for name in NAMES {
            let path = shell::root().join(format!("e2e/suites/fire/{name}.py"));
            assert!(path.exists(), "{}", path.display());
        }
    }
}
