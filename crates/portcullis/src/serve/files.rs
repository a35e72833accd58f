//! Limits on files. Of how many may be open, connections included, shells and
//! service managers give a low one that may be raised; a busy gateway meets it
//! before anything else.

use rustix::process::{Resource, Signal, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

/// Raises the limit as far as this user may.
pub(super) fn raise_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    let before = limit.current;
    limit.current = limit.maximum;
    if before != limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, limit)
    {
        tracing::warn!(%error, limit = before, "the limit of open files could not be raised");
        return;
    }
    tracing::debug!(limit = limit.current, "open files");
}

/// Lets a write that a limit on file sizes forbids fail, as on a full disk:
/// without a handler its signal ends the process.
///
/// # Errors
/// The system would not take the handler.
pub(super) fn outlive_limits() -> std::io::Result<()> {
    // Nobody listens: that there is a handler is all, and it stays.
    let too_long = SignalKind::from_raw(Signal::XFSZ.as_raw());
    signal(too_long).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_files_may_be_open_as_this_user_may_have() {
        raise_limit();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
