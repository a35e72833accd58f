//! Every group of tests, in order, with a line each.

use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::{readme, shell, tidy};

/// What a group did: whether it succeeded, how many passed, what it said.
struct Done {
    is_well: bool,
    count: usize,
    said: String,
}

type Group = (&'static str, fn() -> Result<Done>);

/// The groups, the quickest to fail first.
const GROUPS: [Group; 4] = [
    ("tidy", tidy_group),
    ("unit", unit),
    ("readme", readme_group),
    ("e2e", e2e),
];

/// Runs the named groups, or all: whether all is well.
pub(crate) fn run(wanted: &[&str]) -> Result<bool> {
    for name in wanted {
        if !GROUPS.iter().any(|(group, _)| group == name) {
            let names: Vec<&str> = GROUPS.iter().map(|(group, _)| *group).collect();
            bail!("no group `{name}`; there are: {}", names.join(", "));
        }
    }
    let mut is_well = true;
    for (name, group) in GROUPS {
        if !wanted.is_empty() && !wanted.contains(&name) {
            continue;
        }
        println!("[{name}] …");
        let start = Instant::now();
        let done = group().unwrap_or_else(|error| Done {
            is_well: false,
            count: 0,
            said: format!("{error:#}\n"),
        });
        if !done.is_well {
            print!("{}", done.said);
        }
        let word = if done.is_well { "ok" } else { "FAILED" };
        let seconds = start.elapsed().as_secs_f32();
        println!("[{name}] {word}: {} passed, {seconds:.1} s", done.count);
        is_well &= done.is_well;
    }
    Ok(is_well)
}

fn tidy_group() -> Result<Done> {
    let is_well = tidy::run()?;
    Ok(Done {
        is_well,
        count: usize::from(is_well),
        said: String::new(),
    })
}

fn unit() -> Result<Done> {
    let arguments = ["test", "--workspace", "--no-fail-fast"];
    let (is_well, said) = shell::logged("unit", shell::command("cargo", &arguments))?;
    let count = said.lines().filter_map(passed).sum();
    Ok(Done {
        is_well,
        count,
        said,
    })
}

/// The number in a line such as `test result: ok. 7 passed; 0 failed; …`.
fn passed(line: &str) -> Option<usize> {
    let (before, _) = line.strip_prefix("test result: ")?.split_once(" passed;")?;
    before.rsplit(' ').next()?.parse().ok()
}

fn readme_group() -> Result<Done> {
    let blocks = readme::blocks()?;
    if blocks.is_empty() {
        bail!("README.md:1: no block is marked; put `<!-- run -->` above each that must work");
    }
    for (index, block) in blocks.iter().enumerate() {
        let mut command: Command = shell::command("bash", &["-euo", "pipefail", "-c", &block.text]);
        command.env("CARGO_TERM_QUIET", "true");
        let (is_ok, said) = shell::logged("readme", command)?;
        if !is_ok {
            return Ok(Done {
                is_well: false,
                count: index,
                said: format!(
                    "README.md:{}: the block fails:\n{}\n{said}",
                    block.line, block.text
                ),
            });
        }
    }
    Ok(Done {
        is_well: true,
        count: blocks.len(),
        said: String::new(),
    })
}

fn e2e() -> Result<Done> {
    let build = shell::command("cargo", &["build", "--package", "portcullis"]);
    let (is_built, said) = shell::logged("e2e-build", build)?;
    if !is_built {
        return Ok(Done {
            is_well: false,
            count: 0,
            said,
        });
    }
    let arguments = ["e2e/run.py", "--binary", "target/debug/portcullis"];
    let (is_well, said) = shell::logged("e2e", shell::command("python3", &arguments))?;
    let count = said
        .lines()
        .filter(|line| line.trim_start().starts_with("ok"))
        .count();
    Ok(Done {
        is_well,
        count,
        said,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passed_tests_are_counted_from_cargos_lines() {
        let line = "test result: ok. 7 passed; 0 failed; 0 ignored; 0 measured";
        assert_eq!(passed(line), Some(7));
        assert_eq!(passed("running 7 tests"), None);
    }

    #[test]
    fn an_unknown_group_is_an_error() {
        assert!(run(&["nothing"]).is_err());
    }
}
