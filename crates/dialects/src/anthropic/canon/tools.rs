//! Tools that a client declares, and its choice among them.

use domain::canon::{Tool, ToolChoice, ToolKind};

use super::emulated;
use super::fields::{
    Read, array, cache, flag, json, missing, needed, object, path, string, unknown, wrong,
};
use crate::json::{Kind, Node};

/// The members of a client's own tool that the canonical form knows.
const KNOWN: &[&str] = &[
    "type",
    "name",
    "description",
    "input_schema",
    "strict",
    "cache_control",
];

/// All tools.
pub(super) fn read(root: Node<'_>) -> Read<Vec<Tool>> {
    let tools = array(root, "tools", "")?;
    let tools = tools.into_iter().flat_map(Node::items).enumerate();
    tools
        .map(|(index, node)| tool(node, &format!("tools[{index}]")))
        .collect()
}

fn tool(node: Node<'_>, at: &str) -> Read<Tool> {
    if node.kind() != Kind::Object {
        return Err(wrong(at, "an object"));
    }
    let kind = string(node, "type", at)?;
    if let Some(kind) = kind.filter(|kind| kind != "custom") {
        if let Some(tool) = emulated::tool(node, &kind, at)? {
            return Ok(tool);
        }
        return Ok(Tool::new(
            string(node, "name", at)?.unwrap_or_else(|| kind.clone()),
            ToolKind::BuiltIn(unknown(&kind, node)),
        ));
    }
    let schema = object(node, "input_schema", at)?;
    let what = "send a JSON Schema of type object";
    let schema = schema.ok_or_else(|| missing(&path(at, "input_schema"), what))?;
    let others = node
        .entries()
        .filter(|(key, _, value)| !KNOWN.contains(&&**key) && !value.is_null());
    Ok(Tool {
        name: needed(node, "name", at)?,
        description: string(node, "description", at)?,
        kind: ToolKind::Function {
            schema: Some(json(schema)),
        },
        strict: flag(node, "strict", at)?,
        cache: cache(node, at)?,
        rest: others.map(|(key, _, value)| unknown(&key, value)).collect(),
        declared: None,
    })
}

/// The choice, and whether several may be called at once.
pub(super) fn read_choice(root: Node<'_>) -> Read<(Option<ToolChoice>, Option<bool>)> {
    let Some(node) = object(root, "tool_choice", "")? else {
        return Ok((None, None));
    };
    let choice = match needed(node, "type", "tool_choice")?.as_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Any,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Named(needed(node, "name", "tool_choice")?),
        _ => {
            let expected = "`auto`, `any`, `tool` or `none`";
            return Err(wrong("tool_choice.type", expected));
        }
    };
    let is_single = flag(node, "disable_parallel_tool_use", "tool_choice")?;
    Ok((Some(choice), is_single.map(|is_single| !is_single)))
}
