//! The conversation, written.
//!
//! Cohere wants the results of calls right behind them, each in a message of
//! its own. Tools answer in texts and documents: pictures that they give follow
//! behind, where a user may send them.

use std::borrow::Cow;

use domain::canon::{
    Block, Dialect, Json, Loss, Media, MediaKind, Message, Request, Role, Source, Thinking,
    ToolCall, ToolResult,
};

use crate::json::{Array, Object};
use crate::openai::canon::media::{document_text, image_url};
use crate::translate::Target;
use crate::translate::functions::arguments;
use crate::translate::json_mode::reminder;
use crate::translate::order::{NO_CALL, NO_RESULT, Place, Step, UNANSWERED, heading, steps};

/// Stands where a user said nothing, which Cohere refuses.
const FILLER: &str = "...";

/// A piece of a message.
enum Part<'a> {
    Text(Cow<'a, str>),
    Image {
        url: String,
        detail: Option<&'a str>,
    },
    /// A document that a tool gave.
    Document(&'a Media, &'a str),
    Thinking(&'a str),
}

/// Writes `messages`.
pub(super) fn write(
    root: &mut Object<'_>,
    request: &Request,
    target: &Target<'_>,
    losses: &mut Vec<Loss>,
) {
    root.array("messages", |list| {
        if let Some(reminder) = reminder(request) {
            write_message(list, "system", &[Part::Text(reminder.into())]);
        }
        let mut pen = Pen {
            list,
            target,
            losses,
            behind: Vec::new(),
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
    /// What tools gave and Cohere's tools cannot.
    behind: Vec<Part<'p>>,
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
            Step::Answered { at, id, result, .. } => self.answered(at, &id, result),
            Step::Stray { at, result } => {
                let field = format!("messages[{}].content[{}]", at.0, at.1);
                self.losses.push(Loss::hint(field, NO_CALL));
                let mut parts = vec![Part::Text(heading(result).into())];
                let texts = result.content.iter().filter_map(|it| part(it).ok());
                parts.extend(texts);
                write_message(self.list, "user", &parts);
            }
        }
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
        let mut parts = Vec::new();
        for (nth, block) in message.content.iter().enumerate() {
            self.note((at, nth), block);
            match block {
                Block::ToolResult(_) => {}
                Block::ToolCall(_) | Block::Thinking(_) => {
                    self.lose((at, nth), "only the model calls tools and thinks");
                }
                _ => match part(block) {
                    Ok(Part::Image { .. }) if is_operator => {
                        self.lose((at, nth), "Cohere takes only text from the operator");
                    }
                    // Cohere refuses texts that say nothing.
                    Ok(Part::Text(text)) if text.is_empty() => {}
                    Ok(part) => parts.push(part),
                    Err(why) => self.lose((at, nth), why),
                },
            }
        }
        if message.name.is_some() {
            let why = "Cohere takes no names of speakers";
            self.losses
                .push(Loss::hint(format!("messages[{at}].name"), why));
        }
        let is_empty = |block: &Block| matches!(block, Block::Text { text, .. } if text.is_empty());
        if parts.is_empty() && !is_operator && message.content.iter().all(is_empty) {
            let why = "Cohere refuses a user who says nothing: a word is made up";
            let field = format!("messages[{at}].content");
            self.losses.push(Loss::hint(field, why));
            parts.push(Part::Text(FILLER.into()));
        }
        if !parts.is_empty() {
            let role = if is_operator { "system" } else { "user" };
            write_message(self.list, role, &parts);
        }
    }

    fn assistant(&mut self, at: usize, message: &'p Message, ids: &[Cow<'_, str>]) {
        let mut parts = Vec::new();
        let mut plan = String::new();
        let mut calls: Vec<&ToolCall> = Vec::new();
        let mut citations: Vec<&Json> = Vec::new();
        for (nth, block) in message.content.iter().enumerate() {
            self.note((at, nth), block);
            match block {
                Block::ToolCall(call) => calls.push(call),
                Block::ToolResult(_) => {}
                Block::Thinking(thinking) if self.target.reasons => {
                    parts.extend(shown(thinking).map(Part::Thinking));
                }
                // A model that only plans tells its thoughts as the plan.
                Block::Thinking(thinking) => plan.push_str(shown(thinking).unwrap_or_default()),
                Block::Text { citations: own, .. } => {
                    let own = own.iter().filter(|it| it.dialect == Dialect::Cohere);
                    citations.extend(own.map(|it| &it.raw));
                    parts.extend(part(block));
                }
                _ => match part(block) {
                    Ok(Part::Image { .. }) => {
                        self.lose((at, nth), "Cohere takes only text from the model");
                    }
                    Ok(part) => parts.push(part),
                    Err(why) => self.lose((at, nth), why),
                },
            }
        }
        let is_said = |part: &Part<'_>| !matches!(part, Part::Text(text) if text.is_empty());
        parts.retain(is_said);
        if parts.is_empty() && calls.is_empty() {
            // Cohere refuses an assistant who says nothing.
            return;
        }
        self.list.object(|out| {
            out.string("role", "assistant");
            if !parts.is_empty() {
                write_content(out, &parts);
            }
            if calls.is_empty() {
                plan.clear();
            }
            if !plan.is_empty() {
                out.string("tool_plan", &plan);
            }
            if !calls.is_empty() {
                out.array("tool_calls", |list| {
                    for (call, id) in calls.iter().zip(ids) {
                        write_call(list, call, id, self.target);
                    }
                });
            }
            if !citations.is_empty() {
                out.array("citations", |list| {
                    for citation in &citations {
                        list.raw(citation.as_str());
                    }
                });
            }
        });
    }

    /// The result of a call that message `at` makes.
    fn answered(&mut self, at: usize, id: &str, found: Option<(Place, &'p ToolResult)>) {
        let mut parts = Vec::new();
        match found {
            Some((place, result)) => self.result(place, result, &mut parts),
            None => {
                let field = format!("messages[{at}].tool_calls");
                self.losses.push(Loss::hint(field, NO_RESULT));
                parts.push(Part::Text(UNANSWERED.into()));
            }
        }
        if parts.is_empty() {
            // It wants an object, even if it is empty.
            parts.push(Part::Text("{}".into()));
        }
        self.list.object(|out| {
            out.string("role", "tool").string("tool_call_id", id);
            write_content(out, &parts);
        });
    }

    fn result(&mut self, place: Place, result: &'p ToolResult, parts: &mut Vec<Part<'p>>) {
        let mut is_behind = false;
        for block in &result.content {
            match block {
                Block::Media(media) if matches!(media.source, Source::Text(_)) => {
                    if let Source::Text(text) = &media.source {
                        parts.push(Part::Document(media, text));
                    }
                }
                _ => match part(block) {
                    Ok(part @ Part::Image { .. }) => {
                        if !std::mem::replace(&mut is_behind, true) {
                            self.behind.push(Part::Text(heading(result).into()));
                        }
                        self.behind.push(part);
                    }
                    Ok(Part::Text(text)) if text.is_empty() => {}
                    Ok(part) => parts.push(part),
                    Err(why) => self.lose(place, why),
                },
            }
        }
        if is_behind && parts.is_empty() {
            parts.push(Part::Text("What it gave follows below.".into()));
        }
        if result.is_error == Some(true) {
            self.hint(
                place,
                "is_error",
                "Cohere has no mark for tools that failed",
            );
            if parts.is_empty() {
                parts.push(Part::Text("The tool failed.".into()));
            }
        }
    }

    /// Writes what stands behind the results.
    fn flush(&mut self) {
        let behind = std::mem::take(&mut self.behind);
        if !behind.is_empty() {
            write_message(self.list, "user", &behind);
        }
    }

    /// Notes what nobody misses of a block.
    fn note(&mut self, place: Place, block: &Block) {
        let cache = match block {
            Block::Text { cache, .. } => cache,
            Block::Media(media) => &media.cache,
            _ => &None,
        };
        if cache.is_some() {
            self.hint(place, "cache_control", "Cohere caches prompts by itself");
        }
        let is_cited = |block: &Block| matches!(block, Block::Media(media) if media.citations);
        if is_cited(block) {
            let why = "Cohere cites the documents of tools and of `documents`";
            self.hint(place, "citations", why);
        }
    }
}

/// The thought's text, if there is one to show.
fn shown(thinking: &Thinking) -> Option<&str> {
    let is_shown = !thinking.redacted && !thinking.text.is_empty();
    is_shown.then_some(thinking.text.as_str())
}

/// A block as a part of a message; or why it cannot be one.
fn part(block: &Block) -> Result<Part<'_>, &'static str> {
    match block {
        Block::Text { text, .. } | Block::Refusal(text) => Ok(Part::Text(text.into())),
        Block::Media(media) => medium(media),
        Block::Unknown(_) => Err("Cohere has nothing of this kind"),
        Block::Thinking(_) | Block::ToolCall(_) | Block::ToolResult(_) => {
            Err("it cannot stand here")
        }
    }
}

fn medium(media: &Media) -> Result<Part<'_>, &'static str> {
    match (media.kind, &media.source) {
        (_, Source::Text(text)) => Ok(Part::Text(document_text(media, text))),
        (MediaKind::Image, source) => match image_url(media.mime.as_deref(), source) {
            Some(url) => Ok(Part::Image {
                url,
                detail: media.detail.as_deref(),
            }),
            None => Err("Cohere takes images by URL or in base64"),
        },
        (MediaKind::Audio, _) => Err("Cohere hears no sounds"),
        (MediaKind::Video, _) => Err("Cohere sees no videos"),
        (MediaKind::Document, _) => Err("Cohere reads documents only as text"),
    }
}

fn write_message(list: &mut Array<'_>, role: &str, parts: &[Part<'_>]) {
    list.object(|out| {
        out.string("role", role);
        write_content(out, parts);
    });
}

fn write_content(out: &mut Object<'_>, parts: &[Part<'_>]) {
    match parts {
        [] => drop(out.string("content", "")),
        [Part::Text(text)] => drop(out.string("content", text)),
        parts => {
            out.array("content", |list| {
                for part in parts {
                    list.object(|out| write_part(out, part));
                }
            });
        }
    }
}

fn write_part(out: &mut Object<'_>, part: &Part<'_>) {
    match part {
        Part::Text(text) => {
            out.string("type", "text").string("text", text);
        }
        Part::Thinking(text) => {
            out.string("type", "thinking").string("thinking", text);
        }
        Part::Image { url, detail } => {
            out.string("type", "image_url");
            out.object("image_url", |image| {
                image.string("url", url);
                if let Some(detail) = detail {
                    image.string("detail", detail);
                }
            });
        }
        Part::Document(media, text) => {
            out.string("type", "document");
            out.object("document", |document| {
                document.object("data", |data| {
                    for (key, value) in [("title", &media.name), ("context", &media.context)] {
                        if let Some(value) = value {
                            data.string(key, value);
                        }
                    }
                    data.string("text", text);
                });
            });
        }
    }
}

fn write_call(list: &mut Array<'_>, call: &ToolCall, id: &str, target: &Target<'_>) {
    list.object(|out| {
        out.string("id", id).string("type", "function");
        out.object("function", |function| {
            function.string("name", target.names.outward(&call.name));
            function.string("arguments", &arguments(call));
        });
    });
}
