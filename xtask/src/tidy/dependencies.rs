//! No crate asks for what its sources do not name, and every version is
//! pinned.

use anyhow::Result;

use super::metadata::{Dependency, Member, Metadata};
use crate::shell;

/// Unused dependencies, and versions that are not exact.
pub(crate) fn check(metadata: &Metadata) -> Result<Vec<String>> {
    let mut complaints = unpinned(&shell::text("Cargo.toml".as_ref())?);
    for member in &metadata.members {
        complaints.extend(unused(member)?);
    }
    Ok(complaints)
}

fn unused(member: &Member) -> Result<Vec<String>> {
    let mut text = String::new();
    for path in shell::files(&member.folder, ".rs")? {
        text.push_str(&shell::text(&path)?);
    }
    let folder = &member.folder;
    Ok(member
        .dependencies
        .iter()
        .filter(|dependency| !is_named(dependency, &text))
        .map(|dependency| {
            let package = &dependency.package;
            format!("{folder}/Cargo.toml:1: `{package}` is named in no source; remove it")
        })
        .collect())
}

fn is_named(dependency: &Dependency, text: &str) -> bool {
    let name = &dependency.library;
    let path = format!("{name}::");
    let starts_a_word = |at: usize| {
        let before = text[..at].chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    };
    text.match_indices(&path).any(|(at, _)| starts_a_word(at))
        || text.contains(&format!("use {name};"))
        || text.contains(&format!("use {name} as "))
}

/// Lines of the workspace's table of dependencies whose version has no `=`.
fn unpinned(manifest: &str) -> Vec<String> {
    let mut is_table = false;
    let mut complaints = Vec::new();
    for (index, line) in manifest.lines().enumerate() {
        if line.starts_with('[') {
            is_table = line == "[workspace.dependencies]";
        } else if is_table && !line.starts_with('#') && line.contains('=') {
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            let is_exact = value.contains("\"=") || value.contains("path = ");
            if !is_exact {
                let (name, line) = (name.trim(), index + 1);
                complaints.push(format!(
                    "Cargo.toml:{line}: `{name}` is not pinned; write `\"=x.y.z\"`"
                ));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loose_version_is_named() {
        let manifest =
            "[workspace.dependencies]\na = \"=1.0.0\"\nb = \"1.0\"\nc = { path = \"c\" }\n";
        let complaints = unpinned(manifest);
        assert_eq!(complaints.len(), 1);
        assert!(complaints[0].starts_with("Cargo.toml:3: `b`"));
    }

    #[test]
    fn a_name_inside_a_longer_one_does_not_count() {
        let dependency = |library: &str| Dependency {
            package: library.to_owned(),
            library: library.to_owned(),
            is_dev: false,
        };
        assert!(is_named(&dependency("http"), "use http::Method;"));
        assert!(!is_named(&dependency("http"), "use my_http::Method;"));
    }
}
