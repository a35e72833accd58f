//! Words that no source may hold, and the one it must begin with.

use anyhow::Result;

use crate::shell;

/// Split, so that this file does not complain about itself.
const FORBIDDEN: [(&str, &str, &str); 4] = [
    ("todo", "!(", "write it, or leave the feature out"),
    ("unimplemented", "!(", "write it, or leave the feature out"),
    ("#[ig", "nore", "make the test run everywhere, or delete it"),
    ("allow(dead", "_code)", "delete what nobody calls"),
];

/// Every forbidden word and every file that does not say what it is for.
pub(crate) fn check() -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for path in shell::sources()? {
        let path_shown = path.display().to_string();
        complaints.extend(complaints_of(&path_shown, &shell::text(&path)?));
    }
    Ok(complaints)
}

fn complaints_of(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if !text.starts_with("//!") {
        complaints.push(format!(
            "{path}:1: no `//!` line; say first what the file is for"
        ));
    }
    for (index, line) in text.lines().enumerate() {
        for (head, tail, cure) in FORBIDDEN {
            let word = format!("{head}{tail}");
            if line.contains(&word) {
                complaints.push(format!("{path}:{}: `{word}`; {cure}", index + 1));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_word_is_named_with_its_line() {
        let text = format!("//! A room.\nfn f() {{ {}{}) }}\n", "todo", "!(");
        let complaints = complaints_of("a.rs", &text);
        assert_eq!(complaints.len(), 1);
        assert!(complaints[0].starts_with("a.rs:2: "), "{complaints:?}");
    }

    #[test]
    fn a_file_that_does_not_say_what_it_is_for_is_named() {
        assert_eq!(complaints_of("a.rs", "fn f() {}\n").len(), 1);
        assert!(complaints_of("a.rs", "//! A room.\n").is_empty());
    }
}
