//! A grammar of canonical conversations, answers and streams, for the property
//! tests of every dialect.
//!
//! What it makes is well formed: every call has one result, ids are its own,
//! blocks open and close in their order. What a dialect cannot say, its tests
//! take out themselves.

#![allow(dead_code, unreachable_pub, reason = "each test uses what it needs")]

use domain::canon::{
    Answer, Block, CacheMark, Choice, Chunk, Delta, Dialect, Effort, Format, Json, Media,
    MediaKind, Message, Opened, Reasoning, Request, Role, Signature, Source, Stop, Thinking, Tool,
    ToolCall, ToolChoice, ToolKind, ToolResult,
};
use domain::usage::Usage;
use proptest::prelude::*;

/// Words that have broken a gateway somewhere.
const WORDS: &[&str] = &[
    "a",
    "Hello, world.",
    " ",
    "\n\n",
    "data: [DONE]",
    "\"quoted\" and \\ back",
    "é門😀",
    "e\u{301}",
    "\u{2028}\u{feff}",
    "{\"json\": true}",
    "</think>",
    "\u{0}\u{1f}",
    "a longer sentence that says nothing at all, and says it slowly",
];

/// Arguments of a call: none, some, and what is no JSON at all.
const ARGUMENTS: &[&str] = &[
    "",
    "{}",
    "{\"city\":\"Zürich\",\"days\":3}",
    "{\"nested\":{\"list\":[1,2.50,1e400],\"none\":null}}",
    "{\"text\":\"a \\\"b\\\" \\u00e9 \\n\"}",
    "{\"cut\":\"of",
];

/// A text that is not empty.
pub fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(WORDS), 1..4).prop_map(|words| words.concat())
}

/// A dialect, for signatures.
pub fn dialect() -> impl Strategy<Value = Dialect> {
    prop::sample::select(&Dialect::ALL[..])
}

/// Somebody's signature.
pub fn signature() -> impl Strategy<Value = Signature> {
    (dialect(), "[A-Za-z0-9+/]{8,40}={0,2}").prop_map(|(family, value)| Signature { family, value })
}

/// Thoughts: shown, signed, hidden.
pub fn thinking() -> impl Strategy<Value = Thinking> {
    let shown = (text(), prop::option::of(signature())).prop_map(|(text, signature)| Thinking {
        text,
        signature,
        ..Thinking::default()
    });
    let silent = signature().prop_map(|signature| Thinking {
        signature: Some(signature),
        ..Thinking::default()
    });
    let hidden = "[A-Za-z0-9+/]{8,40}".prop_map(|value| Thinking {
        redacted: true,
        signature: Some(Signature {
            family: Dialect::Anthropic,
            value,
        }),
        ..Thinking::default()
    });
    prop_oneof![4 => shown, 1 => silent, 1 => hidden]
}

/// A call; its id is set by [`numbered`].
pub fn call() -> impl Strategy<Value = ToolCall> {
    let name = prop::sample::select(vec!["get_weather", "search", "apply-patch", "_x"]);
    let arguments = prop::sample::select(ARGUMENTS);
    (name, arguments, prop::option::weighted(0.2, signature())).prop_map(
        |(name, arguments, signature)| ToolCall {
            id: String::new(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
            custom: false,
            signature,
            cache: None,
        },
    )
}

/// Gives every call an id of its own.
pub fn numbered(blocks: &mut [Block], from: &mut usize) {
    for block in blocks {
        if let Block::ToolCall(call) = block {
            *from += 1;
            call.id = format!("call_{from:06}");
        }
    }
}

/// What an answer says: thinking, texts, calls in any order, or a refusal.
pub fn said() -> impl Strategy<Value = Vec<Block>> {
    let block = prop_oneof![
        2 => thinking().prop_map(Block::Thinking),
        3 => text().prop_map(Block::text),
        3 => call().prop_map(Block::ToolCall),
    ];
    let refused = text().prop_map(|words| vec![Block::Refusal(words)]);
    prop_oneof![
        8 => prop::collection::vec(block, 0..6),
        1 => refused,
    ]
}

/// One of the answers, with an end that fits.
pub fn choice() -> impl Strategy<Value = Choice> {
    let stop = prop::sample::select(vec![Stop::End, Stop::End, Stop::Length, Stop::Filtered]);
    (said(), stop).prop_map(|(content, stop)| {
        let calls = content
            .iter()
            .any(|block| matches!(block, Block::ToolCall(_)));
        let refused = content
            .iter()
            .any(|block| matches!(block, Block::Refusal(_)));
        let stop = match (calls, refused, stop) {
            (_, true, _) => Stop::Refused,
            (true, _, Stop::End) => Stop::ToolCalls,
            (_, _, stop) => stop,
        };
        Choice {
            content,
            stop: Some(stop),
            logprobs: None,
        }
    })
}

/// What was used.
pub fn usage() -> impl Strategy<Value = Usage> {
    let part = || prop_oneof![Just(0_u64), 1..100_000_u64];
    (part(), part(), part(), part(), part()).prop_map(
        |(input, cached_input, cache_write, output, reasoning)| Usage {
            input,
            cached_input,
            cache_write,
            output,
            reasoning,
            ..Usage::default()
        },
    )
}

/// A whole answer of one to three choices.
pub fn answer() -> impl Strategy<Value = Answer> {
    answer_of(1..4)
}

/// A whole answer of so many choices.
pub fn answer_of(choices: std::ops::Range<usize>) -> impl Strategy<Value = Answer> {
    let choices = prop::collection::vec(choice(), choices);
    (choices, prop::option::of(usage())).prop_map(|(mut choices, usage)| {
        let mut calls = 0;
        for choice in &mut choices {
            numbered(&mut choice.content, &mut calls);
        }
        Answer {
            id: "answer-1".to_owned(),
            model: "model-1".to_owned(),
            created: Some(1_790_000_000),
            choices,
            usage,
            rest: Vec::new(),
        }
    })
}

/// A stream: the answer that it amounts to, and its chunks, cut anywhere, with
/// calls that stand side by side and choices that come in turns.
pub fn stream() -> impl Strategy<Value = (Answer, Vec<Chunk>)> {
    stream_of(1..4)
}

/// A stream of so many choices.
pub fn stream_of(choices: std::ops::Range<usize>) -> impl Strategy<Value = (Answer, Vec<Chunk>)> {
    let dice = prop::collection::vec(any::<u8>(), 1..64);
    (answer_of(choices), dice).prop_map(|(answer, dice)| {
        let chunks = chunks(&answer, Dice(dice, 0));
        (answer, chunks)
    })
}

/// Chance, in an order that a failing test can repeat.
pub struct Dice(Vec<u8>, usize);

impl Dice {
    /// One of so many.
    fn below(&mut self, many: usize) -> usize {
        self.1 += 1;
        usize::from(self.0[self.1 % self.0.len()]) % many.max(1)
    }
}

/// The chunks that an answer may be streamed as.
pub fn chunks(answer: &Answer, mut dice: Dice) -> Vec<Chunk> {
    let mut out = vec![Chunk::Start {
        id: answer.id.clone(),
        model: answer.model.clone(),
        created: answer.created,
    }];
    let mut sides: Vec<Vec<Chunk>> = Vec::new();
    for (number, choice) in answer.choices.iter().enumerate() {
        let number = u32::try_from(number).expect("few");
        sides.push(of_choice(number, choice, &mut dice));
    }
    merge(sides, &mut dice, &mut out);
    out.extend(answer.usage.map(Chunk::Usage));
    out.push(Chunk::End);
    out
}

/// Several sequences in turns; the order within each stays.
fn merge(sides: Vec<Vec<Chunk>>, dice: &mut Dice, out: &mut Vec<Chunk>) {
    let mut sides: Vec<_> = sides.into_iter().map(Vec::into_iter).collect();
    while !sides.is_empty() {
        let at = dice.below(sides.len());
        match sides[at].next() {
            Some(chunk) => out.push(chunk),
            None => drop(sides.remove(at)),
        }
    }
}

fn of_choice(number: u32, choice: &Choice, dice: &mut Dice) -> Vec<Chunk> {
    let mut out = Vec::new();
    let mut beside: Vec<Vec<Chunk>> = Vec::new();
    for (block, content) in choice.content.iter().enumerate() {
        let block = u32::try_from(block).expect("few");
        let is_call = matches!(content, Block::ToolCall(_));
        if !is_call {
            calls(std::mem::take(&mut beside), dice, &mut out);
        }
        let mut chunks = of_block(number, block, content, dice);
        if is_call {
            // Calls open in their order, and then grow side by side.
            beside.push(chunks);
        } else {
            out.append(&mut chunks);
        }
    }
    calls(beside, dice, &mut out);
    out.extend(choice.stop.clone().map(|stop| Chunk::Stop {
        choice: number,
        stop,
    }));
    out
}

fn calls(mut beside: Vec<Vec<Chunk>>, dice: &mut Dice, out: &mut Vec<Chunk>) {
    if dice.below(2) == 0 {
        out.extend(beside.into_iter().flatten());
        return;
    }
    out.extend(beside.iter_mut().map(|call| call.remove(0)));
    merge(beside, dice, out);
}

fn of_block(choice: u32, block: u32, content: &Block, dice: &mut Dice) -> Vec<Chunk> {
    let (opened, deltas) = match content {
        Block::Text { text, .. } => (Opened::Text, cut(text, dice, Delta::Text)),
        Block::Refusal(text) => (Opened::Refusal, cut(text, dice, Delta::Text)),
        Block::ToolCall(call) => (
            Opened::ToolCall {
                id: call.id.clone(),
                name: call.name.clone(),
                custom: call.custom,
                signature: call.signature.clone(),
            },
            cut(&call.arguments, dice, Delta::Arguments),
        ),
        Block::Thinking(thinking) if thinking.redacted => {
            (Opened::Thinking(thinking.clone()), Vec::new())
        }
        Block::Thinking(thinking) => {
            let mut deltas = cut(&thinking.text, dice, Delta::Text);
            deltas.extend(thinking.signature.clone().map(Delta::Signature));
            let opened = Thinking {
                text: String::new(),
                signature: None,
                ..thinking.clone()
            };
            (Opened::Thinking(opened), deltas)
        }
        Block::Unknown(unknown) => (Opened::Unknown(unknown.clone()), Vec::new()),
        Block::Media(_) | Block::ToolResult(_) => panic!("no answer of this grammar has it"),
    };
    let mut out = vec![Chunk::Open {
        choice,
        block,
        opened,
    }];
    out.extend(deltas.into_iter().map(|delta| Chunk::Grow {
        choice,
        block,
        delta,
    }));
    out.push(Chunk::Close { choice, block });
    out
}

fn cut(text: &str, dice: &mut Dice, delta: fn(String) -> Delta) -> Vec<Delta> {
    let letters: Vec<char> = text.chars().collect();
    let mut rest = &letters[..];
    let mut out = Vec::new();
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(1 + dice.below(rest.len()));
        out.push(delta(piece.iter().collect()));
        rest = behind;
    }
    out
}

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
