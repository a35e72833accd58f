//! A conversation as a flat list, in an order that the provider takes.
//!
//! It insists on pairs: a result answers a call that came before it, a call is
//! answered once; reasoning stands before what came of it. Conversations that
//! began elsewhere, or were cut, are mended here.

use std::collections::BTreeMap;

use domain::canon::{Block, Dialect, Loss, Message, Role, Thinking, ToolCall, ToolResult, Unknown};

use super::super::item::{is_own, is_part};
use super::super::{ids, media};
use crate::translate::order::{NO_CALL, NO_RESULT, Place};

/// One item to be.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    /// Parts of a message; none of them is an item by itself.
    Message(Role, Vec<&'a Block>),
    /// Reasoning of this provider's.
    Thinking(&'a Thinking, Place),
    /// A call, and the id that it is written with.
    Call(&'a ToolCall, Pair),
    /// The result of the call with this id.
    Result(&'a ToolResult, Pair),
    /// The result of a call that is not there.
    Stray(&'a ToolResult),
    /// A call that nobody answered.
    Unanswered(Pair),
    /// An item of this dialect.
    Raw(&'a Unknown),
}

/// A call, or which call a result answers.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) id: String,
    /// Where it stands.
    pub(super) at: Place,
    /// The tool's name.
    pub(super) name: String,
    pub(super) custom: bool,
}

/// What a conversation's flattening needs to know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Whether the model takes reasoning.
    pub(super) reasons: bool,
    /// Whether the provider keeps answers, and so knows items by their ids.
    pub(super) keeps: bool,
    /// Whether a part of the conversation is with the provider, so that calls
    /// and results may be there.
    pub(super) is_elsewhere: bool,
}

/// Flattens the messages.
pub(super) fn flatten<'a>(
    messages: &'a [Message],
    rules: Rules,
    losses: &mut Vec<Loss>,
) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        if message.name.is_some() {
            let why = "Responses has no names of speakers";
            losses.push(Loss::hint(format!("messages[{at}].name"), why));
        }
        let first = pieces.len();
        for (number, block) in message.content.iter().enumerate() {
            let place = (at, number);
            let field = field(place);
            match placed(block, message.role, rules, place) {
                Placed::Part => join(&mut pieces, first, message.role, block),
                Placed::Item(piece) => pieces.push(piece),
                Placed::Lost(loss) => losses.extend(loss),
            }
            partly(block, &field, losses);
        }
    }
    pieces.retain(|piece| !is_empty(piece));
    drop_loose_thinking(&mut pieces, losses);
    match rules.is_elsewhere {
        true => pieces.into_iter().map(as_it_is).collect(),
        false => paired(pieces, losses),
    }
}

/// The name of what stands at a place.
fn field((message, block): Place) -> String {
    format!("messages[{message}].content[{block}]")
}

/// Where a block goes.
enum Placed<'a> {
    Part,
    Item(Piece<'a>),
    Lost(Option<Loss>),
}

fn placed<'a>(block: &'a Block, role: Role, rules: Rules, at: Place) -> Placed<'a> {
    match block {
        Block::Text { .. } | Block::Refusal(_) => Placed::Part,
        Block::Media(_) if role == Role::Assistant => {
            let why = "Responses takes no media that the model made";
            Placed::Lost(Some(Loss::meaning(field(at), why)))
        }
        Block::Media(medium) => match media::loss(medium, &field(at)) {
            Some(loss) => Placed::Lost(Some(loss)),
            None => Placed::Part,
        },
        Block::Thinking(thinking) if rules.reasons && is_known(thinking, rules) => {
            Placed::Item(Piece::Thinking(thinking, at))
        }
        // What another family thought, nobody here can check.
        Block::Thinking(thinking) => Placed::Lost(unproven(thinking, rules, at)),
        Block::ToolCall(call) => Placed::Item(Piece::Call(call, pair_of(call, &call.id, at))),
        Block::ToolResult(result) => {
            let pair = Pair {
                id: result.call.clone(),
                at,
                name: result.name.clone().unwrap_or_default(),
                custom: result.custom,
            };
            Placed::Item(Piece::Result(result, pair))
        }
        Block::Unknown(unknown) if !is_own(unknown) => {
            let why = format!("only {} has it", unknown.dialect.as_str());
            Placed::Lost(Some(Loss::meaning(field(at), why)))
        }
        Block::Unknown(unknown) if is_part(unknown) => Placed::Part,
        Block::Unknown(unknown) => Placed::Item(Piece::Raw(unknown)),
    }
}

/// A call under this id.
fn pair_of(call: &ToolCall, id: &str, at: Place) -> Pair {
    Pair {
        id: id.to_owned(),
        at,
        name: call.name.clone(),
        custom: call.custom,
    }
}

/// What is named of a thought that is left out: its proof, which says whose it is.
fn unproven(thinking: &Thinking, rules: Rules, at: Place) -> Option<Loss> {
    let field = field(at);
    match &thinking.signature {
        Some(signature) if signature.family != Dialect::Responses => Some(unsigned(&field)),
        None if thinking.id.is_none() => None,
        _ => {
            let why = match rules.reasons {
                true => "the thought is neither sealed in it nor kept by the provider",
                false => "the model does not think",
            };
            Some(Loss::hint(format!("{field}.signature"), why))
        }
    }
}

/// A proof that another family reads.
fn unsigned(field: &str) -> Loss {
    let why = "it is of use to another provider only";
    Loss::hint(format!("{field}.signature"), why)
}

/// Whether this provider knows the thought: it signed it, or keeps it.
fn is_known(thinking: &Thinking, rules: Rules) -> bool {
    match &thinking.signature {
        Some(signature) => signature.family == Dialect::Responses,
        None => rules.keeps && thinking.id.is_some(),
    }
}

/// What is lost of a block that is written.
fn partly(block: &Block, field: &str, losses: &mut Vec<Loss>) {
    match block {
        Block::Media(medium) => losses.extend(media::partial_loss(medium, field)),
        Block::ToolResult(result) => {
            if result.is_error == Some(true) {
                let why = "Responses does not say that a tool failed; its text does";
                losses.push(Loss::hint(format!("{field}.is_error"), why));
            }
            for (at, inner) in result.content.iter().enumerate() {
                losses.extend(within(inner, &format!("{field}.content[{at}]")));
            }
        }
        Block::Text {
            citations,
            signature,
            ..
        } => {
            losses.extend(signature.as_ref().map(|_| unsigned(field)));
            if citations.iter().any(|it| !is_own(it)) {
                let why = "citations of another provider";
                losses.push(Loss::hint(format!("{field}.citations"), why));
            }
        }
        Block::ToolCall(call) => losses.extend(call.signature.as_ref().map(|_| unsigned(field))),
        _ => {}
    }
}

/// What is lost with a block of a tool's result.
fn within(block: &Block, field: &str) -> Option<Loss> {
    match block {
        Block::Text { .. } | Block::Refusal(_) => None,
        Block::Media(medium) => {
            media::loss(medium, field).or_else(|| media::partial_loss(medium, field))
        }
        Block::Unknown(unknown) if is_own(unknown) => None,
        _ => Some(Loss::meaning(
            field,
            "a result holds texts, images and files",
        )),
    }
}

/// Adds to the message that goes on, or begins one; `first` is where the
/// pieces of this message begin.
fn join<'a>(pieces: &mut Vec<Piece<'a>>, first: usize, role: Role, block: &'a Block) {
    let is_same = pieces.len() > first;
    match pieces.last_mut() {
        Some(Piece::Message(_, parts)) if is_same => parts.push(block),
        _ => {
            let role = if role == Role::Tool { Role::User } else { role };
            pieces.push(Piece::Message(role, vec![block]));
        }
    }
}

/// Messages that say nothing; a user may.
fn is_empty(piece: &Piece<'_>) -> bool {
    let says_nothing = |block: &&Block| match block {
        Block::Text { text, .. } => text.is_empty(),
        Block::Refusal(text) => text.is_empty(),
        _ => false,
    };
    match piece {
        Piece::Message(role, parts) => *role != Role::User && parts.iter().all(says_nothing),
        _ => false,
    }
}

/// Reasoning is refused without what came of it.
fn drop_loose_thinking(pieces: &mut Vec<Piece<'_>>, losses: &mut Vec<Loss>) {
    let mut keeps = vec![true; pieces.len()];
    let mut is_followed = false;
    for (piece, keep) in pieces.iter().zip(&mut keeps).rev() {
        match piece {
            Piece::Thinking(_, at) => {
                *keep = is_followed;
                let why = "nothing came of this thought";
                losses.extend((!is_followed).then(|| Loss::hint(field(*at), why)));
            }
            Piece::Message(role, _) => is_followed = *role == Role::Assistant,
            Piece::Call(..) => is_followed = true,
            Piece::Raw(raw) => is_followed = !raw.name.ends_with("_output"),
            _ => is_followed = false,
        }
    }
    let mut keeps = keeps.into_iter();
    pieces.retain(|_| keeps.next().unwrap_or(true));
}

/// Ids alone: the other half of a pair may be with the provider.
fn as_it_is(piece: Piece<'_>) -> Piece<'_> {
    match piece {
        Piece::Call(call, pair) => {
            let id = ids::call(&pair.id, 0);
            Piece::Call(call, Pair { id, ..pair })
        }
        Piece::Result(result, pair) => {
            let id = ids::call(&pair.id, 0);
            Piece::Result(result, Pair { id, ..pair })
        }
        other => other,
    }
}

/// Gives every call its one result, and every result its call.
fn paired<'a>(pieces: Vec<Piece<'a>>, losses: &mut Vec<Loss>) -> Vec<Piece<'a>> {
    let mut out: Vec<Piece<'_>> = Vec::with_capacity(pieces.len());
    // By the client's id: how often it came, and the call that waits.
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut waiting: BTreeMap<String, Pair> = BTreeMap::new();
    for piece in pieces {
        match piece {
            Piece::Call(call, pair) => {
                let round = seen.entry(pair.id.clone()).or_default();
                let id = ids::call(&pair.id, *round);
                *round += 1;
                let known = pair_of(call, &id, pair.at);
                out.push(Piece::Call(call, known.clone()));
                waiting.insert(pair.id, known);
            }
            Piece::Result(result, pair) => out.push(match waiting.remove(&result.call) {
                Some(pair) => Piece::Result(result, pair),
                None => {
                    losses.push(Loss::hint(field(pair.at), NO_CALL));
                    Piece::Stray(result)
                }
            }),
            other => out.push(other),
        }
    }
    answered(out, losses)
}

/// Puts a result behind each run of calls for those that have none.
fn answered<'a>(pieces: Vec<Piece<'a>>, losses: &mut Vec<Loss>) -> Vec<Piece<'a>> {
    let results: Vec<String> = pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Result(_, pair) => Some(pair.id.clone()),
            _ => None,
        })
        .collect();
    let mut out = Vec::with_capacity(pieces.len());
    let mut open: Vec<Pair> = Vec::new();
    for piece in pieces {
        match &piece {
            Piece::Call(_, pair) if !results.contains(&pair.id) => {
                let field = format!("messages[{}].tool_calls", pair.at.0);
                losses.push(Loss::hint(field, NO_RESULT));
                open.push(pair.clone());
            }
            Piece::Call(..) => {}
            _ => out.extend(open.drain(..).map(Piece::Unanswered)),
        }
        out.push(piece);
    }
    out.extend(open.into_iter().map(Piece::Unanswered));
    out
}
