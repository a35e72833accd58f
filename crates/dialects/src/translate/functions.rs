//! Tools as plain functions, for targets that know no others.
//!
//! A tool of free text becomes a function of one text. Which tools may be
//! called is said by declaring only those: what is left to a target is whether
//! one must be.

use std::borrow::Cow;

use bytes::Bytes;
use domain::canon::{Dialect, Format, Json, Loss, Request, Tool, ToolCall, ToolChoice, ToolKind};

use super::Names;
use crate::json::{Document, Kind, object};

/// The member that free text stands in.
const FREE_TEXT: &str = "input";
/// The member that arguments stand in which a model wrote and nobody can read.
pub(crate) const UNREADABLE: &str = "arguments";
/// A schema of that.
pub(super) const FREE_SCHEMA: &str =
    r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}"#;
/// A schema of no arguments.
const NO_ARGUMENTS: &str = r#"{"type":"object","properties":{}}"#;
/// What is lost of a text's format.
pub(super) const IN_WORDS: &str = "the text's format is told the model in words alone";
/// Schemas are nested at most this deeply.
const DEPTH: usize = 128;

/// A function by which a model gives its answer, where it cannot be told the
/// answer's form beside tools. No client's tool is called so.
pub(crate) const ANSWER_TOOL: &str = "portcullis_json_answer";

/// Why a choice is lost where it becomes words.
pub(crate) const ONLY_ASKED: &str = "the model cannot be forced to call a tool: it is asked to";

/// What a model is told that cannot be forced to call a tool: the one of this
/// name, or any.
pub(crate) fn asked_to_call(name: Option<&str>) -> String {
    let which = name.map_or_else(
        || "one of the tools".to_owned(),
        |it| format!("the tool `{it}`"),
    );
    format!("Answer by calling {which}, without any words of your own.")
}

/// Whether a tool is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Calling {
    /// As the model likes.
    Free,
    /// It must call one.
    Must,
    /// It must not.
    Never,
}

/// A function that is declared.
#[derive(Debug)]
pub(crate) struct Function<'a> {
    /// As the target has it.
    pub(crate) name: &'a str,
    pub(crate) description: Option<Cow<'a, str>>,
    /// JSON Schema of its arguments, an object's.
    pub(crate) schema: Cow<'a, str>,
    /// Whether arguments must follow the schema to the letter.
    pub(crate) is_strict: bool,
    /// Its place among the client's tools.
    pub(crate) at: usize,
}

/// The functions that may be called.
#[derive(Debug)]
pub(crate) struct Functions<'a> {
    pub(crate) list: Vec<Function<'a>>,
    pub(crate) calling: Calling,
}

impl<'a> Function<'a> {
    /// The function by which the answer is given; none if its form is not an
    /// object. `at` is behind the client's tools.
    pub(crate) fn answer(format: &'a Format, at: usize) -> Option<Self> {
        let (schema, strict) = match format {
            Format::Text => return None,
            Format::Json => (Cow::Borrowed(r#"{"type":"object"}"#), None),
            Format::Schema { schema, strict, .. } => (of_object(Some(schema)), *strict),
        };
        let document = Document::parse(Bytes::copy_from_slice(schema.as_bytes()), DEPTH).ok()?;
        let kind = document.root().get("type")?;
        (kind.str()? == "object").then(|| Self {
            name: ANSWER_TOOL,
            description: Some("Give the answer by calling this tool, once.".into()),
            schema,
            is_strict: strict == Some(true),
            at,
        })
    }
}

/// The tools of a request for `provider`, as functions.
pub(crate) fn functions<'a>(
    request: &'a Request,
    names: &'a Names,
    provider: &str,
    losses: &mut Vec<Loss>,
) -> Functions<'a> {
    let choice = request.tool_choice.as_ref();
    let mut list = Vec::new();
    for (at, tool) in request.tools.iter().enumerate() {
        note(tool, at, provider, losses);
        if may_be_called(tool, choice) {
            list.extend(function(tool, at, names));
        }
    }
    let calling = match choice {
        Some(ToolChoice::None) => Calling::Never,
        Some(ToolChoice::Any | ToolChoice::Named(_) | ToolChoice::Allowed { must: true, .. }) => {
            Calling::Must
        }
        None | Some(ToolChoice::Auto | ToolChoice::Allowed { .. }) => Calling::Free,
    };
    if list.is_empty() && calling == Calling::Must {
        let why = format!("{provider} gets no such tool");
        losses.push(Loss::meaning("tool_choice", why));
    }
    Functions { list, calling }
}

fn may_be_called(tool: &Tool, choice: Option<&ToolChoice>) -> bool {
    match choice {
        Some(ToolChoice::Named(name)) => tool.name == *name,
        Some(ToolChoice::Allowed { names, .. }) => names.contains(&tool.name),
        _ => true,
    }
}

/// What is not said of a tool.
fn note(tool: &Tool, at: usize, provider: &str, losses: &mut Vec<Loss>) {
    let mut lose = |member: &str, why: String| {
        losses.push(Loss::hint(format!("tools[{at}]{member}"), why));
    };
    match &tool.kind {
        // A tool that is not offered is not missed by a conversation; who
        // insists on it loses the choice.
        ToolKind::BuiltIn(own) => lose("", format!("{provider} runs no `{}`", own.name)),
        ToolKind::Custom { format: Some(_) } => {
            lose(".format", IN_WORDS.to_owned());
        }
        ToolKind::Function { .. } | ToolKind::Custom { format: None } => {}
    }
    // No client speaks the dialects that are written by this.
    for member in tool.unsaid(Dialect::Cohere) {
        let why = format!("{provider}'s tools have no such member");
        lose(&format!(".{}", member.name), why);
    }
    if tool.cache.is_some() {
        let why = format!("{provider} caches prompts by itself");
        lose(".cache_control", why);
    }
}

fn function<'a>(tool: &'a Tool, at: usize, names: &'a Names) -> Option<Function<'a>> {
    let described = tool.description.as_deref().map(Cow::Borrowed);
    let (description, schema) = match &tool.kind {
        ToolKind::BuiltIn(_) => return None,
        ToolKind::Function { schema } => (described, of_object(schema.as_ref())),
        ToolKind::Custom { format: None } => (described, FREE_SCHEMA.into()),
        ToolKind::Custom {
            format: Some(format),
        } => {
            let said = with_format(described.as_deref().unwrap_or_default(), format);
            (Some(said.into()), FREE_SCHEMA.into())
        }
    };
    Some(Function {
        name: names.outward(&tool.name),
        description,
        schema,
        is_strict: tool.strict == Some(true),
        at,
    })
}

/// A description with what its text must look like.
pub(super) fn with_format(said: &str, format: &Json) -> String {
    let all = format!("{said}\n\nThe format of the text: {}", format.as_str());
    all.trim_start().to_owned()
}

/// A schema that says that it is one of an object.
fn of_object(schema: Option<&Json>) -> Cow<'_, str> {
    let Some(schema) = schema.map(Json::as_str) else {
        return NO_ARGUMENTS.into();
    };
    let bytes = Bytes::copy_from_slice(schema.as_bytes());
    let Ok(document) = Document::parse(bytes, DEPTH) else {
        return schema.into();
    };
    let root = document.root();
    if root.kind() != Kind::Object {
        return NO_ARGUMENTS.into();
    }
    if root.get("type").is_some() || root.get("$ref").is_some() {
        return schema.into();
    }
    let written = object(|out| {
        out.string("type", "object");
        for (key, _, value) in root.entries() {
            out.raw(&key, &String::from_utf8_lossy(value.raw()));
        }
    });
    String::from_utf8(written).unwrap_or_default().into()
}

/// A call's arguments as an object. Free text goes in as the one member that
/// its tool is declared with; a text that is no object stays readable.
pub(crate) fn arguments(call: &ToolCall) -> Cow<'_, str> {
    let within = |key: &str| {
        let written = object(|out| {
            out.string(key, &call.arguments);
        });
        Cow::Owned(String::from_utf8(written).unwrap_or_default())
    };
    if call.custom {
        return within(FREE_TEXT);
    }
    let text = call.arguments.trim();
    if text.is_empty() {
        return "{}".into();
    }
    match Document::parse(Bytes::copy_from_slice(text.as_bytes()), DEPTH) {
        Ok(document) if document.root().kind() == Kind::Object => text.into(),
        Ok(document) if document.root().is_null() => "{}".into(),
        _ => within(UNREADABLE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(name: &str) -> Tool {
        Tool::new(name, ToolKind::Function { schema: None })
    }

    /// The names that are declared, how they are called, and what is lost.
    fn told(tools: Vec<Tool>, choice: ToolChoice) -> (Vec<String>, Calling, Vec<Loss>) {
        let request = Request {
            tools,
            tool_choice: Some(choice),
            ..Request::default()
        };
        let mut losses = Vec::new();
        let names = Names::default();
        let told = functions(&request, &names, "X", &mut losses);
        let declared = told.list.iter().map(|it| it.name.to_owned());
        (declared.collect(), told.calling, losses)
    }

    #[test]
    fn a_choice_among_tools_is_told_by_declaring_only_those() {
        let three = || vec![plain("a"), plain("b"), plain("c")];
        let (declared, calling, losses) = told(three(), ToolChoice::Named("b".to_owned()));
        assert_eq!(
            (declared.as_slice(), calling),
            (&["b".to_owned()][..], Calling::Must)
        );
        assert!(losses.is_empty());
        let names = vec!["a".to_owned(), "c".to_owned()];
        let (declared, calling, _) = told(three(), ToolChoice::Allowed { names, must: false });
        assert_eq!((declared.len(), calling), (2, Calling::Free));
    }

    #[test]
    fn who_insists_on_a_tool_that_is_not_there_is_told() {
        let (declared, _, losses) = told(vec![plain("a")], ToolChoice::Named("z".to_owned()));
        assert!(declared.is_empty());
        assert_eq!(losses[0].field, "tool_choice");
    }

    #[test]
    fn arguments_are_always_an_object() {
        let mut call = ToolCall {
            id: String::new(),
            name: String::new(),
            arguments: String::new(),
            custom: false,
            signature: None,
            cache: None,
        };
        for (text, wanted) in [
            ("", "{}"),
            (" null ", "{}"),
            (" {\"a\": 1} ", "{\"a\": 1}"),
            ("oops", "{\"arguments\":\"oops\"}"),
        ] {
            text.clone_into(&mut call.arguments);
            assert_eq!(arguments(&call), wanted);
        }
        call.custom = true;
        "x".clone_into(&mut call.arguments);
        assert_eq!(arguments(&call), "{\"input\":\"x\"}");
    }

    #[test]
    fn a_schema_is_always_one_of_an_object() {
        let of = |text: &str| of_object(Some(&Json::trusted(text))).into_owned();
        assert_eq!(of("{}"), "{\"type\":\"object\"}");
        assert_eq!(of("true"), NO_ARGUMENTS);
        assert_eq!(of_object(None), NO_ARGUMENTS);
        assert_eq!(of("{\"type\":\"object\"}"), "{\"type\":\"object\"}");
    }
}
