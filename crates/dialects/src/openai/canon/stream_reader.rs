//! A provider's stream, read.
//!
//! The end is decided by the dialect's own marks: every choice said why it
//! ended, and `[DONE]` came. What lacks one of them has no end here.

use std::collections::BTreeMap;

use domain::canon::{Chunk, Dialect, Fault, Unknown};

use super::answer::{created, index, rest, usage};
use super::fields::{json, member, text, unknown};
use super::stream_choice::{Choice, Place};
use super::{Malformed, fault, stop};
use crate::json::{Document, Kind, Node};
use crate::sse::Frame;
use crate::translate::Names;

/// Chunks are nested at most this deeply.
const MAX_DEPTH: usize = 128;

/// More members than any server puts beside the choices.
const MOST_MEMBERS: usize = 64;

/// Reads a stream frame by frame.
#[derive(Debug)]
pub struct StreamReader {
    names: Names,
    /// The answer's id, once it has begun.
    id: Option<String>,
    choices: BTreeMap<u32, Choice>,
    /// Members beside the choices that were told already.
    told: Vec<String>,
    is_over: bool,
}

impl StreamReader {
    /// A reader; `names` are those of the request.
    #[must_use]
    pub fn new(names: Names) -> Self {
        Self {
            names,
            id: None,
            choices: BTreeMap::new(),
            told: Vec::new(),
            is_over: false,
        }
    }

    /// Takes the next frame.
    ///
    /// # Errors
    /// [`Malformed`]: the frame is no chunk of this dialect, or contradicts
    /// those before it. The reader is of no use afterwards.
    pub fn push(&mut self, frame: &Frame, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        if self.is_over {
            return Ok(());
        }
        let data = frame
            .data
            .as_ref()
            .filter(|data| !data.trim_ascii().is_empty());
        let Some(data) = data else {
            out.push(Chunk::Ping);
            return Ok(());
        };
        if frame.is_end_mark() {
            self.is_over = true;
            let mut choices = self.choices.values();
            if !self.choices.is_empty() && choices.all(Choice::is_stopped) {
                out.push(Chunk::End);
            }
            return Ok(());
        }
        let document = Document::parse(data.clone(), MAX_DEPTH)
            .map_err(|_| Malformed("an event that is not JSON"))?;
        let root = document.root();
        if root.kind() != Kind::Object {
            return Err(Malformed("an event that is not an object"));
        }
        let is_named = frame.event.as_deref() == Some(b"error");
        if let Some(fault) = fault::in_stream(root, is_named) {
            self.is_over = true;
            out.push(Chunk::Error(fault));
            return Ok(());
        }
        self.chunk(root, frame, out)
    }

    fn chunk(
        &mut self,
        root: Node<'_>,
        frame: &Frame,
        out: &mut Vec<Chunk>,
    ) -> Result<(), Malformed> {
        let choices = member(root, "choices").filter(|choices| choices.kind() == Kind::Array);
        let used = usage(root);
        let Some(choices) = choices else {
            match used {
                Some(used) => {
                    self.start(root, out);
                    out.push(Chunk::Usage(used));
                }
                None => out.push(other(root, frame)),
            }
            return Ok(());
        };
        // What comes before the first choice is not for the client: Azure
        // begins with a chunk that has neither id nor model.
        if self.id.is_none() && choices.items().next().is_none() && used.is_none() {
            return Ok(());
        }
        self.start(root, out);
        for (at, choice) in choices.items().enumerate() {
            self.choice(choice, at, out)?;
            if self.is_over {
                return Ok(());
            }
        }
        if let Some(used) = used {
            out.push(Chunk::Usage(used));
        }
        Ok(())
    }

    fn start(&mut self, root: Node<'_>, out: &mut Vec<Chunk>) {
        if self.id.is_none() {
            let id = text(root, "id").unwrap_or_default().into_owned();
            out.push(Chunk::Start {
                id: id.clone(),
                model: text(root, "model").unwrap_or_default().into_owned(),
                created: created(root),
            });
            self.id = Some(id);
        }
        for member in rest(root) {
            if self.told.len() < MOST_MEMBERS && !self.told.contains(&member.name) {
                self.told.push(member.name.clone());
                out.push(Chunk::Unknown(member));
            }
        }
    }

    fn choice(&mut self, node: Node<'_>, at: usize, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        let failed = text(node, "finish_reason").and_then(|reason| stop::failure(&reason));
        let number = index(node, at);
        let answer = self.id.as_deref().unwrap_or_default();
        let choice = self.choices.entry(number).or_default();
        let mut place = Place {
            answer,
            number,
            names: &self.names,
            out,
        };
        choice.push(node, &mut place)?;
        if let Some(kind) = failed {
            self.is_over = true;
            out.push(Chunk::Error(Fault {
                kind,
                message: "The provider broke the answer off.".to_owned(),
                code: None,
                field: None,
            }));
        }
        Ok(())
    }
}

/// An event without choices.
fn other(root: Node<'_>, frame: &Frame) -> Chunk {
    let kind = text(root, "type").map(|kind| kind.into_owned());
    let event = frame.event.as_deref().map(String::from_utf8_lossy);
    let name = kind.or_else(|| event.map(|event| event.into_owned()));
    match name.as_deref() {
        Some("ping") => Chunk::Ping,
        Some(name) => Chunk::Unknown(unknown(name, root)),
        None => Chunk::Unknown(Unknown::new(Dialect::OpenAi, "event", json(root))),
    }
}
