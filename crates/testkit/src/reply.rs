//! What a fake upstream does with one request: an answer, its pace, and how
//! it goes wrong.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::openai;

/// What the body is made of, where it depends on the request.
#[derive(Clone, Debug)]
enum Content {
    /// These pieces, whatever was asked.
    Fixed(Vec<Bytes>),
    /// A plain chat answer; names the model that was asked for.
    Chat(Value, &'static str),
    /// A streamed chat answer of these deltas, with a usage chunk if asked.
    Stream(Vec<Value>, &'static str),
    /// One embedding for each input, as floats or base64, as asked.
    Embeddings(usize),
    /// The model's legacy completion.
    Completion(String),
}

/// How the body ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum End {
    /// As it should.
    #[default]
    Whole,
    /// The connection is reset after so many bytes.
    Reset(usize),
    /// The connection is closed after so many bytes, with more promised.
    Truncated(usize),
    /// Nothing more ever comes after the last piece.
    Never,
}

/// One scripted answer. Built with a constructor, then refined:
/// `Reply::chat("hello").delay_head(Duration::from_secs(3))`.
#[derive(Clone, Debug)]
pub struct Reply {
    content: Content,
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) head_after: Duration,
    pub(crate) hangs_before_head: bool,
    pub(crate) between: Duration,
    pub(crate) end: End,
}

impl Reply {
    fn of(content: Content, kind: &'static str) -> Self {
        Self {
            content,
            status: StatusCode::OK,
            headers: vec![(http::header::CONTENT_TYPE, HeaderValue::from_static(kind))],
            head_after: Duration::ZERO,
            hangs_before_head: false,
            between: Duration::ZERO,
            end: End::Whole,
        }
    }

    /// A plain chat answer with this text.
    #[must_use]
    pub fn chat(text: &str) -> Self {
        let message = json!({"role": "assistant", "content": text});
        Self::of(Content::Chat(message, "stop"), "application/json")
    }

    /// A plain chat answer that calls tools: `(name, arguments)` each.
    #[must_use]
    pub fn tool_calls(calls: &[(&str, &str)]) -> Self {
        let calls: Vec<Value> = openai::calls(calls).collect();
        let message = json!({"role": "assistant", "content": null, "tool_calls": calls});
        Self::of(Content::Chat(message, "tool_calls"), "application/json")
    }

    /// A streamed chat answer with one chunk for each text, between a role
    /// chunk and a finish chunk; then usage if the request asked for it, then
    /// `[DONE]`. Each event is a piece of its own on the wire.
    #[must_use]
    pub fn chat_stream(texts: &[&str]) -> Self {
        let deltas = texts.iter().map(|text| json!({"content": text}));
        Self::of(
            Content::Stream(deltas.collect(), "stop"),
            "text/event-stream",
        )
    }

    /// A streamed chat answer that calls tools, their arguments in two parts,
    /// the parts of parallel calls interleaved.
    #[must_use]
    pub fn tool_call_stream(calls: &[(&str, &str)]) -> Self {
        let deltas = openai::call_deltas(calls);
        Self::of(Content::Stream(deltas, "tool_calls"), "text/event-stream")
    }

    /// One embedding of this many dimensions for each input.
    #[must_use]
    pub fn embeddings(dimensions: usize) -> Self {
        Self::of(Content::Embeddings(dimensions), "application/json")
    }

    /// A plain answer of the legacy completions endpoint.
    #[must_use]
    pub fn completion(text: &str) -> Self {
        Self::of(Content::Completion(text.to_owned()), "application/json")
    }

    /// These bytes as JSON, untouched.
    #[must_use]
    pub fn json(body: impl Into<Bytes>) -> Self {
        Self::of(Content::Fixed(vec![body.into()]), "application/json")
    }

    /// An event stream of these pieces, cut exactly so.
    #[must_use]
    pub fn sse<T: Into<Bytes>>(pieces: impl IntoIterator<Item = T>) -> Self {
        let pieces = pieces.into_iter().map(Into::into).collect();
        Self::of(Content::Fixed(pieces), "text/event-stream")
    }

    /// An error in `OpenAI`'s shape with this status.
    ///
    /// # Panics
    /// If the number is no HTTP status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        let kind = match status {
            400 => "invalid_request_error",
            401 => "authentication_error",
            429 => "rate_limit_error",
            _ => "server_error",
        };
        let body = openai::error("the fake says no", kind);
        Self::json(body).with_status(status)
    }

    /// A 200 stream that sends these texts and then an error event.
    #[must_use]
    pub fn error_in_stream(texts: &[&str]) -> Self {
        let mut pieces: Vec<Bytes> = Vec::new();
        pieces.push(openai::chunk(
            "fake-model",
            &json!({"role": "assistant", "content": ""}),
            None,
        ));
        pieces.extend(
            texts
                .iter()
                .map(|text| openai::chunk("fake-model", &json!({"content": text}), None)),
        );
        let error = openai::error("the fake broke", "server_error");
        pieces.push(Bytes::from(format!("data: {error}\n\n")));
        Self::sse(pieces)
    }

    /// Takes the request and never answers.
    #[must_use]
    pub fn hang() -> Self {
        let mut reply = Self::json("");
        reply.hangs_before_head = true;
        reply
    }

    /// Sets the status; the body stays.
    ///
    /// # Panics
    /// If the number is no HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = StatusCode::from_u16(status).expect("a status");
        self
    }

    /// Sets a header, instead of any of that name.
    ///
    /// # Panics
    /// If name or value cannot stand in a head.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::try_from(name).expect("a header name");
        let value = HeaderValue::try_from(value).expect("a header value");
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value));
        self
    }

    /// Adds `retry-after`, as the upstream would spell it: seconds or a date.
    #[must_use]
    pub fn retry_after(self, value: impl ToString) -> Self {
        self.header("retry-after", &value.to_string())
    }

    /// Waits (on tokio's clock) before the head.
    #[must_use]
    pub fn delay_head(mut self, wait: Duration) -> Self {
        self.head_after = wait;
        self
    }

    /// Waits (on tokio's clock) before every piece but the first.
    #[must_use]
    pub fn delay_between(mut self, wait: Duration) -> Self {
        self.between = wait;
        self
    }

    /// Resets the connection after this many bytes of the body.
    #[must_use]
    pub fn reset_after(mut self, bytes: usize) -> Self {
        self.end = End::Reset(bytes);
        self
    }

    /// Promises the whole body by `content-length` and closes the connection
    /// after this many bytes of it.
    #[must_use]
    pub fn truncate_after(mut self, bytes: usize) -> Self {
        self.end = End::Truncated(bytes);
        self
    }

    /// Sends everything, then neither ends the body nor closes.
    #[must_use]
    pub fn then_hang(mut self) -> Self {
        self.end = End::Never;
        self
    }

    /// The pieces of the body that answer this request.
    pub(crate) fn pieces(&self, request: &[u8]) -> Vec<Bytes> {
        let asked: Value = serde_json::from_slice(request).unwrap_or_default();
        let model = asked["model"].as_str().unwrap_or("fake-model");
        match &self.content {
            Content::Fixed(pieces) => pieces.clone(),
            Content::Chat(message, finish) => {
                vec![openai::chat_answer(model, message, finish)]
            }
            Content::Stream(deltas, finish) => {
                let wants_usage = asked["stream_options"]["include_usage"] == true;
                openai::chat_chunks(model, deltas, finish, wants_usage.then(openai::usage))
            }
            Content::Embeddings(dimensions) => {
                vec![openai::embeddings_answer(model, &asked, *dimensions)]
            }
            Content::Completion(text) => vec![openai::completion_answer(model, text)],
        }
    }
}
