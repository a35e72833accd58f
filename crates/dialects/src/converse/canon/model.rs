//! What follows from the traits of the models behind Converse.

use domain::traits::{Family, Traits};

/// What a model takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Model(pub(super) Traits);

impl Model {
    /// Whether it is Claude.
    pub(super) fn is_claude(&self) -> bool {
        self.0.family == Family::Claude
    }

    /// Whether it is Claude of a generation that came with schemas, caches of
    /// an hour and calls one by one.
    pub(super) fn is_new_claude(&self) -> bool {
        self.is_claude() && self.0.schemas
    }

    /// Whether tools may be cached, too.
    pub(super) fn caches_tools(&self) -> bool {
        self.0.caches && self.is_claude()
    }

    /// Whether a result may say that it failed, and words may stand beside it;
    /// and whether it knows `top_k`.
    pub(super) fn is_claude_or_nova(&self) -> bool {
        matches!(self.0.family, Family::Claude | Family::Nova)
    }
}
