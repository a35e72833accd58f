//! Limits on files. Of how many may be open, connections included, shells and
//! service managers give a low one that may be raised; a busy gateway meets it
//! before anything else.

use std::io;

use rustix::io::Errno;
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

/// Below this nothing of a start is sure to find a descriptor: SQLite, which does
/// not say why it cannot open a file, least of all.
const FEW: u64 = 64;

/// Whether it failed because no more files may be open.
pub(super) fn is_used_up(error: &io::Error) -> bool {
    let used_up = [Errno::MFILE, Errno::NFILE];
    Errno::from_io_error(error).is_some_and(|errno| used_up.contains(&errno))
}

/// Says so of a start that failed for that.
pub(super) fn explained(error: anyhow::Error) -> anyhow::Error {
    let limit = getrlimit(Resource::Nofile).current;
    let causes = error.chain().filter_map(|cause| cause.downcast_ref());
    let is_used_up = causes.into_iter().any(is_used_up);
    match limit {
        Some(limit) if is_used_up || limit < FEW => error.context(format!(
            "only {limit} files may be open at once, connections included; raise that limit \
             (`ulimit -n`, or `LimitNOFILE=` of systemd)"
        )),
        _ => error,
    }
}

/// Lets a write that a limit on file sizes forbids fail, as on a full disk:
/// without a handler its signal ends the process.
///
/// # Errors
/// The system would not take the handler.
pub(super) fn outlive_limits() -> io::Result<()> {
    // Nobody listens: that there is a handler is all, and it stays.
    let too_long = SignalKind::from_raw(Signal::XFSZ.as_raw());
    signal(too_long).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_without_descriptors_says_what_is_missing() {
        let used_up = || io::Error::from_raw_os_error(Errno::MFILE.raw_os_error());
        let told = explained(anyhow::Error::new(used_up()).context("cannot listen"));
        let told = format!("{told:#}");
        assert!(told.starts_with("only "), "{told}");
        assert!(told.contains("files may be open at once"), "{told}");
        assert!(told.contains(": cannot listen: "), "{told}");
        let other = explained(io::Error::other("in use").into());
        assert_eq!(format!("{other:#}"), "in use");
    }

    #[test]
    fn as_many_files_may_be_open_as_this_user_may_have() {
        raise_limit();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
