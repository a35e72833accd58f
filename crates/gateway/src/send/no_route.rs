//! How a server says that it does not speak a dialect: that the route is not
//! there, or that a model is not to be had by it.
//!
//! Only what it says of routes counts. A 404 is also what is said of a file, a
//! container or a turn that is gone, and whoever asks for one of these must read
//! that; asking in another dialect would answer without it.

use bytes::Bytes;
use dialects::json::{Document, Node};
use http::StatusCode;

/// Beginnings of what servers say of routes that are not theirs.
const OF_ROUTES: [&str; 5] = [
    "invalid url (post",             // OpenAI
    "unknown request url",           // Groq
    "unexpected endpoint or method", // LM Studio
    "no route matched",              // Kong, in front of many
    "cannot post /",                 // Express
];

/// The same, where the whole sentence is needed: what is gone begins like that too.
const WHOLE: [&str; 5] = [
    "resource not found", // Azure
    "file not found",     // llama.cpp
    "404 page not found",
    "method not allowed",
    "not implemented",
];

/// Beginnings and ends of what is said of a model that another route serves, or
/// of a region without this one.
const OF_MODELS: [(&str, &str); 5] = [
    ("this model is not supported by responses api", ""), // Azure
    ("azure openai responses api is not enabled", ""),
    (
        "the requested model '",
        "not supported with the responses api.",
    ), // OpenAI
    ("this model is only supported in v1/chat/completions", ""),
    ("the model does not support ", " api"), // vLLM
];

/// What frameworks say of a route where nobody has given the error a form.
const OF_FRAMEWORKS: &str = "not found";

/// Whether this answer says that the route is not there, or not for this model.
pub(super) fn is_no_route(status: StatusCode, body: &Bytes) -> bool {
    let is_missing = match status {
        // It is about the path alone.
        StatusCode::METHOD_NOT_ALLOWED => return true,
        StatusCode::NOT_FOUND | StatusCode::NOT_IMPLEMENTED => true,
        StatusCode::BAD_REQUEST => false,
        _ => return false,
    };
    let Ok(document) = Document::parse(body.clone(), 64) else {
        // No page of a server that knows the route.
        return is_missing;
    };
    let root = document.root();
    let error = root.get("error");
    let of_error = error.and_then(|error| text(error, "message"));
    let is_formed = of_error.is_some() || root.get("object").is_some();
    let plain = error.and_then(Node::str).map(lower);
    let said = of_error
        .or(plain)
        .or_else(|| text(root, "detail"))
        .or_else(|| text(root, "message"));
    let Some(said) = said.as_deref().map(str::trim) else {
        return false;
    };
    let is_of_model = OF_MODELS
        .iter()
        .any(|(from, to)| said.starts_with(from) && said.ends_with(to));
    let is_of_route = OF_ROUTES.iter().any(|from| said.starts_with(from))
        || WHOLE.contains(&said.trim_end_matches('.'))
        || !is_formed && said == OF_FRAMEWORKS;
    is_of_model || is_missing && is_of_route
}

fn text(node: Node<'_>, name: &str) -> Option<String> {
    node.get(name)?.str().map(lower)
}

fn lower(text: std::borrow::Cow<'_, str>) -> String {
    text.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(status: u16, body: &str) -> bool {
        let status = StatusCode::from_u16(status).expect("a status");
        is_no_route(status, &Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn servers_say_in_many_ways_that_they_have_no_such_route() {
        for (status, body) in [
            (404, ""),
            (404, "404 page not found"),
            (404, "<html><body>Not Found</body></html>"),
            (404, r#"{"detail":"Not Found"}"#),
            (405, r#"{"detail":"Method Not Allowed"}"#),
            (
                404,
                r#"{"status":404,"error":"Not Found","path":"/v1/responses"}"#,
            ),
            (404, r#"{"message":"no Route matched with those values"}"#),
            (
                404,
                r#"{"error":{"message":"Invalid URL (POST /v1/responses)","type":"invalid_request_error","param":null,"code":null}}"#,
            ),
            (
                404,
                r#"{"error":{"message":"Unknown request URL: POST /openai/v1/x.","code":"unknown_url"}}"#,
            ),
            (
                404,
                r#"{"error":{"code":"404","message":"Resource not found"}}"#,
            ),
            (404, r#"{"statusCode":404,"message":"Resource not found"}"#),
            (
                404,
                r#"{"error":{"code":404,"message":"File Not Found","type":"not_found_error"}}"#,
            ),
            (
                404,
                r#"{"error":"Unexpected endpoint or method. (POST /v1/responses)"}"#,
            ),
            (501, r#"{"error":{"message":"Not implemented."}}"#),
        ] {
            assert!(is(status, body), "{status} {body}");
        }
    }

    #[test]
    fn they_say_too_that_a_model_or_a_region_has_none() {
        for (status, body) in [
            (
                400,
                r#"{"error":{"message":"This model is not supported by Responses API.","type":"invalid_request_error"}}"#,
            ),
            (
                400,
                r#"{"error":{"message":"The requested model 'gpt-audio' is not supported with the Responses API.","type":"invalid_request_error","param":"model","code":null}}"#,
            ),
            (
                404,
                r#"{"error":{"message":"This model is only supported in v1/chat/completions and not in v1/responses.","param":"model","code":null}}"#,
            ),
            (
                404,
                r#"{"error":{"code":"NotFound","message":"Azure OpenAI Responses API is not enabled in this region. Please check"}}"#,
            ),
            (
                400,
                r#"{"error":{"message":"The model does not support Responses API","type":"BadRequestError","param":null,"code":400}}"#,
            ),
            (
                501,
                r#"{"error":{"message":"The model does not support Messages API"}}"#,
            ),
        ] {
            assert!(is(status, body), "{status} {body}");
        }
    }

    #[test]
    fn what_is_not_found_by_a_route_is_no_word_of_the_route() {
        for (status, body) in [
            (
                404,
                r#"{"error":{"message":"Container with id 'cntr_gone' not found.","type":"invalid_request_error","param":null,"code":null}}"#,
            ),
            (
                404,
                r#"{"error":{"message":"Not found","type":"invalid_request_error","param":null,"code":null}}"#,
            ),
            (
                404,
                r#"{"error":{"message":"Vector store with id ['vs_1'] not found.","param":null,"code":null}}"#,
            ),
            (
                404,
                r#"{"error":{"message":"The file 'Invalid URL (POST /v1/responses)' is not there.","param":null,"code":null}}"#,
            ),
            (
                404,
                r#"{"error":{"message":"The model does not exist","code":"model_not_found"}}"#,
            ),
            (
                404,
                r#"{"error":{"message":"The model `x` does not exist.","param":"model","code":404}}"#,
            ),
            (
                404,
                r#"{"object":"error","message":"Not Found","type":"NotFoundError","code":404}"#,
            ),
            (404, r#"{"error":"model 'x' not found"}"#),
            (
                404,
                r#"{"type":"error","error":{"type":"not_found_error","message":"model: x"}}"#,
            ),
            (
                404,
                r#"{"error":{"code":"DeploymentNotFound","message":"…"}}"#,
            ),
            (404, r#"{"detail":"No model x"}"#),
            (404, r#"{"error":{"type":"not_found"}}"#),
            (
                501,
                r#"{"error":{"message":"Images are not implemented here.","type":"not_supported_error"}}"#,
            ),
            (400, r#"{"error":{"message":"no"}}"#),
            (400, "<html>Bad Request</html>"),
            (400, r#"{"error":{"message":"Resource not found"}}"#),
            (
                400,
                r#"{"error":{"code":"previous_response_not_found","message":"…"}}"#,
            ),
            (
                400,
                r#"{"error":{"message":"Unsupported parameter: 'messages'. In the Responses API, this parameter has moved to 'input'."}}"#,
            ),
            (503, "404 page not found"),
        ] {
            assert!(!is(status, body), "{status} {body}");
        }
    }
}
