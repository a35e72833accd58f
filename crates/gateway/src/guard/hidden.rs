//! Texts that a body says in another form: files in it, and escapes within the
//! JSON of a tool's arguments. Guards read them beside the plain ones.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use dialects::json::{Document, Kind, Node, levels};

/// As generous as whoever reads a file for a target: what it reads, guards read.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);
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

/// The text of an object that has a file's type and its bytes, if one of the types that
/// it says is text; of a file that is named alone, if it reads as text.
fn blob(object: Node<'_>) -> Option<String> {
    if let Some(data) = object.get("file_data").and_then(Node::str)
        && !is_url(&data)
    {
        return bytes(&data).and_then(|bytes| String::from_utf8(bytes).ok());
    }
    let data = object.get("data")?.str()?;
    let mut kinds = TYPES.iter().filter_map(|key| object.get(key)?.str());
    let is_one = kinds.any(|kind| is_text(&kind));
    is_one.then(|| decoded(&data)).flatten()
}

/// Whether a text is a `data:` URL.
fn is_url(text: &str) -> bool {
    let start = text.as_bytes().get(..MARK.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(MARK))
}

/// The text of a `data:` URL (RFC 2397), if it is text.
fn file(url: &str) -> Option<String> {
    if !is_url(url) {
        return None;
    }
    let (kind, data) = url[MARK.len()..].split_once(',')?;
    let is_base64 = kind
        .rsplit(';')
        .next()
        .is_some_and(|last| last.trim().eq_ignore_ascii_case("base64"));
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
    bytes(data).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn bytes(data: &str) -> Option<Vec<u8>> {
    let signs = data.bytes().filter(|byte| !byte.is_ascii_whitespace());
    let usual: Vec<u8> = signs
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        })
        .collect();
    BASE64.decode(usual).ok()
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
    fn a_file_is_read_as_generously_as_it_is_for_a_target() {
        let body = r#"{"a":{"filename":"a.txt","file_data":"cHJvamVjdC14"},
            "b":{"media_type":"text/plain","data":"cHJv\namVjdC14"},
            "c":{"media_type":"image/png","mimeType":"text/plain","data":"cHJvamVjdC14"},
            "d":"data:text/plain; BASE64,cHJvamVjdC14",
            "e":{"media_type":"text/plain","data":"c2VjcmV0LTQyMR=="},
            "f":{"filename":"a.pdf","file_data":"/9j/4AAQ"}}"#;
        let mut all = found(body, &[]);
        all.sort();
        let x = "project-x";
        assert_eq!(all, [x, x, x, x, "secret-421"]);
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
