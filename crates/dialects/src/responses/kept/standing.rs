//! How an answer in the background stands, in `OpenAI`'s words.

use bytes::Bytes;

use crate::json::{Document, Node, object};
use crate::responses::canon;
use crate::sse::{Frame, Framer};

/// How a kept answer stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// `queued`, `in_progress`, `completed`, `incomplete`, `failed`,
    /// `cancelled`.
    pub status: String,
    /// Whether its client did not wait for it.
    pub is_background: bool,
}

impl Standing {
    /// The name of the event that ends its stream.
    #[must_use]
    pub fn last_event(&self) -> String {
        let known = ["completed", "failed", "cancelled"];
        let known = known.into_iter().find(|known| *known == self.status);
        format!("response.{}", known.unwrap_or("incomplete"))
    }
}

/// How a kept answer stands.
#[must_use]
pub fn standing(answer: &Bytes) -> Standing {
    match Document::parse(answer.clone(), usize::MAX) {
        Ok(document) => of(document.root()),
        Err(_) => Standing {
            status: String::new(),
            is_background: false,
        },
    }
}

pub(super) fn of(answer: Node<'_>) -> Standing {
    let status = answer.get("status").and_then(Node::str);
    Standing {
        status: status.unwrap_or_default().into_owned(),
        is_background: answer.get("background").and_then(Node::bool) == Some(true),
    }
}

/// The same answer with another status, and with an error if one is given by
/// its code and sentence.
#[must_use]
pub fn restated(answer: &Bytes, status: &str, error: Option<(&str, &str)>) -> Bytes {
    let Ok(document) = Document::parse(answer.clone(), usize::MAX) else {
        return answer.clone();
    };
    let written = object(|o| {
        for (key, _, value) in document.root().entries() {
            match (&*key, error) {
                ("status", _) => o.string("status", status),
                ("error", Some((code, message))) => o.object("error", |o| {
                    o.string("code", code).string("message", message);
                }),
                _ => o.raw(&key, &String::from_utf8_lossy(value.raw())),
            };
        }
    });
    written.into()
}

/// The event of this name and number that shows an answer.
#[must_use]
pub fn told(name: &str, number: u64, answer: &Bytes) -> Bytes {
    let mut out = Vec::new();
    let text = String::from_utf8_lossy(answer);
    super::pages::event(&mut out, name, number, &[("response", &text)]);
    out.into()
}

/// An event of a stream that the gateway wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number.
    pub number: Option<u64>,
    /// What it says of how far the answer is.
    pub said: Said,
}

/// What an event says of how far the answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It goes on.
    More,
    /// It has come about.
    End,
    /// It has not; the error's code and sentence.
    Fault(String, String),
}

impl Event {
    /// Reads an event; `None` if the frame says nothing.
    #[must_use]
    pub fn of(frame: &Frame) -> Option<Self> {
        let data = frame.data.clone()?;
        let document = Document::parse(data.clone(), usize::MAX).ok()?;
        let root = document.root();
        let said = match &*root.get("type")?.str()? {
            "error" | "response.failed" => {
                let (code, message) = failure(500, &data);
                Said::Fault(code, message)
            }
            "response.completed" | "response.incomplete" => Said::End,
            _ => Said::More,
        };
        let number = root.get("sequence_number").and_then(Node::u64);
        Some(Self { number, said })
    }
}

/// Cuts a whole stream into its events, each with its number.
#[must_use]
pub fn events(stream: &Bytes) -> Vec<(u64, Bytes)> {
    let mut frames = Vec::new();
    // What the gateway wrote is never too long for it.
    let _ = Framer::new(usize::MAX).push(stream.clone(), &mut frames);
    let numbered = frames.into_iter().filter_map(|frame| {
        let number = Event::of(&frame)?.number?;
        Some((number, frame.bytes))
    });
    numbered.collect()
}

/// The code and the sentence of a failed answer, by the error body that its
/// client would have got.
#[must_use]
pub fn failure(status: u16, body: &[u8]) -> (String, String) {
    canon::code_and_message(&canon::read_fault(status, body))
}
