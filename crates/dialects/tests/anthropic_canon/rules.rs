//! What Anthropic refuses, as far as a request itself shows it. Strict on
//! purpose: every rule here is a 400 of the real provider.

use std::collections::BTreeSet;

use serde_json::Value;

/// Checks a request; gives the first rule that is broken.
pub(crate) fn check(request: &Value) -> Result<(), String> {
    members(request)?;
    let turns = turns(request)?;
    let mut ids = BTreeSet::new();
    let mut pending: Vec<String> = Vec::new();
    let mut uses_tools = false;
    for (at, (role, blocks)) in turns.iter().enumerate() {
        let fail = |why: &str| Err(format!("messages.{at}: {why}"));
        if blocks.is_empty() {
            return fail("content is empty");
        }
        let mut answered = Vec::new();
        let mut is_past_results = false;
        for block in *blocks {
            block_fits(role, block).map_err(|why| format!("messages.{at}: {why}"))?;
            if block["type"] == "tool_result" {
                if is_past_results {
                    return fail("a result behind other content");
                }
                answered.push(word(block, "tool_use_id"));
            } else {
                is_past_results = true;
            }
            if block["type"] == "tool_use" {
                uses_tools = true;
                if !ids.insert(word(block, "id")) {
                    return fail("tool_use ids must be unique");
                }
            }
        }
        if *role == "system" {
            continue;
        }
        if answered != pending {
            return fail(&format!("calls {pending:?} are answered by {answered:?}"));
        }
        pending = blocks
            .iter()
            .filter(|block| block["type"] == "tool_use")
            .map(|block| word(block, "id"))
            .collect();
    }
    if !pending.is_empty() {
        return Err("the last calls are not answered".to_owned());
    }
    if uses_tools && request["tools"].as_array().is_none_or(Vec::is_empty) {
        return Err("calls without tools".to_owned());
    }
    thinking(request, &turns)?;
    ends(request, &turns)
}

type Turn<'a> = (&'a str, &'a Vec<Value>);

fn word(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn members(request: &Value) -> Result<(), String> {
    const KNOWN: &[&str] = &[
        "model",
        "max_tokens",
        "messages",
        "system",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "metadata",
        "service_tier",
        "stream",
    ];
    for key in request.as_object().expect("an object").keys() {
        if !KNOWN.contains(&key.as_str()) {
            return Err(format!("{key}: extra inputs are not permitted"));
        }
    }
    if request["max_tokens"].as_u64().is_none_or(|most| most == 0) {
        return Err("max_tokens: field required".to_owned());
    }
    if request["temperature"].as_f64().is_some_and(|it| it > 1.0) {
        return Err("temperature: at most 1".to_owned());
    }
    if request.get("tool_choice").is_some() && request.get("tools").is_none() {
        return Err("tool_choice without tools".to_owned());
    }
    for tool in request["tools"].as_array().into_iter().flatten() {
        let name = word(tool, "name");
        let is_own = tool.get("type").is_none();
        if !fits(&name, 128) || is_own && tool["input_schema"]["type"] != "object" {
            return Err(format!("tool {name}: no name or schema of an object"));
        }
    }
    let names = request["tools"].as_array().into_iter().flatten();
    let names: Vec<String> = names.map(|tool| word(tool, "name")).collect();
    let distinct: BTreeSet<&String> = names.iter().collect();
    if distinct.len() < names.len() {
        return Err("tool names must be unique".to_owned());
    }
    let choice = &request["tool_choice"];
    if choice["type"] == "tool" && !names.contains(&word(choice, "name")) {
        return Err("tool_choice names no tool".to_owned());
    }
    Ok(())
}

fn turns(request: &Value) -> Result<Vec<Turn<'_>>, String> {
    let messages = request["messages"].as_array().expect("messages");
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().expect("a role");
        let blocks = message["content"].as_array().expect("blocks");
        let before = turns.last().map(|(role, _)| *role);
        let fits = match role {
            "user" => matches!(before, None | Some("assistant")),
            "assistant" => matches!(before, Some("user" | "system")),
            "system" => before == Some("user"),
            _ => false,
        };
        if !fits {
            return Err(format!("messages.{at}: {role} behind {before:?}"));
        }
        turns.push((role, blocks));
    }
    match turns.is_empty() {
        true => Err("messages: at least one".to_owned()),
        false => Ok(turns),
    }
}

fn fits(id: &str, longest: usize) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !id.is_empty() && id.len() <= longest && id.bytes().all(is_letter)
}

fn block_fits(role: &str, block: &Value) -> Result<(), String> {
    let kind = block["type"].as_str().expect("a type");
    let of: &[&str] = match kind {
        "text" => &["user", "assistant", "system"],
        "thinking" | "redacted_thinking" | "tool_use" => &["assistant"],
        "image" | "document" | "tool_result" => &["user"],
        other => return Err(format!("an unknown block {other}")),
    };
    if !of.contains(&role) {
        return Err(format!("{kind} of {role}"));
    }
    match kind {
        "text" if word(block, "text").trim().is_empty() => Err("an empty text".to_owned()),
        "thinking" if !word(block, "signature").starts_with("claude") => {
            Err("invalid signature in thinking block".to_owned())
        }
        "redacted_thinking" if !word(block, "data").starts_with("claude") => {
            Err("invalid data in redacted_thinking block".to_owned())
        }
        "tool_use" if !block["input"].is_object() => Err("input is no object".to_owned()),
        "tool_use" if !fits(&word(block, "id"), 64) || !fits(&word(block, "name"), 128) => {
            Err("an id or a name in other letters".to_owned())
        }
        "image" => source_fits(&block["source"]),
        "tool_result" => {
            let content = block["content"].as_array().into_iter().flatten();
            for inner in content {
                if !matches!(word(inner, "type").as_str(), "text" | "image" | "document") {
                    return Err("a result of something else".to_owned());
                }
                block_fits("user", inner)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn source_fits(source: &Value) -> Result<(), String> {
    let mime = word(source, "media_type");
    let known = ["image/png", "image/jpeg", "image/gif", "image/webp"];
    match source["type"].as_str() {
        Some("url" | "file") => Ok(()),
        Some("base64") if known.contains(&mime.as_str()) => Ok(()),
        _ => Err(format!("an image of {mime:?}")),
    }
}

fn is_thought(block: &Value) -> bool {
    matches!(
        block["type"].as_str(),
        Some("thinking" | "redacted_thinking")
    )
}

fn thinking(request: &Value, turns: &[Turn<'_>]) -> Result<(), String> {
    let kind = request["thinking"]["type"].as_str().unwrap_or_default();
    let thinks = matches!(kind, "enabled" | "adaptive");
    if kind == "enabled" {
        let budget = request["thinking"]["budget_tokens"].as_u64().unwrap_or(0);
        if budget < 1024 || Some(budget) >= request["max_tokens"].as_u64() {
            return Err(format!("budget_tokens: {budget}"));
        }
    }
    let sampled = ["temperature", "top_p", "top_k"];
    if thinks && sampled.iter().any(|key| request.get(*key).is_some()) {
        return Err("sampling beside thinking".to_owned());
    }
    let forced = matches!(
        request["tool_choice"]["type"].as_str(),
        Some("any" | "tool")
    );
    if thinks && forced {
        return Err("thinking beside a forced tool".to_owned());
    }
    let assistants = turns.iter().filter(|(role, _)| *role == "assistant");
    for (_, blocks) in assistants {
        if blocks.last().is_some_and(is_thought) {
            return Err("the final block cannot be thinking".to_owned());
        }
        if blocks.iter().any(is_thought) && !blocks.first().is_some_and(is_thought) {
            return Err("the first block must be thinking".to_owned());
        }
    }
    let is_loop = turns
        .last()
        .is_some_and(|(_, blocks)| blocks.iter().any(|block| block["type"] == "tool_result"));
    let last = turns.iter().rfind(|(role, _)| *role == "assistant");
    if let Some((_, blocks)) = last.filter(|_| is_loop) {
        let begins = blocks.first().is_some_and(is_thought);
        if kind == "enabled" && !begins {
            return Err("expected thinking, found something else".to_owned());
        }
        if kind == "disabled" && begins {
            return Err("thinking is disabled".to_owned());
        }
    }
    Ok(())
}

fn ends(request: &Value, turns: &[Turn<'_>]) -> Result<(), String> {
    let Some((role, blocks)) = turns.last() else {
        return Ok(());
    };
    if *role != "assistant" {
        return Ok(());
    }
    if request["thinking"]["type"] == "enabled" {
        return Err("prefill beside thinking".to_owned());
    }
    let text = blocks.last().map(|block| word(block, "text"));
    match text.is_some_and(|text| text.ends_with(char::is_whitespace)) {
        true => Err("final assistant content cannot end with white space".to_owned()),
        false => Ok(()),
    }
}
