//! `portcullis audit show` and `tail`.

use std::time::Duration;

use anyhow::Context as _;
use audit::{Folder, entry};
use clap::Args;

use super::{Where, lines, prove};
use crate::commands::people::run_on;
use crate::output;

/// How often new records are looked for.
const LOOK: Duration = Duration::from_millis(500);

/// Options of `audit show`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ShowArgs {
    /// Which log.
    #[command(flatten)]
    at: Where,
    /// The record: its number, or a request's id
    #[arg(value_name = "RECORD")]
    record: String,
    /// The bytes that are hashed, as they stand there
    #[arg(long)]
    raw: bool,
}

/// Options of `audit tail`.
#[derive(Clone, Debug, Args)]
pub(crate) struct TailArgs {
    /// Which log.
    #[command(flatten)]
    at: Where,
    /// So many records
    #[arg(long, short, value_name = "N", default_value_t = 20)]
    number: u64,
    /// Go on with those that come
    #[arg(long, short)]
    follow: bool,
    /// As JSON, a line each
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(super) fn show(args: &ShowArgs) -> anyhow::Result<()> {
    let folder = args.at.folder()?;
    let record = prove::number(&args.at, &args.record)?;
    let bytes = prove::bytes(&folder, record)?;
    if args.raw {
        output::raw(&String::from_utf8_lossy(&bytes));
        return Ok(());
    }
    let value: serde_json::Value = serde_json::from_slice(&bytes)
        .with_context(|| format!("record {record} cannot be read"))?;
    output::line(serde_json::to_string_pretty(&value)?);
    Ok(())
}

/// Does it.
pub(super) fn tail(args: &TailArgs) -> anyhow::Result<()> {
    let folder = args.at.folder()?;
    let mut at = folder.size()?.saturating_sub(args.number);
    let mut is_first = true;
    run_on(async {
        loop {
            at = print(&folder, at, args, is_first)?;
            if !args.follow {
                return Ok(());
            }
            is_first = false;
            tokio::time::sleep(LOOK).await;
        }
    })
}

/// Prints the records from one on; where to go on.
fn print(folder: &Folder, mut at: u64, args: &TailArgs, is_first: bool) -> anyhow::Result<u64> {
    let size = folder.size()?;
    let mut rows = Vec::new();
    while at < size {
        let records = folder.bundle_from(at)?;
        if records.is_empty() {
            at = ((at / audit::TILE_WIDTH + 1) * audit::TILE_WIDTH).min(size);
            continue;
        }
        for bytes in &records {
            match args.json {
                true => output::line(String::from_utf8_lossy(bytes)),
                false => rows.push(lines::row(at, entry::decode(bytes).ok().as_ref())),
            }
            at += 1;
        }
    }
    if !rows.is_empty() {
        let table = output::table(&lines::HEAD, &rows);
        // The head once, whatever comes later.
        let body = match is_first {
            true => &*table,
            false => table.split_once('\n').map_or("", |(_, body)| body),
        };
        output::raw(body);
    }
    Ok(at)
}
