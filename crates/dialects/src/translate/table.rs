//! The tables of dialects.

use bytes::Bytes;
use domain::canon::{Chunk, Dialect};

use super::codec::{Codec, Malformed, ReadStream, Upstream, WriteStream};
use super::{by_url, elsewhere};
use crate::sse::Frame;
use crate::{anthropic, cohere, converse, gemini, ollama, openai, responses};

/// What providers speak: a line of the table, and the streams of its folder.
/// The line says what has to come as bytes that lies at a URL; a dialect whose
/// streams have no end mark says `finish`.
macro_rules! upstreams {
    ($($dialect:ident in $folder:ident, bytes $bytes:path $(, $finish:ident)?;)*) => {
        static UPSTREAMS: &[Upstream] = &[$(Upstream {
            dialect: Dialect::$dialect,
            write_request: |request, target| {
                let write = $folder::canon::write_request;
                elsewhere::written(request, target, (Dialect::$dialect, write))
            },
            wants_bytes: $bytes,
            read_answer: $folder::canon::read_answer,
            read_stream: |names| Box::new($folder::canon::StreamReader::new(names)),
            read_fault: $folder::canon::read_fault,
        },)*];

        $(
            impl ReadStream for $folder::canon::StreamReader {
                fn push(&mut self, frame: &Frame, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
                    Self::push(self, frame, out)
                }

                $(fn $finish(&mut self, out: &mut Vec<Chunk>) {
                    Self::$finish(self, out);
                })?
            }
        )*
    };
}

/// What clients speak; the line says where a policy's rules go.
macro_rules! codecs {
    ($($dialect:ident in $folder:ident, rules $rules:path;)*) => {
        static CODECS: &[Codec] = &[$(Codec {
            dialect: Dialect::$dialect,
            read_request: $folder::canon::read_request,
            system_rules: $rules,
            write_answer: $folder::canon::write_answer,
            write_stream: |head| Box::new($folder::canon::StreamWriter::new(head)),
            write_fault: $folder::canon::write_fault,
            write_fault_event: $folder::canon::write_fault_event,
        },)*];

        $(
            impl WriteStream for $folder::canon::StreamWriter {
                fn push(&mut self, chunk: &Chunk, out: &mut Vec<Bytes>) {
                    Self::push(self, chunk, out);
                }
            }
        )*
    };
}

upstreams! {
    OpenAi in openai, bytes by_url::is_document;
    Responses in responses, bytes by_url::is_nothing;
    Anthropic in anthropic, bytes by_url::is_nothing;
    Gemini in gemini, bytes gemini::canon::wants_bytes, finish;
    Converse in converse, bytes by_url::is_seen, finish;
    Cohere in cohere, bytes by_url::is_nothing;
    Ollama in ollama, bytes by_url::is_image;
}

codecs! {
    OpenAi in openai, rules openai::chat_rules;
    Responses in responses, rules responses::system_rules;
    Anthropic in anthropic, rules anthropic::system_rules;
    Gemini in gemini, rules gemini::system_rules;
}

/// The translators of a dialect that clients speak.
#[must_use]
pub fn codec(dialect: Dialect) -> Option<&'static Codec> {
    CODECS.iter().find(|codec| codec.dialect == dialect)
}

/// The translators of a dialect that providers speak.
#[must_use]
pub fn upstream(dialect: Dialect) -> Option<&'static Upstream> {
    UPSTREAMS.iter().find(|codec| codec.dialect == dialect)
}
