//! Where and of what a table was measured.

use std::fs;
use std::process::Command;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::nginx;

/// The machine and what ran on it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Host {
    /// The processor's name.
    pub(crate) cpu: String,
    /// Its cores.
    pub(crate) cores: usize,
    /// The kernel's release.
    pub(crate) kernel: String,
    /// nginx's version.
    pub(crate) nginx: String,
    /// The commit of the tree, with `+` if files had changed.
    pub(crate) commit: String,
    /// The day.
    pub(crate) date: String,
}

impl Host {
    /// This one, now.
    ///
    /// # Errors
    /// nginx is missing.
    pub(crate) fn look() -> Result<Self> {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let changed = said("git", &["status", "--porcelain", "--untracked-files=no"]);
        let mark = if changed.is_empty() { "" } else { "+" };
        Ok(Self {
            cpu: model_name(&cpuinfo).unwrap_or("unknown").to_owned(),
            // Not `available_parallelism`: the load is pinned to one.
            cores: cpuinfo
                .lines()
                .filter(|l| l.starts_with("processor"))
                .count(),
            kernel: release.trim().to_owned(),
            nginx: nginx::version()?,
            commit: format!("{}{mark}", said("git", &["rev-parse", "--short", "HEAD"])),
            date: said("date", &["-u", "+%F"]),
        })
    }
}

fn model_name(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo
        .lines()
        .find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim())
}

/// What a command prints, on one line; nothing if it fails.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| String::new(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processors_name_is_read() {
        let text = "processor\t: 0\nmodel name\t: AMD EPYC\nmodel name\t: AMD EPYC\n";
        assert_eq!(model_name(text), Some("AMD EPYC"));
        assert_eq!(model_name(""), None);
    }
}
