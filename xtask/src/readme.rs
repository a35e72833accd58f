//! The commands that the README promises. The test command itself is left
//! out: it would run itself.

use anyhow::Result;

use crate::shell;

/// The command that runs the gateway.
pub(crate) const RUN: &str = "cargo run --release";
/// The command that runs every test.
pub(crate) const TEST: &str = "cargo xtask test";

/// What the README and CI must say, and do not.
pub(crate) fn missing() -> Result<Vec<String>> {
    let commands = commands(&shell::text("README.md".as_ref())?);
    let mut missing: Vec<String> = [RUN, TEST]
        .iter()
        .filter(|wanted| !commands.iter().any(|command| command == *wanted))
        .map(|wanted| format!("README.md: no `sh` block with `{wanted}`"))
        .collect();
    let ci = shell::text(".ci/run".as_ref())?;
    if !ci.lines().any(|line| line.trim() == TEST) {
        missing.push(format!(".ci/run does not call `{TEST}`"));
    }
    Ok(missing)
}

/// The README's commands of the binary, as arguments: `cargo run --release --
/// <arguments> --help`-able first words. A README that names a command which
/// the binary does not have fails its test.
pub(crate) fn subcommands() -> Result<Vec<String>> {
    let readme = shell::text("README.md".as_ref())?;
    let mut names: Vec<String> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `portcullis "))
        .filter_map(|rest| rest.split(['`', ' ']).next())
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// Every line of every `sh` block.
fn commands(markdown: &str) -> Vec<String> {
    let mut is_open = false;
    let mut commands = Vec::new();
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            is_open = !is_open && line.trim() == "```sh";
        } else if is_open && !line.trim().is_empty() {
            commands.push(line.trim().to_owned());
        }
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_the_lines_of_sh_blocks() {
        let page = "```sh\na b\n\nc\n```\n```python\nd\n```\ne\n```sh\nf\n```\n";
        assert_eq!(commands(page), ["a b", "c", "f"]);
    }
}
