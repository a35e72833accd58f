//! What a target is known to lack for a request. Nobody is refused for it: what
//! is known may be old, and the provider has the last word.

use dialects::Operation;
use domain::ability::Ability;
use domain::model::{Deployment, WireFormat};

use crate::accept::Accepted;
use crate::plane::Plane;
use crate::send;

/// Abilities that a request may need, each with what it is without.
const NEEDED: [(Ability, &str); 4] = [
    (Ability::Vision, "it does not see images"),
    (Ability::AudioInput, "it does not hear"),
    (Ability::Pdf, "it does not read documents"),
    (Ability::Tools, "it calls no tools"),
];

/// What it lacks, in a few words; nothing where nobody knows.
pub(super) fn lacks(target: &Deployment, accepted: &Accepted) -> Option<&'static str> {
    let prompt = accepted.ticket.meter.prompt_estimate;
    if target.context.is_some_and(|context| context < prompt) {
        return Some("its context is too short");
    }
    let asks = accepted.view.asks;
    if asks.is_empty() {
        return None;
    }
    let missing = asks.without(target.abilities?);
    let mut all = NEEDED.into_iter();
    let (_, why) = all.find(|(ability, _)| missing.has(*ability))?;
    Some(why)
}

/// Whether it would be asked by chat completions that have not the tools which the
/// client's own dialect has; by others nobody knows before it is written.
pub(super) fn lacks_tools(plane: &Plane, target: &Deployment, accepted: &Accepted) -> bool {
    let is_of_chat = target.provider.format == WireFormat::USUAL;
    let foreign = accepted.foreign.as_ref();
    let foreign = foreign.filter(|_| is_of_chat && accepted.operation == Operation::Chat);
    foreign.is_some_and(|foreign| {
        let mut losses = foreign.losses.iter();
        losses.any(|loss| loss.field.starts_with("tools["))
            && !send::speaks(plane, target, foreign.codec.dialect)
    })
}
