//! What people and scripts read: results on stdout, the rest on stderr. A
//! reader that went away (`| head`) is no error.

use std::io::Write as _;

/// A line of the result.
pub(crate) fn line(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A result that ends where it ends.
pub(crate) fn raw(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// A line for the person at the terminal.
pub(crate) fn error(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// What went wrong and why, each reason once: some errors tell their cause
/// in their own sentence already.
pub(crate) fn chain(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        let cause = cause.trim_end_matches('.');
        if told.is_empty() {
            told = cause.to_owned();
        } else if !told.contains(cause) {
            told = format!("{told}: {cause}");
        }
    }
    told
}

/// Columns as wide as their widest cell; the last is not padded.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let wide = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .chain([head[column].len()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(wide).collect();
    let head: Vec<String> = head.iter().map(|h| (*h).to_owned()).collect();
    let mut out = String::new();
    for row in std::iter::once(&head).chain(rows) {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_told_once() {
        let inner = std::io::Error::other("the disk is full");
        let outer = anyhow::Error::new(inner).context("cannot write x: the disk is full");
        let error = outer.context("cannot start.");
        assert_eq!(
            chain(&error),
            "cannot start: cannot write x: the disk is full"
        );
    }

    #[test]
    fn columns_line_up() {
        let rows = vec![
            vec!["a".into(), "1".into()],
            vec!["long".into(), "22".into()],
        ];
        assert_eq!(table(&["X", "N"], &rows), "X     N\na     1\nlong  22\n");
    }
}
