//! What the built-in table says of models.

use std::sync::LazyLock;

use domain::canon::Dialect;
use domain::traits::{Table, Traits};

/// What the model of this name takes.
pub(crate) fn traits(dialect: Dialect, model: &str) -> Traits {
    static TABLE: LazyLock<Table> = LazyLock::new(|| providers::traits::builtin().expect("one"));
    TABLE.at(dialect, "").of(model)
}
