//! `portcullis audit verify`: files against their tree, tree against checkpoints,
//! database against files.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use audit::{Finding, Report, Work};
use clap::Args;
use serde_json::json;

use super::{Where, index};
use crate::commands::people::{find_store, run_on};
use crate::output;

/// Options of `audit verify`.
#[derive(Clone, Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Which log.
    #[command(flatten)]
    at: Where,
    /// The public key, or a file with it [default: that of the key in the data folder, which proves less]
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The newest checkpoint that was exported
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Only the files: the database is not looked at
    #[arg(long)]
    files: bool,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(super) fn run(args: &VerifyArgs) -> anyhow::Result<()> {
    let key = args.at.key(args.key.as_deref())?;
    let anchor = args.checkpoint.as_ref().map(|file| {
        let note = std::fs::read_to_string(file);
        note.with_context(|| format!("cannot read {}", file.display()))
    });
    let anchor = anchor.transpose()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let work = Work {
        key: &key,
        anchor: anchor.as_deref(),
        threads: args.threads.unwrap_or(cores).max(1),
    };
    let path = args.at.path()?;
    let folder = args.at.folder()?;
    let report = audit::verify(&path, work)?;
    let mut of_index = None;
    if !args.files {
        run_on(async {
            let store = find_store(&args.at.place).await?;
            of_index = Some(index::check(&folder, key.name(), &store).await?);
            Ok(())
        })?;
    }
    if args.key.is_none() {
        output::error(
            "The public key is that of this machine's own key: whoever has the machine could \
             have written another log. Name the key that you kept elsewhere with --key.",
        );
    }
    tell(args, &report, of_index.as_ref())
}

fn tell(
    args: &VerifyArgs,
    report: &Report,
    of_index: Option<&index::Checked>,
) -> anyhow::Result<()> {
    let further: Vec<&Finding> = of_index.iter().flat_map(|it| &it.findings).collect();
    let all: Vec<&Finding> = report
        .findings
        .iter()
        .chain(further.iter().copied())
        .collect();
    let first = report.first_bad().into_iter();
    let first = first.chain(further.iter().filter_map(|it| it.record)).min();
    if args.json {
        let told = json!({
            "sound": all.is_empty(),
            "records": report.records,
            "unsealed": report.unsealed,
            "checkpoints": report.checkpoints,
            "expired": report.expired,
            "anchored": report.anchored,
            "index": of_index.map(|it| it.rows),
            "pruned": of_index.map(|it| it.pruned),
            "first_bad": first,
            "findings": all.iter().map(|it| json!({
                "record": it.record,
                "kind": it.kind.to_string(),
                "why": it.why,
            })).collect::<Vec<_>>(),
        });
        output::line(serde_json::to_string_pretty(&told)?);
    } else {
        let anchored = report.anchored.map_or_else(
            || "unanchored: no exported checkpoint was given, so a log that was cut back is not seen".to_owned(),
            |size| format!("anchored at {size} records"),
        );
        output::line(format!(
            "{} records sealed by {} checkpoints, {} not yet; {anchored}",
            report.records, report.checkpoints, report.unsealed
        ));
        if report.expired > 0 {
            output::line(format!(
                "{} records have expired: their hashes are there",
                report.expired
            ));
        }
        match of_index {
            Some(checked) => {
                let gone = match checked.pruned {
                    0 => String::new(),
                    rows => format!("; the rows of {rows} were deleted, as a record says"),
                };
                output::line(format!(
                    "{} records looked up in the database{gone}",
                    checked.rows
                ));
            }
            None => output::line("the database was not looked at"),
        }
        for finding in &all {
            output::line(finding);
        }
        if report.further > 0 {
            output::line(format!("… and {} more", report.further));
        }
    }
    match (all.is_empty(), first) {
        (true, _) => Ok(()),
        (false, Some(record)) => {
            bail!("the audit log is not sound: the first bad record is {record}")
        }
        (false, None) => bail!("the audit log is not sound"),
    }
}
