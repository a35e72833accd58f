//! Checkpoints (C2SP tlog-checkpoint): how large a log was, and its root.

use crate::note::{Note, NoteError, Signer, VerifierKey};
use crate::tree::Hash;

/// What a checkpoint says of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: the name of the key that signs it.
    pub origin: String,
    /// How many records it has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The note's text, three lines.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }

    /// Reads a note's text, strictly. Further lines, which the specification
    /// allows, are passed over.
    ///
    /// # Errors
    /// It is no checkpoint's.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let text = text
            .strip_suffix('\n')
            .ok_or(NoteError::Malformed("no end of the last line"))?;
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(NoteError::Malformed("a checkpoint has three lines"));
        };
        if origin.is_empty() || lines.any(str::is_empty) {
            return Err(NoteError::Malformed("a checkpoint has no empty lines"));
        }
        let number: Option<u64> = size.parse().ok();
        let number = number.filter(|number| number.to_string() == size);
        Ok(Self {
            origin: origin.to_owned(),
            size: number.ok_or(NoteError::Malformed("a checkpoint's size"))?,
            root: Hash::parse(root).ok_or(NoteError::Malformed("a checkpoint's root"))?,
        })
    }

    /// Signs it.
    ///
    /// # Errors
    /// The signer would not.
    pub fn sign(&self, signer: &dyn Signer) -> Result<Note, NoteError> {
        Note::sign(&self.text(), signer)
    }

    /// The checkpoint in a note that `key` has signed, of the log of the key's
    /// name.
    ///
    /// # Errors
    /// The note is not signed by the key, or no checkpoint of its log.
    pub fn verified(note: &str, key: &VerifierKey) -> Result<Self, NoteError> {
        let checkpoint = Self::parse(Note::parse(note)?.verified(key)?)?;
        if checkpoint.origin != key.name() {
            return Err(NoteError::Malformed("a checkpoint of another log"));
        }
        Ok(checkpoint)
    }
}

/// The notes of a file of checkpoints, one after the other with an empty line
/// after each, and where the last whole one ends.
pub(crate) fn history(file: &str) -> (Vec<&str>, usize) {
    let mut notes = Vec::new();
    let mut at = 0;
    while let Some(note) = next_note(&file[at..]) {
        notes.push(note);
        at += note.len() + 1;
    }
    (notes, at)
}

/// Text to the first empty line, signatures to the second one.
fn next_note(rest: &str) -> Option<&str> {
    let text = rest.find("\n\n")? + 2;
    let signatures = rest[text..].find("\n\n")?;
    Some(&rest[..=text + signatures])
}
