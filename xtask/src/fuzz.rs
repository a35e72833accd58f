//! Fuzzing: every parser under libFuzzer, from the committed seeds. The stable
//! compiler is enough: it can count edges, though not find leaks.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::shell;

/// What counts edges, and what makes a wrong sum a finding.
const FLAGS: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks";
/// Where inputs go that reach something new, and those that fail.
const WORK: &str = "target/fuzz";
/// Seconds a target by hand.
const USUAL: u32 = 300;

/// Fuzzes the named targets, or all: whether nothing was found. A number
/// among the words is the seconds that each gets.
pub(crate) fn run(words: &[&str]) -> Result<bool> {
    let (numbers, names): (Vec<&str>, Vec<&str>) =
        words.iter().partition(|word| word.parse::<u32>().is_ok());
    let seconds = match numbers.as_slice() {
        [] => USUAL,
        [number] => number.parse()?,
        _ => bail!("one number of seconds, please"),
    };
    let all = targets()?;
    for name in &names {
        if !all.iter().any(|target| target == name) {
            bail!("no target `{name}`; there are: {}", all.join(", "));
        }
    }
    let folder = build()?;
    let mut is_well = true;
    for target in all {
        if !names.is_empty() && !names.contains(&target.as_str()) {
            continue;
        }
        let found = fuzz(&folder, &target, seconds)?;
        match found {
            Ok(runs) => println!("[fuzz] {target}: {runs} inputs, nothing found"),
            Err(said) => {
                println!("[fuzz] {target}: FAILED; see {WORK}/failed\n{said}");
                is_well = false;
            }
        }
    }
    Ok(is_well)
}

/// The targets: a file each.
fn targets() -> Result<Vec<String>> {
    let files = shell::files("fuzz/fuzz_targets", ".rs")?;
    let names = files.iter().filter_map(|file| file.file_stem());
    Ok(names
        .map(|name| name.to_string_lossy().into_owned())
        .collect())
}

/// Builds all targets; gives the folder they lie in.
fn build() -> Result<PathBuf> {
    compiler()?;
    let host = host()?;
    let folder = shell::root().join(WORK).join(&host).join("release");
    let target_dir = shell::root().join(WORK);
    // For a named target, so that build scripts count no edges.
    let mut command = shell::command("cargo", &["build", "--release", "--locked"]);
    command
        .args(["--manifest-path", "fuzz/Cargo.toml", "--target", &host])
        .arg("--target-dir")
        .arg(target_dir)
        .env("RUSTFLAGS", FLAGS)
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    let (is_built, said) = shell::logged("fuzz-build", command)?;
    if !is_built {
        bail!("the fuzz targets do not build:\n{said}");
    }
    Ok(folder)
}

fn host() -> Result<String> {
    let (_, said) = shell::logged("rustc", shell::command("rustc", &["-vV"]))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say its host")?.to_owned())
}

/// libFuzzer is C++; Debian's compiler where it is missing.
fn compiler() -> Result<()> {
    let is_there = || {
        let probe = shell::command("c++", &["--version"]);
        shell::logged("c++", probe).is_ok_and(|(is_well, _)| is_well)
    };
    if is_there() {
        return Ok(());
    }
    println!("[fuzz] installing g++ with apt-get");
    let (_, said) = shell::installed("g++")?;
    if !is_there() {
        bail!("a C++ compiler is missing; on Debian: apt-get install g++\n{said}");
    }
    Ok(())
}

/// How many inputs were tried, or what was said of the one that failed.
fn fuzz(folder: &Path, target: &str, seconds: u32) -> Result<Result<u64, String>> {
    let work = shell::root().join(WORK);
    let (grown, failed) = (work.join("corpus").join(target), work.join("failed"));
    std::fs::create_dir_all(&grown)?;
    std::fs::create_dir_all(&failed)?;
    let program = folder.join(target).display().to_string();
    let mut command = shell::command(&program, &["-rss_limit_mb=2048", "-timeout=10"]);
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/{target}-", failed.display()))
        .arg(grown)
        .arg(shell::root().join("fuzz/corpus").join(target));
    let (is_well, said) = shell::logged(&format!("fuzz-{target}"), command)?;
    Ok(match (is_well, runs(&said)) {
        (true, Some(runs)) => Ok(runs),
        _ => Err(said),
    })
}

/// The number in `Done 12345 runs in 5 second(s)`.
fn runs(said: &str) -> Option<u64> {
    let line = said.lines().find_map(|line| line.strip_prefix("Done "))?;
    line.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_inputs_is_read_from_libfuzzers_last_line() {
        let said = "#2\tINITED\nDone 61703 runs in 5 second(s)\n";
        assert_eq!(runs(said), Some(61_703));
        assert_eq!(runs("==1== ERROR: libFuzzer: deadly signal"), None);
    }

    #[test]
    fn every_target_has_seeds_and_every_seed_a_target() {
        let targets = targets().expect("targets");
        let corpus = shell::root().join("fuzz/corpus");
        for target in &targets {
            let seeds = std::fs::read_dir(corpus.join(target)).map_or(0, Iterator::count);
            assert!(seeds >= 10, "{target} has {seeds} seeds");
        }
        let folders = std::fs::read_dir(corpus).expect("a corpus").flatten();
        let names = folders.map(|f| f.file_name().to_string_lossy().into_owned());
        for name in names {
            assert!(targets.contains(&name), "seeds of no target: {name}");
        }
    }
}
