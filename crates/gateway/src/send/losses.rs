//! What a target could not be told: refused, or named to the client.

use std::fmt::Write as _;

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
pub(super) fn unsaid(losses: &[Loss], provider: &Provider) -> Option<Refusal> {
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
    let mut what = format!("`{}` ({})", short(&first.field), first.why);
    for loss in all.take(NAMED - 1) {
        let _ = write!(what, ", `{}` ({})", short(&loss.field), loss.why);
    }
    let sentence = format!(
        "The provider `{}` cannot be asked for this: {what}. Leave it out, or have your \
         gateway's operator set `losses: drop` for this provider.",
        provider.name
    );
    Some(Refusal::new(Reason::Untranslatable, sentence).at(short(&first.field)))
}

/// The fields that were left out, as the client's header has them.
pub(super) fn dropped(losses: &[Loss]) -> Option<String> {
    let named = losses.iter().take(NAMED).map(|loss| short(&loss.field));
    let mut fields: Vec<String> = named.collect();
    if losses.len() > NAMED {
        fields.push(format!("and {} more", losses.len() - NAMED));
    }
    (!fields.is_empty()).then(|| fields.join(", "))
}

/// A field's name, or its beginning.
pub(super) fn short(field: &str) -> String {
    field.chars().take(LETTERS).collect()
}
