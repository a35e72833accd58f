//! Every group of tests, in order, with a line each.

use std::time::Instant;

use anyhow::{Result, bail};

use crate::{fuzz, shell, tidy};

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
    ("fuzz", fuzzing),
    ("e2e", e2e),
];

/// Seconds that each parser is fuzzed with every change.
const FUZZ: &str = "4";

/// What offers more than an upstream can take.
const FLOOD: [&str; 5] = [
    "build",
    "--package",
    "portcullis-testkit",
    "--example",
    "flood",
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
    postgres("unit")?;
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

fn fuzzing() -> Result<Done> {
    let is_well = fuzz::run(&[FUZZ])?;
    Ok(Done {
        is_well,
        count: usize::from(is_well),
        said: String::new(),
    })
}

fn e2e() -> Result<Done> {
    // Apart: together they would share features, and the gateway be another.
    for arguments in [&["build", "--package", "portcullis"][..], &FLOOD] {
        let build = shell::command("cargo", arguments);
        let (is_built, said) = shell::logged("e2e-build", build)?;
        if !is_built {
            return Ok(Done {
                is_well: false,
                count: 0,
                said,
            });
        }
    }
    python()?;
    postgres("e2e")?;
    let arguments = ["e2e/run.py", "--binary", "target/debug/portcullis"];
    let (is_well, said) = shell::logged("e2e", shell::command("python3", &arguments))?;
    let count = said.lines().filter_map(passed_suite).sum();
    Ok(Done {
        is_well,
        count,
        said,
    })
}

/// The number in a line such as `lossless: 10 passed, 0 failed (0.5 s)`.
fn passed_suite(line: &str) -> Option<usize> {
    let (before, _) = line.split_once(" passed, ")?;
    before.split_once(": ")?.1.parse().ok()
}

/// Python with virtual environments, and curl; Debian's packages where it is missing.
fn python() -> Result<()> {
    let probe = [
        "-c",
        "import ensurepip, shutil, sqlite3, venv; assert shutil.which('curl')",
    ];
    let is_there = || {
        shell::logged("python", shell::command("python3", &probe)).is_ok_and(|(is_well, _)| is_well)
    };
    if is_there() {
        return Ok(());
    }
    println!("[e2e] installing python3 and curl with apt-get");
    let (_, said) = shell::installed("curl python3 python3-venv")?;
    if !is_there() {
        bail!(
            "python3 with venv, or curl, is missing; on Debian: apt-get install curl python3-venv\n{said}"
        );
    }
    Ok(())
}

/// PostgreSQL's programs, which tests start servers of their own by.
fn postgres(group: &str) -> Result<()> {
    const PROGRAMS: &str = "/usr/lib/postgresql";
    let is_there = || {
        let versions = std::fs::read_dir(PROGRAMS).into_iter().flatten().flatten();
        let mut programs = versions.map(|version| version.path().join("bin/initdb"));
        programs.any(|program| program.exists())
    };
    if is_there() {
        return Ok(());
    }
    println!("[{group}] installing postgresql with apt-get");
    let (_, said) = shell::installed("postgresql")?;
    if !is_there() {
        bail!("PostgreSQL is missing; on Debian: apt-get install postgresql\n{said}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passed_tests_are_counted_from_cargos_lines() {
        let line = "test result: ok. 7 passed; 0 failed; 0 ignored; 0 measured";
        assert_eq!(passed(line), Some(7));
        assert_eq!(passed("running 7 tests"), None);
        assert_eq!(
            passed_suite("lossless: 10 passed, 0 failed (0.5 s)"),
            Some(10)
        );
        assert_eq!(passed_suite("FAILED lossless: a_case"), None);
    }

    #[test]
    fn an_unknown_group_is_an_error() {
        assert!(run(&["nothing"]).is_err());
    }
}
