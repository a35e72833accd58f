//! Reading a streamed answer.

use domain::canon::{Chunk, Fault, FaultKind, Json, Stop, Unknown};
use domain::usage::Usage;

use super::candidate::{Candidate, Ends};
use super::fields::{camel, member, string, whole};
use super::{MAX_DEPTH, Malformed, fault, raw, unknown, usage};
use crate::json::{Document, Kind, Node};
use crate::sse::Frame;
use crate::translate::Names;

/// Candidates above this are passed over.
const MOST_CANDIDATES: u32 = 128;

/// Members that come again and again and of which the last counts.
pub(super) type Late = Vec<(String, Json)>;

/// Keeps a member for later, instead of the one of that name.
pub(super) fn keep(late: &mut Late, name: String, node: Node<'_>) {
    match late.iter_mut().find(|(known, _)| *known == name) {
        Some((_, kept)) => *kept = raw(node),
        None => late.push((name, raw(node))),
    }
}

/// Reads a streamed answer, frame by frame.
///
/// Each frame is a whole `GenerateContentResponse` whose parts are to be
/// appended. The dialect has no end mark: a stream is whole if every candidate
/// said why it ended *and* the connection then ended cleanly. The reader
/// cannot see the latter, so the caller tells it by [`finish`](Self::finish),
/// and only then come the last `Close`, the `Stop`s and `End`. (A reason alone
/// is not the end: older models repeat it in every frame.) Where the
/// connection broke off, `finish` is not called.
///
/// Google writes an error in the middle of a stream as bare JSON without
/// `data:`, and without a blank line behind it: give the reader what
/// [`Framer::last`](crate::sse::Framer::last) gives, too.
#[derive(Debug)]
pub struct StreamReader {
    names: Names,
    id: String,
    is_started: bool,
    /// After an error, or after the end.
    is_over: bool,
    is_blocked: bool,
    usage: Option<Usage>,
    candidates: Vec<Candidate>,
    late: Late,
    ends: Ends,
}

impl StreamReader {
    /// A reader that gives tools the names that the client knows.
    #[must_use]
    pub fn new(names: Names) -> Self {
        Self {
            names,
            id: String::new(),
            is_started: false,
            is_over: false,
            is_blocked: false,
            usage: None,
            candidates: Vec::new(),
            late: Late::new(),
            ends: Ends::InOtherWords,
        }
    }

    /// A reader for a client of this dialect, who reads itself why an answer ended.
    #[must_use]
    pub fn as_said(names: Names) -> Self {
        Self {
            ends: Ends::AsSaid,
            ..Self::new(names)
        }
    }

    /// Takes a frame.
    ///
    /// # Errors
    /// Its data is no JSON object.
    pub fn push(&mut self, frame: &Frame, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        let data = match &frame.data {
            Some(data) => data.clone(),
            // An error as bare JSON; anything else is a comment.
            None if matches!(frame.bytes.trim_ascii(), [b'{' | b'[', ..]) => frame.bytes.clone(),
            None => {
                out.push(Chunk::Ping);
                return Ok(());
            }
        };
        if self.is_over || frame.is_end_mark() || data.trim_ascii().is_empty() {
            return Ok(());
        }
        let document = Document::parse(data, MAX_DEPTH);
        let document = document.map_err(|_| Malformed("an event that is not JSON"))?;
        self.take(document.root(), out)
    }

    /// Takes a `GenerateContentResponse`.
    ///
    /// # Errors
    /// It is no object.
    pub(super) fn take(&mut self, root: Node<'_>, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        if root.kind() == Kind::Array {
            // How a stream that is one array writes an error.
            return root.items().try_for_each(|item| self.take(item, out));
        }
        if root.kind() != Kind::Object {
            return Err(Malformed("an event that is not a JSON object"));
        }
        if let Some(error) = member(root, "error") {
            self.is_over = true;
            out.push(Chunk::Error(fault::in_stream(error)));
            return Ok(());
        }
        self.start(root, out);
        for (key, _, value) in root.entries() {
            if value.is_null() {
                continue;
            }
            match &*camel(key) {
                "candidates" => self.candidates(value, out),
                "usageMetadata" => self.count(value, out),
                "responseId" | "modelVersion" => {}
                "promptFeedback" => {
                    self.is_blocked |= member(value, "blockReason").is_some();
                    keep(&mut self.late, "promptFeedback".to_owned(), value);
                }
                name => keep(&mut self.late, name.to_owned(), value),
            }
        }
        Ok(())
    }

    fn start(&mut self, root: Node<'_>, out: &mut Vec<Chunk>) {
        if std::mem::replace(&mut self.is_started, true) {
            return;
        }
        self.id = string(root, "responseId").unwrap_or_default();
        out.push(Chunk::Start {
            id: self.id.clone(),
            model: string(root, "modelVersion").unwrap_or_default(),
            created: None,
        });
    }

    fn candidates(&mut self, list: Node<'_>, out: &mut Vec<Chunk>) {
        for (at, node) in list.items().enumerate() {
            // Protocol buffers leave a zero out.
            let index = match member(node, "index").and_then(whole) {
                Some(index) => u32::try_from(index).unwrap_or(u32::MAX),
                None => u32::try_from(at).unwrap_or(u32::MAX),
            };
            if index >= MOST_CANDIDATES {
                continue;
            }
            let found = self
                .candidates
                .iter()
                .position(|known| known.index == index);
            let at = found.unwrap_or_else(|| {
                self.candidates.push(Candidate::new(index));
                self.candidates.len() - 1
            });
            if let Some(candidate) = self.candidates.get_mut(at) {
                candidate.take(node, &self.id, &self.names, out);
            }
        }
    }

    fn count(&mut self, node: Node<'_>, out: &mut Vec<Chunk>) {
        for (name, value) in usage::rest(node) {
            keep(&mut self.late, format!("usageMetadata.{name}"), value);
        }
        let Some(usage) = usage::read(node) else {
            return;
        };
        if self.usage != Some(usage) {
            self.usage = Some(usage);
            out.push(Chunk::Usage(usage));
        }
    }

    /// The connection ended cleanly. Gives what the dialect has no mark for:
    /// why each candidate ended, and `End` if every one of them said so, or if
    /// the prompt was blocked and there is none. Where nothing came, or nothing but
    /// a reason that is a failure, it is one; see [`Candidate::failed`] for the rest.
    pub fn finish(&mut self, out: &mut Vec<Chunk>) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        if let Some(fault) = self.failure() {
            return out.push(Chunk::Error(fault));
        }
        let mut is_whole = self.is_started;
        for candidate in &mut self.candidates {
            is_whole &= candidate.finish(out);
        }
        if self.candidates.is_empty() {
            is_whole &= self.is_blocked;
            if self.is_blocked {
                out.push(Chunk::Stop {
                    choice: 0,
                    stop: Stop::Filtered,
                });
            }
        }
        for (name, json) in self.late.drain(..) {
            let unknown = Unknown::new(domain::canon::Dialect::Gemini, name, json);
            out.push(Chunk::Unknown(unknown));
        }
        if is_whole {
            out.push(Chunk::End);
        }
    }
}

impl StreamReader {
    /// What went wrong, if it did with all of the answer.
    fn failure(&self) -> Option<Fault> {
        if self.is_started && self.candidates.is_empty() && !self.is_blocked {
            let message = "The model's answer is empty: there is no candidate in it.";
            return Some(failed("NO_CANDIDATES", message.to_owned()));
        }
        let mut words = self.candidates.iter().map(|it| it.failed(self.ends));
        let word = words.next()??;
        if words.any(|word| word.is_none()) {
            return None;
        }
        if !self.candidates.iter().all(Candidate::is_empty) {
            // What Google says beside it may be the model's words.
            let message = format!("The model's answer broke off: it ended with {word}.");
            return Some(failed(word, message));
        }
        let said = self.candidates.iter().find_map(Candidate::message);
        let said = said.map(|said| format!(" {said}")).unwrap_or_default();
        let message = format!("The model's answer is empty: it ended with {word}.{said}");
        Some(failed(word, message))
    }
}

fn failed(word: &str, message: String) -> Fault {
    Fault {
        kind: FaultKind::Server,
        message,
        code: Some(word.to_owned()),
        field: None,
    }
}

/// What a part of an answer is if the form does not know it.
pub(super) fn block_of(part: Node<'_>) -> Unknown {
    const KNOWN: &[&str] = &[
        "inlineData",
        "fileData",
        "executableCode",
        "codeExecutionResult",
        "toolCall",
        "toolResponse",
        "functionCall",
        "functionResponse",
    ];
    let name = KNOWN.iter().find(|name| member(part, name).is_some());
    unknown(*name.unwrap_or(&"part"), part)
}
