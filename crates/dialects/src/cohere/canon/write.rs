//! A request, written.

use domain::canon::{Dialect, Effort, Format, Json, Loss, Request, Unknown, Weight, Written};

use super::messages;
use crate::json::{Document, Object, object};
use crate::translate::Target;
use crate::translate::functions::{Calling, Function, Functions, functions};

/// The name in sentences.
pub(super) const COHERE: &str = "Cohere";
/// Most stop sequences that Cohere takes.
const MOST_STOPS: usize = 5;
/// The highest `k`.
const MOST_K: u64 = 500;
/// Between which `p` must be. What others call 1 is its end.
const P: (f64, f64) = (0.01, 0.99);
/// Cohere's own members, which a client of `OpenAI`'s dialect may add.
const OWN: &[&str] = &[
    "documents",
    "citation_options",
    "safety_mode",
    "strict_tools",
    "thinking",
    "priority",
];

/// Writes a request.
#[must_use]
pub fn write_request(request: &Request, target: &Target<'_>) -> Written<Vec<u8>> {
    let mut losses = Vec::new();
    let value = object(|root| {
        root.string("model", target.model);
        if request.stream {
            root.bool("stream", true);
        }
        messages::write(root, request, target, &mut losses);
        let mut tools = functions(request, target.names, COHERE, &mut losses);
        shape(root, request, &mut tools, &mut losses);
        write_tools(root, request, &tools, &mut losses);
        write_bounds(root, request, target, &mut losses);
        write_sampling(root, request, &mut losses);
        write_thinking(root, request, target, &mut losses);
        for member in &request.rest {
            write_rest(root, member, &mut losses);
        }
    });
    unsaid(request, &mut losses);
    Written { value, losses }
}

fn write_tools(
    root: &mut Object<'_>,
    request: &Request,
    tools: &Functions<'_>,
    losses: &mut Vec<Loss>,
) {
    if tools.list.is_empty() {
        return;
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
    match tools.calling {
        Calling::Must => drop(root.string("tool_choice", "REQUIRED")),
        Calling::Never => drop(root.string("tool_choice", "NONE")),
        Calling::Free => {}
    }
    // It is all tools or none, and each of them needs an argument that must be
    // there.
    let is_told = request.rest.iter().any(|it| it.name == "strict_tools");
    if !is_told && tools.list.iter().all(|it| it.is_strict && needs(it)) {
        root.bool("strict_tools", true);
        return;
    }
    let own = |tool: &&Function<'_>| tool.is_strict && tool.at < request.tools.len();
    for tool in tools.list.iter().filter(own) {
        let why = "Cohere is strict with all tools or none, and with arguments that must be there";
        losses.push(Loss::hint(format!("tools[{}].strict", tool.at), why));
    }
}

/// Whether one of the arguments must be there.
fn needs(tool: &Function<'_>) -> bool {
    let bytes = bytes::Bytes::copy_from_slice(tool.schema.as_bytes());
    let schema = Document::parse(bytes, super::DEPTH).ok();
    let required = schema.as_ref().and_then(|it| it.root().get("required"));
    required.is_some_and(|required| required.items().next().is_some())
}

/// What the answer must look like. Cohere takes no format beside tools: there a
/// tool of its own takes the answer, and one of them must be called.
fn shape<'a>(
    root: &mut Object<'_>,
    request: &'a Request,
    tools: &mut Functions<'a>,
    losses: &mut Vec<Loss>,
) {
    let wanted = request.format.as_ref();
    let Some(format) = wanted.filter(|format| **format != Format::Text) else {
        return;
    };
    if tools.calling == Calling::Never {
        // Who must not call one need not know of any.
        tools.list.clear();
    }
    if request.rest.iter().any(|it| it.name == "documents") {
        let why = "Cohere takes no format of the answer beside documents";
        losses.push(Loss::meaning("response_format", why));
    } else if tools.list.is_empty() {
        write_format(root, format, losses);
    } else if tools.calling == Calling::Free {
        match Function::answer(format, request.tools.len()) {
            Some(answer) => {
                tools.list.push(answer);
                tools.calling = Calling::Must;
            }
            None => {
                let why = "beside tools Cohere's answer must be an object";
                losses.push(Loss::meaning("response_format", why));
            }
        }
    }
    // Else the answer is a call.
}

fn write_format(root: &mut Object<'_>, format: &Format, losses: &mut Vec<Loss>) {
    root.object("response_format", |object| {
        object.string("type", "json_object");
        if let Format::Schema { schema, .. } = format {
            object.raw("json_schema", schema.as_str());
        }
    });
    if let Format::Schema {
        description: Some(_),
        ..
    } = format
    {
        let why = "Cohere takes a schema alone";
        losses.push(Loss::hint("response_format.description", why));
    }
}

fn write_bounds(
    root: &mut Object<'_>,
    request: &Request,
    target: &Target<'_>,
    losses: &mut Vec<Loss>,
) {
    if let Some(wanted) = request.max_tokens {
        let limit = target.output_limit.unwrap_or(u64::MAX);
        root.number("max_tokens", wanted.min(limit));
        if wanted > limit {
            let why = format!("the model answers with {limit} tokens at most");
            losses.push(Loss::hint("max_tokens", why));
        }
    }
    if request.stop.is_empty() {
        return;
    }
    if request.stop.len() > MOST_STOPS {
        let why = format!("Cohere takes {MOST_STOPS} stop sequences at most");
        losses.push(Loss::meaning("stop", why));
    }
    root.array("stop_sequences", |list| {
        for stop in request.stop.iter().take(MOST_STOPS) {
            list.string(stop);
        }
    });
}

fn write_sampling(root: &mut Object<'_>, request: &Request, losses: &mut Vec<Loss>) {
    let numbers = [
        ("temperature", &request.temperature),
        ("frequency_penalty", &request.frequency_penalty),
        ("presence_penalty", &request.presence_penalty),
    ];
    for (key, value) in numbers {
        let Some(value) = value else { continue };
        let within = bounded(value, (0.0, 1.0));
        root.raw(key, within.as_deref().unwrap_or(value.as_str()));
        if within.is_some() {
            let why = "Cohere's is between 0 and 1: the nearest is sent";
            losses.push(Loss::hint(key, why));
        }
    }
    if let Some(top_p) = &request.top_p {
        let within = bounded(top_p, P);
        root.raw("p", within.as_deref().unwrap_or(top_p.as_str()));
    }
    if let Some(top_k) = &request.top_k {
        match top_k.as_str().parse::<u64>() {
            Ok(k) => drop(root.number("k", k.min(MOST_K))),
            Err(_) => losses.push(Loss::hint("top_k", "Cohere's is a whole number")),
        }
    }
    if let Some(seed) = &request.seed {
        match seed.as_str().parse::<u64>() {
            Ok(seed) => drop(root.number("seed", seed)),
            Err(_) => losses.push(Loss::meaning("seed", "Cohere's is a whole number from 0")),
        }
    }
    if request
        .logprobs
        .unwrap_or(request.top_logprobs.is_some_and(|most| most > 0))
    {
        root.bool("logprobs", true);
    }
}

/// The nearest number that lies within the bounds, if this one does not.
fn bounded(number: &Json, (least, most): (f64, f64)) -> Option<String> {
    let value: f64 = number.as_str().parse().ok()?;
    let within = value.clamp(least, most);
    #[expect(
        clippy::float_cmp,
        reason = "it is the same unless it was out of bounds"
    )]
    let is_same = within == value;
    (!is_same).then(|| within.to_string())
}

fn write_thinking(
    root: &mut Object<'_>,
    request: &Request,
    target: &Target<'_>,
    losses: &mut Vec<Loss>,
) {
    let is_told = request.rest.iter().any(|it| it.name == "thinking");
    let Some(reasoning) = request.reasoning.as_ref().filter(|_| !is_told) else {
        return;
    };
    let is_off = reasoning.effort == Some(Effort::None) || reasoning.budget == Some(0);
    let says =
        is_off || reasoning.effort.is_some() || reasoning.budget.is_some() || reasoning.adaptive;
    if !says {
        return;
    }
    if !target.reasons {
        if !is_off {
            losses.push(Loss::hint("reasoning", "the model does not reason"));
        }
        return;
    }
    root.object("thinking", |thinking| {
        if is_off {
            thinking.string("type", "disabled");
            return;
        }
        thinking.string("type", "enabled");
        // What an effort stands for leaves room for the answer.
        let most = request.max_tokens.map_or(u64::MAX, |most| most / 2).max(1);
        let of_effort =
            |effort: Effort| (effort < Effort::XHigh).then(|| effort.budget().min(most));
        let budget = reasoning.budget.or(reasoning.effort.and_then(of_effort));
        if let Some(budget) = budget {
            thinking.number("token_budget", budget);
        }
    });
}

fn write_rest(root: &mut Object<'_>, member: &Unknown, losses: &mut Vec<Loss>) {
    if member.dialect == Dialect::OpenAi && OWN.contains(&&*member.name) {
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
        why: "Cohere's chat has no such member".to_owned(),
        weight,
    });
}

/// What Cohere has nothing for.
fn unsaid(request: &Request, losses: &mut Vec<Loss>) {
    let has_tools = !request.tools.is_empty();
    let hints = [
        ("verbosity", request.verbosity.is_some()),
        ("user", request.user.is_some()),
        ("metadata", request.metadata.is_some()),
        ("service_tier", is_tier(request.service_tier.as_deref())),
        (
            "parallel_tool_calls",
            has_tools && request.parallel_tools == Some(false),
        ),
    ];
    for (field, _) in hints.into_iter().filter(|(_, is_said)| *is_said) {
        losses.push(Loss::hint(field, "Cohere's chat has no such thing"));
    }
    if request.n.is_some_and(|n| n > 1) {
        losses.push(Loss::meaning("n", "Cohere answers once"));
    }
    if request.top_logprobs.is_some_and(|most| most > 0) {
        let why = "Cohere gives no alternatives to a token";
        losses.push(Loss::meaning("top_logprobs", why));
    }
}

/// Whether a tier says more than the usual.
fn is_tier(tier: Option<&str>) -> bool {
    !matches!(tier, None | Some("auto" | "default" | "standard"))
}
