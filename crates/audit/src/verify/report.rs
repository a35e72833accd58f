//! What a verification found.

use std::fmt;

/// Findings that are listed; more are counted.
const MOST: usize = 100;

/// The outcome of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Records that the newest checkpoint covers; all were verified.
    pub records: u64,
    /// Records after them, which no checkpoint covers yet.
    pub unsealed: u64,
    /// Checkpoints in the log's history.
    pub checkpoints: u64,
    /// Records whose entries were deleted as the log's retention says.
    pub expired: u64,
    /// The size of the exported checkpoint; `None`: *unanchored*.
    pub anchored: Option<u64>,
    /// What is wrong, the first record first; at most a hundred.
    pub findings: Vec<Finding>,
    /// Findings that are not listed.
    pub further: u64,
}

/// Something that is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The first record that it is about, from 0.
    pub record: Option<u64>,
    /// What it is.
    pub kind: Kind,
    /// What disagrees with what.
    pub why: String,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A record's bytes are not those that were hashed.
    Edited,
    /// A record was taken out, and others moved up.
    Deleted,
    /// A record was put in, and others moved down.
    Inserted,
    /// Records stand in another order.
    Reordered,
    /// The end is missing.
    Truncated,
    /// A file of entries is missing, and no retention says so.
    Missing,
    /// Records and their hashes were written anew: the tiles above or a
    /// checkpoint know others. The record is the first that may be a wrong one.
    Rewritten,
    /// A tile is wrong or missing; the records are as they were sealed.
    Tile,
    /// A checkpoint is not signed, or not where it belongs.
    Checkpoint,
    /// The note of deleted bundles is not signed.
    Retention,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    /// The first bad record. A wrong tile over right records is none.
    #[must_use]
    pub fn first_bad(&self) -> Option<u64> {
        let mut of_records = self.findings.iter().filter(|it| it.kind != Kind::Tile);
        of_records.find_map(|finding| finding.record)
    }

    pub(super) fn find(&mut self, record: Option<u64>, kind: Kind, why: String) {
        self.add(Finding { record, kind, why });
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// By record; what is about none comes last.
    pub(super) fn in_order(&mut self) {
        self.findings
            .sort_by_key(|finding| finding.record.unwrap_or(u64::MAX));
        self.further += self.findings.len().saturating_sub(MOST) as u64;
        self.findings.truncate(MOST);
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Edited => "edited",
            Self::Deleted => "deleted",
            Self::Inserted => "inserted",
            Self::Reordered => "reordered",
            Self::Truncated => "truncated",
            Self::Missing => "missing",
            Self::Rewritten => "rewritten",
            Self::Tile => "wrong tile",
            Self::Checkpoint => "wrong checkpoint",
            Self::Retention => "wrong retention",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.record {
            Some(record) => write!(f, "record {record}: {}: {}", self.kind, self.why),
            None => write!(f, "{}: {}", self.kind, self.why),
        }
    }
}
