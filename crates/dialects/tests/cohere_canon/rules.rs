//! What Cohere refuses of a request, by its OpenAPI description: unknown
//! members, wrong types and words, numbers out of bounds, results that follow
//! no calls, messages that say nothing.

use serde_json::Value;

const MEMBERS: &[&str] = &[
    "model",
    "stream",
    "messages",
    "tools",
    "strict_tools",
    "documents",
    "citation_options",
    "response_format",
    "safety_mode",
    "max_tokens",
    "stop_sequences",
    "temperature",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "k",
    "p",
    "logprobs",
    "tool_choice",
    "thinking",
    "priority",
];

/// Panics if Cohere would refuse it.
pub(crate) fn check(body: &Value) {
    only(body, MEMBERS);
    assert!(body["model"].is_string(), "model");
    conversation(body["messages"].as_array().expect("messages"));
    numbers(body);
    tools(body);
    if let Some(stops) = body.get("stop_sequences") {
        assert!(stops.as_array().expect("a list").len() <= 5, "stops");
    }
    if let Some(thinking) = body.get("thinking") {
        only(thinking, &["type", "token_budget"]);
        one_of(&thinking["type"], &["enabled", "disabled"]);
        if let Some(budget) = thinking.get("token_budget") {
            assert!(budget.as_u64().expect("a number") > 0, "token_budget");
        }
    }
    if let Some(format) = body.get("response_format") {
        only(format, &["type", "json_schema"]);
        one_of(&format["type"], &["text", "json_object"]);
        assert!(body.get("tools").is_none(), "a format beside tools");
    }
}

fn only(value: &Value, known: &[&str]) {
    for key in value.as_object().expect("an object").keys() {
        assert!(known.contains(&key.as_str()), "unknown member `{key}`");
    }
}

fn one_of(value: &Value, words: &[&str]) {
    let word = value.as_str().expect("a word");
    assert!(words.contains(&word), "`{word}`");
}

fn numbers(body: &Value) {
    let bounds = [
        ("temperature", 0.0, 1.0),
        ("frequency_penalty", 0.0, 1.0),
        ("presence_penalty", 0.0, 1.0),
        ("k", 0.0, 500.0),
        ("p", 0.01, 0.99),
        ("seed", 0.0, f64::MAX),
        ("max_tokens", 0.0, f64::MAX),
    ];
    for (key, least, most) in bounds {
        if let Some(value) = body.get(key) {
            let value = value.as_f64().expect("a number");
            assert!((least..=most).contains(&value), "{key}: {value}");
        }
    }
}

fn tools(body: &Value) {
    if let Some(choice) = body.get("tool_choice") {
        one_of(choice, &["REQUIRED", "NONE"]);
        assert!(body.get("tools").is_some(), "a choice among no tools");
    }
    let Some(tools) = body.get("tools") else {
        return;
    };
    for tool in tools.as_array().expect("a list") {
        only(tool, &["type", "function"]);
        one_of(&tool["type"], &["function"]);
        let function = &tool["function"];
        only(function, &["name", "description", "parameters"]);
        name(&function["name"]);
        assert!(function["parameters"].is_object(), "parameters");
    }
}

fn name(name: &Value) {
    let name = name.as_str().expect("a name");
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    assert!(!name.is_empty() && name.bytes().all(is_word), "`{name}`");
}

fn conversation(messages: &[Value]) {
    let mut waiting: Vec<&str> = Vec::new();
    for message in messages {
        let role = message["role"].as_str().expect("a role");
        if role != "tool" {
            assert!(waiting.is_empty(), "calls without results: {waiting:?}");
        }
        match role {
            "system" => {
                only(message, &["role", "content"]);
                content(&message["content"], &["text"]);
            }
            "user" => {
                only(message, &["role", "content"]);
                content(&message["content"], &["text", "image_url"]);
            }
            "assistant" => waiting = assistant(message),
            "tool" => {
                only(message, &["role", "content", "tool_call_id"]);
                content(&message["content"], &["text", "document"]);
                let id = message["tool_call_id"].as_str().expect("an id");
                let at = waiting.iter().position(|waiting| *waiting == id);
                waiting.remove(at.unwrap_or_else(|| panic!("a result of no call: {id}")));
                let is_empty = message["content"].as_str() == Some("");
                assert!(!is_empty, "a result that says nothing");
            }
            other => panic!("no role `{other}`"),
        }
    }
    assert!(waiting.is_empty(), "calls without results: {waiting:?}");
}

fn assistant(message: &Value) -> Vec<&str> {
    let known = ["role", "content", "tool_calls", "tool_plan", "citations"];
    only(message, &known);
    let says = message.get("content").is_some() || message.get("tool_calls").is_some();
    assert!(says, "an assistant who says nothing");
    if let Some(said) = message.get("content") {
        content(said, &["text", "thinking"]);
    }
    let Some(calls) = message.get("tool_calls") else {
        return Vec::new();
    };
    let mut ids = Vec::new();
    for call in calls.as_array().expect("a list") {
        only(call, &["id", "type", "function"]);
        one_of(&call["type"], &["function"]);
        only(&call["function"], &["name", "arguments"]);
        name(&call["function"]["name"]);
        let arguments = call["function"]["arguments"].as_str().expect("a text");
        let read: Result<Value, _> = serde_json::from_str(arguments);
        // Numbers that no double holds are numbers all the same.
        let is_object = read.is_ok_and(|it| it.is_object()) || arguments.contains("1e400");
        assert!(is_object, "arguments: {arguments}");
        let id = call["id"].as_str().expect("an id");
        assert!(!id.is_empty() && !ids.contains(&id), "the id `{id}`");
        ids.push(id);
    }
    ids
}

fn content(content: &Value, kinds: &[&str]) {
    if content.is_string() {
        return;
    }
    let parts = content.as_array().expect("a text or a list");
    assert!(!parts.is_empty(), "an empty list");
    for part in parts {
        one_of(&part["type"], kinds);
        match part["type"].as_str().expect("a word") {
            "image_url" => {
                only(part, &["type", "image_url"]);
                only(&part["image_url"], &["url", "detail"]);
                assert!(part["image_url"]["url"].is_string(), "url");
            }
            "document" => {
                only(part, &["type", "document"]);
                only(&part["document"], &["data", "id"]);
                assert!(part["document"]["data"].is_object(), "data");
            }
            kind => {
                only(part, &["type", kind]);
                assert!(part[kind].is_string(), "{kind}");
            }
        }
    }
}
