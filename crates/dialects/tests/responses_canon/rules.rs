//! What the provider insists on: a strict reading of a request's body.

#![expect(clippy::fn_params_excessive_bools, reason = "what the model is")]

use std::collections::BTreeMap;

use serde_json::Value;

const MEMBERS: &[&str] = &[
    "background",
    "context_management",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

const INCLUDABLE: &[&str] = &[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
];

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no {key} in {value}"))
}

fn only(value: &Value, keys: &[&str]) {
    for key in value.as_object().expect("an object").keys() {
        assert!(keys.contains(&key.as_str()), "{key} in {value}");
    }
}

fn is_name(name: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(is_word)
}

/// Panics where the provider would answer 400.
pub(crate) fn check(body: &Value, reasons: bool) {
    only(body, MEMBERS);
    assert!(!text(body, "model").is_empty());
    let is_kept = body.get("previous_response_id").is_some();
    let empty = Vec::new();
    let input = body["input"].as_array().unwrap_or(&empty);
    assert!(is_kept || !input.is_empty(), "nothing to answer: {body}");
    items(input, reasons);
    tools(body);
    if let Some(most) = body.get("max_output_tokens") {
        assert!(most.as_u64().expect("a number") >= 16);
    }
    for it in body["include"].as_array().unwrap_or(&empty) {
        let it = it.as_str().expect("a string");
        assert!(INCLUDABLE.contains(&it), "{it}");
        assert!(reasons || it != "reasoning.encrypted_content");
    }
    assert!(reasons || body.get("reasoning").is_none());
    assert!(
        body["user"]
            .as_str()
            .is_none_or(|user| user.chars().count() <= 64)
    );
    format(body);
}

fn format(body: &Value) {
    let format = &body["text"]["format"];
    match format["type"].as_str() {
        None | Some("text") => {}
        Some("json_object") => {
            let said = body["input"].to_string().to_lowercase();
            assert!(said.contains("json"), "the word is missing: {body}");
        }
        Some("json_schema") => {
            assert!(is_name(text(format, "name")));
            assert!(format["schema"].is_object());
        }
        Some(other) => panic!("{other}"),
    }
}

fn tools(body: &Value) {
    let mut names = Vec::new();
    for tool in body["tools"].as_array().into_iter().flatten() {
        match text(tool, "type") {
            kind @ ("function" | "custom") => {
                let name = text(tool, "name");
                assert!(is_name(name), "{name}");
                assert!(!names.contains(&name), "{name} twice");
                names.push(name);
                if kind == "function" {
                    assert!(tool["parameters"].is_object() && tool["strict"].is_boolean());
                }
            }
            _ => names.push(text(tool, "type")),
        }
    }
    let choice = &body["tool_choice"];
    if choice.is_null() {
        return;
    }
    assert!(!names.is_empty(), "a choice without tools: {body}");
    let chosen = match choice["type"].as_str() {
        Some("allowed_tools") => choice["tools"].as_array().cloned().unwrap_or_default(),
        Some(_) => vec![choice.clone()],
        None => Vec::new(),
    };
    for tool in chosen {
        let name = tool["name"].as_str().unwrap_or_else(|| text(&tool, "type"));
        assert!(names.contains(&name), "{name} is not there");
    }
}

fn items(input: &[Value], reasons: bool) {
    // Calls by id: whether they are custom, and answered.
    let mut calls: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    for (at, item) in input.iter().enumerate() {
        match text(item, "type") {
            "message" => message(item),
            kind @ ("function_call" | "custom_tool_call") => {
                let id = text(item, "call_id");
                assert!((1..=64).contains(&id.len()), "{id}");
                assert!(is_name(text(item, "name")), "{item}");
                let is_custom = kind == "custom_tool_call";
                text(item, if is_custom { "input" } else { "arguments" });
                let before = calls.insert(id.to_owned(), (is_custom, false));
                assert_eq!(before, None, "{id} twice");
            }
            kind @ ("function_call_output" | "custom_tool_call_output") => {
                let call = calls.get_mut(text(item, "call_id"));
                let call = call.unwrap_or_else(|| panic!("no call for {item}"));
                assert!(!call.1, "answered twice: {item}");
                assert_eq!(call.0, kind == "custom_tool_call_output", "{item}");
                call.1 = true;
                content(&item["output"], false);
            }
            "reasoning" => {
                assert!(reasons, "a model that does not think");
                assert!(item["summary"].is_array());
                let next = input.get(at + 1).unwrap_or(&Value::Null);
                let is_followed = match next["type"].as_str() {
                    Some("message") => next["role"] == "assistant",
                    Some(kind) => kind == "reasoning" || kind.ends_with("_call"),
                    None => false,
                };
                assert!(is_followed, "reasoning without what follows: {item}");
            }
            _ => {}
        }
    }
    for (id, (_, is_answered)) in calls {
        assert!(is_answered, "no output for {id}");
    }
}

fn message(item: &Value) {
    only(item, &["type", "role", "content"]);
    let role = text(item, "role");
    assert!(
        matches!(role, "user" | "assistant" | "system" | "developer"),
        "{role}"
    );
    content(&item["content"], role == "assistant");
}

fn content(content: &Value, is_model: bool) {
    if content.is_string() {
        return;
    }
    let parts = content.as_array().expect("a content");
    assert!(!parts.is_empty());
    for part in parts {
        match (text(part, "type"), is_model) {
            ("output_text", true) => {
                assert!(part["annotations"].is_array() && !text(part, "text").is_empty());
            }
            ("refusal", true) => assert!(!text(part, "refusal").is_empty()),
            ("input_text", false) => assert!(!text(part, "text").is_empty()),
            ("input_image", false) => {
                assert!(matches!(
                    text(part, "detail"),
                    "low" | "high" | "auto" | "original"
                ));
                assert!(part.get("image_url").is_some() != part.get("file_id").is_some());
            }
            ("input_file", false) => {
                let places = ["file_data", "file_url", "file_id"];
                let there = places.iter().filter(|key| part.get(**key).is_some());
                assert_eq!(there.count(), 1, "{part}");
                if let Some(data) = part["file_data"].as_str() {
                    assert!(data.starts_with("data:") && part["filename"].is_string());
                }
            }
            (kind, _) => panic!("{kind} in {content}"),
        }
    }
}
