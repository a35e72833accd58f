//! Tools and the choice among them, written.

use std::collections::BTreeMap;

use domain::canon::{Dialect, Json, Loss, Request, Tool, ToolChoice, ToolKind};

use super::tools::SEARCH_OPTIONS;
use crate::json::{Array, Document, Object};
use crate::translate::{Names, Target};

/// Writes the tools, which of them to call, and whether several at once.
pub(super) fn write(
    root: &mut Object<'_>,
    request: &Request,
    target: &Target<'_>,
    losses: &mut Vec<Loss>,
) {
    let mut tools: Vec<&Tool> = Vec::new();
    for (at, tool) in request.tools.iter().enumerate() {
        if let Some(options) = search_options(tool) {
            root.raw(SEARCH_OPTIONS, options.as_str());
        } else if is_ours(tool) {
            tools.push(tool);
        } else {
            let why = format!("OpenAI's chat completions have no tool `{}`", tool.name);
            losses.push(Loss::hint(format!("tools[{at}]"), why));
        }
        for rest in tool.unsaid(Dialect::OpenAi) {
            let field = format!("tools[{at}].{}", rest.name);
            losses.push(Loss::hint(field, "OpenAI's tools have no such member"));
        }
        if tool.cache.is_some() {
            let field = format!("tools[{at}].cache_control");
            losses.push(Loss::hint(field, "OpenAI caches prompts by itself"));
        }
    }
    if tools.is_empty() {
        // Without tools it refuses the fields that are about them.
        if let Some(ToolChoice::Any | ToolChoice::Named(_)) = request.tool_choice {
            losses.push(Loss::meaning("tool_choice", "there is no tool to choose"));
        }
        return;
    }
    root.array("tools", |list| {
        for tool in &tools {
            write_tool(list, tool, target.names);
        }
    });
    if let Some(choice) = &request.tool_choice {
        write_choice(root, choice, &tools, target.names, losses);
    }
    if let Some(parallel) = request.parallel_tools {
        root.bool("parallel_tool_calls", parallel);
    }
}

/// What switches the search on, of the tool that stands for it.
fn search_options(tool: &Tool) -> Option<&Json> {
    match &tool.kind {
        ToolKind::BuiltIn(own) if is_ours(tool) && own.name == SEARCH_OPTIONS => Some(&own.raw),
        _ => None,
    }
}

fn is_ours(tool: &Tool) -> bool {
    match &tool.kind {
        ToolKind::BuiltIn(unknown) => unknown.dialect == Dialect::OpenAi,
        ToolKind::Function { .. } | ToolKind::Custom { .. } => true,
    }
}

fn write_tool(list: &mut Array<'_>, tool: &Tool, names: &Names) {
    let name = names.outward(&tool.name);
    match &tool.kind {
        ToolKind::BuiltIn(unknown) => {
            list.raw(unknown.raw.as_str());
        }
        ToolKind::Function { schema } => {
            list.object(|object| {
                object.string("type", "function");
                object.object("function", |function| {
                    write_named(function, name, tool);
                    if let Some(schema) = schema {
                        function.raw("parameters", schema.as_str());
                    }
                    if let Some(strict) = tool.strict {
                        function.bool("strict", strict);
                    }
                });
            });
        }
        ToolKind::Custom { format } => {
            list.object(|object| {
                object.string("type", "custom");
                object.object("custom", |custom| {
                    write_named(custom, name, tool);
                    if let Some(format) = format {
                        write_format(custom, format);
                    }
                });
            });
        }
    }
}

/// A custom tool's format. Responses have the grammar's members one higher.
fn write_format(custom: &mut Object<'_>, format: &Json) {
    let bytes = format.as_str().as_bytes().to_vec();
    let document = Document::parse(bytes.into(), 64).ok();
    let root = document.as_ref().map(Document::root);
    let flat = root.filter(|root| root.get("definition").is_some());
    let Some(flat) = flat else {
        custom.raw("format", format.as_str());
        return;
    };
    custom.object("format", |out| {
        out.string("type", "grammar");
        out.object("grammar", |out| {
            for (key, _, value) in flat.entries().filter(|(key, _, _)| key != "type") {
                out.raw(&key, &String::from_utf8_lossy(value.raw()));
            }
        });
    });
}

fn write_named(object: &mut Object<'_>, name: &str, tool: &Tool) {
    object.string("name", name);
    if let Some(description) = &tool.description {
        object.string("description", description);
    }
    let ours = tool
        .rest
        .iter()
        .filter(|rest| rest.dialect == Dialect::OpenAi);
    for rest in ours {
        object.raw(&rest.name, rest.raw.as_str());
    }
}

fn write_choice(
    root: &mut Object<'_>,
    choice: &ToolChoice,
    tools: &[&Tool],
    names: &Names,
    losses: &mut Vec<Loss>,
) {
    let by_name: BTreeMap<&str, &Tool> = tools.iter().map(|tool| (&*tool.name, *tool)).collect();
    let find = |name: &str| by_name.get(name).copied();
    match choice {
        ToolChoice::Auto => drop(root.string("tool_choice", "auto")),
        ToolChoice::None => drop(root.string("tool_choice", "none")),
        ToolChoice::Any => drop(root.string("tool_choice", "required")),
        ToolChoice::Named(name) => match find(name) {
            Some(tool) => {
                root.object("tool_choice", |object| write_chosen(object, tool, names));
            }
            None => {
                let why = format!("there is no tool `{name}`");
                losses.push(Loss::meaning("tool_choice", why));
            }
        },
        ToolChoice::Allowed {
            names: allowed,
            must,
        } => {
            root.object("tool_choice", |object| {
                object.string("type", "allowed_tools");
                object.object("allowed_tools", |object| {
                    object.string("mode", if *must { "required" } else { "auto" });
                    object.array("tools", |list| {
                        for tool in allowed.iter().filter_map(|name| find(name)) {
                            list.object(|object| write_chosen(object, tool, names));
                        }
                    });
                });
            });
        }
    }
}

fn write_chosen(object: &mut Object<'_>, tool: &Tool, names: &Names) {
    let kind = match &tool.kind {
        ToolKind::Function { .. } => "function",
        ToolKind::Custom { .. } => "custom",
        ToolKind::BuiltIn(unknown) => {
            object.string("type", &unknown.name);
            return;
        }
    };
    object.string("type", kind);
    object.object(kind, |object| {
        object.string("name", names.outward(&tool.name));
    });
}
