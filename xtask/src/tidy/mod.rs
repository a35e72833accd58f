//! What rustfmt and clippy cannot check, a file a check. Each check returns
//! its complaints, one line each.

mod dependencies;
pub(crate) mod edges;
mod licences;
mod metadata;
mod sizes;
mod words;

use anyhow::Result;

use crate::{readme, reference, shell};

/// Formats, checks the rules and lints, the slowest last: whether all is well.
pub(crate) fn run() -> Result<bool> {
    let mut is_well = tool("fmt", &["fmt", "--all", "--check"])?;
    let metadata = metadata::load()?;
    is_well &= rule("sizes", sizes::check());
    is_well &= rule("words", words::check());
    is_well &= rule("crate edges", Ok(edges::check(&metadata)));
    is_well &= rule("licences", licences::check(&metadata));
    is_well &= rule("dependencies", dependencies::check(&metadata));
    is_well &= rule("reference", reference::stale());
    is_well &= rule("readme", readme::missing());
    is_well &= tool("clippy", CLIPPY)?;
    Ok(is_well)
}

const CLIPPY: &[&str] = &[
    "clippy",
    "--workspace",
    "--all-targets",
    "--quiet",
    "--",
    "-D",
    "warnings",
];

fn tool(name: &str, arguments: &[&str]) -> Result<bool> {
    let (is_ok, said) = shell::logged(name, shell::command("cargo", arguments))?;
    if !is_ok {
        print!("{said}");
    }
    println!("tidy {name}: {}", if is_ok { "ok" } else { "FAILED" });
    Ok(is_ok)
}

/// A check that could not be made counts as a complaint: the others still run.
fn rule(name: &str, complaints: Result<Vec<String>>) -> bool {
    let complaints = complaints.unwrap_or_else(|error| vec![format!("{name}: {error:#}")]);
    for complaint in &complaints {
        println!("{complaint}");
    }
    let is_ok = complaints.is_empty();
    println!("tidy {name}: {}", if is_ok { "ok" } else { "FAILED" });
    is_ok
}
