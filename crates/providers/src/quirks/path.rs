//! Paths into a request, as they are written down.

use domain::quirks::Step;

/// A path taken apart: `messages[].name`; `$` is the whole.
pub(super) fn steps(path: &str) -> Result<Vec<Step>, String> {
    let told = || {
        format!(
            "`{path}` is no path; write it like `{}`",
            mended(path).as_deref().unwrap_or("messages[].name")
        )
    };
    taken_apart(path).ok_or_else(told)
}

fn taken_apart(path: &str) -> Option<Vec<Step>> {
    if path == "$" {
        return Some(Vec::new());
    }
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_-:".contains(&byte);
    let mut steps = Vec::new();
    for part in path.split('.') {
        let name = part.trim_end_matches("[]");
        let lists = (part.len() - name.len()) / 2;
        if name.is_empty() || !name.bytes().all(is_letter) {
            return None;
        }
        steps.push(Step::Member(name.to_owned()));
        steps.extend(std::iter::repeat_n(Step::Items, lists));
    }
    Some(steps)
}

/// What somebody meant who writes paths as others do: `$.a`, `a[*]`, `a[0]`,
/// `a/b`.
fn mended(path: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = path.trim().trim_start_matches("$.").trim_start_matches('/');
    while let Some((before, after)) = rest.split_once('[') {
        let (inner, behind) = after.split_once(']').unwrap_or((after, ""));
        out.push_str(before);
        match inner.trim_matches(['"', '\'']) {
            "" | "*" => out.push_str("[]"),
            number if number.bytes().all(|b| b.is_ascii_digit()) => out.push_str("[]"),
            name => {
                out.push('.');
                out.push_str(name);
            }
        }
        rest = behind;
    }
    out.push_str(rest);
    let out = out.replace('/', ".");
    taken_apart(&out).map(|_| out)
}
