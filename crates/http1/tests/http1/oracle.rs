//! A second opinion: what is accepted here, `httparse` reads in the same way.

use http1::{Ask, Fields};
use proptest::prelude::*;

use super::{answer, ask};

fn same_request(text: &[u8], ask: &Ask) {
    let mut fields = [httparse::EMPTY_HEADER; 128];
    let mut request = httparse::Request::new(&mut fields);
    let status = request.parse(text).expect("accepted by both");
    assert!(status.is_complete());
    assert_eq!(request.method, Some(ask.method.as_str()));
    assert_eq!(request.path, Some(&*ask.uri.to_string()));
    same_fields(request.headers, &ask.fields);
}

fn same_fields(theirs: &[httparse::Header<'_>], ours: &Fields) {
    let theirs = theirs
        .iter()
        .map(|field| (field.name.to_ascii_lowercase().into_bytes(), field.value));
    let ours = ours.iter().map(|(name, value)| (name.to_vec(), value));
    assert_eq!(theirs.collect::<Vec<_>>(), ours.collect::<Vec<_>>());
}

/// A line's text: mostly harmless, now and then a byte that matters.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        30 => prop::sample::select(&b"abcXYZ019-_."[..]),
        2 => prop::sample::select(&b" \t:,;=\"/"[..]),
        1 => any::<u8>(),
    ];
    prop::collection::vec(byte, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn an_accepted_request_means_the_same_to_httparse(
        target in line(),
        fields in prop::collection::vec((line(), line()), 0..4),
    ) {
        let mut text = [b"GET /", &target[..], b" HTTP/1.1\r\nHost: a\r\n"].concat();
        for (name, value) in &fields {
            text.extend([name, &b": "[..], value, b"\r\n"].concat());
        }
        text.extend(b"\r\n");
        if let Ok(Some(ask)) = ask(&text) {
            same_request(&text, &ask);
        }
    }

    #[test]
    fn an_accepted_answer_means_the_same_to_httparse(
        reason in line(),
        fields in prop::collection::vec((line(), line()), 0..4),
    ) {
        let mut text = [b"HTTP/1.1 200 ", &reason[..], b"\r\n"].concat();
        for (name, value) in &fields {
            text.extend([name, &b": "[..], value, b"\r\n"].concat());
        }
        text.extend(b"\r\n");
        if let Ok(Some(ours)) = answer(&text) {
            let mut theirs = [httparse::EMPTY_HEADER; 128];
            let mut response = httparse::Response::new(&mut theirs);
            prop_assert!(response.parse(&text).is_ok_and(|status| status.is_complete()));
            prop_assert_eq!(response.code, Some(ours.status.as_u16()));
            same_fields(response.headers, &ours.fields);
        }
    }
}
