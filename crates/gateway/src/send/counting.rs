//! The tokens of a prompt, by the provider's own count where it has one for
//! nothing: it is asked as it would be asked for the answer, once and for a moment.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use dialects::counting;
use dialects::json::Document;
use domain::canon::Dialect;
use domain::counting::Counting;
use domain::model::Deployment;
use tokio::time::Instant;

use super::attempt::{self, LARGEST_ERROR, Patience};
use super::failure::Failure;
use super::keys::Turns;
use super::translation::{self, DEPTH, Told};
use super::{Ask, outgoing};
use crate::plane::Plane;
use crate::route::Routed;
use crate::settle::Ticket;

/// How long a client waits for it; the gateway's own count takes no time.
const PATIENCE: Duration = Duration::from_secs(2);

/// A count.
pub struct Counted {
    /// Its account.
    pub ticket: Ticket,
    /// What the client speaks.
    pub dialect: Option<Dialect>,
    /// The tokens of the prompt.
    pub tokens: u64,
    /// Who counted them.
    pub by: CountedBy,
}

/// Who counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountedBy {
    /// The provider that would be asked.
    Provider,
    /// The gateway, by an estimate.
    Gateway,
}

impl CountedBy {
    /// As the header says it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Gateway => "gateway",
        }
    }
}

/// Counts for the first target of the plan.
pub async fn count(plane: &Rc<Plane>, routed: Routed) -> Counted {
    let (ask, ticket, plan) = Ask::planned(routed);
    let estimate = ticket.meter.prompt_estimate;
    let counts = |target: &Deployment| {
        let counting = target.provider.counting.clone();
        counting.filter(|it| it.is_for(target.known_as()))
    };
    let mut exact = None;
    if let Some(step) = plan.first()
        && let Some(counting) = counts(&step.target)
    {
        let asking = asked(plane, &ask, &step.target, &counting);
        exact = match tokio::time::timeout(PATIENCE, Box::pin(asking)).await {
            Ok(Ok(tokens)) => Some(tokens),
            Ok(Err(failure)) => {
                tracing::debug!(request_id = %ticket.id(), deployment = %step.target.id,
                    cause = failure.refusal.cause, "the provider does not count");
                None
            }
            Err(_) => None,
        };
    }
    Counted {
        ticket,
        dialect: ask.foreign.as_ref().map(|foreign| foreign.codec.dialect),
        tokens: exact.unwrap_or(estimate),
        by: match exact {
            Some(_) => CountedBy::Provider,
            None => CountedBy::Gateway,
        },
    }
}

async fn asked(
    plane: &Rc<Plane>,
    ask: &Ask,
    target: &Deployment,
    counting: &Counting,
) -> Result<u64, Failure> {
    let (form, model) = (counting.form, &target.upstream_model);
    let Told { body, passes } = translation::told(ask, target, form.dialect(), plane).await?;
    let not_json = |at| Failure::broken(format!("not JSON at byte {at}"));
    let parts: Vec<Bytes> = match passes {
        // The client asked it in these very words.
        true => body,
        false => {
            let written = Document::parse(body.concat().into(), usize::MAX);
            let written = written.map_err(|error| not_json(error.at))?;
            vec![counting::question(form, &written, model).into()]
        }
    };
    let prepared = plane
        .pool
        .prepared(&target.provider, &plane.shared.bulkheads);
    let prepared = prepared.map_err(attempt::unusable)?;
    let place = prepared.bulkhead.enter().ok_or_else(Failure::full)?;
    let path = providers::counting_path(&target.provider, counting, model);
    let key = Turns::of(target).next(plane);
    let request = outgoing::at(ask, (Some(path), parts), (target, key), prepared).await;
    let request = request.map_err(Failure::transient)?;
    let deadline = Instant::now() + PATIENCE;
    let exchanged = plane.pool.exchange(&plane.shared.tls, &request, deadline);
    let mut reply = exchanged.await.map_err(attempt::missed)?.holding(place);
    let patience = Patience {
        silence: PATIENCE,
        deadline,
    };
    let whole = attempt::collect(&mut reply.body, LARGEST_ERROR, patience).await?;
    if !reply.status.is_success() {
        return Err(Failure::of_status(reply.status, &reply.fields, whole));
    }
    let answer = Document::parse(whole, DEPTH).map_err(|error| not_json(error.at))?;
    let tokens = counting::tokens(form, &answer);
    tokens.ok_or_else(|| Failure::broken("an answer without a count"))
}
