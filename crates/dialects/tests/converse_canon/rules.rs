//! What Bedrock refuses, as far as a request itself shows it. Strict on
//! purpose: every rule here is a `ValidationException` of the real service, or
//! of the model behind it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::makers;

/// Members of a request and of what lies in it.
const REQUEST: &[&str] = &[
    "messages",
    "system",
    "inferenceConfig",
    "toolConfig",
    "guardrailConfig",
    "additionalModelRequestFields",
    "promptVariables",
    "additionalModelResponseFieldPaths",
    "requestMetadata",
    "performanceConfig",
    "serviceTier",
    "outputConfig",
];

pub(crate) type Checked = Result<(), String>;

/// A rule: it holds, or it is broken for this reason.
macro_rules! need {
    ($is_well:expr, $why:expr $(,)?) => {
        match $is_well {
            true => Ok::<(), String>(()),
            false => Err(String::from($why)),
        }
    };
}
pub(crate) use need;

/// Checks a request for this model; gives the first rule that is broken.
pub(crate) fn check(request: &Value, model: &str) -> Checked {
    let of = Model::of(model);
    only(request, REQUEST, "")?;
    settings(request)?;
    system(request, &of)?;
    let calls = conversation(request, &of)?;
    makers::tools(request, &of, calls)?;
    let points = request.to_string().matches("\"cachePoint\"").count();
    need!(points <= 4, "more than four cache points")?;
    need!(points == 0 || of.caches, "the model knows no cache points")?;
    match of.is_claude {
        true => makers::thinking(request),
        false => makers::others(request, model),
    }
}

/// What a model takes.
pub(crate) struct Model {
    pub(crate) is_claude: bool,
    caches: bool,
    pub(crate) forces: bool,
    mixes: bool,
}

impl Model {
    fn of(model: &str) -> Self {
        let is_claude = model.contains("claude");
        let is_nova = model.contains("nova");
        Self {
            is_claude,
            caches: is_nova || is_claude && !model.contains("claude-3-haiku"),
            // Of a profile only AWS knows what is behind it.
            forces: is_claude || is_nova || model.contains("inference-profile"),
            mixes: is_claude || is_nova,
        }
    }
}

pub(crate) fn only(value: &Value, known: &[&str], at: &str) -> Checked {
    let object = value
        .as_object()
        .ok_or_else(|| format!("{at}: no object"))?;
    for key in object.keys() {
        need!(known.contains(&key.as_str()), format!("{at}: extra {key}"))?;
    }
    Ok(())
}

/// The one member of a union.
pub(crate) fn union<'a>(value: &'a Value, at: &str) -> Result<(&'a str, &'a Value), String> {
    let object = value
        .as_object()
        .ok_or_else(|| format!("{at}: no object"))?;
    need!(object.len() == 1, format!("{at}: not one of a union"))?;
    let (key, value) = object.iter().next().expect("one");
    Ok((key.as_str(), value))
}

pub(crate) fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

pub(crate) fn fits(text: &str, others: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || others.contains(letter);
    (1..=64).contains(&text.len()) && text.chars().all(is_letter)
}

fn settings(request: &Value) -> Checked {
    let config = &request["inferenceConfig"];
    if !config.is_null() {
        let known = ["maxTokens", "temperature", "topP", "stopSequences"];
        only(config, &known, "inferenceConfig")?;
        let within = |key: &str| {
            config[key]
                .as_f64()
                .is_none_or(|it| (0.0..=1.0).contains(&it))
        };
        need!(
            within("temperature") && within("topP"),
            "not within 0 and 1",
        )?;
        let most = &config["maxTokens"];
        need!(
            most.is_null() || most.as_u64().is_some_and(|it| it > 0),
            "maxTokens",
        )?;
        let stops = list(&config["stopSequences"]);
        need!(stops.iter().all(|it| it != ""), "an empty stop sequence")?;
    }
    let tier = request["serviceTier"]["type"].as_str().unwrap_or("default");
    let tiers = ["priority", "default", "flex", "reserved"];
    need!(tiers.contains(&tier), "serviceTier")?;
    let output = &request["outputConfig"];
    if !output.is_null() {
        only(output, &["textFormat", "effort"], "outputConfig")?;
    }
    if let Some(format) = output.get("textFormat") {
        let schema = &format["structure"]["jsonSchema"];
        only(schema, &["schema", "name", "description"], "jsonSchema")?;
        let text = schema["schema"].as_str().ok_or("schema is no text")?;
        let schema: Value = serde_json::from_str(text).map_err(|it| it.to_string())?;
        need!(schema["additionalProperties"] == false, "an open schema")?;
    }
    Ok(())
}

fn system(request: &Value, of: &Model) -> Checked {
    let Some(blocks) = request.get("system") else {
        return Ok(());
    };
    need!(!list(blocks).is_empty(), "system is empty")?;
    for block in list(blocks) {
        let (kind, value) = union(block, "system")?;
        match kind {
            "text" => need!(!blank(value), "system: a blank text")?,
            "cachePoint" => point(value, of)?,
            other => return Err(format!("system: {other}")),
        }
    }
    need!(
        !block_is(&list(blocks)[0], "cachePoint"),
        "nothing to cache",
    )
}

pub(crate) fn blank(value: &Value) -> bool {
    value.as_str().is_none_or(|text| text.trim().is_empty())
}

pub(crate) fn block_is(block: &Value, kind: &str) -> bool {
    block.get(kind).is_some()
}

pub(crate) fn point(value: &Value, of: &Model) -> Checked {
    only(value, &["type", "ttl"], "cachePoint")?;
    need!(value["type"] == "default", "cachePoint.type")?;
    let ttl = value["ttl"].as_str();
    need!(ttl.is_none_or(|it| matches!(it, "5m" | "1h")), "ttl")?;
    need!(ttl.is_none() || of.is_claude, "the model knows no ttl")
}

/// Checks the conversation; gives how many calls are in it.
fn conversation(request: &Value, of: &Model) -> Result<usize, String> {
    let messages = list(&request["messages"]);
    need!(!messages.is_empty(), "no messages")?;
    let mut pending: Vec<&str> = Vec::new();
    let mut ids = BTreeSet::new();
    let mut documents = BTreeSet::new();
    for (at, message) in messages.iter().enumerate() {
        let role = if at % 2 == 0 { "user" } else { "assistant" };
        only(message, &["role", "content"], "message")?;
        need!(
            message["role"] == role,
            format!("messages.{at}: not {role}"),
        )?;
        let blocks = list(&message["content"]);
        need!(!blocks.is_empty(), format!("messages.{at}: no content"))?;
        need!(!block_is(&blocks[0], "cachePoint"), "nothing to cache")?;
        let mut answered = Vec::new();
        let mut is_past_results = false;
        for block in blocks {
            content(block, role, of, &mut documents)
                .map_err(|why| format!("messages.{at}: {why}"))?;
            match block.get("toolResult") {
                Some(result) => {
                    need!(!is_past_results, "a result behind other content")?;
                    answered.push(word(result, "toolUseId"));
                }
                None => is_past_results = !block_is(block, "cachePoint"),
            }
        }
        if !answered.is_empty() && !of.mixes {
            need!(!is_past_results, "words and results in one turn")?;
        }
        let has = |kind: &str| blocks.iter().any(|block| block_is(block, kind));
        need!(!has("document") || has("text"), "a document without a text")?;
        need!(
            answered == pending,
            format!("messages.{at}: {pending:?} by {answered:?}"),
        )?;
        let calls = blocks.iter().filter_map(|block| block.get("toolUse"));
        pending = calls.map(|call| word(call, "toolUseId")).collect();
        for id in &pending {
            need!(ids.insert(*id), "an id stands twice")?;
        }
    }
    need!(pending.is_empty(), "the last calls are not answered")?;
    let ends_with_user = messages.len() % 2 == 1;
    need!(
        ends_with_user || of.is_claude,
        "must end with a user message",
    )?;
    Ok(ids.len())
}

fn content(block: &Value, role: &str, of: &Model, documents: &mut BTreeSet<String>) -> Checked {
    let (kind, value) = union(block, "content")?;
    let is_user = role == "user";
    match kind {
        "text" => need!(!blank(value), "a blank text"),
        "cachePoint" => point(value, of),
        "image" | "document" | "video" | "audio" => {
            need!(is_user, format!("{kind} of an assistant"))?;
            medium(kind, value, documents)
        }
        "toolUse" => {
            need!(!is_user, "a call of a user")?;
            only(value, &["toolUseId", "name", "input"], kind)?;
            need!(fits(word(value, "toolUseId"), "_.:-"), "toolUseId")?;
            need!(fits(word(value, "name"), "_-"), "toolUse.name")?;
            need!(value["input"].is_object(), "input is no object")
        }
        "toolResult" => {
            need!(is_user, "a result of an assistant")?;
            only(value, &["toolUseId", "content", "status"], kind)?;
            need!(!list(&value["content"]).is_empty(), "an empty result")?;
            need!(value.get("status").is_none() || of.mixes, "status")?;
            for inner in list(&value["content"]) {
                let (kind, _) = union(inner, "toolResult")?;
                let known = ["json", "text", "image", "document", "video", "searchResult"];
                need!(known.contains(&kind), format!("{kind} in a result"))?;
                content(inner, "user", of, documents)?;
            }
            Ok(())
        }
        "reasoningContent" => {
            need!(!is_user && of.is_claude, "a thought")?;
            let (kind, value) = union(value, kind)?;
            let signed = match kind {
                "redactedContent" => value.as_str(),
                _ => value["signature"].as_str(),
            };
            let is_own = signed.is_some_and(|it| it.starts_with("claude"));
            need!(is_own, "a foreign signature")
        }
        other => Err(format!("an unknown block {other}")),
    }
}

fn medium(kind: &str, value: &Value, documents: &mut BTreeSet<String>) -> Checked {
    let formats: &[&str] = match kind {
        "image" => &["png", "jpeg", "gif", "webp"],
        "document" => &[
            "pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md",
        ],
        "video" => &[
            "mkv", "mov", "mp4", "webm", "flv", "mpeg", "wmv", "three_gp",
        ],
        _ => &[
            "mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "m4a", "pcm", "webm",
        ],
    };
    need!(
        formats.contains(&word(value, "format")),
        format!("{kind}.format"),
    )?;
    let (source, inner) = union(&value["source"], "source")?;
    match source {
        "bytes" => need!(!blank(inner), "no bytes")?,
        "s3Location" => need!(word(inner, "uri").starts_with("s3://"), "uri")?,
        other => return Err(format!("source.{other}")),
    }
    if kind != "document" {
        return only(value, &["format", "source"], kind);
    }
    let known = ["format", "source", "name", "context", "citations"];
    only(value, &known, kind)?;
    let name = word(value, "name");
    let is_letter = |it: char| it.is_ascii_alphanumeric() || " -()[]".contains(it);
    let is_well = (1..=200).contains(&name.len()) && !name.contains("  ");
    need!(is_well && name.chars().all(is_letter), "a document's name")?;
    need!(documents.insert(name.to_owned()), "two documents of a name")
}
