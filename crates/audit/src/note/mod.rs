//! Signed notes (C2SP signed-note): a text, and Ed25519 signatures under it.

mod key;
mod signer;

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use key::{SignerKey, VerifierKey};
pub use signer::{Elsewhere, KeyFile, Signer};

/// The longest note that is read, in bytes.
const MOST_BYTES: usize = 1_000_000;
/// Signatures that are read under a note.
const MOST_SIGNATURES: usize = 100;

/// What is wrong with a note, a key or a signer.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// It is none; says where it departs from the format.
    #[error("audit: not a signed note: {0}")]
    Malformed(&'static str),
    /// No signature under it is of the key that was asked for.
    #[error("audit: the note is not signed by {0}")]
    Unsigned(String),
    /// The key's signature does not fit the text.
    #[error("audit: the note's signature by {0} is wrong")]
    WrongSignature(String),
    /// A key's text is none.
    #[error("audit: not a key: {0}")]
    Key(&'static str),
    /// The file of a key cannot be read or made, or others may read it.
    #[error("audit: the signing key {path}: {why}")]
    KeyFile {
        /// Which file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Who signs did not.
    #[error("audit: the signer: {0}")]
    Signer(String),
}

/// A note as it was read; nobody has checked a signature yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Signature {
    name: String,
    id: [u8; 4],
    bytes: Vec<u8>,
}

impl Note {
    /// Signs a text, which ends with a line's end.
    ///
    /// # Errors
    /// The text is none of a note, or the signer would not sign.
    pub fn sign(text: &str, signer: &dyn Signer) -> Result<Self, NoteError> {
        if !text.ends_with('\n') || text.bytes().any(is_control) {
            return Err(NoteError::Malformed("the text"));
        }
        let key = signer.verifier();
        let bytes = signer.sign(text.as_bytes())?;
        if !key.verifies(text.as_bytes(), &bytes) {
            return Err(NoteError::WrongSignature(key.name().to_owned()));
        }
        Ok(Self {
            text: text.to_owned(),
            signatures: vec![Signature {
                name: key.name().to_owned(),
                id: key.id(),
                bytes: bytes.to_vec(),
            }],
        })
    }

    /// Reads a note, strictly: what [`Note::render`] writes, and nothing else.
    ///
    /// # Errors
    /// It departs from the format.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > MOST_BYTES {
            return Err(NoteError::Malformed("it is too long"));
        }
        if note.bytes().any(is_control) {
            return Err(NoteError::Malformed("it has a control character"));
        }
        let Some(middle) = note.rfind("\n\n") else {
            return Err(NoteError::Malformed("no empty line before signatures"));
        };
        let (text, signatures) = (&note[..=middle], &note[middle + 2..]);
        let Some(lines) = signatures.strip_suffix('\n') else {
            return Err(NoteError::Malformed("no end of the last line"));
        };
        let signatures = lines
            .split('\n')
            .map(|line| Signature::parse(line).ok_or(NoteError::Malformed("a signature's line")))
            .collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > MOST_SIGNATURES {
            return Err(NoteError::Malformed("too many signatures"));
        }
        Ok(Self {
            text: text.to_owned(),
            signatures,
        })
    }

    /// The text, if `key` has signed it. Signatures of other keys are passed
    /// over; every one of this key must fit.
    ///
    /// # Errors
    /// There is none of this key, or a wrong one.
    pub fn verified(&self, key: &VerifierKey) -> Result<&str, NoteError> {
        let mut is_signed = false;
        for signature in &self.signatures {
            if signature.name != key.name() || signature.id != key.id() {
                continue;
            }
            if !key.verifies(self.text.as_bytes(), &signature.bytes) {
                return Err(NoteError::WrongSignature(key.name().to_owned()));
            }
            is_signed = true;
        }
        if is_signed {
            Ok(&self.text)
        } else {
            Err(NoteError::Unsigned(key.name().to_owned()))
        }
    }

    /// The text, whoever signed it.
    #[must_use]
    pub fn unverified_text(&self) -> &str {
        &self.text
    }

    /// The note: text, an empty line, a line for each signature.
    #[must_use]
    pub fn render(&self) -> String {
        let mut note = format!("{}\n", self.text);
        for signature in &self.signatures {
            let bytes = [&signature.id[..], &signature.bytes].concat();
            let _ = writeln!(note, "— {} {}", signature.name, STANDARD.encode(bytes));
        }
        note
    }
}

impl Signature {
    fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
        if !key::is_name(name) {
            return None;
        }
        let bytes = STANDARD.decode(encoded).ok()?;
        let (id, bytes) = bytes.split_first_chunk()?;
        (!bytes.is_empty()).then(|| Self {
            name: name.to_owned(),
            id: *id,
            bytes: bytes.to_vec(),
        })
    }
}

fn is_control(byte: u8) -> bool {
    byte < 0x20 && byte != b'\n'
}
