//! What was said before, where a request of Responses goes on from an answer
//! that the gateway keeps.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use dialects::json::Document;
use dialects::responses::kept::{self, Past, Wish};
use domain::canon::Dialect;
use domain::ids::KeyId;
use domain::refusal::{Reason, Refusal};
use domain::snapshot::Snapshot;
use domain::turns::{Reach, Turn, Unkept, Wanted, Work};

use super::Target;
use super::held::Held;
use crate::aside;
use crate::plane::{self, Plane};

/// How long a conversation is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// The most turns of one.
const MOST_TURNS: usize = 1000;
/// What a body that goes on says, unless it is written in escapes: those that
/// are go the long way round and are refused there.
const MARK: &[u8] = b"previous_response_id";

/// What a request of Responses says of its conversation, and what is known.
#[derive(Clone, Debug)]
pub struct Conversed {
    /// Whether it is to be kept.
    pub is_kept: bool,
    /// Whether the client does not wait for the answer.
    pub is_background: bool,
    /// The turn that it goes on from.
    pub previous: Option<Previous>,
    /// Who keeps the items that it names.
    pub holder: Option<Holder>,
}

/// Who keeps the items that a request names.
#[derive(Clone, Debug)]
pub struct Holder {
    /// The provider that made them.
    pub provider: String,
    /// The deployment that did.
    pub deployment: String,
    /// The answer that the first of them is of.
    pub answer: String,
    /// Whether it keeps all of them.
    pub is_there: bool,
}

/// The turn that a request goes on from.
#[derive(Clone, Debug)]
pub struct Previous {
    /// Its id.
    pub id: String,
    /// The provider that answered it.
    pub provider: String,
    /// The deployment that answered it.
    pub deployment: String,
    /// Whether the provider keeps it too.
    pub is_there: bool,
    /// How many items of the conversation mean nothing elsewhere.
    pub left_out: usize,
}

/// A conversation, as it was found.
pub(super) struct Found {
    turns: Vec<Turn>,
}

/// Looks for the conversation that a body goes on with; `None` if it begins
/// one.
///
/// # Errors
/// There is no such turn of this key, or it cannot be read now.
pub(super) async fn recall(
    (plane, snapshot): (&Rc<Plane>, &Snapshot),
    owner: &KeyId,
    target: &Target,
    body: &Bytes,
    held: &mut Held,
) -> Result<Option<Found>, Refusal> {
    if !is_of_responses(target) || !says(body, MARK) {
        return Ok(None);
    }
    let depth = snapshot.bounds.depth;
    let text = body.clone();
    let look = move || {
        let document = Document::parse(text, depth).map_err(|error| error.refusal())?;
        kept::wish(&document)
    };
    let wish = match aside::is_large(body.len()) {
        true => aside::run(look).await??,
        false => look()?,
    };
    let Some(id) = wish.previous else {
        return Ok(None);
    };
    if snapshot.turns.keep.is_zero() {
        let sentence = "This gateway keeps no conversations, so there is nothing to go on from. \
                        Send the whole conversation as `input`.";
        let refusal = Refusal::new(Reason::UnknownPrevious, sentence);
        return Err(refusal.at("previous_response_id"));
    }
    let wanted = Wanted {
        owner: owner.clone(),
        id: id.clone(),
        now: plane::now(),
    };
    let reach = Reach {
        turns: MOST_TURNS,
        bytes: snapshot.bounds.body,
    };
    let asked = plane.shared.turns.conversation(wanted, reach).get();
    let found = tokio::time::timeout(PATIENCE, asked).await;
    let turns = found.unwrap_or_else(|_| Err(late()));
    let turns = turns.map_err(|why| unreadable(&why))?;
    let last = turns.last().ok_or_else(|| unknown(&id))?;
    ended(last)?;
    // What was read, the whole that it makes, and how that is written.
    let bytes = turns
        .iter()
        .map(|turn| turn.input.len() + turn.answer.len());
    held.add(3 * (bytes.sum::<usize>() + body.len())).await?;
    Ok(Some(Found { turns }))
}

/// Nobody can go on from an answer that has not come about.
fn ended(turn: &Turn) -> Result<(), Refusal> {
    let standing = match turn.work {
        Work::Over => kept::standing(&turn.answer).status,
        Work::Runs(_) => "in_progress".to_owned(),
        Work::Lost => "failed".to_owned(),
    };
    let id = &turn.id;
    let sentence = match &*standing {
        "failed" | "cancelled" => format!(
            "The previous response '{id}' is {standing}: there is nothing to go on from. Go on \
             from the one before it."
        ),
        "queued" | "in_progress" => format!(
            "The previous response '{id}' is in progress. Wait until it is completed, then go on \
             from it."
        ),
        _ => return Ok(()),
    };
    Err(Refusal::new(Reason::BadField, sentence).at("previous_response_id"))
}

/// Whether a request of Responses comes.
pub(super) fn is_of_responses(target: &Target) -> bool {
    matches!(
        target,
        Target::Converse(conversation) if conversation.dialect == Dialect::Responses
    )
}

/// Whether this stands anywhere in a body.
pub(super) fn says(body: &[u8], mark: &[u8]) -> bool {
    memchr::memmem::find(body, mark).is_some()
}

/// Nothing came in time.
pub(crate) fn late() -> Unkept {
    Unkept::Failed("no answer in time".to_owned())
}

/// No turn of this id is there for this key, whoever else may have one.
pub(super) fn unknown(id: &str) -> Refusal {
    let id: String = id.chars().take(100).collect();
    let sentence = format!("Previous response with id '{id}' not found.");
    Refusal::new(Reason::UnknownPrevious, sentence).at("previous_response_id")
}

/// A conversation that cannot be read.
pub(crate) fn unreadable(why: &Unkept) -> Refusal {
    let field = "previous_response_id";
    match why {
        Unkept::Gap => Refusal::new(
            Reason::UnknownPrevious,
            "An earlier response of this conversation was deleted or has expired. Send the whole \
             conversation as `input`.",
        )
        .at(field),
        Unkept::TooLong => Refusal::new(
            Reason::BodyTooLarge,
            "The conversation is longer than a request may be. Begin a new one with a summary.",
        )
        .at(field),
        Unkept::Full | Unkept::Failed(_) => Refusal::new(
            Reason::Busy,
            "The gateway cannot read kept responses now. Try again shortly.",
        )
        .retry_after(Duration::from_secs(1))
        .because(why),
    }
}

/// What a request says, and the whole that it stands for; `None` where that is
/// the request itself.
///
/// # Errors
/// It goes on from what was not looked for.
pub(super) fn whole(
    document: &Document,
    found: Option<Found>,
) -> Result<(Conversed, Option<Document>), Refusal> {
    let Wish {
        is_kept,
        is_background,
        previous,
    } = kept::wish(document)?;
    let conversed = |previous| Conversed {
        is_kept,
        is_background,
        previous,
        holder: None,
    };
    let Some(id) = previous else {
        return Ok((conversed(None), None));
    };
    let found = found.ok_or_else(|| unknown(&id))?;
    let last = found.turns.last().ok_or_else(|| unknown(&id))?;
    let past = found.turns.iter().map(past).collect::<Vec<_>>();
    let expanded = kept::expand(document, &past);
    let previous = Previous {
        id,
        provider: last.provider.clone(),
        deployment: last.deployment.clone(),
        is_there: last.is_there,
        left_out: expanded.left_out,
    };
    let whole = Document::parse(expanded.body, usize::MAX).map_err(|error| error.refusal())?;
    Ok((conversed(Some(previous)), Some(whole)))
}

/// A turn, as the dialect looks at it.
pub(crate) fn past(turn: &Turn) -> Past {
    Past {
        input: turn.input.clone(),
        answer: turn.answer.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_seen_wherever_it_stands() {
        let mark = b"aab";
        for body in [&b"aab"[..], b"aab..", b"..aab", b"aaaab", b"a aab a"] {
            assert!(says(body, mark), "{body:?}");
        }
        for body in [&b""[..], b"aa", b"aa b", b"abaa"] {
            assert!(!says(body, mark), "{body:?}");
        }
    }
}
