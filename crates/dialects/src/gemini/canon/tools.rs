//! Reading tools, and which of them must be called.

use domain::canon::{Dialect, Json, Request, Tool, ToolChoice, ToolKind, Unknown};
use domain::refusal::Refusal;

use super::fields::{Fields, missing, wrong};
use super::schema::to_json_schema;
use super::{raw, unknown};
use crate::json::Node;

/// Reads one object of `tools`: functions, or tools that Google runs itself,
/// or both.
///
/// # Errors
/// A member is missing or has a wrong type.
pub(super) fn read(node: Node<'_>, path: &str, out: &mut Vec<Tool>) -> Result<(), Refusal> {
    let mut tool = Fields::of(node, path)?;
    let path = tool.at("functionDeclarations");
    for (at, node) in tool.list("functionDeclarations")?.into_iter().enumerate() {
        out.push(function(node, format!("{path}[{at}]"))?);
    }
    for (name, node) in tool.rest() {
        let kind = ToolKind::BuiltIn(unknown(name.clone(), node));
        out.push(Tool::new(name, kind));
    }
    Ok(())
}

fn function(node: Node<'_>, path: String) -> Result<Tool, Refusal> {
    let mut function = Fields::of(node, path)?;
    let name = function.string("name")?;
    let name = name.ok_or_else(|| missing(&function.at("name"), "name the function"))?;
    let description = function.string("description")?;
    let mut rest = Vec::new();
    let mut schema = function.take("parametersJsonSchema").map(raw);
    if let Some(older) = function.take("parameters") {
        // As it was, for the way back; and so that others understand it.
        rest.push(unknown("parameters", older));
        schema.get_or_insert_with(|| to_json_schema(older));
    }
    for (name, node) in function.rest() {
        rest.push(unknown(name, node));
    }
    Ok(Tool {
        description,
        rest,
        ..Tool::new(name, ToolKind::Function { schema })
    })
}

/// Reads `toolConfig`.
///
/// # Errors
/// A member has a wrong type.
pub(super) fn read_choice(mut config: Fields<'_>, request: &mut Request) -> Result<(), Refusal> {
    if let Some(node) = config.take("functionCallingConfig") {
        let path = config.at("functionCallingConfig");
        let mut calling = Fields::of(node, path)?;
        let mode = calling.string("mode")?.unwrap_or_default();
        let mut names = Vec::new();
        let path = calling.at("allowedFunctionNames");
        for (at, name) in calling
            .list("allowedFunctionNames")?
            .into_iter()
            .enumerate()
        {
            let name = name.str();
            let name = name.ok_or_else(|| wrong(&format!("{path}[{at}]"), "a function's name"))?;
            names.push(name.into_owned());
        }
        let (choice, is_all) = choice_of(&mode.to_ascii_uppercase(), names)
            .ok_or_else(|| wrong(&calling.at("mode"), "`AUTO`, `ANY`, `NONE` or `VALIDATED`"))?;
        request.tool_choice = Some(choice);
        if !is_all || calling.rest().next().is_some() {
            let name = "toolConfig.functionCallingConfig";
            request.rest.push(unknown(name, node));
        }
    }
    for (name, node) in config.rest() {
        let name = format!("toolConfig.{name}");
        request.rest.push(unknown(name, node));
    }
    Ok(())
}

/// What a mode means, and whether that is all that it means.
fn choice_of(mode: &str, mut names: Vec<String>) -> Option<(ToolChoice, bool)> {
    let choice = match (mode, names.len()) {
        ("" | "MODE_UNSPECIFIED" | "AUTO", _) => ToolChoice::Auto,
        ("NONE", _) => ToolChoice::None,
        ("ANY", 0) => ToolChoice::Any,
        ("ANY", 1) => ToolChoice::Named(names.remove(0)),
        ("ANY", _) => ToolChoice::Allowed { names, must: true },
        // Calls that keep to their schemas, or text.
        ("VALIDATED", 0) => return Some((ToolChoice::Auto, false)),
        ("VALIDATED", _) => ToolChoice::Allowed { names, must: false },
        _ => return None,
    };
    Some((choice, true))
}

/// A member of this dialect's among others.
pub(super) fn own<'a>(rest: &'a [Unknown], name: &str) -> Option<&'a Json> {
    let own = rest.iter().find(|unknown| {
        let is_own = unknown.dialect == Dialect::Gemini;
        is_own && unknown.name == name
    });
    own.map(|unknown| &unknown.raw)
}
