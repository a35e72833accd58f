//! An attempt that goes on from what its provider should keep: if it keeps it
//! no more, it is told the whole conversation.

use std::rc::Rc;

use dialects::json::{Document, Node};
use domain::model::Deployment;
use tokio::time::Instant;

use super::attempt::attempt;
use super::failure::Failure;
use super::{Answered, Ask};
use crate::plane::Plane;
use crate::settle::Ticket;

/// Asks `target` once, with this key of its provider; once more, if all that it lacks is what was said.
pub(super) async fn attempt_or_tell(
    plane: &Rc<Plane>,
    ask: &Ask,
    target: (&Deployment, Option<usize>),
    deadline: Instant,
    ticket: &mut Ticket,
) -> Result<Answered, Failure> {
    let failure = match attempt(plane, ask, target, deadline, ticket).await {
        Err(failure) if goes_on(ask) && has_forgotten(&failure) => failure,
        asked => return asked,
    };
    if ask.is_forgotten.replace(true) {
        return Err(failure);
    }
    Box::pin(attempt(plane, ask, target, deadline, ticket)).await
}

/// Whether there is more to tell than what was sent.
fn goes_on(ask: &Ask) -> bool {
    let conversed = ask.foreign.as_ref().and_then(|it| it.conversed.as_ref());
    conversed.is_some_and(|it| it.previous.is_some())
}

fn has_forgotten(failure: &Failure) -> bool {
    let Some(verbatim) = &failure.verbatim else {
        return false;
    };
    let Ok(document) = Document::parse(verbatim.body.clone(), 64) else {
        return false;
    };
    let error = document.root().get("error");
    let code = error
        .and_then(|error| error.get("code"))
        .and_then(Node::str);
    code.as_deref() == Some("previous_response_not_found")
}
