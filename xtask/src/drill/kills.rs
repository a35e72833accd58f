//! `kill -9` under traffic, a hundred times over.

use anyhow::{Result, bail};

use super::{BINARY, page};
use crate::shell;

pub(super) const NAME: &str = "kills";
const KILLS: &str = "100";

/// Kills and counts; whether nothing was lost.
pub(super) fn run() -> Result<bool> {
    println!("[drill] {KILLS} kills under traffic …");
    let arguments = ["e2e/run.py", "--binary", BINARY, "--only", "lifecycle"];
    let mut suite = shell::command("python3", &arguments);
    suite.env("PORTCULLIS_DRILL_KILLS", KILLS);
    let (is_well, said) = shell::logged("drill", suite)?;
    let Some(row) = said.lines().find_map(|line| line.strip_prefix("drill: ")) else {
        bail!("the drill fails:\n{said}");
    };
    page::add("## Kills", &[row.to_owned()])?;
    println!("[drill] {row}");
    Ok(is_well)
}
