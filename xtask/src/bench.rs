//! The benchmark: builds what it drives, and starts it.

use anyhow::{Result, bail};

use crate::shell;

const FEATURE: [&str; 4] = [
    "--features",
    "ungoverned",
    "--target-dir",
    "target/ungoverned",
];

/// Runs it with these words: whether all is well.
pub(crate) fn run(words: &[&str]) -> Result<bool> {
    nginx()?;
    println!("[bench] building …");
    // Apart: together they would share features, and the gateway be another.
    let is_given = words.iter().any(|word| word.starts_with("--binary"));
    let gateway = (!is_given).then_some("portcullis");
    for package in gateway.into_iter().chain(["portcullis-bench"]) {
        let (is_built, said) = build("bench-build", &["--package", package])?;
        if !is_built {
            bail!("the release build fails:\n{said}");
        }
    }
    if wants_ungoverned(words) {
        println!("[bench] building without governance …");
        let mut arguments = vec!["--package", "portcullis"];
        arguments.extend(FEATURE);
        let (is_built, _) = build("bench-ungoverned", &arguments)?;
        if !is_built {
            // An old one would be another gateway than the one beside it.
            let old = shell::root().join("target/ungoverned/release/portcullis");
            let _ = std::fs::remove_file(old);
            println!("[bench] there is none; see target/xtask/bench-ungoverned.log");
        }
    }
    let program = shell::root().join("target/release/portcullis-bench");
    let status = shell::command(&program.display().to_string(), words).status()?;
    Ok(status.success())
}

fn build(name: &str, more: &[&str]) -> Result<(bool, String)> {
    let mut arguments = vec!["build", "--release"];
    arguments.extend(more);
    shell::logged(name, shell::command("cargo", &arguments))
}

/// Only one figure needs a second build, which takes minutes.
fn wants_ungoverned(words: &[&str]) -> bool {
    let only = words.iter().enumerate().find_map(|(at, word)| {
        let behind = word.strip_prefix("--only")?;
        behind
            .strip_prefix('=')
            .or_else(|| words.get(at + 1).copied())
    });
    let is_asking = words.iter().any(|word| ["--help", "-h"].contains(word));
    !is_asking && only.is_none_or(|names| names.split(',').any(|name| name == "governed"))
}

/// nginx; Debian's package where it is missing.
fn nginx() -> Result<()> {
    let is_there = || {
        let probe = shell::command("nginx", &["-v"]);
        shell::logged("nginx", probe).is_ok_and(|(is_well, _)| is_well)
    };
    if is_there() {
        return Ok(());
    }
    println!("[bench] installing nginx with apt-get");
    let (_, said) = shell::installed("nginx-light")?;
    if !is_there() {
        bail!("nginx is missing; on Debian: apt-get install nginx-light\n{said}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_build_is_made_only_for_its_figure() {
        assert!(wants_ungoverned(&[]));
        assert!(wants_ungoverned(&["--quick"]));
        assert!(wants_ungoverned(&["--only", "cpu,governed"]));
        assert!(wants_ungoverned(&["--only=governed"]));
        assert!(!wants_ungoverned(&["--only", "cpu"]));
        assert!(!wants_ungoverned(&["--only=cpu", "--check"]));
        assert!(!wants_ungoverned(&["--help"]));
    }
}
