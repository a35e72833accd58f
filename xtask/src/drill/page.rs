//! `docs/drills.md`: a table a kind of drill, a dated row a run.

use anyhow::{Context as _, Result};

use crate::shell;

const PAGE: &str = "docs/drills.md";

/// Adds rows, each with date and commit, to the table under a heading.
pub(super) fn add(heading: &str, rows: &[String]) -> Result<()> {
    let date = one_line("date", &["+%F"])?;
    let commit = one_line("git", &["rev-parse", "--short", "HEAD"])?;
    let dated = |row: &String| format!("| {date} | {commit} {row}");
    let path = shell::root().join(PAGE);
    let text = std::fs::read_to_string(&path).context(PAGE)?;
    let rows: Vec<String> = rows.iter().map(dated).collect();
    let text = with(&text, heading, &rows).with_context(|| format!("no table `{heading}`"))?;
    std::fs::write(&path, text).context(PAGE)
}

/// The page with these rows at the end of the table under `heading`.
fn with(text: &str, heading: &str, rows: &[String]) -> Option<String> {
    let mut lines: Vec<&str> = text.lines().collect();
    let head = lines.iter().position(|line| *line == heading)?;
    let table = lines[head..]
        .iter()
        .position(|line| line.starts_with('|'))?;
    let length = lines[head + table..]
        .iter()
        .take_while(|line| line.starts_with('|'))
        .count();
    let end = head + table + length;
    lines.splice(end..end, rows.iter().map(String::as_str));
    Some(lines.join("\n") + "\n")
}

fn one_line(program: &str, arguments: &[&str]) -> Result<String> {
    let (_, said) = shell::logged(program, shell::command(program, arguments))?;
    Ok(said.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_goes_to_the_end_of_its_own_table() {
        let page = "# A\n\n## B\n\n| b |\n|---|\n\n## C\n\n| c |\n|---|\n";
        let rows = ["| 1 |".to_owned()];
        assert_eq!(
            with(page, "## B", &rows).as_deref(),
            Some("# A\n\n## B\n\n| b |\n|---|\n| 1 |\n\n## C\n\n| c |\n|---|\n")
        );
        assert_eq!(with(page, "## C", &rows), Some(page.to_owned() + "| 1 |\n"));
        assert_eq!(with(page, "## D", &rows), None);
    }
}
