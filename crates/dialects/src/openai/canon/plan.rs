//! The order of a written conversation.
//!
//! Behind an assistant's calls `OpenAI` wants the result of each of them, and
//! nothing before those. Conversations of other dialects may keep results
//! elsewhere, several times, or not at all; texts may stand anywhere.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use domain::canon::{
    Block, Dialect, Json, Loss, Media, Message, Request, Role, Source, ToolCall, ToolResult,
};

use super::ids;
use super::write_message::{Part, part};
use crate::translate::order::{NO_CALL, NO_RESULT, UNANSWERED};

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

/// Where a block stands: its message, and its place there.
type Place = (usize, usize);

/// Puts a conversation in order.
pub(super) struct Plan<'a> {
    /// The results of each call's id, in their order, until a call takes them.
    results: BTreeMap<&'a str, VecDeque<(Place, &'a ToolResult)>>,
    /// The messages in which a call with this id is made.
    made: BTreeMap<&'a str, Vec<usize>>,
    /// Results that a call took.
    taken: BTreeSet<Place>,
    lines: Vec<Line<'a>>,
    losses: Vec<Loss>,
}

/// The lines of a request's conversation, and what they do not say.
pub(super) fn lines(request: &Request) -> (Vec<Line<'_>>, Vec<Loss>) {
    let mut plan = Plan {
        results: BTreeMap::new(),
        made: BTreeMap::new(),
        taken: BTreeSet::new(),
        lines: Vec::with_capacity(request.messages.len()),
        losses: Vec::new(),
    };
    plan.find(&request.messages);
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

impl<'a> Plan<'a> {
    /// Where calls and results are.
    fn find(&mut self, messages: &'a [Message]) {
        for (at, message) in messages.iter().enumerate() {
            for (nth, block) in message.content.iter().enumerate() {
                match block {
                    Block::ToolCall(call) => self.made.entry(&call.id).or_default().push(at),
                    Block::ToolResult(result) => {
                        let results = self.results.entry(&result.call).or_default();
                        results.push_back(((at, nth), result));
                    }
                    _ => {}
                }
            }
        }
    }

    /// The result of a call that message `at` makes: the first behind it, but
    /// before another call has the same id.
    fn take(&mut self, at: usize, id: &str) -> Option<(Place, &'a ToolResult)> {
        let made = self.made.get(id)?;
        let until = made.get(made.partition_point(|made| *made <= at));
        let results = self.results.get_mut(id)?;
        while results
            .front()
            .is_some_and(|((message, _), _)| *message < at)
        {
            results.pop_front();
        }
        let is_ours = |found: &&(Place, _)| until.is_none_or(|until| found.0.0 < *until);
        results.front().filter(is_ours)?;
        let found = results.pop_front()?;
        self.taken.insert(found.0);
        Some(found)
    }

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
                Block::Media(media) if role != "user" && !is_text(media) => {
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
        let mut used = BTreeSet::new();
        for (nth, block) in message.content.iter().enumerate() {
            match block {
                Block::Refusal(words) => line.refusal.push_str(words),
                Block::ToolCall(call) => {
                    let mut id = ids::call(&call.id);
                    if id.is_empty() || used.contains(&id) {
                        let message = u32::try_from(at).unwrap_or(u32::MAX);
                        id = ids::made(&call.id, message, nth).into();
                    }
                    used.insert(id.clone());
                    line.calls.push((call, id));
                }
                Block::Thinking(thinking) => {
                    is_lost = true;
                    line.thoughts.push_str(&thinking.text);
                }
                Block::Unknown(unknown)
                    if unknown.dialect == Dialect::OpenAi && unknown.name == "audio" =>
                {
                    line.audio = Some(&unknown.raw);
                }
                Block::Media(media) if !is_text(media) => {
                    is_lost = true;
                    self.lose(at, nth, "OpenAI takes only text from the model");
                }
                Block::ToolResult(_) => is_lost = true,
                Block::Text { .. } | Block::Media(_) | Block::Unknown(_) => {
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

    /// The results of these calls, which message `at` makes.
    fn results(&mut self, at: usize, calls: &[(&'a ToolCall, Cow<'a, str>)]) {
        let mut behind: Vec<Part<'a>> = Vec::new();
        for (call, id) in calls {
            let mut line = Line {
                role: "tool",
                call: Some(id.clone()),
                ..Line::default()
            };
            match self.take(at, &call.id) {
                Some((place, result)) => self.result(place, result, &mut line, &mut behind),
                None => {
                    let field = format!("messages[{at}].tool_calls");
                    self.losses.push(Loss::hint(field, NO_RESULT));
                    line.parts.push(Part::text(UNANSWERED));
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

    /// What a result says: texts in its own message, media behind all results,
    /// where a user may send them.
    fn result(
        &mut self,
        (message, block): Place,
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
        for (nth, block) in message.content.iter().enumerate() {
            match block {
                Block::ToolResult(result) if !self.taken.contains(&(at, nth)) => {
                    let field = format!("messages[{at}].content[{nth}]");
                    self.losses.push(Loss::hint(field, NO_CALL));
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

/// Whether a document is plain text, which may stand anywhere.
fn is_text(media: &Media) -> bool {
    matches!(media.source, Source::Text(_))
}

fn call_name(result: &ToolResult) -> String {
    match &result.name {
        Some(name) => format!("{} of {name}", result.call),
        None => result.call.clone(),
    }
}
