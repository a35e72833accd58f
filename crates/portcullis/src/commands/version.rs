//! `portcullis version`.

use crate::output;

/// Prints the version and what it was built for.
pub(super) fn run() -> anyhow::Result<()> {
    output::line(format_args!(
        "portcullis {} ({}-{})",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        std::env::consts::OS,
    ));
    Ok(())
}
