//! What a request may be aimed at.

use http1::Fault::{self, *};

use super::{ask, expect};

fn uri(method: &str, target: &[u8]) -> Result<String, Fault> {
    let text = [
        method.as_bytes(),
        b" ",
        target,
        b" HTTP/1.1\r\nHost: a.example:80\r\n\r\n",
    ];
    ask(&text.concat()).map(|ask| ask.expect("complete").uri.to_string())
}

#[test]
fn a_target_with_two_readings_is_refused() {
    let cases: &[(&[u8], Fault)] = &[
        (b"v1", TargetForm),
        (b"*", TargetForm),
        (b"?x", TargetForm),
        (b"a.example:80", TargetForm),
        (b"ftp://a.example:80/", TargetForm),
        (b"http:/a.example:80/", TargetForm),
        (b"http:", TargetForm),
        (b"http://b.example/", TargetHost),
        (b"http://a.example/", TargetHost),
        (b"http://a.example:80@b.example/", TargetHost),
        (b"http://u@a.example:80/", TargetHost),
        (b"http://", TargetHost),
        (b"http:///", TargetHost),
        (b"http://a.example:80.b.example/", TargetHost),
        (b"/#x", TargetBytes),
        (b"/a\\b", TargetBytes),
        (b"/a\x00", TargetBytes),
        (b"/a\x7f", TargetBytes),
        (b"/a\tb", TargetBytes),
        (b"/\xc3\xa4", TargetBytes),
        (b"/<a>", TargetBytes),
        (b"/\"", TargetBytes),
        (b"/^", TargetBytes),
        (b"/`", TargetBytes),
        (b"http://a.example:80\\@b.example/", TargetBytes),
    ];
    expect(cases, |target| uri("GET", target).err());
    assert_eq!(uri("CONNECT", b"a.example:80"), Err(Connect));
    assert_eq!(uri("CONNECT", b"/"), Err(Connect));
}

#[test]
fn a_good_target_is_kept_and_an_absolute_one_cut_to_its_path() {
    let cases: &[(&str, &[u8], &str)] = &[
        ("GET", b"/", "/"),
        ("GET", b"//a/..//b", "//a/..//b"),
        ("GET", b"/v1/x?y=1&z[]=2&w={a|b}", "/v1/x?y=1&z[]=2&w={a|b}"),
        (
            "POST",
            b"/v1beta/models/m:stream?alt=sse",
            "/v1beta/models/m:stream?alt=sse",
        ),
        ("GET", b"/%2F%00", "/%2F%00"),
        ("GET", b"http://a.example:80/x?y", "/x?y"),
        ("GET", b"HTTPS://A.Example:80/x", "/x"),
        ("GET", b"http://a.example:80", "/"),
        ("GET", b"http://a.example:80?y", "/?y"),
        ("OPTIONS", b"*", "*"),
    ];
    for (method, target, kept) in cases {
        assert_eq!(uri(method, target).as_deref(), Ok(*kept));
    }
}

#[test]
fn an_absolute_target_needs_a_host_even_in_http_1_0() {
    let fault = ask(b"GET http://a/ HTTP/1.0\r\n\r\n").err();
    assert_eq!(fault, Some(TargetHost));
}
