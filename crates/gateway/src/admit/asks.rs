//! What a request asks of every limit that holds for its key.

use domain::bound::{Bound, Subjects};
use domain::counters::{Ask, Measure, Used};
use domain::model::{Deployment, Model, Price};
use domain::principal::Principal;
use domain::refusal::{Reason, Refusal};
use domain::snapshot::Snapshot;
use domain::time::UnixMicros;

use super::scope::{Said, name_of};
use crate::accept::Accepted;
use crate::tokens::Known;

/// What is reserved for an answer whose length nobody stated: of limits on tokens,
/// and of budgets for a stream, which reserves so much more as it grows.
pub(crate) const UNSTATED_OUTPUT: u64 = 1024;
/// The most tokens that an image, sound or file makes which is named by its URL.
const MOST_PER_MEDIUM: u64 = 50_000;
/// How much more tokens there may be than were estimated.
const SURELY: u64 = 2;

/// How well the tokens of a prompt are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Care {
    /// At most one a byte: no prompt has more.
    Bytes,
    /// By the model's own vocabulary, else twice the estimate: where the other does
    /// not fit.
    Counted(Counts),
}

/// The tokens of a prompt by each vocabulary, where a target has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    o200k: Option<u64>,
    cl100k: Option<u64>,
}

impl Counts {
    /// By the vocabularies of all that may be asked.
    pub(super) async fn of(snapshot: &Snapshot, accepted: &Accepted, model: &Model) -> Self {
        let mut used = Vec::new();
        let noted = each_target(snapshot, model, |target| {
            used.extend(Known::of(&target.traits).filter(|known| !used.contains(known)));
            Ok::<_, std::convert::Infallible>(())
        });
        let mut counts = Self::default();
        for known in noted.map_or_else(|never| match never {}, |()| used) {
            let count = known.of_prompt(&accepted.document, &accepted.view).await;
            match known {
                Known::O200k => counts.o200k = count,
                Known::Cl100k => counts.cl100k = count,
            }
        }
        counts
    }

    fn by(&self, known: Known) -> Option<u64> {
        match known {
            Known::O200k => self.o200k,
            Known::Cl100k => self.cl100k,
        }
    }
}

/// Looks at everybody that may be asked for this model, fallbacks included.
fn each_target<E>(
    snapshot: &Snapshot,
    model: &Model,
    mut see: impl FnMut(&Deployment) -> Result<(), E>,
) -> Result<(), E> {
    for target in &model.deployments {
        see(target)?;
    }
    for name in &model.fallbacks {
        if let Some(fallback) = snapshot.resolve(name.as_str()) {
            for target in &fallback.deployments {
                see(target)?;
            }
        }
    }
    Ok(())
}

/// What a request may use at most, as far as limits count it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// Tokens, prompt and answer, as limits on tokens reserve them.
    pub(super) tokens: u64,
    /// Tokens that it may use at most, where a hard budget counts them.
    pub(super) most: u64,
    /// Nano-dollars, at the dearest target that may be asked.
    pub(super) cost: u64,
    /// Whether a stream may grow beyond this, and reserves more as it does.
    pub(super) is_open: bool,
}

impl Needs {
    /// What hard budgets reserve of it.
    pub(super) fn reserved(self) -> Used {
        Used {
            tokens: self.most,
            cost: self.cost,
        }
    }

    /// What another attempt reserves.
    pub(super) fn each(self) -> Used {
        Used {
            tokens: self.tokens.max(self.most),
            cost: self.cost,
        }
    }

    /// Of a request to this model. `Care` matters for hard budgets alone.
    ///
    /// # Errors
    /// A hard budget holds, and nobody knows what it may use of it.
    pub(super) fn of(
        snapshot: &Snapshot,
        accepted: &Accepted,
        (model, said): (&Model, &Said),
        care: Care,
    ) -> Result<Self, Refusal> {
        if accepted.foreign.as_ref().is_some_and(|it| it.is_count) || accepted.is_rehearsal {
            // It is a request like any other, but uses no tokens.
            return Ok(Self::default());
        }
        let view = &accepted.view;
        let mut needs = Self {
            tokens: ledger::reserve(
                accepted.ticket.meter.prompt_estimate,
                view.n,
                view.max_tokens,
                model.max_output,
                UNSTATED_OUTPUT,
            ),
            ..Self::default()
        };
        let subjects = subjects(model.name.as_str(), said);
        let bounds = accepted.principal.bounds.iter();
        let mut hard = bounds.filter(|it| it.is_wall() && it.counts(&subjects));
        let Some(first) = hard.next() else {
            return Ok(needs);
        };
        let of = |measure| move |it: &Bound| it.limit.measure == measure;
        let (is_money, is_tokens) = (of(Measure::Cost), of(Measure::Tokens));
        let (mut money, mut tokens) = (is_money(first), is_tokens(first));
        for bound in hard {
            money |= is_money(bound);
            tokens |= is_tokens(bound);
        }
        each_target(snapshot, model, |target| {
            let most = Most {
                target,
                accepted,
                care,
            };
            let price = money.then(|| most.price()).transpose()?;
            let is_free = |price| ledger::most(u64::MAX >> 32, u64::MAX >> 32, price).0 == 0;
            let answer = match tokens || !price.is_some_and(is_free) {
                true => most.answer()?,
                false => Some(0),
            };
            needs.is_open |= answer.is_none();
            let answer = answer.unwrap_or(UNSTATED_OUTPUT);
            if tokens {
                needs.most = needs.most.max(most.prompt().saturating_add(answer));
            }
            if let Some(price) = price {
                let cost = ledger::most(most.prompt(), answer, price).0;
                needs.cost = needs.cost.max(u64::try_from(cost).unwrap_or(0));
            }
            Ok(())
        })?;
        Ok(needs)
    }
}

/// The most that a request may use at one target.
struct Most<'a> {
    target: &'a Deployment,
    accepted: &'a Accepted,
    care: Care,
}

impl<'a> Most<'a> {
    fn price(&self) -> Result<&'a Price, Refusal> {
        let contracts = &self.accepted.principal.contracts;
        contracts.price(self.target).ok_or_else(|| {
            let name = &self.accepted.view.model;
            let sentence = format!(
                "A budget in money holds for this key, and the model `{name}` has no price here. \
                 Ask for another model, or whoever operates the gateway for its price."
            );
            Refusal::new(Reason::PriceUnknown, sentence).at("model")
        })
    }

    /// Tokens of the prompt.
    fn prompt(&self) -> u64 {
        let (view, traits) = (&self.accepted.view, &self.target.traits);
        let bytes = self.accepted.document.bytes().len() as u64;
        let estimate = self.accepted.ticket.meter.prompt_estimate;
        let texts = match self.care {
            Care::Bytes => bytes,
            Care::Counted(counts) => {
                let count = Known::of(traits).and_then(|known| counts.by(known));
                count.unwrap_or(estimate.saturating_mul(SURELY)).min(bytes)
            }
        };
        let around = traits.framing.of(view.messages, view.tools);
        texts + around + u64::from(view.media) * MOST_PER_MEDIUM
    }

    /// Tokens of all answers; `None` where a stream may be of any length.
    fn answer(&self) -> Result<Option<u64>, Refusal> {
        let view = &self.accepted.view;
        if self.accepted.operation == dialects::Operation::Embedding {
            return Ok(Some(0));
        }
        let most = [view.max_tokens, self.target.max_output];
        let most = most.into_iter().flatten().min().or(self.target.context);
        if let Some(each) = most {
            return Ok(Some(each.saturating_mul(u64::from(view.n.max(1)))));
        }
        if view.stream {
            return Ok(None);
        }
        let (field, name) = (name_of("max_tokens", self.accepted), &view.model);
        let sentence = format!(
            "A budget holds for this key, and nobody knows how long answers of `{name}` may be. \
             State `{field}`, or ask for a stream."
        );
        Err(Refusal::new(Reason::MissingField, sentence).at(field))
    }
}

fn subjects<'a>(model: &'a str, said: &'a Said) -> Subjects<'a> {
    Subjects {
        model,
        end_user: said.end_user.as_deref(),
        session: said.session.as_deref(),
        tags: &said.tags,
    }
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
        let subjects = subjects(model, said);
        for (at, bound) in principal.bounds.iter().enumerate() {
            let measure = bound.limit.measure;
            if !measures.contains(&measure) {
                continue;
            }
            let cost = match measure {
                Measure::Parallel | Measure::Requests => 1,
                Measure::Tokens if bound.is_wall() => needs.most,
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
