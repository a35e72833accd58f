//! A request, as the provider takes it.

mod items;
mod pieces;
mod shape;

use domain::canon::{Json, Loss, Request, Written};

use super::read::{ENCRYPTED, LOGPROBS};
use super::{ids, tool};
use crate::json::{Object, object};
use crate::translate::{Target, sampling};

pub(super) use shape::{write_reasoning, write_text};

/// The fewest tokens that the provider takes as a bound.
const FEWEST: u64 = 16;

/// Writes a request. What it cannot say is among the losses.
#[must_use]
pub fn write_request(request: &Request, target: &Target<'_>) -> Written<Vec<u8>> {
    let mut losses = Vec::new();
    let conversation = items::write(request, target, &mut losses);
    let value = object(|o| {
        o.string("model", target.model);
        if let Some(instructions) = conversation.instructions {
            o.string("instructions", instructions);
        }
        if !conversation.input.is_empty() {
            o.raw("input", &String::from_utf8_lossy(&conversation.input));
        }
        tools(o, request, target, &mut losses);
        limits(o, request, target, &mut losses);
        write_text(o, request);
        let asked = request.reasoning.as_ref();
        match (target.reasons, asked) {
            (true, _) => write_reasoning(o, request, Some(target.traits.efforts)),
            (false, Some(asked)) if shape::is_asked(asked) => {
                losses.push(Loss::hint("reasoning", "the model does not think"));
            }
            _ => {}
        }
        if request.stream {
            o.bool("stream", true);
        }
        about(o, request, &mut losses);
        include(o, request, target);
        rest(o, request, &mut losses);
    });
    left_out(request, &mut losses);
    Written { value, losses }
}

fn tools(o: &mut Object<'_>, request: &Request, target: &Target<'_>, losses: &mut Vec<Loss>) {
    if !request.tools.is_empty() {
        o.array("tools", |a| tool::write(a, &request.tools, target.names));
        tool::losses(&request.tools, losses);
    }
    tool::write_choice(o, request, target.names, losses);
    if let Some(parallel) = request.parallel_tools {
        o.bool("parallel_tool_calls", parallel);
    }
}

fn limits(o: &mut Object<'_>, request: &Request, target: &Target<'_>, losses: &mut Vec<Loss>) {
    if let Some(most) = request.max_tokens {
        o.number("max_output_tokens", most.max(FEWEST));
        if most < FEWEST {
            let why = "OpenAI takes no bound below 16";
            losses.push(Loss::hint("max_tokens", why));
        }
    }
    let numbers = [
        ("temperature", &request.temperature),
        ("top_p", &request.top_p),
    ];
    for (name, value) in numbers {
        match value.as_ref().map(Json::as_str) {
            Some(value) if target.traits.samplings == 0 => {
                losses.extend(sampling::loss(name, value, "the model takes none"));
            }
            Some(value) => drop(o.raw(name, value)),
            None => {}
        }
    }
    if let Some(most) = request.top_logprobs.filter(|most| *most > 0) {
        o.number("top_logprobs", u64::from(most));
    }
}

/// Who asks, and how fast it shall be.
fn about(o: &mut Object<'_>, request: &Request, losses: &mut Vec<Loss>) {
    if let Some(user) = &request.user {
        o.string("user", &ids::user(user));
    }
    if let Some(metadata) = &request.metadata {
        o.raw("metadata", metadata.as_str());
    }
    match request.service_tier.as_deref() {
        None => {}
        Some("standard_only") => {
            o.string("service_tier", "default");
        }
        Some(tier @ ("auto" | "default" | "flex" | "scale" | "priority" | "fast")) => {
            o.string("service_tier", tier);
        }
        Some(tier) => {
            let why = format!("OpenAI has no tier {tier}");
            losses.push(Loss::hint("service_tier", why));
        }
    }
}

/// `include`: what the client wants, and the reasoning, so that it can be sent
/// back.
fn include(o: &mut Object<'_>, request: &Request, target: &Target<'_>) {
    let wanted = [
        (request.logprobs == Some(true), LOGPROBS),
        (target.reasons, ENCRYPTED),
    ];
    let asked = request.rest.iter();
    let asked = asked.filter(|it| it.name == "include" && tool::is_carried(it));
    let asked: Vec<&str> = asked
        .filter_map(|it| it.raw.as_str().strip_prefix('[')?.strip_suffix(']'))
        .filter(|items| !items.trim().is_empty())
        .collect();
    if asked.is_empty() && !wanted.iter().any(|(is_wanted, _)| *is_wanted) {
        return;
    }
    o.array("include", |a| {
        for items in asked {
            a.raw(items);
        }
        for (_, word) in wanted.iter().filter(|(is_wanted, _)| *is_wanted) {
            a.string(word);
        }
    });
}

/// Members that the canonical form does not know. Those within `text` and
/// `reasoning` are written there.
fn rest(o: &mut Object<'_>, request: &Request, losses: &mut Vec<Loss>) {
    for member in &request.rest {
        if !tool::is_carried(member) {
            losses.extend((!member.is_told()).then(|| tool::rest_loss(member)));
        } else if member.name != "include" && shape::inner(&member.name).is_none() {
            o.raw(&member.name, member.raw.as_str());
        }
    }
    if stored(request).is_none() && !is_kept(request) {
        o.bool("store", false);
    }
}

/// What the client says of `store`.
fn stored(request: &Request) -> Option<&str> {
    let store = request.rest.iter();
    let mut store = store.filter(|it| it.name == "store" && tool::is_carried(it));
    store.next().map(|it| it.raw.as_str())
}

/// Whether the provider keeps answers. Who does not speak Responses does not
/// expect that, and who speaks it and says nothing gets by without.
fn is_kept(request: &Request) -> bool {
    let names = ["background", "previous_response_id", "conversation"];
    let needs =
        |it: &domain::canon::Unknown| names.contains(&it.name.as_str()) && tool::is_carried(it);
    match stored(request) {
        Some(store) => store == "true",
        None => request.rest.iter().any(needs),
    }
}

/// What this dialect has no word for.
fn left_out(request: &Request, losses: &mut Vec<Loss>) {
    if request.top_k.is_some() {
        // Agents of other dialects say it with every request.
        losses.push(Loss::hint("top_k", "OpenAI has no top_k"));
    }
    let penalties = [
        ("presence_penalty", &request.presence_penalty),
        ("frequency_penalty", &request.frequency_penalty),
    ];
    for (field, value) in penalties {
        let value = value.as_ref().map(Json::as_str);
        losses.extend(value.and_then(|it| sampling::loss(field, it, "Responses has no penalties")));
    }
    let mut lose = |field: &str, why: &str| losses.push(Loss::meaning(field, why));
    if request.seed.is_some() {
        lose("seed", "Responses has no seed");
    }
    if !request.stop.is_empty() {
        lose("stop", "Responses has no stop sequences");
    }
    if request.n.is_some_and(|n| n > 1) {
        lose("n", "Responses gives one answer");
    }
}
