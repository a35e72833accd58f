//! A client's request.

mod conversation;
mod part;

use domain::canon::{Block, Effort, Format, Json, Message, Reasoning, Request, Role, Unknown};
use domain::refusal::{Reason, Refusal};

use super::fields::{
    array, flag, json, loose, member, missing, object, optional, positive, required, text, unknown,
    whole, within, wrong,
};
use super::tool;
use crate::json::{Document, Kind, Node};
use crate::translate::values;

/// What `include` says for log probabilities.
pub(super) const LOGPROBS: &str = "message.output_text.logprobs";

/// What `include` says for sealed reasoning. The writer asks for it by itself.
pub(super) const ENCRYPTED: &str = "reasoning.encrypted_content";

/// Reads a request.
///
/// # Errors
/// A member is missing or has the wrong type; the refusal names it.
pub fn read_request(document: &Document) -> Result<Request, Refusal> {
    let root = document.root();
    if root.kind() != Kind::Object {
        let message = "The body must be a JSON object.";
        return Err(Refusal::new(Reason::BadField, message));
    }
    let mut request = Request::default();
    for (key, _, value) in root.entries().filter(|(_, _, value)| !value.is_null()) {
        take(&mut request, &key, value)?;
    }
    if request.model.is_empty() {
        return Err(missing("model", "send the model's name"));
    }
    // Every stream of this dialect ends with its usage.
    request.stream_usage = request.stream;
    let instructions = member(root, "instructions");
    if let Some(instructions) = instructions {
        request.messages = before(instructions)?;
    }
    let options = member(root, "prompt_cache_options");
    let ttl = options.and_then(|options| loose(options, "ttl"));
    let ttl = ttl.as_deref().unwrap_or("30m");
    match member(root, "input") {
        Some(input) if is_empty(input) && !is_elsewhere(root) => {
            return Err(wrong("input", "at least one item"));
        }
        Some(input) => {
            conversation::read(input, ttl, &mut request.messages)?;
            tool::read_found(input, &mut request.tools)?;
        }
        None if is_elsewhere(root) => {}
        None => return Err(missing("input", "send a text or a list of items")),
    }
    Ok(request)
}

fn is_empty(input: Node<'_>) -> bool {
    input.kind() == Kind::Array && input.items().next().is_none()
}

/// Whether the conversation is with the provider.
fn is_elsewhere(root: Node<'_>) -> bool {
    let keys = ["previous_response_id", "conversation", "prompt"];
    keys.iter().any(|key| member(root, key).is_some())
}

/// `instructions`: a text; a list of items where an answer is sent back.
fn before(instructions: Node<'_>) -> Result<Vec<Message>, Refusal> {
    let mut messages = Vec::new();
    match instructions.str() {
        Some(text) => messages.push(Message::new(Role::System, vec![Block::text(text)])),
        None => conversation::read(array(instructions, "instructions")?, "30m", &mut messages)?,
    }
    Ok(messages)
}

fn take(request: &mut Request, key: &str, value: Node<'_>) -> Result<(), Refusal> {
    match key {
        // What read_request looks at by itself.
        "input" | "instructions" => {}
        "model" => request.model = text(value, key)?,
        "tools" => request.tools = tool::read(value)?,
        "tool_choice" => match tool::read_choice(value)? {
            Some(choice) => request.tool_choice = Some(choice),
            None => request.rest.push(unknown(key, value)),
        },
        "parallel_tool_calls" => request.parallel_tools = Some(flag(value, key)?),
        "max_output_tokens" => request.max_tokens = Some(positive(value, key)?),
        "temperature" => {
            request.temperature = Some(within(value, key, &values::TEMPERATURE)?);
        }
        "top_p" => request.top_p = Some(within(value, key, &values::PART)?),
        "top_logprobs" => {
            let most = values::MOST_LOGPROBS;
            let number = u32::try_from(whole(value, key)?).ok();
            let number = number.filter(|number| *number <= most);
            let wrong = || wrong(key, &format!("a whole number, at most {most}"));
            request.top_logprobs = Some(number.ok_or_else(wrong)?);
        }
        "include" => include(request, value)?,
        "text" => shape(request, value)?,
        "reasoning" => reasoning(request, value)?,
        "stream" => request.stream = flag(value, key)?,
        "user" => request.user = Some(text(value, key)?),
        "metadata" => request.metadata = Some(json(object(value, key)?)),
        "service_tier" => request.service_tier = Some(text(value, key)?),
        // What they are when they are left out.
        "truncation" if value.str().as_deref() == Some("disabled") => {}
        "background" if value.bool() == Some(false) => {}
        _ => request.rest.push(unknown(key, value)),
    }
    Ok(())
}

fn include(request: &mut Request, value: Node<'_>) -> Result<(), Refusal> {
    let mut others = Vec::new();
    for (at, item) in array(value, "include")?.items().enumerate() {
        match &*text(item, &format!("include[{at}]"))? {
            LOGPROBS => request.logprobs = Some(true),
            ENCRYPTED => {}
            _ => others.push(String::from_utf8_lossy(item.raw())),
        }
    }
    if !others.is_empty() {
        let raw = Json::trusted(format!("[{}]", others.join(",")));
        let dialect = domain::canon::Dialect::Responses;
        request.rest.push(Unknown::new(dialect, "include", raw));
    }
    Ok(())
}

/// `text`: the answer's format and length.
fn shape(request: &mut Request, value: Node<'_>) -> Result<(), Refusal> {
    let value = object(value, "text")?;
    for (key, _, inner) in value.entries().filter(|(_, _, inner)| !inner.is_null()) {
        match &*key {
            "format" => request.format = format(request, inner)?,
            "verbosity" => match text(inner, "text.verbosity")? {
                word if values::is_verbosity(&word) => request.verbosity = Some(word),
                _ => request.rest.push(unknown("text.verbosity", inner)),
            },
            _ => request.rest.push(unknown(format!("text.{key}"), inner)),
        }
    }
    Ok(())
}

fn format(request: &mut Request, node: Node<'_>) -> Result<Option<Format>, Refusal> {
    let path = "text.format";
    let node = object(node, path)?;
    match &*required(node, "type", path)? {
        "text" => Ok(Some(Format::Text)),
        "json_object" => Ok(Some(Format::Json)),
        "json_schema" => {
            let at = "text.format.schema";
            let schema = member(node, "schema").ok_or_else(|| missing(at, "send a schema"))?;
            let strict = member(node, "strict");
            let strict = strict.map(|strict| flag(strict, "text.format.strict"));
            Ok(Some(Format::Schema {
                name: optional(node, "name", path)?,
                description: optional(node, "description", path)?,
                schema: json(object(schema, at)?),
                strict: strict.transpose()?,
            }))
        }
        _ => {
            request.rest.push(unknown(path, node));
            Ok(None)
        }
    }
}

fn reasoning(request: &mut Request, value: Node<'_>) -> Result<(), Refusal> {
    let value = object(value, "reasoning")?;
    let mut reasoning = Reasoning::default();
    for (key, _, inner) in value.entries().filter(|(_, _, inner)| !inner.is_null()) {
        let path = format!("reasoning.{key}");
        match &*key {
            "effort" => match effort(&text(inner, &path)?) {
                Some(effort) => reasoning.effort = Some(effort),
                None => request.rest.push(unknown(path, inner)),
            },
            "summary" | "generate_summary" => match text(inner, &path)? {
                word if is_summary(&word) => reasoning.summary = Some(word),
                _ => request.rest.push(unknown("reasoning.summary", inner)),
            },
            _ => request.rest.push(unknown(path, inner)),
        }
    }
    if reasoning != Reasoning::default() {
        request.reasoning = Some(reasoning);
    }
    Ok(())
}

fn is_summary(word: &str) -> bool {
    matches!(word, "auto" | "concise" | "detailed" | "none")
}

fn effort(word: &str) -> Option<Effort> {
    Some(match word {
        "none" => Effort::None,
        "minimal" => Effort::Minimal,
        "low" => Effort::Low,
        "medium" => Effort::Medium,
        "high" => Effort::High,
        "xhigh" => Effort::XHigh,
        "max" => Effort::Max,
        _ => return None,
    })
}
