//! The tool calls of one choice, as a stream brings them: piece by piece,
//! several at once, and told apart in different ways by different servers.

use std::borrow::Cow;

use domain::canon::{Delta, Opened, Signature};

use super::fields::{json, member, text};
use super::stream_choice::Place;
use super::{Malformed, ids, thoughts};
use crate::json::{Kind, Node};

/// More calls than any model makes at once; each is looked for one by one.
const MOST: usize = 1024;

/// The calls of a choice.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

#[derive(Debug, Default)]
struct Call {
    /// The number by which the stream names it, where it does.
    index: Option<u64>,
    /// The id that it came with; empty where it came without.
    id: String,
    /// Arguments that came before the tool's name.
    early: String,
    /// What proves it, if that came before the tool's name.
    signature: Option<Signature>,
    /// Its block, once its tool is known.
    block: Option<u32>,
    is_closed: bool,
}

/// What a stream says of one call at a time.
struct Piece<'a> {
    index: Option<u64>,
    id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    arguments: Cow<'a, str>,
    custom: bool,
    signature: Option<Signature>,
}

impl Calls {
    /// Takes a piece of a call; `next` is the number of the choice's next block.
    pub(super) fn push(
        &mut self,
        node: Node<'_>,
        next: &mut u32,
        to: &mut Place<'_>,
    ) -> Result<(), Malformed> {
        let piece = Piece::read(node);
        let at = self.find(&piece);
        if at >= MOST {
            return Err(Malformed("more calls than any model makes"));
        }
        let Some(call) = self.0.get_mut(at) else {
            return Ok(());
        };
        if let (true, Some(id)) = (call.id.is_empty(), &piece.id) {
            call.id = id.clone().into_owned();
        }
        if call.is_closed {
            return match piece.arguments.is_empty() {
                true => Ok(()),
                false => Err(Malformed("arguments of a call that had ended")),
            };
        }
        if let Some(block) = call.block {
            grow(to, block, piece.arguments.into_owned());
            if let Some(signature) = piece.signature {
                to.grow(block, Delta::Signature(signature));
            }
            return Ok(());
        }
        call.early.push_str(&piece.arguments);
        call.signature = piece.signature.or(call.signature.take());
        let Some(name) = piece.name else {
            return Ok(());
        };
        let block = *next;
        *next += 1;
        call.block = Some(block);
        let id = match call.id.as_str() {
            "" => ids::made(to.answer, to.number, at),
            id => id.to_owned(),
        };
        let opened = Opened::ToolCall {
            id,
            name: to.names.inward(&name).to_owned(),
            custom: piece.custom,
            signature: call.signature.take(),
        };
        to.open(block, opened);
        grow(to, block, std::mem::take(&mut call.early));
        Ok(())
    }

    /// Which call a piece belongs to; a new one if to none.
    fn find(&mut self, piece: &Piece<'_>) -> usize {
        let mut known = self.0.iter().enumerate().rev();
        let id = piece.id.as_deref();
        let found = match (piece.index, id) {
            (Some(index), _) => known.find(|(_, call)| call.index == Some(index)),
            (None, Some(id)) => known.find(|(_, call)| call.id == id),
            (None, None) if piece.name.is_none() => known.next(),
            (None, None) => None,
        };
        // Some servers give every whole call the same number.
        let is_other = |call: &Call| {
            let has_other_id = id.is_some_and(|id| !call.id.is_empty() && call.id != id);
            has_other_id && piece.name.is_some()
        };
        match found {
            Some((at, call)) if !is_other(call) => at,
            _ => {
                self.0.push(Call {
                    index: piece.index,
                    ..Call::default()
                });
                self.0.len() - 1
            }
        }
    }

    /// Whether one of them may still grow.
    pub(super) fn are_open(&self) -> bool {
        self.0.iter().any(|call| !call.is_closed)
    }

    /// None of them grows any more.
    pub(super) fn close(&mut self, to: &mut Place<'_>) -> Result<(), Malformed> {
        for call in self.0.iter_mut().filter(|call| !call.is_closed) {
            call.is_closed = true;
            let block = call
                .block
                .ok_or(Malformed("a call without a tool's name"))?;
            to.close(block);
        }
        Ok(())
    }
}

impl<'a> Piece<'a> {
    fn read(node: Node<'a>) -> Self {
        let custom = member(node, "custom");
        let function = member(node, "function");
        let named = custom.or(function).unwrap_or(node);
        let field = if custom.is_some() {
            "input"
        } else {
            "arguments"
        };
        Self {
            index: node.get("index").and_then(Node::u64),
            id: text(node, "id"),
            name: text(named, "name"),
            arguments: arguments(named, field),
            custom: custom.is_some(),
            signature: thoughts::call_signature(node),
        }
    }
}

/// A piece of arguments; whole ones come as an object from some.
fn arguments<'a>(named: Node<'a>, field: &str) -> Cow<'a, str> {
    match member(named, field) {
        None => Cow::Borrowed(""),
        Some(value) if value.kind() == Kind::String => value.str().unwrap_or_default(),
        Some(value) => Cow::Owned(json(value).as_str().to_owned()),
    }
}

fn grow(to: &mut Place<'_>, block: u32, arguments: String) {
    if !arguments.is_empty() {
        to.grow(block, Delta::Arguments(arguments));
    }
}
