//! Which licences a dependency may have. `deny.toml` says the same to
//! cargo-deny.

use anyhow::Result;

use super::metadata::Metadata;
use crate::shell;

/// Licences that the product may be linked with.
const ALLOWED: [&str; 12] = [
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "MIT",
    "MIT-0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Unicode-3.0",
    "Zlib",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "0BSD",
];

/// Packages whose licence is not allowed, and licences that `deny.toml` does
/// not allow alike.
pub(crate) fn check(metadata: &Metadata) -> Result<Vec<String>> {
    let mut complaints: Vec<String> = metadata
        .licences
        .iter()
        .filter(|(_, licence)| !is_allowed(licence))
        .map(|(name, licence)| {
            format!("Cargo.lock:1: `{name}` has the licence `{licence}`; take another crate")
        })
        .collect();
    let deny = shell::text("deny.toml".as_ref())?;
    complaints.extend(
        ALLOWED
            .iter()
            .filter(|licence| !deny.contains(&format!("\"{licence}\"")))
            .map(|licence| format!("deny.toml:1: `{licence}` is missing; add it to `allow`")),
    );
    Ok(complaints)
}

/// Whether one way of reading the expression asks only for what is allowed.
/// `OR` binds less than `AND`; parentheses are followed.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.trim();
    let alternatives = split(expression, " OR ");
    if alternatives.len() > 1 {
        return alternatives.iter().any(|part| is_allowed(part));
    }
    let demands = split(expression, " AND ");
    if demands.len() > 1 {
        return demands.iter().all(|part| is_allowed(part));
    }
    if let Some(inner) = expression
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
    {
        return is_allowed(inner);
    }
    // The slash of old manifests means "or".
    expression
        .split('/')
        .any(|one| ALLOWED.contains(&one.trim()))
}

/// Cuts at `word` where no parenthesis is open.
fn split<'a>(expression: &'a str, word: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let mut depth = 0_i32;
    let mut from = 0;
    for (at, letter) in expression.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ' ' if depth == 0 && at >= from && expression[at..].starts_with(word) => {
                parts.push(&expression[from..at]);
                from = at + word.len();
            }
            _ => {}
        }
    }
    parts.push(&expression[from..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_allowed_alternative_is_enough() {
        assert!(is_allowed("MIT OR GPL-3.0"));
        assert!(is_allowed("MIT/Apache-2.0"));
        assert!(is_allowed("(MIT OR Apache-2.0) AND Unicode-3.0"));
    }

    #[test]
    fn every_demand_must_be_allowed() {
        assert!(!is_allowed("MIT AND GPL-3.0"));
        assert!(!is_allowed("(MIT OR ISC) AND (GPL-3.0 OR AGPL-3.0)"));
        assert!(!is_allowed(""));
    }
}
