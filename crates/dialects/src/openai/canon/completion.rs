//! The old completions: a prompt in, a text out. Of the canonical form they
//! say little: one message of the user, and one text a choice.

use std::collections::BTreeSet;

use bytes::Bytes;
use domain::canon::{Answer, Block, Chunk, Delta, Message, Opened, Request, Role, Stop};
use domain::refusal::Refusal;
use domain::usage::Usage;

use super::fault::write_fault_event;
use super::fields::{Path, missing, wrong};
use super::request::Reading;
use super::stop::{self, Form, Said};
use super::{Head, write_usage};
use crate::json::{Document, Kind, Node, object};

/// Reads a completion's request: its prompt is what the user says.
///
/// # Errors
/// A member is missing or has the wrong type, or there are several prompts:
/// models of other dialects answer one conversation at a time.
pub fn read_completion_request(document: &Document) -> Result<Request, Refusal> {
    let root = document.root();
    let mut read = Reading::default();
    let mut prompt = None;
    for (key, _, value) in root.entries() {
        match &*key {
            _ if value.is_null() => {}
            "prompt" => prompt = Some(value),
            // Here it is a number, which no other dialect has.
            "logprobs" => read.keep("logprobs", value),
            "messages" | "tools" => read.keep(&key, value),
            _ => read.member(&key, value)?,
        }
    }
    let path = Path::Root.key("prompt");
    let prompt = prompt.ok_or_else(|| missing(path, "send the text to go on from"))?;
    let text = read_prompt(prompt, path)?;
    read.say(Message::new(Role::User, vec![Block::text(text)]));
    read.finish()
}

fn read_prompt(prompt: Node<'_>, path: Path<'_>) -> Result<String, Refusal> {
    let expected = "one text; this model takes neither tokens nor several prompts";
    let text = match prompt.kind() {
        Kind::Array => {
            let mut items = prompt.items();
            let first = items.next().filter(|_| items.next().is_none());
            first.and_then(Node::str)
        }
        _ => prompt.str(),
    };
    text.map(|text| text.into_owned())
        .ok_or_else(|| wrong(path, expected))
}

/// Writes an answer as a completion: the texts, and nothing else of it.
#[must_use]
pub fn write_completion_answer(answer: &Answer, head: &Head<'_>) -> Vec<u8> {
    object(|root| {
        let id = if answer.id.is_empty() {
            head.id
        } else {
            &answer.id
        };
        root.string("id", id).string("object", "text_completion");
        let created = answer.created.unwrap_or(head.created);
        root.raw("created", &created.to_string());
        root.string("model", super::write_answer::model(&answer.model, head));
        root.array("choices", |choices| {
            for (index, choice) in answer.choices.iter().enumerate() {
                let texts = choice.content.iter().map(|block| match block {
                    Block::Text { text, .. } | Block::Refusal(text) => text.as_str(),
                    _ => "",
                });
                let text: String = texts.collect();
                choices.object(|object| {
                    object.string("text", &text).number("index", index as u64);
                    object.null("logprobs");
                    object.string("finish_reason", word(choice.stop.as_ref()));
                });
            }
        });
        if let Some(usage) = &answer.usage {
            root.object("usage", |object| write_usage::write(object, usage));
        }
    })
}

/// A completion has no calls.
fn word(stop: Option<&Stop>) -> &'static str {
    match stop::word(stop, Said::default(), Form::Several) {
        "tool_calls" => "stop",
        word => word,
    }
}

/// Writes a stream as one of completions.
#[derive(Debug)]
pub struct CompletionWriter {
    id: String,
    request_id: String,
    model: String,
    created: i64,
    wants_usage: bool,
    usage: Option<Usage>,
    /// The blocks that are texts: choice and number.
    texts: BTreeSet<(u32, u32)>,
    is_over: bool,
}

impl CompletionWriter {
    /// A writer for the client who asked this.
    #[must_use]
    pub fn new(head: &Head<'_>) -> Self {
        Self {
            id: head.id.to_owned(),
            request_id: head.request_id.to_owned(),
            model: head.request.model.clone(),
            created: head.created,
            wants_usage: head.request.stream_usage,
            usage: None,
            texts: BTreeSet::new(),
            is_over: false,
        }
    }

    /// Takes the next chunk, and adds what it becomes to `out`: whole frames.
    pub fn push(&mut self, chunk: &Chunk, out: &mut Vec<Bytes>) {
        if self.is_over {
            return;
        }
        match chunk {
            Chunk::Start { id, model, created } => {
                for (ours, theirs) in [(&mut self.id, id), (&mut self.model, model)] {
                    if !theirs.is_empty() {
                        ours.clone_from(theirs);
                    }
                }
                self.created = created.unwrap_or(self.created);
            }
            Chunk::Open {
                choice,
                block,
                opened: Opened::Text | Opened::Refusal,
            } => {
                self.texts.insert((*choice, *block));
            }
            Chunk::Grow {
                choice,
                block,
                delta: Delta::Text(more),
            } if self.texts.contains(&(*choice, *block)) && !more.is_empty() => {
                out.push(self.frame(Some((*choice, more, None))));
            }
            Chunk::Stop { choice, stop } => {
                out.push(self.frame(Some((*choice, "", Some(word(Some(stop)))))));
            }
            Chunk::Usage(usage) => self.usage = Some(*usage),
            Chunk::Ping => out.push(Bytes::from_static(b": ping\n\n")),
            Chunk::Error(fault) => {
                self.is_over = true;
                out.push(write_fault_event(fault, &self.request_id));
            }
            Chunk::End => {
                self.is_over = true;
                if self.wants_usage && self.usage.is_some() {
                    out.push(self.frame(None));
                }
                out.push(Bytes::from_static(b"data: [DONE]\n\n"));
            }
            _ => {}
        }
    }

    /// A chunk of one choice, or the one that tells what was used.
    fn frame(&self, choice: Option<(u32, &str, Option<&str>)>) -> Bytes {
        let body = object(|root| {
            root.string("id", &self.id)
                .string("object", "text_completion");
            root.raw("created", &self.created.to_string());
            root.string("model", &self.model);
            root.array("choices", |choices| {
                let Some((index, text, reason)) = choice else {
                    return;
                };
                choices.object(|object| {
                    object.string("text", text).number("index", index.into());
                    object.null("logprobs");
                    match reason {
                        Some(reason) => object.string("finish_reason", reason),
                        None => object.null("finish_reason"),
                    };
                });
            });
            match (&self.usage, choice) {
                (Some(usage), None) => {
                    root.object("usage", |object| write_usage::write(object, usage));
                }
                _ if self.wants_usage => drop(root.null("usage")),
                _ => {}
            }
        });
        [b"data: ", body.as_slice(), b"\n\n"].concat().into()
    }
}
