//! What Google refuses in a request, as a strict checker.

use serde_json::{Map, Value};

const TOP: &[&str] = &[
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "safetySettings",
    "generationConfig",
    "cachedContent",
    "serviceTier",
    "labels",
];

const CONFIG: &[&str] = &[
    "maxOutputTokens",
    "temperature",
    "topP",
    "topK",
    "presencePenalty",
    "frequencyPenalty",
    "candidateCount",
    "seed",
    "stopSequences",
    "responseLogprobs",
    "logprobs",
    "thinkingConfig",
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    "responseModalities",
    "speechConfig",
    "mediaResolution",
    "imageConfig",
    "enableEnhancedCivicAnswers",
];

const DATA: &[&str] = &[
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
];

/// Panics, saying why, if Google would refuse the request for this model.
pub(crate) fn check(body: &Value, model: &str) {
    let top = known(body, TOP, "the request");
    if let Some(system) = top.get("systemInstruction") {
        let parts = list(&system["parts"]);
        assert!(!parts.is_empty(), "an empty system instruction");
        for part in parts {
            let text = part["text"].as_str().expect("a system's part is text");
            assert!(!text.is_empty(), "an empty text for the system");
        }
    }
    contents(&body["contents"], model);
    let functions = functions(body);
    choice(body, &functions);
    let config = body.get("generationConfig").cloned().unwrap_or_default();
    if config.is_object() {
        config_of(known(&config, CONFIG, "generationConfig"), model);
    }
    let format = config["responseMimeType"].as_str().unwrap_or("text/plain");
    let is_free = functions.is_empty() || format == "text/plain" || !is_old(model);
    assert!(is_free, "an older model: a format beside tools");
}

fn known<'a>(value: &'a Value, names: &[&str], of: &str) -> &'a Map<String, Value> {
    let members = value.as_object().expect("an object");
    for name in members.keys() {
        assert!(
            names.contains(&name.as_str()),
            "Unknown name {name:?} in {of}"
        );
    }
    members
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("an array")
}

/// Whether it is a model of before Gemini 3.
fn is_old(model: &str) -> bool {
    model.contains("gemini-2") || model.contains("gemini-1")
}

fn contents(contents: &Value, model: &str) {
    let contents = list(contents);
    assert!(!contents.is_empty(), "contents is not specified");
    let mut before: Option<&Value> = None;
    for (at, content) in contents.iter().enumerate() {
        known(content, &["role", "parts"], "a content");
        let role = content["role"].as_str().expect("a role");
        let wanted = if at % 2 == 0 { "user" } else { "model" };
        assert_eq!(role, wanted, "user and model must alternate, user first");
        let parts = list(&content["parts"]);
        assert!(!parts.is_empty(), "a content without parts");
        parts.iter().for_each(|part| self::part(part, role, model));
        if role == "model" {
            signed(parts);
        } else {
            answers(before, parts);
        }
        before = Some(content);
    }
    let last = contents.last().expect("one");
    let calls = list(&last["parts"]);
    let is_open = calls.iter().any(|part| part.get("functionCall").is_some());
    assert!(!is_open, "calls without results at the end");
}

fn part(part: &Value, role: &str, model: &str) {
    let members = part.as_object().expect("an object");
    let data: Vec<_> = members
        .keys()
        .filter(|name| DATA.contains(&name.as_str()))
        .collect();
    assert_eq!(data.len(), 1, "a part is one thing: {part}");
    for name in members.keys() {
        let beside = ["thought", "thoughtSignature", "videoMetadata"];
        let is_known = data[0] == name || beside.contains(&name.as_str());
        assert!(is_known, "Unknown name {name:?} in a part");
    }
    let is_signed = part.get("thoughtSignature").is_some();
    match data[0].as_str() {
        "text" => {
            let text = part["text"].as_str().expect("a text");
            assert!(!text.is_empty() || is_signed, "an empty text");
        }
        "inlineData" => {
            known(&part["inlineData"], &["mimeType", "data"], "inlineData");
            assert!(part["inlineData"]["mimeType"].is_string(), "no mimeType");
        }
        "fileData" => {
            known(&part["fileData"], &["mimeType", "fileUri"], "fileData");
            assert!(part["fileData"]["fileUri"].is_string(), "no fileUri");
        }
        "functionCall" => {
            assert_eq!(role, "model", "a call by the user");
            let call = &part["functionCall"];
            known(call, &["id", "name", "args"], "functionCall");
            assert!(call["args"].is_object(), "args must be an object");
            name(&call["name"]);
        }
        "functionResponse" => {
            assert_eq!(role, "user", "a result by the model");
            let response = &part["functionResponse"];
            let names = ["id", "name", "response", "parts"];
            known(response, &names, "functionResponse");
            assert!(response["response"].is_object(), "response: an object");
            let has_media = response.get("parts").is_some();
            assert!(
                !has_media || !is_old(model),
                "an older model: media in a result"
            );
            name(&response["name"]);
        }
        _ => {}
    }
    if let Some(signature) = part.get("thoughtSignature") {
        let signature = signature.as_str().expect("a text");
        assert!(
            !signature.contains("foreign"),
            "Corrupted thought signature."
        );
    }
}

fn name(name: &Value) {
    let name = name.as_str().expect("a name");
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || "_-.:".contains(letter);
    assert!(name.chars().all(is_word), "Invalid function name {name:?}");
    let first = name.chars().next().expect("an empty name");
    assert!(first.is_ascii_alphabetic() || first == '_', "name {name:?}");
    assert!(name.len() <= 64, "a name that is too long: {name:?}");
}

/// The first call of a content needs a signature.
fn signed(parts: &[Value]) {
    let call = parts.iter().find(|part| part.get("functionCall").is_some());
    if let Some(call) = call {
        let is_signed = call.get("thoughtSignature").is_some();
        assert!(is_signed, "Function call is missing a thought_signature");
    }
}

/// Results answer the calls just before, all of them, first and in order.
fn answers(before: Option<&Value>, parts: &[Value]) {
    let of = |parts: &[Value], key: &str| -> Vec<(Value, Value)> {
        let all = parts.iter().filter_map(|part| part.get(key));
        all.map(|one| (one["name"].clone(), one["id"].clone()))
            .collect()
    };
    let calls = before.map(|content| of(list(&content["parts"]), "functionCall"));
    let results = of(parts, "functionResponse");
    assert_eq!(
        calls.unwrap_or_default(),
        results,
        "calls and results differ"
    );
    let is_result = |part: &Value| part.get("functionResponse").is_some();
    let leading = parts.iter().take_while(|part| is_result(part)).count();
    assert_eq!(leading, results.len(), "results must come first");
}

fn functions(body: &Value) -> Vec<String> {
    let mut out = Vec::new();
    for tool in body.get("tools").map(list).unwrap_or_default() {
        let declared = tool.get("functionDeclarations").map(list);
        for function in declared.unwrap_or_default() {
            name(&function["name"]);
            let has_two = function.get("parameters").is_some()
                && function.get("parametersJsonSchema").is_some();
            assert!(!has_two, "two schemas");
            if let Some(schema) = function.get("parametersJsonSchema") {
                assert_eq!(schema["type"], "object", "a schema of an object");
            }
            let name = function["name"].as_str().expect("a name").to_owned();
            assert!(!out.contains(&name), "Duplicate function {name:?}");
            out.push(name);
        }
    }
    out
}

fn choice(body: &Value, functions: &[String]) {
    let Some(config) = body.pointer("/toolConfig/functionCallingConfig") else {
        return;
    };
    known(
        config,
        &["mode", "allowedFunctionNames"],
        "functionCallingConfig",
    );
    let mode = config["mode"].as_str().expect("a mode");
    assert!(
        !functions.is_empty() || mode == "NONE" || mode == "AUTO",
        "no function"
    );
    let names = config.get("allowedFunctionNames").map(list);
    for name in names.unwrap_or_default() {
        assert!(mode == "ANY" || mode == "VALIDATED", "names with {mode}");
        let name = name.as_str().expect("a name").to_owned();
        assert!(functions.contains(&name), "{name} is not declared");
    }
}

fn config_of(config: &Map<String, Value>, model: &str) {
    let stops = config.get("stopSequences").map(list);
    assert!(
        stops.unwrap_or_default().len() <= 5,
        "too many stop sequences"
    );
    if let Some(seed) = config.get("seed") {
        let seed = seed.as_i64().expect("a whole number");
        assert!(i32::try_from(seed).is_ok(), "a seed of more than 32 bits");
    }
    let Some(thinking) = config.get("thinkingConfig") else {
        return;
    };
    let names = ["thinkingBudget", "thinkingLevel", "includeThoughts"];
    let thinking = known(thinking, &names, "thinkingConfig");
    let budget = thinking
        .get("thinkingBudget")
        .map(|budget| budget.as_i64().expect("a number"));
    let level = thinking.get("thinkingLevel");
    assert!(budget.is_none() || level.is_none(), "a budget and a level");
    assert!(level.is_none() || !model.contains("2.5"), "no levels here");
    assert!(!model.contains("gemini-2.0"), "the model does not think");
    if model.contains("2.5-pro") {
        let is_fine = budget.is_none_or(|budget| budget == -1 || (128..=32_768).contains(&budget));
        assert!(is_fine, "a budget out of range");
    }
    assert!(
        !model.contains("gemini-3") || budget != Some(0),
        "it cannot stop"
    );
}
