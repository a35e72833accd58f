//! The conversation as turns that Google accepts.
//!
//! The user is first, user and model take turns, what a system says in the
//! middle is a user's, and a model's calls are answered in the very next turn:
//! all of them, in their order, before anything else.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use domain::canon::{Block, Dialect, Message, Role, Signature, ToolCall, ToolResult};

use super::super::SKIP_SIGNATURE;
use super::{Writing, part};
use crate::json::Object;
use crate::translate::order::NOT_BEGUN;

/// Stands where Google demands a turn that the conversation does not have.
const FILLER: &str = "...";

/// The system's prompt, and the turns.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Its parts as JSON.
    pub(super) system: Vec<String>,
    /// User and model, by turns.
    pub(super) contents: Vec<Turn>,
}

/// Who speaks: tools' answers are the user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    User,
    Model,
}

impl Side {
    fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Model => "model",
        }
    }
}

/// One content; its parts as JSON.
#[derive(Debug)]
pub(super) struct Turn {
    side: Side,
    /// Tools' answers: before all else.
    results: Vec<String>,
    parts: Vec<String>,
    /// Whether it has a call already; Google signs the first of a turn.
    has_call: bool,
}

impl Turn {
    pub(super) fn write(&self, out: &mut Object<'_>) {
        out.string("role", self.side.as_str());
        out.array("parts", |list| {
            for part in self.results.iter().chain(&self.parts) {
                list.raw(part);
            }
        });
    }
}

/// Where a block stands: message, block.
type Place = (usize, usize);

struct Arranger<'a, 'w> {
    writing: &'w mut Writing<'a>,
    turns: Turns,
    /// Calls of the last turn that nobody has answered.
    open: Vec<(Place, &'a ToolCall)>,
    /// Where results of a call stand.
    results: BTreeMap<&'a str, VecDeque<(Place, &'a ToolResult)>>,
    /// Results that were written.
    used: BTreeSet<Place>,
}

/// Arranges the conversation.
pub(super) fn arrange(writing: &mut Writing<'_>) -> Turns {
    let request = writing.request;
    let mut arranger = Arranger {
        results: results(&request.messages),
        writing,
        turns: Turns::default(),
        open: Vec::new(),
        used: BTreeSet::new(),
    };
    let is_system = |message: &Message| matches!(message.role, Role::System | Role::Developer);
    let leading = request.messages.iter().take_while(|next| is_system(next));
    let leading = leading.count();
    for (at, message) in request.messages.iter().enumerate() {
        match at < leading {
            true => arranger.system(at, message),
            false => arranger.message(at, message),
        }
    }
    arranger.answer();
    let Arranger { writing, turns, .. } = arranger;
    turns.complete(writing)
}

fn results(messages: &[Message]) -> BTreeMap<&str, VecDeque<(Place, &ToolResult)>> {
    let mut results: BTreeMap<&str, VecDeque<(Place, &ToolResult)>> = BTreeMap::new();
    for (at, message) in messages.iter().enumerate() {
        for (of, block) in message.content.iter().enumerate() {
            if let Block::ToolResult(result) = block {
                let all = results.entry(result.call.as_str()).or_default();
                all.push_back(((at, of), result));
            }
        }
    }
    results
}

impl Turns {
    /// The turn of this side, at the end.
    fn last(&mut self, side: Side) -> &mut Turn {
        let is_there = self.contents.last().map(|turn| turn.side) == Some(side);
        if !is_there {
            self.contents.push(Turn {
                side,
                results: Vec::new(),
                parts: Vec::new(),
                has_call: false,
            });
        }
        let last = self.contents.len() - 1;
        &mut self.contents[last]
    }

    /// The user is first, and there is something to answer.
    fn complete(mut self, writing: &mut Writing<'_>) -> Self {
        let is_first_model = self
            .contents
            .first()
            .is_none_or(|turn| turn.side == Side::Model);
        if !is_first_model {
            return self;
        }
        let said = match self.contents.is_empty() {
            true => self.system.pop(),
            false => None,
        };
        let said = said.unwrap_or_else(|| {
            writing.hint("messages", NOT_BEGUN);
            part::text(FILLER, None)
        });
        let turn = Turn {
            side: Side::User,
            results: Vec::new(),
            parts: vec![said],
            has_call: false,
        };
        self.contents.insert(0, turn);
        self
    }
}

fn field((at, of): Place) -> String {
    format!("messages[{at}].content[{of}]")
}

impl<'a> Arranger<'a, '_> {
    fn system(&mut self, at: usize, message: &Message) {
        for (of, block) in message.content.iter().enumerate() {
            match block {
                Block::Text { text, .. } if text.is_empty() => {}
                Block::Text { text, .. } => self.turns.system.push(part::text(text, None)),
                _ => {
                    let why = "a system's prompt is text for Gemini";
                    self.writing.meaning(field((at, of)), why);
                }
            }
        }
    }

    fn message(&mut self, at: usize, message: &'a Message) {
        if message.name.is_some() {
            let field = format!("messages[{at}].name");
            self.writing.hint(field, "Gemini knows no speakers' names");
        }
        if matches!(message.role, Role::System | Role::Developer) {
            let why = "Gemini takes a system's prompt only at the start: it is a user's here";
            self.writing.hint(format!("messages[{at}].role"), why);
        }
        let side = match message.role {
            Role::Assistant => Side::Model,
            _ => Side::User,
        };
        for (of, block) in message.content.iter().enumerate() {
            self.block((at, of), side, block);
        }
    }

    fn block(&mut self, place: Place, side: Side, block: &'a Block) {
        match block {
            Block::ToolCall(call) => self.call(place, call),
            Block::ToolResult(result) => self.result(place, result),
            Block::Thinking(thinking) => {
                if let Some(part) = part::thought(thinking) {
                    self.add(Side::Model, part);
                } else if !thinking.text.is_empty() || thinking.signature.is_some() {
                    let why = "thoughts of other models are not Gemini's";
                    self.writing.hint(field(place), why);
                }
            }
            Block::Text {
                text, signature, ..
            } => {
                let signature = own(signature.as_ref());
                if !text.is_empty() || signature.is_some() {
                    self.add(side, part::text(text, signature));
                }
            }
            Block::Refusal(text) if text.is_empty() => {}
            Block::Refusal(text) => self.add(side, part::text(text, None)),
            Block::Media(media) => {
                if let Some(part) = part::media(self.writing, &field(place), media) {
                    self.add(side, part);
                }
            }
            Block::Unknown(unknown) if unknown.dialect == Dialect::Gemini => {
                self.add(side, unknown.raw.as_str().to_owned());
            }
            Block::Unknown(unknown) => {
                let why = format!("Gemini has no `{}`", unknown.name);
                self.writing.meaning(field(place), &why);
            }
        }
    }

    fn add(&mut self, side: Side, part: String) {
        if side == Side::User {
            self.answer();
        }
        self.turns.last(side).parts.push(part);
    }

    /// The first call of a turn needs a signature.
    fn call(&mut self, place: Place, call: &'a ToolCall) {
        let turn = self.turns.last(Side::Model);
        let is_first = !std::mem::replace(&mut turn.has_call, true);
        let missing = is_first.then_some(SKIP_SIGNATURE);
        let part = part::call(self.writing, &field(place), call, missing);
        self.turns.last(Side::Model).parts.push(part);
        self.open.push((place, call));
    }

    fn result(&mut self, place: Place, result: &ToolResult) {
        self.answer();
        if self.used.contains(&place) {
            return;
        }
        let why = "there is no call before it: it is a user's text here";
        self.writing.hint(field(place), why);
        let (text, media) = part::said(result);
        if !text.is_empty() {
            self.add(Side::User, part::text(&text, None));
        }
        for medium in media {
            if let Some(part) = part::media(self.writing, &field(place), medium) {
                self.add(Side::User, part);
            }
        }
    }

    /// Answers all open calls, in their order, wherever the results stand.
    fn answer(&mut self) {
        for (place, call) in std::mem::take(&mut self.open) {
            let found = self.find(place, call);
            let written = match found {
                Some((at, result)) => part::result(self.writing, &field(at), call, result),
                None => {
                    let why = "nobody answered the call: Gemini is told so";
                    self.writing.hint(field(place), why);
                    (part::unanswered(self.writing, call), Vec::new())
                }
            };
            let turn = self.turns.last(Side::User);
            turn.results.push(written.0);
            turn.parts.extend(written.1);
        }
    }

    /// The first result of the call behind it.
    fn find(&mut self, place: Place, call: &ToolCall) -> Option<(Place, &'a ToolResult)> {
        let all = self.results.get_mut(call.id.as_str())?;
        let at = all.iter().position(|(result, _)| *result > place)?;
        let found = all.remove(at)?;
        self.used.insert(found.0);
        Some(found)
    }
}

/// A signature that Google made.
pub(super) fn own(signature: Option<&Signature>) -> Option<&str> {
    let own = signature.filter(|signature| signature.family == Dialect::Gemini);
    own.map(|signature| signature.value.as_str())
}
