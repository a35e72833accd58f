//! The end of a request that had none.

use domain::record::{Begun, Opened, Outcome, Settled};
use domain::usage::Usage;

/// The record of a request that was in flight when its process ended: what
/// was known of it when it went upstream, with the prompt, because the
/// provider has that; of its answer nobody counted the tokens.
///
/// The carrier cannot say it by itself: an *opened* record may have been
/// carried, and its segment deleted, long before the process ended. The store
/// keeps such tickets in the transaction that carries them and writes this
/// when the carrier says that their generation is over
/// ([`crate::Batch::alive`]): once, whatever stops in between.
#[must_use]
pub fn lost(opened: &Opened) -> Settled {
    let begun = Begun {
        ticket: opened.ticket,
        at: opened.at,
        tenant: opened.tenant.clone(),
        key: opened.key.clone(),
        operation: opened.operation.clone(),
    };
    let lost = Settled {
        // What passes through asks for no model.
        model: Some(opened.model.clone()).filter(|name| !name.as_str().is_empty()),
        who: opened.who.clone(),
        from: opened.from,
        ..Settled::at_once(begun, Outcome::Lost, 0)
    };
    let Some(asked) = opened.asked.clone() else {
        return lost;
    };
    Settled {
        streamed: asked.streamed,
        provider: Some(asked.provider),
        deployment: Some(asked.deployment),
        attempts: asked.attempts,
        usage: Usage {
            input: asked.prompt,
            ..Usage::default()
        },
        usage_source: asked.usage_source,
        cost: asked.cost,
        passed: asked.passed,
        price_missing: asked.cost.is_none(),
        ..lost
    }
}
