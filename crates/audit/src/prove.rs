//! One record's inclusion, as C2SP tlog-proof writes it: a text that anybody
//! can check with the log's public key and the record's bytes.

use std::fmt::Write as _;

use crate::checkpoint::Checkpoint;
use crate::error::AuditError;
use crate::folder::Folder;
use crate::note::{NoteError, VerifierKey};
use crate::tree::{self, Hash};

const TITLE: &str = "c2sp.org/tlog-proof@v1";

/// That a record stands in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The record's number, from 0.
    pub index: u64,
    /// From the leaf's sibling up to a child of the root.
    pub path: Vec<Hash>,
    /// The checkpoint's note, as the log has it.
    pub checkpoint: String,
}

/// The proof that a record stands in the log that the newest checkpoint of a
/// folder seals. That the files are right is [`crate::verify`]'s affair; a
/// proof from wrong ones does not check.
///
/// # Errors
/// No checkpoint covers the record, or a file is missing or none of a log.
pub fn prove(folder: &Folder, index: u64) -> Result<Proof, AuditError> {
    let not_sealed = |size| AuditError::NotSealed {
        record: index,
        size,
    };
    let note = folder.checkpoint()?.ok_or(not_sealed(0))?;
    let parsed = crate::note::Note::parse(&note)?;
    let size = Checkpoint::parse(parsed.unverified_text())?.size;
    if index >= size {
        return Err(not_sealed(size));
    }
    let path = tree::inclusion(index, size, &mut |height, n| folder.node(height, n, size))?;
    Ok(Proof {
        index,
        path,
        checkpoint: note,
    })
}

impl Proof {
    /// The proof's text, for a file that ends in `.tlog-proof`.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = format!("{TITLE}\nindex {}\n", self.index);
        for hash in &self.path {
            let _ = writeln!(text, "{hash}");
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    /// Reads a proof. Extra data, which nobody has signed, is passed over.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let malformed = || NoteError::Malformed("a proof");
        let (head, checkpoint) = text.split_once("\n\n").ok_or_else(malformed)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(TITLE) {
            return Err(malformed());
        }
        lines.next_if(|line| line.starts_with("extra "));
        let index = lines.next().and_then(|line| line.strip_prefix("index "));
        let index = index.ok_or_else(malformed)?;
        let number: u64 = index.parse().map_err(|_| malformed())?;
        if number.to_string() != index {
            return Err(malformed());
        }
        let path: Option<Vec<Hash>> = lines.map(Hash::parse).collect();
        Ok(Self {
            index: number,
            path: path.ok_or_else(malformed)?,
            checkpoint: checkpoint.to_owned(),
        })
    }

    /// Whether `entry` is the record that this proves, in the log of `key`:
    /// the checkpoint if so.
    ///
    /// # Errors
    /// The checkpoint is not signed by the key, or the path does not lead from
    /// the entry to its root.
    pub fn check(&self, entry: &[u8], key: &VerifierKey) -> Result<Checkpoint, NoteError> {
        let checkpoint = Checkpoint::verified(&self.checkpoint, key)?;
        let leaf = tree::leaf(entry);
        if tree::verify_inclusion(
            leaf,
            self.index,
            checkpoint.size,
            &self.path,
            checkpoint.root,
        ) {
            Ok(checkpoint)
        } else {
            Err(NoteError::Malformed("the proof is of another record"))
        }
    }
}
