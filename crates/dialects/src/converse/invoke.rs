//! What `InvokeModelWithResponseStream` streams: the events of the model's maker,
//! each in a message of AWS' own, as `{"bytes": base64}`.
//!
//! They are unwrapped into the server-sent events that the maker itself would
//! have sent, so that its dialect's reader reads them and its clients can have
//! them as they are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::canon::Dialect;

use super::canon::of_exception;
use crate::eventstream::{CUT, EXCEPTION};
use crate::json::{Document, Node};
use crate::sse::{Frame, Framer};
use crate::translate::{Malformed, codec};

/// How deep a chunk may be nested.
const DEPTH: usize = 4;
/// How deep an event may be nested.
const EVENT_DEPTH: usize = 512;

/// Adds the event that a message of AWS' holds to `out`; one that holds none
/// adds nothing.
///
/// # Errors
/// The message was cut, or its chunk cannot be unwrapped.
pub(crate) fn unwrap(
    message: &Frame,
    dialect: Dialect,
    out: &mut Vec<Frame>,
) -> Result<(), Malformed> {
    let event = message.event.as_deref().unwrap_or_default();
    let event = String::from_utf8_lossy(event);
    if event == CUT {
        return Err(Malformed("the stream was cut in the middle of a message"));
    }
    let payload = Document::parse(message.data.clone().unwrap_or_default(), DEPTH).ok();
    let payload = payload.as_ref().map(Document::root);
    if let Some(exception) = event.strip_prefix(EXCEPTION) {
        let fault = of_exception(exception, payload);
        let told = codec(dialect).map(|codec| (codec.write_fault_event)(&fault, ""));
        return framed(told.unwrap_or_default(), out);
    }
    if event != "chunk" {
        return Ok(());
    }
    let bytes = payload.and_then(|payload| payload.get("bytes")?.str());
    let bytes = bytes.ok_or(Malformed("a chunk of the stream holds no bytes"))?;
    let inner = STANDARD.decode(bytes.as_bytes());
    let inner = inner.map_err(|_| Malformed("a chunk of the stream is no base64"))?;
    framed(sent(inner.into()), out)
}

/// An event as its maker sends it; Anthropic names it by its type.
fn sent(data: Bytes) -> Bytes {
    let mut text = Vec::with_capacity(data.len() + 64);
    let document = Document::parse(data.clone(), EVENT_DEPTH).ok();
    let root = document.as_ref().map(Document::root);
    let kind = root.and_then(|root| root.get("type").and_then(Node::str));
    if let Some(kind) = kind.filter(|kind| !kind.contains(['\r', '\n'])) {
        text.extend([b"event: ", kind.as_bytes(), b"\n"].concat());
    }
    // Between the parts of a JSON text a line may end.
    for line in data.split(|byte| matches!(byte, b'\n' | b'\r')) {
        text.extend([b"data: ", line, b"\n"].concat());
    }
    text.push(b'\n');
    text.into()
}

/// What was written is whole frames.
fn framed(bytes: Bytes, out: &mut Vec<Frame>) -> Result<(), Malformed> {
    let pushed = Framer::new(usize::MAX).push(bytes, out);
    pushed.map_err(|_| Malformed("an endless event"))
}
