//! The two commands that the README promises. That they and the rest of the
//! page work is shown by `e2e/suites/readme.py`.

use anyhow::Result;

use crate::shell;

/// The command that runs the gateway.
pub(crate) const RUN: &str = "cargo run --release";
/// The command that runs every test.
pub(crate) const TEST: &str = "cargo xtask test";

/// What the README and CI must say, and do not.
pub(crate) fn missing() -> Result<Vec<String>> {
    let Ok(page) = shell::text("README.md".as_ref()) else {
        return Ok(vec![
            "README.md:1: there is none; write one with its commands".to_owned(),
        ]);
    };
    let commands = commands(&page);
    let mut missing: Vec<String> = [RUN, TEST]
        .iter()
        .filter(|wanted| !commands.iter().any(|command| command == *wanted))
        .map(|wanted| format!("README.md:1: no `sh` block with `{wanted}`; add one"))
        .collect();
    let ci = shell::text(".ci/run".as_ref())?;
    if !ci.lines().any(|line| line.trim() == TEST) {
        missing.push(format!(".ci/run:1: does not call `{TEST}`; add the call"));
    }
    Ok(missing)
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
