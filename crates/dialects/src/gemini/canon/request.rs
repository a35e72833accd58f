//! Reading a client's request.

use domain::canon::{Block, Message, Request, Role};
use domain::refusal::Refusal;

use super::contents::Reader;
use super::fields::{Fields, missing, wrong};
use super::{config, parts, tools, unknown};
use crate::json::{Document, Kind, Node};

/// Reads a `generateContent` request. The model and whether the answer is
/// streamed stand in the URL: `model` stays empty, `stream` false.
///
/// # Errors
/// A member is missing or has a wrong type.
pub fn read_request(document: &Document) -> Result<Request, Refusal> {
    let mut top = Fields::of(document.root(), "")?;
    // `countTokens` may take a whole request instead of contents.
    if let Some(whole) = top.object("generateContentRequest")? {
        top = whole;
    }
    let mut request = Request::default();
    if let Some(system) = top.take("systemInstruction") {
        let content = instruction(system)?;
        if !content.is_empty() {
            request.messages.push(Message::new(Role::System, content));
        }
    }
    let what = "send the conversation as an array of contents";
    let contents = top
        .take("contents")
        .ok_or_else(|| missing("contents", what))?;
    let mut reader = Reader::default();
    if contents.get("parts").is_some() {
        // One turn without the brackets, as in Google's own examples.
        reader.content(contents, "contents".to_owned())?;
    } else if contents.kind() != Kind::Array {
        return Err(wrong("contents", "an array of contents"));
    } else if contents.items().next().is_none() {
        return Err(wrong("contents", "at least one content"));
    }
    for (at, content) in contents.items().enumerate() {
        reader.content(content, format!("contents[{at}]"))?;
    }
    request.messages.append(&mut reader.messages);
    for (at, tool) in top.list("tools")?.into_iter().enumerate() {
        tools::read(tool, &format!("tools[{at}]"), &mut request.tools)?;
    }
    if let Some(config) = top.object("toolConfig")? {
        tools::read_choice(config, &mut request)?;
    }
    if let Some(config) = top.object("generationConfig")? {
        config::read(config, &mut request)?;
    }
    request.service_tier = top.string("serviceTier")?.map(|tier| tier.to_lowercase());
    // The model of the URL is the one that counts.
    top.take("model");
    for (name, node) in top.rest() {
        request.rest.push(unknown(name, node));
    }
    Ok(request)
}

/// The system's prompt: a content without a role, or just its text.
fn instruction(node: Node<'_>) -> Result<Vec<Block>, Refusal> {
    let path = "systemInstruction";
    if let Some(text) = node.str() {
        return Ok(vec![Block::text(text)]);
    }
    let mut content = Fields::of(node, path)?;
    let mut blocks = Vec::new();
    for (at, part) in content.list("parts")?.into_iter().enumerate() {
        let path = format!("{path}.parts[{at}]");
        blocks.push(parts::read(part, &path)?);
    }
    Ok(blocks)
}
