//! What the makers of the models refuse: tools, thinking, members that they do
//! not know.

use std::collections::BTreeSet;

use serde_json::Value;

use super::rules::{Checked, Model, blank, block_is, fits, list, need, only, point, union, word};

/// Tools, and the choice among them; so many calls are in the conversation.
pub(crate) fn tools(request: &Value, of: &Model, calls: usize) -> Checked {
    let Some(config) = request.get("toolConfig") else {
        return need!(calls == 0, "toolConfig must be defined");
    };
    only(config, &["tools", "toolChoice"], "toolConfig")?;
    let mut names = BTreeSet::new();
    for tool in list(&config["tools"]) {
        let (kind, value) = union(tool, "tools")?;
        match kind {
            "toolSpec" => {
                let known = ["name", "description", "inputSchema", "strict"];
                only(value, &known, kind)?;
                let name = word(value, "name");
                need!(fits(name, "_-"), "a tool's name")?;
                need!(names.insert(name), "two tools of a name")?;
                let said = value.get("description");
                need!(said.is_none_or(|it| !blank(it)), "an empty description")?;
                let schema = &value["inputSchema"]["json"];
                need!(schema["type"] == "object", "inputSchema.json.type")?;
            }
            "cachePoint" => {
                need!(of.is_claude, "a cache point among tools")?;
                point(value, of)?;
            }
            other => return Err(format!("tools: {other}")),
        }
    }
    need!(!names.is_empty(), "toolConfig without tools")?;
    let Some(choice) = config.get("toolChoice") else {
        return Ok(());
    };
    match union(choice, "toolChoice")? {
        ("auto", _) => Ok(()),
        ("any", _) => need!(of.forces, "toolChoice.any"),
        ("tool", named) => {
            need!(of.forces, "toolChoice.tool")?;
            need!(
                names.contains(word(named, "name")),
                "toolChoice names no tool",
            )
        }
        (other, _) => Err(format!("toolChoice.{other}")),
    }
}

fn is_thought(block: &Value) -> bool {
    block_is(block, "reasoningContent")
}

/// Claude's own rules.
pub(crate) fn thinking(request: &Value) -> Checked {
    let extra = &request["additionalModelRequestFields"];
    let kind = word(&extra["thinking"], "type");
    let thinks = matches!(kind, "enabled" | "adaptive");
    let config = &request["inferenceConfig"];
    if kind == "enabled" {
        let budget = extra["thinking"]["budget_tokens"].as_u64().unwrap_or(0);
        let most = config["maxTokens"].as_u64();
        need!(
            budget >= 1024 && Some(budget) < most,
            format!("budget {budget} of {most:?}"),
        )?;
    }
    let sampled = config
        .get("temperature")
        .or(config.get("topP"))
        .or(extra.get("top_k"));
    need!(!thinks || sampled.is_none(), "sampling beside thinking")?;
    let choice = &request["toolConfig"]["toolChoice"];
    let forced = block_is(choice, "any") || block_is(choice, "tool");
    need!(!thinks || !forced, "thinking beside a forced tool")?;
    let both = choice.is_object() && extra.get("tool_choice").is_some();
    need!(!both, "two tool choices")?;
    let messages = list(&request["messages"]);
    for message in messages.iter().filter(|it| it["role"] == "assistant") {
        let blocks = list(&message["content"]);
        let last = blocks.iter().rfind(|block| !block_is(block, "cachePoint"));
        need!(
            !last.is_some_and(is_thought),
            "the final block is a thought",
        )?;
        let any = blocks.iter().any(is_thought);
        need!(
            !any || is_thought(&blocks[0]),
            "the first block must be a thought",
        )?;
    }
    let blocks = |message: &Value| list(&message["content"]).to_vec();
    let last = messages.last().map(blocks).unwrap_or_default();
    let is_loop = last.iter().any(|block| block_is(block, "toolResult"));
    let before = messages
        .iter()
        .rfind(|it| it["role"] == "assistant")
        .map(blocks);
    let begins = before.unwrap_or_default().first().is_some_and(is_thought);
    need!(
        !is_loop || kind != "enabled" || begins,
        "expected a thought",
    )?;
    need!(
        !is_loop || kind != "disabled" || !begins,
        "thinking is disabled",
    )?;
    if messages.last().is_some_and(|it| it["role"] == "assistant") {
        need!(!thinks, "prefill beside thinking")?;
        let said = last.last().map(|block| word(block, "text").to_owned());
        let is_open = said.is_none_or(|text| !text.ends_with(char::is_whitespace));
        need!(is_open, "white space at the end")?;
    }
    Ok(())
}

/// What the other makers take.
pub(crate) fn others(request: &Value, model: &str) -> Checked {
    let extra = &request["additionalModelRequestFields"];
    let known: &[&str] = match model {
        model if model.contains("nova-2") => &["reasoningConfig", "inferenceConfig"],
        model if model.contains("nova") => &["inferenceConfig"],
        model if model.contains("gpt-oss") => &["reasoning_effort"],
        _ => &[],
    };
    if !extra.is_null() {
        only(extra, known, "additionalModelRequestFields")?;
    }
    need!(request["outputConfig"].get("effort").is_none(), "effort")?;
    if extra["reasoningConfig"]["maxReasoningEffort"] == "high" {
        let config = &request["inferenceConfig"];
        let bound = ["maxTokens", "temperature", "topP"];
        let is_free = bound.iter().all(|key| config.get(*key).is_none());
        need!(is_free, "limits beside the highest effort")?;
    }
    Ok(())
}
