//! Every dialect's readers take whatever comes, and what is written of it is
//! its dialect's: valid, and read again. Neither a cut changes a translated
//! stream's frames. The first byte says whose dialect, what it is and how much
//! the client asked; the second where the cuts are, or which status came.

#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use dialects::embeddings::{self, Answered};
use dialects::framing::{Cutter, Unreadable};
use dialects::gemini::canon::embedding::{Embeds, Form, write_embeds, write_vectors};
use dialects::json::Document;
use dialects::sse::{Frame, Framer};
use dialects::translate::{
    Client, Codec, Embedder, Frames, Head, Names, Target, Upstream, codec, embedder, upstream,
};
use domain::canon::{Dialect, Request, Stop};
use domain::embedding::{EmbeddingDoor, EmbeddingForm};
use domain::traits::Traits;
use libfuzzer_sys::fuzz_target;

const ASKED: &[u8] =
    include_bytes!("../../crates/dialects/fixtures/openai/canon/requests/conversation.json");
/// What the answers answer: nothing much, and much.
static REQUESTS: LazyLock<[Request; 2]> = LazyLock::new(|| {
    let much = (of(Dialect::OpenAi).read_request)(&json(ASKED)).expect("a fixture");
    [Request::default(), much].map(|request| Request {
        stream: true,
        stream_usage: true,
        ..request
    })
});

fn of(dialect: Dialect) -> &'static Codec {
    codec(dialect).expect("a line of the table")
}

fn told_by(dialect: Dialect) -> &'static Upstream {
    upstream(dialect).expect("a line of the table")
}

fn json(written: &[u8]) -> Document {
    let document = Document::parse(Bytes::copy_from_slice(written), usize::MAX);
    document.unwrap_or_else(|error| panic!("{error}: {}", shown(written)))
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn head(request: &Request) -> Head<'_> {
    Head {
        request,
        created: 1,
        id: "0123",
        request_id: "r",
    }
}

fuzz_target!(|input: &[u8]| {
    let [what, number, body @ ..] = input else {
        return;
    };
    // Clients' dialects first; a further bit takes one that only providers speak.
    let theirs = usize::from(what & 3) + usize::from(what >> 5 & 1) * Dialect::CLIENTS.len();
    let theirs = Dialect::ALL[theirs.min(Dialect::ALL.len() - 1)];
    let request = &REQUESTS[usize::from(what >> 4 & 1)];
    let document = |depth| Document::parse(Bytes::copy_from_slice(body), depth).ok();
    match what >> 2 & 3 {
        0 => {
            if let Some(document) = document(64) {
                asked(theirs, &document, *number);
                embedded(&document);
            }
        }
        1 => {
            if let Some(document) = document(512) {
                answered(told_by(theirs), &document, request);
                vectors(&document);
            }
        }
        2 => streamed(told_by(theirs), body, usize::from(*number).max(1), request),
        _ => failed(told_by(theirs), 400 + u16::from(*number), body),
    }
});

/// A request that can be read can be written for everybody.
fn asked(theirs: Dialect, document: &Document, number: u8) {
    let Some(Ok(request)) = codec(theirs).map(|theirs| (theirs.read_request)(document)) else {
        return;
    };
    let names = Names::of(&request);
    let target = Target {
        model: "m",
        output_limit: (number & 1 == 1).then_some(4096),
        reasons: number & 2 == 2,
        traits: Traits::default(),
        names: &names,
    };
    for ours in Dialect::ALL.map(told_by) {
        let written = (ours.write_request)(&request, &target).value;
        let written = json(&written);
        let again = codec(ours.dialect).map(|ours| (ours.read_request)(&written));
        if let Some(Err(refusal)) = again {
            panic!(
                "{:?}: {refusal:?}: {}",
                ours.dialect,
                shown(written.bytes())
            );
        }
    }
}

fn embedders() -> impl Iterator<Item = &'static Embedder> {
    Dialect::ALL.into_iter().filter_map(embedder)
}

/// What a client of Gemini's wants embedded can be asked in every dialect, but
/// for one that takes fewer texts.
fn embedded(document: &Document) {
    for form in [Form::One, Form::Many] {
        let Ok(embeds) = Embeds::read(document, form) else {
            continue;
        };
        let pivot = json(&embeds.pivot("m").value);
        let written = write_embeds(&pivot, Some(&embeds), "m").expect("texts");
        Embeds::read(&json(&written.value), Form::Many).expect("a request");
        for theirs in embedders() {
            if let Ok(written) = (theirs.write_embeds)(&pivot, Some(&embeds), "m") {
                json(&written.value);
            }
        }
        for part in embeddings::own(document, form).into_iter().flatten() {
            json(&part.body);
        }
        for door in doors() {
            let parts = embeddings::write(&pivot, Some(&embeds), &door);
            for part in parts.into_iter().flat_map(|written| written.value) {
                json(&part.body);
            }
        }
    }
}

/// Every form of a model's own.
fn doors() -> impl Iterator<Item = EmbeddingDoor> {
    EmbeddingForm::ALL
        .into_iter()
        .map(|(form, _)| EmbeddingDoor {
            models: Vec::new(),
            form,
            path: String::new(),
            most: 2,
            dimensions: true,
        })
}

/// Vectors of any dialect can be written in the others.
fn vectors(document: &Document) {
    for (form, _) in EmbeddingForm::ALL {
        if let Some(answer) = Answered::read(form, json(document.bytes()), 1, None)
            && let Some(pivot) = embeddings::read(form, &[answer], document, "m")
        {
            json(&pivot);
        }
    }
    for theirs in embedders() {
        if let Some(pivot) = (theirs.read_vectors)(document, document, "m") {
            let written = write_vectors(&json(&pivot), Form::Many).expect("vectors");
            json(&written);
        }
    }
    if let Some(written) = write_vectors(document, Form::Many) {
        json(&written);
    }
}

/// An answer that can be read can be written for everybody.
fn answered(theirs: &Upstream, document: &Document, request: &Request) {
    let names = Names::of(request);
    let Some(answer) = (theirs.read_answer)(document, &names) else {
        return;
    };
    let is_odd = |stop: &Stop| matches!(stop, Stop::Paused | Stop::Other(_));
    let is_odd = answer
        .choices
        .iter()
        .any(|choice| choice.stop.as_ref().is_some_and(is_odd));
    for ours in Dialect::CLIENTS.map(of) {
        let written = (ours.write_answer)(&answer, &head(request));
        let again = (told_by(ours.dialect).read_answer)(&json(&written), &names);
        let dialect = ours.dialect;
        // Of Gemini, nothing but an unusual end is a failure, and no answer.
        let is_failure = is_odd && dialect == Dialect::Gemini;
        assert!(
            again.is_some() || is_failure,
            "{dialect:?}: {}",
            shown(&written)
        );
    }
}

/// A stream is the same however it was cut, and its events are their dialect's.
fn streamed(theirs: &Upstream, body: &[u8], step: usize, request: &Request) {
    for ours in Dialect::CLIENTS.map(of) {
        let whole = told(theirs, ours, body, body.len().max(1), request);
        assert_eq!(told(theirs, ours, body, step, request), whole);
        let (frames, _) = whole;
        for data in frames.iter().filter_map(|frame| frame.data.as_ref()) {
            event(data);
        }
        left(ours, &frames);
    }
}

/// The frames that a stream gives for a client, and how it ends.
fn told(
    theirs: &Upstream,
    ours: &Codec,
    body: &[u8],
    step: usize,
    request: &Request,
) -> (Vec<Frame>, Result<(), Unreadable>) {
    let reader = (theirs.read_stream)(Names::of(request));
    let pivot = (of(Dialect::OpenAi).write_stream)(&head(request));
    let client = match ours.dialect {
        Dialect::OpenAi => Client::Pivot,
        _ => Client::Written((ours.write_stream)(&head(request))),
    };
    let kind: &[u8] = match theirs.dialect {
        Dialect::Converse => b"application/vnd.amazon.eventstream",
        Dialect::Ollama => b"application/x-ndjson",
        _ => b"text/event-stream",
    };
    let cutter = Cutter::of(kind, theirs.dialect, 1 << 20).expect("a stream");
    let mut frames = Frames::translated(cutter, reader, pivot, client);
    let mut out = Vec::new();
    let mut cuts = body.chunks(step).map(Bytes::copy_from_slice);
    let end = cuts
        .try_for_each(|cut| frames.push(cut, &mut out))
        .and_then(|()| frames.finish(&mut out));
    (out, end)
}

/// What an event says is JSON, or the end.
fn event(data: &[u8]) {
    if data.trim_ascii() != b"[DONE]" {
        json(data);
    }
}

/// What left is whole frames, which the client's own dialect reads.
fn left(ours: &Codec, frames: &[Frame]) {
    let left: Vec<u8> = frames
        .iter()
        .flat_map(|frame| frame.bytes.to_vec())
        .collect();
    let mut framer = Framer::new(usize::MAX);
    let mut again = Vec::new();
    framer.push(left.into(), &mut again).expect("short");
    // Google's errors have no blank line behind them.
    again.extend(framer.last());
    let mut reader = (told_by(ours.dialect).read_stream)(Names::default());
    let mut chunks = Vec::new();
    for frame in &again {
        // A comment is a sign of life.
        if !frame.bytes.starts_with(b":") {
            event(frame.data.as_deref().unwrap_or(&frame.bytes));
        }
        if let Err(malformed) = reader.push(frame, &mut chunks) {
            panic!("{:?}: {malformed}: {}", ours.dialect, shown(&frame.bytes));
        }
    }
}

/// An error can be written for everybody.
fn failed(theirs: &Upstream, status: u16, body: &[u8]) {
    let fault = (theirs.read_fault)(status, body);
    for ours in Dialect::CLIENTS.map(of) {
        json(&(ours.write_fault)(&fault, "0123"));
        let mut frames = Vec::new();
        let mut framer = Framer::new(usize::MAX);
        let event = (ours.write_fault_event)(&fault, "0123");
        framer.push(event, &mut frames).expect("short");
        frames.extend(framer.last());
        assert!(!frames.is_empty(), "{:?} says nothing", ours.dialect);
        for frame in &frames {
            json(frame.data.as_deref().unwrap_or(&frame.bytes));
        }
    }
}
