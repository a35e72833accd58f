//! How the benchmark is asked for.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::figures::FIGURES;

/// Drives gateway, nginx and the bare upstream side by side, and prints a table.
#[derive(Clone, Debug, Parser)]
#[command(name = "portcullis-bench")]
pub(crate) struct Options {
    /// The gateway [default: target/release/portcullis, with --dist target/dist/portcullis]
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// The builds that releases ship, as `cargo xtask dist` makes them
    #[arg(long)]
    dist: bool,
    /// Only these figures
    #[arg(long, value_name = "FIGURE,FIGURE", value_delimiter = ',', value_parser = figure)]
    only: Vec<String>,
    /// Fewer and shorter rounds
    #[arg(long)]
    pub(crate) quick: bool,
    /// Rounds [default: 8, quick 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// Milliseconds of a burst [default: 1200, quick 700]
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(10..=60_000))]
    burst: Option<u64>,
    /// Write docs/performance.json and the table of docs/performance.md
    #[arg(long, conflicts_with = "only")]
    pub(crate) write: bool,
    /// Fail if a figure misses what it must be
    #[arg(long)]
    pub(crate) check: bool,
}

/// A figure's name.
fn figure(name: &str) -> Result<String, String> {
    let mut names = FIGURES.iter().map(|(known, _)| *known);
    if names.clone().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    let first = names.next().unwrap_or_default().to_owned();
    let all = names.fold(first, |all, name| all + ", " + name);
    Err(format!("there are: {all}"))
}

impl Options {
    /// Whether a figure is asked for.
    pub(crate) fn wants(&self, figure: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == figure)
    }

    /// Rounds of a figure.
    pub(crate) fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.quick { 3 } else { 8 })
    }

    /// A burst's length.
    pub(crate) fn burst(&self) -> Duration {
        let usual = if self.quick { 700 } else { 1200 };
        Duration::from_millis(self.burst.unwrap_or(usual))
    }

    /// The gateway.
    pub(crate) fn binary(&self) -> PathBuf {
        let usual = match self.dist {
            true => "target/dist/portcullis",
            false => "target/release/portcullis",
        };
        self.binary.clone().unwrap_or_else(|| usual.into())
    }

    /// The gateway that lacks something, if there is such a build: it is of
    /// the same kind as [`Options::binary`].
    pub(crate) fn without(&self, what: &str) -> Option<PathBuf> {
        let folder = if self.dist {
            "target/dist"
        } else {
            "target/bench"
        };
        let binary = PathBuf::from(folder).join(what);
        binary.exists().then_some(binary)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parsed(words: &[&str]) -> Result<Options, clap::Error> {
        Options::try_parse_from(std::iter::once(&"bench").chain(words))
    }

    #[test]
    fn the_command_line_is_sound() {
        Options::command().debug_assert();
    }

    #[test]
    fn only_names_figures_that_there_are() {
        let options = parsed(&["--only", "cpu,chunk"]).expect("options");
        assert!(options.wants("cpu") && options.wants("chunk") && !options.wants("rate"));
        assert!(parsed(&["--only", "cpi"]).is_err());
        assert!(parsed(&[]).expect("options").wants("rate"));
    }

    #[test]
    fn quick_is_a_default_that_can_be_overridden() {
        let options = parsed(&["--quick", "--rounds", "5"]).expect("options");
        assert_eq!((options.rounds(), options.burst().as_millis()), (5, 700));
    }

    #[test]
    fn a_part_of_the_figures_is_not_written_down() {
        assert!(parsed(&["--write", "--only", "cpu"]).is_err());
    }
}
