//! The order of a written conversation.
//!
//! Behind an assistant's calls `OpenAI` wants the result of each of them, and
//! nothing before those. Conversations of other dialects may keep results
//! elsewhere, several times, or not at all; texts may stand anywhere.

use std::borrow::Cow;
use std::collections::BTreeSet;

use domain::canon::{Block, Dialect, Json, Loss, Message, Request, Role, ToolCall, ToolResult};

use super::write_message::{Part, part};
use super::{ids, thoughts};

/// One message, as it will be written.
#[derive(Debug, Default)]
pub(super) struct Line<'a> {
    pub(super) role: &'static str,
    pub(super) name: Option<&'a str>,
    pub(super) parts: Vec<Part<'a>>,
    /// The model declined in these words.
    pub(super) refusal: String,
    /// What was called, and by which id here.
    pub(super) calls: Vec<(&'a ToolCall, Cow<'a, str>)>,
    /// Whose result it is.
    pub(super) call: Option<Cow<'a, str>>,
    /// The sound that the model answered with.
    pub(super) audio: Option<&'a Json>,
    /// What it thought.
    pub(super) thoughts: String,
}

/// A result, until a call takes it.
struct Pending<'a> {
    message: usize,
    block: usize,
    result: &'a ToolResult,
    is_taken: bool,
}

/// Puts a conversation in order.
pub(super) struct Plan<'a> {
    request: &'a Request,
    pending: Vec<Pending<'a>>,
    lines: Vec<Line<'a>>,
    losses: Vec<Loss>,
}

/// The lines of a request's conversation, and what they do not say.
pub(super) fn lines(request: &Request) -> (Vec<Line<'_>>, Vec<Loss>) {
    let mut plan = Plan {
        request,
        pending: pending(&request.messages),
        lines: Vec::with_capacity(request.messages.len()),
        losses: Vec::new(),
    };
    for (at, message) in request.messages.iter().enumerate() {
        match message.role {
            Role::System => plan.said("system", at, message),
            Role::Developer => plan.said("developer", at, message),
            Role::User => plan.said("user", at, message),
            Role::Tool => {}
            Role::Assistant => plan.assistant(at, message),
        }
        plan.left(at, message);
    }
    (plan.lines, plan.losses)
}

fn pending(messages: &[Message]) -> Vec<Pending<'_>> {
    let all = messages.iter().enumerate().flat_map(|(message, said)| {
        let blocks = said.content.iter().enumerate();
        blocks.filter_map(move |(block, content)| match content {
            Block::ToolResult(result) => Some(Pending {
                message,
                block,
                result,
                is_taken: false,
            }),
            _ => None,
        })
    });
    all.collect()
}

impl<'a> Plan<'a> {
    /// A message of the user or the operator.
    fn said(&mut self, role: &'static str, at: usize, message: &'a Message) {
        let mut line = Line {
            role,
            name: message.name.as_deref(),
            ..Line::default()
        };
        let mut is_other = false;
        for (nth, block) in message.content.iter().enumerate() {
            match block {
                Block::ToolResult(_) => is_other = true,
                Block::ToolCall(_) | Block::Thinking(_) => {
                    is_other = true;
                    self.lose(at, nth, "only the model calls tools and thinks");
                }
                Block::Refusal(words) => line.parts.push(Part::text(words)),
                Block::Media(_) if role != "user" => {
                    is_other = true;
                    self.lose(at, nth, "OpenAI takes only text from the operator");
                }
                _ => self.part(at, nth, block, &mut line.parts),
            }
        }
        // Of a message that was nothing but results nothing is left.
        if !line.parts.is_empty() || !is_other {
            self.lines.push(line);
        }
    }

    fn part(&mut self, at: usize, nth: usize, block: &'a Block, parts: &mut Vec<Part<'a>>) {
        match part(block) {
            Ok(part) => parts.push(part),
            Err(why) => self.lose(at, nth, why),
        }
    }

    fn lose(&mut self, at: usize, nth: usize, why: &str) {
        let field = format!("messages[{at}].content[{nth}]");
        self.losses.push(Loss::meaning(field, why));
    }

    fn assistant(&mut self, at: usize, message: &'a Message) {
        let mut line = Line {
            role: "assistant",
            name: message.name.as_deref(),
            ..Line::default()
        };
        let mut is_lost = false;
        for (nth, block) in message.content.iter().enumerate() {
            match block {
                Block::Refusal(words) => line.refusal.push_str(words),
                Block::ToolCall(call) => {
                    let id = self.id(at, &line, call);
                    line.calls.push((call, id));
                }
                Block::Thinking(thinking) => {
                    is_lost = true;
                    line.thoughts.push_str(&thinking.text);
                    if thoughts::is_marked(thinking) {
                        let field = format!("messages[{at}].content[{nth}]");
                        let why = "the thoughts' signature is of use to another provider only";
                        self.losses.push(Loss::hint(field, why));
                    }
                }
                Block::Unknown(unknown)
                    if unknown.dialect == Dialect::OpenAi && unknown.name == "audio" =>
                {
                    line.audio = Some(&unknown.raw);
                }
                Block::Media(_) => {
                    is_lost = true;
                    self.lose(at, nth, "OpenAI takes only text from the model");
                }
                Block::ToolResult(_) => is_lost = true,
                Block::Text { .. } | Block::Unknown(_) => {
                    self.part(at, nth, block, &mut line.parts);
                }
            }
        }
        let says = !line.parts.is_empty()
            || !line.refusal.is_empty()
            || !line.calls.is_empty()
            || line.audio.is_some();
        if !says && is_lost {
            // Its thoughts alone are no message here.
            return;
        }
        let calls: Vec<_> = line.calls.clone();
        self.lines.push(line);
        self.results(at, &calls);
    }

    /// A call's id: as it was, unless it is too long, missing, or another
    /// call's of the same message.
    fn id(&self, at: usize, line: &Line<'a>, call: &'a ToolCall) -> Cow<'a, str> {
        let id = ids::call(&call.id);
        if id.is_empty() || line.calls.iter().any(|(_, other)| *other == id) {
            let choice = u32::try_from(at).unwrap_or(u32::MAX);
            return ids::made(&call.id, choice, line.calls.len()).into();
        }
        id
    }

    /// The results of these calls, which message `at` makes.
    fn results(&mut self, at: usize, calls: &[(&'a ToolCall, Cow<'a, str>)]) {
        let mut behind: Vec<Part<'a>> = Vec::new();
        for (call, id) in calls {
            let until = self.until(at, &call.id);
            let found = self.pending.iter_mut().find(|pending| {
                !pending.is_taken
                    && pending.result.call == call.id
                    && (at..until).contains(&pending.message)
            });
            let mut line = Line {
                role: "tool",
                call: Some(id.clone()),
                ..Line::default()
            };
            match found {
                Some(pending) => {
                    pending.is_taken = true;
                    let (message, block, result) = (pending.message, pending.block, pending.result);
                    self.result(message, block, result, &mut line, &mut behind);
                }
                None => {
                    let field = format!("messages[{at}].tool_calls");
                    let why = format!("the call `{}` has no result", call.id);
                    self.losses.push(Loss::meaning(field, why));
                }
            }
            self.lines.push(line);
        }
        if !behind.is_empty() {
            self.lines.push(Line {
                role: "user",
                parts: behind,
                ..Line::default()
            });
        }
    }

    /// Where another call with this id is made, behind message `at`.
    fn until(&self, at: usize, id: &str) -> usize {
        let makes = |message: &Message| {
            let mut blocks = message.content.iter();
            blocks.any(|block| matches!(block, Block::ToolCall(call) if call.id == id))
        };
        let mut behind = self.request.messages.iter().enumerate().skip(at + 1);
        behind
            .find(|(_, message)| makes(message))
            .map_or(usize::MAX, |(at, _)| at)
    }

    /// What a result says: texts in its own message, media behind all results,
    /// where a user may send them.
    fn result(
        &mut self,
        message: usize,
        block: usize,
        result: &'a ToolResult,
        line: &mut Line<'a>,
        behind: &mut Vec<Part<'a>>,
    ) {
        let at = format!("messages[{message}].content[{block}]");
        let mut is_behind = false;
        for content in &result.content {
            match part(content) {
                Ok(part @ Part::Text { .. }) => line.parts.push(part),
                Ok(part) => {
                    if !std::mem::replace(&mut is_behind, true) {
                        behind.push(Part::owned(format!("From the call {}:", call_name(result))));
                    }
                    behind.push(part);
                }
                Err(why) => self.losses.push(Loss::meaning(at.clone(), why)),
            }
        }
        if is_behind && line.parts.is_empty() {
            line.parts.push(Part::text("What it gave follows below."));
        }
        if result.is_error == Some(true) {
            let why = "OpenAI has no mark for tools that failed";
            self.losses.push(Loss::hint(format!("{at}.is_error"), why));
            if line.parts.is_empty() {
                line.parts.push(Part::text("The tool failed."));
            }
        }
    }

    /// Results in this message that no call wants: they are told as texts.
    fn left(&mut self, at: usize, message: &'a Message) {
        let mut line = Line {
            role: "user",
            ..Line::default()
        };
        let here = self.pending.iter().filter(|pending| pending.message == at);
        let taken: BTreeSet<usize> = here
            .filter(|pending| pending.is_taken)
            .map(|pending| pending.block)
            .collect();
        for (nth, block) in message.content.iter().enumerate() {
            match block {
                Block::ToolResult(result) if !taken.contains(&nth) => {
                    self.lose(at, nth, "there is no call for this result");
                    line.parts
                        .push(Part::owned(format!("From the call {}:", call_name(result))));
                    for content in &result.content {
                        if let Ok(part) = part(content) {
                            line.parts.push(part);
                        }
                    }
                }
                Block::ToolResult(_) => {}
                _ if message.role == Role::Tool => self.part(at, nth, block, &mut line.parts),
                _ => {}
            }
        }
        if !line.parts.is_empty() {
            self.lines.push(line);
        }
    }
}

fn call_name(result: &ToolResult) -> String {
    match &result.name {
        Some(name) => format!("{} of {name}", result.call),
        None => result.call.clone(),
    }
}
