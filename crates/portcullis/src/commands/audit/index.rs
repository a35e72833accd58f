//! The database against the log: every column of every row that is a record.

use std::collections::HashMap;

use audit::{Finding, Folder, Kind, TILE_WIDTH, entry};
use config::scalars::Moment;
use domain::audit::{AdminChange, Entry, Logged, Strangers};
use domain::record::Settled;
use domain::time::UnixMicros;
use store::{LogPlace, Store};

use crate::clock;

/// Findings that are listed.
const MOST: usize = 100;

/// What came of it.
pub(super) struct Checked {
    /// Records that were looked up.
    pub(super) rows: u64,
    /// Of those, how many have no row any more because rows of their time were deleted,
    /// as a record says that they may be.
    pub(super) pruned: u64,
    /// What is wrong.
    pub(super) findings: Vec<Finding>,
}

/// Holds the database against the log of this origin, as far as it has it.
pub(super) async fn check(folder: &Folder, origin: &str, store: &Store) -> anyhow::Result<Checked> {
    let mut checked = Checked {
        rows: 0,
        pruned: 0,
        findings: Vec::new(),
    };
    let Some(index) = store.known_audit_log(origin).await? else {
        let why = "the database knows no log of this name".to_owned();
        checked.find(None, Kind::Deleted, why);
        return Ok(checked);
    };
    let size = index.size.min(folder.size()?);
    if size < index.size {
        let why = format!(
            "the database knows of {} records, the log has {size}",
            index.size
        );
        checked.find(Some(size), Kind::Truncated, why);
    }
    let changes = store.logged_changes(index.log).await?;
    let strangers = store.logged_strangers(index.log).await?;
    let mut work = Work {
        store,
        log: index.log,
        changes: changes.into_iter().collect(),
        strangers: strangers.into_iter().collect(),
        calls: 0,
        unlogged: None,
        pruned_until: store.books().await?.pruned_until,
        may_go: UnixMicros(0),
        gone: Vec::new(),
    };
    let mut at = 0;
    while at < size {
        let mut records = folder.bundle_from(at)?;
        records.truncate(usize::try_from(size - at).unwrap_or(usize::MAX));
        if records.is_empty() {
            at = (at / TILE_WIDTH + 1) * TILE_WIDTH;
            work.pass_over(at);
            continue;
        }
        work.bundle(at, &records, &mut checked).await?;
        at += records.len() as u64;
    }
    work.rest(folder, size, &mut checked).await?;
    checked
        .findings
        .sort_by_key(|it| it.record.unwrap_or(u64::MAX));
    checked.findings.truncate(MOST);
    Ok(checked)
}

impl Checked {
    fn find(&mut self, record: Option<u64>, kind: Kind, why: String) {
        let why = format!("in the database: {why}");
        self.findings.push(Finding { record, kind, why });
    }
}

struct Work<'a> {
    store: &'a Store,
    log: i64,
    /// What the database has and no record was met of.
    changes: HashMap<u64, Logged>,
    strangers: HashMap<u64, Strangers>,
    /// Calls that stand there as the log has them.
    calls: u64,
    /// Rows without a log, as the newest process counted them.
    unlogged: Option<u64>,
    /// Up to when rows are deleted, as the database says.
    pruned_until: UnixMicros,
    /// Up to when they may be, as records say.
    may_go: UnixMicros,
    /// Calls of before that without a row.
    gone: Vec<(u64, UnixMicros)>,
}

impl Work<'_> {
    async fn bundle(
        &mut self,
        first: u64,
        records: &[Vec<u8>],
        checked: &mut Checked,
    ) -> anyhow::Result<()> {
        let mut calls: Vec<(LogPlace, Box<Settled>)> = Vec::new();
        for (record, bytes) in (first..).zip(records) {
            checked.rows += 1;
            // One that cannot be read was named already, with its hash.
            match entry::decode(bytes) {
                Ok(Entry::Call(call)) => {
                    let log = self.log;
                    calls.push((LogPlace { log, record }, call));
                }
                Ok(Entry::Change(logged)) => {
                    self.may_go = self.may_go.max(prunes(&logged.change));
                    let stands = self.changes.remove(&record).map(as_logged);
                    differ(record, stands, *logged, "change", checked);
                }
                Ok(Entry::Strangers(count)) => {
                    let stands = self.strangers.remove(&record);
                    differ(record, stands, count, "count of strangers", checked);
                }
                Ok(Entry::Start(start)) => {
                    self.unlogged = Some(start.unlogged);
                    if let Some(keep) = start.keep.and_then(|it| i64::try_from(it).ok()) {
                        let before = UnixMicros(clock::now().0.saturating_sub(keep));
                        self.may_go = self.may_go.max(before);
                    }
                }
                Err(_) => {}
            }
        }
        let borrowed: Vec<_> = calls
            .iter()
            .map(|(place, call)| (*place, &**call))
            .collect();
        let differences = self.store.differences(&borrowed).await?;
        self.calls += (calls.len() - differences.len()) as u64;
        for found in differences {
            let call = calls.iter().find(|(place, _)| place.record == found.record);
            let came = call.map(|(_, call)| call.opened);
            if let (None, Some(came)) = (found.column, came.filter(|it| *it < self.pruned_until)) {
                self.gone.push((found.record, came));
                continue;
            }
            let (kind, why) = match found.column {
                None => (Kind::Deleted, "there is no such row".to_owned()),
                Some(column) => (Kind::Edited, format!("`{column}` is not what the log says")),
            };
            checked.find(Some(found.record), kind, why);
        }
        Ok(())
    }

    /// Records whose entries have expired: their rows may stand there or not.
    fn pass_over(&mut self, below: u64) {
        self.changes.retain(|record, _| *record >= below);
        self.strangers.retain(|record, _| *record >= below);
    }

    /// What the database has beside the log.
    async fn rest(&self, folder: &Folder, size: u64, checked: &mut Checked) -> anyhow::Result<()> {
        let of_no_record = self.changes.keys().chain(self.strangers.keys());
        for record in of_no_record.filter(|record| **record < size) {
            let why = "a row says that it is this record, and it is not".to_owned();
            checked.find(Some(*record), Kind::Inserted, why);
        }
        let rows = self.store.logged_calls(self.log, size).await?;
        if rows.within != self.calls || rows.beyond > 0 {
            self.strays(folder, size, checked).await?;
        }
        for (record, came) in &self.gone {
            if *came < self.may_go {
                checked.pruned += 1;
                continue;
            }
            let why = "its row was deleted, and no record says that it may be".to_owned();
            checked.find(Some(*record), Kind::Deleted, why);
        }
        let unlogged = self.store.unlogged().await?;
        let known = self.unlogged.unwrap_or(0);
        let is_pruned = self.pruned_until > UnixMicros(0);
        if unlogged > known || unlogged < known && !is_pruned {
            let kind = if unlogged > known {
                Kind::Inserted
            } else {
                Kind::Deleted
            };
            let why = format!(
                "{unlogged} requests are no records of any log, and there were {known} when the \
                 gateway last began to write this one"
            );
            checked.find(None, kind, why);
        }
        Ok(())
    }

    /// Rows that say that they are records of this log, and are not.
    async fn strays(
        &self,
        folder: &Folder,
        size: u64,
        checked: &mut Checked,
    ) -> anyhow::Result<()> {
        let mut after = None;
        loop {
            let rows = self.store.logged_calls_after(self.log, after).await?;
            let Some((last, _)) = rows.last() else {
                return Ok(());
            };
            after = Some(*last);
            for (ticket, record) in rows {
                let entry = match record < size {
                    true => folder.entry(record)?,
                    false => None,
                };
                let is_it = entry.is_some_and(|bytes| {
                    matches!(entry::decode(&bytes), Ok(Entry::Call(call)) if call.ticket == ticket)
                });
                let is_expired = record < size && folder.bundle_from(record)?.is_empty();
                if !is_it && !is_expired {
                    let why =
                        format!("the row of {ticket} says that it is this record, and it is not");
                    let record = Some(record).filter(|record| *record < u64::MAX);
                    checked.find(record, Kind::Inserted, why);
                }
                if checked.findings.len() > 10 * MOST {
                    return Ok(());
                }
            }
        }
    }
}

fn differ<T: PartialEq>(
    record: u64,
    stands: Option<T>,
    logged: T,
    what: &str,
    checked: &mut Checked,
) {
    match stands {
        None => checked.find(
            Some(record),
            Kind::Deleted,
            format!("the {what} is not there"),
        ),
        Some(it) if it != logged => {
            let why = format!("the {what} is not what the log says");
            checked.find(Some(record), Kind::Edited, why);
        }
        Some(_) => {}
    }
}

/// Up to when a change says that rows may be deleted.
fn prunes(change: &AdminChange) -> UnixMicros {
    let until = || {
        let after: serde_json::Value = serde_json::from_str(change.after.as_deref()?).ok()?;
        let until: Moment = after.get("pruned_until")?.as_str()?.parse().ok()?;
        Some(until.0)
    };
    let is_prune = change.action == "books.prune";
    is_prune.then(until).flatten().unwrap_or(UnixMicros(0))
}

/// A change as the log has it: of very long texts, the hashes.
fn as_logged(mut logged: Logged) -> Logged {
    let change = &mut logged.change;
    for text in [&mut change.before, &mut change.after]
        .into_iter()
        .flatten()
    {
        *text = entry::text_of_change(text);
    }
    logged
}
