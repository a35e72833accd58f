//! Names with an end left open: `gpt-*`.

/// Whether `name` is what `pattern` says; `*` at its end matches any rest.
#[must_use]
pub fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => pattern == name,
    }
}

/// Whether `first/rest` is what `pattern` says, without putting it together.
#[must_use]
pub fn fits_path(pattern: &str, first: &str, rest: &str) -> bool {
    let behind = |text: &'_ str| -> Option<usize> {
        let behind = text.strip_prefix(first)?.strip_prefix('/')?;
        Some(text.len() - behind.len())
    };
    match pattern.strip_suffix('*') {
        Some(start) => match behind(start) {
            Some(at) => rest.starts_with(&start[at..]),
            None => start.len() <= first.len() && first.starts_with(start),
        },
        None => behind(pattern).is_some_and(|at| &pattern[at..] == rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_as_if_it_were_put_together() {
        for first in ["a", "ab", "openai"] {
            for rest in ["b", "gpt-4o", "a/b", ""] {
                let whole = format!("{first}/{rest}");
                let ends = (0..=whole.len()).map(|end| format!("{}*", &whole[..end]));
                let others = [
                    "*",
                    "a",
                    "a/",
                    "ab/b",
                    "b",
                    "openai/gpt-4o",
                    "openai*",
                    "x*",
                ];
                let others = others.into_iter().map(str::to_owned);
                for pattern in ends.chain(others).chain([whole.clone()]) {
                    let wanted = fits(&pattern, &whole);
                    assert_eq!(
                        fits_path(&pattern, first, rest),
                        wanted,
                        "{pattern} {whole}"
                    );
                }
            }
        }
    }
}
