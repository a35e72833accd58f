//! The table: for the terminal, as JSON, and as a page.

use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::machine::host::Host;
use crate::table::{Bound, Judged, Row, Sense, Verdict};

/// Where the last table is kept.
pub(crate) const KEPT: &str = "docs/performance.json";
/// The page that shows it.
pub(crate) const PAGE: &str = "docs/performance.md";
const BEGIN: &str = "<!-- begin of what the benchmark writes -->\n";
const END: &str = "<!-- end of what the benchmark writes -->";

/// A table with where and how it was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The machine.
    pub(crate) host: Host,
    /// What was called.
    pub(crate) command: String,
    /// Rounds of a figure.
    pub(crate) rounds: u32,
    /// A burst's length in milliseconds.
    pub(crate) burst_ms: u64,
    /// The share of the cores' time that other programs had meanwhile.
    #[serde(default)]
    pub(crate) strangers: f64,
    /// The share that the machine's host kept for itself.
    #[serde(default)]
    pub(crate) stolen: f64,
    /// The figures.
    pub(crate) rows: Vec<Row>,
}

impl Report {
    /// The one of the last commit, if there is one of our shape.
    pub(crate) fn committed() -> Option<Self> {
        let name = format!("HEAD:{KEPT}");
        let shown = Command::new("git").args(["show", &name]).output().ok()?;
        serde_json::from_slice(&shown.stdout).ok()
    }

    fn row(&self, id: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.id == id)
    }

    /// Figures that are not good enough.
    pub(crate) fn misses(&self) -> Vec<&Row> {
        let bad = |row: &&Row| row.verdict() == Verdict::MissesMust;
        self.rows.iter().filter(bad).collect()
    }

    /// How much the run was disturbed, in a sentence.
    pub(crate) fn disturbance(&self) -> String {
        format!(
            "Meanwhile other programs had {:.0} % of the two cores, the machine's host {:.0} %.",
            self.strangers * 100.0,
            self.stolen * 100.0
        )
    }

    /// For a terminal.
    pub(crate) fn text(&self, last: Option<&Self>) -> String {
        let mut lines = vec![HEADS.map(str::to_owned)];
        lines.extend(self.rows.iter().map(|row| cells(row, last)));
        let mut widths = [0; HEADS.len()];
        for line in &lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = cell.chars().count().max(*width);
            }
        }
        let mut text = String::new();
        for line in lines {
            let mut shown = String::new();
            for (at, (cell, width)) in line.iter().zip(widths).enumerate() {
                let gap = " ".repeat(width - cell.chars().count());
                // Words to the left, numbers to the right.
                shown += &if at == 0 || at >= VERDICT {
                    format!("{cell}{gap}  ")
                } else {
                    format!("{gap}{cell}  ")
                };
            }
            text += shown.trim_end();
            text += "\n";
        }
        text
    }

    /// The part of the page that is made.
    fn section(&self) -> String {
        let Host {
            cpu,
            cores,
            kernel,
            nginx,
            commit,
            date,
        } = &self.host;
        let mut section = format!(
            "Measured on {date} at commit {commit}: {cpu}, {cores} cores, Linux {kernel}, {nginx}.\n\
             Command: `{}` ({} rounds, bursts of {} ms). {}\n\n\
             | figure | ours: least, median | beside | ratio | must | goal | verdict |\n\
             |---|---|---|---|---|---|---|\n",
            self.command,
            self.rounds,
            self.burst_ms,
            self.disturbance()
        );
        for row in &self.rows {
            let [figure, ours, beside, ratio, must, goal, verdict, ..] = cells(row, None);
            let name = &row.beside_name;
            let beside = match (beside.as_str(), name.as_str()) {
                ("", _) | (_, "") => beside,
                _ => format!("{beside} ({name})"),
            };
            let verdict = join(&verdict, &row.note);
            let figure = figure.trim_start();
            section += &format!(
                "| {figure} | {ours} | {beside} | {ratio} | {must} | {goal} | {verdict} |\n"
            );
        }
        section
    }

    /// The page with this table in it.
    ///
    /// # Errors
    /// The page has no place for it.
    pub(crate) fn page(&self, old: &str) -> Result<String> {
        let missing = "the page has no place for a table";
        let (before, rest) = old.split_once(BEGIN).context(missing)?;
        let (_, after) = rest.split_once(END).context(missing)?;
        Ok(format!("{before}{BEGIN}\n{}\n{END}{after}", self.section()))
    }
}

const HEADS: [&str; 10] = [
    "figure",
    "ours: least, median",
    "beside",
    "ratio",
    "must",
    "goal",
    "verdict",
    "last",
    "change",
    "",
];
const VERDICT: usize = 6;

fn cells(row: &Row, last: Option<&Report>) -> [String; HEADS.len()] {
    let unit = &row.unit;
    let both = |spread: Option<crate::numbers::Spread>| {
        spread.map_or_else(String::new, |spread| {
            if (spread.least - spread.median).abs() < f64::EPSILON {
                format!("{} {unit}", number(spread.median))
            } else {
                format!("{}, {} {unit}", number(spread.least), number(spread.median))
            }
        })
    };
    let last = last.and_then(|last| last.row(&row.id));
    let change = last.and_then(|last| row.change(last));
    let remark = if row.beside_name.is_empty() {
        row.note.clone()
    } else {
        join(&format!("beside: {}", row.beside_name), &row.note)
    };
    [
        row.figure.clone(),
        both(row.ours),
        both(row.beside),
        row.ratio
            .map_or_else(String::new, |ratio| format!("{ratio:.2}")),
        row.bound
            .map_or_else(String::new, |bound| limit(bound, bound.must, unit)),
        row.bound
            .map_or_else(String::new, |bound| limit(bound, bound.goal, unit)),
        row.verdict().word().to_owned(),
        last.and_then(Row::judged).map_or_else(String::new, number),
        change.map_or_else(String::new, |change| format!("{change:+.0} %")),
        remark,
    ]
}

fn limit(bound: Bound, limit: f64, unit: &str) -> String {
    let sign = match bound.sense {
        Sense::AtMost => '≤',
        Sense::AtLeast => '≥',
    };
    match bound.of {
        Judged::Ratio => format!("{sign} {limit}"),
        Judged::Ours => format!("{sign} {limit} {unit}"),
    }
}

/// Three digits that count, no more.
fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn join(one: &str, other: &str) -> String {
    match (one, other) {
        ("", only) | (only, "") => only.to_owned(),
        _ => format!("{one}; {other}"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn report(ours: f64) -> Report {
        let row = Row::new("cpu", "CPU per request", "µs")
            .pair(&[ours, ours + 2.0], &[10.0, 12.0])
            .wants(Bound::ratio_at_most(1.15, 1.0));
        Report {
            host: Host {
                cpu: "a processor".to_owned(),
                cores: 2,
                kernel: "6.1".to_owned(),
                nginx: "nginx/1".to_owned(),
                commit: "abc".to_owned(),
                date: "2026-01-01".to_owned(),
            },
            command: "cargo xtask bench".to_owned(),
            rounds: 2,
            burst_ms: 10,
            strangers: 0.0,
            stolen: 0.0,
            rows: vec![row],
        }
    }

    #[test]
    fn a_table_shows_verdict_and_change() {
        let text = report(20.0).text(Some(&report(10.0)));
        let line = text.lines().nth(1).expect("a row");
        for part in [
            "20.0, 21.0 µs",
            "10.0, 11.0 µs",
            "1.92",
            "≤ 1.15",
            "MISSES MUST",
            "+92 %",
        ] {
            assert!(line.contains(part), "{part} is not in {line}");
        }
        assert_eq!(report(20.0).misses().len(), 1);
        assert!(report(10.0).misses().is_empty());
    }

    #[test]
    fn a_table_survives_json() {
        let text = serde_json::to_string(&report(10.0)).expect("JSON");
        let again: Report = serde_json::from_str(&text).expect("a report");
        assert_eq!(again.rows[0].ratio, report(10.0).rows[0].ratio);
    }

    #[test]
    fn a_page_keeps_what_people_wrote() {
        let old = format!("# Before\n{BEGIN}old\n{END}\nafter\n");
        let page = report(10.0).page(&old).expect("a page");
        assert!(page.starts_with("# Before\n") && page.ends_with("\nafter\n"));
        assert!(page.contains("| CPU per request |") && !page.contains("old"));
        assert!(report(10.0).page("# Nothing\n").is_err());
    }

    #[test]
    fn the_committed_page_shows_the_committed_figures() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let page = std::fs::read_to_string(root.join(PAGE)).expect("the page");
        let json = std::fs::read(root.join(KEPT)).expect("the figures");
        let kept: Report = serde_json::from_slice(&json).expect("a report");
        if std::env::var_os("PORTCULLIS_BLESS").is_some() {
            let made = kept.page(&page).expect("a place");
            return std::fs::write(root.join(PAGE), made).expect("written");
        }
        assert_eq!(kept.page(&page).expect("a place"), page);
    }
}
