//! Texts that a body says in another form: files in it, and escapes within the
//! JSON of a tool's arguments. Guards read them beside the plain ones.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use dialects::json::{Document, Kind, Node, levels};

/// What stands in front of a file's bytes.
const MARK: &[u8] = b"data:";
/// What is in the body where a file is: its name may be written in escapes.
const SIGNS: [&[u8]; 2] = [b"data", b"\\u00"];
/// The members that say what a file's bytes are.
const TYPES: [&str; 3] = ["media_type", "mimeType", "mime_type"];
/// Media types that are text, beside `text/…`.
const TEXTS: [&str; 6] = ["json", "xml", "yaml", "csv", "javascript", "markdown"];

/// The texts of `document` that none of its `texts` shows.
pub(crate) fn hidden(document: &Document, texts: &[&str]) -> Vec<String> {
    let mut out: Vec<String> = texts
        .iter()
        .filter(|text| text.contains('\\'))
        .flat_map(|text| levels(text))
        .collect();
    let bytes = document.bytes();
    let mut windows = bytes.windows(SIGNS[0].len());
    if windows.any(|at| SIGNS.iter().any(|sign| at.eq_ignore_ascii_case(sign))) {
        files(document.root(), &mut out);
    }
    out
}

/// Every file that is text, decoded.
fn files(root: Node<'_>, out: &mut Vec<String>) {
    // An explicit stack: the depth is the sender's choice.
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        match node.kind() {
            Kind::Array => open.extend(node.items()),
            Kind::Object => {
                out.extend(blob(node));
                open.extend(node.entries().map(|(_, _, value)| value));
            }
            Kind::String => out.extend(node.str().and_then(|text| file(&text))),
            Kind::Null | Kind::Bool | Kind::Number => {}
        }
    }
}

/// The text of an object that has a file's type and its bytes, if it is text.
fn blob(object: Node<'_>) -> Option<String> {
    let kind = TYPES.iter().find_map(|key| object.get(key))?.str()?;
    let data = object.get("data")?.str()?;
    is_text(&kind).then(|| decoded(&data)).flatten()
}

/// The text of a `data:` URL (RFC 2397), if it is text.
fn file(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_at_checked(MARK.len())?;
    if !scheme.as_bytes().eq_ignore_ascii_case(MARK) {
        return None;
    }
    let (kind, data) = rest.split_once(',')?;
    let (kind, is_base64) = match kind.strip_suffix(";base64") {
        Some(kind) => (kind, true),
        None => (kind, false),
    };
    if !is_text(kind) {
        return None;
    }
    match is_base64 {
        true => decoded(data),
        false => Some(data.to_owned()),
    }
}

/// Whether files of this media type are text; those of none are.
fn is_text(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    kind.is_empty() || kind.starts_with("text/") || TEXTS.iter().any(|text| kind.ends_with(text))
}

/// What base64 of either alphabet stands for, as text.
fn decoded(data: &str) -> Option<String> {
    let usual = data
        .trim_end_matches('=')
        .replace('-', "+")
        .replace('_', "/");
    let bytes = STANDARD_NO_PAD.decode(usual).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(body: &'static str, texts: &[&str]) -> Vec<String> {
        let document = Document::parse(body.as_bytes().into(), 64).expect("JSON");
        hidden(&document, texts)
    }

    #[test]
    fn a_file_of_text_is_read_wherever_it_stands() {
        let body = r#"{"a":[{"file_data":"data:text/plain;base64,cHJvamVjdC14"},
            {"url":"DATA:application/json;charset=utf-8;base64,e30="},
            {"url":"data:image/png;base64,cHJvamVjdC14"},"data:,plain"]}"#;
        let mut all = found(body, &[]);
        all.sort();
        assert_eq!(all, ["plain", "project-x", "{}"]);
    }

    #[test]
    fn a_file_of_text_is_read_in_the_shapes_of_other_dialects_too() {
        let body = r#"{"a":{"type":"base64","media_type":"text/plain","d\u0061ta":"cHJvamVjdC14"},
            "b":{"mimeType":"application/json","data":"e30"},
            "c":{"mime_type":"text/csv","data":"_-8="},
            "d":{"mimeType":"image/png","data":"cHJvamVjdC14"}}"#;
        let mut all = found(body, &[]);
        all.sort();
        assert_eq!(all, ["project-x", "{}", "\u{fffd}\u{fffd}"]);
    }

    #[test]
    fn escapes_within_arguments_are_read_as_what_they_stand_for() {
        let all = found("{}", &[r#"{"a":"\u0070roject-x"}"#, "plain"]);
        assert_eq!(all, [r#"{"a":"project-x"}"#]);
        let all = found("{}", &[r#"{"a":"{\"b\":\"\\u0070roject-x\"}"}"#]);
        assert_eq!(all[1], r#"{"a":"{"b":"project-x"}"}"#);
    }
}
