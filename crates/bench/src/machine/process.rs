//! What processes use, as the kernel counts it.

use std::fs;
use std::ops::Sub;

use anyhow::{Context, Result};

/// Nanoseconds on a CPU.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cpu {
    /// Of the threads that serve requests: of nginx all, of the gateway its
    /// event loops, one number each.
    pub(crate) way: Vec<u64>,
    /// Of all other threads: carrier, store, operators' listener.
    pub(crate) rest: u64,
}

impl Cpu {
    /// Of the threads that serve requests.
    pub(crate) fn of_way(&self) -> u64 {
        self.way.iter().sum()
    }

    /// Of the whole process.
    pub(crate) fn of_all(&self) -> u64 {
        self.of_way() + self.rest
    }

    /// The busiest serving thread's share of what all of them used.
    pub(crate) fn busiest(&self) -> f64 {
        use crate::numbers::real;
        let most = self.way.iter().copied().max().unwrap_or(0);
        real(most) / real(self.of_way().max(1))
    }
}

impl Sub for Cpu {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        let pairs = self.way.iter().zip(&earlier.way);
        Self {
            way: pairs.map(|(now, then)| now.saturating_sub(*then)).collect(),
            rest: self.rest.saturating_sub(earlier.rest),
        }
    }
}

/// Whose threads serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Serving {
    /// All of them.
    All,
    /// Those with the name of an event loop.
    Loops,
}

impl Serving {
    fn includes(self, name: &str) -> bool {
        self == Self::All || name.starts_with("loop") || name.starts_with("way")
    }
}

/// CPU time so far of processes.
///
/// # Errors
/// None of them is there, or none has a thread that serves.
pub(crate) fn cpu(processes: &[u32], serving: Serving) -> Result<Cpu> {
    let mut cpu = Cpu::default();
    for process in processes {
        let folder = format!("/proc/{process}/task");
        let mut tasks: Vec<_> = fs::read_dir(&folder)
            .with_context(|| folder.clone())?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .collect();
        tasks.sort();
        for task in tasks {
            // A thread may end while we look.
            let (Ok(name), Ok(used)) = (
                fs::read_to_string(task.join("comm")),
                fs::read_to_string(task.join("schedstat")),
            ) else {
                continue;
            };
            let used = on_cpu(&used).context("schedstat is not what it was")?;
            if serving.includes(&name) {
                cpu.way.push(used);
            } else {
                cpu.rest += used;
            }
        }
    }
    if cpu.way.is_empty() {
        anyhow::bail!("no thread of process {processes:?} is known to serve requests");
    }
    Ok(cpu)
}

/// The first number of a line of `schedstat`.
fn on_cpu(text: &str) -> Option<u64> {
    text.split_ascii_whitespace().next()?.parse().ok()
}

/// Resident memory of processes, in bytes.
///
/// # Errors
/// None of them is there.
pub(crate) fn resident(processes: &[u32]) -> Result<u64> {
    let mut sum = 0;
    for process in processes {
        let path = format!("/proc/{process}/status");
        let text = fs::read_to_string(&path).context(path)?;
        sum += vm_rss(&text).context("status has no VmRSS")?;
    }
    Ok(sum)
}

fn vm_rss(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// A process and its children, such as nginx's workers.
pub(crate) fn family(process: u32) -> Vec<u32> {
    let path = format!("/proc/{process}/task/{process}/children");
    let text = fs::read_to_string(path).unwrap_or_default();
    let children = text
        .split_ascii_whitespace()
        .filter_map(|id| id.parse().ok());
    std::iter::once(process).chain(children).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lines_are_read() {
        assert_eq!(on_cpu("1234567 89 10\n"), Some(1_234_567));
        assert_eq!(
            vm_rss("Name:\tx\nVmRSS:\t   22528 kB\nRssAnon:\t1 kB\n"),
            Some(22528 * 1024)
        );
        assert_eq!(vm_rss("Name:\tx\n"), None);
    }

    #[test]
    fn the_busiest_threads_share_is_of_the_serving_ones() {
        let then = Cpu {
            way: vec![10, 10],
            rest: 5,
        };
        let now = Cpu {
            way: vec![40, 20],
            rest: 105,
        };
        let used = now - then;
        assert_eq!((used.of_way(), used.of_all()), (40, 140));
        assert!((used.busiest() - 0.75).abs() < 1e-9);
    }

    #[test]
    fn this_process_has_threads_and_memory() {
        let me = [std::process::id()];
        assert!(cpu(&me, Serving::All).expect("threads").of_way() > 0);
        assert!(resident(&me).expect("memory") > 100_000);
    }
}
