//! Writing a request for a model of Google's.

mod config;
pub(super) mod part;
mod thinking;
mod tools;
mod turns;

use domain::canon::{Block, Dialect, Loss, Request, Unknown, Written};

use domain::traits::Traits;

use super::text_of;
use crate::json::{Object, object};
use crate::translate::Target;

/// What the parts of a writer share.
struct Writing<'a> {
    request: &'a Request,
    target: &'a Target<'a>,
    losses: Vec<Loss>,
}

impl Writing<'_> {
    fn meaning(&mut self, field: impl Into<String>, why: &str) {
        self.losses.push(Loss::meaning(field, why));
    }

    fn hint(&mut self, field: impl Into<String>, why: &str) {
        self.losses.push(Loss::hint(field, why));
    }

    fn name(&self, name: &str) -> String {
        self.target.names.outward(name).to_owned()
    }
}

/// Writes a request as Google takes it, whatever order the conversation has.
/// The model and whether the answer is streamed go into the URL.
#[must_use]
pub fn write_request(request: &Request, target: &Target<'_>) -> Written<Vec<u8>> {
    let mut writing = Writing {
        request,
        target,
        losses: Vec::new(),
    };
    let turns = turns::arrange(&mut writing);
    let tools = tools::declare(&mut writing);
    let choice = tools::choose(&mut writing);
    let config = config::members(&mut writing);
    let tier = config::tier(&mut writing);
    foreign(&mut writing);
    let value = object(|out| {
        if !turns.system.is_empty() {
            out.object("systemInstruction", |out| {
                list(out, "parts", &turns.system);
            });
        }
        out.array("contents", |list| {
            for turn in &turns.contents {
                list.object(|out| turn.write(out));
            }
        });
        if !tools.is_empty() {
            list(out, "tools", &tools);
        }
        members(out, "toolConfig", &choice);
        members(out, "generationConfig", &config);
        if let Some(tier) = tier {
            out.string("serviceTier", &tier);
        }
        for unknown in own(request, "") {
            out.raw(&unknown.name, unknown.raw.as_str());
        }
    });
    Written {
        value,
        losses: writing.losses,
    }
}

/// A member that is written: its name, its JSON.
type Member = (String, String);

fn members(out: &mut Object<'_>, key: &str, members: &[Member]) {
    if members.is_empty() {
        return;
    }
    out.object(key, |out| {
        for (name, json) in members {
            out.raw(name, json);
        }
    });
}

fn list(out: &mut Object<'_>, key: &str, items: &[String]) {
    out.array(key, |list| {
        for item in items {
            list.raw(item);
        }
    });
}

/// A string as JSON.
fn quoted(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    crate::json::write_string(&mut out, text);
    text_of(out)
}

/// Members of this dialect that the form does not know, below `prefix`:
/// `generationConfig.`, or nothing for those of the request itself.
fn own<'a>(request: &'a Request, prefix: &'a str) -> impl Iterator<Item = &'a Unknown> {
    request.rest.iter().filter(move |unknown| {
        let is_own = unknown.dialect == Dialect::Gemini;
        let name = unknown.name.strip_prefix(prefix);
        is_own && name.is_some_and(|name| !name.contains('.'))
    })
}

/// The same as members, by their names below the prefix.
fn own_members(request: &Request, prefix: &str) -> Vec<Member> {
    let below = |unknown: &Unknown| {
        let name = unknown.name.strip_prefix(prefix)?;
        Some((name.to_owned(), unknown.raw.as_str().to_owned()))
    };
    own(request, prefix).filter_map(below).collect()
}

/// Whether a call lacks the signature that newer models demand: another
/// provider made it.
#[must_use]
pub fn misses_signature(request: &Request, traits: &Traits) -> bool {
    let first_calls = request.messages.iter().filter_map(|message| {
        let mut blocks = message.content.iter();
        blocks.find_map(|block| match block {
            Block::ToolCall(call) => Some(call),
            _ => None,
        })
    });
    traits.signed_calls && first_calls.into_iter().any(|call| call.signature.is_none())
}

/// What no place was found for.
fn foreign(writing: &mut Writing<'_>) {
    let request = writing.request;
    for unknown in &request.rest {
        if unknown.dialect == Dialect::Gemini {
            continue;
        }
        match unknown.is_hint() {
            true => writing.hint(&unknown.name, "Gemini has no such field"),
            false => writing.meaning(&unknown.name, "Gemini has no such field"),
        }
    }
    if request.user.is_some() {
        writing.hint("user", "Gemini is told nothing about end users");
    }
    if request.metadata.is_some() {
        writing.hint("metadata", "Gemini keeps no notes");
    }
    if request.verbosity.is_some() {
        writing.hint("verbosity", "Gemini has no such setting");
    }
    if request.parallel_tools == Some(false) && !request.tools.is_empty() {
        // A hint: who takes one call takes several, one after the other, and
        // agents say it with every request.
        let why = "Gemini itself decides whether it calls several tools at once";
        writing.hint("parallel_tool_calls", why);
    }
    if has_cache_mark(request) {
        writing.hint("cache_control", "Gemini caches by itself");
    }
}

fn has_cache_mark(request: &Request) -> bool {
    use domain::canon::Block;
    let is_marked = |block: &Block| match block {
        Block::Text { cache, .. } => cache.is_some(),
        Block::Media(media) => media.cache.is_some(),
        Block::ToolCall(call) => call.cache.is_some(),
        Block::ToolResult(result) => result.cache.is_some(),
        _ => false,
    };
    let mut blocks = request.messages.iter().flat_map(|message| &message.content);
    request.tools.iter().any(|tool| tool.cache.is_some()) || blocks.any(is_marked)
}
