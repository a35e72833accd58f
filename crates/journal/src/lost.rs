//! The end of a request that had none.

use domain::record::{Opened, Outcome, Settled};
use domain::usage::{Usage, UsageSource};

/// The record of a request that was in flight when its process ended: what
/// is known of it, and no tokens, because nobody counted them.
///
/// The carrier cannot say it by itself: an *opened* record may have been
/// carried, and its segment deleted, long before the process ended. The store
/// keeps such tickets in the transaction that carries them and writes this
/// when the carrier says that their generation is over
/// ([`crate::Batch::alive`]): once, whatever stops in between.
#[must_use]
pub fn lost(opened: &Opened) -> Settled {
    Settled {
        ticket: opened.ticket,
        opened: opened.at,
        duration_us: 0,
        first_content_us: None,
        tenant: opened.tenant.clone(),
        key: opened.key.clone(),
        operation: opened.operation.clone(),
        streamed: false,
        model: Some(opened.model.clone()),
        provider: None,
        deployment: None,
        answered_model: None,
        attempts: 0,
        outcome: Outcome::Lost,
        status: 0,
        error: None,
        usage: Usage::default(),
        usage_source: UsageSource::None,
        cost: None,
        price_missing: false,
        cache_hit: false,
        saved: None,
        findings: Vec::new(),
    }
}
