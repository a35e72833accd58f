//! What a request asks of every limit that holds for its key.

use domain::bound::{Bound, Subjects};
use domain::counters::{Ask, Measure, Used};
use domain::model::{Deployment, Model};
use domain::principal::Principal;
use domain::refusal::{Reason, Refusal};
use domain::snapshot::Snapshot;
use domain::time::UnixMicros;

use super::scope::{Said, name_of};
use crate::accept::Accepted;

/// What is reserved for an answer whose length nobody stated, of limits on tokens.
const UNSTATED_OUTPUT: u64 = 1024;
/// The most tokens that an image, sound or file makes which is named by its URL.
const MOST_PER_MEDIUM: u64 = 50_000;
/// The most tokens that a provider puts around a prompt, and around a message.
const AROUND: u64 = 32;
const PER_MESSAGE: u64 = 16;
/// The most that it tells a model of how to call tools, beside the tools.
const WITH_TOOLS: u64 = 1_000;
/// How much more tokens there may be than were estimated.
const SURELY: u64 = 2;

/// How well the tokens of a prompt are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Care {
    /// At most one a byte: no prompt has more.
    Bytes,
    /// Twice the estimate: where the other does not fit.
    Estimate,
}

/// What a request may use at most, as far as limits count it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// Tokens, prompt and answer, as limits on tokens reserve them.
    pub(super) tokens: u64,
    /// Nano-dollars, at the dearest target that may be asked.
    pub(super) cost: u64,
}

impl Needs {
    /// As it is reserved.
    pub(super) fn used(self) -> Used {
        Used {
            tokens: self.tokens,
            cost: self.cost,
        }
    }

    /// Of a request to this model. `Care` matters for money alone.
    ///
    /// # Errors
    /// A budget in money holds for the key, and nobody knows what it may cost.
    pub(super) fn of(
        snapshot: &Snapshot,
        accepted: &Accepted,
        model: &Model,
        care: Care,
    ) -> Result<Self, Refusal> {
        if accepted.foreign.as_ref().is_some_and(|it| it.is_count) || accepted.is_rehearsal {
            // It is a request like any other, but uses no tokens.
            return Ok(Self::default());
        }
        let view = &accepted.view;
        let prompt = accepted.ticket.meter.prompt_estimate;
        let tokens = ledger::reserve(
            prompt,
            view.n,
            view.max_tokens,
            model.max_output,
            UNSTATED_OUTPUT,
        );
        let counts_money = |it: &Bound| it.limit.measure == Measure::Cost && it.is_hard();
        let cost = match accepted.principal.bounds.iter().any(counts_money) {
            true => most(snapshot, accepted, model, care)?,
            false => 0,
        };
        Ok(Self { tokens, cost })
    }
}

/// What it costs at most: at the dearest of all that may be asked.
fn most(
    snapshot: &Snapshot,
    accepted: &Accepted,
    model: &Model,
    care: Care,
) -> Result<u64, Refusal> {
    let view = &accepted.view;
    let of_tools = if view.tools > 0 { WITH_TOOLS } else { 0 };
    let fixed = AROUND + u64::from(view.messages) * PER_MESSAGE + of_tools;
    let prompt = match care {
        Care::Bytes => accepted.document.bytes().len() as u64,
        Care::Estimate => accepted.ticket.meter.prompt_estimate.saturating_mul(SURELY),
    };
    let prompt = prompt + fixed + u64::from(view.media) * MOST_PER_MEDIUM;
    let fallbacks = model.fallbacks.iter();
    let fallbacks = fallbacks.filter_map(|name| snapshot.resolve(name.as_str()));
    let mut dearest = 0;
    for deployment in &model.deployments {
        dearest = dearest.max(most_at(deployment, accepted, prompt)?);
    }
    for fallback in fallbacks {
        for deployment in &fallback.deployments {
            dearest = dearest.max(most_at(deployment, accepted, prompt)?);
        }
    }
    Ok(dearest)
}

fn most_at(target: &Deployment, accepted: &Accepted, prompt: u64) -> Result<u64, Refusal> {
    let name = &accepted.view.model;
    let Some(price) = &target.price else {
        let sentence = format!(
            "A budget in money holds for this key, and the model `{name}` has no price here. Ask \
             for another model, or whoever operates the gateway for its price."
        );
        return Err(Refusal::new(Reason::PriceUnknown, sentence).at("model"));
    };
    let view = &accepted.view;
    let is_free = ledger::most(u64::MAX >> 32, u64::MAX >> 32, price).0 == 0;
    let answer = match accepted.operation {
        _ if is_free => 0,
        dialects::Operation::Embedding => 0,
        _ => {
            let most = [view.max_tokens, target.max_output]
                .into_iter()
                .flatten()
                .min();
            let Some(each) = most.or(target.context) else {
                let field = name_of("max_tokens", accepted);
                let sentence = format!(
                    "A budget in money holds for this key, and nobody knows how long answers of \
                     `{name}` may be. State `{field}`."
                );
                return Err(Refusal::new(Reason::MissingField, sentence).at(field));
            };
            each.saturating_mul(u64::from(view.n.max(1)))
        }
    };
    let cost = ledger::most(prompt, answer, price).0;
    Ok(u64::try_from(cost).unwrap_or(0))
}

/// Asks for room, each with the place of its bound.
pub(super) struct Asks {
    pub(super) all: Vec<Ask>,
    of: Vec<u32>,
}

impl Asks {
    /// What a request asks of every limit of these measures.
    pub(super) fn of(
        principal: &Principal,
        (model, said): (&str, &Said),
        needs: Needs,
        measures: &[Measure],
        now: UnixMicros,
    ) -> Self {
        let mut asks = Self {
            all: Vec::with_capacity(principal.bounds.len()),
            of: Vec::with_capacity(principal.bounds.len()),
        };
        if !crate::GOVERNS {
            return asks;
        }
        let subjects = Subjects {
            model,
            end_user: said.end_user.as_deref(),
            session: said.session.as_deref(),
            tags: &said.tags,
        };
        for (at, bound) in principal.bounds.iter().enumerate() {
            let measure = bound.limit.measure;
            if !measures.contains(&measure) {
                continue;
            }
            let cost = match measure {
                Measure::Parallel | Measure::Requests => 1,
                Measure::Tokens => needs.tokens,
                Measure::Cost => needs.cost,
            };
            if let Some(ask) = bound.ask(&subjects, cost, now) {
                asks.all.push(ask);
                asks.of.push(at as u32);
            }
        }
        asks
    }

    /// The bound that this ask is of.
    pub(super) fn bound<'a>(&self, principal: &'a Principal, at: usize) -> Option<&'a Bound> {
        principal.bounds.get(*self.of.get(at)? as usize)
    }
}
