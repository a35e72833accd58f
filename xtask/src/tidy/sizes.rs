//! No file of ours is longer than a reader's patience. The size of functions
//! is clippy's affair.

use anyhow::Result;

use crate::shell;

/// Lines that a file may have.
const MOST: usize = 400;
const PLACES: [(&str, &str); 5] = [
    ("crates", ".rs"),
    ("xtask", ".rs"),
    ("e2e", ".py"),
    ("e2e", ".js"),
    ("e2e", ".mjs"),
];

/// Files that are too long.
pub(crate) fn check() -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for (folder, end) in PLACES {
        for path in shell::files(folder, end)? {
            if path.components().any(|part| part.as_os_str() == "fixtures") {
                continue;
            }
            let lines = shell::text(&path)?.lines().count();
            if lines > MOST {
                let path = path.display();
                complaints.push(format!(
                    "{path}:{MOST}: {lines} lines, {MOST} are allowed; split the file by what its parts do"
                ));
            }
        }
    }
    Ok(complaints)
}
