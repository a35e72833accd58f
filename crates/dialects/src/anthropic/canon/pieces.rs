//! Blocks of a conversation, written one by one.

use domain::canon::{Block, CacheMark, Dialect, Loss, Thinking, ToolCall, ToolResult, Unknown};

use super::fields::text;
use super::{media, signature};
use crate::json::Object;
use crate::translate::Names;
use crate::translate::functions::arguments;

/// A block as Anthropic has it.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// Its text.
    pub(super) json: String,
    /// What the order of blocks depends on.
    pub(super) kind: PieceKind,
}

/// Kinds of blocks that the order depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PieceKind {
    /// Thinking, hidden or not.
    Thinking,
    /// A text.
    Text,
    /// A call of a client's tool.
    Call,
    /// A block that only Anthropic knows: server tools and their results.
    Own,
    /// Another.
    Other,
}

/// What writing a block needs.
#[derive(Debug)]
pub(super) struct Pen<'a> {
    pub(super) names: &'a Names,
    pub(super) losses: Vec<Loss>,
}

fn piece(kind: PieceKind, write: impl FnOnce(&mut Object<'_>)) -> Piece {
    Piece {
        json: text(crate::json::object(write)),
        kind,
    }
}

/// Writes `cache_control`.
pub(super) fn put_cache(o: &mut Object<'_>, mark: Option<&CacheMark>) {
    let Some(mark) = mark else {
        return;
    };
    o.object("cache_control", |o| {
        o.string("type", "ephemeral");
        match mark.ttl.as_deref() {
            Some(ttl @ ("5m" | "1h")) => {
                o.string("ttl", ttl);
            }
            Some("24h") => {
                o.string("ttl", "1h");
            }
            _ => {}
        }
    });
}

/// A plain text; none if there is nothing to read, which Anthropic refuses.
pub(super) fn plain(words: &str, mark: Option<&CacheMark>) -> Option<Piece> {
    (!words.trim().is_empty()).then(|| {
        piece(PieceKind::Text, |o| {
            o.string("type", "text").string("text", words);
            put_cache(o, mark);
        })
    })
}

impl Pen<'_> {
    /// Writes what an assistant said. Calls are written by [`Pen::call`].
    pub(super) fn said(&mut self, block: &Block, at: &str) -> Option<Piece> {
        match block {
            Block::Text {
                text,
                citations,
                cache,
                ..
            } => cited(text, citations, cache.as_ref()),
            Block::Refusal(text) => plain(text, None),
            Block::Thinking(thinking) => self.thought(thinking, at),
            Block::Unknown(unknown) => self.own(unknown, at),
            Block::Media(_) => {
                let why = "Claude takes no images or sounds as its own words";
                self.losses.push(Loss::meaning(at, why));
                None
            }
            Block::ToolCall(_) | Block::ToolResult(_) => None,
        }
    }

    /// Writes what a user said, or a tool that answers.
    pub(super) fn heard(&mut self, block: &Block, at: &str) -> Option<Piece> {
        match block {
            Block::Text { text, cache, .. } => plain(text, cache.as_ref()),
            Block::Refusal(text) => plain(text, None),
            Block::Media(media) => media::write(media, at, &mut self.losses).map(|json| Piece {
                json,
                kind: PieceKind::Other,
            }),
            Block::Unknown(unknown) => self.own(unknown, at),
            Block::Thinking(_) | Block::ToolCall(_) | Block::ToolResult(_) => None,
        }
    }

    fn own(&mut self, unknown: &Unknown, at: &str) -> Option<Piece> {
        if unknown.dialect != Dialect::Anthropic {
            let why = format!("Anthropic knows no `{}`", unknown.name);
            self.losses.push(Loss::meaning(at, why));
            return None;
        }
        Some(Piece {
            json: unknown.raw.as_str().to_owned(),
            kind: PieceKind::Own,
        })
    }

    fn thought(&mut self, thinking: &Thinking, at: &str) -> Option<Piece> {
        let Some(signature) = signature::of_claude(thinking) else {
            let why = "a thought that Claude did not sign";
            self.losses.push(Loss::hint(at, why));
            return None;
        };
        Some(piece(PieceKind::Thinking, |o| match thinking.redacted {
            true => {
                o.string("type", "redacted_thinking");
                o.string("data", signature);
            }
            false => {
                o.string("type", "thinking");
                o.string("thinking", &thinking.text);
                o.string("signature", signature);
            }
        }))
    }

    /// Writes a call under this id.
    pub(super) fn call(&mut self, call: &ToolCall, id: &str) -> Piece {
        let name = self.names.outward(&call.name);
        piece(PieceKind::Call, |o| {
            o.string("type", "tool_use").string("id", id);
            o.string("name", name).raw("input", &input(call));
            put_cache(o, call.cache.as_ref());
        })
    }

    /// Writes a result to the call of this id.
    pub(super) fn result(&mut self, result: &ToolResult, id: &str, at: &str) -> String {
        let blocks = result.content.iter().enumerate();
        let content: Vec<Piece> = blocks
            .filter_map(|(index, block)| self.heard(block, &format!("{at}.content[{index}]")))
            .collect();
        text(crate::json::object(|o| {
            o.string("type", "tool_result").string("tool_use_id", id);
            if !content.is_empty() {
                o.array("content", |a| {
                    for piece in &content {
                        a.raw(&piece.json);
                    }
                });
            }
            if let Some(is_error) = result.is_error {
                o.bool("is_error", is_error);
            }
            put_cache(o, result.cache.as_ref());
        }))
    }
}

/// The result of a call that nobody answered.
pub(super) fn no_result(id: &str) -> String {
    text(crate::json::object(|o| {
        o.string("type", "tool_result").string("tool_use_id", id);
        o.string("content", "This call was not answered.");
        o.bool("is_error", true);
    }))
}

fn cited(words: &str, citations: &[Unknown], mark: Option<&CacheMark>) -> Option<Piece> {
    (!words.trim().is_empty()).then(|| {
        piece(PieceKind::Text, |o| {
            o.string("type", "text").string("text", words);
            put_citations(o, citations);
            put_cache(o, mark);
        })
    })
}

/// Writes the citations that are Anthropic's own.
pub(super) fn put_citations(o: &mut Object<'_>, citations: &[Unknown]) {
    let is_own = |citation: &&Unknown| citation.dialect == Dialect::Anthropic;
    let mut own = citations.iter().filter(is_own).peekable();
    if own.peek().is_some() {
        o.array("citations", |a| {
            for citation in own {
                a.raw(citation.raw.as_str());
            }
        });
    }
}

/// A call's arguments as the object that Anthropic wants. Free text goes in
/// as the one member that its tool is declared with; a text that is no object
/// stays readable.
pub(super) fn input(call: &ToolCall) -> String {
    arguments(call).into_owned()
}
