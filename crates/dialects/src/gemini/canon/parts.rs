//! Reading the parts of a content.

use domain::canon::{Block, Signature, Thinking, ToolCall, ToolResult};
use domain::refusal::Refusal;

use super::fields::{Fields, member, missing, wrong};
use super::signature::{self, signed};
use super::{media, raw, unknown};
use crate::json::{Kind, Node};

/// Reads a part. A call's or a result's id stays empty where there is none.
///
/// # Errors
/// A member is missing or has a wrong type.
pub(super) fn read(node: Node<'_>, path: &str) -> Result<Block, Refusal> {
    let mut part = Fields::of(node, path)?;
    let signature = part.string("thoughtSignature")?;
    let said = match part.flag("thought")? {
        Some(true) => thought_of,
        _ => text_of,
    };
    if let Some(call) = part.object("functionCall")? {
        return call_of(call, signature.and_then(signed), node);
    }
    if let Some(response) = part.object("functionResponse")? {
        return result_of(response);
    }
    for key in ["inlineData", "fileData"] {
        let Some(data) = part.take(key) else {
            continue;
        };
        if member(node, "videoMetadata").is_some() || signature.is_some() {
            // Clips of a film; the model's own pictures, which it signs.
            return Ok(unknown(key, node).into());
        }
        let medium = match key {
            "inlineData" => media::inline(data),
            _ => media::file(data),
        };
        let what = match key {
            "inlineData" => "an object with `mimeType` and `data`",
            _ => "an object with `fileUri`",
        };
        let medium = medium.ok_or_else(|| wrong(&part.at(key), what))?;
        return Ok(Block::Media(medium));
    }
    if let Some(text) = part.string("text")? {
        return Ok(said(text, signature));
    }
    let known = [
        "executableCode",
        "codeExecutionResult",
        "toolCall",
        "toolResponse",
    ];
    let mut others = part.rest().map(|(name, _)| name);
    let name = others.find(|name| known.contains(&name.as_str()));
    if name.is_none() && signature.is_some() {
        return Ok(said(String::new(), signature));
    }
    Ok(unknown(name.unwrap_or_else(|| "part".to_owned()), node).into())
}

/// A text.
fn text_of(text: String, signature: Option<String>) -> Block {
    Block::Text {
        text,
        citations: Vec::new(),
        signature: signature.and_then(signed),
        cache: None,
    }
}

/// A thought: Google shows summaries of them.
fn thought_of(text: String, signature: Option<String>) -> Block {
    let mut thinking = Thinking {
        text,
        summary: true,
        ..Thinking::default()
    };
    if let Some(signature) = signature {
        signature::inward(&mut thinking, signature);
    }
    Block::Thinking(thinking)
}

fn call_of(
    mut call: Fields<'_>,
    signature: Option<Signature>,
    part: Node<'_>,
) -> Result<Block, Refusal> {
    if call.take("partialArgs").is_some() {
        return Ok(unknown("functionCall", part).into());
    }
    let what = "name the function that is called";
    let name = call.string("name")?;
    let name = name.ok_or_else(|| missing(&call.at("name"), what))?;
    let arguments = match call.take("args") {
        None => "{}".to_owned(),
        Some(args) if args.kind() == Kind::Object => raw(args).as_str().to_owned(),
        Some(_) => return Err(wrong(&call.at("args"), "an object")),
    };
    Ok(Block::ToolCall(ToolCall {
        id: call.string("id")?.unwrap_or_default(),
        name,
        arguments,
        custom: false,
        signature,
        cache: None,
    }))
}

fn result_of(mut response: Fields<'_>) -> Result<Block, Refusal> {
    let what = "name the function that answered";
    let name = response.string("name")?;
    let name = name.ok_or_else(|| missing(&response.at("name"), what))?;
    let (mut content, is_error) = match response.take("response") {
        None => (Vec::new(), None),
        Some(node) if node.kind() == Kind::Object => told(node),
        Some(_) => return Err(wrong(&response.at("response"), "an object")),
    };
    for (at, node) in response.list("parts")?.into_iter().enumerate() {
        let path = format!("{}[{at}]", response.at("parts"));
        let what = "an object with `inlineData` or `fileData`";
        let medium = media::of_part(node).ok_or_else(|| wrong(&path, what))?;
        content.push(Block::Media(medium));
    }
    Ok(Block::ToolResult(ToolResult {
        call: response.string("id")?.unwrap_or_default(),
        name: Some(name),
        content,
        is_error,
        custom: false,
        cache: None,
    }))
}

/// What a tool said: the text of `output` or `error` if there is nothing else,
/// else the object as it is.
fn told(response: Node<'_>) -> (Vec<Block>, Option<bool>) {
    let mut entries = response.entries();
    let first = entries.next();
    let Some((key, _, value)) = first.filter(|_| entries.next().is_none()) else {
        return (vec![Block::text(raw(response).as_str())], None);
    };
    let text = match value.str() {
        Some(text) => text.into_owned(),
        None => raw(value).as_str().to_owned(),
    };
    match (&*key, value.kind()) {
        ("error", _) => (vec![Block::text(text)], Some(true)),
        ("output", Kind::String) => (vec![Block::text(text)], None),
        _ => (vec![Block::text(raw(response).as_str())], None),
    }
}
