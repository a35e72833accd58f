//! What an earlier process left, where it is not whole.
//!
//! Nothing is read at the start: the carrier meets a torn end or a bad block
//! on its way, and a gateway with a million records behind it is ready as fast
//! as one with none. A torn end is cut off. A bad block with good ones behind
//! it is damage: it is skipped, named, and its bytes are kept beside the
//! segment for whoever wants to look.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use domain::ids::TicketId;

use crate::JournalError;
use crate::disk::context;

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

/// Bad bytes between two good blocks.
pub(crate) struct Gap {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) after: Option<TicketId>,
    pub(crate) before: Option<TicketId>,
}

/// Keeps bad bytes beside their segment. Reading the same damage again changes
/// nothing.
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
    Ok(Damage {
        segment: path.to_path_buf(),
        from: gap.from,
        to: gap.to,
        after: gap.after,
        before: gap.before,
        kept,
    })
}

impl Damage {
    pub(crate) fn say(&self) {
        let show = |ticket: Option<TicketId>| ticket.map(|t| t.to_string());
        tracing::error!(
            segment = %self.segment.display(),
            from = self.from,
            to = self.to,
            after = show(self.after),
            before = show(self.before),
            kept = %self.kept.display(),
            "journal: damaged bytes skipped; records between these two are missing"
        );
    }
}
