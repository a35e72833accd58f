//! The conversation in the order that Anthropic takes.
//!
//! Users and Claude take turns, the user first. The results of a turn's calls
//! stand at the head of the next, each once, in the order of the calls. A turn
//! says something. Whatever order the conversation came in, this is how it
//! leaves; what cannot stand where it stood is moved, not dropped.

use domain::canon::{Block, Loss, Message, Request, Role, ToolResult};
use domain::traits::Traits;

use super::links::{Links, answer, link};
use super::pieces::{Pen, Piece, PieceKind, plain};
use crate::json::Array;
use crate::translate::order::NOT_BEGUN;

/// Stands first where the conversation does not begin with the user.
const OPENING: &str = "(The conversation goes on.)";

/// Stands last where Claude shall not go on with its own words.
const GO_ON: &str = "Go on.";

/// A turn.
#[derive(Debug, Default)]
struct Turn {
    is_assistant: bool,
    /// The calls of an assistant's turn, as numbers of their links.
    calls: Vec<usize>,
    /// The results that stand first in a user's turn.
    results: Vec<String>,
    pieces: Vec<Piece>,
    /// What the operator says behind a user's turn: as it is, and marked for
    /// where it stands alone.
    system: Vec<(Piece, Piece)>,
}

impl Turn {
    fn of(role: Role) -> Self {
        Self {
            is_assistant: role == Role::Assistant,
            ..Self::default()
        }
    }

    fn is_empty(&self) -> bool {
        self.results.is_empty() && self.pieces.is_empty() && self.system.is_empty()
    }

    fn thinks_first(&self) -> bool {
        let first = self.pieces.first();
        first.is_some_and(|piece| piece.kind == PieceKind::Thinking)
    }

    fn drop_thoughts(&mut self) {
        self.pieces
            .retain(|piece| piece.kind != PieceKind::Thinking);
    }

    fn absorb(&mut self, mut other: Self) {
        self.calls.append(&mut other.calls);
        self.results.append(&mut other.results);
        self.pieces.append(&mut other.pieces);
        self.system.append(&mut other.system);
    }
}

/// The conversation behind the leading system prompts.
#[derive(Debug)]
pub(super) struct Turns(Vec<Turn>);

/// How many messages of the operator's lead the conversation.
pub(super) fn leading(request: &Request) -> usize {
    let is_system = |message: &&Message| is_operator(message.role);
    request.messages.iter().take_while(is_system).count()
}

fn is_operator(role: Role) -> bool {
    matches!(role, Role::System | Role::Developer)
}

impl Turns {
    /// Lays the conversation out.
    pub(super) fn lay(request: &Request, traits: &Traits, pen: &mut Pen<'_>) -> Self {
        let links = link(&request.messages);
        let mut turns = build(request, traits, &links, pen);
        answer_calls(&mut turns, &links, &request.messages, pen);
        for turn in turns.iter_mut().filter(|turn| turn.is_assistant) {
            // Claude never ends a turn with a thought.
            let is_thought = |piece: &Piece| piece.kind == PieceKind::Thinking;
            while turn.pieces.last().is_some_and(is_thought) {
                turn.pieces.pop();
            }
        }
        let mut merged: Vec<Turn> = Vec::new();
        for turn in turns.into_iter().filter(|turn| !turn.is_empty()) {
            match merged.last_mut() {
                Some(last) if last.is_assistant == turn.is_assistant => last.absorb(turn),
                _ => merged.push(turn),
            }
        }
        for turn in &mut merged {
            // A turn with thoughts begins with one; who puts turns together
            // in another way has not kept Claude's order. What server tools do
            // in between is Claude's alone.
            let is_own = |piece: &Piece| piece.kind == PieceKind::Own;
            if !turn.thinks_first() && !turn.pieces.iter().any(is_own) {
                turn.drop_thoughts();
            }
        }
        Self(merged)
    }

    /// The turns of the tool loop that is under way: behind the last words of
    /// the user's own.
    fn of_loop(&self) -> std::ops::Range<usize> {
        let end = self.0.len();
        let is_going = self.0.last().is_some_and(|turn| !turn.results.is_empty());
        if !is_going {
            return end..end;
        }
        let is_own = |turn: &Turn| !turn.is_assistant && turn.results.is_empty();
        let start = self.0.iter().rposition(is_own).map_or(0, |at| at + 1);
        start..end
    }

    /// Whether a tool loop is under way whose turns of Claude's do not begin
    /// with thoughts.
    pub(super) fn is_bare_loop(&self) -> bool {
        let turns = self.0.get(self.of_loop()).unwrap_or_default();
        let mut of_claude = turns.iter().filter(|turn| turn.is_assistant);
        let first = of_claude.next();
        let last = of_claude.next_back().or(first);
        [first, last]
            .into_iter()
            .flatten()
            .any(|turn| !turn.thinks_first())
    }

    /// Takes the thoughts out of the loop: without thinking they are refused.
    pub(super) fn forget_loop(&mut self) {
        let range = self.of_loop();
        for turn in self.0.get_mut(range).unwrap_or_default() {
            turn.drop_thoughts();
        }
    }

    /// Takes all thoughts out, for a model that has none.
    pub(super) fn forget_all(&mut self) {
        self.0.iter_mut().for_each(Turn::drop_thoughts);
    }

    /// Brings both ends into order. `prefills` says whether Claude may be
    /// given the beginning of its answer.
    pub(super) fn close(&mut self, prefills: Prefill, losses: &mut Vec<Loss>) {
        if self.0.first().is_none_or(|turn| turn.is_assistant) {
            losses.push(Loss::hint("messages", NOT_BEGUN));
            let mut opening = Turn::of(Role::User);
            opening.pieces.extend(plain(OPENING, None));
            self.0.insert(0, opening);
        }
        let Some(last) = self.0.last_mut().filter(|turn| turn.is_assistant) else {
            return;
        };
        // A turn of server tools that was paused goes back as it came.
        if last.pieces.iter().any(|piece| piece.kind == PieceKind::Own) {
            return;
        }
        last.drop_thoughts();
        if prefills == Prefill::Taken && !last.is_empty() {
            trim(last);
            return;
        }
        if last.is_empty() {
            self.0.pop();
            return;
        }
        let why = "the model does not go on with words that it is given";
        losses.push(Loss::hint("messages", why));
        let mut end = Turn::of(Role::User);
        end.pieces.extend(plain(GO_ON, None));
        self.0.push(end);
    }

    /// Writes `messages`.
    pub(super) fn put(&self, a: &mut Array<'_>) {
        for turn in &self.0 {
            let is_only_system = turn.results.is_empty() && turn.pieces.is_empty();
            let role = if turn.is_assistant {
                "assistant"
            } else {
                "user"
            };
            let aside = turn.system.iter().filter(|_| is_only_system);
            let aside = aside.map(|(_, marked)| marked);
            a.object(|o| {
                o.string("role", role).array("content", |a| {
                    for result in &turn.results {
                        a.raw(result);
                    }
                    for piece in turn.pieces.iter().chain(aside) {
                        a.raw(&piece.json);
                    }
                });
            });
            if !is_only_system && !turn.system.is_empty() {
                a.object(|o| {
                    o.string("role", "system").array("content", |a| {
                        for (piece, _) in &turn.system {
                            a.raw(&piece.json);
                        }
                    });
                });
            }
        }
    }
}

/// Whether Claude may be given the beginning of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefill {
    /// It goes on with it.
    Taken,
    /// It is refused.
    Refused,
}

/// Anthropic refuses white space behind a beginning.
fn trim(turn: &mut Turn) {
    let Some(last) = turn.pieces.last_mut() else {
        return;
    };
    if last.kind != PieceKind::Text {
        return;
    }
    let bytes = bytes::Bytes::copy_from_slice(last.json.as_bytes());
    let read = crate::json::Document::parse(bytes, super::DEPTH);
    let words = read.ok().map(|it| super::fields::word(it.root(), "text"));
    let trimmed = words.as_deref().map(str::trim_end);
    if let Some(piece) = trimmed.and_then(|words| plain(words, None)) {
        *last = piece;
    }
}

/// Puts every block into a turn of its speaker; results wait for
/// [`answer_calls`].
fn build(request: &Request, traits: &Traits, links: &Links<'_>, pen: &mut Pen<'_>) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    let messages = request.messages.iter().enumerate().skip(leading(request));
    for (index, message) in messages {
        let is_assistant = message.role == Role::Assistant;
        if turns
            .last()
            .is_none_or(|last| last.is_assistant != is_assistant)
        {
            turns.push(Turn::of(message.role));
        }
        let Some(turn) = turns.last_mut() else {
            continue;
        };
        for (number, block) in message.content.iter().enumerate() {
            let at = format!("messages[{index}].content[{number}]");
            let place = (index, number);
            match (message.role, block) {
                (Role::Assistant, Block::ToolCall(_)) => {
                    if let Some((number, link)) = links.at(place) {
                        turn.calls.push(number);
                        turn.pieces.push(pen.call(link.call, &link.id));
                    }
                }
                (Role::Assistant, block) => turn.pieces.extend(pen.said(block, &at)),
                (Role::System | Role::Developer, block) => {
                    operator(turn, block, traits, pen);
                }
                (_, Block::ToolResult(result)) => {
                    if !links.is_result(place) {
                        orphan(turn, result, &at, pen);
                    }
                }
                (_, block) => turn.pieces.extend(pen.heard(block, &at)),
            }
        }
        if message.name.is_some() {
            let field = format!("messages[{index}].name");
            pen.losses
                .push(Loss::hint(field, "Anthropic names no speakers"));
        }
    }
    turns
}

/// What the operator says in the middle.
fn operator(turn: &mut Turn, block: &Block, traits: &Traits, pen: &mut Pen<'_>) {
    let Block::Text { text, cache, .. } = block else {
        return;
    };
    let Some(own) = plain(text, cache.as_ref()) else {
        return;
    };
    let marked = format!("<system>\n{text}\n</system>");
    let marked = plain(&marked, cache.as_ref());
    if traits.system_turns {
        turn.system.extend(marked.map(|marked| (own, marked)));
        return;
    }
    let why = "the model hears the operator at the beginning alone: a marked text of the user's";
    pen.losses.push(Loss::hint("messages", why));
    turn.pieces.extend(marked);
}

/// A result without a call is told as a text.
fn orphan(turn: &mut Turn, result: &ToolResult, at: &str, pen: &mut Pen<'_>) {
    pen.losses
        .push(Loss::hint(at, "a result without its call: told as text"));
    for block in &result.content {
        turn.pieces.extend(pen.heard(block, at));
    }
}

/// Puts the results of every turn's calls at the head of the next turn.
fn answer_calls(turns: &mut Vec<Turn>, links: &Links<'_>, messages: &[Message], pen: &mut Pen<'_>) {
    let mut at = 0;
    while at < turns.len() {
        let calls = turns.get(at).map(|turn| turn.calls.clone());
        at += 1;
        let calls = calls.unwrap_or_default();
        if calls.is_empty() {
            continue;
        }
        if turns.get(at).is_none_or(|next| next.is_assistant) {
            turns.insert(at, Turn::of(Role::User));
        }
        let links = calls.into_iter().filter_map(|call| links.get(call));
        let results: Vec<String> = links.map(|link| answer(link, messages, pen)).collect();
        if let Some(next) = turns.get_mut(at) {
            next.results = results;
        }
    }
}
