//! What the gateway itself says in `OpenAI`'s shape: errors and model lists.

use bytes::Bytes;
use domain::refusal::{Class, Refusal};

use crate::json::write_string;

/// The `type` of an error. `OpenAI` says `invalid_request_error` for what does
/// not exist and for filtered content; its 429 types vary (`requests`,
/// `tokens`), clients go by the status: one word is used for all.
const fn kind(class: Class) -> &'static str {
    match class {
        Class::InvalidRequest | Class::NotFound | Class::ContentPolicy => "invalid_request_error",
        Class::Authentication => "authentication_error",
        Class::Permission => "permission_error",
        Class::RateLimit => "rate_limit_error",
        Class::Overloaded | Class::Upstream | Class::Server => "server_error",
    }
}

/// The body of an error answer.
#[must_use]
pub fn error_body(refusal: &Refusal) -> Bytes {
    let mut out = br#"{"error":{"message":"#.to_vec();
    write_string(&mut out, &refusal.message);
    out.extend_from_slice(br#","type":"#);
    write_string(&mut out, kind(refusal.reason.class()));
    out.extend_from_slice(br#","param":"#);
    match &refusal.param {
        Some(param) => write_string(&mut out, param),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(br#","code":"#);
    write_string(&mut out, refusal.reason.code());
    out.extend_from_slice(b"}}");
    out.into()
}

/// The event that ends a stream that broke.
#[must_use]
pub fn error_event(refusal: &Refusal) -> Bytes {
    [b"data: ", &error_body(refusal)[..], b"\n\n"]
        .concat()
        .into()
}

/// `GET /v1/models`: name, owner, creation in seconds since 1970.
#[must_use]
pub fn models_body(models: &[(&str, &str, i64)]) -> Bytes {
    let mut out = br#"{"object":"list","data":["#.to_vec();
    for (at, (name, owner, created)) in models.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        model(&mut out, name, owner, *created);
    }
    out.extend_from_slice(b"]}");
    out.into()
}

/// `GET /v1/models/{id}`.
#[must_use]
pub fn model_body(name: &str, owner: &str, created: i64) -> Bytes {
    let mut out = Vec::new();
    model(&mut out, name, owner, created);
    out.into()
}

fn model(out: &mut Vec<u8>, name: &str, owner: &str, created: i64) {
    out.extend_from_slice(br#"{"id":"#);
    write_string(out, name);
    out.extend_from_slice(
        format!(r#","object":"model","created":{created},"owned_by":"#).as_bytes(),
    );
    write_string(out, owner);
    out.push(b'}');
}
