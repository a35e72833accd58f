//! A request, written for a provider of this dialect.

use domain::canon::{
    Dialect, Effort, Format, Json, Loss, Reasoning, Request, Unknown, Weight, Written,
};

use super::plan::{Line, lines};
use super::write_message::{Manner, Part, is_name, unsaid, write};
use super::{ids, write_tools};
use crate::json::{Object, object};
use crate::translate::{Target, sampling};

/// Most stop sequences that `OpenAI` takes.
const MOST_STOPS: usize = 4;
/// Tiers of service that `OpenAI` has.
const TIERS: &[&str] = &["auto", "default", "flex", "scale", "priority", "fast"];
/// Members of a Responses request that mean the same here.
const SHARED: &[&str] = &[
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "moderation",
];
/// Writes a request. Thoughts of earlier turns are left out: `OpenAI` and most
/// others refuse members that they do not know.
#[must_use]
pub fn write_request(request: &Request, target: &Target<'_>) -> Written<Vec<u8>> {
    write_with(request, target, None)
}

/// The same for a provider that wants the thoughts of earlier turns back, as
/// text, in this field of the assistant's messages (`reasoning_content` at
/// `DeepSeek` and Moonshot, which refuse a tool loop without).
#[must_use]
pub fn write_request_with_thoughts(
    request: &Request,
    target: &Target<'_>,
    field: &str,
) -> Written<Vec<u8>> {
    write_with(request, target, Some(field))
}

fn write_with(request: &Request, target: &Target<'_>, thoughts: Option<&str>) -> Written<Vec<u8>> {
    let (lines, mut losses) = lines(request);
    let manner = Manner {
        target,
        has_marks: writes_marks(request),
        thoughts,
    };
    note(request, &lines, manner, &mut losses);
    let value = object(|root| {
        root.string("model", target.model);
        root.array("messages", |messages| {
            if request.format == Some(Format::Json) && !says_json(&lines) {
                // Without the word it refuses the format.
                let line = Line {
                    role: "system",
                    parts: vec![Part::text("Answer with a JSON object.")],
                    ..Line::default()
                };
                write(messages, &line, manner);
            }
            for line in &lines {
                write(messages, line, manner);
            }
        });
        write_tools::write(root, request, target, &mut losses);
        write_sampling(root, request, target, &mut losses);
        write_thinking(root, request, target, &mut losses);
        write_about(root, request, &mut losses);
        for member in &request.rest {
            write_rest(root, member, &mut losses);
        }
    });
    Written { value, losses }
}

/// Older models refuse marks of the prompt cache: they are written for a
/// client who speaks of such things in this dialect's own words.
fn writes_marks(request: &Request) -> bool {
    let mut rest = request.rest.iter();
    let says = |member: &Unknown| {
        matches!(member.dialect, Dialect::OpenAi | Dialect::Responses)
            && member.name == "prompt_cache_options"
    };
    rest.any(says)
}

/// Notes what the lines themselves leave out.
fn note(request: &Request, lines: &[Line<'_>], manner: Manner<'_>, losses: &mut Vec<Loss>) {
    let mut parts = lines.iter().flat_map(|line| &line.parts);
    if !manner.has_marks && parts.any(|part| part.cache().is_some()) {
        losses.push(Loss::hint(
            "cache_control",
            "OpenAI caches prompts by itself",
        ));
    }
    for (at, message) in request.messages.iter().enumerate() {
        let name = message.name.as_deref();
        if name.is_some_and(|name| !is_name(name)) {
            let why = "OpenAI takes no such name";
            losses.push(Loss::hint(format!("messages[{at}].name"), why));
        }
        for (nth, block) in message.content.iter().enumerate() {
            if let Some((member, why)) = unsaid(block) {
                let field = format!("messages[{at}].content[{nth}].{member}");
                losses.push(Loss::hint(field, why));
            }
        }
    }
}

fn says_json(lines: &[Line<'_>]) -> bool {
    let mut parts = lines.iter().flat_map(|line| &line.parts);
    parts.any(|part| match part {
        Part::Text { text, .. } => text.to_ascii_lowercase().contains("json"),
        _ => false,
    })
}

fn write_sampling(
    root: &mut Object<'_>,
    request: &Request,
    target: &Target<'_>,
    losses: &mut Vec<Loss>,
) {
    if let Some(wanted) = request.max_tokens {
        let limit = target.output_limit.unwrap_or(u64::MAX);
        let key = match target.reasons {
            true => "max_completion_tokens",
            false => "max_tokens",
        };
        root.number(key, wanted.min(limit));
        if wanted > limit {
            let why = format!("the model answers with {limit} tokens at most");
            losses.push(Loss::hint("max_tokens", why));
        }
    }
    let numbers: [(&str, &Option<Json>); 5] = [
        ("temperature", &request.temperature),
        ("top_p", &request.top_p),
        ("presence_penalty", &request.presence_penalty),
        ("frequency_penalty", &request.frequency_penalty),
        ("seed", &request.seed),
    ];
    for (key, value) in numbers {
        let Some(value) = value.as_ref().map(Json::as_str) else {
            continue;
        };
        let is_taken = match key {
            "temperature" | "top_p" => target.traits.samplings > 0,
            "presence_penalty" | "frequency_penalty" => target.traits.penalties,
            _ => true,
        };
        if is_taken {
            root.raw(key, value);
        } else {
            losses.extend(sampling::loss(key, value, "the model takes none"));
        }
    }
    if request.top_k.is_some() {
        losses.push(Loss::hint("top_k", "OpenAI cannot sample that way"));
    }
    write_stop(root, &request.stop, target, losses);
    if let Some(n) = request.n {
        root.number("n", n.into());
    }
    if let Some(wanted) = request.logprobs {
        root.bool("logprobs", wanted);
    } else if request.top_logprobs.is_some_and(|most| most > 0) {
        root.bool("logprobs", true);
    }
    // Without log probabilities none is what it says anyway, and what servers refuse.
    let wants = request.logprobs == Some(true);
    if let Some(most) = request.top_logprobs.filter(|most| *most > 0 || wants) {
        root.number("top_logprobs", most.into());
    }
    if let Some(format) = &request.format {
        root.object("response_format", |object| write_format(object, format));
    }
}

fn write_stop(root: &mut Object<'_>, stop: &[String], target: &Target<'_>, losses: &mut Vec<Loss>) {
    if !stop.is_empty() && !target.traits.stops {
        losses.push(Loss::meaning("stop", "the model takes no stop sequences"));
        return;
    }
    match stop {
        [] => {}
        [one] => drop(root.string("stop", one)),
        several => {
            root.array("stop", |list| {
                for stop in several.iter().take(MOST_STOPS) {
                    list.string(stop);
                }
            });
        }
    }
    if stop.len() > MOST_STOPS {
        let why = format!("OpenAI takes {MOST_STOPS} stop sequences at most");
        losses.push(Loss::meaning("stop", why));
    }
}

fn write_format(object: &mut Object<'_>, format: &Format) {
    match format {
        Format::Text => drop(object.string("type", "text")),
        Format::Json => drop(object.string("type", "json_object")),
        Format::Schema {
            name,
            description,
            schema,
            strict,
        } => {
            object.string("type", "json_schema");
            object.object("json_schema", |object| {
                object.string("name", &schema_name(name.as_deref()));
                if let Some(description) = description {
                    object.string("description", description);
                }
                object.raw("schema", schema.as_str());
                if let Some(strict) = strict {
                    object.bool("strict", *strict);
                }
            });
        }
    }
}

/// `OpenAI` wants a name: letters, digits, `_` and `-`, 64 at most.
fn schema_name(name: Option<&str>) -> String {
    let clean = |letter: char| match letter {
        letter if letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-') => letter,
        _ => '_',
    };
    let name = name.filter(|name| !name.is_empty()).unwrap_or("answer");
    name.chars().map(clean).take(64).collect()
}

fn write_thinking(
    root: &mut Object<'_>,
    request: &Request,
    target: &Target<'_>,
    losses: &mut Vec<Loss>,
) {
    if let Some(verbosity) = &request.verbosity {
        root.string("verbosity", verbosity);
    }
    let Some(reasoning) = &request.reasoning else {
        return;
    };
    let own = |member: &Unknown| member.name == "reasoning_effort";
    if let Some(effort) = effort(reasoning).filter(|_| !request.rest.iter().any(own)) {
        match target.traits.efforts.nearest(effort) {
            Some(known) if target.reasons => {
                root.string("reasoning_effort", known.as_str());
            }
            _ if effort == Effort::None => {}
            told => {
                let why = match told {
                    Some(_) => "the model does not reason",
                    None => "the model cannot be told how hard to think",
                };
                losses.push(Loss::hint("reasoning_effort", why));
            }
        }
    }
    let summary = reasoning.summary.as_deref();
    if summary.is_some_and(|summary| summary != "none") {
        let why = "OpenAI's chat completions show no thoughts";
        losses.push(Loss::hint("reasoning.summary", why));
    }
}

/// The word for how much to think; none leaves it to the model.
fn effort(reasoning: &Reasoning) -> Option<Effort> {
    reasoning
        .effort
        .or_else(|| reasoning.budget.map(Effort::of_budget))
}

fn write_about(root: &mut Object<'_>, request: &Request, losses: &mut Vec<Loss>) {
    if request.stream {
        root.bool("stream", true);
        if request.stream_usage {
            root.object("stream_options", |options| {
                options.bool("include_usage", true);
            });
        }
    }
    if let Some(user) = &request.user {
        root.string("user", &ids::user(user));
    }
    if let Some(metadata) = &request.metadata {
        root.raw("metadata", metadata.as_str());
    }
    match request.service_tier.as_deref() {
        None => {}
        // Anthropic's word for the same.
        Some("standard_only" | "standard") => drop(root.string("service_tier", "default")),
        Some(tier) if TIERS.contains(&tier) => drop(root.string("service_tier", tier)),
        Some(tier) => {
            let why = format!("OpenAI has no tier `{tier}`");
            losses.push(Loss::hint("service_tier", why));
        }
    }
}

fn write_rest(root: &mut Object<'_>, member: &Unknown, losses: &mut Vec<Loss>) {
    let is_shared = member.dialect == Dialect::Responses && SHARED.contains(&&*member.name);
    if member.dialect == Dialect::OpenAi || is_shared {
        root.raw(&member.name, member.raw.as_str());
        return;
    }
    if member.is_told() {
        return;
    }
    let weight = match member.is_hint() {
        true => Weight::Hint,
        false => Weight::Meaning,
    };
    losses.push(Loss {
        field: member.name.clone(),
        why: "OpenAI's chat completions have no such member".to_owned(),
        weight,
    });
}
