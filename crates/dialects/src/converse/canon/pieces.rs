//! Blocks of a conversation, written one by one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::canon::{
    Block, CacheMark, Dialect, Loss, Media, MediaKind, Thinking, ToolCall, ToolResult, Unknown,
};

use super::fields::{parse, text};
use super::media::{self, Medium};
use super::model::Model;
use crate::json::{Kind, Object};
use crate::translate::Names;
use crate::translate::distinct::Distinct;

/// A block as Bedrock has it.
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
    /// A document: it wants a text beside it.
    Document,
    /// A sound: no tool's result may hold one.
    Sound,
    /// Another.
    Other,
}

/// What writing a block needs.
#[derive(Debug)]
pub(super) struct Pen<'a> {
    pub(super) names: &'a Names,
    pub(super) model: Model,
    pub(super) losses: Vec<Loss>,
    /// Names of documents that stand already.
    documents: Distinct,
}

fn piece(kind: PieceKind, write: impl FnOnce(&mut Object<'_>)) -> Piece {
    Piece {
        json: text(crate::json::object(write)),
        kind,
    }
}

/// A plain text; none if there is nothing to read, which Bedrock refuses.
pub(super) fn plain(words: &str) -> Option<Piece> {
    (!words.trim().is_empty()).then(|| {
        piece(PieceKind::Text, |o| {
            o.string("text", words);
        })
    })
}

impl<'a> Pen<'a> {
    /// For a model of this family.
    pub(super) fn new(names: &'a Names, model: Model) -> Self {
        Self {
            names,
            model,
            losses: Vec::new(),
            documents: Distinct::default(),
        }
    }

    /// Adds a block, and behind it its cache point.
    pub(super) fn with_cache(
        &mut self,
        piece: Option<Piece>,
        mark: Option<&CacheMark>,
        at: &str,
        out: &mut Vec<Piece>,
    ) {
        if let Some(piece) = piece {
            out.push(piece);
            out.extend(self.cache(mark, at));
        }
    }

    /// A cache point, where the model knows such.
    pub(super) fn cache(&mut self, mark: Option<&CacheMark>, at: &str) -> Option<Piece> {
        let mark = mark?;
        if !self.model.0.caches {
            let why = "the model knows no cache points";
            self.losses
                .push(Loss::hint(format!("{at}.cache_control"), why));
            return None;
        }
        Some(piece(PieceKind::Other, |o| {
            o.raw("cachePoint", &point(mark, &self.model));
        }))
    }

    /// Writes what an assistant said. Calls are written by [`Pen::call`].
    pub(super) fn said(&mut self, block: &Block, at: &str, out: &mut Vec<Piece>) {
        match block {
            Block::Text { text, cache, .. } => {
                self.with_cache(plain(text), cache.as_ref(), at, out);
            }
            Block::Refusal(text) => out.extend(plain(text)),
            Block::Thinking(thinking) => out.extend(self.thought(thinking, at)),
            Block::Unknown(unknown) => out.extend(self.own(unknown, at)),
            Block::Media(_) => {
                let why = "Bedrock takes images and documents of users alone";
                self.losses.push(Loss::meaning(at, why));
            }
            Block::ToolCall(_) | Block::ToolResult(_) => {}
        }
    }

    /// Writes what a user said.
    pub(super) fn heard(&mut self, block: &Block, at: &str, out: &mut Vec<Piece>) {
        match block {
            Block::Text { text, cache, .. } => {
                self.with_cache(plain(text), cache.as_ref(), at, out);
            }
            Block::Refusal(text) => out.extend(plain(text)),
            Block::Media(media) => {
                let written = self.media(media, at);
                self.with_cache(written, media.cache.as_ref(), at, out);
            }
            Block::Unknown(unknown) => out.extend(self.own(unknown, at)),
            Block::Thinking(_) | Block::ToolCall(_) | Block::ToolResult(_) => {}
        }
    }

    fn media(&mut self, media: &Media, at: &str) -> Option<Piece> {
        let medium = match Medium::of(media) {
            Ok(medium) => medium,
            Err(why) => {
                self.losses.push(Loss::meaning(at, why));
                return None;
            }
        };
        let said = media.detail.as_deref();
        if said.is_some_and(|detail| detail != "auto") {
            let why = "Bedrock looks at every image alike";
            self.losses.push(Loss::hint(format!("{at}.detail"), why));
        }
        if medium.kind != "document" {
            let kind = match media.kind {
                MediaKind::Audio => PieceKind::Sound,
                _ => PieceKind::Other,
            };
            return Some(piece(kind, |o| {
                o.object(medium.kind, |o| medium.put(o));
            }));
        }
        let name = self.document(media.name.as_deref());
        let cites = media.citations && self.model.is_claude();
        if media.citations && !cites {
            let field = format!("{at}.citations");
            self.losses
                .push(Loss::meaning(field, "the model cites nothing"));
        }
        let context = media.context.as_deref();
        let context = context.filter(|context| !context.trim().is_empty());
        Some(piece(PieceKind::Document, |o| {
            o.object("document", |o| {
                o.string("name", &name);
                medium.put(o);
                if let Some(context) = context.filter(|_| self.model.is_claude()) {
                    o.string("context", context);
                }
                if cites {
                    o.object("citations", |o| {
                        o.bool("enabled", true);
                    });
                }
            });
        }))
    }

    /// A name that no other document of the request has.
    fn document(&mut self, said: Option<&str>) -> String {
        let name = media::name(said);
        self.documents.claim(&name, |way| match way {
            0 => Some(name.clone()),
            way => Some(format!("{name} ({})", way.saturating_add(1))),
        })
    }

    fn own(&mut self, unknown: &Unknown, at: &str) -> Option<Piece> {
        if unknown.dialect != Dialect::Converse {
            let why = format!("Bedrock knows no `{}`", unknown.name);
            self.losses.push(Loss::meaning(at, why));
            return None;
        }
        Some(Piece {
            json: unknown.raw.as_str().to_owned(),
            kind: PieceKind::Other,
        })
    }

    fn thought(&mut self, thinking: &Thinking, at: &str) -> Option<Piece> {
        let signature = thinking.signature.as_ref();
        let own = signature.filter(|it| it.family == Dialect::Anthropic);
        let Some(own) = own.filter(|_| self.model.is_claude()) else {
            let why = match self.model.is_claude() {
                true => "a thought that Claude did not sign",
                false => "the model takes no thoughts back",
            };
            self.losses.push(Loss::hint(at, why));
            return None;
        };
        // What is hidden is a blob, which Bedrock decodes.
        if thinking.redacted && STANDARD.decode(&own.value).is_err() {
            let why = "a hidden thought that is no base64";
            self.losses.push(Loss::hint(at, why));
            return None;
        }
        Some(piece(PieceKind::Thinking, |o| {
            o.object("reasoningContent", |o| match thinking.redacted {
                true => {
                    o.string("redactedContent", &own.value);
                }
                false => {
                    o.object("reasoningText", |o| {
                        o.string("text", &thinking.text);
                        o.string("signature", &own.value);
                    });
                }
            });
        }))
    }

    /// Writes a call under this id.
    pub(super) fn call(&mut self, call: &ToolCall, id: &str, at: &str, out: &mut Vec<Piece>) {
        let name = self.names.outward(&call.name);
        let written = piece(PieceKind::Other, |o| {
            o.object("toolUse", |o| {
                o.string("toolUseId", id).string("name", name);
                o.raw("input", &input(call));
            });
        });
        self.with_cache(Some(written), call.cache.as_ref(), at, out);
    }

    /// Writes a result to the call of this id, and its cache point.
    pub(super) fn result(
        &mut self,
        result: &ToolResult,
        id: &str,
        at: &str,
        out: &mut Vec<Outcome>,
    ) {
        let mut content = Vec::new();
        let mut mark = result.cache.clone();
        for (index, block) in result.content.iter().enumerate() {
            let at = format!("{at}.content[{index}]");
            let mut block = block.clone();
            // A cache point stands behind the result, not within.
            match &mut block {
                Block::Text { cache, .. } => mark = cache.take().or(mark),
                Block::Media(media) if media.kind == MediaKind::Audio => {
                    let why = "Bedrock takes no sound from tools";
                    self.losses.push(Loss::meaning(at, why));
                    continue;
                }
                Block::Media(media) => mark = media.cache.take().or(mark),
                _ => {}
            }
            self.heard(&block, &at, &mut content);
        }
        if content.is_empty() {
            content.extend(plain("(no output)"));
        }
        let has_failed = result.is_error == Some(true);
        let status = result.is_error.filter(|_| self.model.is_claude_or_nova());
        if has_failed && status.is_none() {
            content.splice(0..0, plain("The tool failed."));
        }
        let cache = self.cache(mark.as_ref(), at);
        out.push(Outcome {
            id: id.to_owned(),
            content,
            status: status.map(|has_failed| match has_failed {
                true => "error",
                false => "success",
            }),
            cache,
        });
    }
}

/// What a tool answered.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    id: String,
    pub(super) content: Vec<Piece>,
    status: Option<&'static str>,
    /// A cache point behind it.
    pub(super) cache: Option<Piece>,
}

impl Outcome {
    /// The result of a call that nobody answered.
    pub(super) fn missing(id: &str, model: &Model) -> Self {
        Self {
            id: id.to_owned(),
            content: plain("This call was not answered.").into_iter().collect(),
            status: model.is_claude_or_nova().then_some("error"),
            cache: None,
        }
    }

    /// Its text.
    pub(super) fn json(&self) -> String {
        text(crate::json::object(|o| {
            o.object("toolResult", |o| {
                o.string("toolUseId", &self.id);
                o.array("content", |a| {
                    for piece in &self.content {
                        a.raw(&piece.json);
                    }
                });
                if let Some(status) = self.status {
                    o.string("status", status);
                }
            });
        }))
    }
}

/// A `CachePointBlock`.
pub(super) fn point(mark: &CacheMark, model: &Model) -> String {
    text(crate::json::object(|o| {
        o.string("type", "default");
        // Older models know the usual five minutes alone.
        if matches!(mark.ttl.as_deref(), Some("1h" | "24h")) && model.is_new_claude() {
            o.string("ttl", "1h");
        }
    }))
}

/// A call's arguments as the object that Bedrock wants. Free text goes in as
/// the one member that its tool is declared with; a text that is no object
/// stays readable.
fn input(call: &ToolCall) -> String {
    let arguments = call.arguments.trim();
    let within = |key: &str| {
        text(crate::json::object(|o| {
            o.string(key, &call.arguments);
        }))
    };
    if call.custom {
        return within("input");
    }
    if arguments.is_empty() {
        return "{}".to_owned();
    }
    match parse(arguments) {
        Some(document) if document.root().kind() == Kind::Object => arguments.to_owned(),
        Some(document) if document.root().is_null() => "{}".to_owned(),
        _ => within("arguments"),
    }
}
