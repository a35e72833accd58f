//! Writing tools, and which of them must be called.

use domain::canon::{Dialect, Json, Tool, ToolChoice, ToolKind, Unknown};

use super::super::tools::own;
use super::super::{FREE_TEXT, MAX_DEPTH, raw, text_of};
use super::beside::{self, Beside};
use super::{Member, Writing, own_members};
use crate::json::{Document, Kind, Object, array, object};
use crate::translate::hosted::{Hosted, hosted};

/// The items of `tools`: all functions in one, then each tool that Google runs
/// itself.
pub(super) fn declare(writing: &mut Writing<'_>, beside: &Beside) -> Vec<String> {
    let request = writing.request;
    let mut functions = Vec::new();
    let mut others = Vec::new();
    for (at, tool) in request.tools.iter().enumerate() {
        match &tool.kind {
            ToolKind::Function { schema } => {
                functions.push(function(writing, tool, schema.as_ref()));
            }
            ToolKind::Custom { format } => functions.push(custom(writing, tool, format.as_ref())),
            ToolKind::BuiltIn(unknown) => others.extend(built_in(writing, at, unknown)),
        }
        if tool.strict == Some(true) {
            let why = "Gemini's tools are not strict one by one";
            writing.hint(format!("tools[{at}].strict"), why);
        }
        for unknown in &tool.rest {
            if unknown.dialect != Dialect::Gemini {
                let field = format!("tools[{at}].{}", unknown.name);
                writing.hint(field, "Gemini has no such field");
            }
        }
    }
    if let Beside::Function(answer) = beside {
        functions.push(answer.clone());
    }
    if !functions.is_empty() {
        let text = object(|out| super::list(out, "functionDeclarations", &functions));
        others.insert(0, text_of(text));
    }
    others
}

fn function(writing: &Writing<'_>, tool: &Tool, schema: Option<&Json>) -> String {
    let older = own(&tool.rest, "parameters");
    let text = object(|out| {
        head(out, writing, tool, tool.description.as_deref());
        match (older, schema) {
            (Some(older), _) => {
                out.raw("parameters", older.as_str());
            }
            (None, Some(schema)) => {
                out.raw("parametersJsonSchema", &of_object(schema));
            }
            (None, None) => {}
        }
        for unknown in &tool.rest {
            if unknown.dialect == Dialect::Gemini && unknown.name != "parameters" {
                out.raw(&unknown.name, unknown.raw.as_str());
            }
        }
    });
    text_of(text)
}

fn head(out: &mut Object<'_>, writing: &Writing<'_>, tool: &Tool, description: Option<&str>) {
    out.string("name", writing.target.names.outward(&tool.name));
    if let Some(description) = description {
        out.string("description", description);
    }
}

/// A tool of free text, as a function of one text.
fn custom(writing: &Writing<'_>, tool: &Tool, format: Option<&Json>) -> String {
    let mut description = tool.description.clone().unwrap_or_default();
    if let Some(format) = format {
        description.push_str("\n\nThe format of the text: ");
        description.push_str(format.as_str());
    }
    let text = object(|out| {
        head(out, writing, tool, Some(description.trim_start()));
        out.object("parametersJsonSchema", |out| {
            out.string("type", "object");
            out.object("properties", |out| {
                out.object(FREE_TEXT, |out| {
                    out.string("type", "string");
                });
            });
            out.array("required", |list| {
                list.string(FREE_TEXT);
            });
        });
    });
    text_of(text)
}

/// A schema must say that it is one of an object.
fn of_object(schema: &Json) -> String {
    let bytes = schema.as_str().as_bytes().to_vec();
    let Ok(document) = Document::parse(bytes.into(), MAX_DEPTH) else {
        return schema.as_str().to_owned();
    };
    let root = document.root();
    if root.get("type").is_some() || root.get("$ref").is_some() {
        return schema.as_str().to_owned();
    }
    let text = object(|out| {
        out.string("type", "object");
        if root.kind() == Kind::Object {
            for (key, _, value) in root.entries() {
                out.raw(&key, raw(value).as_str());
            }
        }
    });
    text_of(text)
}

/// A tool that the provider runs. Others' searches and code runners have kin
/// here; beside functions only the newest models take them, so not then.
fn built_in(writing: &mut Writing<'_>, at: usize, unknown: &Unknown) -> Option<String> {
    if unknown.dialect == Dialect::Gemini {
        let text = object(|out| {
            out.raw(&unknown.name, unknown.raw.as_str());
        });
        return Some(text_of(text));
    }
    let tools = &writing.request.tools;
    let is_alone = tools
        .iter()
        .all(|tool| matches!(tool.kind, ToolKind::BuiltIn(_)));
    let field = format!("tools[{at}]");
    let Some(kin) = hosted(unknown).filter(|_| is_alone) else {
        let why = "Gemini does not run this tool, or not beside functions";
        writing.hint(field, why);
        return None;
    };
    let name = match &kin {
        Hosted::Search(search) => {
            search.losses(&field, "Gemini", &[], &mut writing.losses);
            "googleSearch"
        }
        Hosted::Fetch => "urlContext",
        Hosted::Run => "codeExecution",
    };
    Some(format!("{{\"{name}\":{{}}}}"))
}

/// The members of `toolConfig`.
pub(super) fn choose(writing: &mut Writing<'_>, beside: &Beside) -> Vec<Member> {
    let mut members = own_members(writing.request, "toolConfig.");
    let key = "functionCallingConfig";
    if let Beside::Function(_) = beside {
        members.retain(|(name, _)| name != key);
        members.insert(0, (key.to_owned(), beside::choice(writing)));
        return members;
    }
    let is_there = members.iter().any(|(name, _)| name == key);
    let Some(choice) = &writing.request.tool_choice else {
        return members;
    };
    if is_there {
        return members;
    }
    let tools = &writing.request.tools;
    if tools
        .iter()
        .all(|tool| matches!(tool.kind, ToolKind::BuiltIn(_)))
    {
        if !matches!(choice, ToolChoice::Auto | ToolChoice::None) {
            writing.meaning("tool_choice", "there is no function to call");
        }
        return members;
    }
    let config = match choice {
        ToolChoice::Auto => mode("AUTO", &[]),
        ToolChoice::None => mode("NONE", &[]),
        ToolChoice::Any => mode("ANY", &[]),
        ToolChoice::Named(name) => mode("ANY", &[writing.name(name)]),
        ToolChoice::Allowed { names, must } => {
            let names: Vec<_> = names.iter().map(|name| writing.name(name)).collect();
            mode(if *must { "ANY" } else { "VALIDATED" }, &names)
        }
    };
    std::iter::once((key.to_owned(), config))
        .chain(members)
        .collect()
}

/// `functionCallingConfig`.
pub(super) fn mode(mode: &str, names: &[String]) -> String {
    let text = object(|out| {
        out.string("mode", mode);
        if !names.is_empty() {
            let names = array(|list| {
                for name in names {
                    list.string(name);
                }
            });
            out.raw("allowedFunctionNames", &text_of(names));
        }
    });
    text_of(text)
}
