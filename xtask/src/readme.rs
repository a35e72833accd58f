//! The commands that the README promises: two that must stand there, and the
//! marked blocks that must work.

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

/// A block that must work as it stands.
pub(crate) struct Block {
    /// The line where it begins.
    pub(crate) line: usize,
    /// Its commands.
    pub(crate) text: String,
}

/// The blocks below a `<!-- run -->`.
pub(crate) fn blocks() -> Result<Vec<Block>> {
    Ok(marked(&shell::text("README.md".as_ref())?))
}

fn marked(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut is_marked = false;
    let mut open: Option<Block> = None;
    for (index, line) in markdown.lines().enumerate() {
        let is_fence = line.starts_with("```");
        match open.take() {
            Some(block) if is_fence => blocks.push(block),
            Some(mut block) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
            None if is_fence && is_marked => {
                is_marked = false;
                open = Some(Block {
                    line: index + 1,
                    text: String::new(),
                });
            }
            None => is_marked = line.trim() == "<!-- run -->" || is_marked && line.is_empty(),
        }
    }
    blocks
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
    fn only_marked_blocks_are_run() {
        let page = "```sh\na\n```\n<!-- run -->\n```sh\nb\nc\n```\n```sh\nd\n```\n";
        let blocks = marked(page);
        assert_eq!(blocks.len(), 1);
        assert_eq!((blocks[0].line, blocks[0].text.as_str()), (5, "b\nc\n"));
    }

    #[test]
    fn commands_are_the_lines_of_sh_blocks() {
        let page = "```sh\na b\n\nc\n```\n```python\nd\n```\ne\n```sh\nf\n```\n";
        assert_eq!(commands(page), ["a b", "c", "f"]);
    }
}
