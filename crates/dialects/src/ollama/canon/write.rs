//! A request, written.

use domain::canon::{Dialect, Effort, Format, Loss, Request, Unknown, Weight, Written};

use super::{messages, options};
use crate::json::{Object, object};
use crate::translate::Target;
use crate::translate::functions::{Calling, Functions, ONLY_ASKED, asked_to_call, functions};
use crate::translate::json_mode;

/// The name in sentences.
const OLLAMA: &str = "Ollama";
/// Most alternatives to a token.
const MOST_LOGPROBS: u32 = 20;
/// Ollama's own members, which a client of `OpenAI`'s dialect may add; `options`
/// is another one.
const OWN: &[&str] = &["keep_alive", "think", "truncate", "shift"];

/// Writes a request.
#[must_use]
pub fn write_request(request: &Request, target: &Target<'_>) -> Written<Vec<u8>> {
    let mut losses = Vec::new();
    let value = object(|root| {
        root.string("model", target.model);
        // It streams unless it is told not to.
        root.bool("stream", request.stream);
        let tools = functions(request, target.names, OLLAMA, &mut losses);
        let offer = write_tools(root, &tools, &mut losses);
        let shape = write_format(root, request, offer, &mut losses);
        let rule = asked(&tools, offer).or(shape);
        messages::write(root, (request, rule.as_deref()), target, &mut losses);
        options::write(root, request, target, &mut losses);
        write_thinking(root, request, target, &mut losses);
        write_logprobs(root, request, &mut losses);
        for member in &request.rest {
            write_rest(root, member, &mut losses);
        }
    });
    unsaid(request, &mut losses);
    Written { value, losses }
}

/// Which tools stand in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offer {
    Nothing,
    /// Some that may be called.
    Some,
    /// Some of which one must be called.
    Demanded,
}

/// Who must not call a tool is not told of any; that one must be called is told
/// in words.
fn write_tools(root: &mut Object<'_>, tools: &Functions<'_>, losses: &mut Vec<Loss>) -> Offer {
    if tools.list.is_empty() || tools.calling == Calling::Never {
        return Offer::Nothing;
    }
    root.array("tools", |list| {
        for tool in &tools.list {
            list.object(|object| {
                object.string("type", "function");
                object.object("function", |function| {
                    function.string("name", tool.name);
                    if let Some(description) = &tool.description {
                        function.string("description", description);
                    }
                    function.raw("parameters", &tool.schema);
                });
            });
        }
    });
    for tool in tools.list.iter().filter(|tool| tool.is_strict) {
        let why = "Ollama's tools are not strict";
        losses.push(Loss::hint(format!("tools[{}].strict", tool.at), why));
    }
    if tools.calling == Calling::Must {
        losses.push(Loss::hint("tool_choice", ONLY_ASKED));
        return Offer::Demanded;
    }
    Offer::Some
}

/// The words by which a call is demanded.
fn asked(tools: &Functions<'_>, offer: Offer) -> Option<String> {
    let only = match &tools.list[..] {
        [only] => Some(only.name),
        _ => None,
    };
    (offer == Offer::Demanded).then(|| asked_to_call(only))
}

/// What the answer must look like, and what the model is told about it in
/// words. Beside tools words are all: with a format it could not call them.
fn write_format(
    root: &mut Object<'_>,
    request: &Request,
    offer: Offer,
    losses: &mut Vec<Loss>,
) -> Option<String> {
    let format = request.format.as_ref()?;
    if offer != Offer::Nothing {
        let told = json_mode::told(format)?;
        let why = "beside tools the model is asked for JSON in words alone";
        losses.push(Loss::hint("response_format", why));
        return Some(told);
    }
    match format {
        Format::Text => {}
        Format::Json => drop(root.string("format", "json")),
        Format::Schema {
            schema,
            description,
            ..
        } => {
            root.raw("format", schema.as_str());
            if description.is_some() {
                let why = "Ollama takes a schema alone";
                losses.push(Loss::hint("response_format.description", why));
            }
        }
    }
    json_mode::reminder(request).map(str::to_owned)
}

/// A model that thinks does so unless it is told not to; one that does not
/// refuses to be asked for it, but not to be asked not to.
fn write_thinking(
    root: &mut Object<'_>,
    request: &Request,
    target: &Target<'_>,
    losses: &mut Vec<Loss>,
) {
    let is_told = request.rest.iter().any(|it| is_own(it, "think"));
    let Some(reasoning) = request.reasoning.as_ref().filter(|_| !is_told) else {
        return;
    };
    let effort = reasoning
        .effort
        .or_else(|| reasoning.budget.map(Effort::of_budget));
    let word = match effort {
        None if reasoning.adaptive => "true",
        None => return,
        Some(Effort::None) => "false",
        Some(Effort::Minimal | Effort::Low) => "\"low\"",
        Some(Effort::Medium) => "\"medium\"",
        Some(Effort::High) => "\"high\"",
        Some(Effort::XHigh | Effort::Max) => "\"max\"",
    };
    if target.reasons || word == "false" {
        root.raw("think", word);
        return;
    }
    let why = "nobody knows that the model can think";
    losses.push(Loss::hint("reasoning", why));
}

fn write_logprobs(root: &mut Object<'_>, request: &Request, losses: &mut Vec<Loss>) {
    let top = request.top_logprobs.filter(|most| *most > 0);
    if request.logprobs.unwrap_or(top.is_some()) {
        root.bool("logprobs", true);
    }
    if let Some(most) = top {
        root.number("top_logprobs", most.min(MOST_LOGPROBS).into());
        if most > MOST_LOGPROBS {
            let why = format!("Ollama gives {MOST_LOGPROBS} alternatives at most");
            losses.push(Loss::hint("top_logprobs", why));
        }
    }
}

/// Whether it is this member, said by a client of `OpenAI`'s dialect.
pub(super) fn is_own(member: &Unknown, name: &str) -> bool {
    member.dialect == Dialect::OpenAi && member.name == name
}

fn write_rest(root: &mut Object<'_>, member: &Unknown, losses: &mut Vec<Loss>) {
    if OWN.iter().any(|name| is_own(member, name)) {
        root.raw(&member.name, member.raw.as_str());
        return;
    }
    if member.is_told() || options::is_told(member) {
        return;
    }
    let weight = match member.is_hint() {
        true => Weight::Hint,
        false => Weight::Meaning,
    };
    losses.push(Loss {
        field: member.name.clone(),
        why: "Ollama's chat has no such member".to_owned(),
        weight,
    });
}

/// What Ollama has nothing for.
fn unsaid(request: &Request, losses: &mut Vec<Loss>) {
    let has_tools = !request.tools.is_empty();
    let tier = request.service_tier.as_deref();
    let is_tier = !matches!(tier, None | Some("auto" | "default" | "standard"));
    let hints = [
        ("verbosity", request.verbosity.is_some()),
        ("user", request.user.is_some()),
        ("metadata", request.metadata.is_some()),
        ("service_tier", is_tier),
        (
            "parallel_tool_calls",
            has_tools && request.parallel_tools == Some(false),
        ),
    ];
    for (field, _) in hints.into_iter().filter(|(_, is_said)| *is_said) {
        losses.push(Loss::hint(field, "Ollama's chat has no such thing"));
    }
    if request.n.is_some_and(|n| n > 1) {
        losses.push(Loss::meaning("n", "Ollama answers once"));
    }
}
