//! What is read from messages that keep the rules.

use http::Method;
use http1::Length;

use super::ask;

#[test]
fn a_plain_request_is_read() {
    let text = b"POST /v1/chat?x=1 HTTP/1.1\r\nHost: a:80\r\nContent-Length: 12\r\n\r\nrest";
    let ask = ask(text).expect("valid").expect("complete");
    assert_eq!(ask.method, Method::POST);
    assert_eq!(ask.uri, "/v1/chat?x=1");
    assert_eq!(ask.length, Length::Exact(12));
    assert!(ask.keep_alive && !ask.expects_continue);
}
