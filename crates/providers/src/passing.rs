//! Paths and queries that clients write themselves, joined to a base URL. None
//! leads out of it, whoever reads it and however often it is decoded.

use std::borrow::Cow;

use domain::canon::Dialect;
use domain::model::WireFormat;

/// How often a path is decoded: as often as anybody behind might.
const MOST_ROUNDS: usize = 4;

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It does not begin with a slash.
    #[error("the path does not begin with `/`")]
    Relative,
    /// `.` or `..`, in any spelling.
    #[error("the path holds `.` or `..`")]
    Dots,
    /// Two slashes in a row.
    #[error("the path holds `//`, or the whole of a URL")]
    Empty,
    /// A backslash, which some take for a slash.
    #[error("the path holds a backslash")]
    Backslash,
    /// A `%` that no two digits follow, or one that hides another too deep.
    #[error("the path's percent-encoding is broken")]
    Encoding,
    /// Bytes that no text has: `%c0%ae` is a dot for some servers.
    #[error("the path is no UTF-8 once it is decoded")]
    Text,
    /// What no path holds.
    #[error("the path holds a control character")]
    Control,
}

/// A client's path behind a base URL's. What it repeats of the base path's end
/// is written once: `/v1` and `/v1/files` are `/v1/files`, and so are `/v1` and
/// `/files`. Where a provider has several versions of its API and the base path
/// ends with one, the client's own takes its place.
///
/// # Errors
/// [`PathError`]: it could lead out of the base URL.
pub fn joined(base: &str, format: WireFormat, path: &str) -> Result<String, PathError> {
    check(path)?;
    let starts = base.match_indices('/').map(|(at, _)| &base[at..]);
    let mut repeated = starts.filter_map(|end| behind(path, end));
    if let Some(rest) = repeated.next() {
        return Ok(format!("{base}{rest}"));
    }
    let versions = versions(format).iter();
    let is_other = versions
        .clone()
        .any(|version| behind(path, version).is_some());
    let mut stripped = versions.filter_map(|version| base.strip_suffix(version));
    let base = stripped.next().filter(|_| is_other).unwrap_or(base);
    Ok(format!("{base}{path}"))
}

/// What follows these whole segments of a path.
fn behind<'p>(path: &'p str, segments: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(segments)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

/// The versions that providers of a dialect have beside each other, and their
/// own SDKs choose from.
fn versions(format: WireFormat) -> &'static [&'static str] {
    match format {
        WireFormat::Dialect(Dialect::Gemini) => &[
            "/v1",
            "/v1beta",
            "/v1alpha",
            "/upload/v1",
            "/upload/v1beta",
            "/upload/v1alpha",
            "/download/v1beta",
        ],
        WireFormat::Dialect(Dialect::Cohere) => &["/v1", "/v2"],
        WireFormat::Dialect(_) | WireFormat::Demo => &[],
    }
}

/// Refuses whatever leads elsewhere.
fn check(path: &str) -> Result<(), PathError> {
    let Some(path) = path.strip_prefix('/') else {
        return Err(PathError::Relative);
    };
    let mut ends = path.split('%').skip(1);
    if ends.any(|behind| escaped(behind.as_bytes()).is_none()) {
        return Err(PathError::Encoding);
    }
    let mut text: Cow<'_, [u8]> = path.as_bytes().into();
    for _ in 0..MOST_ROUNDS {
        check_decoded(&text)?;
        match decoded(&text) {
            Some(further) => text = further.into(),
            None => return Ok(()),
        }
    }
    Err(PathError::Encoding)
}

fn check_decoded(path: &[u8]) -> Result<(), PathError> {
    let path = std::str::from_utf8(path).map_err(|_| PathError::Text)?;
    if path.chars().map(plain).any(|letter| letter == '\\') {
        return Err(PathError::Backslash);
    }
    if path.chars().any(char::is_control) {
        return Err(PathError::Control);
    }
    let mut segments = path.split(|letter| plain(letter) == '/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        if segment.is_empty() && !is_last {
            return Err(PathError::Empty);
        }
        // Some servers leave out what stands behind a semicolon, and spaces at
        // a name's end.
        let name = segment.split(';').next().unwrap_or_default().trim();
        let is_dots = name.chars().all(|letter| plain(letter) == '.');
        if is_dots && matches!(name.chars().count(), 1 | 2) {
            return Err(PathError::Dots);
        }
    }
    Ok(())
}

/// What servers that fold letters into ASCII make of this one.
fn plain(letter: char) -> char {
    match letter {
        '\u{2024}' | '\u{ff0e}' => '.',
        '\u{2044}' | '\u{2215}' | '\u{ff0f}' => '/',
        '\u{2216}' | '\u{ff3c}' => '\\',
        other => other,
    }
}

/// The byte that the two digits behind a `%` stand for.
fn escaped(text: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    u8::try_from(digit(0)? << 4 | digit(1)?).ok()
}

/// Undoes percent-encoding once; `None` if there is none to undo. A `%` that
/// stands for itself stays.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, behind)) = rest.split_first() {
        match escaped(behind).filter(|_| *byte == b'%') {
            Some(meant) => {
                out.push(meant);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*byte);
                rest = behind;
            }
        }
    }
    (out.len() < text.len()).then_some(out)
}

/// A client's query without the gateway's key in it.
#[must_use]
pub fn query(query: &str) -> String {
    let is_key = |part: &&str| {
        let name = part.split('=').next().unwrap_or_default().as_bytes();
        let name = decoded(name).unwrap_or_else(|| name.to_vec());
        name.eq_ignore_ascii_case(b"key")
    };
    let rest: Vec<&str> = query.split('&').filter(|part| !is_key(part)).collect();
    rest.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_path_repeats_of_the_base_is_written_once() {
        for (base, path, whole) in [
            ("/v1", "/v1/files", "/v1/files"),
            ("/v1", "/files", "/v1/files"),
            ("/v1", "/files/", "/v1/files/"),
            ("/v1", "/v1", "/v1"),
            ("/v1", "/v1beta/files", "/v1/v1beta/files"),
            ("/openai/v1", "/v1/audio/speech", "/openai/v1/audio/speech"),
            ("/openai/v1", "/openai/v1/models", "/openai/v1/models"),
            ("/openai/v1", "/openai/files", "/openai/v1/openai/files"),
            ("", "/v1/files", "/v1/files"),
            ("", "/", "/"),
            ("/v1", "/models/a%2Fb", "/v1/models/a%2Fb"),
            ("/v1", "/models/a:run", "/v1/models/a:run"),
            ("/v1", "/files/...", "/v1/files/..."),
            ("/v1", "/files/50%25", "/v1/files/50%25"),
        ] {
            let joined = joined(base, WireFormat::USUAL, path);
            assert_eq!(joined.as_deref(), Ok(whole), "{base} {path}");
        }
    }

    #[test]
    fn one_version_of_googles_takes_the_place_of_another() {
        let gemini = WireFormat::Dialect(Dialect::Gemini);
        for (base, path, whole) in [
            ("/v1beta", "/v1/models/m", "/v1/models/m"),
            ("/v1beta", "/v1beta/models/m", "/v1beta/models/m"),
            ("/proxy/v1beta", "/v1alpha/files", "/proxy/v1alpha/files"),
            ("/v1beta", "/files", "/v1beta/files"),
            ("/v1beta", "/v12/files", "/v1beta/v12/files"),
            ("/proxy", "/v1/files", "/proxy/v1/files"),
            ("/v1beta", "/upload/v1beta/files", "/upload/v1beta/files"),
            (
                "/proxy/v1beta",
                "/upload/v1/files",
                "/proxy/upload/v1/files",
            ),
        ] {
            let joined = joined(base, gemini, path);
            assert_eq!(joined.as_deref(), Ok(whole), "{base} {path}");
        }
    }

    #[test]
    fn no_path_leads_out_of_the_base() {
        for (path, error) in [
            ("files", PathError::Relative),
            ("", PathError::Relative),
            ("/..", PathError::Dots),
            ("/../files", PathError::Dots),
            ("/v1/../../files", PathError::Dots),
            ("/./files", PathError::Dots),
            ("/%2e%2E/files", PathError::Dots),
            ("/.%2e/files", PathError::Dots),
            ("/%252e%252e/files", PathError::Dots),
            ("/a%2f..%2f..%2fb", PathError::Dots),
            ("/..;x=1/files", PathError::Dots),
            ("//evil.example/files", PathError::Empty),
            ("/a//b", PathError::Empty),
            ("/%2fevil.example", PathError::Empty),
            ("/https://evil.example", PathError::Empty),
            ("/a\\b", PathError::Backslash),
            ("/..\\b", PathError::Backslash),
            ("/%5c%5cevil", PathError::Backslash),
            ("/a%00", PathError::Control),
            ("/a%0d%0ahost:x", PathError::Control),
            ("/a%2", PathError::Encoding),
            ("/a%zz", PathError::Encoding),
            ("/%2525252525252e", PathError::Encoding),
            ("/%c0%ae%c0%ae/a", PathError::Text),
            ("/a%c0%af..", PathError::Text),
            ("/%e0%80%ae%f0%80%80%ae/a", PathError::Text),
            ("/%25c0%25ae/a", PathError::Text),
            ("/%u002e%u002e/a", PathError::Encoding),
            ("/%ef%bc%8e./a", PathError::Dots),
            ("/a%ef%bc%8f..", PathError::Dots),
            ("/%ef%bc%bcevil", PathError::Backslash),
            ("/..%20/a", PathError::Dots),
            ("/..%09/a", PathError::Control),
            ("/%c2%85", PathError::Control),
        ] {
            let joined = joined("/v1", WireFormat::USUAL, path);
            assert_eq!(joined, Err(error), "{path}");
        }
    }

    /// What paths are made of, and what is taken for it.
    const PIECE: &str = r"\.|%2e|%2E|%252e|%25252e|%c0%ae|%e0%80%ae|%ef%bc%8e|/|%2f|%252F|%c0%af|\\|%5c|;|%3b| |%20|%00|%|a|v1|é|%C3%A9";

    /// A byte sequence as a server reads it that takes overlong forms, letters
    /// of full width and backslashes for what they look like.
    fn carelessly_read(bytes: &[u8]) -> String {
        let mut text = String::new();
        let mut rest = bytes;
        while let Some((&first, behind)) = rest.split_first() {
            let more = match first {
                0xc0..=0xdf => 1,
                0xe0..=0xef => 2,
                0xf0..=0xf7 => 3,
                _ => 0,
            };
            let (tail, after) = behind.split_at(more.min(behind.len()));
            let head = u32::from(first) & [0x7f, 0x1f, 0x0f, 0x07][more];
            let code = tail
                .iter()
                .fold(head, |code, byte| code << 6 | u32::from(byte & 0x3f));
            match char::from_u32(code).unwrap_or('?') {
                '\u{ff0e}' => text.push('.'),
                '\u{ff0f}' | '\u{ff3c}' | '\\' => text.push('/'),
                letter => text.push(letter),
            }
            rest = after;
        }
        text
    }

    /// Whether a careless server that walks this path leaves its base.
    fn leaves(base: &str, path: &[u8]) -> bool {
        let path = carelessly_read(path);
        let least = base.split('/').count();
        let mut walked: Vec<&str> = Vec::new();
        for (at, segment) in path.split('/').enumerate() {
            match segment.split(';').next().unwrap_or_default().trim() {
                ".." => drop(walked.pop()),
                "." => {}
                _ => walked.push(segment),
            }
            if at + 1 >= least
                && walked.join("/") != base
                && !walked.join("/").starts_with(&format!("{base}/"))
            {
                return true;
            }
        }
        false
    }

    #[test]
    fn a_careless_server_would_leave_its_base() {
        for path in [
            "/v1/../a",
            "/v1/%c0%ae./a",
            "/v1\\..\\a",
            "/v1/%ef%bc%8e./a",
            "/v1/..;x/a",
        ] {
            let read = decoded(path.as_bytes()).unwrap_or_else(|| path.into());
            assert!(leaves("/v1", &read), "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_joined_url_stays_below_its_base_whoever_reads_it(
            pieces in proptest::collection::vec(PIECE, 0..10),
        ) {
            let path = format!("/{}", pieces.concat());
            if let Ok(joined) = joined("/base/v1", WireFormat::USUAL, &path) {
                let mut read = joined.into_bytes();
                for _ in 0..=MOST_ROUNDS {
                    proptest::prop_assert!(!leaves("/base/v1", &read), "{path}");
                    read = decoded(&read).unwrap_or(read);
                }
            }
        }
    }

    #[test]
    fn a_key_leaves_the_query_and_nothing_else_does() {
        assert_eq!(query("key=sk-1&alt=sse"), "alt=sse");
        assert_eq!(query("alt=sse&k%65y=sk-1"), "alt=sse");
        assert_eq!(query("a=1&monkey=2&a=%26&"), "a=1&monkey=2&a=%26&");
        assert_eq!(query("key=x"), "");
    }
}
