//! The benchmark: builds what it drives, and starts it.

use anyhow::{Result, bail};

use crate::{dist, shell};

/// Builds for one figure each, by their feature: the figure has the name that
/// stands beside it.
const FEATURES: [(&str, &str); 2] = [("ungoverned", "governed"), ("unjournaled", "journal")];

/// Runs it with these words: whether all is well.
pub(crate) fn run(words: &[&str]) -> Result<bool> {
    nginx()?;
    let is_dist = words.contains(&"--dist");
    println!("[bench] building …");
    if is_dist {
        dist::train()?;
    }
    for (feature, figure) in FEATURES {
        match wants(words, figure) {
            true if is_dist => drop(dist::build(&[feature], feature)?),
            true => without(feature)?,
            false => {}
        }
    }
    let is_given = words.iter().any(|word| word.starts_with("--binary"));
    if is_dist && !is_given {
        dist::build(&[], "portcullis")?;
    }
    // Last, so that it is the one in target/release. Apart: together they
    // would share features, and the gateway be another.
    let gateway = (!is_given && !is_dist).then_some("portcullis");
    for package in gateway.into_iter().chain(["portcullis-bench"]) {
        let (is_built, said) = build("bench-build", &["--package", package])?;
        if !is_built {
            bail!("the release build fails:\n{said}");
        }
    }
    let program = shell::root().join("target/release/portcullis-bench");
    let status = shell::command(&program.display().to_string(), words).status()?;
    Ok(status.success())
}

/// Builds a gateway that lacks something, and puts it into `target/bench`.
fn without(feature: &str) -> Result<()> {
    println!("[bench] building {feature} …");
    let folder = shell::root().join("target/bench");
    std::fs::create_dir_all(&folder)?;
    // An old one would be another gateway than the one beside it.
    let _ = std::fs::remove_file(folder.join(feature));
    let arguments = ["--package", "portcullis", "--features", feature];
    let (is_built, said) = build("bench-build", &arguments)?;
    if !is_built {
        bail!("the {feature} build fails:\n{said}");
    }
    let built = shell::root().join("target/release/portcullis");
    std::fs::copy(built, folder.join(feature))?;
    Ok(())
}

fn build(name: &str, more: &[&str]) -> Result<(bool, String)> {
    let mut arguments = vec!["build", "--release"];
    arguments.extend(more);
    shell::logged(name, shell::command("cargo", &arguments))
}

/// Whether a figure is asked for: some need a build of their own, which takes
/// a minute.
fn wants(words: &[&str], figure: &str) -> bool {
    let only = words.iter().enumerate().find_map(|(at, word)| {
        let behind = word.strip_prefix("--only")?;
        behind
            .strip_prefix('=')
            .or_else(|| words.get(at + 1).copied())
    });
    let is_asking = words.iter().any(|word| ["--help", "-h"].contains(word));
    !is_asking && only.is_none_or(|names| names.split(',').any(|name| name == figure))
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
    fn a_build_is_made_only_for_its_figure() {
        assert!(wants(&[], "governed"));
        assert!(wants(&["--quick"], "journal"));
        assert!(wants(&["--only", "cpu,governed"], "governed"));
        assert!(wants(&["--only=governed"], "governed"));
        assert!(!wants(&["--only=governed"], "journal"));
        assert!(!wants(&["--only", "cpu"], "governed"));
        assert!(!wants(&["--only=cpu", "--check"], "governed"));
        assert!(!wants(&["--help"], "governed"));
    }
}
