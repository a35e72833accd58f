//! The words for it, by the shapes that `OpenAI`, Anthropic and Google give to
//! what their own tools did.

use std::borrow::Cow;

use domain::canon::Unknown;

use super::super::fields::{member, text};
use crate::json::{Document, Kind, Node};

/// Deeper values are of no tool that we know.
const MAX_DEPTH: usize = 64;

/// Members in which a provider seals what only it can read, and names that
/// mean something only there.
const SEALED: &[&str] = &[
    "cache_control",
    "caller",
    "container_id",
    "encrypted_content",
    "encrypted_index",
    "encrypted_stdout",
    "file_id",
    "id",
    "signature",
    "status",
    "thoughtSignature",
    "tool_use_id",
    "type",
];

/// Whether a block of this name, of Anthropic's, is for the model to read.
pub(super) fn is_to_read(name: &str) -> bool {
    matches!(name, "search_result" | "document" | "tool_reference")
}

/// What was done, in words; none if nobody else can read it.
pub(super) fn of(unknown: &Unknown) -> Option<String> {
    let bytes = unknown.raw.as_str().as_bytes().to_vec();
    let document = Document::parse(bytes.into(), MAX_DEPTH).ok()?;
    let root = document.root();
    match unknown.name.as_str() {
        "web_search_call" => searched(root),
        "file_search_call" => both(asked("Searched files for", root), found(root, "results")),
        "code_interpreter_call" => both(code(root), found(root, "outputs")),
        "mcp_call" => both(called(root, "server_label", "arguments"), mcp_said(root)),
        "server_tool_use" => used(root),
        "mcp_tool_use" => called(root, "server_name", "input"),
        // A summary of what was before it, where it is not sealed.
        "compaction" => text(root, "content").map(Cow::into_owned),
        "executableCode" => code(member(root, "executableCode")?),
        "codeExecutionResult" => found(member(root, "codeExecutionResult")?, "output"),
        "toolCall" => {
            let call = member(root, "toolCall")?;
            let (name, args) = (text(call, "toolType")?, member(call, "args").map(raw));
            Some(format!("Called {name} with {}", args.unwrap_or_default()))
        }
        "toolResponse" => found(member(root, "toolResponse")?, "response"),
        name if name.ends_with("_tool_result") => found(root, "content"),
        "search_result" | "document" => to_read(root),
        "tool_reference" => {
            let name = text(root, "tool_name")?;
            Some(format!("The tool `{name}` can be called."))
        }
        _ => None,
    }
}

fn both(did: Option<String>, gave: Option<String>) -> Option<String> {
    match (did, gave) {
        (Some(did), Some(gave)) => Some(format!("{did}\n{gave}")),
        (did, gave) => did.or(gave),
    }
}

/// `Searched … for: a; b`.
fn asked(what: &str, node: Node<'_>) -> Option<String> {
    let queries = member(node, "queries").into_iter().flat_map(Node::items);
    let mut queries: Vec<String> = queries
        .filter_map(|query| query.str().map(Cow::into_owned))
        .collect();
    if queries.is_empty() {
        queries.extend(text(node, "query").map(Cow::into_owned));
    }
    (!queries.is_empty()).then(|| format!("{what}: {}", queries.join("; ")))
}

fn searched(root: Node<'_>) -> Option<String> {
    let action = member(root, "action")?;
    let url = || text(action, "url");
    let did = match text(action, "type").as_deref() {
        Some("open_page") => url().map(|url| format!("Opened the page {url}")),
        Some("find_in_page" | "find") => {
            let pattern = text(action, "pattern").unwrap_or_default();
            url().map(|url| format!("Looked for \"{pattern}\" in the page {url}"))
        }
        _ => asked("Searched the web for", action),
    };
    both(did, found(action, "sources"))
}

fn code(node: Node<'_>) -> Option<String> {
    let code = text(node, "code")?;
    Some(format!("Ran this code:\n```\n{}\n```", code.trim_end()))
}

/// A call of a tool at a server of tools.
fn called(node: Node<'_>, server: &str, arguments: &str) -> Option<String> {
    let name = text(node, "name")?;
    let server = text(node, server).map(|server| format!(" of {server}"));
    let arguments = member(node, arguments).map(raw).unwrap_or_default();
    let server = server.unwrap_or_default();
    Some(format!("Called {name}{server} with {arguments}"))
}

fn mcp_said(root: Node<'_>) -> Option<String> {
    found(root, "output").or_else(|| found(root, "error"))
}

/// One of Anthropic's own tools.
fn used(root: Node<'_>) -> Option<String> {
    let input = member(root, "input")?;
    match text(root, "name").as_deref()? {
        "web_search" => asked("Searched the web for", input),
        "web_fetch" => text(input, "url").map(|url| format!("Opened the page {url}")),
        "code_execution" => code(input),
        "bash_code_execution" => {
            let command = text(input, "command")?;
            Some(format!("Ran this command:\n```\n{command}\n```"))
        }
        _ => called(root, "server_name", "input"),
    }
}

/// A found page or a document in pieces: what it is called, where it is from, its text.
fn to_read(root: Node<'_>) -> Option<String> {
    let mut lines: Vec<String> = ["title", "source", "context"]
        .into_iter()
        .filter_map(|key| text(root, key).map(Cow::into_owned))
        .collect();
    let source = member(root, "source").filter(|source| source.kind() == Kind::Object);
    let content = member(source.unwrap_or(root), "content")?;
    gather(content, None, &mut lines);
    Some(lines.join("\n"))
}

/// A string, or JSON as it is.
fn raw(node: Node<'_>) -> String {
    match node.str() {
        Some(text) => text.into_owned(),
        None => String::from_utf8_lossy(node.raw()).into_owned(),
    }
}

/// What came of it, below this member; none where nothing can be read.
fn found(node: Node<'_>, key: &str) -> Option<String> {
    let mut lines = Vec::new();
    gather(member(node, key)?, None, &mut lines);
    (!lines.is_empty()).then(|| format!("It gave:\n{}", lines.join("\n")))
}

/// Every text in it, one a line; pages with their titles. Media are not read.
fn gather(node: Node<'_>, key: Option<&str>, lines: &mut Vec<String>) {
    match node.kind() {
        Kind::String => {
            let text = node.str().unwrap_or_default();
            let text = text.trim_end();
            let is_media = text.starts_with("data:") || key == Some("data");
            if !text.is_empty() && !is_media {
                lines.push(match key {
                    None | Some("text" | "output" | "stdout" | "logs" | "content") => {
                        text.to_owned()
                    }
                    Some(key) => format!("{key}: {text}"),
                });
            }
        }
        Kind::Number => lines.extend(key.map(|key| format!("{key}: {}", raw(node)))),
        Kind::Array => node.items().for_each(|item| gather(item, key, lines)),
        Kind::Object => {
            let is_text = text(node, "media_type").is_none_or(|it| it.starts_with("text/"));
            for (key, _, value) in node.entries() {
                if SEALED.contains(&&*key) || key == "media_type" {
                    continue;
                }
                // A text's own bytes, of a document that is one.
                let key = match &*key {
                    "data" if is_text && text(node, "type").as_deref() == Some("text") => "text",
                    key => key,
                };
                gather(value, Some(key), lines);
            }
        }
        _ => {}
    }
}
