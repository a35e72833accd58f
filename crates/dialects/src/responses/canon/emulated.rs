//! Built-in tools that the client runs itself.
//!
//! The provider knows them and calls them by items of their own; no other
//! dialect does. They become functions of the same name; by what was declared,
//! calls of them are written as those items again.

use domain::canon::{Block, Dialect, Json, Request, Tool, ToolCall, ToolKind, ToolResult};

use super::fields::{json, loose, member, type_of, unknown};
use crate::json::{Document, Kind, Node, Object};

/// One of them.
#[derive(Debug)]
pub(super) struct Emulated {
    /// The tool's type, and its name as a function.
    tool: &'static str,
    /// The type of the items that call it.
    call: &'static str,
    /// What the ids of those begin with: the provider looks at it.
    prefix: &'static str,
    /// Where the arguments stand in a call.
    arguments: &'static str,
    /// A call whose arguments have not come.
    nothing: &'static str,
    /// The type of the items that answer.
    output: &'static str,
    /// Where the answer stands in them.
    answer: &'static str,
    description: &'static str,
    schema: &'static str,
}

const ALL: [Emulated; 4] = [
    Emulated {
        tool: "tool_search",
        call: "tool_search_call",
        prefix: "tsc",
        arguments: "arguments",
        nothing: "{}",
        output: "tool_search_output",
        answer: "tools",
        description: "Finds tools that are not listed; they can be called afterwards.",
        schema: r#"{"type":"object","properties":{"query":{"type":"string"}},"required":["query"]}"#,
    },
    Emulated {
        tool: "local_shell",
        call: "local_shell_call",
        prefix: "lsh",
        arguments: "action",
        nothing: r#"{"type":"exec","command":[],"env":{}}"#,
        output: "local_shell_call_output",
        answer: "output",
        description: "Runs a command on the user's machine.",
        schema: r#"{"type":"object","properties":{"type":{"type":"string","enum":["exec"]},"command":{"type":"array","items":{"type":"string"}},"env":{"type":"object","additionalProperties":{"type":"string"}},"timeout_ms":{"type":"integer"},"working_directory":{"type":"string"}},"required":["type","command","env"]}"#,
    },
    Emulated {
        tool: "shell",
        call: "shell_call",
        prefix: "sh",
        arguments: "action",
        nothing: r#"{"commands":[]}"#,
        output: "shell_call_output",
        answer: "output",
        description: "Runs shell commands on the user's machine, all at once.",
        schema: r#"{"type":"object","properties":{"commands":{"type":"array","items":{"type":"string"}},"timeout_ms":{"type":"integer"},"max_output_length":{"type":"integer"}},"required":["commands"]}"#,
    },
    Emulated {
        tool: "apply_patch",
        call: "apply_patch_call",
        prefix: "apc",
        arguments: "operation",
        nothing: r#"{"type":"update_file","path":"","diff":""}"#,
        output: "apply_patch_call_output",
        answer: "output",
        description: "Creates, changes or deletes one file. `diff` is in the V4A format: \
            lines begin with a space, `-` or `+`, and sections with `@@`.",
        schema: r#"{"type":"object","properties":{"type":{"type":"string","enum":["create_file","update_file","delete_file"]},"path":{"type":"string"},"diff":{"type":"string"}},"required":["type","path"]}"#,
    },
];

/// Reads a tool, if it is one that the client runs.
pub(super) fn tool(node: Node<'_>) -> Option<Tool> {
    let kind = type_of(node);
    let it = ALL.iter().find(|it| it.tool == kind)?;
    if !is_client(it, node) {
        return None;
    }
    let schema = member(node, "parameters").filter(|schema| schema.kind() == Kind::Object);
    let schema = schema.map_or_else(|| Json::trusted(it.schema), json);
    Some(Tool {
        name: it.tool.to_owned(),
        description: Some(loose(node, "description").unwrap_or_else(|| it.description.to_owned())),
        kind: ToolKind::Function {
            schema: Some(schema),
        },
        strict: None,
        cache: None,
        declared: Some(unknown(it.tool, node)),
        rest: Vec::new(),
    })
}

/// Whether the client runs it, and not the provider.
fn is_client(it: &Emulated, node: Node<'_>) -> bool {
    match it.tool {
        "tool_search" => loose(node, "execution").as_deref() == Some("client"),
        "shell" => member(node, "environment").is_none_or(|place| type_of(place) == "local"),
        _ => true,
    }
}

/// Whether a choice of this type chooses one of them.
pub(super) fn is_choice(kind: &str) -> bool {
    ALL.iter().any(|it| it.tool == kind)
}

/// The call or the result that an item is, if it is of one of them.
pub(super) fn item(node: Node<'_>) -> Option<Block> {
    let kind = type_of(node);
    let is_one = |it: &&Emulated| it.call == kind || it.output == kind;
    let it = ALL.iter().find(is_one)?;
    if !is_client(it, node) {
        return None;
    }
    // The output of a local shell names its call so.
    let id = loose(node, "call_id").or_else(|| loose(node, "id"))?;
    if it.call == kind {
        let arguments = member(node, it.arguments).map(json);
        return Some(Block::ToolCall(ToolCall {
            id,
            name: it.tool.to_owned(),
            arguments: arguments.map_or_else(String::new, |it| it.as_str().to_owned()),
            custom: false,
            signature: None,
            cache: None,
        }));
    }
    let said = member(node, it.answer).map(|said| match said.str() {
        Some(text) => text.into_owned(),
        None => json(said).as_str().to_owned(),
    });
    let status = loose(node, "status").unwrap_or_default();
    let has_failed = it.tool == "apply_patch" && status == "failed";
    Some(Block::ToolResult(ToolResult {
        call: id,
        name: Some(it.tool.to_owned()),
        content: vec![Block::text(said.unwrap_or(status))],
        is_error: has_failed.then_some(true),
        custom: false,
        cache: None,
    }))
}

/// What a tool of this request emulates, and what the client declared.
pub(super) fn declared(tool: &Tool) -> Option<(&'static Emulated, &Json)> {
    let declared = tool.declared.as_ref()?;
    let is_own = declared.dialect == Dialect::Responses;
    let it = ALL.iter().find(|it| is_own && it.tool == declared.name)?;
    Some((it, &declared.raw))
}

/// What the tool of this name emulates.
pub(super) fn of(request: &Request, name: &str) -> Option<&'static Emulated> {
    let tool = request.tools.iter().find(|tool| tool.name == name)?;
    declared(tool).map(|(it, _)| it)
}

impl Emulated {
    /// Whether the provider of this dialect gets it as it is. What a search
    /// found is told to everybody in the same way: as tools.
    pub(super) fn is_native(&self) -> bool {
        self.tool != "tool_search"
    }

    /// What the ids of its calls begin with.
    pub(super) fn prefix(&self) -> &'static str {
        self.prefix
    }

    /// The members of a call of it behind its id; none of its arguments while
    /// they are coming.
    pub(super) fn write_call(&self, o: &mut Object<'_>, status: &str, id: &str, arguments: &str) {
        o.string("type", self.call).string("call_id", id);
        o.string("status", status);
        if self.tool == "tool_search" {
            o.string("execution", "client");
        }
        let is_object = Document::parse(arguments.as_bytes().to_vec().into(), 128)
            .is_ok_and(|document| document.root().kind() == Kind::Object);
        let arguments = if is_object { arguments } else { self.nothing };
        o.raw(self.arguments, arguments);
    }

    /// The members of its result.
    pub(super) fn write_result(&self, o: &mut Object<'_>, id: &str, result: &ToolResult) {
        let texts = result.content.iter().filter_map(|block| match block {
            Block::Text { text, .. } => Some(text.as_str()),
            _ => None,
        });
        let text: String = texts.collect();
        let key = if self.tool == "local_shell" {
            "id"
        } else {
            "call_id"
        };
        o.string("type", self.output).string(key, id);
        if self.tool == "apply_patch" {
            let has_failed = result.is_error == Some(true);
            o.string("status", if has_failed { "failed" } else { "completed" });
        }
        let is_list = self.tool == "shell"
            && Document::parse(text.as_bytes().to_vec().into(), 128)
                .is_ok_and(|document| document.root().kind() == Kind::Array);
        match (is_list, self.tool) {
            (true, _) => o.raw(self.answer, &text),
            (false, "shell") => o.array(self.answer, |a| {
                a.object(|o| {
                    o.string("stdout", &text).string("stderr", "");
                    o.object("outcome", |o| {
                        o.string("type", "exit").number("exit_code", 0);
                    });
                });
            }),
            (false, _) => o.string(self.answer, &text),
        };
    }
}
