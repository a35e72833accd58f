//! A request's tools, and which of them is to be called.

use domain::canon::{Tool, ToolChoice, ToolKind, Unknown};
use domain::refusal::Refusal;

use super::fields::{
    Path, flag, items, json, member, missing, needed, object, string, text, unknown, wrong,
};
use super::parts::cache_mark;
use crate::json::Node;

/// Where the search stands beside `tools`.
pub(super) const SEARCH_OPTIONS: &str = "web_search_options";

/// Reads `tools`.
pub(super) fn read_tools(node: Node<'_>, path: Path<'_>) -> Result<Vec<Tool>, Refusal> {
    let tools = items(node, path)?.enumerate();
    tools
        .map(|(at, tool)| read_tool(object(tool, path.at(at))?, path.at(at)))
        .collect()
}

/// The search that `web_search_options` switches on: a tool in all but its place.
pub(super) fn search(options: Node<'_>) -> Tool {
    Tool::new(
        SEARCH_OPTIONS,
        ToolKind::BuiltIn(unknown(SEARCH_OPTIONS, options)),
    )
}

/// Reads `functions`, what tools were before there were other kinds.
pub(super) fn read_functions(node: Node<'_>, path: Path<'_>) -> Result<Vec<Tool>, Refusal> {
    let tools = items(node, path)?.enumerate();
    tools
        .map(|(at, tool)| read_function(object(tool, path.at(at))?, path.at(at)))
        .collect()
}

fn read_tool(node: Node<'_>, path: Path<'_>) -> Result<Tool, Refusal> {
    let kind = needed(node, &path, "type", "say what kind of tool it is")?;
    let mut tool = match &*kind {
        "function" => {
            let path = path.key("function");
            let function = member(node, "function")
                .ok_or_else(|| missing(path, "send an object with the function's name"))?;
            read_function(object(function, path)?, path)?
        }
        "custom" => {
            let path = path.key("custom");
            let custom = member(node, "custom")
                .ok_or_else(|| missing(path, "send an object with the tool's name"))?;
            read_custom(object(custom, path)?, path)?
        }
        _ => Tool::new(
            text(node, "name").unwrap_or_else(|| kind.clone()),
            ToolKind::BuiltIn(unknown(&kind, node)),
        ),
    };
    if let Some(mark) = cache_mark(node) {
        tool.cache = Some(mark);
    }
    Ok(tool)
}

fn read_function(node: Node<'_>, path: Path<'_>) -> Result<Tool, Refusal> {
    let schema = member(node, "parameters")
        .map(|schema| object(schema, path.key("parameters")).map(json))
        .transpose()?;
    let strict = member(node, "strict")
        .map(|strict| flag(strict, path.key("strict")))
        .transpose()?;
    Ok(Tool {
        kind: ToolKind::Function { schema },
        strict,
        rest: rest(node, &["parameters", "strict"]),
        ..read_named(node, path)?
    })
}

fn read_custom(node: Node<'_>, path: Path<'_>) -> Result<Tool, Refusal> {
    let format = member(node, "format").map(json);
    Ok(Tool {
        kind: ToolKind::Custom { format },
        rest: rest(node, &["format"]),
        ..read_named(node, path)?
    })
}

/// What every tool of one's own has.
fn read_named(node: Node<'_>, path: Path<'_>) -> Result<Tool, Refusal> {
    let description = member(node, "description")
        .map(|words| string(words, path.key("description")))
        .transpose()?;
    Ok(Tool {
        name: needed(node, &path, "name", "name the tool")?.into_owned(),
        description: description.map(Into::into),
        kind: ToolKind::Function { schema: None },
        strict: None,
        cache: cache_mark(node),
        rest: Vec::new(),
        declared: None,
    })
}

fn rest(node: Node<'_>, known: &[&str]) -> Vec<Unknown> {
    const ALWAYS: &[&str] = &[
        "name",
        "description",
        "cache_control",
        "prompt_cache_breakpoint",
    ];
    let members = node.entries().filter(|(key, _, value)| {
        !value.is_null() && !ALWAYS.contains(&&**key) && !known.contains(&&**key)
    });
    members
        .map(|(key, _, value)| unknown(&key, value))
        .collect()
}

/// Reads `tool_choice`.
pub(super) fn read_choice(node: Node<'_>, path: Path<'_>) -> Result<ToolChoice, Refusal> {
    const EXPECTED: &str = "`none`, `auto`, `required`, or an object that names a tool";
    let kind = match node.str() {
        Some(word) => word,
        None => needed(
            object(node, path)?,
            &path,
            "type",
            "say how tools are chosen",
        )?,
    };
    match &*kind {
        "none" => Ok(ToolChoice::None),
        "auto" => Ok(ToolChoice::Auto),
        "required" | "any" => Ok(ToolChoice::Any),
        "function" | "custom" if node.str().is_none() => {
            let at = path.key(&kind);
            let named = member(node, &kind).unwrap_or(node);
            let name = needed(object(named, at)?, &at, "name", "name the tool")?;
            Ok(ToolChoice::Named(name.into_owned()))
        }
        "allowed_tools" if node.str().is_none() => {
            let at = path.key("allowed_tools");
            read_allowed(member(node, "allowed_tools").unwrap_or(node), at)
        }
        _ => Err(wrong(path, EXPECTED)),
    }
}

fn read_allowed(node: Node<'_>, path: Path<'_>) -> Result<ToolChoice, Refusal> {
    let mode = needed(
        object(node, path)?,
        &path,
        "mode",
        "say `auto` or `required`",
    )?;
    let at = path.key("tools");
    let tools = member(node, "tools").ok_or_else(|| missing(at, "list the tools"))?;
    let mut names = Vec::new();
    for (nth, tool) in items(tools, at)?.enumerate() {
        let at = at.at(nth);
        object(tool, at)?;
        let named = ["function", "custom"]
            .iter()
            .find_map(|key| member(tool, key))
            .unwrap_or(tool);
        names.push(needed(named, &at, "name", "name the tool")?.into_owned());
    }
    Ok(ToolChoice::Allowed {
        names,
        must: mode == "required",
    })
}

/// Reads `function_call`, what `tool_choice` was before.
pub(super) fn read_old_choice(node: Node<'_>, path: Path<'_>) -> Result<ToolChoice, Refusal> {
    match node.str().as_deref() {
        Some("none") => Ok(ToolChoice::None),
        Some("auto") => Ok(ToolChoice::Auto),
        Some(_) => Err(wrong(
            path,
            "`none`, `auto`, or an object that names a function",
        )),
        None => {
            let name = needed(object(node, path)?, &path, "name", "name the function")?;
            Ok(ToolChoice::Named(name.into_owned()))
        }
    }
}
