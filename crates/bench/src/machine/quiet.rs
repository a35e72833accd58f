//! How much the machine is ours: others' work is what makes figures noisy.

use std::fs;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

const AUTOGROUP: &str = "/proc/self/autogroup";
/// Against other sessions, whose niceness is 0.
const RAISED: &str = "-10";

/// Waits until nobody holds its input, however that ended, and gives back.
const GIVE_BACK: &str = "trap '' INT TERM HUP; read -r _; echo \"$1\" > /proc/self/autogroup";

/// While it lives, this session goes before others where the kernel groups
/// work by session; within a session, `nice` does nothing between them.
pub(crate) struct Precedence {
    giver: Option<Child>,
}

impl Precedence {
    /// Takes it, if we may.
    pub(crate) fn take() -> Self {
        let text = fs::read_to_string(AUTOGROUP).unwrap_or_default();
        let giver = niceness(&text).and_then(|before| {
            Command::new("sh")
                .args(["-c", GIVE_BACK, "sh", before])
                .stdin(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .ok()
        });
        if giver.is_some() {
            // Only root may, and it is only a help.
            let _ = fs::write(AUTOGROUP, RAISED);
        }
        Self { giver }
    }
}

impl Drop for Precedence {
    fn drop(&mut self) {
        if let Some(mut giver) = self.giver.take() {
            drop(giver.stdin.take());
            let _ = giver.wait();
        }
    }
}

/// The number in a line such as `/autogroup-121 nice 0`.
fn niceness(text: &str) -> Option<&str> {
    text.trim().rsplit_once("nice ").map(|(_, number)| number)
}

/// CPU time in the kernel's ticks: of the two cores, and ours of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticks {
    busy: u64,
    stolen: u64,
    all: u64,
    own: u64,
}

impl Ticks {
    /// So far. Children count when they have ended.
    ///
    /// # Errors
    /// The kernel's files are not what they were.
    pub(crate) fn now() -> Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let own = fs::read_to_string("/proc/self/stat")?;
        let (busy, stolen, all) = cores(&stat).context("/proc/stat")?;
        let own = with_children(&own).context("/proc/self/stat")?;
        Ok(Self {
            busy,
            stolen,
            all,
            own,
        })
    }

    /// The share of the cores' time that others had, and that the machine's
    /// host did not give.
    pub(crate) fn strangers(self, since: Self) -> (f64, f64) {
        use crate::numbers::real;
        let all = real((self.all - since.all).max(1));
        let own = self.own.saturating_sub(since.own);
        let others = (self.busy - since.busy).saturating_sub(own);
        (real(others) / all, real(self.stolen - since.stolen) / all)
    }
}

/// Busy, stolen and all time of the first two cores.
fn cores(stat: &str) -> Option<(u64, u64, u64)> {
    let (mut busy, mut stolen, mut all) = (0, 0, 0);
    for name in ["cpu0 ", "cpu1 "] {
        let line = stat.lines().find_map(|line| line.strip_prefix(name))?;
        let times: Vec<u64> = line
            .split_ascii_whitespace()
            .filter_map(|time| time.parse().ok())
            .collect();
        // user nice system idle iowait irq softirq steal …
        let [user, nice, system, idle, iowait, irq, softirq, steal, ..] = times.as_slice() else {
            return None;
        };
        busy += user + nice + system + irq + softirq;
        stolen += steal;
        all += user + nice + system + idle + iowait + irq + softirq + steal;
    }
    Some((busy, stolen, all))
}

/// utime, stime, cutime and cstime: behind the name, which may hold anything.
fn with_children(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let times = rest.split(' ').skip(11).take(4);
    times.map(|time| time.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lines_are_read() {
        let stat =
            "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 1 2 3 100 4 5 6 7 0 0\ncpu1 1 0 0 100 0 0 0 0 0 0\n";
        assert_eq!(cores(stat), Some((18, 7, 229)));
        assert_eq!(cores("cpu0 1\n"), None);
        let own = "7 (a) b) S 1 7 7 0 -1 4194560 9 0 0 0 10 20 30 40 20 0 3 0";
        assert_eq!(with_children(own), Some(100));
        assert_eq!(niceness("/autogroup-121 nice -5\n"), Some("-5"));
    }

    #[test]
    fn what_is_not_ours_is_strangers() {
        let then = Ticks {
            busy: 0,
            stolen: 0,
            all: 0,
            own: 0,
        };
        let now = Ticks {
            busy: 150,
            stolen: 10,
            all: 200,
            own: 100,
        };
        assert_eq!(now.strangers(then), (0.25, 0.05));
    }
}
