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

/// Formats, lints and checks: whether all is well.
pub(crate) fn run() -> Result<bool> {
    let mut is_well = true;
    for (name, arguments) in TOOLS {
        let (is_ok, said) = shell::logged(name, shell::command("cargo", arguments))?;
        if !is_ok {
            print!("{said}");
        }
        println!("{name}: {}", if is_ok { "ok" } else { "FAILED" });
        is_well &= is_ok;
    }
    let complaints = complaints()?;
    for complaint in &complaints {
        println!("{complaint}");
    }
    println!("rules: {}", if complaints.is_empty() { "ok" } else { "FAILED" });
    Ok(is_well && complaints.is_empty())
}

/// The tools that check before the project's own rules do.
pub(crate) const TOOLS: [(&str, &[&str]); 2] = [
    ("fmt", &["fmt", "--all", "--check"]),
    (
        "clippy",
        &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"],
    ),
];

/// Everything that the project's own rules complain about.
pub(crate) fn complaints() -> Result<Vec<String>> {
    let metadata = metadata::load()?;
    let mut all = sizes::check()?;
    all.extend(words::check()?);
    all.extend(edges::check(&metadata));
    all.extend(licences::check(&metadata)?);
    all.extend(dependencies::check(&metadata)?);
    all.extend(reference::stale()?);
    all.extend(readme::missing()?);
    Ok(all)
}
