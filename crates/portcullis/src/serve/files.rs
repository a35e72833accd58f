//! How many files and connections the process may have open. Shells and
//! service managers give a low limit that may be raised; a busy gateway meets
//! it before anything else.

use rustix::process::{Resource, getrlimit, setrlimit};

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
