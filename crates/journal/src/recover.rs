//! The start: what an earlier process left, read to its last good block.
//!
//! A torn end is cut off. A bad block with good ones behind it is damage: it
//! is skipped, named, and its bytes are kept beside the segment for whoever
//! wants to look.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use domain::ids::TicketId;

use crate::JournalError;
use crate::block::{self, Found};
use crate::disk::{self, context};
use crate::segment::{Name, Segment};

/// Bytes in the middle of a segment that are no good block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment.
    pub segment: PathBuf,
    /// Where the bad bytes begin.
    pub from: u64,
    /// Where the next good block begins.
    pub to: u64,
    /// The last good record in front.
    pub after: Option<TicketId>,
    /// The first good record behind: what is missing lies between the two.
    pub before: Option<TicketId>,
    /// Where the bytes are kept.
    pub kept: PathBuf,
}

/// One segment of an earlier process.
pub(crate) struct Recovered {
    pub(crate) segment: Segment,
    pub(crate) damage: Vec<Damage>,
}

/// Reads a segment of an earlier process and cuts what follows its last good
/// block.
pub(crate) fn recover(path: &Path, name: Name) -> Result<Recovered, JournalError> {
    let length = std::fs::metadata(path)
        .map_err(context("read", path))?
        .len();
    let whole = usize::try_from(length).unwrap_or(usize::MAX);
    let bytes = disk::read(path, 0, whole)?;
    let scan = scan(&bytes);
    let rest = &bytes[scan.end..];
    if rest.iter().any(|byte| *byte != 0) {
        tracing::warn!(segment = %name, at = scan.end, "journal: cut a torn end");
    }
    if scan.end < bytes.len() {
        let file = OpenOptions::new()
            .write(true)
            .open(path)
            .map_err(context("open", path))?;
        file.set_len(scan.end as u64)
            .map_err(context("cut", path))?;
    }
    let mut damage = Vec::new();
    for gap in scan.gaps {
        damage.push(keep_aside(path, &bytes[gap.from..gap.to], &gap)?);
    }
    let segment = Segment::found(name, path.to_path_buf(), scan.end as u64, scan.records);
    Ok(Recovered { segment, damage })
}

/// Bad bytes between two good blocks.
pub(crate) struct Gap {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) after: Option<TicketId>,
    pub(crate) before: Option<TicketId>,
}

struct Scan {
    end: usize,
    records: u64,
    gaps: Vec<Gap>,
}

fn scan(bytes: &[u8]) -> Scan {
    let mut scan = Scan {
        end: 0,
        records: 0,
        gaps: Vec::new(),
    };
    let mut last = None;
    let mut open_gap: Option<usize> = None;
    let mut at = 0;
    loop {
        match block::decode(&bytes[at..]) {
            Found::Block(record, length) => {
                let ticket = Some(record.ticket());
                if let Some(from) = open_gap.take() {
                    scan.gaps.push(Gap {
                        from,
                        to: at,
                        after: last,
                        before: ticket,
                    });
                }
                last = ticket;
                scan.records += 1;
                at += length;
                scan.end = at;
            }
            Found::Bad | Found::Cut => match block::next_good(bytes, at) {
                Some(next) => {
                    open_gap = Some(at);
                    at = next;
                }
                None => return scan,
            },
        }
    }
}

/// Keeps bad bytes beside their segment and says so. Reading the same damage
/// again changes nothing.
pub(crate) fn keep_aside(path: &Path, bytes: &[u8], gap: &Gap) -> Result<Damage, JournalError> {
    let mut kept = path.as_os_str().to_owned();
    kept.push(format!(".{:08x}.bad", gap.from));
    let kept = PathBuf::from(kept);
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&kept)
    {
        Ok(mut file) => file.write_all(bytes).map_err(context("write", &kept))?,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(context("create", &kept)(error)),
    }
    let show = |ticket: Option<TicketId>| ticket.map(|t| t.to_string());
    tracing::error!(
        segment = %path.display(),
        from = gap.from,
        to = gap.to,
        after = show(gap.after),
        before = show(gap.before),
        kept = %kept.display(),
        "journal: damaged bytes skipped; records between these two are missing"
    );
    Ok(Damage {
        segment: path.to_path_buf(),
        from: gap.from as u64,
        to: gap.to as u64,
        after: gap.after,
        before: gap.before,
        kept,
    })
}
