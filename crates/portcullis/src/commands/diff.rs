//! `portcullis diff`: what a new file would change.

use config::diff::changes;

use crate::cli::DiffArgs;
use crate::output;

/// Prints the changes.
pub(super) fn run(args: &DiffArgs) -> anyhow::Result<()> {
    let new = config::load(Some(&args.config))?;
    let old = config::load(args.against.as_deref())?;
    let lines = changes(&old.config, &new.config)?;
    if lines.is_empty() {
        output::line("No change.");
    }
    for line in lines {
        output::line(line);
    }
    Ok(())
}
