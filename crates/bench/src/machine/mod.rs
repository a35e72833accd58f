//! The machine: its cores, the servers on them, and what these use.

pub(crate) mod gateway;
pub(crate) mod host;
pub(crate) mod nginx;
pub(crate) mod process;
pub(crate) mod quiet;
pub(crate) mod server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};

/// Cores, as `taskset -c` takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cores {
    /// The server's own.
    Server,
    /// Those of server and load.
    Both,
}

impl Cores {
    /// For `taskset -c`.
    pub(crate) fn list(self) -> &'static str {
        match self {
            Self::Server => "0",
            Self::Both => "0,1",
        }
    }
}

/// Puts this thread, and threads it starts later, on the load's core.
///
/// # Errors
/// There is no second core.
pub(crate) fn pin_load() -> Result<()> {
    affinity(&[1])
}

/// Lets this thread run on both cores.
///
/// # Errors
/// As [`pin_load`].
pub(crate) fn unpin_load() -> Result<()> {
    affinity(&[0, 1])
}

fn affinity(cores: &[usize]) -> Result<()> {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core);
    }
    Ok(sched_setaffinity(None, &set)?)
}

/// As many descriptors as may be, and timers that fire when they are due.
///
/// # Errors
/// The system's.
pub(crate) fn prepare() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, most)?;
    rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1))?;
    Ok(())
}

const FOLDER: &str = "portcullis-bench-";

/// A folder of this run's own; those of runs that were killed go.
pub(crate) fn process_folder() -> PathBuf {
    let parent = std::env::temp_dir();
    for entry in parent.read_dir().into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_left_over = name
            .strip_prefix(FOLDER)
            .is_some_and(|id| !Path::new("/proc").join(id).exists());
        if is_left_over {
            // Another user's stays.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    parent.join(format!("{FOLDER}{}", std::process::id()))
}

/// Nothing, for a while.
#[expect(
    clippy::disallowed_methods,
    reason = "a program of its own that waits for other processes"
)]
pub(crate) fn pause(length: Duration) {
    std::thread::sleep(length);
}
