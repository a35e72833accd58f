//! Names with an end left open: `gpt-*`.

/// Whether `name` is what `pattern` says; `*` at its end matches any rest.
#[must_use]
pub fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => pattern == name,
    }
}
