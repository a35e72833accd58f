//! The conversation in the order that Bedrock takes.
//!
//! Users and the model take turns, the user first. The results of a turn's
//! calls stand at the head of the next, each once, in the order of the calls.
//! A turn says something. Whatever order the conversation came in, this is how
//! it leaves; what cannot stand where it stood is moved, not dropped.

use domain::canon::{Block, Loss, Message, Request, Role, ToolResult};

use super::pieces::{Outcome, Pen, Piece, PieceKind, plain};
use crate::anthropic::canon::links::{Linked, Links, link};
use crate::json::Array;
use crate::translate::order::NOT_BEGUN;

/// Stands first where the conversation does not begin with the user.
const OPENING: &str = "(The conversation goes on.)";

/// Stands last where the model shall not go on with its own words.
const GO_ON: &str = "Go on.";

/// Stands beside a document that came without words.
const DOCUMENT: &str = "(See the document.)";

/// A turn.
#[derive(Debug, Default)]
struct Turn {
    is_assistant: bool,
    /// The calls of an assistant's turn, as numbers of their links.
    calls: Vec<usize>,
    /// The results that stand first in a user's turn.
    results: Vec<Outcome>,
    pieces: Vec<Piece>,
}

impl Turn {
    fn of(role: Role) -> Self {
        Self {
            is_assistant: role == Role::Assistant,
            ..Self::default()
        }
    }

    fn is_empty(&self) -> bool {
        self.results.is_empty() && self.pieces.is_empty()
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
    }

    fn has(&self, kind: PieceKind) -> bool {
        self.pieces.iter().any(|piece| piece.kind == kind)
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
    pub(super) fn lay(request: &Request, pen: &mut Pen<'_>) -> Self {
        let links = link(&request.messages);
        let mut turns = build(request, &links, pen);
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
            // A turn with thoughts begins with one; who puts turns together in
            // another way has not kept Claude's order.
            if !turn.thinks_first() {
                turn.drop_thoughts();
            }
            if turn.has(PieceKind::Document) && !turn.has(PieceKind::Text) {
                turn.pieces.extend(plain(DOCUMENT));
            }
        }
        Self(merged)
    }

    /// Models of most makers take no words beside results: the words become a
    /// part of the last result.
    pub(super) fn part_results(&mut self, losses: &mut Vec<Loss>) {
        for turn in &mut self.0 {
            let Some(last) = turn.results.last_mut() else {
                continue;
            };
            if turn.pieces.is_empty() {
                continue;
            }
            for piece in turn.pieces.drain(..) {
                match piece.kind {
                    PieceKind::Sound => {
                        let why = "the model takes no sound beside results";
                        losses.push(Loss::meaning("messages", why));
                    }
                    _ => last.content.push(piece),
                }
            }
            let why = "the model takes no words beside results: they are told as a part of one";
            losses.push(Loss::hint("messages", why));
        }
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
        let mut ends = [first, last].into_iter().flatten();
        ends.any(|turn| !turn.thinks_first())
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

    /// Whether tools are called or answered anywhere.
    pub(super) fn uses_tools(&self) -> bool {
        let mut turns = self.0.iter();
        turns.any(|turn| !turn.calls.is_empty() || !turn.results.is_empty())
    }

    /// Brings both ends into order. `prefill` says whether the model may be
    /// given the beginning of its answer.
    pub(super) fn close(&mut self, prefill: Prefill, losses: &mut Vec<Loss>) {
        // What only held thoughts is empty without them.
        self.0.retain(|turn| !turn.is_empty());
        self.merge();
        if self.0.first().is_none_or(|turn| turn.is_assistant) {
            losses.push(Loss::hint("messages", NOT_BEGUN));
            let mut opening = Turn::of(Role::User);
            opening.pieces.extend(plain(OPENING));
            self.0.insert(0, opening);
        }
        let Some(last) = self.0.last_mut().filter(|turn| turn.is_assistant) else {
            return;
        };
        last.drop_thoughts();
        if prefill == Prefill::Taken && !last.is_empty() {
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
        end.pieces.extend(plain(GO_ON));
        self.0.push(end);
    }

    fn merge(&mut self) {
        let mut merged: Vec<Turn> = Vec::with_capacity(self.0.len());
        for turn in self.0.drain(..) {
            match merged.last_mut() {
                Some(last) if last.is_assistant == turn.is_assistant => last.absorb(turn),
                _ => merged.push(turn),
            }
        }
        self.0 = merged;
    }

    /// Writes `messages`.
    pub(super) fn put(&self, a: &mut Array<'_>) {
        for turn in &self.0 {
            let role = match turn.is_assistant {
                true => "assistant",
                false => "user",
            };
            a.object(|o| {
                o.string("role", role).array("content", |a| {
                    for result in &turn.results {
                        a.raw(&result.json());
                    }
                    // A point behind the last result holds the others, too.
                    let points = turn.results.iter().rev().find_map(|it| it.cache.as_ref());
                    for piece in points.into_iter().chain(&turn.pieces) {
                        a.raw(&piece.json);
                    }
                });
            });
        }
    }
}

/// Whether the model may be given the beginning of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefill {
    /// It goes on with it.
    Taken,
    /// It is refused.
    Refused,
}

/// Claude refuses white space behind a beginning.
fn trim(turn: &mut Turn) {
    let Some(last) = turn.pieces.last_mut() else {
        return;
    };
    if last.kind != PieceKind::Text {
        return;
    }
    let read = super::fields::parse(&last.json);
    let words = read.map(|it| super::fields::word(it.root(), "text"));
    let trimmed = words.as_deref().map(str::trim_end);
    if let Some(piece) = trimmed.and_then(plain) {
        *last = piece;
    }
}

/// Puts every block into a turn of its speaker; results wait for
/// [`answer_calls`].
fn build(request: &Request, links: &Links<'_>, pen: &mut Pen<'_>) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    let messages = request.messages.iter().enumerate().skip(leading(request));
    for (index, message) in messages {
        let is_assistant = message.role == Role::Assistant;
        let last = turns.last();
        if last.is_none_or(|last| last.is_assistant != is_assistant) {
            turns.push(Turn::of(message.role));
        }
        let Some(turn) = turns.last_mut() else {
            continue;
        };
        for (number, block) in message.content.iter().enumerate() {
            add(turn, message.role, block, (index, number), links, pen);
        }
        if message.name.is_some() {
            let field = format!("messages[{index}].name");
            pen.losses
                .push(Loss::hint(field, "Bedrock names no speakers"));
        }
    }
    turns
}

/// Adds a block of `role`'s, which stands at `place`.
fn add(
    turn: &mut Turn,
    role: Role,
    block: &Block,
    place: (usize, usize),
    links: &Links<'_>,
    pen: &mut Pen<'_>,
) {
    let at = format!("messages[{}].content[{}]", place.0, place.1);
    match (role, block) {
        (Role::Assistant, Block::ToolCall(_)) => {
            if let Some((number, link)) = links.at(place) {
                turn.calls.push(number);
                pen.call(link.call, &link.id, &at, &mut turn.pieces);
            }
        }
        (Role::Assistant, block) => pen.said(block, &at, &mut turn.pieces),
        (Role::System | Role::Developer, block) => operator(turn, block, &at, pen),
        (_, Block::ToolResult(result)) => {
            if !links.is_result(place) {
                orphan(turn, result, &at, pen);
            }
        }
        (_, block) => pen.heard(block, &at, &mut turn.pieces),
    }
}

/// What the operator says in the middle.
fn operator(turn: &mut Turn, block: &Block, at: &str, pen: &mut Pen<'_>) {
    let Block::Text { text, cache, .. } = block else {
        return;
    };
    if text.trim().is_empty() {
        return;
    }
    let marked = plain(&format!("<system>\n{text}\n</system>"));
    let why = "the model hears the operator at the beginning alone: a marked text of the user's";
    pen.losses.push(Loss::hint("messages", why));
    pen.with_cache(marked, cache.as_ref(), at, &mut turn.pieces);
}

/// A result without a call is told as a text.
fn orphan(turn: &mut Turn, result: &ToolResult, at: &str, pen: &mut Pen<'_>) {
    pen.losses
        .push(Loss::hint(at, "a result without its call: told as text"));
    for block in &result.content {
        pen.heard(block, at, &mut turn.pieces);
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
        let mut results = Vec::new();
        for link in calls.into_iter().filter_map(|call| links.get(call)) {
            answer(link, messages, pen, &mut results);
        }
        if let Some(next) = turns.get_mut(at) {
            next.results = results;
        }
    }
}

/// Writes the result of a call, or one that says there is none.
fn answer(link: &Linked<'_>, messages: &[Message], pen: &mut Pen<'_>, out: &mut Vec<Outcome>) {
    let found = link.result.and_then(|(message, block)| {
        let found = messages.get(message)?.content.get(block)?;
        Some((message, block, found))
    });
    if let Some((message, number, Block::ToolResult(result))) = found {
        let at = format!("messages[{message}].content[{number}]");
        pen.result(result, &link.id, &at, out);
        return;
    }
    let field = format!("messages[{}].content[{}]", link.at.0, link.at.1);
    let why = "a call without a result: one is made up";
    pen.losses.push(Loss::hint(field, why));
    out.push(Outcome::missing(&link.id, &pen.model));
}
