//! What a column of theirs says, in our words.

use domain::time::{Moment, UnixMicros};
use serde_json::{Value, json};

pub(super) fn origin(word: &str, id: &str) -> String {
    format!("litellm/{word}/{id}")
}

pub(super) fn text<'a>(row: &'a Value, column: &str) -> Option<&'a str> {
    row.get(column)?.as_str().filter(|it| !it.is_empty())
}

/// Their models: an empty list is all of them, and some words mean that too.
pub(super) fn models(row: &Value) -> Option<Value> {
    let models = row.get("models")?.as_array()?;
    let names: Vec<&str> = models.iter().filter_map(Value::as_str).collect();
    if names.contains(&"no-default-models") {
        return Some(json!([]));
    }
    let is_all = |name: &&str| matches!(*name, "all-proxy-models" | "all-team-models" | "*");
    match names.is_empty() || names.iter().any(is_all) {
        true => None,
        false => Some(json!(names)),
    }
}

/// A name that may stand in a path.
pub(super) fn plain(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    let letters = name
        .trim()
        .chars()
        .map(|c| if is_plain(c) { c } else { '-' });
    // A hundred bytes is the most; a number may come behind it.
    let mut out = String::new();
    for letter in letters {
        if out.len() + letter.len_utf8() > 90 {
            break;
        }
        out.push(letter);
    }
    let out = out.trim().to_owned();
    if out.is_empty() {
        "unnamed".to_owned()
    } else {
        out
    }
}

/// To the nano-dollar, as amounts are written.
pub(super) fn dollars(amount: f64) -> String {
    let text = format!("{:.9}", amount.max(0.0));
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub(super) fn moment(row: &Value, column: &str) -> Option<UnixMicros> {
    text(row, column).and_then(point)
}

/// A point of theirs: what has no zone is of UTC.
pub(super) fn point(text: &str) -> Option<UnixMicros> {
    let has_zone = text.ends_with('Z') || text.rfind(['+', '-']).is_some_and(|at| at > 10);
    let text = if has_zone {
        text.to_owned()
    } else {
        format!("{text}Z")
    };
    text.parse::<Moment>().ok().map(|it| it.0)
}

pub(super) fn hash(token: &str) -> Option<[u8; 32]> {
    let token = token.as_bytes();
    if token.len() != 64 {
        return None;
    }
    let digit = |at: usize| {
        char::from(token[at])
            .to_digit(16)
            .and_then(|it| u8::try_from(it).ok())
    };
    let mut out = [0; 32];
    for (at, byte) in out.iter_mut().enumerate() {
        *byte = digit(2 * at)? << 4 | digit(2 * at + 1)?;
    }
    Some(out)
}

/// Weeks and months, in days.
pub(super) fn days(length: &str) -> Option<String> {
    let (count, days) = match (length.strip_suffix("mo"), length.strip_suffix('w')) {
        (Some(count), _) => (count, 30),
        (_, Some(count)) => (count, 7),
        _ => return None,
    };
    let count: u64 = count.parse().ok()?;
    Some(format!("{}d", count.checked_mul(days)?))
}
