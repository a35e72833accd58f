//! The conversation, item by item.

use domain::canon::{
    Block, Format, Loss, Message, Request, Role, Thinking, ToolCall, ToolResult, Unknown,
};

use super::super::emulated::{self, Emulated};
use super::super::item::{Shown, is_own};
use super::super::{media, tool};
use super::is_kept;
use super::pieces::{Pair, Piece, Rules, flatten};
use crate::json::{Array, Object, array};
use crate::translate::order::heading;
use crate::translate::{Names, Target};

/// What the provider insists to read somewhere before it answers in JSON.
const JSON: &str = "Answer in JSON.";

/// What stands for the result of a call that nobody answered.
const UNANSWERED: &str = "The tool gave no result.";

/// The conversation, written.
pub(super) struct Conversation<'a> {
    pub(super) instructions: Option<&'a str>,
    /// An array; empty where the conversation is with the provider.
    pub(super) input: Vec<u8>,
}

/// Writes it.
pub(super) fn write<'a>(
    request: &'a Request,
    target: &Target<'_>,
    losses: &mut Vec<Loss>,
) -> Conversation<'a> {
    let rules = Rules {
        reasons: target.reasons,
        keeps: is_kept(request),
        is_elsewhere: is_elsewhere(request),
    };
    let (instructions, messages) = apart(&request.messages);
    let skipped = request.messages.len() - messages.len();
    let before = losses.len();
    let mut pieces = flatten(messages, rules, losses);
    let mut instructions = instructions;
    if pieces.is_empty() && !rules.is_elsewhere && instructions.is_some() {
        // There must be something to answer.
        losses.truncate(before);
        instructions = None;
        pieces = flatten(&request.messages, rules, losses);
    } else if skipped > 0 {
        renumber(losses.get_mut(before..).unwrap_or_default(), skipped);
    }
    if request.messages.iter().any(has_foreign_mark) {
        let why = "OpenAI caches by itself";
        losses.push(Loss::hint("cache_control", why));
    }
    // Only what stands in the input counts.
    let wants_word = request.format == Some(Format::Json) && !mentions_json(messages);
    if pieces.is_empty() && rules.is_elsewhere && !wants_word {
        let input = Vec::new();
        return Conversation {
            instructions,
            input,
        };
    }
    let input = array(|a| {
        if wants_word {
            a.object(|o| {
                o.string("type", "message").string("role", "developer");
                o.string("content", JSON);
            });
        }
        for piece in &pieces {
            item(a, piece, request, target.names);
        }
    });
    Conversation {
        instructions,
        input,
    }
}

/// Whether a part of the conversation is with the provider.
fn is_elsewhere(request: &Request) -> bool {
    let names = ["previous_response_id", "conversation", "prompt"];
    let is_there = |it: &Unknown| names.contains(&it.name.as_str()) && tool::is_carried(it);
    let is_reference = |block: &Block| match block {
        Block::Unknown(unknown) => is_own(unknown) && unknown.name == "item_reference",
        _ => false,
    };
    let blocks = request.messages.iter().flat_map(|message| &message.content);
    request.rest.iter().any(is_there) || blocks.into_iter().any(is_reference)
}

/// A leading system prompt that is one plain text stands apart.
fn apart(messages: &[Message]) -> (Option<&str>, &[Message]) {
    let Some((first, rest)) = messages.split_first() else {
        return (None, messages);
    };
    match (&first.role, &first.name, first.content.as_slice()) {
        (Role::System, None, [Block::Text { text, cache, .. }])
            if cache.is_none() || media::is_foreign(cache.as_ref()) =>
        {
            (Some(text), rest)
        }
        _ => (None, messages),
    }
}

/// Names messages by their place in the whole conversation.
fn renumber(losses: &mut [Loss], skipped: usize) {
    for loss in losses {
        let behind = loss.field.strip_prefix("messages[");
        let Some((number, path)) = behind.and_then(|behind| behind.split_once(']')) else {
            continue;
        };
        if let Ok(number) = number.parse::<usize>() {
            loss.field = format!("messages[{}]{path}", number + skipped);
        }
    }
}

fn has_foreign_mark(message: &Message) -> bool {
    message.content.iter().any(|block| {
        let mark = match block {
            Block::Text { cache, .. } => cache.as_ref(),
            Block::Media(medium) => medium.cache.as_ref(),
            Block::ToolCall(call) => call.cache.as_ref(),
            Block::ToolResult(result) => result.cache.as_ref(),
            _ => None,
        };
        media::is_foreign(mark)
    })
}

fn mentions_json(messages: &[Message]) -> bool {
    let mut blocks = messages.iter().flat_map(|message| &message.content);
    blocks.any(|block| match block {
        Block::Text { text, .. } => text.to_ascii_lowercase().contains("json"),
        _ => false,
    })
}

fn item(a: &mut Array<'_>, piece: &Piece<'_>, request: &Request, names: &Names) {
    match piece {
        Piece::Raw(raw) => a.raw(raw.raw.as_str()),
        Piece::Message(role, parts) => a.object(|o| message(o, *role, parts)),
        Piece::Thinking(thinking, _) => a.object(|o| reasoning(o, thinking)),
        Piece::Call(it, pair) => a.object(|o| match native(request, &it.name) {
            Some(native) => native.write_call(o, "completed", &pair.id, &it.arguments),
            None => call(o, it, &pair.id, names),
        }),
        Piece::Result(result, pair) => a.object(|o| match native(request, &pair.name) {
            Some(native) => native.write_result(o, &pair.id, result),
            None => {
                head(o, pair);
                content(o, "output", Role::User, &all(&result.content));
            }
        }),
        Piece::Unanswered(pair) => a.object(|o| match native(request, &pair.name) {
            Some(native) => native.write_result(o, &pair.id, &unanswered()),
            None => {
                head(o, pair);
                o.string("output", UNANSWERED);
            }
        }),
        Piece::Stray(result) => a.object(|o| {
            o.string("type", "message").string("role", "user");
            let heading = Block::text(heading(result));
            let said = result.content.iter();
            let parts: Vec<&Block> = std::iter::once(&heading).chain(said).collect();
            content(o, "content", Role::User, &parts);
        }),
    };
}

/// The built-in tool of this name that the client runs itself.
fn native(request: &Request, name: &str) -> Option<&'static Emulated> {
    emulated::of(request, name).filter(|it| it.is_native())
}

fn all(blocks: &[Block]) -> Vec<&Block> {
    blocks.iter().collect()
}

fn unanswered() -> ToolResult {
    ToolResult {
        call: String::new(),
        name: None,
        content: vec![Block::text(UNANSWERED)],
        is_error: Some(true),
        custom: false,
        cache: None,
    }
}

/// What a result begins with.
fn head(o: &mut Object<'_>, pair: &Pair) {
    let kind = match pair.custom {
        true => "custom_tool_call_output",
        false => "function_call_output",
    };
    o.string("type", kind).string("call_id", &pair.id);
}

fn message(o: &mut Object<'_>, role: Role, parts: &[&Block]) {
    o.string("type", "message");
    o.string(
        "role",
        match role {
            Role::System => "system",
            Role::Developer => "developer",
            Role::Assistant => "assistant",
            Role::User | Role::Tool => "user",
        },
    );
    content(o, "content", role, parts);
}

/// A content: a bare string where it is one plain text, which everybody takes.
fn content(o: &mut Object<'_>, key: &str, role: Role, parts: &[&Block]) {
    // Among others an empty text says nothing, and some refuse it.
    let says = |block: &&&Block| match block {
        Block::Text { text, .. } | Block::Refusal(text) => !text.is_empty(),
        _ => true,
    };
    let parts: Vec<&Block> = parts.iter().filter(says).copied().collect();
    match parts.as_slice() {
        [] => {
            o.string(key, "");
        }
        [
            Block::Text {
                text,
                citations,
                cache,
                ..
            },
        ] if !citations.iter().any(is_own)
            && (cache.is_none() || media::is_foreign(cache.as_ref())) =>
        {
            o.string(key, text);
        }
        _ => {
            o.array(key, |a| {
                for block in &parts {
                    part(a, block, role);
                }
            });
        }
    }
}

fn part(a: &mut Array<'_>, block: &Block, role: Role) {
    let is_model = role == Role::Assistant;
    match block {
        Block::Text {
            text, citations, ..
        } if is_model => {
            a.object(|o| {
                o.string("type", "output_text").string("text", text);
                o.array("annotations", |a| {
                    for citation in citations.iter().filter(|it| is_own(it)) {
                        a.raw(citation.raw.as_str());
                    }
                });
            });
        }
        Block::Text { text, cache, .. } => {
            a.object(|o| {
                o.string("type", "input_text").string("text", text);
                media::write_mark(o, cache.as_ref());
            });
        }
        Block::Refusal(text) if is_model => {
            a.object(|o| {
                o.string("type", "refusal").string("refusal", text);
            });
        }
        Block::Refusal(text) => {
            a.object(|o| {
                o.string("type", "input_text").string("text", text);
            });
        }
        Block::Media(medium) if !is_model && media::loss(medium, "").is_none() => {
            a.object(|o| {
                media::write(o, medium);
                media::write_mark(o, medium.cache.as_ref());
            });
        }
        Block::Unknown(unknown) if is_own(unknown) => {
            a.raw(unknown.raw.as_str());
        }
        _ => {}
    }
}

fn reasoning(o: &mut Object<'_>, thinking: &Thinking) {
    o.string("type", "reasoning");
    if let Some(id) = &thinking.id {
        o.string("id", id);
    }
    super::super::answer::thoughts(o, thinking, Shown::of(thinking));
}

fn call(o: &mut Object<'_>, call: &ToolCall, id: &str, names: &Names) {
    let (kind, key) = match call.custom {
        true => ("custom_tool_call", "input"),
        false => ("function_call", "arguments"),
    };
    o.string("type", kind).string("call_id", id);
    o.string("name", names.outward(&call.name));
    let is_missing = call.arguments.is_empty() && !call.custom;
    o.string(key, if is_missing { "{}" } else { &call.arguments });
}
