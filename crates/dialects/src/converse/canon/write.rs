//! A request, written for a model behind Converse.
//!
//! Neither the model nor whether the answer is streamed stands in it: the URL
//! says both.

use domain::canon::{Block, Dialect, Format, Json, Loss, Request, Unknown, Written};

use super::extra::{self, Calls, Sampling, Thought};
use super::fields::parse;
use super::model::Model;
use super::pieces::{Pen, Piece, plain};
use super::tools::{self, Tools, Use};
use super::turns::{Prefill, Turns, leading};
use crate::anthropic::canon::format::{self, Shape};
use crate::anthropic::canon::marks;
use crate::anthropic::canon::thinking::Against;
use crate::json::{Kind, Node, Object};
use crate::translate::Target;

/// Members that only Bedrock has: who sends them, in whatever dialect, means
/// them for it.
const OWN: &[&str] = &[
    "guardrailConfig",
    "performanceConfig",
    "promptVariables",
    "additionalModelResponseFieldPaths",
];
const ADDITIONAL: &str = "additionalModelRequestFields";

/// Writes a request; what it cannot say is a loss.
pub fn write_request(request: &Request, target: &Target<'_>) -> Written<Vec<u8>> {
    let model = Model(target.traits);
    let mut pen = Pen::new(target.names, model);
    let limited = marks::limited(request, &mut pen.losses);
    let request = limited.as_ref();
    let shape = format::shape(request, target, &mut pen.losses);
    let system = system(request, &mut pen);
    let mut turns = Turns::lay(request, &mut pen);
    let uses = match turns.uses_tools() {
        true => Use::Somewhere,
        false => Use::Never,
    };
    let tools = Tools::of(request, &shape, uses, &mut pen);
    let against = Against {
        forced: tools.is_forced(),
        bare_loop: turns.is_bare_loop(),
    };
    let losses = &mut pen.losses;
    let thought = Thought::of(request, target, &model, against, losses);
    if !target.reasons || !model.is_claude() {
        turns.forget_all();
    } else if thought.claude.is_some_and(|plan| plan.is_off) {
        turns.forget_loop();
    }
    let takes_prefill = model.0.prefill && !thought.is_claude_thinking();
    let prefill = match takes_prefill && !matches!(shape, Shape::Native(_)) {
        true => Prefill::Taken,
        false => Prefill::Refused,
    };
    turns.close(prefill, losses);
    if !model.is_claude_or_nova() {
        turns.part_results(losses);
    }
    unsaid(request, losses);
    let sampling = Sampling::of(request, &model, &thought, losses);
    let stops = stops(request, &model, losses);
    let value = crate::json::object(|o| {
        o.array("messages", |a| turns.put(a));
        put_system(o, &system, &tools::told(&shape, &tools));
        put_inference(o, &thought, &sampling, &stops);
        tools.put(o);
        put_output(o, request, &shape, &thought);
        let calls = match tools.is_single {
            true => Calls::OneByOne,
            false => Calls::Several,
        };
        let own = own(request, ADDITIONAL);
        extra::put(o, &model, &thought, &sampling, calls, &own);
        put_rest(o, request, &model, &stops, losses);
    });
    Written {
        value,
        losses: pen.losses,
    }
}

/// Members of this name that are objects or lists.
fn own<'a>(request: &'a Request, name: &str) -> Vec<&'a Unknown> {
    let named = request.rest.iter().filter(|member| member.name == name);
    let is_whole = |member: &&Unknown| {
        let read = parse(member.raw.as_str());
        read.is_some_and(|it| matches!(it.root().kind(), Kind::Object | Kind::Array))
    };
    named.filter(is_whole).collect()
}

fn system(request: &Request, pen: &mut Pen<'_>) -> Vec<Piece> {
    let leading = request.messages.iter().take(leading(request)).enumerate();
    let mut out = Vec::new();
    for (index, message) in leading {
        for (number, block) in message.content.iter().enumerate() {
            let at = format!("messages[{index}].content[{number}]");
            match block {
                Block::Text { text, cache, .. } => {
                    pen.with_cache(plain(text), cache.as_ref(), &at, &mut out);
                }
                Block::Unknown(unknown) if unknown.dialect == Dialect::Converse => {
                    pen.heard(block, &at, &mut out);
                }
                _ => pen
                    .losses
                    .push(Loss::meaning(at, "Bedrock's system prompts are text alone")),
            }
        }
    }
    out
}

fn put_system(o: &mut Object<'_>, system: &[Piece], told: &[&str]) {
    if system.is_empty() && told.is_empty() {
        return;
    }
    o.array("system", |a| {
        for piece in system {
            a.raw(&piece.json);
        }
        for words in told {
            a.object(|o| {
                o.string("text", words);
            });
        }
    });
}

fn put_inference(o: &mut Object<'_>, thought: &Thought, sampling: &Sampling<'_>, stops: &[&str]) {
    let is_said = thought.max_tokens.is_some()
        || sampling.temperature.is_some()
        || sampling.top_p.is_some()
        || !stops.is_empty();
    if !is_said {
        return;
    }
    o.object("inferenceConfig", |o| {
        if let Some(most) = thought.max_tokens {
            o.number("maxTokens", most);
        }
        if let Some(value) = sampling.temperature {
            o.raw("temperature", value);
        }
        if let Some(value) = sampling.top_p {
            o.raw("topP", value);
        }
        if !stops.is_empty() {
            o.array("stopSequences", |a| {
                for stop in stops {
                    a.string(stop);
                }
            });
        }
    });
}

/// `outputConfig`: the schema of the answer, and Claude's effort.
fn put_output(o: &mut Object<'_>, request: &Request, shape: &Shape, thought: &Thought) {
    let effort = thought.claude.and_then(|plan| plan.effort);
    let schema = tools::native(shape);
    if effort.is_none() && schema.is_none() {
        return;
    }
    o.object("outputConfig", |o| {
        if let Some(effort) = effort {
            o.string("effort", effort);
        }
        let Some(schema) = schema else {
            return;
        };
        o.object("textFormat", |o| {
            o.string("type", "json_schema").object("structure", |o| {
                o.object("jsonSchema", |o| {
                    // A text, not an object.
                    o.string("schema", schema);
                    if let Some(Format::Schema {
                        name, description, ..
                    }) = &request.format
                    {
                        for (key, said) in [("name", name), ("description", description)] {
                            if let Some(said) = said.as_deref().filter(|it| !it.is_empty()) {
                                o.string(key, said);
                            }
                        }
                    }
                });
            });
        });
    });
}

fn stops<'a>(request: &'a Request, model: &Model, losses: &mut Vec<Loss>) -> Vec<&'a str> {
    let is_said = |stop: &&str| match model.is_claude() {
        true => !stop.trim().is_empty(),
        false => !stop.is_empty(),
    };
    let all = request.stop.iter().map(String::as_str);
    let stops: Vec<&str> = all.filter(is_said).collect();
    if stops.len() < request.stop.len() {
        losses.push(Loss::meaning(
            "stop",
            "the model does not stop at white space",
        ));
    }
    stops
}

/// Members beside the conversation.
fn put_rest(
    o: &mut Object<'_>,
    request: &Request,
    model: &Model,
    stops: &[&str],
    losses: &mut Vec<Loss>,
) {
    put_tier(o, request, losses);
    put_metadata(o, request, losses);
    for name in OWN {
        if let Some(member) = own(request, name).first() {
            o.raw(name, member.raw.as_str());
        }
    }
    // Claude says at which sequence it stopped, if it is asked.
    let asks = own(request, "additionalModelResponseFieldPaths");
    if model.is_claude() && !stops.is_empty() && asks.is_empty() {
        o.array("additionalModelResponseFieldPaths", |a| {
            a.string("/stop_sequence");
        });
    }
}

fn put_tier(o: &mut Object<'_>, request: &Request, losses: &mut Vec<Loss>) {
    let tier = match request.service_tier.as_deref() {
        None | Some("auto") => return,
        Some(tier @ ("default" | "priority" | "flex" | "reserved")) => tier,
        Some("standard" | "standard_only") => "default",
        Some(_) => {
            losses.push(Loss::hint("service_tier", "Bedrock has no such tier"));
            return;
        }
    };
    o.object("serviceTier", |o| {
        o.string("type", tier);
    });
}

/// The client's notes go into Bedrock's logs, if it takes their letters.
fn put_metadata(o: &mut Object<'_>, request: &Request, losses: &mut Vec<Loss>) {
    const MOST: usize = 16;
    let Some(said) = &request.metadata else {
        return;
    };
    let fits = |text: &str| {
        text.len() <= 256
            && text
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || b" :_@$#=/+,-.".contains(&it))
    };
    let notes = parse(said.as_str());
    let notes: Vec<_> = notes
        .iter()
        .flat_map(|notes| Node::entries(notes.root()))
        .map(|(key, _, value)| (key, value.str()))
        .collect();
    let is_taken = notes.len() <= MOST
        && notes.iter().all(|(key, value)| {
            let value = value.as_deref();
            !key.is_empty() && fits(key) && value.is_some_and(fits)
        });
    if !is_taken {
        losses.push(Loss::hint("metadata", "Bedrock does not take such notes"));
    } else if !notes.is_empty() {
        o.object("requestMetadata", |o| {
            for (key, value) in &notes {
                o.string(key, value.as_deref().unwrap_or_default());
            }
        });
    }
}

/// Members that Bedrock has nothing for.
fn unsaid(request: &Request, losses: &mut Vec<Loss>) {
    const WHY: &str = "Bedrock has no such thing";
    let is_set = |value: &Option<Json>| {
        let number = value.as_ref().map(|value| value.as_str().parse::<f64>());
        number.is_some_and(|number| number != Ok(0.0))
    };
    let meaning = [
        ("presence_penalty", is_set(&request.presence_penalty)),
        ("frequency_penalty", is_set(&request.frequency_penalty)),
        ("seed", request.seed.is_some()),
        ("n", request.n.is_some_and(|n| n > 1)),
        ("logprobs", request.logprobs == Some(true)),
        (
            "top_logprobs",
            request.top_logprobs.is_some_and(|count| count > 0),
        ),
    ];
    for (field, _) in meaning.into_iter().filter(|(_, is_said)| *is_said) {
        losses.push(Loss::meaning(field, WHY));
    }
    let hints = [
        ("verbosity", request.verbosity.is_some()),
        ("user", request.user.is_some()),
    ];
    for (field, _) in hints.into_iter().filter(|(_, is_said)| *is_said) {
        losses.push(Loss::hint(field, WHY));
    }
    for member in &request.rest {
        let name = member.name.as_str();
        if (OWN.contains(&name) || name == ADDITIONAL) && !own(request, name).is_empty() {
            continue;
        }
        if member.is_told() {
            continue;
        }
        losses.push(match member.is_hint() {
            true => Loss::hint(name, "Bedrock knows no such member"),
            false => Loss::meaning(name, "Bedrock knows no such member"),
        });
    }
}
