//! Writes messages of AWS' event streams, as Bedrock does.

use serde_json::Value;

/// A message of these headers (all texts) and this payload.
pub(crate) fn message(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut named = Vec::new();
    for (name, value) in headers {
        named.push(u8::try_from(name.len()).expect("a short name"));
        named.extend_from_slice(name.as_bytes());
        named.push(7);
        named.extend_from_slice(&u16::try_from(value.len()).expect("short").to_be_bytes());
        named.extend_from_slice(value.as_bytes());
    }
    of(&named, payload)
}

/// A message of headers that are bytes already.
pub(crate) fn of(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let size = |length: usize| u32::try_from(length).expect("short").to_be_bytes();
    let mut out = Vec::new();
    out.extend_from_slice(&size(16 + headers.len() + payload.len()));
    out.extend_from_slice(&size(headers.len()));
    out.extend_from_slice(&sum(&out).to_be_bytes());
    out.extend_from_slice(headers);
    out.extend_from_slice(payload);
    out.extend_from_slice(&sum(&out).to_be_bytes());
    out
}

/// An event as Bedrock sends it.
pub(crate) fn event(kind: &str, payload: &Value) -> Vec<u8> {
    let headers = [
        (":event-type", kind),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ];
    message(&headers, payload.to_string().as_bytes())
}

/// An exception as Bedrock sends it.
pub(crate) fn exception(kind: &str, said: &str) -> Vec<u8> {
    let headers = [
        (":exception-type", kind),
        (":content-type", "application/json"),
        (":message-type", "exception"),
    ];
    let payload = serde_json::json!({"message": said});
    message(&headers, payload.to_string().as_bytes())
}

/// CRC-32, bit by bit: the tests do not believe the library's.
fn sum(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            let low = sum & 1;
            sum >>= 1;
            sum ^= 0xedb8_8320 * low;
        }
    }
    !sum
}
