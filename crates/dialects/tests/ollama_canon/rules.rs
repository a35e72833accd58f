//! What Ollama refuses of a request, or would not see of it: unknown members,
//! wrong types and words, arguments that are no object, images that are no
//! base64.

use serde_json::Value;

const MEMBERS: &[&str] = &[
    "model",
    "messages",
    "stream",
    "format",
    "keep_alive",
    "tools",
    "options",
    "think",
    "truncate",
    "shift",
    "logprobs",
    "top_logprobs",
];
const OPTIONS: &[&str] = &[
    "num_predict",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "repeat_penalty",
    "seed",
    "stop",
    "num_ctx",
];

/// Panics if Ollama would refuse it.
pub(crate) fn check(body: &Value) {
    only(body, MEMBERS);
    assert!(body["model"].is_string(), "model");
    assert!(body["stream"].is_boolean(), "it streams unless told");
    conversation(body["messages"].as_array().expect("messages"));
    if let Some(options) = body.get("options") {
        only(options, OPTIONS);
    }
    if let Some(think) = body.get("think") {
        let is_word = ["low", "medium", "high", "max"].contains(&think.as_str().unwrap_or("max"));
        assert!(think.is_boolean() || think.is_string() && is_word, "think");
    }
    if let Some(format) = body.get("format") {
        assert!(format == "json" || format.is_object(), "format");
        assert!(body.get("tools").is_none(), "a format beside tools");
    }
    for tool in body
        .get("tools")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        only(tool, &["type", "function"]);
        only(&tool["function"], &["name", "description", "parameters"]);
        assert_eq!(tool["function"]["parameters"]["type"], "object");
    }
}

fn only(value: &Value, known: &[&str]) {
    for key in value.as_object().expect("an object").keys() {
        assert!(known.contains(&key.as_str()), "unknown member `{key}`");
    }
}

fn conversation(messages: &[Value]) {
    let mut waiting: Vec<(&str, &str)> = Vec::new();
    for message in messages {
        let role = message["role"].as_str().expect("a role");
        assert!(message["content"].is_string(), "content");
        for image in message
            .get("images")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let data = image.as_str().expect("base64");
            assert!(!data.contains(':'), "no URL: {data}");
        }
        if role != "tool" {
            assert!(waiting.is_empty(), "calls without results: {waiting:?}");
        }
        match role {
            "system" => only(message, &["role", "content"]),
            "user" => only(message, &["role", "content", "images"]),
            "assistant" => {
                only(message, &["role", "content", "thinking", "tool_calls"]);
                let calls = message.get("tool_calls").and_then(Value::as_array);
                waiting = calls.into_iter().flatten().map(call).collect();
            }
            "tool" => {
                only(message, &["role", "content", "tool_name", "tool_call_id"]);
                let word = |key: &str| message[key].as_str().expect("a word");
                let wanted = (word("tool_call_id"), word("tool_name"));
                let at = waiting.iter().position(|waiting| *waiting == wanted);
                waiting.remove(at.unwrap_or_else(|| panic!("a result of no call: {wanted:?}")));
            }
            other => panic!("no role `{other}`"),
        }
    }
    assert!(waiting.is_empty(), "calls without results: {waiting:?}");
}

fn call(call: &Value) -> (&str, &str) {
    only(call, &["id", "function"]);
    only(&call["function"], &["name", "arguments"]);
    assert!(call["function"]["arguments"].is_object(), "arguments");
    let name = call["function"]["name"].as_str().expect("a name");
    (call["id"].as_str().expect("an id"), name)
}
