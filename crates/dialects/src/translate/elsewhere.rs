//! What providers did themselves earlier in a conversation, for a provider of
//! another dialect: it is told in words, as text of the same turn, where it can
//! be read, and else left out.
//!
//! A conversation that moves goes on without its searches' sealed results, its
//! containers and its compacted beginnings; it is not refused for them. Nor for what
//! can be read as text (`texts`), or asked for in words (`one_of`).

mod one_of;
pub(crate) mod texts;
mod words;

use domain::canon::{Block, Dialect, Loss, Message, Request, Role, Unknown, Written};

use super::Target;
use crate::openai;

/// Writes a request with what other dialects' providers did told in words, and what
/// the target reads only as text as text.
pub(super) fn written(
    request: &Request,
    target: &Target<'_>,
    (dialect, write): (Dialect, impl Fn(&Request, &Target<'_>) -> Written<Vec<u8>>),
) -> Written<Vec<u8>> {
    let (mut read, mut losses) = texts::told(request, dialect);
    one_of::ask(&mut read, dialect, &mut losses);
    let mut written = match Told::of(&read, dialect) {
        None => write(&read, target),
        Some(told) => {
            let mut written = write(&told.request, target);
            for loss in &mut written.losses {
                told.replace(loss);
            }
            written.losses.extend(told.losses);
            written
        }
    };
    written.losses.extend(losses);
    written
}

/// The same for a provider that wants thoughts of earlier turns back
/// ([`openai::canon::write_request_with_thoughts`]).
#[must_use]
pub fn with_thoughts(request: &Request, target: &Target<'_>, field: &str) -> Written<Vec<u8>> {
    let write = |request: &Request, target: &Target<'_>| {
        openai::canon::write_request_with_thoughts(request, target, field)
    };
    written(request, target, (Dialect::OpenAi, write))
}

/// A request that says it in words.
#[derive(Debug)]
struct Told {
    request: Request,
    /// Where each message and its blocks stood before some were left out.
    places: Vec<(usize, Vec<usize>)>,
    losses: Vec<Loss>,
}

impl Told {
    /// `None` if there is nothing to tell.
    fn of(request: &Request, dialect: Dialect) -> Option<Self> {
        let is_foreign = |message: &Message, block: &Block| match block {
            Block::Unknown(unknown) => is_done(message.role, unknown, dialect),
            _ => false,
        };
        let has = |message: &Message| message.content.iter().any(|it| is_foreign(message, it));
        if !request.messages.iter().any(has) {
            return None;
        }
        let mut told = Self {
            request: request.clone(),
            places: Vec::new(),
            losses: Vec::new(),
        };
        let messages = std::mem::take(&mut told.request.messages);
        for (at, message) in messages.into_iter().enumerate() {
            told.message(at, message, dialect);
        }
        Some(told)
    }

    fn message(&mut self, at: usize, message: Message, dialect: Dialect) {
        let (mut content, mut places) = (Vec::new(), Vec::new());
        let was_empty = message.content.is_empty();
        for (nth, block) in message.content.into_iter().enumerate() {
            let block = match block {
                Block::Unknown(unknown) if is_done(message.role, &unknown, dialect) => {
                    let words = words::of(&unknown);
                    let why = match words {
                        Some(_) => "another provider did it itself: told in words",
                        None => "another provider did it itself, and only it can read that",
                    };
                    let field = format!("messages[{at}].content[{nth}]");
                    self.losses.push(Loss::hint(field, why));
                    match words {
                        // Some put the texts of a turn together as they are.
                        Some(words) => Block::text(format!("\n{words}\n")),
                        None => continue,
                    }
                }
                block => block,
            };
            content.push(block);
            places.push(nth);
        }
        // A turn that was nothing else says nothing now.
        if content.is_empty() && !was_empty {
            return;
        }
        self.places.push((at, places));
        self.request.messages.push(Message { content, ..message });
    }

    /// Names the place by what the client sent.
    fn replace(&self, loss: &mut Loss) {
        let Some((message, rest)) = index(&loss.field, "messages[") else {
            return;
        };
        let Some((at, blocks)) = self.places.get(message) else {
            return;
        };
        let block = index(rest, ".content[")
            .and_then(|(block, rest)| Some(format!(".content[{}]{rest}", blocks.get(block)?)));
        loss.field = format!("messages[{at}]{}", block.as_deref().unwrap_or(rest));
    }
}

/// The number behind `head` and what follows its bracket.
fn index<'a>(field: &'a str, head: &str) -> Option<(usize, &'a str)> {
    let (number, rest) = field.strip_prefix(head)?.split_once(']')?;
    Some((number.parse().ok()?, rest))
}

/// Whether it is what a provider of another dialect did: what stands in the
/// model's turn, or answers that. Not what the model said itself, but that lies
/// with its provider: without it the conversation is another one.
fn is_done(role: Role, unknown: &Unknown, dialect: Dialect) -> bool {
    let is_known = !matches!(unknown.name.as_str(), "item_reference" | "audio");
    is_known && unknown.dialect != dialect && matches!(role, Role::Assistant | Role::Tool)
}
