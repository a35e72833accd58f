//! A client that speaks another dialect than `OpenAI`'s: how it is answered.

use std::sync::Arc;

use bytes::Bytes;
use dialects::openai;
use dialects::sse::Framer;
use dialects::translate::{Codec, Head, Names, WriteStream};
use domain::canon::Answer;
use domain::ids::TicketId;
use domain::time::UnixMicros;

use crate::accept::Foreign;

/// Writes answers in the client's dialect.
#[derive(Clone)]
pub struct Client {
    foreign: Arc<Foreign>,
    id: String,
    created: i64,
}

impl Client {
    /// Of this request.
    #[must_use]
    pub fn new(foreign: Arc<Foreign>, ticket: TicketId, at: UnixMicros) -> Self {
        Self {
            foreign,
            id: format!("{:032x}", u128::from_be_bytes(ticket.to_bytes())),
            created: at.seconds(),
        }
    }

    /// Its dialect.
    #[must_use]
    pub fn codec(&self) -> &'static Codec {
        self.foreign.codec
    }

    fn head(&self) -> Head<'_> {
        Head {
            request: &self.foreign.request,
            created: self.created,
            id: &self.id,
        }
    }

    /// A whole answer.
    #[must_use]
    pub fn answer(&self, answer: &Answer) -> Bytes {
        (self.codec().write_answer)(answer, &self.head()).into()
    }

    /// Writes a stream.
    #[must_use]
    pub fn writer(&self) -> Box<dyn WriteStream> {
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
