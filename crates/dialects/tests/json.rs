//! The JSON scanner against `serde_json`, and where it differs on purpose.

use std::time::{Duration, Instant};

use bytes::Bytes;
use dialects::json::{Document, Kind, ScanErrorKind, canonical, write_string};
use domain::refusal::Reason;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

fn parse(text: &str) -> Result<Document, dialects::json::ScanError> {
    Document::parse(Bytes::copy_from_slice(text.as_bytes()), 64)
}

fn fault(text: &str) -> ScanErrorKind {
    parse(text).expect_err(text).kind
}

#[test]
fn what_is_no_json_is_refused() {
    let bad = [
        "",
        " ",
        "{",
        "[",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "01",
        "1.",
        ".5",
        "1e",
        "+1",
        "-",
        "nul",
        "truee",
        "1 2",
        "{} x",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"a",
        "\"a\nb\"",
        "[1 2]",
        "{\"a\" 1}",
        "'a'",
        "\u{feff}{}",
        "NaN",
        "[}",
        "{]",
        "\u{a0}1",
        "\"\\",
        "\"\\u",
        "\"\\u12",
    ];
    for text in bad {
        assert!(matches!(fault(text), ScanErrorKind::Syntax(_)), "{text}");
    }
    assert!(Document::parse(Bytes::from_static(b"\"\xff\""), 9).is_err());
}

#[test]
fn an_error_says_where_it_is() {
    let error = parse("{\n \"ä\": 1,\n \"é\" 2}").expect_err("no colon");
    assert_eq!((error.line, error.column), (3, 6));
    let refusal = error.refusal();
    assert_eq!(refusal.reason, Reason::BadJson);
    assert!(
        refusal.message.contains("line 3, column 6"),
        "{}",
        refusal.message
    );
}

#[test]
fn a_key_that_stands_twice_is_refused_however_it_is_spelt() {
    for text in [
        r#"{"model":1,"\u006dodel":2}"#,
        r#"[{"x":{"a":1,"b":2,"a":3}}]"#,
        r#"{"a":1,"b":{"a":1},"a":2}"#,
        r#"{"/":1,"\/":2}"#,
        r#"{"😀":1,"\ud83d\ude00":2}"#,
    ] {
        let error = parse(text).expect_err(text);
        assert!(
            matches!(error.kind, ScanErrorKind::DuplicateKey(_)),
            "{text}"
        );
        assert_eq!(error.refusal().reason, Reason::DuplicateKey);
    }
    let many = (0..40)
        .map(|n| format!("\"k{n}\":{{\"k{n}\":0}}"))
        .collect::<Vec<_>>()
        .join(",");
    assert!(parse(&format!("{{{many}}}")).is_ok());
    assert_eq!(
        fault(&format!("{{{many},\"k\\u0033\":1}}")),
        ScanErrorKind::DuplicateKey("k3".into())
    );
}

#[test]
fn depth_is_bounded_and_unbounded_depth_does_not_overflow() {
    assert!(Document::parse(Bytes::from_static(b"[[1]]"), 2).is_ok());
    let error = Document::parse(Bytes::from_static(b"[[[1]]]"), 2).expect_err("deep");
    assert_eq!((error.kind.clone(), error.at), (ScanErrorKind::TooDeep, 2));
    assert_eq!(error.refusal().reason, Reason::TooDeep);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let doc = Document::parse(deep.clone().into(), usize::MAX).expect("valid");
    assert_eq!(canonical(&doc, &[]), deep.as_bytes());
}

#[test]
fn a_text_of_more_values_than_anybody_needs_is_refused() {
    let many = format!("[{}0]", "0,".repeat(1 << 23));
    assert_eq!(fault(&many), ScanErrorKind::TooMany);
}

#[test]
fn lone_surrogates_and_huge_numbers_stay_as_they_are() {
    let doc = parse(r#"{"a":"x\ud800y","n":1e400,"p":"\ud83d\ude00","b":"\udc00\ud800\ud800"}"#)
        .expect("valid");
    let root = doc.root();
    let text = |key: &str| {
        root.get(key)
            .and_then(|n| n.str().map(std::borrow::Cow::into_owned))
    };
    assert_eq!(text("a").as_deref(), Some("x\u{fffd}y"));
    assert_eq!(text("p").as_deref(), Some("😀"));
    assert_eq!(text("b").as_deref(), Some("\u{fffd}\u{fffd}\u{fffd}"));
    assert_eq!(
        root.get("n").map(dialects::json::Node::raw),
        Some(&b"1e400"[..])
    );
    assert_eq!(root.get("n").and_then(dialects::json::Node::u64), None);
}

#[test]
fn whole_numbers_are_read_however_they_are_spelt() {
    let doc = parse("[7, 7.0, 7e0, -1, 7.5, 18446744073709551615, 1e300, \"7\"]").expect("valid");
    let read: Vec<_> = doc.root().items().map(dialects::json::Node::u64).collect();
    let most = Some(u64::MAX);
    assert_eq!(
        read,
        [Some(7), Some(7), Some(7), None, None, most, None, None]
    );
}

#[test]
fn all_spellings_of_a_value_have_one_canonical_form() {
    let one =
        parse(r#"{"b":[1.0, {"y":"\u00e9\/\n","x":null}],"a":true,"stream":true}"#).expect("valid");
    let two = parse(
        "{ \"stream\":false , \"\\u0061\":true,\"b\":[1.0,{\"x\":null,\"y\":\"é/\\u000a\"}]}",
    )
    .expect("valid");
    assert_eq!(canonical(&one, &["stream"]), canonical(&two, &["stream"]));
    let form = String::from_utf8(canonical(&one, &["stream"])).expect("utf-8");
    assert_eq!(form, r#"{"a":true,"b":[1.0,{"x":null,"y":"é/\n"}]}"#);
}

#[test]
fn many_keys_take_linear_time() {
    let mut text = String::from("{");
    for n in 0..200_000 {
        text.push_str(&format!("\"k{n}\":0,"));
    }
    text.push_str("\"end\":1}");
    let start = Instant::now();
    let doc = Document::parse(text.into(), 4).expect("valid");
    // Quadratic time would be minutes.
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(doc.root().entries().count(), 200_001);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // Few digits: serde's default float reading loses the last of many.
        any::<i32>().prop_map(|quarters| Value::from(f64::from(quarters) / 4.0)),
        "\\PC{0,8}|[\\x00-\\x7f]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec(("\\PC{0,4}", inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The same value, read through our nodes.
fn mirror(node: dialects::json::Node<'_>) -> Value {
    match node.kind() {
        Kind::String => node.str().expect("string").into_owned().into(),
        Kind::Array => node.items().map(mirror).collect::<Vec<_>>().into(),
        Kind::Object => Value::Object(
            node.entries()
                .map(|(key, _, value)| (key.into_owned(), mirror(value)))
                .collect(),
        ),
        Kind::Bool => node.bool().expect("bool").into(),
        Kind::Null => Value::Null,
        Kind::Number => serde_json::from_slice(node.raw()).expect("number"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn we_read_what_serde_wrote(value in value(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let doc = parse(&text.expect("text")).expect("valid");
        prop_assert_eq!(mirror(doc.root()), value.clone());
        let again: Value = serde_json::from_slice(&canonical(&doc, &[])).expect("canonical is valid");
        prop_assert_eq!(again, value);
    }

    #[test]
    fn we_accept_what_serde_accepts(text in r#"[\[\]{}",:0-9eE+\-. \\utrfalsn/]{0,12}"#) {
        let ours = parse(&text);
        let theirs = serde_json::from_str::<Box<RawValue>>(&text).is_ok();
        match ours {
            Ok(_) => prop_assert!(theirs, "we accept {}", text),
            Err(error) => prop_assert!(
                !theirs || matches!(error.kind, ScanErrorKind::DuplicateKey(_)),
                "we refuse {}: {}", text, error
            ),
        }
    }

    #[test]
    fn one_changed_byte_is_judged_alike(value in value(), at: prop::sample::Index, byte: u8) {
        let mut bytes = serde_json::to_vec(&value).expect("text");
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let ours = Document::parse(bytes.clone().into(), 64);
        let theirs = std::str::from_utf8(&bytes).is_ok()
            && serde_json::from_slice::<Box<RawValue>>(&bytes).is_ok();
        let is_duplicate =
            matches!(&ours, Err(error) if matches!(error.kind, ScanErrorKind::DuplicateKey(_)));
        prop_assert!(is_duplicate || ours.is_ok() == theirs);
    }

    #[test]
    fn a_changed_byte_is_seen_in_a_long_string_too(
        text in "[ -~]{0,9}(\\PC{0,20}|[ -~]{0,300})", at: prop::sample::Index, byte: u8,
    ) {
        let mut bytes = serde_json::to_vec(&[text]).expect("text");
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let theirs = std::str::from_utf8(&bytes).is_ok()
            && serde_json::from_slice::<Box<RawValue>>(&bytes).is_ok();
        prop_assert_eq!(Document::parse(bytes.into(), 64).is_ok(), theirs);
    }

    #[test]
    fn a_written_string_reads_the_same(text: String) {
        let mut out = Vec::new();
        write_string(&mut out, &text);
        let back: String = serde_json::from_slice(&out).expect("valid");
        prop_assert_eq!(back, text);
    }
}
