//! Whether and how a model thinks.
//!
//! Anthropic refuses thinking beside a forced tool, a budget that leaves no
//! room for the answer, and a budget in a tool loop whose turn did not begin
//! with a thought of Claude's own. In all these cases thinking gives way.

use domain::canon::{Effort, Loss, Reasoning, Request};
use domain::traits::{Form, Off, Traits};

use crate::json::Object;
use crate::translate::Target;

/// Less is refused.
const LEAST: u64 = 1024;

/// An answer's room where neither client nor catalogue say one.
const ROOM: u64 = 4096;

/// As much as every model that thinks by a budget can answer.
const MOST: u64 = 32_000;

/// What is written of thinking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Nothing.
    Unsaid,
    /// `disabled`.
    Off,
    /// `between_tools`.
    BetweenTools,
    /// `enabled`, with its tokens.
    Budget(u64),
    /// `adaptive`.
    Adaptive,
}

/// What is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// What is written of thinking.
    pub(crate) mode: Mode,
    /// `output_config.effort`.
    pub(crate) effort: Option<&'static str>,
    /// Whether thoughts are shown, where the client says.
    display: Option<&'static str>,
    /// The most tokens of the answer.
    pub(crate) max_tokens: u64,
    /// Whether thinking gave way, or is switched off.
    pub(crate) is_off: bool,
}

/// What stands against thinking.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Against {
    /// A tool is forced.
    pub(crate) forced: bool,
    /// A tool loop is under way whose turn holds no thought of Claude's.
    pub(crate) bare_loop: bool,
}

/// Whether the client wants the model to think.
pub(crate) fn is_wanted(request: &Request) -> bool {
    request.reasoning.as_ref().is_some_and(is_on)
}

fn is_on(reasoning: &Reasoning) -> bool {
    match (reasoning.effort, reasoning.budget) {
        (_, Some(0)) | (Some(Effort::None), _) => false,
        (effort, budget) => effort.is_some() || budget.is_some() || reasoning.adaptive,
    }
}

fn is_refused(reasoning: &Reasoning) -> bool {
    reasoning.budget == Some(0) || reasoning.effort == Some(Effort::None)
}

/// Decides.
pub(crate) fn plan(
    request: &Request,
    target: &Target<'_>,
    against: Against,
    losses: &mut Vec<Loss>,
) -> Plan {
    let traits = &target.traits;
    let mut plan = Plan {
        mode: Mode::Unsaid,
        effort: None,
        display: None,
        max_tokens: room(request, target, losses),
        is_off: false,
    };
    let reasoning = request.reasoning.as_ref();
    if !target.reasons {
        if reasoning.is_some_and(is_on) {
            losses.push(Loss::hint("reasoning", "the model does not think"));
        }
        return plan;
    }
    let wanted = reasoning.filter(|reasoning| is_on(reasoning));
    if against.forced {
        if wanted.is_some() {
            let why = "Claude does not think where a tool is forced";
            losses.push(Loss::hint("reasoning", why));
        }
        switch_off(&mut plan, traits, reasoning, losses);
        return plan;
    }
    match (wanted, reasoning) {
        (Some(wanted), _) => {
            // Where a budget is the only way, thoughts always show.
            plan.display = display(wanted).filter(|_| traits.form != Form::Budget);
            think(&mut plan, wanted, request, target);
            if matches!(plan.mode, Mode::Budget(_)) && against.bare_loop {
                let why = "the tool loop holds no thought that Claude signed";
                losses.push(Loss::hint("reasoning", why));
                switch_off(&mut plan, traits, reasoning, losses);
            } else if plan.mode == Mode::Unsaid {
                let why = "max_tokens leaves no room to think";
                losses.push(Loss::hint("reasoning", why));
                plan.is_off = true;
            }
        }
        (None, Some(said)) if is_refused(said) => {
            switch_off(&mut plan, traits, reasoning, losses);
        }
        (None, Some(said)) if traits.off != Off::ByItself => {
            plan.display = display(said);
            if plan.display.is_some() {
                plan.mode = Mode::Adaptive;
            }
        }
        _ => {}
    }
    plan
}

fn display(reasoning: &Reasoning) -> Option<&'static str> {
    match reasoning.summary.as_deref() {
        None => None,
        Some("none") => Some("omitted"),
        Some(_) => Some("summarized"),
    }
}

/// The most tokens, within what the model can.
fn room(request: &Request, target: &Target<'_>, losses: &mut Vec<Loss>) -> u64 {
    match (request.max_tokens, target.output_limit) {
        (Some(asked), Some(limit)) if asked > limit => {
            let why = format!("the model answers with at most {limit} tokens");
            losses.push(Loss::hint("max_tokens", why));
            limit
        }
        (Some(asked), _) => asked,
        (None, limit) => limit.unwrap_or(ROOM),
    }
}

fn think(plan: &mut Plan, wanted: &Reasoning, request: &Request, target: &Target<'_>) {
    let traits = &target.traits;
    let word = |effort| traits.efforts.nearest(effort).map(Effort::as_str);
    let by_word = match traits.form {
        Form::Word => true,
        Form::Budget => false,
        Form::Either => wanted.adaptive || wanted.budget.is_none(),
        Form::AsAsked => wanted.adaptive,
    };
    let derived = wanted.budget.map(Effort::of_budget);
    if by_word {
        plan.mode = Mode::Adaptive;
        let effort = wanted.effort.or(derived);
        plan.effort = effort.and_then(word);
        return;
    }
    let effort = wanted.effort.unwrap_or(Effort::Medium);
    let budget = wanted.budget.unwrap_or_else(|| effort.budget()).max(LEAST);
    if wanted.budget.is_some() && wanted.effort.is_some() {
        plan.effort = word(effort);
    }
    if request.max_tokens.is_none() && target.output_limit.is_none() {
        // Nobody said how long the answer may be: it gets room beside.
        let budget = budget.min(MOST - ROOM);
        plan.max_tokens = budget + ROOM;
        plan.mode = Mode::Budget(budget);
        return;
    }
    let most = plan.max_tokens;
    let room = ROOM.min(most / 2);
    let is_exact = wanted.budget.is_some() && request.max_tokens.is_some();
    let fits = match is_exact {
        true => budget < most,
        false => budget <= most - room,
    };
    plan.mode = match fits {
        true => Mode::Budget(budget),
        false if most > LEAST => Mode::Budget((most - room).max(LEAST)),
        false => Mode::Unsaid,
    };
}

fn switch_off(plan: &mut Plan, traits: &Traits, said: Option<&Reasoning>, losses: &mut Vec<Loss>) {
    plan.display = None;
    plan.effort = None;
    plan.is_off = true;
    plan.mode = match traits.off {
        Off::ByItself if said.is_some() => Mode::Off,
        Off::ByItself => Mode::Unsaid,
        Off::Said => Mode::Off,
        Off::BetweenTools => Mode::BetweenTools,
        Off::Never => {
            plan.effort = Some("low");
            plan.is_off = false;
            losses.push(Loss::hint("reasoning", "the model always thinks"));
            Mode::Unsaid
        }
    };
}

impl Plan {
    /// Whether the model thinks, as far as the request says.
    pub(crate) fn thinks(&self) -> bool {
        matches!(self.mode, Mode::Budget(_) | Mode::Adaptive)
    }

    /// Whether `max_tokens` must be said beside it.
    pub(crate) fn counts(&self) -> bool {
        matches!(self.mode, Mode::Budget(_))
    }

    /// Writes `thinking`.
    pub(crate) fn put(&self, o: &mut Object<'_>) {
        let kind = match self.mode {
            Mode::Unsaid => return,
            Mode::Off => "disabled",
            Mode::BetweenTools => "between_tools",
            Mode::Budget(_) => "enabled",
            Mode::Adaptive => "adaptive",
        };
        o.object("thinking", |o| {
            o.string("type", kind);
            if let Mode::Budget(tokens) = self.mode {
                o.number("budget_tokens", tokens);
            }
            if let Some(display) = self.display {
                o.string("display", display);
            }
        });
    }
}
