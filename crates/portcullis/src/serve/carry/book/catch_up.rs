//! After a sudden end: the store gets what the log has and it has not.

use anyhow::{Context as _, bail};
use audit::entry;
use domain::audit::Entry;
use journal::{Batch, Carrier};
use store::{Store, Written};

use super::Open;
use crate::audit_log::marks::Marks;

/// Brings the store to where the log is. `size` is how many of the log's records it
/// has.
///
/// # Errors
/// The log was cut back: it has fewer. Or one of both would not.
pub(super) async fn catch_up(
    open: &mut Open,
    size: u64,
    carrier: &mut Carrier,
    store: &Store,
) -> anyhow::Result<()> {
    let (log, number) = (&open.log, open.number);
    if size > log.size() {
        bail!(
            "the audit log has {} records, and the database knows of {size}: it was cut back or \
             put back from a backup; `portcullis audit verify` says more. To begin another log, \
             move its folder and its key away",
            log.size()
        );
    }
    let last = log.batch();
    let mut at = size;
    if at < last.start {
        tracing::warn!(
            from = at,
            to = last.start,
            "audit: the database lacks records that the log has; they are put back"
        );
    }
    while at < last.start {
        let mut entries = entries(open, at)?;
        entries.truncate(usize::try_from(last.start - at).unwrap_or(usize::MAX));
        // A bundle whose entries are no more.
        if entries.is_empty() {
            at = (at / audit::TILE_WIDTH + 1) * audit::TILE_WIDTH;
            continue;
        }
        let written = Written {
            log: number,
            first: at,
            entries: &entries,
        };
        store.carry_logged(&Batch::default(), &written).await?;
        at += entries.len() as u64;
    }
    if at >= last.end {
        return Ok(());
    }
    // What was opened stands in the journal alone; what ended, in the log.
    let marks = Marks::read(log.marks()).context("the audit log's marks cannot be read")?;
    let batch = carrier.again(&marks.segments, marks.alive)?;
    let mut all = Vec::new();
    while at < last.end {
        let entries = entries(open, at)?;
        if entries.is_empty() {
            bail!("the audit log has no entry for its record {at}");
        }
        at += entries.len() as u64;
        all.extend(entries);
    }
    let written = Written {
        log: number,
        first: last.start,
        entries: &all,
    };
    store.carry_logged(&batch, &written).await?;
    carrier.done(&batch);
    Ok(())
}

/// What the records of one bundle say, from `first` on.
fn entries(open: &Open, first: u64) -> anyhow::Result<Vec<Entry>> {
    let all = open.log.folder().bundle_from(first)?;
    let entries = (first..).zip(&all).map(|(record, bytes)| {
        entry::decode(bytes).with_context(|| format!("the audit log's record {record}"))
    });
    entries.collect()
}
