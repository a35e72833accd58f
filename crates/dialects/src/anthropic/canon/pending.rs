//! A block of a stream that is being written.

use bytes::Bytes;
use domain::canon::{Delta, Dialect, Opened, Signature, Thinking};

use super::signature;
use crate::json::{Object, write_escaped};

/// A block that is open, or waits to be.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) block: u32,
    pub(super) opened: Opened,
    pub(super) waiting: Vec<Delta>,
    /// Whether its beginning is written.
    pub(super) is_written: bool,
    pub(super) is_closed: bool,
    /// Whether its signature is written.
    is_signed: bool,
}

impl Pending {
    /// A block that has just begun.
    pub(super) fn new(block: u32, opened: &Opened) -> Self {
        Self {
            block,
            opened: opened.clone(),
            waiting: Vec::new(),
            is_written: false,
            is_closed: false,
            is_signed: false,
        }
    }

    /// What carries a call's signature.
    pub(super) fn before_call(signature: Option<&Signature>) -> Option<Self> {
        let signature = signature::before_call(signature)?;
        let mut thinking = Thinking::default();
        signature::inward(&mut thinking, &signature);
        let mut carrier = Self::new(u32::MAX, &Opened::Thinking(thinking));
        carrier.is_closed = true;
        Some(carrier)
    }

    /// Writes all that waits, as the block of this index.
    pub(super) fn write(&mut self, index: u64, out: &mut Vec<Bytes>) {
        let deltas = std::mem::take(&mut self.waiting);
        match &mut self.opened {
            Opened::Text | Opened::Refusal => self.words(index, deltas, out),
            Opened::Thinking(thinking) if thinking.redacted => {
                let mut last = deltas.into_iter().filter_map(|delta| match delta {
                    Delta::Signature(signature) => Some(signature),
                    _ => None,
                });
                thinking.signature = last.next_back().or(thinking.signature.take());
                // Its data is all there is of it: it waits until that is sure.
                if self.is_closed {
                    let data = signature::outward(thinking);
                    self.is_written = true;
                    out.push(start(index, |o| {
                        o.string("type", "redacted_thinking").string("data", &data);
                    }));
                }
            }
            Opened::Thinking(thinking) => {
                let thinking = thinking.clone();
                self.thought(&thinking, index, deltas, out);
            }
            Opened::ToolCall { .. } => self.call(index, deltas, out),
            Opened::Unknown(own) => {
                if own.dialect == Dialect::Anthropic && !self.is_written {
                    let block = own.raw.as_str();
                    self.is_written = true;
                    out.push(frame("content_block_start", |o| {
                        o.number("index", index).raw("content_block", block);
                    }));
                }
            }
        }
    }

    /// A text begins with its first letter: Anthropic knows no empty ones.
    fn words(&mut self, index: u64, deltas: Vec<Delta>, out: &mut Vec<Bytes>) {
        for grown in deltas {
            match grown {
                Delta::Text(text) if !text.is_empty() => {
                    if !std::mem::replace(&mut self.is_written, true) {
                        out.push(start(index, |o| {
                            o.string("type", "text").string("text", "");
                        }));
                    }
                    out.push(delta(index, |o| {
                        o.string("type", "text_delta").string("text", &text);
                    }));
                }
                Delta::Citation(cited) if cited.dialect == Dialect::Anthropic => {
                    if self.is_written {
                        out.push(delta(index, |o| {
                            o.string("type", "citations_delta");
                            o.raw("citation", cited.raw.as_str());
                        }));
                    } else {
                        self.waiting.push(Delta::Citation(cited));
                    }
                }
                _ => {}
            }
        }
        if self.is_written && !self.waiting.is_empty() {
            let waiting = std::mem::take(&mut self.waiting);
            self.words(index, waiting, out);
        }
    }

    fn thought(
        &mut self,
        thinking: &Thinking,
        index: u64,
        deltas: Vec<Delta>,
        out: &mut Vec<Bytes>,
    ) {
        let words = |text: &str, out: &mut Vec<Bytes>| {
            if !text.is_empty() {
                out.push(delta(index, |o| {
                    o.string("type", "thinking_delta").string("thinking", text);
                }));
            }
        };
        let sign = |thinking: &Thinking, out: &mut Vec<Bytes>| {
            let signature = signature::outward(thinking);
            if !signature.is_empty() {
                out.push(delta(index, |o| {
                    o.string("type", "signature_delta");
                    o.string("signature", &signature);
                }));
            }
        };
        if !self.is_written {
            // It begins once there is something of it.
            let is_something = |grown: &Delta| match grown {
                Delta::Text(text) => !text.is_empty(),
                Delta::Signature(proof) => !proof.value.is_empty(),
                _ => false,
            };
            if signature::is_nothing(thinking) && !deltas.iter().any(is_something) {
                return;
            }
            self.is_written = true;
            // The provider's id of it is known from the beginning alone.
            let mut unsigned = thinking.clone();
            if let Some(signature) = &mut unsigned.signature {
                signature.value.clear();
            }
            let begun = signature::outward(&unsigned);
            out.push(start(index, |o| {
                o.string("type", "thinking").string("thinking", "");
                o.string("signature", &begun);
            }));
            words(&thinking.text, out);
        }
        for grown in deltas {
            match grown {
                Delta::Text(text) => words(&text, out),
                Delta::Signature(whole) => {
                    self.is_signed = true;
                    let signed = Thinking {
                        signature: Some(whole),
                        ..thinking.clone()
                    };
                    sign(&signed, out);
                }
                _ => {}
            }
        }
        if self.is_closed && !self.is_signed {
            sign(thinking, out);
        }
    }

    fn call(&mut self, index: u64, deltas: Vec<Delta>, out: &mut Vec<Bytes>) {
        let Opened::ToolCall {
            id, name, custom, ..
        } = &self.opened
        else {
            return;
        };
        let custom = *custom;
        let is_new = !std::mem::replace(&mut self.is_written, true);
        if is_new {
            out.push(start(index, |o| {
                o.string("type", "tool_use").string("id", id);
                o.string("name", name).object("input", |_| {});
            }));
        }
        let mut json = Vec::new();
        if custom && is_new {
            json.extend_from_slice(b"{\"input\":\"");
        }
        for grown in deltas {
            match grown {
                Delta::Arguments(more) if custom => write_escaped(&mut json, &more),
                Delta::Arguments(more) => json.extend_from_slice(more.as_bytes()),
                _ => {}
            }
        }
        if custom && self.is_closed {
            json.extend_from_slice(b"\"}");
        }
        if !json.is_empty() {
            out.push(delta(index, |o| {
                o.string("type", "input_json_delta");
                o.string("partial_json", &String::from_utf8_lossy(&json));
            }));
        }
    }
}

/// One event, of JSON that is there already.
pub(super) fn framed(event: &str, data: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(event.len() + data.len() + 16);
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(event.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\n\n");
    out.into()
}

/// One event.
pub(super) fn frame(kind: &str, write: impl FnOnce(&mut Object<'_>)) -> Bytes {
    let data = crate::json::object(|o| {
        o.string("type", kind);
        write(o);
    });
    framed(kind, &data)
}

fn start(index: u64, write: impl FnOnce(&mut Object<'_>)) -> Bytes {
    frame("content_block_start", |o| {
        o.number("index", index).object("content_block", write);
    })
}

fn delta(index: u64, write: impl FnOnce(&mut Object<'_>)) -> Bytes {
    frame("content_block_delta", |o| {
        o.number("index", index).object("delta", write);
    })
}
