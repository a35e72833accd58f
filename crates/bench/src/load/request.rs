//! What is asked.

use std::sync::Arc;

/// The key that the gateway's configuration declares by `env:BENCH_KEY`.
pub(crate) const KEY: &str = "sk-bench-0123456789abcdefghijkl";

/// A chat request of some 2 KB.
pub(crate) fn chat(model: &str) -> Arc<[u8]> {
    of(model, 400, "")
}

/// A chat request of some 1 KB.
pub(crate) fn short(model: &str) -> Arc<[u8]> {
    of(model, 170, "")
}

/// A chat request of some 200 KB.
pub(crate) fn long(model: &str) -> Arc<[u8]> {
    of(model, 40_000, "")
}

/// A request of some 2 KB for a stream.
pub(crate) fn stream(model: &str) -> Arc<[u8]> {
    of(model, 400, "\"stream\":true,")
}

fn of(model: &str, words: usize, more: &str) -> Arc<[u8]> {
    let content = "word ".repeat(words);
    let body = format!(
        "{{\"model\":\"{model}\",{more}\"messages\":[{{\"role\":\"user\",\
         \"content\":\"{content}\"}}],\"max_tokens\":100}}"
    );
    let length = body.len();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n\
         user-agent: portcullis-bench\r\ncontent-type: application/json\r\n\
         authorization: Bearer {KEY}\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    request.into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn a_request_is_as_long_as_it_says() {
        for request in [short("m"), chat("m"), long("m"), stream("paced")] {
            let end = wire::head_end(&request).expect("a head");
            let length = wire::content_length(&request[..end]);
            assert_eq!(length, Some(request.len() - end));
        }
        assert!((1000..1200).contains(&short("m").len()));
        assert!((2000..2400).contains(&chat("m").len()));
        assert!(long("m").len() > 200_000);
    }
}
