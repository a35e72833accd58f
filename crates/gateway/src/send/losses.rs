//! What a target could not be told: refused, or named to the client.

use std::fmt::Write as _;

use dialects::translate::Terms;
use domain::canon::{Loss, Weight};
use domain::model::{Losses, Provider};
use domain::refusal::{Reason, Refusal};

/// The most fields that are named to a client, and of a name the most letters:
/// the names are its own.
const NAMED: usize = 16;
const LETTERS: usize = 64;

/// What no provider's losses drop: Anthropic's clients that are not told so send
/// the next turn without the ones before it.
const NEVER_DROPPED: &str = "thread";

/// What a provider says to losses that change the meaning: a strict one to all.
/// `terms` are the client's.
pub(super) fn unsaid(
    losses: &[Loss],
    provider: &Provider,
    terms: Option<Terms<'_>>,
) -> Option<Refusal> {
    let mut all = losses.iter().filter(|loss| loss.weight == Weight::Meaning);
    if provider.losses != Losses::Strict {
        let loss = all.find(|loss| loss.field == NEVER_DROPPED)?;
        let sentence = format!(
            "The provider `{}` keeps no conversation: send the whole of it, without `{}`.",
            provider.name, loss.field
        );
        return Some(Refusal::new(Reason::Untranslatable, sentence).at(short(&loss.field)));
    }
    let first = all.next()?;
    let place = |loss: &Loss| terms.map_or_else(|| loss.field.clone(), |it| it.place(&loss.field));
    let first_field = short(&place(first));
    let mut what = format!("`{first_field}` ({})", first.why);
    for loss in all.take(NAMED - 1) {
        let _ = write!(what, ", `{}` ({})", short(&named(loss, terms)), loss.why);
    }
    let sentence = format!(
        "The provider `{}` cannot be asked for this: {what}. Leave it out, or have your \
         gateway's operator set `losses: drop` for this provider.",
        provider.name
    );
    Some(Refusal::new(Reason::Untranslatable, sentence).at(first_field))
}

/// The fields that were left out, as the client's header has them.
pub(super) fn dropped(losses: &[Loss], terms: Option<Terms<'_>>) -> Option<String> {
    let mut fields: Vec<String> = Vec::new();
    for loss in losses.iter().take(NAMED) {
        let field = short(&named(loss, terms));
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    if losses.len() > NAMED {
        fields.push(format!("and {} more", losses.len() - NAMED));
    }
    (!fields.is_empty()).then(|| fields.join(", "))
}

/// What the client calls it, as far as nothing has to be read again for that.
fn named(loss: &Loss, terms: Option<Terms<'_>>) -> String {
    terms.map_or_else(|| loss.field.clone(), |terms| terms.name(&loss.field))
}

/// A field's name, or its beginning.
pub(super) fn short(field: &str) -> String {
    field.chars().take(LETTERS).collect()
}
