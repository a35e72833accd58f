//! Items that a request of Responses names, where the gateway keeps the answers
//! that they are of: they stand in their places before anybody reads it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use dialects::json::Document;
use dialects::responses::kept::{self, Named, Past};
use domain::ids::KeyId;
use domain::refusal::{Reason, Refusal};
use domain::snapshot::Snapshot;
use domain::turns::{Unkept, Wanted};

use super::Target;
use super::held::Held;
use super::past::{self, Holder, PATIENCE};
use crate::aside;
use crate::plane::{self, Plane};

/// The most answers that one request may name items of.
const MOST_ANSWERS: usize = 1000;
/// What a body that names items says, unless it is written in escapes: those
/// names go to the provider as they are.
const MARK: &[u8] = b"item_reference";

/// A body with the items too that a provider keeps under ids of its own.
pub(super) struct There {
    pub(super) document: Document,
    pub(super) holder: Holder,
}

/// The body with all items of the gateway's in place of their names; and, where it
/// names those of a provider, with these too: whoever else is asked does not know
/// them.
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
) -> Result<(Bytes, Option<There>), Refusal> {
    if !past::is_of_responses(target) || !past::says(&body, MARK) {
        return Ok((body, None));
    }
    let depth = snapshot.bounds.depth;
    let keeps = !snapshot.turns.keep.is_zero();
    let (text, shared, key) = (body.clone(), Arc::clone(&plane.shared), owner.clone());
    let look = move || {
        let document = Document::parse(text, depth).map_err(|error| error.refusal())?;
        // A provider knows no keys of ours: to it, another's item is the gateway's.
        let anothers = RefCell::new(None);
        let answer_of = |id: &str| {
            let (belongings, now) = (&shared.belongings, shared.ticks());
            if belongings.is_anothers(&key, id, now) {
                anothers.replace(Some(id.to_owned()));
            }
            belongings.find(&key, id, now).filter(|_| keeps)
        };
        let named = kept::named(&document, answer_of);
        match anothers.into_inner() {
            Some(id) => Err(unknown(&id)),
            None => Ok::<_, Refusal>((document, named)),
        }
    };
    let (document, mut named) = match aside::is_large(body.len()) {
        true => aside::run(look).await??,
        false => look()?,
    };
    let Some(first) = named.first() else {
        return Ok((body, None));
    };
    if !keeps {
        return Err(unknown(&first.id));
    }
    let most = snapshot.bounds.body;
    let fetching = turns(plane, owner, &named, most);
    let found = tokio::time::timeout(PATIENCE, fetching).await;
    let Kept { turns, holder } = found.unwrap_or_else(|_| Err(past::unreadable(&past::late())))?;
    // What is not kept any more, its provider may still keep.
    named.retain(|it| !it.is_providers || turns.contains_key(&it.answer));
    let size: usize = turns.values().map(size).sum();
    // What was read, and its items.
    held.add(2 * size).await?;
    let look = move || {
        let ours = named.iter().filter(|it| !it.is_providers);
        let ours = kept::spelling(ours, &turns).map_err(unknown)?;
        let all = match holder {
            Some(holder) => Some((kept::spelling(&named, &turns).map_err(unknown)?, holder)),
            None => None,
        };
        Ok::<_, Refusal>((ours, all))
    };
    let (ours, all) = match aside::is_large(size + body.len()) {
        true => aside::run(look).await??,
        false => look()?,
    };
    // A name is short and its item may be long: nothing is written before it
    // is known how much that is.
    let one = ours.grown(body.len());
    let other = all.as_ref().map_or(0, |(all, _)| all.grown(body.len()));
    if one.max(other) > most {
        return Err(past::unreadable(&Unkept::TooLong));
    }
    held.add(one + 2 * other).await?;
    let work = move || {
        let there = all.map(|(all, holder)| {
            let document = Document::parse(all.written(&document), usize::MAX);
            let document = document.map_err(|error| error.refusal())?;
            Ok::<_, Refusal>(There { document, holder })
        });
        Ok((ours.written(&document), there.transpose()?))
    };
    match aside::is_large(one + other) {
        true => aside::run(work).await?,
        false => work(),
    }
}

/// Answers that are named.
struct Kept {
    /// What was asked for each, and what came of it.
    turns: HashMap<String, Past>,
    /// Who keeps those that a provider knows by ids of its own, if there are any.
    holder: Option<Holder>,
}

/// The answers that are named, and what was asked for each.
async fn turns(
    plane: &Rc<Plane>,
    owner: &KeyId,
    named: &[Named],
    most: usize,
) -> Result<Kept, Refusal> {
    let mut turns: HashMap<String, Past> = HashMap::new();
    let mut holder: Option<Holder> = None;
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
        let Some(turn) = turn else {
            match name.is_providers {
                true => continue,
                false => return Err(unknown(&name.id)),
            }
        };
        if name.is_providers {
            let it = holder.get_or_insert_with(|| Holder {
                provider: turn.provider.clone(),
                deployment: turn.deployment.clone(),
                answer: turn.id.clone(),
                is_there: true,
            });
            it.is_there &= turn.is_there && it.provider == turn.provider;
        }
        let past = past::past(&turn);
        total += size(&past);
        if turns.len() >= MOST_ANSWERS || total > most {
            return Err(past::unreadable(&Unkept::TooLong));
        }
        turns.insert(name.answer.clone(), past);
    }
    Ok(Kept { turns, holder })
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
