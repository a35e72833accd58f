//! Lines of a `.env` file.

/// The text with these variables: a line that sets one is replaced, others
/// follow at the end.
pub(super) fn merged(old: &str, variables: &[(&'static str, String)]) -> String {
    let mut lines: Vec<String> = old.lines().map(str::to_owned).collect();
    for (name, value) in variables {
        let line = format!("{name}={}", quoted(value));
        let mut at = lines.iter().position(|line| set(line) == Some(name));
        match at {
            Some(at) => lines[at] = line,
            None => {
                at = Some(lines.len());
                lines.push(line);
            }
        }
        // The last of two lines would win.
        let mut index = 0;
        lines.retain(|line| {
            index += 1;
            Some(index - 1) == at || set(line) != Some(name)
        });
    }
    lines.join("\n") + "\n"
}

/// The variable that a line sets.
fn set(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line);
    line.split_once('=').map(|(name, _)| name.trim())
}

fn quoted(value: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"_./:@-".contains(&b);
    match value.bytes().all(is_plain) {
        true => value.to_owned(),
        false if value.contains('\'') => format!("\"{value}\""),
        false => format!("'{value}'"),
    }
}
