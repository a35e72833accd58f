//! The conversation, written.
//!
//! A message is one text, with its images beside it. Tools answer each in a
//! message of its own, by the tool's name; pictures that they give follow
//! behind, where a user may send them.

use std::borrow::Cow;

use domain::canon::{
    Block, Loss, Media, MediaKind, Message, Request, Role, Source, ToolCall, ToolResult,
};

use crate::json::{Array, Object};
use crate::openai::canon::media::document_text;
use crate::translate::Target;
use crate::translate::functions::arguments;
use crate::translate::order::{NO_CALL, NO_RESULT, Place, Step, UNANSWERED, heading, steps};

/// A piece of a message.
enum Part<'a> {
    Text(Cow<'a, str>),
    /// In base64.
    Image(&'a str),
}

/// What a message says.
#[derive(Default)]
struct Said<'a> {
    texts: Vec<Cow<'a, str>>,
    images: Vec<&'a str>,
}

impl<'a> Said<'a> {
    fn add(&mut self, part: Part<'a>) {
        match part {
            Part::Text(text) => self.texts.push(text),
            Part::Image(data) => self.images.push(data),
        }
    }

    fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.images.is_empty()
    }

    fn write(&self, out: &mut Object<'_>, between: &str) {
        out.string("content", &self.texts.join(between));
        if !self.images.is_empty() {
            out.array("images", |list| {
                for image in &self.images {
                    list.string(image);
                }
            });
        }
    }
}

/// Writes `messages`; `rule` is one of the gateway's own, which stands first.
pub(super) fn write(
    root: &mut Object<'_>,
    (request, rule): (&Request, Option<&str>),
    target: &Target<'_>,
    losses: &mut Vec<Loss>,
) {
    root.array("messages", |list| {
        if let Some(rule) = rule {
            list.object(|out| {
                out.string("role", "system").string("content", rule);
            });
        }
        let mut pen = Pen {
            list,
            target,
            losses,
            behind: Said::default(),
        };
        for step in steps(request) {
            pen.step(step);
        }
        pen.flush();
    });
}

struct Pen<'a, 'p> {
    list: &'p mut Array<'a>,
    target: &'p Target<'p>,
    losses: &'p mut Vec<Loss>,
    /// What tools gave beside texts.
    behind: Said<'p>,
}

impl<'p> Pen<'_, 'p> {
    fn step(&mut self, step: Step<'p>) {
        if !matches!(step, Step::Answered { .. }) {
            self.flush();
        }
        match step {
            Step::Said { at, message, ids } => match message.role {
                Role::Assistant => self.assistant(at, message, &ids),
                role => self.said(role, at, message),
            },
            Step::Answered {
                at,
                call,
                id,
                result,
            } => self.answered(at, (call, &id), result),
            Step::Stray { at, result } => {
                let field = format!("messages[{}].content[{}]", at.0, at.1);
                self.losses.push(Loss::hint(field, NO_CALL));
                let mut said = Said::default();
                said.add(Part::Text(heading(result).into()));
                let parts = result.content.iter().filter_map(|it| part(it).ok());
                parts.for_each(|part| said.add(part));
                self.message("user", &said);
            }
        }
    }

    fn message(&mut self, role: &str, said: &Said<'_>) {
        self.list.object(|out| {
            out.string("role", role);
            said.write(out, "\n");
        });
    }

    fn lose(&mut self, (message, block): Place, why: &str) {
        let field = format!("messages[{message}].content[{block}]");
        self.losses.push(Loss::meaning(field, why));
    }

    fn hint(&mut self, (message, block): Place, member: &str, why: &str) {
        let field = format!("messages[{message}].content[{block}].{member}");
        self.losses.push(Loss::hint(field, why));
    }

    /// Somebody else than the model says something.
    fn said(&mut self, role: Role, at: usize, message: &'p Message) {
        let is_operator = matches!(role, Role::System | Role::Developer);
        let mut said = Said::default();
        for (nth, block) in message.content.iter().enumerate() {
            self.note((at, nth), block);
            match block {
                Block::ToolResult(_) => {}
                Block::ToolCall(_) | Block::Thinking(_) => {
                    self.lose((at, nth), "only the model calls tools and thinks");
                }
                _ => match part(block) {
                    Ok(Part::Image(_)) if is_operator => {
                        self.lose((at, nth), "Ollama takes only text from the operator");
                    }
                    Ok(part) => said.add(part),
                    Err(why) => self.lose((at, nth), why),
                },
            }
        }
        if message.name.is_some() {
            let field = format!("messages[{at}].name");
            let why = "Ollama takes no names of speakers";
            self.losses.push(Loss::hint(field, why));
        }
        if !said.is_empty() || message.content.is_empty() {
            self.message(if is_operator { "system" } else { "user" }, &said);
        }
    }

    fn assistant(&mut self, at: usize, message: &'p Message, ids: &[Cow<'_, str>]) {
        let mut said = Said::default();
        let mut thoughts = String::new();
        let mut calls: Vec<&ToolCall> = Vec::new();
        for (nth, block) in message.content.iter().enumerate() {
            self.note((at, nth), block);
            match block {
                Block::ToolCall(call) => calls.push(call),
                Block::ToolResult(_) => {}
                Block::Thinking(thinking) if thinking.redacted => {}
                Block::Thinking(thinking) => thoughts.push_str(&thinking.text),
                _ => match part(block) {
                    Ok(Part::Image(_)) => {
                        self.lose((at, nth), "Ollama takes only text from the model");
                    }
                    Ok(part) => said.add(part),
                    Err(why) => self.lose((at, nth), why),
                },
            }
        }
        let says = !said.is_empty() || !calls.is_empty() || message.content.is_empty();
        if !says && thoughts.is_empty() {
            return;
        }
        let target = self.target;
        self.list.object(|out| {
            out.string("role", "assistant");
            // Its texts were one: nothing stood between them.
            said.write(out, "");
            if !thoughts.is_empty() {
                out.string("thinking", &thoughts);
            }
            if !calls.is_empty() {
                out.array("tool_calls", |list| {
                    for (call, id) in calls.iter().zip(ids) {
                        write_call(list, call, id, target);
                    }
                });
            }
        });
    }

    /// The result of a call that message `at` makes.
    fn answered(
        &mut self,
        at: usize,
        (call, id): (&ToolCall, &str),
        found: Option<(Place, &'p ToolResult)>,
    ) {
        let mut said = Said::default();
        match found {
            Some((place, result)) => self.result(place, result, &mut said),
            None => {
                let field = format!("messages[{at}].tool_calls");
                self.losses.push(Loss::hint(field, NO_RESULT));
                said.add(Part::Text(UNANSWERED.into()));
            }
        }
        let name = self.target.names.outward(&call.name);
        self.list.object(|out| {
            out.string("role", "tool");
            said.write(out, "\n");
            out.string("tool_name", name).string("tool_call_id", id);
        });
    }

    fn result(&mut self, place: Place, result: &'p ToolResult, said: &mut Said<'p>) {
        let mut is_behind = false;
        for block in &result.content {
            match part(block) {
                Ok(part @ Part::Image(_)) => {
                    if !std::mem::replace(&mut is_behind, true) {
                        self.behind.add(Part::Text(heading(result).into()));
                    }
                    self.behind.add(part);
                }
                Ok(part) => said.add(part),
                Err(why) => self.lose(place, why),
            }
        }
        if is_behind && said.is_empty() {
            said.add(Part::Text("What it gave follows below.".into()));
        }
        if result.is_error == Some(true) {
            self.hint(
                place,
                "is_error",
                "Ollama has no mark for tools that failed",
            );
            if said.is_empty() {
                said.add(Part::Text("The tool failed.".into()));
            }
        }
    }

    /// Writes what stands behind the results.
    fn flush(&mut self) {
        let behind = std::mem::take(&mut self.behind);
        if !behind.is_empty() {
            self.message("user", &behind);
        }
    }

    /// Notes what nobody misses of a block.
    fn note(&mut self, place: Place, block: &Block) {
        let (cache, media) = match block {
            Block::Text { cache, .. } => (cache.as_ref(), None),
            Block::Media(media) => (media.cache.as_ref(), Some(media)),
            _ => return,
        };
        if cache.is_some() {
            self.hint(place, "cache_control", "Ollama caches prompts by itself");
        }
        let detail = media.and_then(|media| media.detail.as_deref());
        if detail.is_some_and(|detail| detail != "auto") {
            self.hint(place, "detail", "Ollama looks at all images alike");
        }
        if media.is_some_and(|media| media.citations) {
            self.hint(place, "citations", "Ollama does not cite documents");
        }
    }
}

/// A block as a part of a message; or why it cannot be one.
fn part(block: &Block) -> Result<Part<'_>, &'static str> {
    match block {
        Block::Text { text, .. } | Block::Refusal(text) => Ok(Part::Text(text.into())),
        Block::Media(media) => medium(media),
        Block::Unknown(_) => Err("Ollama has nothing of this kind"),
        Block::Thinking(_) | Block::ToolCall(_) | Block::ToolResult(_) => {
            Err("it cannot stand here")
        }
    }
}

fn medium(media: &Media) -> Result<Part<'_>, &'static str> {
    match (media.kind, &media.source) {
        (_, Source::Text(text)) => Ok(Part::Text(document_text(media, text))),
        (MediaKind::Image, Source::Base64(data)) => Ok(Part::Image(data)),
        (MediaKind::Image, _) => Err("Ollama takes images in base64"),
        (MediaKind::Audio, _) => Err("Ollama hears no sounds"),
        (MediaKind::Video, _) => Err("Ollama sees no videos"),
        (MediaKind::Document, _) => Err("Ollama reads documents only as text"),
    }
}

fn write_call(list: &mut Array<'_>, call: &ToolCall, id: &str, target: &Target<'_>) {
    list.object(|out| {
        out.string("id", id);
        out.object("function", |function| {
            function.string("name", target.names.outward(&call.name));
            function.raw("arguments", &arguments(call));
        });
    });
}
