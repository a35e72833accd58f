//! What a client asks.

use domain::canon::{
    Block, CacheMark, Effort, Format, Json, Media, MediaKind, Message, Reasoning, Request, Role,
    Source, Tool, ToolCall, ToolChoice, ToolKind, ToolResult,
};
use proptest::prelude::*;

use super::{said, text};

/// A medium that a user may send, from any dialect.
pub fn media() -> impl Strategy<Value = Media> {
    let kind = prop::sample::select(vec![
        (MediaKind::Image, "image/png"),
        (MediaKind::Audio, "audio/wav"),
        (MediaKind::Audio, "audio/ogg"),
        (MediaKind::Video, "video/mp4"),
        (MediaKind::Document, "application/pdf"),
        (MediaKind::Document, "text/plain"),
    ]);
    let source = prop::sample::select(vec![
        Source::Base64("iVBORw0KGgo=".to_owned()),
        Source::Url("https://example.com/a".to_owned()),
        Source::File("file-123".to_owned()),
        Source::File("files/abc".to_owned()),
        Source::Text("plain words".to_owned()),
    ]);
    (kind, source, any::<bool>()).prop_filter_map(
        "only documents are texts",
        |((kind, mime), source, cached)| {
            let is_text = matches!(source, Source::Text(_));
            (!is_text || kind == MediaKind::Document).then(|| Media {
                kind,
                source,
                mime: Some(mime.to_owned()),
                name: is_text.then(|| "notes.txt".to_owned()),
                context: None,
                detail: None,
                citations: false,
                cache: cached.then(CacheMark::default),
            })
        },
    )
}

/// What a user says; texts may be empty, and there may be nothing.
fn asked() -> impl Strategy<Value = Vec<Block>> {
    let block = prop_oneof![
        4 => text().prop_map(Block::text),
        1 => Just(Block::text("")),
        1 => media().prop_map(Block::Media),
    ];
    prop::collection::vec(block, 0..3)
}

/// Where the results of a turn's calls stand.
#[derive(Clone, Copy, Debug)]
enum Results {
    /// Behind the calls, in one message.
    Together,
    /// Behind the calls, one message each.
    Apart,
    /// Behind another message.
    Late,
}

/// A turn: what is asked, what is answered, and the results of its calls.
fn turn() -> impl Strategy<Value = Vec<Message>> {
    let before = prop::option::weighted(0.3, text());
    let results = prop::sample::select(vec![Results::Together, Results::Apart, Results::Late]);
    let answered = prop::collection::vec(
        prop_oneof![
            3 => text().prop_map(|text| vec![Block::text(text)]),
            1 => Just(Vec::new()),
            1 => media().prop_map(|media| vec![Block::Media(media)]),
            1 => media().prop_map(|media| vec![Block::text("see"), Block::Media(media)]),
        ],
        6,
    );
    let names = prop::option::weighted(0.1, Just("Anna K".to_owned()));
    let failed = prop::option::weighted(0.2, Just(true));
    (before, asked(), said(), results, answered, (names, failed)).prop_map(
        |(before, asked, said, results, answered, (name, failed))| {
            let mut out = Vec::new();
            out.extend(before.map(|text| Message::new(Role::Developer, vec![Block::text(text)])));
            out.push(Message {
                role: Role::User,
                content: asked,
                name,
            });
            let calls: Vec<ToolCall> = said.iter().filter_map(called).cloned().collect();
            out.push(Message::new(Role::Assistant, said));
            let mut blocks: Vec<Block> = calls
                .into_iter()
                .zip(answered)
                .map(|(call, content)| {
                    Block::ToolResult(ToolResult {
                        call: String::new(),
                        name: Some(call.name),
                        content,
                        is_error: failed,
                        custom: false,
                        cache: None,
                    })
                })
                .collect();
            match results {
                _ if blocks.is_empty() => {}
                Results::Together => out.push(Message::new(Role::Tool, blocks)),
                Results::Apart => {
                    let each = blocks.drain(..);
                    out.extend(each.map(|block| Message::new(Role::Tool, vec![block])));
                }
                Results::Late => {
                    out.push(Message::new(Role::User, vec![Block::text("and quickly")]));
                    out.push(Message::new(Role::Tool, blocks));
                }
            }
            out
        },
    )
}

fn called(block: &Block) -> Option<&ToolCall> {
    match block {
        Block::ToolCall(call) => Some(call),
        _ => None,
    }
}

/// Gives calls and their results ids of their own, of any length.
fn link(messages: &mut [Message]) {
    let mut calls = 0;
    let mut open: Vec<String> = Vec::new();
    for message in messages {
        for block in &mut message.content {
            match block {
                Block::ToolCall(call) => {
                    calls += 1;
                    let long = if calls % 3 == 0 {
                        "x".repeat(60)
                    } else {
                        String::new()
                    };
                    call.id = format!("toolu_{long}{calls}");
                    open.push(call.id.clone());
                }
                Block::ToolResult(result) => result.call = open.remove(0),
                _ => {}
            }
        }
    }
}

/// A conversation with tools, as any dialect may have begun it. Everything in
/// it is answered but, perhaps, the last words of the user.
pub fn request() -> impl Strategy<Value = Request> {
    let turns = prop::collection::vec(turn(), 0..4);
    let system = prop::collection::vec(text(), 0..3);
    let reasoning = prop::option::of(prop_oneof![
        prop::sample::select(vec![Effort::None, Effort::Low, Effort::High, Effort::Max]).prop_map(
            |effort| Reasoning {
                effort: Some(effort),
                ..Reasoning::default()
            }
        ),
        (1024..40_000_u64).prop_map(|budget| Reasoning {
            budget: Some(budget),
            ..Reasoning::default()
        }),
    ]);
    let format = prop::option::of(prop::sample::select(vec![
        Format::Text,
        Format::Json,
        Format::Schema {
            name: None,
            description: None,
            schema: Json::trusted(r#"{"type":"object","properties":{"a":{"type":"number"}}}"#),
            strict: Some(true),
        },
    ]));
    let choice = prop::option::of(prop::sample::select(vec![
        ToolChoice::Auto,
        ToolChoice::None,
        ToolChoice::Any,
        ToolChoice::Named("search".to_owned()),
        ToolChoice::Named("missing".to_owned()),
    ]));
    (
        turns,
        system,
        reasoning,
        format,
        choice,
        (any::<bool>(), asked()),
    )
        .prop_map(
            |(turns, system, reasoning, format, tool_choice, (has_tools, asked))| {
                let mut messages: Vec<Message> = Vec::new();
                if !system.is_empty() {
                    let blocks = system.into_iter().map(Block::text).collect();
                    messages.push(Message::new(Role::System, blocks));
                }
                messages.extend(turns.into_iter().flatten());
                messages.push(Message::new(Role::User, asked));
                link(&mut messages);
                Request {
                    model: "asked".to_owned(),
                    messages,
                    tools: if has_tools { tools() } else { Vec::new() },
                    tool_choice,
                    parallel_tools: has_tools.then_some(false),
                    max_tokens: Some(60_000),
                    reasoning,
                    format,
                    stop: ["a", "b", "c", "d", "e"].map(str::to_owned).into(),
                    user: Some("user ".repeat(30)),
                    ..Request::default()
                }
            },
        )
}

/// Some tools, one with a name that few targets take.
pub fn tools() -> Vec<Tool> {
    let tool = |name: &str, schema: Option<&str>| Tool {
        name: name.to_owned(),
        description: Some(format!("The tool {name}.")),
        kind: ToolKind::Function {
            schema: schema.map(Json::trusted),
        },
        strict: None,
        cache: None,
        rest: Vec::new(),
        declared: None,
    };
    vec![
        tool(
            "get_weather",
            Some(r#"{"type":"object","properties":{"city":{"type":"string"}}}"#),
        ),
        tool("search", None),
        tool(&"mcp__server.tool/".repeat(8), Some(r#"{"type":"object"}"#)),
    ]
}
