//! A request, written for a model of Anthropic's.

use domain::canon::{Block, Dialect, Json, Loss, Request, Unknown, Written};
use domain::traits::Traits;

use super::declare::Tools;
use super::format::{self, Shape};
use super::marks;
use super::pieces::{Pen, Piece, plain};
use super::thinking::{self, Against, Plan};
use super::turns::{Prefill, Turns, leading};
use crate::json::{Document, Node, Object};
use crate::translate::{Target, sampling};

/// Writes a request; what it cannot say is a loss.
pub fn write_request(request: &Request, target: &Target<'_>) -> Written<Vec<u8>> {
    let traits = &target.traits;
    let mut pen = Pen {
        names: target.names,
        losses: Vec::new(),
    };
    let losses = &mut pen.losses;
    let limited = marks::limited(request, losses);
    let request = limited.as_ref();
    let shape = format::shape(request, target, losses);
    let tools = Tools::of(request, &shape, traits, target.names, losses);
    let demand = tools.demand.as_deref();
    let system = system(request, (&shape, demand), &mut pen);
    let mut turns = Turns::lay(request, traits, &mut pen);
    let against = Against {
        forced: tools.is_forced(),
        bare_loop: turns.is_bare_loop(),
    };
    let losses = &mut pen.losses;
    let plan = thinking::plan(request, target, against, losses);
    if !target.reasons {
        turns.forget_all();
    } else if plan.is_off {
        turns.forget_loop();
    }
    let takes_prefill = traits.prefill && !plan.thinks();
    let prefill = match takes_prefill && !matches!(shape, Shape::Native(_)) {
        true => Prefill::Taken,
        false => Prefill::Refused,
    };
    turns.close(prefill, losses);
    unsaid(request, losses);
    let sampling = Sampling::of(request, &plan, traits, losses);
    let value = crate::json::object(|o| {
        o.string("model", target.model);
        o.number("max_tokens", plan.max_tokens);
        put_system(o, &system);
        o.array("messages", |a| turns.put(a));
        tools.put(o);
        plan.put(o);
        put_config(o, request, &plan, &shape);
        sampling.put(o);
        put_stops(o, request, losses);
        if let Some(user) = request.user.as_deref().filter(|user| !user.is_empty()) {
            o.object("metadata", |o| {
                o.string("user_id", user);
            });
        }
        put_tier(o, request, losses);
        if request.stream {
            o.bool("stream", true);
        }
        for member in request.rest.iter().filter(|member| is_own(member)) {
            o.raw(&member.name, member.raw.as_str());
        }
    });
    Written {
        value,
        losses: pen.losses,
    }
}

/// Members that go back as they came.
fn is_own(member: &Unknown) -> bool {
    member.dialect == Dialect::Anthropic && member.name != "output_config"
}

fn system(
    request: &Request,
    (shape, demand): (&Shape, Option<&str>),
    pen: &mut Pen<'_>,
) -> Vec<Piece> {
    let leading = request.messages.iter().take(leading(request)).enumerate();
    let mut out = Vec::new();
    for (index, message) in leading {
        for (number, block) in message.content.iter().enumerate() {
            match block {
                Block::Text { text, cache, .. } => out.extend(plain(text, cache.as_ref())),
                _ => pen.losses.push(Loss::meaning(
                    format!("messages[{index}].content[{number}]"),
                    "Anthropic's system prompts are text alone",
                )),
            }
        }
    }
    // Where a call is demanded, the form of an answer in words is not in question.
    let words = match shape {
        Shape::Told(words) => Some(demand.unwrap_or(words)),
        _ => demand,
    };
    out.extend(words.and_then(|words| plain(words, None)));
    out
}

fn put_system(o: &mut Object<'_>, system: &[Piece]) {
    if !system.is_empty() {
        o.array("system", |a| {
            for piece in system {
                a.raw(&piece.json);
            }
        });
    }
}

/// `output_config`: effort, format, and what a client said beside them.
fn put_config(o: &mut Object<'_>, request: &Request, plan: &Plan, shape: &Shape) {
    let is_config =
        |member: &&Unknown| member.dialect == Dialect::Anthropic && member.name == "output_config";
    let kept: Vec<Document> = request
        .rest
        .iter()
        .filter(is_config)
        .filter_map(|member| {
            let bytes = bytes::Bytes::copy_from_slice(member.raw.as_str().as_bytes());
            Document::parse(bytes, super::DEPTH).ok()
        })
        .collect();
    let schema = match shape {
        Shape::Native(schema) => Some(schema),
        _ => None,
    };
    if plan.effort.is_none() && schema.is_none() && kept.is_empty() {
        return;
    }
    o.object("output_config", |o| {
        if let Some(effort) = plan.effort {
            o.string("effort", effort);
        }
        if let Some(schema) = schema {
            o.object("format", |o| {
                o.string("type", "json_schema").raw("schema", schema);
            });
        }
        for (key, _, value) in kept.iter().map(Document::root).flat_map(Node::entries) {
            o.raw(&key, &super::fields::raw(value));
        }
    });
}

/// What is written of temperature and its like.
struct Sampling<'a>(Vec<(&'static str, &'a str)>);

impl<'a> Sampling<'a> {
    fn of(request: &'a Request, plan: &Plan, traits: &Traits, losses: &mut Vec<Loss>) -> Self {
        let all = [
            ("temperature", &request.temperature),
            ("top_p", &request.top_p),
            ("top_k", &request.top_k),
        ];
        let is_single = traits.samplings < 2 && request.top_p.is_some();
        let mut out: Vec<(&'static str, &'a str)> = Vec::new();
        for (key, value) in all {
            let Some(value) = value.as_ref().map(Json::as_str) else {
                continue;
            };
            let others = out.iter().filter(|(key, _)| *key != "top_k").count();
            let why = match key {
                _ if plan.thinks() => "Claude takes none while it thinks",
                _ if traits.samplings == 0 => "the model takes none",
                // What goes without saying makes room for the other.
                "temperature" if is_single && sampling::is_usual(key, value) => continue,
                "top_p" if others > 0 && traits.samplings < 2 => {
                    "the model takes either temperature or top_p"
                }
                "temperature" if value.parse::<f64>().is_ok_and(|number| number > 1.0) => {
                    losses.push(Loss::hint(key, "Anthropic's ends at 1, which is sent"));
                    out.push((key, "1"));
                    continue;
                }
                _ => {
                    out.push((key, value));
                    continue;
                }
            };
            losses.extend(sampling::loss(key, value, why));
        }
        Self(out)
    }

    fn put(&self, o: &mut Object<'_>) {
        for (key, value) in &self.0 {
            o.raw(key, value);
        }
    }
}

fn put_stops(o: &mut Object<'_>, request: &Request, losses: &mut Vec<Loss>) {
    let is_said = |stop: &&String| !stop.trim().is_empty();
    let stops: Vec<&String> = request.stop.iter().filter(is_said).collect();
    if stops.len() < request.stop.len() {
        losses.push(Loss::meaning(
            "stop",
            "Anthropic does not stop at white space",
        ));
    }
    if !stops.is_empty() {
        o.array("stop_sequences", |a| {
            for stop in stops {
                a.string(stop);
            }
        });
    }
}

fn put_tier(o: &mut Object<'_>, request: &Request, losses: &mut Vec<Loss>) {
    match request.service_tier.as_deref() {
        None => {}
        Some(tier @ ("auto" | "standard_only")) => {
            o.string("service_tier", tier);
        }
        Some("default" | "standard") => {
            o.string("service_tier", "standard_only");
        }
        Some(_) => losses.push(Loss::hint("service_tier", "Anthropic has no such tier")),
    }
}

/// Members that Anthropic has nothing for.
fn unsaid(request: &Request, losses: &mut Vec<Loss>) {
    let is_set = |value: &Option<Json>| {
        let number = value.as_ref().map(|value| value.as_str().parse::<f64>());
        number.is_some_and(|number| number != Ok(0.0))
    };
    let meaning = [
        ("seed", request.seed.is_some()),
        ("n", request.n.is_some_and(|n| n > 1)),
        ("logprobs", request.logprobs == Some(true)),
        (
            "top_logprobs",
            request.top_logprobs.is_some_and(|count| count > 0),
        ),
    ];
    for (field, _) in meaning.into_iter().filter(|(_, is_said)| *is_said) {
        losses.push(Loss::meaning(field, "Anthropic has no such thing"));
    }
    let hints = [
        ("presence_penalty", is_set(&request.presence_penalty)),
        ("frequency_penalty", is_set(&request.frequency_penalty)),
        ("verbosity", request.verbosity.is_some()),
        ("metadata", request.metadata.is_some()),
    ];
    for (field, _) in hints.into_iter().filter(|(_, is_said)| *is_said) {
        losses.push(Loss::hint(field, "Anthropic has no such thing"));
    }
    for member in &request.rest {
        if member.dialect != Dialect::Anthropic && !member.is_told() {
            losses.push(foreign(member));
        }
    }
}

/// A member of another dialect. Those that only help its provider to keep,
/// route or bill are no loss for the answer.
fn foreign(member: &Unknown) -> Loss {
    let why = "Anthropic knows no such member";
    match member.is_hint() {
        true => Loss::hint(&member.name, why),
        false => Loss::meaning(&member.name, why),
    }
}
