//! A client that speaks another dialect than `OpenAI`'s: how it is answered.

use std::sync::Arc;

use bytes::Bytes;
use dialects::json::Document;
use dialects::sse::Framer;
use dialects::texts::Form;
use dialects::translate::{Codec, Head, Names, WriteStream};
use dialects::{gemini, openai, responses};
use domain::canon::{Answer, Dialect};
use domain::ids::TicketId;
use domain::time::UnixMicros;

use crate::accept::Foreign;

/// Writes answers in the client's dialect.
#[derive(Clone)]
pub struct Client {
    foreign: Arc<Foreign>,
    id: String,
    request_id: String,
    created: i64,
}

impl Client {
    /// Of this request.
    #[must_use]
    pub fn new(foreign: &Arc<Foreign>, ticket: TicketId, at: UnixMicros) -> Self {
        Self {
            // Answers repeat what the client said, not what a policy did.
            foreign: Arc::clone(foreign.sent()),
            id: format!("{:032x}", u128::from_be_bytes(ticket.to_bytes())),
            request_id: ticket.to_string(),
            created: at.seconds(),
        }
    }

    /// Its dialect.
    #[must_use]
    pub fn codec(&self) -> &'static Codec {
        self.foreign.codec
    }

    /// What came.
    #[must_use]
    pub fn foreign(&self) -> &Arc<Foreign> {
        &self.foreign
    }

    fn head(&self) -> Head<'_> {
        Head {
            request: &self.foreign.request,
            created: self.created,
            id: &self.id,
            request_id: &self.request_id,
        }
    }

    /// The answer before anybody is asked for it, in Responses, and its id.
    #[must_use]
    pub fn queued(&self) -> (String, Bytes) {
        let (id, answer) = responses::canon::write_queued(&self.head());
        (id, answer.into())
    }

    /// What its streams are made of.
    #[must_use]
    pub fn form(&self) -> (Dialect, Form) {
        let form = match self.foreign.is_array {
            true => Form::Array,
            false => Form::Events,
        };
        (self.codec().dialect, form)
    }

    /// The type of its streams.
    #[must_use]
    pub fn stream_type(&self) -> &'static str {
        match self.foreign.is_array {
            true => "application/json",
            false => "text/event-stream; charset=utf-8",
        }
    }

    /// A sign of life in a stream: nothing to any parser.
    #[must_use]
    pub fn sign_of_life(&self) -> Bytes {
        Bytes::from_static(match self.codec().dialect {
            Dialect::Anthropic => b"event: ping\ndata: {\"type\":\"ping\"}\n\n",
            _ if self.foreign.is_array => b"\n",
            _ => b": keep-alive\n\n",
        })
    }

    /// A whole answer.
    #[must_use]
    pub fn answer(&self, answer: &Answer) -> Bytes {
        (self.codec().write_answer)(answer, &self.head()).into()
    }

    /// A kept answer, which is in `OpenAI`'s dialect; only vectors are kept for
    /// clients of others.
    #[must_use]
    pub fn kept(&self, pivot: Bytes) -> Option<Bytes> {
        let embeds = self.foreign.embeds.as_ref()?;
        let document = Document::parse(pivot, usize::MAX).ok()?;
        gemini::canon::embedding::write_vectors(&document, embeds.form).map(Bytes::from)
    }

    /// Writes a stream.
    #[must_use]
    pub fn writer(&self) -> Box<dyn WriteStream> {
        if self.foreign.is_array {
            return Box::new(gemini::canon::ArrayStream::new(&self.head()));
        }
        (self.codec().write_stream)(&self.head())
    }

    /// A whole stream of `OpenAI`'s dialect.
    #[must_use]
    pub fn stream(&self, pivot: &Bytes) -> Bytes {
        let mut frames = Vec::new();
        let mut framer = Framer::new(usize::MAX);
        let mut reader = openai::canon::StreamReader::new(Names::default());
        let mut writer = self.writer();
        let (mut chunks, mut written) = (Vec::new(), Vec::new());
        // The gateway wrote it: it is neither endless nor malformed.
        let _ = framer.push(pivot.clone(), &mut frames);
        for frame in &frames {
            let _ = reader.push(frame, &mut chunks);
        }
        for chunk in &chunks {
            writer.push(chunk, &mut written);
        }
        written.concat().into()
    }
}
