//! What `OpenAI` refuses in a request, as a strict server would.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

const MEMBERS: &[&str] = &[
    "model",
    "messages",
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "metadata",
    "modalities",
    "moderation",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
];

/// Panics with the rule that is broken.
pub(crate) fn check(body: &[u8]) {
    let text = String::from_utf8_lossy(body).into_owned();
    let root = crate::support::json(body);
    let root = root.as_object().expect("an object");
    for key in root.keys() {
        assert!(MEMBERS.contains(&key.as_str()), "unknown member {key}");
    }
    let names = check_tools(root);
    check_members(root, &names);
    let messages = root["messages"].as_array().expect("messages");
    for (at, message) in messages.iter().enumerate() {
        check_message(at, message.as_object().expect("a message"), &names);
    }
    check_results(messages);
    if root
        .get("response_format")
        .is_some_and(|format| format["type"] == "json_object")
    {
        let said = root["messages"].to_string().to_ascii_lowercase();
        assert!(
            said.contains("json"),
            "json_object without the word: {text}"
        );
    }
}

fn only(object: &Map<String, Value>, keys: &[&str]) {
    for key in object.keys() {
        assert!(
            keys.contains(&key.as_str()),
            "unknown member {key} in {object:?}"
        );
    }
}

fn is_name(name: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=64).contains(&name.len()) && name.bytes().all(is_word)
}

fn check_tools(root: &Map<String, Value>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let Some(tools) = root.get("tools") else {
        assert!(
            !root.contains_key("tool_choice"),
            "tool_choice without tools"
        );
        assert!(
            !root.contains_key("parallel_tool_calls"),
            "parallel_tool_calls without tools"
        );
        return names;
    };
    let tools = tools.as_array().expect("tools");
    assert!(!tools.is_empty(), "no tools");
    for tool in tools {
        let kind = tool["type"].as_str().expect("type");
        let named = tool[kind].as_object().expect("a tool");
        match kind {
            "function" => only(named, &["name", "description", "parameters", "strict"]),
            _ => {
                only(named, &["name", "description", "format"]);
                if let Some(format) = named.get("format") {
                    only(format.as_object().expect("a format"), &["type", "grammar"]);
                }
            }
        }
        let name = named["name"].as_str().expect("name");
        assert!(is_name(name), "a tool's name: {name}");
        assert!(names.insert(name.to_owned()), "two tools {name}");
    }
    names
}

fn check_members(root: &Map<String, Value>, names: &BTreeSet<String>) {
    let both = root.contains_key("max_tokens") && root.contains_key("max_completion_tokens");
    assert!(!both, "max_tokens and max_completion_tokens");
    match root.get("stop") {
        Some(Value::Array(stops)) => assert!((1..=4).contains(&stops.len()), "stops"),
        Some(stop) => assert!(stop.is_string(), "stop"),
        None => {}
    }
    if let Some(user) = root.get("user").and_then(Value::as_str) {
        assert!(user.len() <= 64, "user is too long");
    }
    if let Some(choice) = root.get("tool_choice").and_then(Value::as_object) {
        let kind = choice["type"].as_str().expect("type");
        if kind == "function" || kind == "custom" {
            let name = choice[kind]["name"].as_str().expect("name");
            assert!(names.contains(name), "no tool {name}");
        }
    }
    if root.contains_key("top_logprobs") {
        assert_eq!(root["logprobs"], true, "top_logprobs without logprobs");
    }
    if root.contains_key("stream_options") {
        assert_eq!(root["stream"], true, "stream_options without stream");
    }
    if let Some(schema) = root
        .get("response_format")
        .and_then(|format| format.get("json_schema"))
    {
        assert!(
            is_name(schema["name"].as_str().expect("name")),
            "a schema's name"
        );
    }
}

fn check_message(at: usize, message: &Map<String, Value>, names: &BTreeSet<String>) {
    let role = message["role"].as_str().expect("role");
    let (keys, parts): (&[&str], &[&str]) = match role {
        "system" | "developer" => (&["role", "content", "name"], &["text"]),
        "user" => (
            &["role", "content", "name"],
            &["text", "image_url", "input_audio", "file"],
        ),
        "assistant" => (
            &["role", "content", "name", "refusal", "audio", "tool_calls"],
            &["text", "refusal"],
        ),
        "tool" => (&["role", "content", "tool_call_id"], &["text"]),
        _ => panic!("a role {role}"),
    };
    only(message, keys);
    if let Some(name) = message.get("name") {
        let name = name.as_str().expect("a name");
        assert!(
            !name.contains([' ', '<', '|', '\\', '/', '>']),
            "a name {name}"
        );
    }
    match &message["content"] {
        Value::String(_) => {}
        Value::Null => {
            let has_more = ["tool_calls", "refusal", "audio"];
            let has_more = has_more.iter().any(|key| message.contains_key(*key));
            assert!(
                role == "assistant" && has_more,
                "messages[{at}] without content"
            );
        }
        Value::Array(content) => {
            assert!(!content.is_empty(), "messages[{at}] with no parts");
            content.iter().for_each(|part| check_part(part, parts));
        }
        other => panic!("content {other}"),
    }
    if let Some(calls) = message.get("tool_calls") {
        check_calls(calls.as_array().expect("calls"), names);
    }
}

fn check_part(part: &Value, kinds: &[&str]) {
    let kind = part["type"].as_str().expect("type");
    assert!(kinds.contains(&kind), "a part {kind} here");
    only(
        part.as_object().expect("a part"),
        &["type", kind, "prompt_cache_breakpoint"],
    );
    match kind {
        "text" | "refusal" => assert!(part[kind].is_string()),
        "image_url" => {
            let url = part[kind]["url"].as_str().expect("url");
            assert!(
                url.starts_with("http") || url.starts_with("data:image/"),
                "{url}"
            );
        }
        "input_audio" => {
            let format = part[kind]["format"].as_str().expect("format");
            assert!(matches!(format, "wav" | "mp3"), "{format}");
        }
        _ => {
            let file = part["file"].as_object().expect("file");
            only(file, &["file_id", "file_data", "filename"]);
            match file.get("file_id") {
                Some(id) => assert!(id.as_str().expect("id").starts_with("file-")),
                None => assert!(file.contains_key("filename") && file.contains_key("file_data")),
            }
        }
    }
}

fn check_calls(calls: &[Value], _: &BTreeSet<String>) {
    assert!(!calls.is_empty(), "no calls");
    let mut ids = BTreeSet::new();
    for call in calls {
        let kind = call["type"].as_str().expect("type");
        only(call.as_object().expect("a call"), &["id", "type", kind]);
        let id = call["id"].as_str().expect("id");
        assert!((1..=40).contains(&id.len()), "an id {id}");
        assert!(ids.insert(id), "two calls {id}");
        let name = call[kind]["name"].as_str().expect("name");
        assert!(is_name(name), "a tool's name: {name}");
        if kind == "function" {
            let arguments = call[kind]["arguments"].as_str().expect("arguments");
            assert!(!arguments.is_empty(), "arguments are empty");
        }
    }
}

/// Behind calls stand their results, all of them, and results stand nowhere
/// else.
fn check_results(messages: &[Value]) {
    let mut open: Vec<&str> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        if message["role"] == "tool" {
            let id = message["tool_call_id"].as_str().expect("tool_call_id");
            let found = open.iter().position(|open| *open == id);
            open.remove(found.unwrap_or_else(|| panic!("messages[{at}]: no call {id}")));
            continue;
        }
        assert!(
            open.is_empty(),
            "messages[{at}] before the results of {open:?}"
        );
        let calls = message.get("tool_calls").and_then(Value::as_array);
        let calls = calls.into_iter().flatten();
        open.extend(calls.map(|call| call["id"].as_str().expect("id")));
    }
    assert!(open.is_empty(), "no results of {open:?}");
}
