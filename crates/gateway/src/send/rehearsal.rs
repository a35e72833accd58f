//! A dry run: what would be asked, of whom, in which order and why, at which
//! cost at most, and what they could not be told. Nothing is sent.

use std::rc::Rc;

use bytes::Bytes;
use dialects::Operation;
use dialects::json::{Document, Object, object};
use dialects::translate::allowed;
use domain::model::{Deployment, Price, WireFormat};
use domain::record::Outcome;
use http1::Fields;

use super::failure::Failure;
use super::fetch::Means;
use super::shape::shaped;
use super::{Ask, outgoing, quirks, several, spoken, translation};
use crate::aside;
use crate::plane::Plane;
use crate::route::{Routed, Step, Whose};
use crate::serve::{AnswerBody, Served};
use crate::settle::Refused;

/// The header that asks for one.
const HEADER: &str = "x-portcullis-dry-run";
/// Values of the header that ask for none.
const NO: [&str; 4] = ["false", "0", "no", "off"];

/// Whether a request asks for a dry run.
pub(crate) fn is_wanted(fields: &Fields) -> bool {
    let said = fields.text(HEADER).map(str::trim);
    // Whoever says it in other words means it as well: a plan costs nothing.
    said.is_some_and(|said| !NO.iter().any(|no| said.eq_ignore_ascii_case(no)))
}

/// Answers with the plan.
///
/// # Errors
/// None; as the stages have it.
pub(crate) async fn rehearse(plane: &Rc<Plane>, routed: Routed) -> Result<Served, Refused> {
    let (ask, ticket, plan) = Ask::planned(routed);
    let prompt = ticket.meter.prompt_estimate;
    let mut targets = Vec::new();
    for mut step in plan {
        step.target = spoken::of(plane, &ask, &step.target);
        let sent = sent(plane, &ask, &step.target).await;
        targets.push((step, sent));
    }
    let body = object(|o| {
        o.string("object", "portcullis.plan")
            .string("model", &ask.view.model)
            .number("prompt_tokens", prompt);
        let bounds = targets.iter().filter_map(|(_, sent)| sent.as_ref().ok());
        let longest = bounds.map(|sent| sent.bound.tokens());
        tokens(
            o,
            longest
                .reduce(|one, other| Some(one?.max(other?)))
                .flatten(),
        );
        o.array("targets", |a| {
            for (step, sent) in &targets {
                a.raw(&target(plane, step, sent, prompt));
            }
        });
    });
    let served = Served::new(AnswerBody::whole(body)).of_type("application/json");
    ticket.settle(Outcome::Complete, 200);
    Ok(served)
}

/// What would go to a target.
struct Sent {
    /// What it would not be told.
    dropped: Option<String>,
    /// How long its answers may become.
    bound: Bound,
    /// What it costs.
    price: Option<Price>,
}

/// The most tokens that a target writes, and who sees to that.
#[derive(Clone, Copy)]
enum Bound {
    /// The request that it gets.
    Request(u64),
    /// The model's own limit, by the catalogue.
    Model(u64),
    /// Nobody that is known of.
    Nobody,
}

impl Bound {
    /// By the body that a target gets.
    fn of(target: &Deployment, body: &Document) -> Self {
        let dialect = match target.provider.format {
            WireFormat::Demo => translation::PIVOT,
            WireFormat::Dialect(dialect) => dialect,
        };
        let allowed = allowed(dialect, body.root());
        let all = |each: u64| each.saturating_mul(allowed.answers);
        match (allowed.tokens, target.max_output) {
            (Some(asked), Some(most)) if most < asked => Self::Model(all(most)),
            (Some(asked), _) => Self::Request(all(asked)),
            (None, Some(most)) => Self::Model(all(most)),
            (None, None) => Self::Nobody,
        }
    }

    fn tokens(self) -> Option<u64> {
        match self {
            Self::Request(tokens) | Self::Model(tokens) => Some(tokens),
            Self::Nobody => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Request(_) => "request",
            Self::Model(_) => "model",
            Self::Nobody => "nothing",
        }
    }
}

/// One target of the plan, as JSON.
fn target(plane: &Plane, step: &Step, sent: &Result<Sent, Failure>, prompt: u64) -> String {
    let target = &step.target;
    let body = object(|o| {
        o.string("deployment", target.id.as_str())
            .string("provider", target.provider.name.as_str())
            .string("model", &target.upstream_model)
            .string("dialect", dialect(target))
            .string("because", &because(plane, step));
        match sent {
            Ok(sent) => {
                tokens(o, sent.bound.tokens());
                o.string("bounded_by", sent.bound.as_str());
                most(o, sent.price.as_ref(), (prompt, sent.bound));
                o.array("dropped", |a| {
                    for field in sent.dropped.iter().flat_map(|all| all.split(", ")) {
                        a.string(field);
                    }
                });
            }
            Err(failure) => {
                o.string("refused", &failure.refusal.message);
            }
        }
    });
    String::from_utf8(body).unwrap_or_else(|_| "{}".to_owned())
}

/// What this target would be sent.
async fn sent(plane: &Plane, ask: &Ask, target: &Deployment) -> Result<Sent, Failure> {
    let price = ask.principal.contracts.price(target).cloned();
    if let Some(several) = several::of(ask, target).await? {
        return Ok(Sent {
            price,
            dropped: several.dropped,
            bound: Bound::Request(0),
        });
    }
    let means = Means { plane, until: None };
    let (translation, body) = translation::of(ask, target, means).await?.unzip();
    let lost = translation.and_then(|translation| translation.dropped());
    let told = quirks::told(ask, target, body).await?;
    let bound = match ask.operation {
        // Vectors are no text.
        Operation::Embedding => Bound::Request(0),
        Operation::Chat | Operation::Completion => bound(ask, target, told.body).await?,
    };
    Ok(Sent {
        price,
        dropped: quirks::both(lost, told.dropped),
        bound,
    })
}

/// How long answers may become by the body that is sent; without one it is the
/// client's own.
async fn bound(ask: &Ask, target: &Deployment, body: Option<Vec<Bytes>>) -> Result<Bound, Failure> {
    let parts = match body {
        Some(parts) => parts,
        None => outgoing::same(ask, target).map_err(Failure::transient)?,
    };
    let parts = shaped(parts, &target.provider.shape, &[]).map_err(Failure::transient)?;
    let parse = move || Document::parse(parts.concat().into(), translation::DEPTH);
    let document = match aside::is_large(ask.document.bytes().len()) {
        true => aside::run(parse).await.map_err(Failure::transient)?,
        false => parse(),
    };
    document
        .map(|document| Bound::of(target, &document))
        .map_err(|error| Failure::transient(outgoing::internal(error.at)))
}

fn dialect(target: &Deployment) -> &'static str {
    match target.provider.format {
        WireFormat::Demo => "demo",
        WireFormat::Dialect(dialect) => dialect.as_str(),
    }
}

/// Why it stands where it stands.
fn because(plane: &Plane, step: &Step) -> String {
    if let Some(lacks) = step.lacks {
        return format!("{lacks}, as far as is known: asked last");
    }
    let is_awake = plane
        .shared
        .health
        .is_awake(&step.target.id, plane.shared.ticks());
    let because = match (is_awake, step.whose) {
        (false, _) => "it rests after failures: asked last",
        (true, Whose::Own) if step.lacks_tools => {
            "it cannot be told of all tools of the request: asked after those that can"
        }
        (true, Whose::Own) if step.preferred.is_some() => step.preferred.unwrap_or_default(),
        (true, Whose::Own) => "it answers for the model, by order and weight",
        (true, Whose::Fallback) => "it answers for a fallback of the model",
    };
    because.to_owned()
}

/// The tokens of an answer that is as long as it may be; `null` where it may be
/// of any length.
fn tokens(o: &mut Object<'_>, most: Option<u64>) {
    match most {
        Some(tokens) => o.number("most_answer_tokens", tokens),
        None => o.null("most_answer_tokens"),
    };
}

/// What it costs if the answer is as long as it may be; nothing is said where
/// the price is unknown, or that length.
fn most(o: &mut Object<'_>, price: Option<&Price>, (prompt, bound): (u64, Bound)) {
    match (price, bound.tokens()) {
        (Some(price), Some(answer)) => {
            o.string("most_usd", &ledger::most(prompt, answer, price).to_string())
        }
        _ => o.null("most_usd"),
    };
}
