//! Tools: declared and chosen.

use domain::canon::{Dialect, Json, Loss, Request, Tool, ToolChoice, ToolKind, Unknown, Weight};
use domain::refusal::Refusal;

use super::fields::{
    array, flag, json, member, missing, object, optional, required, type_of, unknown, wrong,
};
use super::item::{full_name, is_own, split_name};
use super::{emulated, hosts};
use crate::json::{Array, Document, Kind, Node, Object};
use crate::translate::Names;
use crate::translate::hosted::hosted;

/// Reads `tools`.
pub(super) fn read(node: Node<'_>) -> Result<Vec<Tool>, Refusal> {
    let mut tools = Vec::new();
    for (at, tool) in array(node, "tools")?.items().enumerate() {
        read_one(tool, None, &format!("tools[{at}]"), &mut tools)?;
    }
    Ok(tools)
}

fn read_one(
    node: Node<'_>,
    space: Option<&str>,
    path: &str,
    out: &mut Vec<Tool>,
) -> Result<(), Refusal> {
    let node = object(node, path)?;
    let kind = required(node, "type", path)?;
    match &*kind {
        "function" | "custom" => out.push(declared(node, &kind, space, path)?),
        "namespace" => {
            let name = required(node, "name", path)?;
            let path = format!("{path}.tools");
            let inner = member(node, "tools");
            let inner = inner.ok_or_else(|| missing(&path, "send the namespace's tools"))?;
            for (at, tool) in array(inner, &path)?.items().enumerate() {
                read_one(tool, Some(&name), &format!("{path}[{at}]"), out)?;
            }
        }
        _ if emulated::tool(node).is_some() => out.extend(emulated::tool(node)),
        _ => out.push(Tool::new(
            kind.clone(),
            ToolKind::BuiltIn(unknown(kind, node)),
        )),
    }
    Ok(())
}

/// A tool of the client's own. Some clients nest it as in chat completions.
fn declared(node: Node<'_>, kind: &str, space: Option<&str>, path: &str) -> Result<Tool, Refusal> {
    let nested = member(node, kind).filter(|inner| inner.kind() == Kind::Object);
    let node = nested.unwrap_or(node);
    let format = member(node, "format").map(json);
    let strict = member(node, "strict");
    let strict = strict.map(|strict| flag(strict, &format!("{path}.strict")));
    let known = [
        "type",
        "name",
        "description",
        "parameters",
        "strict",
        "format",
    ];
    let others = node
        .entries()
        .filter(|(key, _, value)| !known.contains(&&**key) && !value.is_null());
    Ok(Tool {
        name: full_name(space, &required(node, "name", path)?),
        description: optional(node, "description", path)?,
        strict: strict.transpose()?,
        cache: None,
        rest: others.map(|(key, _, value)| unknown(key, value)).collect(),
        kind: match kind {
            "custom" => ToolKind::Custom { format },
            _ => ToolKind::Function {
                schema: schema(node, path)?,
            },
        },
        declared: None,
    })
}

fn schema(node: Node<'_>, path: &str) -> Result<Option<Json>, Refusal> {
    let schema = member(node, "parameters");
    let path = format!("{path}.parameters");
    let schema = schema.map(|schema| object(schema, &path)).transpose()?;
    Ok(schema.map(json))
}

/// Reads the tools that a search found: they may be called from then on.
pub(super) fn read_found(input: Node<'_>, tools: &mut Vec<Tool>) -> Result<(), Refusal> {
    for (at, item) in input.items().enumerate() {
        let found = member(item, "tools").filter(|_| type_of(item) == "tool_search_output");
        for (number, tool) in found.into_iter().flat_map(Node::items).enumerate() {
            let mut new = Vec::new();
            read_one(
                tool,
                None,
                &format!("input[{at}].tools[{number}]"),
                &mut new,
            )?;
            new.retain(|new| !tools.iter().any(|known| known.name == new.name));
            tools.extend(new);
        }
    }
    Ok(())
}

/// Reads `tool_choice`; none where it chooses what this form cannot say.
pub(super) fn read_choice(node: Node<'_>) -> Result<Option<ToolChoice>, Refusal> {
    if let Some(word) = node.str() {
        return match &*word {
            "auto" => Ok(Some(ToolChoice::Auto)),
            "none" => Ok(Some(ToolChoice::None)),
            "required" => Ok(Some(ToolChoice::Any)),
            _ => Err(wrong(
                "tool_choice",
                "`auto`, `none`, `required` or an object",
            )),
        };
    }
    let node = object(node, "tool_choice")?;
    match &*required(node, "type", "tool_choice")? {
        "function" | "custom" => Ok(Some(ToolChoice::Named(chosen(node, "tool_choice")?))),
        "allowed_tools" => allowed(node),
        kind if emulated::is_choice(kind) || hosted(&unknown(kind, node)).is_some() => {
            Ok(Some(ToolChoice::Named(kind.to_owned())))
        }
        _ => Ok(None),
    }
}

fn chosen(node: Node<'_>, path: &str) -> Result<String, Refusal> {
    let inner = member(node, "function").unwrap_or(node);
    let space = optional(inner, "namespace", path)?;
    Ok(full_name(space.as_deref(), &required(inner, "name", path)?))
}

fn allowed(node: Node<'_>) -> Result<Option<ToolChoice>, Refusal> {
    let path = "tool_choice.tools";
    let tools = member(node, "tools");
    let tools = tools.ok_or_else(|| missing(path, "send the tools that are allowed"))?;
    let mut names = Vec::new();
    for (at, tool) in array(tools, path)?.items().enumerate() {
        if !matches!(&*type_of(tool), "function" | "custom") {
            return Ok(None);
        }
        names.push(chosen(tool, &format!("{path}[{at}]"))?);
    }
    let must = match &*required(node, "mode", "tool_choice")? {
        "auto" => false,
        "required" => true,
        _ => return Err(wrong("tool_choice.mode", "`auto` or `required`")),
    };
    Ok(Some(ToolChoice::Allowed { names, must }))
}

/// Writes the tools that can be said.
pub(super) fn write(out: &mut Array<'_>, tools: &[Tool], names: &Names) {
    for tool in tools {
        match native(tool) {
            Some(raw) => {
                out.raw(raw.as_str());
            }
            None => declare(out, tool, names),
        }
    }
}

/// Writes the tools as the client declared them.
pub(super) fn echo(out: &mut Array<'_>, tools: &[Tool]) {
    let names = Names::default();
    for tool in tools {
        match emulated::declared(tool) {
            Some((_, raw)) => {
                out.raw(raw.as_str());
            }
            None => declare(out, tool, &names),
        }
    }
}

fn declare(out: &mut Array<'_>, tool: &Tool, names: &Names) {
    match &tool.kind {
        ToolKind::BuiltIn(raw) if is_own(raw) => {
            out.raw(raw.raw.as_str());
        }
        ToolKind::BuiltIn(foreign) => {
            if let Some(kin) = hosts::own_of(foreign) {
                out.raw(&kin);
            }
        }
        _ => {
            out.object(|o| write_one(o, tool, names));
        }
    }
}

/// What the client declared of a built-in tool that it runs itself.
fn native(tool: &Tool) -> Option<&Json> {
    let declared = emulated::declared(tool);
    declared
        .filter(|(it, _)| it.is_native())
        .map(|(_, raw)| raw)
}

fn write_one(o: &mut Object<'_>, tool: &Tool, names: &Names) {
    let is_custom = matches!(tool.kind, ToolKind::Custom { .. });
    o.string("type", if is_custom { "custom" } else { "function" });
    write_name(o, names.outward(&tool.name));
    if let Some(description) = &tool.description {
        o.string("description", description);
    }
    match &tool.kind {
        ToolKind::Custom { format } => {
            if let Some(format) = format {
                write_format(o, format);
            }
        }
        ToolKind::Function { schema } => {
            let none = r#"{"type":"object","properties":{}}"#;
            o.raw("parameters", schema.as_ref().map_or(none, Json::as_str));
            // Left out it would mean *strict* here, and nowhere else.
            o.bool("strict", tool.strict.unwrap_or(false));
        }
        ToolKind::BuiltIn(_) => {}
    }
    for member in tool.rest.iter().filter(|member| is_own(member)) {
        o.raw(&member.name, member.raw.as_str());
    }
}

/// A tool's name, and its namespace where it stands in one.
pub(super) fn write_name(o: &mut Object<'_>, full: &str) {
    let (space, name) = split_name(full);
    o.string("name", name);
    if let Some(space) = space {
        o.string("namespace", space);
    }
}

/// A custom tool's format. Chat completions have the grammar one deeper.
fn write_format(o: &mut Object<'_>, format: &Json) {
    let bytes = format.as_str().as_bytes().to_vec();
    let document = Document::parse(bytes.into(), 64).ok();
    let root = document.as_ref().map(Document::root);
    let grammar = root.and_then(|root| root.get("grammar"));
    match grammar.filter(|grammar| grammar.kind() == Kind::Object) {
        Some(grammar) => o.object("format", |o| {
            o.string("type", "grammar");
            for (key, _, value) in grammar.entries() {
                o.raw(&key, json(value).as_str());
            }
        }),
        None => o.raw("format", format.as_str()),
    };
}

/// What of the tools is not said.
pub(super) fn losses(tools: &[Tool], out: &mut Vec<Loss>) {
    for (at, tool) in tools.iter().enumerate() {
        let field = format!("tools[{at}]");
        if let ToolKind::BuiltIn(raw) = &tool.kind
            && !is_own(raw)
        {
            hosts::losses(raw, field, out);
            continue;
        }
        for member in tool.unsaid(Dialect::Responses) {
            let why = format!("only {} has it", member.dialect.as_str());
            out.push(Loss::hint(format!("{field}.{}", member.name), why));
        }
        if tool.cache.is_some() {
            let why = "OpenAI caches tools by itself";
            out.push(Loss::hint(format!("{field}.cache_control"), why));
        }
    }
}

/// Writes `tool_choice`, as far as it can be said with these tools.
pub(super) fn write_choice(
    o: &mut Object<'_>,
    request: &Request,
    names: &Names,
    losses: &mut Vec<Loss>,
) {
    let Some(choice) = &request.tool_choice else {
        return;
    };
    let is_there = request.tools.iter().any(|tool| match &tool.kind {
        ToolKind::BuiltIn(raw) => hosts::name_of(raw).is_some(),
        _ => true,
    });
    if !is_there {
        // Without tools every choice but one would be refused.
        if !matches!(choice, ToolChoice::Auto | ToolChoice::None) {
            losses.push(Loss::meaning("tool_choice", "there is no tool to choose"));
        }
        return;
    }
    match choice {
        ToolChoice::Auto => o.string("tool_choice", "auto"),
        ToolChoice::None => o.string("tool_choice", "none"),
        ToolChoice::Any => o.string("tool_choice", "required"),
        ToolChoice::Named(name) => o.object("tool_choice", |o| one(o, name, request, names)),
        ToolChoice::Allowed { names: some, must } => o.object("tool_choice", |o| {
            o.string("type", "allowed_tools");
            o.string("mode", if *must { "required" } else { "auto" });
            o.array("tools", |a| {
                for name in some {
                    a.object(|o| one(o, name, request, names));
                }
            });
        }),
    };
}

fn one(o: &mut Object<'_>, name: &str, request: &Request, names: &Names) {
    let declared = request.tools.iter().find(|tool| tool.name == name);
    if declared.and_then(native).is_some() {
        o.string("type", name);
        return;
    }
    match declared.map(|tool| &tool.kind) {
        Some(ToolKind::BuiltIn(raw)) => {
            o.string("type", hosts::name_of(raw).unwrap_or(&raw.name));
        }
        kind => {
            let is_custom = matches!(kind, Some(ToolKind::Custom { .. }));
            o.string("type", if is_custom { "custom" } else { "function" });
            write_name(o, names.outward(name));
        }
    }
}

/// Members of other dialects that this one has under the same name.
const SHARED: [&str; 7] = [
    "store",
    "prompt_cache_key",
    "safety_identifier",
    "prompt_cache_retention",
    "prompt_cache_options",
    "moderation",
    "service_tier",
];

/// Members of other dialects that change nothing in the answer, or whose place
/// is taken by something that this provider does by itself.
const HINTS: [&str; 15] = [
    "anthropic_beta",
    "anthropic_version",
    "betas",
    "cache_control",
    "cachedContent.ttl",
    "context_management",
    "diagnostics",
    "inference_geo",
    "labels",
    "prediction",
    "safetySettings",
    "safety_settings",
    "speed",
    "stream_options",
    "user_profile_id",
];

/// Whether this member of the request's rest is written.
pub(super) fn is_carried(member: &Unknown) -> bool {
    is_own(member) || member.dialect == Dialect::OpenAi && SHARED.contains(&member.name.as_str())
}

/// What is lost with a member of the rest that is not.
pub(super) fn rest_loss(member: &Unknown) -> Loss {
    let is_hint = HINTS.contains(&member.name.as_str()) || member.is_hint();
    Loss {
        field: member.name.clone(),
        why: format!("only {} has it", member.dialect.as_str()),
        weight: if is_hint {
            Weight::Hint
        } else {
            Weight::Meaning
        },
    }
}
