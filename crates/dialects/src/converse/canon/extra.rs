//! What the makers' models take beside Converse's own members: thinking, and
//! how words are sampled (`additionalModelRequestFields`).

use domain::canon::{Effort, Json, Loss, Request, Unknown};
use domain::traits::Family;

use super::fields::{parse, raw, text};
use super::model::Model;
use crate::anthropic::canon::thinking::{self, Against, Plan};
use crate::json::{Kind, Node, Object};
use crate::translate::distinct::firsts;
use crate::translate::{Target, sampling};

/// What is decided of thinking.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thought {
    /// Claude's way.
    pub(super) claude: Option<Plan>,
    /// The word of others.
    effort: Option<&'static str>,
    /// The most tokens of the answer.
    pub(super) max_tokens: Option<u64>,
}

impl Thought {
    /// Of a request.
    pub(super) fn of(
        request: &Request,
        target: &Target<'_>,
        model: &Model,
        against: Against,
        losses: &mut Vec<Loss>,
    ) -> Self {
        if model.is_claude() {
            let plan = thinking::plan(request, target, against, losses);
            let is_counted = plan.counts() || request.max_tokens.is_some();
            return Self {
                claude: Some(plan),
                effort: None,
                max_tokens: is_counted.then_some(plan.max_tokens),
            };
        }
        Self {
            claude: None,
            effort: effort(request, target, model, losses),
            max_tokens: most(request, target, losses),
        }
    }

    /// Whether Claude thinks.
    pub(super) fn is_claude_thinking(&self) -> bool {
        self.claude.is_some_and(|plan| plan.thinks())
    }
}

/// The most tokens, within what the model can.
fn most(request: &Request, target: &Target<'_>, losses: &mut Vec<Loss>) -> Option<u64> {
    let asked = request.max_tokens?.max(1);
    match target.output_limit {
        Some(limit) if asked > limit => {
            let why = format!("the model answers with at most {limit} tokens");
            losses.push(Loss::hint("max_tokens", why));
            Some(limit)
        }
        _ => Some(asked),
    }
}

/// The effort of a model that is no Claude.
fn effort(
    request: &Request,
    target: &Target<'_>,
    model: &Model,
    losses: &mut Vec<Loss>,
) -> Option<&'static str> {
    let said = request.reasoning.as_ref()?;
    let derived = said.budget.map(Effort::of_budget);
    let effort = said
        .effort
        .or(derived)
        .or(said.adaptive.then_some(Effort::Medium))?;
    let mut hint = |why: &str| losses.push(Loss::hint("reasoning", why));
    let is_off = effort == Effort::None;
    if !target.reasons {
        if !is_off {
            hint("the model does not think");
        }
        return None;
    }
    let Some(known) = model.0.efforts.nearest(effort) else {
        hint("Bedrock has no word for how much this model thinks");
        return None;
    };
    if is_off && known != Effort::None {
        hint("the model always thinks");
    }
    let sampled = [&request.temperature, &request.top_p, &request.top_k];
    let is_bound = request.max_tokens.is_some() || sampled.iter().any(|value| value.is_some());
    if model.0.family == Family::Nova && known == Effort::High && is_bound {
        hint("Nova takes neither max_tokens nor sampling at its highest effort");
        return Some(Effort::Medium.as_str());
    }
    Some(known.as_str())
}

/// What is written of temperature and its like.
#[derive(Debug, Default)]
pub(super) struct Sampling<'a> {
    pub(super) temperature: Option<&'a str>,
    pub(super) top_p: Option<&'a str>,
    top_k: Option<&'a str>,
}

impl<'a> Sampling<'a> {
    /// Of a request.
    pub(super) fn of(
        request: &'a Request,
        model: &Model,
        thought: &Thought,
        losses: &mut Vec<Loss>,
    ) -> Self {
        let most = match thought.is_claude_thinking() {
            true => 0,
            false => model.0.samplings,
        };
        let why_none = match thought.is_claude_thinking() {
            true => "Claude takes none while it thinks",
            false => "the model takes none",
        };
        let mut lose = |field, value, why| losses.extend(sampling::loss(field, value, why));
        let [temperature, top_p, top_k] = [
            number(request.temperature.as_ref()),
            number(request.top_p.as_ref()),
            number(request.top_k.as_ref()),
        ];
        let mut out = Self::default();
        if let Some(value) = temperature {
            match most {
                0 => lose("temperature", value, why_none),
                // What goes without saying makes room for the other.
                1 if top_p.is_some() && sampling::is_usual("temperature", value) => {}
                _ => out.temperature = Some(value),
            }
        }
        if let Some(value) = top_p {
            match most {
                0 => lose("top_p", value, why_none),
                1 if out.temperature.is_some() => {
                    lose(
                        "top_p",
                        value,
                        "the model takes either temperature or top_p",
                    );
                }
                _ => out.top_p = Some(value),
            }
        }
        if let Some(value) = top_k {
            match model.is_claude_or_nova() && most > 0 {
                true => out.top_k = Some(value),
                false => lose("top_k", value, why_none),
            }
        }
        out.temperature = out.temperature.map(|it| bounded("temperature", it, losses));
        out.top_p = out.top_p.map(|it| bounded("top_p", it, losses));
        out
    }
}

fn number(value: Option<&Json>) -> Option<&str> {
    value.map(Json::as_str)
}

/// Bedrock's temperatures and shares end at 1.
fn bounded<'a>(field: &str, value: &'a str, losses: &mut Vec<Loss>) -> &'a str {
    let number: Option<f64> = value.parse().ok();
    match number {
        Some(number) if number > 1.0 => {
            losses.push(Loss::hint(field, "Bedrock's ends at 1, which is sent"));
            "1"
        }
        Some(number) if number < 0.0 => {
            losses.push(Loss::meaning(field, "Bedrock's begins at 0"));
            "0"
        }
        _ => value,
    }
}

/// Writes `additionalModelRequestFields`, if there are any. `own` are a
/// client's.
pub(super) fn put(
    o: &mut Object<'_>,
    model: &Model,
    thought: &Thought,
    sampling: &Sampling<'_>,
    calls: Calls,
    own: &[&Unknown],
) {
    let written = text(crate::json::object(|o| {
        if let Some(plan) = &thought.claude {
            plan.put(o);
        }
        match (model.0.family, thought.effort) {
            (Family::GptOss, Some(word)) => {
                o.string("reasoning_effort", word);
            }
            (Family::Nova, Some(word)) => {
                o.object("reasoningConfig", |o| match word {
                    "none" => {
                        o.string("type", "disabled");
                    }
                    word => {
                        o.string("type", "enabled");
                        o.string("maxReasoningEffort", word);
                    }
                });
            }
            _ => {}
        }
        match (sampling.top_k, model.0.family) {
            (Some(value), Family::Nova) => {
                o.object("inferenceConfig", |o| {
                    o.raw("topK", value);
                });
            }
            (Some(value), _) => {
                o.raw("top_k", value);
            }
            _ => {}
        }
        if calls == Calls::OneByOne {
            o.object("tool_choice", |o| {
                o.string("type", "auto");
                o.bool("disable_parallel_tool_use", true);
            });
        }
    }));
    let mut members: Vec<(String, String)> = Vec::new();
    let all = std::iter::once(written.as_str()).chain(own.iter().map(|it| it.raw.as_str()));
    for object in all.filter_map(parse) {
        let root = object.root();
        if root.kind() != Kind::Object {
            continue;
        }
        for (key, _, value) in Node::entries(root) {
            members.push((key.into_owned(), raw(value)));
        }
    }
    let members = firsts(members);
    if !members.is_empty() {
        o.object("additionalModelRequestFields", |o| {
            for (key, value) in &members {
                o.raw(key, value);
            }
        });
    }
}

/// How tools may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Calls {
    /// Several at once.
    Several,
    /// One at a time, in Claude's own words.
    OneByOne,
}
