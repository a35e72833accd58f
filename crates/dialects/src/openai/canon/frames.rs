//! The frames of a written stream: what stands around each choice.

use bytes::Bytes;
use domain::canon::{Json, Unknown};
use domain::usage::Usage;

use super::write_answer::is_ours;
use super::{Head, write_usage};
use crate::json::{Object, object, write_string};

/// Makes frames; all of them begin alike.
#[derive(Debug)]
pub(super) struct Frames {
    /// The answer's id.
    pub(super) id: String,
    model: String,
    created: i64,
    wants_usage: bool,
    /// How every chunk begins; empty until the first.
    prefix: Vec<u8>,
    /// Members that every chunk has.
    always: Vec<Unknown>,
    /// Members for the next chunk.
    once: Vec<Unknown>,
}

impl Frames {
    /// For the client who asked this.
    pub(super) fn new(head: &Head<'_>) -> Self {
        Self {
            id: head.id.to_owned(),
            model: head.request.model.clone(),
            created: head.created,
            wants_usage: head.request.stream_usage,
            prefix: Vec::new(),
            always: Vec::new(),
            once: Vec::new(),
        }
    }

    /// The answer begins.
    pub(super) fn start(&mut self, id: &str, model: &str, created: Option<i64>) {
        if !id.is_empty() {
            id.clone_into(&mut self.id);
        }
        if !model.is_empty() {
            model.clone_into(&mut self.model);
        }
        self.created = created.unwrap_or(self.created);
    }

    /// A member that stands beside the choices.
    pub(super) fn unknown(&mut self, unknown: &Unknown) {
        if !is_ours(unknown) {
            return;
        }
        // A member may stand once in a frame: the last one counts.
        let is_other = |other: &Unknown| other.name != unknown.name;
        self.once.retain(is_other);
        self.always.retain(is_other);
        match &*unknown.name {
            "system_fingerprint" | "service_tier" if self.prefix.is_empty() => {
                self.always.push(unknown.clone());
            }
            _ => self.once.push(unknown.clone()),
        }
    }

    /// A chunk of one choice.
    pub(super) fn choice(
        &mut self,
        number: u32,
        logprobs: Option<&Json>,
        reason: Option<&str>,
        delta: impl FnOnce(&mut Object<'_>),
    ) -> Bytes {
        let mut frame = self.begin();
        frame.extend_from_slice(b",\"choices\":[");
        frame.extend_from_slice(&object(|choice| {
            choice.number("index", number.into());
            choice.object("delta", delta);
            match logprobs {
                Some(logprobs) => choice.raw("logprobs", logprobs.as_str()),
                None => choice.null("logprobs"),
            };
            match reason {
                Some(reason) => choice.string("finish_reason", reason),
                None => choice.null("finish_reason"),
            };
        }));
        frame.push(b']');
        if self.wants_usage {
            frame.extend_from_slice(b",\"usage\":null");
        }
        ended(frame)
    }

    /// The chunk that tells what was used, if the client asked.
    pub(super) fn usage(&mut self, usage: &Usage) -> Option<Bytes> {
        if !self.wants_usage {
            return None;
        }
        let mut frame = self.begin();
        frame.extend_from_slice(b",\"choices\":[],\"usage\":");
        frame.extend_from_slice(&object(|object| write_usage::write(object, usage)));
        Some(ended(frame))
    }

    /// What every chunk begins with, and what waits for the next one.
    fn begin(&mut self) -> Vec<u8> {
        if self.prefix.is_empty() {
            let whole = object(|root| {
                root.string("id", &self.id);
                root.string("object", "chat.completion.chunk");
                root.raw("created", &self.created.to_string());
                root.string("model", &self.model);
                for member in &self.always {
                    root.raw(&member.name, member.raw.as_str());
                }
            });
            self.prefix.extend_from_slice(b"data: ");
            let open = whole.strip_suffix(b"}").unwrap_or(&whole);
            self.prefix.extend_from_slice(open);
        }
        let mut frame = Vec::with_capacity(self.prefix.len() + 160);
        frame.extend_from_slice(&self.prefix);
        for member in self.once.drain(..) {
            frame.push(b',');
            write_string(&mut frame, &member.name);
            frame.push(b':');
            frame.extend_from_slice(member.raw.as_str().as_bytes());
        }
        frame
    }
}

/// The frame's end. JSON that came from elsewhere may hold line breaks between
/// its tokens, which an event's line must not.
fn ended(mut frame: Vec<u8>) -> Bytes {
    if memchr::memchr2(b'\n', b'\r', &frame).is_some() {
        for byte in &mut frame {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }
    frame.extend_from_slice(b"}\n\n");
    frame.into()
}

/// The kind of a call, and the field of its arguments.
#[expect(clippy::fn_params_excessive_bools, reason = "the call's own flag")]
pub(super) const fn words(custom: bool) -> (&'static str, &'static str) {
    match custom {
        true => ("custom", "input"),
        false => ("function", "arguments"),
    }
}
