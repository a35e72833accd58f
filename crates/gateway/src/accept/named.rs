//! Items that a request of Responses names, where the gateway keeps the answers
//! that they are of: they stand in their places before anybody reads it.

use std::collections::HashMap;
use std::rc::Rc;

use bytes::Bytes;
use dialects::json::Document;
use dialects::responses::kept::{self, Named, Past};
use domain::ids::KeyId;
use domain::refusal::{Reason, Refusal};
use domain::snapshot::Snapshot;
use domain::turns::{Unkept, Wanted};

use super::Target;
use super::held::Held;
use super::past::{self, PATIENCE};
use crate::aside;
use crate::plane::{self, Plane};

/// The most answers that one request may name items of.
const MOST_ANSWERS: usize = 1000;
/// What a body that names items says, unless it is written in escapes: those
/// names go to the provider as they are.
const MARK: &[u8] = b"item_reference";

/// The body with all items in place of their names.
///
/// # Errors
/// An item is not kept for this key, or cannot be read now; or the whole is
/// larger than a body may be.
pub(super) async fn spelled_out(
    (plane, snapshot): (&Rc<Plane>, &Snapshot),
    owner: &KeyId,
    target: &Target,
    body: Bytes,
    held: &mut Held,
) -> Result<Bytes, Refusal> {
    if !past::is_of_responses(target) || !past::says(&body, MARK) {
        return Ok(body);
    }
    let depth = snapshot.bounds.depth;
    let text = body.clone();
    let look = move || {
        let document = Document::parse(text, depth).map_err(|error| error.refusal())?;
        let named = kept::named(&document);
        Ok::<_, Refusal>((document, named))
    };
    let (document, named) = match aside::is_large(body.len()) {
        true => aside::run(look).await??,
        false => look()?,
    };
    let Some(first) = named.first() else {
        return Ok(body);
    };
    if snapshot.turns.keep.is_zero() {
        return Err(unknown(&first.id));
    }
    let most = snapshot.bounds.body;
    let fetching = turns(plane, owner, &named, most);
    let found = tokio::time::timeout(PATIENCE, fetching).await;
    let turns = found.unwrap_or_else(|_| Err(past::unreadable(&past::late())))?;
    let size: usize = turns.values().map(size).sum();
    // What was read, and its items.
    held.add(2 * size).await?;
    let look = move || kept::spelling(&named, &turns).map_err(unknown);
    let spelling = match aside::is_large(size + body.len()) {
        true => aside::run(look).await??,
        false => look()?,
    };
    // A name is short and its item may be long: nothing is written before it
    // is known how much that is.
    let whole = spelling.grown(body.len());
    if whole > most {
        return Err(past::unreadable(&Unkept::TooLong));
    }
    held.add(whole).await?;
    let work = move || spelling.written(&document);
    match aside::is_large(whole) {
        true => aside::run(work).await,
        false => Ok(work()),
    }
}

/// The answers that are named, and what was asked for each.
async fn turns(
    plane: &Rc<Plane>,
    owner: &KeyId,
    named: &[Named],
    most: usize,
) -> Result<HashMap<String, Past>, Refusal> {
    let mut turns: HashMap<String, Past> = HashMap::new();
    let mut total = 0;
    for name in named {
        if turns.contains_key(&name.answer) {
            continue;
        }
        let wanted = Wanted {
            owner: owner.clone(),
            id: name.answer.clone(),
            now: plane::now(),
        };
        let turn = plane.shared.turns.turn(wanted).get().await;
        let turn = turn.map_err(|why| past::unreadable(&why))?;
        let turn = turn.ok_or_else(|| unknown(&name.id))?;
        let past = past::past(&turn);
        total += size(&past);
        if turns.len() >= MOST_ANSWERS || total > most {
            return Err(past::unreadable(&Unkept::TooLong));
        }
        turns.insert(name.answer.clone(), past);
    }
    Ok(turns)
}

fn size(past: &Past) -> usize {
    past.input.len() + past.answer.len()
}

/// No item of this id is there for this key, whoever else may have one.
fn unknown(id: &str) -> Refusal {
    let id: String = id.chars().take(100).collect();
    let sentence = format!(
        "Item with id '{id}' not found. Items are kept with answers that are stored; send the \
         item itself where they are not."
    );
    Refusal::new(Reason::UnknownItem, sentence).at("input")
}
