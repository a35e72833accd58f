//! A record's bytes: one JSON object with its members in a fixed order, without
//! spaces, and without those that say nothing. What is hashed are these bytes, so an
//! auditor needs no library of ours to read them.
//!
//! `kind` says what it is and `v` in which version. Times are microseconds since
//! 1970, money is billionths of a dollar. Reading gives back what was written, to
//! the last column of the ledger: that is how the store is held against the log.

mod call;

use domain::audit::{AdminChange, Entry, Logged, Start, Strangers};
use domain::time::UnixMicros;
use serde::{Deserialize, Serialize};

use self::call::Call;
use crate::bundle;
use crate::tree::sha256;

/// The version of the form.
const VERSION: u8 = 1;
/// The longest text of a change, in bytes; of a longer one stands its hash.
const LONGEST: usize = 24 << 10;

/// Bytes that are no entry of this version.
#[derive(Debug, thiserror::Error)]
#[error("it is no entry that this version knows: {0}")]
pub struct Unreadable(String);

/// An entry as it is written.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line<'a> {
    Start(StartLine<'a>),
    #[serde(borrow)]
    Call(Box<Call<'a>>),
    #[serde(borrow)]
    Change(ChangeLine<'a>),
    Strangers(StrangersLine),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StartLine<'a> {
    v: u8,
    at: i64,
    version: std::borrow::Cow<'a, str>,
    generation: u64,
    unlogged: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeLine<'a> {
    v: u8,
    at: i64,
    id: i64,
    actor: String,
    action: String,
    object: String,
    tenant: String,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    before: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    after: Option<Text<'a>>,
}

/// A text that may be too long for an entry.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Text<'a> {
    Hashed {
        sha256: String,
        bytes: usize,
    },
    /// As a JSON string, so that every byte of it comes back.
    Whole(std::borrow::Cow<'a, str>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StrangersLine {
    v: u8,
    minute: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    reason: String,
    count: u64,
}

/// An entry's bytes, at most [`bundle::MOST_BYTES`]. One that would be longer loses
/// the ends of the texts that others chose, and `entry` with it: what the ledger
/// gets is what the log has.
#[must_use]
pub fn encode(entry: &mut Entry) -> Vec<u8> {
    let bytes = bytes(entry);
    if bytes.len() <= bundle::MOST_BYTES {
        return bytes;
    }
    let Entry::Call(call) = entry else {
        return bytes;
    };
    call::shorten(call);
    let short = self::bytes(entry);
    if short.len() <= bundle::MOST_BYTES {
        return short;
    }
    if let Entry::Call(call) = entry {
        call::bare(call);
    }
    self::bytes(entry)
}

fn bytes(entry: &Entry) -> Vec<u8> {
    let line = match entry {
        Entry::Start(it) => Line::Start(StartLine {
            v: VERSION,
            at: it.at.0,
            version: it.version.as_str().into(),
            generation: it.generation,
            unlogged: it.unlogged,
            keep: it.keep,
        }),
        Entry::Call(it) => Line::Call(Box::new(Call::of(it))),
        Entry::Change(it) => Line::Change(ChangeLine::of(it)),
        Entry::Strangers(it) => Line::Strangers(StrangersLine {
            v: VERSION,
            minute: it.minute.0,
            source: it.source.clone(),
            reason: it.reason.clone(),
            count: it.count,
        }),
    };
    // Texts, numbers and lists of both: nothing that JSON cannot say.
    serde_json::to_vec(&line).unwrap_or_default()
}

/// What an entry's bytes say.
///
/// # Errors
/// They are no entry of a version that this one knows.
pub fn decode(bytes: &[u8]) -> Result<Entry, Unreadable> {
    let unreadable = |error: serde_json::Error| Unreadable(error.to_string());
    let line: Line<'_> = serde_json::from_slice(bytes).map_err(unreadable)?;
    Ok(match line {
        Line::Start(it) => Entry::Start(Start {
            at: UnixMicros(it.at),
            version: it.version.into_owned(),
            generation: it.generation,
            unlogged: it.unlogged,
            keep: it.keep,
        }),
        Line::Call(it) => Entry::Call(Box::new(it.settled()?)),
        Line::Change(it) => Entry::Change(Box::new(Logged {
            id: it.id,
            change: AdminChange {
                at: UnixMicros(it.at),
                actor: it.actor,
                action: it.action,
                object: it.object,
                tenant: it.tenant.as_str().into(),
                before: it.before.map(Text::told),
                after: it.after.map(Text::told),
            },
        })),
        Line::Strangers(it) => Entry::Strangers(Strangers {
            minute: UnixMicros(it.minute),
            source: it.source,
            reason: it.reason,
            count: it.count,
        }),
    })
}

impl<'a> ChangeLine<'a> {
    fn of(logged: &'a Logged) -> Self {
        let change = &logged.change;
        Self {
            v: VERSION,
            at: change.at.0,
            id: logged.id,
            actor: change.actor.clone(),
            action: change.action.clone(),
            object: change.object.clone(),
            tenant: change.tenant.to_string(),
            before: change.before.as_deref().map(Text::of),
            after: change.after.as_deref().map(Text::of),
        }
    }
}

impl<'a> Text<'a> {
    fn of(text: &'a str) -> Self {
        // What is escaped may become twice as long, and there are two of them.
        match text.len() <= LONGEST / 2 || escaped(text) <= LONGEST {
            true => Self::Whole(text.into()),
            false => Self::Hashed {
                sha256: sha256(text.as_bytes()).to_string(),
                bytes: text.len(),
            },
        }
    }

    fn told(self) -> String {
        match self {
            Self::Whole(text) => text.into_owned(),
            Self::Hashed { sha256, bytes } => {
                format!("{{\"sha256\":\"{sha256}\",\"bytes\":{bytes}}}")
            }
        }
    }
}

/// A change's text as an entry has it: itself, or its hash if it is too long. The
/// store's text is held against the log's by this.
#[must_use]
pub fn text_of_change(text: &str) -> String {
    Text::of(text).told()
}

fn escaped(text: &str) -> usize {
    serde_json::to_string(text).map_or(usize::MAX, |json| json.len())
}
