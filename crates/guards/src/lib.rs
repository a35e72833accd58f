//! Detectors and rules that guard texts; pure.
//!
//! A kind of guard is a folder and one line of [`GUARDS`]. Every kind reads
//! its own part of the configuration (through [`spec`]) and gives a
//! [`Guard`]; nothing else in the house knows what stands in it.

use std::sync::Arc;

use domain::guard::Guard;
use serde_json::Value;

mod deny;
mod size;
mod spec;

/// A kind of guard that configuration may name.
pub struct Kind {
    /// The word after `kind:`.
    pub kind: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    build: Build,
}

/// Reads a guard's name and fields.
type Build = fn(&str, &Value) -> Result<Arc<dyn Guard>, String>;

/// Every kind there is.
#[rustfmt::skip]
pub const GUARDS: &[Kind] = &[
    Kind { kind: "deny", about: "Words and patterns that may not pass.", build: deny::build },
    Kind { kind: "size", about: "How many characters may pass.", build: size::build },
];

/// Builds the guard `name` from its configuration without the field `kind`.
///
/// # Errors
/// A sentence that names the wrong field and says what to write.
pub fn build(kind: &str, name: &str, spec: &Value) -> Result<Arc<dyn Guard>, String> {
    let found = GUARDS.iter().find(|known| known.kind == kind);
    match found {
        Some(known) => (known.build)(name, spec),
        None => {
            let kinds = GUARDS.iter().map(|known| known.kind);
            let help = domain::suggest::help(kind, kinds);
            Err(format!("no guard is of the kind `{kind}`; {help}"))
        }
    }
}

#[cfg(test)]
mod tests;
