//! A dry run: what would be asked, of whom, in which order and why, at which
//! cost at most, and what they could not be told. Nothing is sent.

use std::rc::Rc;

use dialects::json::{Object, object};
use domain::model::{Deployment, WireFormat};
use domain::record::Outcome;
use http1::Fields;

use super::failure::Failure;
use super::fetch::Means;
use super::{Ask, quirks, several, translation};
use crate::compose::Composed;
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
    let Routed {
        fresh,
        plan,
        largest,
        ..
    } = routed;
    let Composed {
        admitted, guards, ..
    } = fresh.guarded.composed;
    let prompt = admitted.accepted.ticket.meter.prompt_estimate;
    let answer = admitted.reserved.saturating_sub(prompt);
    let (ask, ticket) = Ask::of(*admitted.accepted, &guards, largest);
    let mut targets = Vec::new();
    for step in &plan {
        targets.push(target(plane, &ask, step, (prompt, answer)).await);
    }
    let body = object(|o| {
        o.string("object", "portcullis.plan")
            .string("model", &ask.view.model)
            .number("prompt_tokens", prompt)
            .number("most_answer_tokens", answer)
            .array("targets", |a| {
                for target in &targets {
                    a.raw(target);
                }
            });
    });
    let served = Served::new(AnswerBody::whole(body)).of_type("application/json");
    ticket.settle(Outcome::Complete, 200);
    Ok(served)
}

/// One target of the plan, as JSON.
async fn target(plane: &Plane, ask: &Ask, step: &Step, tokens: (u64, u64)) -> String {
    let target = &step.target;
    let told = dropped(plane, ask, target).await;
    let body = object(|o| {
        o.string("deployment", target.id.as_str())
            .string("provider", target.provider.name.as_str())
            .string("model", &target.upstream_model)
            .string("dialect", dialect(target))
            .string("because", &because(plane, step));
        most(o, target, tokens);
        match &told {
            Ok(dropped) => {
                o.array("dropped", |a| {
                    for field in dropped.iter().flat_map(|all| all.split(", ")) {
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

/// What this target would not be told.
async fn dropped(plane: &Plane, ask: &Ask, target: &Deployment) -> Result<Option<String>, Failure> {
    if let Some(several) = several::of(ask, target).await? {
        return Ok(several.dropped);
    }
    let means = Means { plane, until: None };
    let (translation, body) = translation::of(ask, target, means).await?.unzip();
    let told = quirks::told(ask, target, body).await?;
    let lost = translation.and_then(|translation| translation.dropped());
    Ok(quirks::both(lost, told.dropped))
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
        (true, Whose::Own) => "it answers for the model, by order and weight",
        (true, Whose::Fallback) => "it answers for a fallback of the model",
    };
    because.to_owned()
}

/// What it costs if the answer is as long as it may be; nothing is said where
/// the price is unknown.
fn most(o: &mut Object<'_>, target: &Deployment, (prompt, answer): (u64, u64)) {
    match &target.price {
        Some(price) => o.string("most_usd", &ledger::most(prompt, answer, price).to_string()),
        None => o.null("most_usd"),
    };
}
