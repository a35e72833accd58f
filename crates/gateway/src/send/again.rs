//! An attempt whose target lacks only what was said before: if it keeps that no
//! more, or cannot open what another account has sealed, it is told otherwise.

use std::cell::Cell;
use std::rc::Rc;

use dialects::json::{Document, Node};
use dialects::translate::sealed;
use domain::model::Deployment;
use tokio::time::Instant;

use super::attempt::attempt;
use super::failure::Failure;
use super::{Answered, Ask};
use crate::plane::Plane;
use crate::settle::Ticket;

/// What targets turned out not to know, and how the next is asked.
#[derive(Debug, Default)]
pub(super) struct Again {
    /// Whether the provider that kept what was said before has lost it.
    pub(super) is_forgotten: Cell<bool>,
    /// Whether the target that is asked cannot open what is sealed.
    pub(super) is_unsealed: Cell<bool>,
    /// The key that is taken.
    pub(super) key: Cell<Option<usize>>,
}

/// Asks `target` once, with this key of its provider; once more, if all that it lacks is
/// what was said, and if it cannot read what only another account can.
pub(super) async fn attempt_or_tell(
    plane: &Rc<Plane>,
    ask: &Ask,
    target: (&Deployment, Option<usize>),
    deadline: Instant,
    ticket: &mut Ticket,
) -> Result<Answered, Failure> {
    ask.again.key.set(target.1);
    let mut answer = attempt(plane, ask, target, deadline, ticket).await;
    while let Err(failure) = &answer
        && let Some(lacks) = lacks(ask, failure)
        && !lacks.replace(true)
        && Instant::now() < deadline
    {
        answer = Box::pin(attempt(plane, ask, target, deadline, ticket)).await;
    }
    // The next one may be whose seal it is.
    ask.again.is_unsealed.set(false);
    answer
}

/// What the target lacks, if it is nothing else.
pub(super) fn lacks<'a>(ask: &'a Ask, failure: &Failure) -> Option<&'a Cell<bool>> {
    if goes_on(ask) && has_forgotten(failure) {
        return Some(&ask.again.is_forgotten);
    }
    let is_shut_out = is_sealed(ask) && is_shut_out(failure);
    is_shut_out.then_some(&ask.again.is_unsealed)
}

/// Whether there is more to tell than what was sent.
fn goes_on(ask: &Ask) -> bool {
    let conversed = ask.foreign.as_ref().and_then(|it| it.conversed.as_ref());
    conversed.is_some_and(|it| it.previous.is_some() || it.holder.is_some())
}

/// Whether it holds what only one account can open.
fn is_sealed(ask: &Ask) -> bool {
    let foreign = ask.foreign.as_ref();
    foreign.is_some_and(|it| sealed::seals(&it.request).next().is_some())
}

fn has_forgotten(failure: &Failure) -> bool {
    let said = said(failure);
    said.is_some_and(|said| said.is_forgotten())
}

/// Whether the target says that it cannot read what is sealed: by a code, or, as
/// Azure does, by words alone.
fn is_shut_out(failure: &Failure) -> bool {
    let cause = failure.refusal.cause.as_deref().unwrap_or_default();
    if cause.ends_with(SHUT_OUT) {
        return true;
    }
    said(failure).is_some_and(|said| said.is_shut_out())
}

/// What `OpenAI` calls a seal that it cannot open.
const SHUT_OUT: &str = "invalid_encrypted_content";

/// An error, in the provider's words.
struct Said {
    code: String,
    message: String,
}

impl Said {
    fn is_forgotten(&self) -> bool {
        let is_item =
            self.message.starts_with("Item with id") && self.message.contains("not found");
        self.code == "previous_response_not_found" || is_item
    }

    fn is_shut_out(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        let fails = ["could not be verified", "could not be decrypted"];
        self.code == SHUT_OUT
            || message.contains("encrypted content") && fails.iter().any(|it| message.contains(it))
    }
}

fn said(failure: &Failure) -> Option<Said> {
    let verbatim = failure.verbatim.as_ref()?;
    let document = Document::parse(verbatim.body.clone(), 64).ok()?;
    let error = document.root().get("error")?;
    let member = |key| error.get(key).and_then(Node::str).unwrap_or_default();
    Some(Said {
        code: member("code").into_owned(),
        message: member("message").into_owned(),
    })
}
