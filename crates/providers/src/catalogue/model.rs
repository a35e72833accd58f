//! What the catalogue knows of a model.

use domain::ability::{Abilities, Mode};
use domain::model::Price;
use domain::money::{NanoUsd, Rate};

/// A known model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueModel {
    /// Its provider's name.
    pub provider: String,
    /// Its name there.
    pub id: String,
    /// Tokens that prompt and answer may have, where known.
    pub context: Option<u64>,
    /// Tokens that an answer may have, where known.
    pub max_output: Option<u64>,
    /// Its price; `None` is unknown, never free.
    pub price: Option<Price>,
    /// Prices of what the gateway does not meter.
    pub unmetered: Unmetered,
    /// What it is for.
    pub mode: Mode,
    /// What it can do beside text, where known.
    pub abilities: Option<Abilities>,
    /// Where the numbers come from.
    pub source: String,
    /// When they were so: a date, `2026-11-25`.
    pub as_of: String,
}

/// The source of a line that an operator wrote: no refresh changes it, and no
/// newer catalogue stands above it.
pub const OPERATOR: &str = "operator";

impl CatalogueModel {
    /// Whether an operator wrote it.
    #[must_use]
    pub fn is_operators(&self) -> bool {
        self.source == OPERATOR
    }

    /// Its provider and its name: what it is found by.
    #[must_use]
    pub fn place(&self) -> (&str, &str) {
        (&self.provider, &self.id)
    }
}

/// Prices of what the gateway does not meter: people see them, no request is
/// charged for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unmetered {
    /// Prompt tokens of images, where they cost other than text.
    pub image_input: Option<Rate>,
    /// Answer tokens of images.
    pub image_output: Option<Rate>,
    /// An image in the prompt, where images are paid by the piece.
    pub per_image: Option<NanoUsd>,
    /// An image in the answer.
    pub per_image_output: Option<NanoUsd>,
    /// Prompt tokens in a batch.
    pub batch_input: Option<Rate>,
    /// Answer tokens in a batch.
    pub batch_output: Option<Rate>,
}
