//! Why a text is not taken as JSON, and where.

use domain::refusal::{Reason, Refusal};

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScanErrorKind {
    /// The text breaks JSON's grammar; the words say what was expected.
    Syntax(&'static str),
    /// This key (decoded) stands twice in one object.
    DuplicateKey(String),
    /// More containers are nested than allowed.
    TooDeep,
    /// It holds more values than anybody needs.
    TooMany,
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} at line {line}, column {column}", self.what())]
pub struct ScanError {
    /// What is wrong.
    pub kind: ScanErrorKind,
    /// Byte offset.
    pub at: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// A key is shown up to this many characters in a message.
const SHOWN: usize = 64;

impl ScanError {
    pub(super) fn locate(kind: ScanErrorKind, at: usize, bytes: &[u8]) -> Self {
        let before = &bytes[..at.min(bytes.len())];
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        Self {
            kind,
            at,
            line,
            column,
        }
    }

    fn what(&self) -> String {
        match &self.kind {
            ScanErrorKind::Syntax(what) => (*what).to_owned(),
            ScanErrorKind::DuplicateKey(key) => {
                let shown: String = key.chars().take(SHOWN).collect();
                format!("the key {shown:?} stands twice in one object")
            }
            ScanErrorKind::TooDeep => "too many nested arrays and objects".to_owned(),
            ScanErrorKind::TooMany => "too many values".to_owned(),
        }
    }

    /// The refusal for the client, in one helpful sentence.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let (line, column) = (self.line, self.column);
        match &self.kind {
            ScanErrorKind::Syntax(what) => Refusal::new(
                Reason::BadJson,
                format!("The body is not valid JSON: {what} at line {line}, column {column}."),
            ),
            ScanErrorKind::DuplicateKey(key) => Refusal::new(
                Reason::DuplicateKey,
                format!(
                    "The body is ambiguous: {} (line {line}, column {column}). Send each key once.",
                    self.what()
                ),
            )
            .at(key.chars().take(SHOWN).collect::<String>()),
            ScanErrorKind::TooMany => Refusal::new(
                Reason::BodyTooLarge,
                "The body holds too many values; split it into several requests.",
            ),
            ScanErrorKind::TooDeep => Refusal::new(
                Reason::TooDeep,
                format!(
                    "The body nests arrays and objects too deeply (line {line}, column {column})."
                ),
            ),
        }
    }
}
